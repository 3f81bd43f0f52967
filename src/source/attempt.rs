//! One request on its way: what is sent, and what the answer means.

use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{RequestBuilder, Response};
use url::Url;

use super::client::Client;
use super::limiter::Permit;
use super::retry::{Patience, retry_after};
use super::secret::repeatable;
use super::{AnswerFault, Fault, PageRequest, Refusal, RefusalReason, Secret, SourceError, answer};

const METHOD: &str = "POST";

/// Of an error's body this much is read: enough for a message.
const ERROR_BODY_BYTES: usize = 64 << 10;

/// A request of one page, sent as often as it takes.
pub(super) struct Attempt<'a> {
    client: &'a Client,
    request: &'a PageRequest,
    endpoint: Url,
    url: Url,
    body: Bytes,
}

/// Why an attempt brought no page.
pub(super) enum Failure {
    Login {
        status: u16,
        message: Option<String>,
    },
    Refused(Box<Refusal>),
    /// The next attempt would end alike.
    Lasting(Fault),
    /// The next attempt may pass, after the wait that the server named, if it named one.
    Passing {
        fault: Fault,
        named_wait: Option<Duration>,
    },
}

impl<'a> Attempt<'a> {
    pub(super) fn new(client: &'a Client, request: &'a PageRequest) -> Self {
        let endpoint = client.settings.base_url.endpoint(request);
        let body = serde_json::to_vec(&request.body).expect("a map with text keys is JSON");
        Self { client, request, url: with_query(endpoint.clone(), request), endpoint, body: body.into() }
    }

    pub(super) async fn send(&self, token: &Secret, permit: Permit, time_left: Duration) -> Result<Bytes, Failure> {
        let timeout = self.client.settings.request_timeout.min(time_left);
        let response = self.prepared(token).timeout(timeout).send().await.map_err(broken)?;
        drop(permit); // The server has counted the request.
        match response.status().as_u16() {
            200 => self.page(response).await.map_err(|fault| self.no_page(fault, token)),
            status => Err(self.refusal(status, response, token).await),
        }
    }

    fn prepared(&self, token: &Secret) -> RequestBuilder {
        let mut headers = HeaderMap::new();
        let mut auth = HeaderValue::from_str(token.expose()).expect("the client checks its token when it is made");
        auth.set_sensitive(true);
        headers.insert("auth", auth);
        headers.insert("accountid", id_header(self.request.account_id.as_str()));
        if let Some(stream) = &self.request.stream_id {
            headers.insert("iid", id_header(stream.as_str()));
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        self.client.http.post(self.url.clone()).headers(headers).body(self.body.clone())
    }

    async fn page(&self, response: Response) -> Result<Bytes, Fault> {
        let cap_bytes = self.client.settings.max_body_bytes;
        let body = read(response, cap_bytes).await?;
        if body.len() > cap_bytes {
            return Err(Fault::Answer(AnswerFault::TooLarge { cap_bytes }));
        }
        answer::check(&body).map_err(Fault::Answer)?;
        Ok(body)
    }

    fn no_page(&self, fault: Fault, token: &Secret) -> Failure {
        match fault {
            Fault::Answer(AnswerFault::TooLarge { .. }) => Failure::Lasting(fault),
            Fault::Answer(AnswerFault::NoData(Some(said))) => {
                passing(Fault::Answer(AnswerFault::NoData(Some(self.repeatable(&said, token)))))
            }
            fault => passing(fault),
        }
    }

    async fn refusal(&self, status: u16, response: Response, token: &Secret) -> Failure {
        let named_wait = named_wait(response.headers());
        // A broken error body costs the message, not the status.
        let body = read(response, ERROR_BODY_BYTES).await.unwrap_or_default();
        let message = answer::message(&body).map(|said| self.repeatable(&said, token));
        match status {
            401 | 403 => Failure::Login { status, message },
            408 | 425 | 429 | 500.. => Failure::Passing { fault: Fault::Status { status, message }, named_wait },
            _ => {
                let reason = RefusalReason::read(status, message.as_deref(), &self.request.body.selected_fields);
                Failure::Refused(Box::new(Refusal { url: self.endpoint.to_string(), status, message, reason }))
            }
        }
    }

    fn repeatable(&self, said: &str, token: &Secret) -> String {
        repeatable(said, &[token, self.client.tokens.secret()])
    }

    pub(super) fn login(&self, status: u16, message: Option<String>) -> SourceError {
        SourceError::Login { url: self.endpoint.to_string(), status, message }
    }

    pub(super) fn unavailable(&self, patience: &Patience<'_>, fault: Fault) -> SourceError {
        SourceError::Unavailable {
            method: METHOD,
            url: self.url.to_string(),
            attempts: patience.attempts,
            elapsed: patience.elapsed(),
            source: Box::new(fault),
        }
    }

    pub(super) fn log_retry(&self, fault: &Fault, wait: Duration) {
        let cause = std::error::Error::source(fault).map(ToString::to_string);
        tracing::warn!(url = %self.url, %fault, cause, wait_ms = wait.as_millis(), "page is asked for again");
    }
}

fn with_query(mut url: Url, request: &PageRequest) -> Url {
    let numbers = [("limit", request.limit), ("offset", request.offset)];
    for (name, number) in numbers.into_iter().filter_map(|(name, number)| Some((name, number?))) {
        url.query_pairs_mut().append_pair(name, &number.to_string());
    }
    url
}

fn id_header(id: &str) -> HeaderValue {
    HeaderValue::from_str(id).expect("ids are letters, digits and `._-`")
}

/// Reads the body whole, or until it is longer than `cap_bytes`.
async fn read(mut response: Response, cap_bytes: usize) -> Result<Bytes, Fault> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(fault)? {
        body.extend_from_slice(&chunk);
        if body.len() > cap_bytes {
            break;
        }
    }
    Ok(body.freeze())
}

fn named_wait(headers: &HeaderMap) -> Option<Duration> {
    retry_after(headers.get(RETRY_AFTER)?.to_str().ok()?, SystemTime::now())
}

fn passing(fault: Fault) -> Failure {
    Failure::Passing { fault, named_wait: None }
}

fn broken(error: reqwest::Error) -> Failure {
    passing(fault(error))
}

/// The URL stands in our own error.
fn fault(error: reqwest::Error) -> Fault {
    let error = error.without_url();
    if error.is_connect() {
        Fault::Connect(error)
    } else if error.is_timeout() {
        Fault::Timeout(error)
    } else {
        Fault::Transport(error)
    }
}
