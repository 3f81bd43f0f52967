//! HTTPS and proxies for real: a certificate authority of the test's own, and a proxy that sees what passes.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::{Arc, Mutex};

use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::program::{Program, Ran};
use crate::raw::{Asked, Raw, json, load_line};

const NOTHING: &str = r#"{"numResults":0,"data":[]}"#;
/// A name that no resolver knows: whoever reaches it came through the proxy.
const ELSEWHERE: &str = "kore.invalid";

/// An authority that nobody trusts, and a server's certificate from it.
struct Authority {
    pem: String,
    server: Arc<ServerConfig>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let names = vec!["localhost".to_owned(), ELSEWHERE.to_owned()];
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &authority).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let server = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let server = server.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key).unwrap();
        Self { pem: authority.pem(), server: Arc::new(server) }
    }

    /// Shakes hands and answers every request with an empty page. A request ends with the JSON of its body.
    fn answer(server: &Arc<ServerConfig>, stream: TcpStream) {
        Self::answer_each(server, stream, b"}", &answered("200 OK", NOTHING));
    }

    /// Answers whatever ends with these bytes.
    fn answer_each(server: &Arc<ServerConfig>, stream: TcpStream, end: &[u8], answer: &str) {
        let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(server)).unwrap(), stream);
        let mut asked = Vec::new();
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = stream.read(&mut bytes) {
            asked.extend_from_slice(&bytes[..count]);
            if asked.ends_with(end) {
                asked.clear();
                if stream.write_all(answer.as_bytes()).is_err() {
                    return;
                }
            }
        }
    }
}

fn answered(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

fn load(folder: &Path, host: &str, more: &str) -> Program {
    let line = format!("{} -q --retry-deadline 1s {more}", load_line(host));
    Program::new(folder, &line).env("KORE_LAKE_TOKEN", "any.token")
}

#[test]
fn a_server_of_an_unknown_authority_is_refused_and_taken_with_its_ca_file() {
    let authority = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ca.pem"), &authority.pem).unwrap();
    let server = Arc::clone(&authority.server);
    let https = Raw::serve(move |stream| Authority::answer(&server, stream));
    let host = format!("https://localhost:{}", https.address().port());
    let refused = load(folder.path(), &host, "").run();
    assert_eq!(refused.code, 6, "{refused}");
    assert!(refused.stderr.contains("certificate"), "{refused}");
    let taken = load(folder.path(), &host, "--ca-file ca.pem").run();
    assert_eq!(taken.code, 0, "{taken}");
    let other = Authority::new();
    std::fs::write(folder.path().join("ca.pem"), &other.pem).unwrap();
    assert_eq!(load(folder.path(), &host, "--ca-file ca.pem").run().code, 6);
}

#[test]
fn a_store_of_an_unknown_authority_is_refused_and_taken_with_its_ca_file() {
    let authority = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ca.pem"), &authority.pem).unwrap();
    let server = Arc::clone(&authority.server);
    let denied = answered("403 Forbidden", "<Error><Code>AccessDenied</Code></Error>");
    let store = Raw::serve(move |stream| Authority::answer_each(&server, stream, b"\r\n\r\n", &denied));
    let status = |more: &str| {
        let program = Program::new(folder.path(), &format!("status --lake s3://lakes/a {more}"));
        let program = program
            .env("AWS_ACCESS_KEY_ID", "id")
            .env("AWS_SECRET_ACCESS_KEY", "key")
            .env("KORE_LAKE_RETRY_DEADLINE", "1s");
        program.env("AWS_ENDPOINT_URL", &format!("https://localhost:{}", store.address().port())).run()
    };
    let refused = status("");
    assert_eq!(refused.code, 7, "{refused}");
    assert!(refused.stderr.contains("certificate: UnknownIssuer"), "{refused}");
    assert!(refused.stderr.contains("hint: --ca-file adds the authority"), "{refused}");
    insta::assert_snapshot!(status("--ca-file ca.pem"), @"
    exit 7
    --- stderr
    error: cannot list `s3://lakes/a`: Generic S3 error: S3 answered 403 `AccessDenied`
    hint: the credentials must be allowed to list the bucket, and to read, write and delete below the lake
    ");
}

/// A proxy that answers plain requests itself, and tunnels to a server of HTTPS that it is as well.
fn proxy(server: Arc<ServerConfig>) -> (Raw, Arc<Mutex<Vec<String>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let heads = Arc::clone(&seen);
    let proxy = Raw::serve(move |mut stream| {
        while let Some(asked) = Asked::read(&stream) {
            heads.lock().unwrap().push(asked.head.clone());
            if asked.head.starts_with("CONNECT ") {
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
                return Authority::answer(&server, stream);
            }
            if json(&mut stream, NOTHING).is_err() {
                return;
            }
        }
    });
    (proxy, seen)
}

fn through(variable: &str, host: &str, more: &str, authority: &Authority) -> (Ran, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ca.pem"), &authority.pem).unwrap();
    let (proxy, seen) = proxy(Arc::clone(&authority.server));
    let url = proxy.url().replace("http://", "http://someone:hunter2@");
    let mut program = load(folder.path(), host, &format!("--ca-file ca.pem {more}")).env(variable, &url);
    if more.contains("direct") {
        program = program.env("NO_PROXY", ELSEWHERE);
    }
    let ran = program.run();
    let seen = seen.lock().unwrap().clone();
    (ran, seen)
}

#[test]
fn the_proxy_variables_are_followed() {
    let authority = Authority::new();
    let (ran, seen) = through("HTTPS_PROXY", &format!("https://{ELSEWHERE}"), "", &authority);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(seen[0].starts_with("CONNECT kore.invalid:443 "), "{seen:?}");
    assert!(seen[0].to_lowercase().contains("proxy-authorization: basic"), "{seen:?}");
    assert!(!seen.iter().any(|head| head.contains("any.token")), "a token went to the proxy: {seen:?}");
    let (ran, seen) = through("HTTP_PROXY", &format!("http://{ELSEWHERE}"), "--allow-http", &authority);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(seen[0].starts_with("POST http://kore.invalid/"), "{seen:?}");
}

#[test]
fn no_proxy_is_asked_for_what_it_is_not_for() {
    let authority = Authority::new();
    let (ran, seen) = through("HTTPS_PROXY", &format!("https://{ELSEWHERE}"), "--lake direct", &authority);
    assert_eq!((ran.code, seen.len()), (6, 0), "{ran}");
    let service = crate::service::Service::small();
    let (folder, nobody) = (tempfile::tempdir().unwrap(), "http://127.0.0.1:1");
    let program = service.program(folder.path(), &format!("{} -q", service.load_line()));
    assert_eq!(program.env("HTTP_PROXY", nobody).env("ALL_PROXY", nobody).run().code, 0);
}

#[test]
fn plain_http_to_another_machine_is_refused_unless_it_is_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let host = format!("http://{ELSEWHERE}");
    insta::assert_snapshot!(load(folder.path(), &host, "").run(), @"
    exit 2
    --- stderr
    error: `--host`: expected `https://` (plain `http://` to another machine needs `--allow-http`), found `http://kore.invalid`
    ");
    assert_eq!(load(folder.path(), &host, "--allow-http").run().code, 6);
    assert_eq!(load(folder.path(), &Raw::answering(|_, stream| json(stream, NOTHING)).url(), "").run().code, 0);
}
