//! Planted secrets reach nothing that the program writes: logs at their loudest, errors, summaries, saved pages, the
//! lake, what `check` prints.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::path::Path;

use tempfile::TempDir;

use crate::loaded::Contents;
use crate::program::{Program, Ran};
use crate::raw::{Asked, Raw, json, load_line};
use crate::service::Service;

/// What is planted, by the variable that gives it to the program. One more line is one more secret to look for.
const PLANTED: &[(&str, &str)] = &[
    ("KORE_LAKE_TOKEN", "eyJhbGciOiJIUzI1NiJ9.eyJwbGFudGVkIjoidG9rZW4ifQ.cGxhbnRlZC10b2tlbg"),
    ("KORE_LAKE_CLIENT_SECRET", "planted-client-secret-4711"),
    ("HTTP_PROXY", "planted-proxy-password-4711"),
];
/// What is planted in addresses.
const SIGNATURE: &str = "planted-signature-4711";
const PASSWORD: &str = "planted-user-password-4711";

/// Parts of what is planted that must not show either: the base64 of the proxy's login, a token's payload.
fn forbidden() -> Vec<String> {
    let parts = [
        "eyJwbGFudGVkIjoidG9rZW4ifQ",
        "cGxhbnRlZC10b2tlbg",
        "cGxhbnRlZC1wcm94eS1wYXNzd29yZC00NzEx",
        SIGNATURE,
        PASSWORD,
    ];
    PLANTED.iter().map(|(_, secret)| *secret).chain(parts).map(str::to_owned).collect()
}

fn planted(name: &str) -> &'static str {
    PLANTED.iter().find(|(known, _)| *known == name).unwrap().1
}

/// Runs a command at its loudest, and looks for every secret in all that it wrote.
#[track_caller]
fn keeps_quiet(folder: &Path, program: Program) -> i32 {
    ran_quietly(folder, program).code
}

/// The same, with what it said.
#[track_caller]
fn ran_quietly(folder: &Path, program: Program) -> Ran {
    let ran = program.arg("-vvv").run();
    let written = Contents::of(folder).text();
    for secret in forbidden() {
        assert!(!ran.stdout.contains(&secret), "{secret} on stdout: {}", ran.stdout);
        assert!(!ran.stderr.contains(&secret), "{secret} on stderr: {}", ran.stderr);
        assert!(!written.contains(&secret), "{secret} in a file");
    }
    ran
}

/// A load that writes all it can, with everything planted that fits together.
fn load(folder: &TempDir, host: &str) -> Program {
    let line = format!("{} --retry-deadline 1s --summary summary.json --save-pages pages", load_line(host));
    Program::new(folder.path(), &line)
}

fn with_token(program: Program) -> Program {
    program.env("KORE_LAKE_TOKEN", planted("KORE_LAKE_TOKEN"))
}

/// A server that says back all that it was told.
fn echo(status: &'static str, as_errors: bool) -> Raw {
    Raw::answering(move |asked: &Asked, stream: &mut TcpStream| {
        let said = format!("no: {} see https://elsewhere/page?X-Signature={SIGNATURE}", asked.head);
        let entry = serde_json::json!({"msg": said, "code": said});
        let body = if as_errors { serde_json::json!({"errors": [entry]}) } else { entry }.to_string();
        write!(stream, "HTTP/1.1 {status}\r\nlocation: https://elsewhere/?X-Signature={SIGNATURE}\r\n")?;
        write!(stream, "content-length: {}\r\n\r\n{body}", body.len())
    })
}

#[test]
fn a_load_that_ends_well_keeps_its_secrets() {
    let secret = planted("KORE_LAKE_CLIENT_SECRET");
    let service = Service::start(|settings| secret.clone_into(&mut settings.client_secret));
    let folder = tempfile::tempdir().unwrap();
    let line = format!("{} --summary summary.json --save-pages pages", service.load_line());
    assert_eq!(keeps_quiet(folder.path(), service.program(folder.path(), &line)), 0);
    for command in ["status", "verify", "query -c SELECT/**/1"] {
        let program = Program::new(folder.path(), command).env("KORE_LAKE_CLIENT_SECRET", secret);
        assert_eq!(keeps_quiet(folder.path(), program), 0, "{command}");
    }
}

#[test]
fn a_server_that_repeats_what_it_is_told_does_not_betray_them() {
    let statuses =
        ["200 OK", "302 Found", "400 Bad Request", "401 Unauthorized", "403 Forbidden", "500 Oops", "429 Slow"];
    for status in statuses {
        for as_errors in [true, false] {
            let (folder, server) = (tempfile::tempdir().unwrap(), echo(status, as_errors));
            let code = keeps_quiet(folder.path(), with_token(load(&folder, &server.url())));
            assert!([2, 3, 6].contains(&code), "{status}: {code}");
        }
    }
}

#[test]
fn a_proxy_with_a_password_does_not_betray_it() {
    let proxy = Raw::answering(|_, stream| json(stream, r#"{"numResults":0,"data":[]}"#));
    let refusing = echo("407 Proxy Authentication Required", true);
    for (address, expected) in
        [(proxy.address().to_string(), 0), (refusing.address().to_string(), 2), ("127.0.0.1:1".to_owned(), 6)]
    {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("http://someone:{}@{address}", planted("HTTP_PROXY"));
        let program = with_token(load(&folder, "http://kore.invalid")).arg("--allow-http");
        assert_eq!(keeps_quiet(folder.path(), program.env("HTTP_PROXY", &url)), expected, "{address}");
    }
}

#[test]
fn an_address_with_a_password_or_a_signature_is_refused_without_them() {
    let hosts = [
        format!("https://someone:{PASSWORD}@host"),
        format!("https://host/?X-Signature={SIGNATURE}"),
        format!("https://host/#{SIGNATURE}"),
        format!("host?X-Signature={SIGNATURE}"),
        format!("ftp://host/?X-Signature={SIGNATURE}"),
    ];
    for host in hosts {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(keeps_quiet(folder.path(), with_token(load(&folder, &host))), 2, "{host}");
        for output in ["text", "json"] {
            let line = format!("check --account-id a --stream-id s --output {output}");
            let program = with_token(Program::new(folder.path(), &line)).env("KORE_LAKE_HOST", &host);
            assert_eq!(keeps_quiet(folder.path(), program), 2, "{host}");
        }
    }
}

#[test]
fn check_shows_no_secret_however_it_is_given() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file = elsewhere.path().join("secret");
    fs::write(&file, planted("KORE_LAKE_CLIENT_SECRET")).unwrap();
    let server = echo("401 Unauthorized", true);
    let line =
        format!("check --host {} --account-id a --stream-id s --client-id cs-1 --retry-deadline 1s", server.url());
    let from_file = || Program::new(folder.path(), &line).env("KORE_LAKE_CLIENT_SECRET_FILE", file.to_str().unwrap());
    let from_variable = || with_token(Program::new(folder.path(), &line));
    let said = ran_quietly(folder.path(), with_token(load(&folder, &server.url())));
    assert!(said.stderr.contains("auth: [redacted]"), "the token does not come back at all: {said}");
    for program in
        [from_file(), from_variable(), from_file().arg("--output=json"), from_variable().arg("--log-format=json")]
    {
        assert_eq!(keeps_quiet(folder.path(), program), 3);
    }
}
