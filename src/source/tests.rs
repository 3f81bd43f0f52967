//! The client against a server that answers by script.

use std::error::Error;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use jsonwebtoken::dangerous::insecure_decode;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::schema::ApiVersion;

const PAGE: &str = r#"{"numResults":1,"data":[{"sessionId":"68dc8d9c4afb07c72ac5xxxx"}]}"#;
const SECRET: &str = "hunter2";

/// One answer of the server.
enum Reply {
    /// These bytes, then the connection is closed.
    Raw(String),
    /// These bytes, then silence.
    Stall(String),
}

/// A server on loopback that gives its replies in turn and keeps what it was asked.
struct Server {
    url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

#[derive(Debug, Clone)]
struct Asked {
    head: String,
    body: Value,
    at: Instant,
}

impl Server {
    async fn start(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        tokio::spawn(serve(listener, replies, asked.clone()));
        Self { url, asked }
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    fn settings(&self) -> ClientSettings {
        settings(&self.url, Credentials::Token(Secret::new(SECRET)))
    }

    fn client(&self) -> Client {
        Client::new(self.settings(), RateLimiter::per_minute(0)).unwrap()
    }
}

async fn serve(listener: TcpListener, replies: Vec<Reply>, asked: Arc<Mutex<Vec<Asked>>>) {
    let mut silent = Vec::new();
    for reply in replies {
        let (mut stream, _) = listener.accept().await.unwrap();
        let request = receive(&mut stream).await;
        asked.lock().unwrap().push(request);
        let (Reply::Raw(text) | Reply::Stall(text)) = &reply;
        stream.write_all(text.as_bytes()).await.unwrap();
        if matches!(reply, Reply::Stall(_)) {
            silent.push(stream);
        }
    }
    std::future::pending::<()>().await;
}

async fn receive(stream: &mut TcpStream) -> Asked {
    let mut bytes = Vec::new();
    loop {
        stream.read_buf(&mut bytes).await.unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n")
            && let Ok(body) = serde_json::from_str(body)
        {
            return Asked { head: head.to_owned(), body, at: Instant::now() };
        }
    }
}

impl Asked {
    fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        headers.find(|(header, _)| header.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

fn reply(status: &str, headers: &str, body: &str) -> Reply {
    let length = body.len();
    Reply::Raw(format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{body}"))
}

fn page() -> Reply {
    reply("200 OK", "", PAGE)
}

fn settings(url: &str, credentials: Credentials) -> ClientSettings {
    let base = BaseUrl::parse(url, false).unwrap();
    let retry = RetryPolicy {
        deadline: Duration::from_secs(20),
        unreachable_deadline: Duration::from_millis(200),
        base: Duration::from_millis(1),
        cap: Duration::from_millis(20),
        throttled: Duration::from_millis(20),
    };
    ClientSettings { retry, ..ClientSettings::new(base, credentials) }
}

fn key(jti: bool) -> Credentials {
    let client_secret = Secret::new(SECRET);
    let client_id = "cs-1".to_owned();
    Credentials::Key(Key { client_id, client_secret, algorithm: JwtAlgorithm::Hs256, subject: None, jti })
}

fn request() -> PageRequest {
    let template = RequestTemplate::new(ApiVersion::V2, "acc".parse().unwrap(), "st-1".parse().unwrap());
    let range = crate::clock::TimeRange::new("2026-01-31".parse().unwrap(), "2026-02-01".parse().unwrap()).unwrap();
    template.request(&Ask::of(Window::covering(range)), 4)
}

/// The error and its causes, with the server's address and the elapsed time taken out.
fn told(server: &Server, error: &SourceError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}\n{error}");
        cause = error.source();
    }
    assert!(!format!("{text}{error:?}").contains(SECRET), "{text}");
    let text = text.replace(&server.url, "URL");
    let path = "/agentassist/api/public/analytics/account/acc/v2/interactionDetails";
    text.replace(path, "/…")
}

#[tokio::test]
async fn a_request_carries_the_headers_and_body_of_the_documents() {
    let server = Server::start(vec![page()]).await;
    let page = server.client().fetch(&request()).await.unwrap();
    assert_eq!((page.body, page.request), (PAGE.into(), request()));
    let asked = &server.asked()[0];
    let line = "POST /agentassist/api/public/analytics/account/acc/v2/interactionDetails?limit=100&offset=4 HTTP/1.1";
    assert_eq!(asked.head.lines().next(), Some(line));
    for (name, value) in [
        ("auth", SECRET),
        ("accountId", "acc"),
        ("iId", "st-1"),
        ("content-type", "application/json"),
        ("accept", "application/json"),
        ("user-agent", concat!("kore-lake/", env!("CARGO_PKG_VERSION"))),
    ] {
        assert_eq!(asked.header(name), Some(value), "{name}");
    }
    assert!(!asked.head.to_lowercase().contains("x-timezone"));
    assert_eq!(asked.body, serde_json::to_value(request().body).unwrap());
}

#[tokio::test]
async fn the_first_version_has_its_own_address_and_a_page_without_stream_no_iid() {
    let server = Server::start(vec![page()]).await;
    let request = PageRequest { api: ApiVersion::V1, stream_id: None, ..request() };
    server.client().fetch(&request).await.unwrap();
    let asked = &server.asked()[0];
    let line = "POST /agentassist/api/public/analytics/account/acc/calldetails?limit=100&offset=4 HTTP/1.1";
    assert_eq!((asked.head.lines().next(), asked.header("iId")), (Some(line), None));
}

#[tokio::test]
async fn a_401_mints_a_new_token_once() {
    let refused = || reply("401 Unauthorized", "", r#"{"errors":[{"msg":"Invalid JWT token","code":4002}]}"#);
    let server = Server::start(vec![refused(), page(), refused(), refused()]).await;
    let client = Client::new(settings(&server.url, key(true)), RateLimiter::per_minute(0)).unwrap();
    client.fetch(&request()).await.unwrap();
    let tokens = server.asked();
    assert_ne!(tokens[0].header("auth"), tokens[1].header("auth"));
    let error = client.fetch(&request()).await.unwrap_err();
    assert_eq!(told(&server, &error), "login refused by `URL/…` with status 401: `Invalid JWT token (code 4002)`");
    assert!(matches!(error, SourceError::Login { status: 401, .. }));
    assert_eq!(client.traffic().requests, 4);
}

#[tokio::test]
async fn a_ready_token_that_is_refused_or_a_missing_permission_is_final() {
    for status in ["401 Unauthorized", "403 Forbidden"] {
        let server = Server::start(vec![reply(status, "", "<html>no</html>"), page()]).await;
        let error = server.client().fetch(&request()).await.unwrap_err();
        assert_eq!(told(&server, &error), format!("login refused by `URL/…` with status {}", &status[..3]));
        assert_eq!(server.asked().len(), 1);
    }
}

#[tokio::test]
async fn with_jti_a_retry_has_a_token_of_its_own_and_without_it_the_same() {
    for jti in [true, false] {
        let server = Server::start(vec![reply("500 Oops", "", ""), page()]).await;
        let client = Client::new(settings(&server.url, key(jti)), RateLimiter::per_minute(0)).unwrap();
        client.fetch(&request()).await.unwrap();
        let claims: Vec<Value> = server.asked().iter().map(|asked| claims(asked.header("auth").unwrap())).collect();
        assert_eq!((&claims[0]["appId"], &claims[0]["sub"]), (&"cs-1".into(), &"cs-1".into()));
        assert_eq!(claims[0]["jti"] != claims[1]["jti"], jti);
    }
}

fn claims(token: &str) -> Value {
    insecure_decode::<Value>(token).unwrap().claims
}

#[tokio::test]
async fn passing_faults_are_asked_again() {
    let faults = vec![
        reply("500 Oops", "", "<html>"),
        reply("503 Busy", "", ""),
        reply("429 Too Many", "", ""),
        reply("200 OK", "content-type: text/html\r\n", "<html>maintenance</html>"),
        reply("200 OK", "", ""),
        reply("200 OK", "", r#"{"numResults":0}"#),
        reply("200 OK", "", r#"{"errors":[{"msg":"busy"}]}"#),
        reply("200 OK", "", &PAGE[..40]),
        Reply::Raw(format!("HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{PAGE}")),
        Reply::Raw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\"dat\r\n".into()),
        Reply::Raw(String::new()),
        page(),
    ];
    let count = faults.len();
    let server = Server::start(faults).await;
    let client = server.client();
    assert_eq!(client.fetch(&request()).await.unwrap().body, PAGE);
    assert_eq!(server.asked().len(), count);
    let count = u64::try_from(count).unwrap();
    let expected = Traffic { requests: count, retries: count - 1, page_bytes: u64::try_from(PAGE.len()).unwrap() };
    assert_eq!(client.traffic(), expected);
}

/// Asks until the deadline has passed; the last reply is repeated.
async fn given_up(reply: impl Fn() -> Reply) -> String {
    let server = Server::start((0..200).map(|_| reply()).collect()).await;
    let mut settings = server.settings();
    settings.idle_timeout = Duration::from_millis(50);
    settings.retry.deadline = Duration::from_millis(400);
    let client = Client::new(settings, RateLimiter::per_minute(0)).unwrap();
    let error = client.fetch(&request()).await.unwrap_err();
    let SourceError::Unavailable { attempts, elapsed, .. } = &error else { panic!("{error:?}") };
    assert!(*attempts > 1 && *elapsed < Duration::from_secs(5), "{attempts} in {elapsed:?}");
    let counts = format!("{attempts} attempts over {:.1} s", elapsed.as_secs_f64());
    told(&server, &error).replace(&counts, "N attempts over T s")
}

#[tokio::test]
async fn a_fault_that_stays_is_named_within_the_deadline() {
    let head = "no usable answer to POST `URL/…?limit=100&offset=4` in N attempts over T s";
    let no_page = "the answer is no page of records";
    for (status, body, expected) in [
        (
            "500 Oops",
            r#"{"errors":[{"message":"db hunter2 down","code":"E7"}]}"#,
            "status 500: `db [redacted] down (code E7)`",
        ),
        ("502 Bad", "<html>", "status 502"),
        ("200 OK", "<html>", &format!("{no_page}\nexpected a JSON object with a `data` array, found HTML or XML")),
        ("200 OK", "{}", &format!("{no_page}\nexpected a `data` array, found none")),
        (
            "200 OK",
            r#"{"errors":[{"msg":"key hunter2 unknown"}]}"#,
            &format!("{no_page}\nexpected a `data` array, found the error `key [redacted] unknown`"),
        ),
    ] {
        assert_eq!(given_up(|| reply(status, "", body)).await, format!("{head}\n{expected}"), "{status} {body}");
    }
    let cut = given_up(|| reply("200 OK", "", &PAGE[..30])).await;
    let expected = format!("{head}\n{no_page}\nexpected a whole JSON object, found broken or cut JSON\n");
    assert!(cut.starts_with(&expected), "{cut}");
}

#[tokio::test]
async fn a_stall_before_or_in_the_answer_is_a_timeout() {
    for begun in ["", "HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"data\":["] {
        let told = given_up(|| Reply::Stall(begun.into())).await;
        assert_eq!(told.lines().nth(1), Some("no answer in time"), "{told}");
    }
}

#[tokio::test]
async fn a_trickle_ends_with_the_whole_request_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                receive(&mut stream).await;
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 99999\r\n\r\n{").await;
                while stream.write_all(b" ").await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(10)).await; // the server dribbles: that is the fault
                }
            });
        }
    });
    let mut settings = settings(&url, key(false));
    settings.request_timeout = Duration::from_millis(100);
    settings.retry.deadline = Duration::from_millis(250);
    let client = Client::new(settings, RateLimiter::per_minute(0)).unwrap();
    let error = client.fetch(&request()).await.unwrap_err();
    let SourceError::Unavailable { source, .. } = error else { panic!("{error:?}") };
    assert!(matches!(*source, Fault::Timeout(_)), "{source:?}");
}

#[tokio::test]
async fn an_unreachable_host_ends_within_its_own_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = Client::new(settings(&url, key(false)), RateLimiter::per_minute(0)).unwrap();
    let begin = Instant::now();
    let error = client.fetch(&request()).await.unwrap_err();
    assert!(begin.elapsed() < Duration::from_secs(5));
    let SourceError::Unavailable { attempts, source, .. } = error else { panic!("{error:?}") };
    assert!(attempts > 1);
    assert_eq!(source.to_string(), "no connection");
}

#[tokio::test]
async fn retry_after_is_kept_by_every_request_of_the_process() {
    let soon = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(3));
    for (named, at_least) in [("1".to_owned(), 1000), (soon, 1000)] {
        let header = format!("retry-after: {named}\r\n");
        let server = Server::start(vec![reply("429 Too Many", &header, ""), page(), page()]).await;
        let limiter = RateLimiter::per_minute(0);
        let [one, other] = [(); 2].map(|()| Client::new(server.settings(), limiter.clone()).unwrap());
        let request = request();
        let late = async {
            while !limiter.is_paused() {
                tokio::time::sleep(Duration::from_millis(5)).await; // between two looks at the condition
            }
            other.fetch(&request).await
        };
        let (first, second) = tokio::join!(one.fetch(&request), late);
        first.and(second).unwrap();
        let asked = server.asked();
        for later in &asked[1..] {
            assert!(later.at - asked[0].at >= Duration::from_millis(at_least), "{named}");
        }
    }
}

#[test]
fn a_retry_after_of_nothing_is_no_leave_to_hammer() {
    let mut settings = settings("http://127.0.0.1:1", key(false));
    settings.retry = RetryPolicy::default();
    let client = Client::new(settings, RateLimiter::per_minute(0)).unwrap();
    let fault = Fault::Status { status: 429, message: None };
    let wait = |named| client.wait_after(1, &fault, named);
    assert!(wait(Some(Duration::ZERO)) >= RetryPolicy::default().base);
    assert_eq!(wait(Some(Duration::from_secs(3))), Duration::from_secs(3));
}

#[tokio::test]
async fn a_retry_after_beyond_the_deadline_is_not_waited_for() {
    for named in ["3600", "18446744073709551615"] {
        let header = format!("retry-after: {named}\r\n");
        let server = Server::start(vec![reply("429 Too Many", &header, "")]).await;
        let error = server.client().fetch(&request()).await.unwrap_err();
        assert!(told(&server, &error).contains("in 1 attempt over "), "{error}");
    }
}

#[tokio::test]
async fn a_refused_request_is_not_repeated_and_its_reason_is_read() {
    let said = |text: &str| format!(r#"{{"errors":[{{"msg":"{text}","code":400}}]}}"#);
    for (status, text, reason) in [
        ("400 Bad", "Date range should not exceed 7 days", RefusalReason::Range),
        ("412 Bad", "offset must be less than or equal to 10", RefusalReason::Offset),
        ("422 Bad", "campaigninfo is not allowed", RefusalReason::Field("campaigninfo".into())),
        ("400 Bad", "unknown channel", RefusalReason::Other),
        ("404 Not Found", "no such account", RefusalReason::NotFound),
        ("302 Found", "moved", RefusalReason::Other),
    ] {
        let server = Server::start(vec![reply(status, "location: http://127.0.0.1:1/\r\n", &said(text)), page()]).await;
        let error = server.client().fetch(&request()).await.unwrap_err();
        let expected = format!("request refused by `URL/…` with status {}: `{text} (code 400)`", &status[..3]);
        assert_eq!(told(&server, &error), expected);
        let SourceError::Refused(refusal) = error else { panic!("{error:?}") };
        assert_eq!(refusal.reason, reason);
        assert_eq!(server.asked().len(), 1);
    }
}

#[tokio::test]
async fn an_answer_above_the_cap_is_an_error_at_once() {
    let server = Server::start(vec![page(), page()]).await;
    let client =
        Client::new(ClientSettings { max_body_bytes: 10, ..server.settings() }, RateLimiter::per_minute(0)).unwrap();
    let error = client.fetch(&request()).await.unwrap_err();
    assert!(told(&server, &error).ends_with("expected at most 10 bytes, found more"), "{error}");
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn a_client_that_cannot_work_says_why() {
    let limiter = RateLimiter::per_minute(0);
    let made = |settings| Client::new(settings, limiter.clone()).unwrap_err().to_string();
    let token = |text: &str| settings("http://127.0.0.1", Credentials::Token(Secret::new(text)));
    for text in ["", "a\nb", "a b", "ä"] {
        assert_eq!(made(token(text)), "expected a token of visible ASCII characters, found `[redacted]`", "{text}");
    }
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in [("none.pem", None), ("empty.pem", Some("no certificate"))] {
        let path = folder.path().join(name);
        if let Some(content) = content {
            std::fs::write(&path, content).unwrap();
        }
        let error = made(ClientSettings { ca_file: Some(path.clone()), ..token("x") });
        assert_eq!(error, format!("the certificate file `{}` cannot be read", path.display()));
    }
}

#[test]
fn a_certificate_file_adds_to_the_trusted_roots() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("root.pem");
    std::fs::write(&path, ROOT).unwrap();
    let settings = settings("https://localhost", key(false));
    Client::new(ClientSettings { ca_file: Some(path), ..settings }, RateLimiter::per_minute(0)).unwrap();
}

/// A self-signed certificate made for this test; its key is thrown away.
const ROOT: &str = "\
-----BEGIN CERTIFICATE-----
MIIBfzCCASWgAwIBAgIUBh9VzWjdv8XcLy0WGzUOlq+XxVswCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJdGVzdCByb290MCAXDTI2MTEyMTEyMjcwNloYDzIxMjYxMDI4
MTIyNzA2WjAUMRIwEAYDVQQDDAl0ZXN0IHJvb3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAASWg21cU4BV8QPyFl6IBBcGwr1NeRuOqeZCg2ODjqWhqK11AatMEG5D
VsHysOzuxGyV6+5BpnmrELn/5NpWV3o2o1MwUTAdBgNVHQ4EFgQUWcG6CofhpdaR
fUu0rpBtV+Jj2OIwHwYDVR0jBBgwFoAUWcG6CofhpdaRfUu0rpBtV+Jj2OIwDwYD
VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiAEdmeMJLkdnT01pxMEyQWZ
NDE1/85+2tE7cLE1j3D29QIhAJaOUHvgMNJ0fLyNIf7AfjjhqZCVp1zc8xV2iKU0
beuV
-----END CERTIFICATE-----";

#[test]
fn no_debug_text_holds_a_secret() {
    let settings = [
        settings("http://127.0.0.1", key(true)),
        settings("http://127.0.0.1", Credentials::Token(Secret::new(SECRET))),
    ];
    for settings in settings {
        let client = Client::new(settings.clone(), RateLimiter::per_minute(0)).unwrap();
        assert!(!format!("{settings:?}{client:?}").contains(SECRET));
    }
}

#[tokio::test]
async fn a_source_in_memory_can_stand_in() {
    struct Memory;
    #[async_trait::async_trait]
    impl PageSource for Memory {
        async fn fetch(&self, request: &PageRequest) -> Result<Page, SourceError> {
            let fetched_at = crate::clock::UtcTime::from_seconds(0);
            Ok(Page { request: request.clone(), fetched_at, body: PAGE.into() })
        }

        fn traffic(&self) -> Traffic {
            Traffic::default()
        }
    }
    let source: Arc<dyn PageSource> = Arc::new(Memory);
    assert_eq!(source.fetch(&request()).await.unwrap().body, PAGE);
}
