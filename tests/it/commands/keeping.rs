//! `status`, `verify`, `unlock`, `migrate`: what looks after a lake.

use std::fs;
use std::time::Duration;

use serde_json::Value;

use crate::loaded::{Contents, Loaded};
use crate::program::{Program, Ran};
use crate::service::{Service, wait_until};

/// A `status` at a present that a test can rest on.
fn status(loaded: &Loaded, arguments: &str) -> Ran {
    loaded.program(&format!("status --now 2026-03-04T12:00:00Z {arguments}")).run()
}

#[test]
fn status_tells_of_each_account_and_stream_what_is_there() {
    let loaded = Loaded::new();
    insta::assert_snapshot!(status(&loaded, ""), @"
    exit 0
    --- stdout
    account 6a1f0c2de4b58790a3c1d2e4
      days         2 ([size]), 2026-03-02 to 2026-03-03
      rows         106, API v2
      stream st-5e1a7c30-2b64-5f0d-9a41-c8d2e7f60b13
        provisional  up to 2026-03-04T00:00:00Z, 12 hours ago
        final        up to 2026-03-04T00:00:00Z, 12 hours ago
        lookback     3days
        open rows    0
        last run     load, complete, began [time]; 6 requests, 106 rows new, 0 changed
        gaps         none
        owed         none
    ");
    let told: Value = serde_json::from_str(&status(&loaded, "--output json").output()).unwrap();
    let stream = &told["accounts"][0]["streams"][0];
    assert_eq!(told["accounts"][0]["rows"], loaded.service.running().generator().rows());
    assert_eq!(stream["provisional_up_to"], "2026-03-04T00:00:00Z");
    assert_eq!((&stream["gaps"], &stream["owed"]), (&Value::Array(Vec::new()), &Value::Array(Vec::new())));
}

#[test]
fn status_names_what_is_missing_since_a_time_and_between_loads() {
    let service = Service::start(|settings| settings.data.days = 4);
    let first = service.load_line_of("--from 2026-03-02 --to 2026-03-03");
    let loaded = Loaded::from(service, &first);
    let third = loaded.service.load_line_of("--from 2026-03-04 --to 2026-03-05 -q");
    assert_eq!(loaded.service.program(loaded.path(), &third).run().output(), "");
    let told = |arguments: &str| {
        let status: Value =
            serde_json::from_str(&status(&loaded, &format!("--output json {arguments}")).output()).unwrap();
        status["accounts"][0]["streams"][0]["gaps"].clone()
    };
    let between = serde_json::json!({"from": "2026-03-03T00:00:00Z", "to": "2026-03-04T00:00:00Z"});
    assert_eq!(told(""), serde_json::json!([between]));
    let before = serde_json::json!({"from": "2026-03-01T00:00:00Z", "to": "2026-03-02T00:00:00Z"});
    assert_eq!(told("--since 2026-03-01"), serde_json::json!([before, between]));
}

#[test]
fn a_stream_that_was_read_too_long_ago_is_named() {
    let loaded = Loaded::new();
    let ages = |arguments: &str| {
        let mut ran = status(&loaded, arguments);
        ran.stdout.clear();
        ran
    };
    insta::assert_snapshot!(ages("--max-age 12h"), @"exit 0");
    insta::assert_snapshot!(ages("--max-age 11h"), @"
    exit 10
    --- stderr
    error: stream `st-5e1a7c30-2b64-5f0d-9a41-c8d2e7f60b13` of account `6a1f0c2de4b58790a3c1d2e4`: expected rows up to at most 11h ago, found `2026-03-04T00:00:00Z`, 12h ago
    hint: run `load`
    ");
    insta::assert_snapshot!(ages("--max-age 11h --account-id another"), @"
    exit 10
    --- stderr
    error: account `another`: expected rows up to at most 11h ago, found nothing read
    hint: run `load`
    ");
    insta::assert_snapshot!(ages("--max-age 99h --stream-id another"), @"
    exit 10
    --- stderr
    error: stream `another` of account `6a1f0c2de4b58790a3c1d2e4`: expected rows up to at most 99h ago, found nothing read
    hint: run `load`
    ");
    insta::assert_snapshot!(ages("--max-age soon"), @"
    exit 2
    --- stderr
    error: `--max-age`: expected a duration such as `90s`, `15m`, `26h`, `3d`, found `soon`
    ");
}

#[test]
fn a_lake_without_accounts_is_never_fresh() {
    let loaded = Loaded::new();
    fs::create_dir_all(loaded.path().join("empty/_kore_lake")).unwrap();
    insta::assert_snapshot!(status(&loaded, "--lake empty --max-age 12h"), @"
    exit 10
    --- stdout
    no account
    --- stderr
    error: expected an account with rows up to at most 12h ago, found no account
    hint: run `load`
    ");
    insta::assert_snapshot!(status(&loaded, "--lake empty"), @"
    exit 0
    --- stdout
    no account
    ");
}

#[test]
fn a_lake_under_the_present_schema_is_not_rewritten() {
    let loaded = Loaded::new();
    let before = Contents::of(&loaded.days());
    insta::assert_snapshot!(loaded.program("migrate --summary m.json").run(), @"
    exit 0
    --- stdout
    account 6a1f0c2de4b58790a3c1d2e4: schema version 1 to version 1
      days      0 rewritten ([size]), 2 as they were
      rows      0, 0 values lifted out of `extra`
      staged    0 objects of an unfinished run rewritten
    ");
    assert!(Contents::of(&loaded.days()).changed_since(&before).is_empty());
    let written: Value = serde_json::from_str(&fs::read_to_string(loaded.path().join("m.json")).unwrap()).unwrap();
    assert_eq!(written["accounts"][0]["days_current"], 2);
    assert_eq!(written["error"], Value::Null);
}

#[test]
fn a_lake_that_holds_what_it_promises_is_said_to() {
    let loaded = Loaded::new();
    let lake = loaded.path().join("lake");
    let before = Contents::of(&lake);
    insta::assert_snapshot!(loaded.program("verify --strict").run(), @"
    exit 0
    --- stdout
    verified: accounts 1, days 2 ([size]), rows 106, objects 5; findings 0
    ");
    assert_eq!(loaded.program("verify -q").run().output(), "");
    let told: Value = serde_json::from_str(&loaded.program("verify --output json").run().output()).unwrap();
    assert_eq!(
        (&told["holds"], &told["days"], &told["findings"]),
        (&true.into(), &2.into(), &Value::Array(Vec::new()))
    );
    assert!(Contents::of(&lake).changed_since(&before).is_empty());
}

#[test]
fn what_does_not_hold_is_named_with_its_place_and_what_to_do() {
    let loaded = Loaded::new();
    let (day, stray) = (loaded.day("2026-03-02"), loaded.days().join("copy.parquet"));
    fs::write(stray, "text").unwrap();
    let whole = fs::read(&day).unwrap();
    fs::write(&day, &whole[..whole.len() / 2]).unwrap();
    insta::assert_snapshot!(loaded.program("verify").run(), @"
    exit 7
    --- stdout
    error: `conversations/copy.parquet`: expected `account_id=…/session_date=…/conversations.parquet` alone, found a file of 4 bytes that is none of them
      hint: move it out of the lake: readers may take it for data
    error: `conversations/account_id=6a1f0c2de4b58790a3c1d2e4/session_date=2026-03-02/conversations.parquet`: expected a readable object, found a corrupt one: Parquet error: Invalid Parquet file. Corrupt footer
      hint: restore the object, or move it out of the lake and load its day again
    verified: accounts 1, days 2 ([size]), rows 47, objects 5; findings 2
    --- stderr
    error: expected a lake without findings, found 2
    ");
    insta::assert_snapshot!(loaded.program("verify --account-id another").run(), @"
    exit 7
    --- stdout
    error: `conversations/account_id=another`: expected the account `another`, found nothing of it
      hint: give an account of this lake
    verified: accounts 0, days 0 ([size]), rows 0, objects 0; findings 1
    --- stderr
    error: expected a lake without findings, found 1
    ");
}

#[test]
fn unfinished_work_fails_a_strict_verify_only() {
    let slow = Service::start(|settings| settings.latency = Some(Duration::from_millis(200)));
    let folder = tempfile::tempdir().unwrap();
    let running = slow.program(folder.path(), &format!("{} --window 1h -q", slow.load_line())).start();
    slow.wait_for_requests(6);
    running.signal("TERM");
    assert_eq!(running.ended().code, 143);
    let verify = |arguments: &str| Program::new(folder.path(), &format!("verify {arguments}")).run();
    let (usual, strict) = (verify(""), verify("--strict"));
    assert_eq!((usual.code, strict.code), (0, 7), "{usual}{strict}");
    assert!(usual.stdout.contains("warning: "), "{usual}");
    assert_eq!(usual.stdout, strict.stdout);
}

#[test]
fn a_ledger_that_is_gone_is_rebuilt_without_its_proofs() {
    let loaded = Loaded::new();
    fs::remove_dir_all(loaded.path().join("lake/_kore_lake/ledger")).unwrap();
    insta::assert_snapshot!(loaded.program("verify").run(), @"
    exit 7
    --- stdout
    error: `_kore_lake/ledger/accounts/account_id=6a1f0c2de4b58790a3c1d2e4/head.json`: expected the account's ledger, found none beside 2 days
      hint: restore it, or run `verify --rebuild-ledger`: it restores all but the proofs
    verified: accounts 1, days 2 ([size]), rows 106, objects 2; findings 1
    --- stderr
    error: expected a lake without findings, found 1
    ");
    insta::assert_snapshot!(loaded.program("verify --rebuild-ledger").run(), @"
    exit 0
    --- stdout
    rebuilt the ledger of account `6a1f0c2de4b58790a3c1d2e4`: 2 days, 106 rows; nothing is proven
    verified: accounts 1, days 2 ([size]), rows 106, objects 2; findings 0
    ");
    insta::assert_snapshot!(status(&loaded, ""), @"
    exit 0
    --- stdout
    account 6a1f0c2de4b58790a3c1d2e4
      days         2 ([size]), 2026-03-02 to 2026-03-03
      rows         106, API v2
      stream st-5e1a7c30-2b64-5f0d-9a41-c8d2e7f60b13
        provisional  nothing yet
        final        nothing yet
        open rows    0
        last run     none
        gaps         none
        owed         none
    ");
    assert_eq!(loaded.load("-q").run().output(), "");
}

#[test]
fn an_account_is_freed_where_its_holder_is_no_more_or_by_force() {
    let slow = Service::start(|settings| settings.latency = Some(Duration::from_secs(4)));
    let folder = tempfile::tempdir().unwrap();
    let account = &slow.running().simulator().settings().data.account_id;
    let unlock =
        |arguments: &str| Program::new(folder.path(), &format!("unlock --account-id {account} {arguments}")).run();
    let holder = slow.program(folder.path(), &slow.load_line()).arg("-q").start();
    let lock = folder.path().join(format!("lake/_kore_lake/locks/{account}/0000000001"));
    wait_until("the account is held", || lock.exists());
    insta::assert_snapshot!(unlock(""), @"
    exit 9
    --- stderr
    error: account `6a1f0c2de4b58790a3c1d2e4` is held by run `[run]` (process [pid] on `[host]`), last heard of at [time]
    hint: wait until it is done; `--force` takes the account from it, if it surely writes no more
    ");
    insta::assert_snapshot!(unlock("--force"), @"
    exit 0
    --- stdout
    account `6a1f0c2de4b58790a3c1d2e4` is free; it was held by run `[run]` (process [pid] on `[host]`), last heard of at [time]; it still lived
    ");
    insta::assert_snapshot!(holder.ended(), @"
    exit 9
    --- stderr
    error: account `6a1f0c2de4b58790a3c1d2e4` is no longer held by this run: run `[run]` (process [pid] on `[host]`) has taken it over
    ");
    insta::assert_snapshot!(unlock(""), @"
    exit 0
    --- stdout
    account `6a1f0c2de4b58790a3c1d2e4` is free; it was held by run `[run]` (process [pid] on `[host]`), last heard of at [time]
    ");
    insta::assert_snapshot!(Program::new(folder.path(), "unlock").run(), @"
    exit 2
    --- stderr
    error: expected `--account-id`, found neither it nor `KORE_LAKE_ACCOUNT_ID` nor a key `account_id` in a configuration file
    ");
}
