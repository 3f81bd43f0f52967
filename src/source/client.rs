use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::time::sleep;

use super::attempt::{Attempt, Failure};
use super::auth::Tokens;
use super::retry::Patience;
use super::{BaseUrl, Credentials, Fault, Page, PageRequest, RateLimiter, RetryPolicy, SourceError};
use crate::clock::UtcTime;

/// Where pages come from: the [`Client`], or a stand-in that has them in memory.
#[async_trait]
pub trait PageSource: Send + Sync {
    /// Gets the answer to `request`, whole and checked: a JSON object with a `data` array.
    ///
    /// # Errors
    /// See [`SourceError`]; what a retry can help was retried.
    async fn fetch(&self, request: &PageRequest) -> Result<Page, SourceError>;

    /// What was sent and received so far.
    fn traffic(&self) -> Traffic;
}

/// What a [`Client`] needs to know.
#[derive(Debug, Clone)]
pub struct ClientSettings {
    /// Where the API lives.
    pub base_url: BaseUrl,
    /// How to log in.
    pub credentials: Credentials,
    /// Limit for setting up a connection.
    pub connect_timeout: Duration,
    /// Limit for a silence of the server while its answer is awaited or read.
    pub idle_timeout: Duration,
    /// Limit for one attempt, from sending to the last byte.
    pub request_timeout: Duration,
    /// When a failed attempt is made again.
    pub retry: RetryPolicy,
    /// File of PEM certificates that are trusted besides the platform's.
    pub ca_file: Option<PathBuf>,
    /// The header `user-agent`.
    pub user_agent: String,
    /// Largest answer that is taken, unpacked.
    pub max_body_bytes: usize,
}

impl ClientSettings {
    /// Settings with the defaults for all but the address and the login. The limits are decided, not measured: a
    /// page of 100 records has about 250 kB.
    pub fn new(base_url: BaseUrl, credentials: Credentials) -> Self {
        Self {
            base_url,
            credentials,
            connect_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_mins(1),
            request_timeout: Duration::from_mins(3),
            retry: RetryPolicy::default(),
            ca_file: None,
            user_agent: concat!("kore-lake/", env!("CARGO_PKG_VERSION")).to_owned(),
            max_body_bytes: 64 << 20,
        }
    }
}

/// What a client has sent and received so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Traffic {
    /// Attempts, retries included.
    pub requests: u64,
    /// Attempts after the first of a request.
    pub retries: u64,
    /// Bytes of the pages that were taken, unpacked.
    pub page_bytes: u64,
}

/// The API over HTTPS: one connection pool, one rate limit, tokens renewed on the way.
#[derive(Debug)]
pub struct Client {
    pub(super) http: reqwest::Client,
    pub(super) settings: ClientSettings,
    pub(super) tokens: Tokens,
    pub(super) limiter: RateLimiter,
    requests: AtomicU64,
    retries: AtomicU64,
    page_bytes: AtomicU64,
}

impl Client {
    /// Makes a client; nothing is sent yet. All clients of an account should share one `limiter`.
    ///
    /// # Errors
    /// [`SourceError::CaFile`], [`SourceError::Setup`], or [`SourceError::Setting`] for a token that no header can
    /// carry. A retry does not help.
    pub fn new(settings: ClientSettings, limiter: RateLimiter) -> Result<Self, SourceError> {
        settings.credentials.check()?;
        let http = transport(&settings)?;
        let tokens = Tokens::new(settings.credentials.clone());
        let none = AtomicU64::default;
        Ok(Self { http, settings, tokens, limiter, requests: none(), retries: none(), page_bytes: none() })
    }

    fn count_attempt(&self, failures: u32) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.retries.fetch_add(u64::from(failures > 0), Ordering::Relaxed);
    }

    fn page(&self, request: &PageRequest, body: Bytes) -> Page {
        self.page_bytes.fetch_add(u64::try_from(body.len()).unwrap_or(u64::MAX), Ordering::Relaxed);
        Page { request: request.clone(), fetched_at: UtcTime::now(), body }
    }

    /// A wait of nothing that the server names, or a date that has passed by our clock, would have us ask again
    /// and again at once: then our own wait counts.
    pub(super) fn wait_after(&self, failures: u32, fault: &Fault, named: Option<Duration>) -> Duration {
        let retry = &self.settings.retry;
        match named.filter(|wait| !wait.is_zero()) {
            Some(wait) => wait,
            None if is_throttled(fault) => retry.throttled(fastrand::f64()),
            None => retry.backoff(failures, fastrand::f64()),
        }
    }

    /// Waits before the next attempt. A server that throttles holds back every request of the process.
    async fn wait(&self, fault: &Fault, wait: Duration) {
        if is_throttled(fault) {
            self.limiter.pause(wait);
        }
        sleep(wait).await;
    }
}

#[async_trait]
impl PageSource for Client {
    async fn fetch(&self, request: &PageRequest) -> Result<Page, SourceError> {
        let attempt = Attempt::new(self, request);
        let mut patience = Patience::new(&self.settings.retry, self.traffic().page_bytes > 0);
        let mut may_renew = true;
        loop {
            let permit = self.limiter.acquire().await;
            self.count_attempt(patience.failures);
            let time_left = patience.begin();
            let token = self.tokens.token(UtcTime::now());
            match attempt.send(token.text(), permit, time_left).await {
                Ok(body) => {
                    token.works();
                    return Ok(self.page(request, body));
                }
                // A token that worked has run out, however often that happens; a new one may be refused once.
                Err(Failure::Login { status: 401, .. })
                    if (may_renew || token.has_worked()) && self.tokens.refused(&token) =>
                {
                    may_renew = token.has_worked();
                }
                Err(Failure::Login { status, message }) => return Err(attempt.login(status, message)),
                Err(Failure::Refused(refusal)) => return Err(SourceError::Refused(refusal)),
                Err(Failure::Lasting(fault)) => return Err(attempt.unavailable(&patience, fault)),
                Err(Failure::Passing { fault, named_wait }) => {
                    patience.note(&fault);
                    let wait = self.wait_after(patience.failures, &fault, named_wait);
                    if !patience.allows(wait) {
                        let fault = patience.telling(fault);
                        return Err(attempt.unavailable(&patience, fault));
                    }
                    attempt.log_retry(&fault, wait);
                    self.wait(&fault, wait).await;
                    patience.keep(fault);
                    may_renew = true;
                }
            }
        }
    }

    fn traffic(&self) -> Traffic {
        Traffic {
            requests: self.requests.load(Ordering::Relaxed),
            retries: self.retries.load(Ordering::Relaxed),
            page_bytes: self.page_bytes.load(Ordering::Relaxed),
        }
    }
}

fn is_throttled(fault: &Fault) -> bool {
    matches!(fault, Fault::Status { status: 429, .. })
}

/// The one connection pool. Redirects are not followed and nothing is repeated below us: a token must not go to
/// another host, nor a request out uncounted.
fn transport(settings: &ClientSettings) -> Result<reqwest::Client, SourceError> {
    // Another provider that the process has installed serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .connect_timeout(settings.connect_timeout)
        .read_timeout(settings.idle_timeout)
        .user_agent(&settings.user_agent)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never());
    if settings.base_url.is_loopback() {
        builder = builder.no_proxy();
    }
    let extra = settings.ca_file.as_ref().map(certificates).transpose()?.unwrap_or_default();
    // Plain HTTP needs no roots, and a bare machine may have none.
    builder = if settings.base_url.is_http() { builder.tls_certs_only(extra) } else { builder.tls_certs_merge(extra) };
    builder.build().map_err(SourceError::Setup)
}

fn certificates(path: &PathBuf) -> Result<Vec<reqwest::Certificate>, SourceError> {
    let failed = |source| SourceError::CaFile { path: path.clone(), source };
    let pem = std::fs::read(path).map_err(failed)?;
    let found = reqwest::Certificate::from_pem_bundle(&pem).unwrap_or_default();
    if found.is_empty() {
        let none = "expected certificates in PEM, found none";
        return Err(failed(std::io::Error::new(std::io::ErrorKind::InvalidData, none)));
    }
    Ok(found)
}
