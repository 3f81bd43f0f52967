//! Each exit code that README.md states is reached here, with what is said then; other tests tell the ways to each.

use std::fs::{self, OpenOptions};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::loaded::Loaded;
use crate::program::{Program, Ran, Running};
use crate::service::Service;

/// A record with a session, and one without.
const ONE_GOOD_ONE_REJECTED: &str = r#"{"data": [
    {"sessionId": "s-1", "sessionStartTime": "2026-03-02T08:00:00.000Z"},
    {"sessionStartTime": "2026-03-02T09:00:00.000Z"}
]}"#;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// Loads slowly, and lets `meddle` do so while the account is held and a few requests have come.
fn while_loading(meddle: impl FnOnce(&Service, &TempDir, &Running)) -> Ran {
    let slow = Service::start(|settings| settings.latency = Some(Duration::from_millis(200)));
    let folder = folder();
    let running = slow.program(folder.path(), &format!("{} --window 1h -q", slow.load_line())).start();
    slow.wait_for_requests(3);
    meddle(&slow, &folder, &running);
    running.ended()
}

#[test]
fn code_0_done_and_complete() {
    let (folder, service) = (folder(), Service::small());
    insta::assert_snapshot!(service.program(folder.path(), &service.load_line()).arg("-q").run(), @"exit 0");
}

/// A full disk below standard output: no kind of failure that the table knows.
#[test]
#[cfg(target_os = "linux")]
fn code_1_unexpected() {
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let program = Command::new(env!("CARGO_BIN_EXE_kore-lake")).arg("schema").env_clear().stdout(full).output();
    let ended = program.unwrap();
    assert_eq!(ended.status.code(), Some(1));
    insta::assert_snapshot!(String::from_utf8(ended.stderr).unwrap(), @"error: cannot write the results: No space left on device (os error 28)");
}

#[test]
fn code_2_usage_or_configuration() {
    let folder = folder();
    insta::assert_snapshot!(Program::new(folder.path(), "load --window 7d").run(), @"
    exit 2
    --- stderr
    error: `--window`: expected a duration of at least 1s and below 7d, found `7d`
    ");
}

#[test]
fn code_3_login_or_permission() {
    let (folder, service) = (folder(), Service::small());
    let program = service.program(folder.path(), &service.load_line()).env("KORE_LAKE_TOKEN", "not.a.token");
    insta::assert_snapshot!(program.arg("-q").run(), @"
    exit 3
    --- stderr
    error: login refused by `http://127.0.0.1:[port]/agentassist/api/public/analytics/account/6a1f0c2de4b58790a3c1d2e4/v2/interactionDetails` with status 401: `Invalid JWT token (code 4002)`
    hint: check the token, or the client id, its secret and --jwt-algorithm; then --stream-id and the scope `SmartAssist Analytics` of the credentials
    ");
}

#[test]
fn code_5_incomplete() {
    let folder = folder();
    fs::write(folder.path().join("page.json"), r#"{"data": [{"sessionId""#).unwrap();
    insta::assert_snapshot!(Program::new(folder.path(), "replay -q --account-id a page.json").run(), @"
    exit 5
    --- stderr
    error: `page.json`: expected a saved page (`kore_lake_page`) or an answer with `data`, found a file that is cut off: EOF at [place]
    ");
}

#[test]
fn code_6_source_unavailable() {
    let (folder, service) = (folder(), Service::small());
    // Below the ports that a system hands out, so nobody comes to listen there.
    let line = service.load_line().replace(&service.running().base_url(), "http://127.0.0.1:1");
    let program = service.program(folder.path(), &format!("{line} -q --retry-deadline 1s"));
    insta::assert_snapshot!(program.run(), @"
    exit 6
    --- stderr
    error: no usable answer to POST `http://127.0.0.1:[port]/agentassist/api/public/analytics/account/6a1f0c2de4b58790a3c1d2e4/v2/interactionDetails?limit=100&offset=0` in [n] attempts over [s] s: no connection: error sending request: client error (Connect): tcp connect error: Connection refused (os error [n])
    hint: check --host and the network, or run again later: what was read is kept
    ");
}

#[test]
fn code_7_lake_absent_corrupt_or_of_another_schema() {
    let loaded = Loaded::new();
    insta::assert_snapshot!(loaded.program("verify --lake nowhere").run(), @"
    exit 7
    --- stderr
    error: expected a lake in `[folder]/nowhere`, found none
    hint: `load`, `replay` and `demo` make a lake
    ");
    let head = fs::read_to_string(loaded.ledger()).unwrap();
    let older = head.replace("\"schema_version\":1", "\"schema_version\":0");
    assert_ne!(head, older);
    fs::write(loaded.ledger(), older).unwrap();
    insta::assert_snapshot!(loaded.load("-q").run(), @"
    exit 7
    --- stderr
    error: expected schema version 1 in `_kore_lake/ledger/accounts/account_id=6a1f0c2de4b58790a3c1d2e4/head.json`, found 0
    hint: run `migrate`: it rewrites older days under the present schema
    ");
    fs::write(loaded.ledger(), head.replace("\"schema_version\":1", "\"schema_version\":99")).unwrap();
    insta::assert_snapshot!(loaded.load("-q").run(), @"
    exit 7
    --- stderr
    error: expected schema version 1 in `_kore_lake/ledger/accounts/account_id=6a1f0c2de4b58790a3c1d2e4/head.json`, found 99
    hint: it was written by a newer version of the program: use that one
    ");
    fs::write(loaded.ledger(), head).unwrap();
    fs::write(loaded.day("2026-03-03"), "no Parquet").unwrap();
    insta::assert_snapshot!(loaded.program("verify -q").run(), @"
    exit 7
    --- stdout
    error: `conversations/account_id=6a1f0c2de4b58790a3c1d2e4/session_date=2026-03-03/conversations.parquet`: expected a readable object, found a corrupt one: Parquet error: Invalid Parquet file. Corrupt footer
      hint: restore the object, or move it out of the lake and load its day again
    --- stderr
    error: expected a lake without findings, found 1
    ");
}

#[test]
fn code_8_records_rejected() {
    let folder = folder();
    fs::write(folder.path().join("page.json"), ONE_GOOD_ONE_REJECTED).unwrap();
    insta::assert_snapshot!(Program::new(folder.path(), "replay -q --account-id a page.json").run(), @"
    exit 8
    --- stderr
    error: records rejected: 1; their texts and the reasons lie in `_kore_lake/rejects/` of the lake
    ");
}

#[test]
fn code_9_lock_held() {
    let holder = while_loading(|slow, folder, holder| {
        insta::assert_snapshot!(slow.program(folder.path(), &slow.load_line()).arg("-q").run(), @"
        exit 9
        --- stderr
        error: account `6a1f0c2de4b58790a3c1d2e4` is held by run `[run]` (process [pid] on `[host]`), last heard of at [time]
        hint: wait for it, or give --wait-lock; `unlock` frees what a dead writer holds
        ");
        holder.signal("TERM");
    });
    assert_eq!(holder.code, 143, "the holder is not disturbed: {holder}");
}

#[test]
fn code_10_too_old() {
    let loaded = Loaded::new();
    let ages = |now: &str| loaded.program(&format!("status -q --max-age 26h --now {now} --output json")).run();
    assert_eq!(ages("2026-03-05T02:00:00Z").code, 0);
    let mut ran = ages("2026-03-05T02:00:01Z");
    let status: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(status["too_old"][0]["provisional_up_to"], "2026-03-04T00:00:00Z");
    ran.stdout.clear();
    insta::assert_snapshot!(ran, @"
    exit 10
    --- stderr
    error: stream `st-5e1a7c30-2b64-5f0d-9a41-c8d2e7f60b13` of account `6a1f0c2de4b58790a3c1d2e4`: expected rows up to at most 26h ago, found `2026-03-04T00:00:00Z`, 1day 2h 1s ago
    hint: run `load`
    ");
}

#[test]
fn code_130_stopped_by_an_interrupt() {
    insta::assert_snapshot!(while_loading(|_, _, running| running.signal("INT")), @"
    exit 130
    --- stderr
    error: stopped by an interrupt; what was read whole is kept, run again to go on
    ");
}

#[test]
fn code_143_stopped_by_a_termination_signal() {
    insta::assert_snapshot!(while_loading(|_, _, running| running.signal("TERM")), @"
    exit 143
    --- stderr
    error: stopped by a termination signal; what was read whole is kept, run again to go on
    ");
}

/// 130/143, 3, 7, 6, 5, 8.
#[test]
fn of_several_codes_the_first_in_the_order_of_the_table_counts() {
    let folder = folder();
    fs::write(folder.path().join("broken.json"), "{").unwrap();
    fs::write(folder.path().join("rejects.json"), ONE_GOOD_ONE_REJECTED).unwrap();
    let ran = Program::new(folder.path(), "replay -q --account-id a broken.json rejects.json").run();
    insta::assert_snapshot!(ran, @"
    exit 5
    --- stderr
    error: `broken.json`: expected a saved page (`kore_lake_page`) or an answer with `data`, found a file that is cut off: EOF at [place]
    ");

    let loaded = Loaded::new();
    fs::write(loaded.ledger(), "no ledger").unwrap();
    let url = loaded.service.running().base_url();
    let unreachable = loaded.service.load_line().replace(&url, "http://127.0.0.1:1");
    let ran = loaded.service.program(loaded.path(), &format!("{unreachable} -q --retry-deadline 1s")).run();
    assert_eq!(ran.code, 7, "{ran}");
}
