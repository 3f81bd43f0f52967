//! `status`, `verify`, `unlock`, `migrate`: what looks after a lake.

use serde_json::Value;

use crate::loaded::{Contents, Loaded};
use crate::program::Ran;
use crate::service::Service;

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
        final        nothing yet
        open rows    0
        last run     load, complete, began [time]; 2 requests, 106 rows new, 0 changed
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
    error: stream `st-5e1a7c30-2b64-5f0d-9a41-c8d2e7f60b13` of account `6a1f0c2de4b58790a3c1d2e4`: expected rows up to at most 11h ago, found `2026-03-04T00:00:00Z`, 12 hours ago
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
    std::fs::create_dir_all(loaded.path().join("empty/_kore_lake")).unwrap();
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
    let written: Value = serde_json::from_str(&std::fs::read_to_string(loaded.path().join("m.json")).unwrap()).unwrap();
    assert_eq!(written["accounts"][0]["days_current"], 2);
    assert_eq!(written["error"], Value::Null);
}
