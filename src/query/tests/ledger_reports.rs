//! Reports over the ledger, against lines written by hand.

use std::fs;

use serde_json::{Value, json};

use super::lake::{Lake, conversation, with};

/// A window of stream `st` that was read on 2026-04-01.
pub(super) fn read(from: &str, to: &str, whole: bool) -> Value {
    json!({
        "run_id": "r1", "sequence": 0, "stream_id": "st", "window_from": from, "window_to": to,
        "read_at": "2026-04-01T00:00:00Z", "as_of": "2026-04-01T00:00:00Z", "whole": whole, "covers": true,
        "evidence_kind": "short_page", "evidence": null, "pages": 1, "requests": 1, "api_rows": 1, "rows": 1, "rejects": 0,
    })
}

/// Takes the place of the account's windows.
pub(super) fn windows(lake: &Lake, account: &str, lines: &[Value]) {
    table(lake, "ledger/windows", account, lines);
}

fn table(lake: &Lake, folder: &str, account: &str, lines: &[Value]) {
    let folder = lake.path().join(format!("_kore_lake/{folder}/account_id={account}"));
    fs::create_dir_all(&folder).unwrap();
    let lines: String = lines.iter().flat_map(|line| [line.to_string(), "\n".to_owned()]).collect();
    fs::write(folder.join("r1.ndjson"), lines).unwrap();
}

fn committed(run: &str, date: &str, at: &str, new: u32, changed: u32) -> Value {
    json!({
        "run_id": run, "commit": 1, "session_date": date, "committed_at": at, "written": true, "rows": 10, "bytes": 1,
        "etag": null, "rows_new": new, "rows_changed": changed, "rows_unchanged": 0, "rows_superseded": 0,
        "rows_not_returned": 1, "rows_moved_out": 0,
    })
}

#[tokio::test]
async fn changes_numbers_the_reads_of_each_day() {
    let lake = Lake::new();
    let lines = [
        committed("r1", "2026-03-02", "2026-03-03T01:00:00Z", 10, 0),
        committed("r2", "2026-03-02", "2026-03-04T01:00:00Z", 0, 3),
        committed("r2", "2026-03-03", "2026-03-04T01:00:00Z", 10, 0),
    ];
    table(&lake, "ledger/days", "acme", &lines);
    let columns = ["session_date", "read_number", "run_id", "command", "committed_at", "rows_new", "rows_changed"];
    assert_eq!(
        lake.report("changes", &[("time_zone", "Asia/Kolkata")], &columns).await,
        [
            "2026-03-02 1 r1 - 2026-03-03T06:30:00 10 0",
            "2026-03-02 2 r2 - 2026-03-04T06:30:00 0 3",
            "2026-03-03 1 r2 - 2026-03-04T06:30:00 10 0",
        ]
    );
    assert_eq!(lake.report("changes", &[("from", "2026-03-03")], &columns[..2]).await, ["2026-03-03 1"]);
    assert_eq!(lake.report("changes", &[("account", "other")], &columns).await, [""; 0]);
}

const LACKING: [&str; 6] = ["session_date", "kind", "detail", "seconds", "begins", "ends"];

#[tokio::test]
async fn time_between_reads_is_missing_and_a_failed_read_owed() {
    let lake = Lake::new();
    let owed = read("2026-03-04T12:00:00Z", "2026-03-04T13:00:00Z", false);
    let lines = [
        read("2026-03-02T00:00:00Z", "2026-03-02T23:00:00Z", true),
        read("2026-03-04T01:00:00Z", "2026-03-05T00:00:00Z", true),
        owed.clone(),
    ];
    windows(&lake, "acme", &lines[..2]);
    let missing = [
        "2026-03-02 missing st 3600.0 2026-03-02T23:00:00 2026-03-04T01:00:00",
        "2026-03-03 missing st 86400.0 2026-03-02T23:00:00 2026-03-04T01:00:00",
        "2026-03-04 missing st 3600.0 2026-03-02T23:00:00 2026-03-04T01:00:00",
    ];
    assert_eq!(lake.report("data_quality", &[], &LACKING).await, missing);
    let one = [("from", "2026-03-03"), ("to", "2026-03-04")];
    assert_eq!(lake.report("data_quality", &one, &LACKING).await, missing[1..2]);
    // Read at the same time: what was read whole counts.
    windows(&lake, "acme", &lines);
    assert_eq!(lake.report("data_quality", &[], &LACKING).await, missing);
    // A later read failed, in part beyond what was read before; a still later one paid half of it.
    let later = with(owed, json!({"window_to": "2026-03-05T02:00:00Z", "read_at": "2026-04-02T00:00:00Z"}));
    let payed =
        with(read("2026-03-04T12:00:00Z", "2026-03-05T01:00:00Z", true), json!({"read_at": "2026-04-03T00:00:00Z"}));
    windows(&lake, "acme", &[lines[1].clone(), later.clone()]);
    assert_eq!(
        lake.report("data_quality", &[], &LACKING[..4]).await,
        ["2026-03-04 owed st 43200.0", "2026-03-05 owed st 7200.0"]
    );
    windows(&lake, "acme", &[lines[1].clone(), later.clone(), payed]);
    assert_eq!(lake.report("data_quality", &[], &LACKING[..4]).await, ["2026-03-05 owed st 3600.0"]);
    let accepted = with(later.clone(), json!({"evidence_kind": "accepted"}));
    windows(&lake, "acme", &[lines[1].clone(), later, accepted]);
    assert_eq!(lake.report("data_quality", &[], &LACKING).await, [""; 0]);
}

#[tokio::test]
async fn data_quality_counts_open_and_undated_rows_flags_extra_values_and_rejects() {
    let mut lake = Lake::of([
        with(conversation("1"), json!({"final_status": "ACTIVE", "_flags": ["start_differs", "end_before_start"]})),
        with(conversation("2"), json!({"extra": r#"{"new":1,"empty":""}"#, "_flags": ["start_differs"]})),
        with(conversation("3"), json!({"extra": r#"{"new":"text"}"#, "session_start_time": null})),
        with(conversation("4"), json!({"meta_info": {"extra": r#"{"new":""}"#}, "channel": "agentassist"})),
        with(conversation("5"), json!({"session_start_time": "2026-03-09T08:00:00Z"})),
    ]);
    lake.day("other", "2026-03-02", [with(conversation("1"), json!({"final_status": "ACTIVE"}))]);
    let reject = |reason: &str, hash: &str| {
        json!({
            "text_hash": hash, "reason": reason, "record_position": 1, "run_id": "r1",
            "fetched_at": "2026-03-05T00:00:00Z", "request": "{}", "text": "7",
        })
    };
    let rejects = [reject("no_time", "1"), reject("no_time", "2"), reject("not_an_object", "3")];
    table(&lake, "rejects", "acme", &rejects);
    let columns = ["session_date", "kind", "detail", "count"];
    let acme = ("account", "acme");
    let of_the_day = [
        "2026-03-02 extra new 2",
        "2026-03-02 extra, empty text empty 1",
        "2026-03-02 extra, empty text meta_info.new 1",
        "2026-03-02 flag end_before_start 1",
        "2026-03-02 flag start_differs 2",
        "2026-03-02 open ACTIVE 1",
        "2026-03-02 undated - 2",
    ];
    let rejected = ["- reject no_time 2", "- reject not_an_object 1"];
    assert_eq!(lake.report("data_quality", &[acme], &columns).await, [&rejected[..], &of_the_day[..]].concat());
    assert_eq!(lake.report("data_quality", &[acme, ("from", "2026-03-03")], &columns).await, rejected);
    assert_eq!(lake.report("data_quality", &[("account", "other")], &columns).await, ["2026-03-02 open ACTIVE 1"]);
}
