//! `load` without a range, its limits and what is closed by hand; `plan`.

use serde_json::Value;

use crate::loaded::{Contents, Loaded, refused};
use crate::program::Program;
use crate::service::Service;

/// The present in these tests: half a day after the last conversation.
const NOW: &str = "--now 2026-03-04T12:00:00Z";

/// A load without a range.
fn go_on(loaded: &Loaded, arguments: &str) -> Program {
    loaded.service.program(loaded.path(), &format!("{} {NOW} {arguments}", loaded.service.load_line_of("")))
}

/// The arguments of a `plan` of the simulated stream.
fn plan_line(service: &Service, arguments: &str) -> String {
    let data = &service.running().simulator().settings().data;
    format!("plan --account-id {} --stream-id {} {arguments}", data.account_id, data.stream_ids[0])
}

#[test]
fn a_load_without_a_range_goes_on_from_the_last_one() {
    let service = Service::small();
    let first = service.load_line_of("--from 2026-03-02 --to 2026-03-03");
    let loaded = Loaded::from(service, &first);
    assert_eq!(go_on(&loaded, "-q").run().output(), "");
    assert_eq!(loaded.keys(), Loaded::new().keys());
    let days = loaded.days();
    let before = Contents::of(&days);
    assert_eq!(go_on(&loaded, "-q").run().output(), "");
    assert!(Contents::of(&days).changed_since(&before).is_empty());
}

#[test]
fn a_load_without_a_range_needs_a_start() {
    let service = Service::small();
    let folder = tempfile::tempdir().unwrap();
    let line = service.load_line_of(NOW);
    insta::assert_snapshot!(service.program(folder.path(), &line).run(), @"
    exit 2
    --- stdout
    load: failed in [s] s
    --- stderr
    error: expected a range to begin with, found neither `--from`, nor `--since`, nor an earlier load of stream `st-5e1a7c30-2b64-5f0d-9a41-c8d2e7f60b13` of account `6a1f0c2de4b58790a3c1d2e4` in the lake
    ");
    assert_eq!(service.program(folder.path(), &format!("{line} --since 2026-03-02 -q")).run().output(), "");
}

#[test]
fn a_load_ends_at_its_limit_of_requests_and_the_next_goes_on() {
    let service = Service::small();
    let folder = tempfile::tempdir().unwrap();
    let load = |arguments: &str| {
        service.program(folder.path(), &format!("{} --window 6h -q {arguments}", service.load_line())).run()
    };
    insta::assert_snapshot!(load("--max-requests 2"), @"
    exit 5
    --- stderr
    error: `--max-requests` ended the run before all was read; the next one goes on
    ");
    assert!(service.running().requests() <= 2);
    assert_eq!(load("").output(), "");
    let count = Program::new(folder.path(), "query --format csv -c").arg("SELECT count(*) AS rows FROM conversations");
    assert_eq!(count.run().output(), format!("rows\n{}\n", service.running().generator().rows()));
}

#[test]
fn what_is_accepted_must_be_a_range_and_nothing_else_is_closed() {
    let loaded = Loaded::new();
    let accept = |range: &str| {
        refused(
            &loaded.days(),
            loaded.service.program(loaded.path(), &format!("{} --accept {range}", loaded.service.load_line_of(""))),
        )
    };
    insta::assert_snapshot!(accept("2026-03-02"), @"
    exit 2
    --- stderr
    error: `--accept`: expected FROM/TO, two times, found `2026-03-02`
    ");
    insta::assert_snapshot!(accept("2026-03-02/noon"), @"
    exit 2
    --- stderr
    error: `--accept`: expected a date (`2026-01-31`, UTC) or an RFC 3339 time (`2026-01-31T08:00:00Z`), found `noon`
    ");
    insta::assert_snapshot!(accept("2026-03-03/2026-03-02"), @"
    exit 2
    --- stderr
    error: `--accept`: expected a range whose end lies after its start, found `2026-03-03T00:00:00Z` to `2026-03-02T00:00:00Z`
    ");
    insta::assert_snapshot!(accept("2026-03-02/2026-03-03"), @"
    exit 2
    --- stderr
    error: `--accept`: expected owed windows of stream `st-5e1a7c30-2b64-5f0d-9a41-c8d2e7f60b13` within 2026-03-02T00:00:00Z to 2026-03-03T00:00:00Z, found none
    ");
}

#[test]
fn a_plan_touches_nothing() {
    let (service, folder) = (Service::small(), tempfile::tempdir().unwrap());
    let plan = |arguments: &str| Program::new(folder.path(), &plan_line(&service, arguments));
    insta::assert_snapshot!(plan("--from 2026-03-02 --to 2026-03-04").run(), @"
    exit 0
    --- stdout
    read      2026-03-02T00:00:00Z to 2026-03-04T00:00:00Z
    windows   unknown: nothing is known of this traffic yet, the first windows show it
    window    2026-03-02T00:00:00Z to 2026-03-02T06:00:00Z: rows unknown, requests unknown
    ");
    insta::assert_snapshot!(plan(NOW).run(), @"
    exit 2
    --- stderr
    error: expected a range to begin with, found neither `--from`, nor `--since`, nor an earlier load of stream `st-5e1a7c30-2b64-5f0d-9a41-c8d2e7f60b13` of account `6a1f0c2de4b58790a3c1d2e4` in the lake
    ");
    insta::assert_snapshot!(plan("--to 2026-03-04").run(), @"
    exit 2
    --- stderr
    error: expected `--from` beside `--to 2026-03-04T00:00:00Z`, found none; without both, what is new is read up to the present (`--now TIME` sets that)
    ");
    assert!(!folder.path().join("lake").exists());
    assert_eq!(service.running().requests(), 0);
}

#[test]
fn a_plan_over_a_lake_says_what_the_load_would_ask() {
    let loaded = Loaded::new();
    let before = Contents::of(&loaded.path().join("lake"));
    let plan = loaded.program(&plan_line(&loaded.service, &format!("{NOW} --output json"))).run().output();
    let plan: Value = serde_json::from_str(&plan).unwrap();
    assert!(plan["requests"].as_u64().is_some_and(|requests| requests >= 1), "{plan}");
    assert_eq!(plan["windows"].as_array().unwrap().first().unwrap()["range"]["from"], "2026-03-01T00:00:00Z");
    assert!(Contents::of(&loaded.path().join("lake")).changed_since(&before).is_empty());
}

#[test]
fn a_window_that_cannot_be_read_whole_is_named_once_and_closed_by_hand() {
    let service = Service::start(|settings| {
        settings.behaviour.set("crowd", "1300@2026-03-02T10:00:00Z").unwrap();
        settings.behaviour.set("is-automation", "ignored").unwrap();
    });
    let folder = tempfile::tempdir().unwrap();
    let load =
        |arguments: &str| service.program(folder.path(), &format!("{} -q {arguments}", service.load_line())).run();
    insta::assert_snapshot!(load(""), @"
    exit 5
    --- stderr
    error: the window 2026-03-02T09:59:59Z to 2026-03-02T10:00:00Z could not be read whole: the last page that may be asked for, offset 10, is full: 1100 records were read
    error: the window 2026-03-02T10:00:00Z to 2026-03-02T10:00:01Z could not be read whole: the last page that may be asked for, offset 10, is full: 1100 records were read
    hint: later loads try these windows again; `load --accept FROM/TO` takes one as it is
    ");
    assert_eq!(load("").output(), "", "it was told of");
    insta::assert_snapshot!(load("--strict"), @"
    exit 5
    --- stderr
    error: the window 2026-03-02T09:59:59Z to 2026-03-02T10:00:00Z could not be read whole: the last page that may be asked for, offset 10, is full: 1100 records were read
    error: the window 2026-03-02T10:00:00Z to 2026-03-02T10:00:01Z could not be read whole: the last page that may be asked for, offset 10, is full: 1100 records were read
    hint: later loads try these windows again; `load --accept FROM/TO` takes one as it is
    ");
    let status = || Program::new(folder.path(), "status --now 2026-03-04").run();
    insta::assert_snapshot!(status(), @"
    exit 0
    --- stdout
    account 6a1f0c2de4b58790a3c1d2e4
      days         2 ([size]), 2026-03-02 to 2026-03-03
      rows         1206, API v2
      stream st-5e1a7c30-2b64-5f0d-9a41-c8d2e7f60b13
        provisional  up to 2026-03-04T00:00:00Z, 0 seconds ago
        final        up to 2026-03-02T09:59:59Z, 38 hours ago
        lookback     3days
        open rows    21, the oldest from 2026-03-02T10:00:00Z
        last run     load, incomplete, began [time]; 61 requests, 0 rows new, 0 changed
        gaps         none
        owed         2026-03-02T09:59:59Z/2026-03-02T10:00:00Z, tried at [time]: the last page that may be asked for, offset 10, is full: 1100 records were read
                     2026-03-02T10:00:00Z/2026-03-02T10:00:01Z, tried at [time]: the last page that may be asked for, offset 10, is full: 1100 records were read
    ");
    insta::assert_snapshot!(load("--accept 2026-03-02T09:00:00Z/2026-03-02T10:00:01Z"), @"
    exit 0
    --- stdout
    accepted 2026-03-02T09:59:59Z to 2026-03-02T10:00:00Z
    accepted 2026-03-02T10:00:00Z to 2026-03-02T10:00:01Z
    ");
    assert!(status().output().contains("owed         none"));
}
