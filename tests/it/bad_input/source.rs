//! An API that cannot be reached, or does not take the request.

use std::path::PathBuf;

use crate::loaded::{Contents, Loaded};
use crate::program::{Program, Ran};

/// The run fails; it is noted in the ledger, and the days stay as they were.
#[track_caller]
fn fails(loaded: &Loaded, program: Program) -> Ran {
    let (days, keys) = (loaded.days(), loaded.keys());
    let before = Contents::of(&days);
    let ran = program.arg("-q").run();
    assert_eq!(Contents::of(&days).changed_since(&before), [] as [PathBuf; 0], "{ran}");
    assert_eq!(loaded.keys(), keys, "{ran}");
    assert_eq!(ran.stdout, "", "{ran}");
    ran
}

#[test]
fn a_host_that_does_not_answer_is_tried_again_until_the_deadline() {
    let loaded = Loaded::new();
    // Below the ports that a system hands out, so no other test's simulator can come to listen there.
    let nobody = "http://127.0.0.1:1";
    let line = loaded.service.load_line().replace(&loaded.service.running().base_url(), nobody);
    let line = format!("{line} --retry-deadline 1s");
    insta::assert_snapshot!(fails(&loaded, loaded.service.program(loaded.path(), &line)), @"
    exit 6
    --- stderr
    error: no usable answer to POST `http://127.0.0.1:[port]/agentassist/api/public/analytics/account/6a1f0c2de4b58790a3c1d2e4/v2/interactionDetails?limit=100&offset=0` in [n] attempts over [s] s: no connection: error sending request: client error (Connect): tcp connect error: Connection refused (os error [n])
    hint: check --host and the network, or run again later: what was read is kept
    ");
}

#[test]
fn a_login_that_is_refused_ends_the_run() {
    let loaded = Loaded::new();
    insta::assert_snapshot!(fails(&loaded, loaded.load("").env("KORE_LAKE_TOKEN", "not.a.token")), @"
    exit 3
    --- stderr
    error: login refused by `http://127.0.0.1:[port]/agentassist/api/public/analytics/account/6a1f0c2de4b58790a3c1d2e4/v2/interactionDetails` with status 401: `Invalid JWT token (code 4002)`
    hint: check the token, or the client id, its secret and --jwt-algorithm; then --stream-id and the scope `SmartAssist Analytics` of the credentials
    ");
    insta::assert_snapshot!(fails(&loaded, loaded.load("").env("KORE_LAKE_CLIENT_SECRET", "another")), @"
    exit 3
    --- stderr
    error: login refused by `http://127.0.0.1:[port]/agentassist/api/public/analytics/account/6a1f0c2de4b58790a3c1d2e4/v2/interactionDetails` with status 401: `Invalid JWT token (code 4002)`
    hint: check the token, or the client id, its secret and --jwt-algorithm; then --stream-id and the scope `SmartAssist Analytics` of the credentials
    ");
}

#[test]
fn an_account_or_stream_that_may_not_be_read_ends_the_run() {
    let loaded = Loaded::new();
    let data = &loaded.service.running().simulator().settings().data;
    let line = loaded.service.load_line();
    let account = line.replace(&data.account_id, "000000000000000000000000");
    insta::assert_snapshot!(fails(&loaded, loaded.service.program(loaded.path(), &account)), @"
    exit 3
    --- stderr
    error: login refused by `http://127.0.0.1:[port]/agentassist/api/public/analytics/account/000000000000000000000000/v2/interactionDetails` with status 403: `Permission denied. Account is not accessible (code 4003)`
    hint: check --account-id, --stream-id and the scope `SmartAssist Analytics` of the credentials
    ");
    let stream = line.replace(&data.stream_ids[0], "st-another");
    insta::assert_snapshot!(fails(&loaded, loaded.service.program(loaded.path(), &stream)), @"
    exit 3
    --- stderr
    error: login refused by `http://127.0.0.1:[port]/agentassist/api/public/analytics/account/6a1f0c2de4b58790a3c1d2e4/v2/interactionDetails` with status 401: `Permission denied. Scope is incorrect! (code 4002)`
    hint: check the token, or the client id, its secret and --jwt-algorithm; then --stream-id and the scope `SmartAssist Analytics` of the credentials
    ");
}

#[test]
fn a_path_that_is_not_the_apis_ends_the_run() {
    let loaded = Loaded::new();
    let url = loaded.service.running().base_url();
    let line = loaded.service.load_line().replace(&url, &format!("{url}/elsewhere"));
    insta::assert_snapshot!(fails(&loaded, loaded.service.program(loaded.path(), &line)), @"
    exit 2
    --- stderr
    error: request refused by `http://127.0.0.1:[port]/elsewhere/agentassist/api/public/analytics/account/6a1f0c2de4b58790a3c1d2e4/v2/interactionDetails` with status 404: `Not found (code 404)`
    hint: check --host, --account-id and --api
    ");
}
