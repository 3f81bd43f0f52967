//! The reports over the ledger, of lakes that were loaded more than once, against the records as each load found them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use kore_lake::clock::UtcTime;
use kore_lake::pipeline::{LoadRequest, ReplayRequest, Stop, Unwatched, replay};
use kore_lake::query::{Session, SessionSettings, report};
use kore_lake::schema::ApiVersion;
use kore_lake::simulator::Key;
use kore_lake::source::BareDefaults;
use serde_json::{Value, json};

use super::as_json;
use crate::centre::{MEMORY_BYTES, run};
use crate::following::{Following, day, hour, range, traffic};

type Records = BTreeMap<Key, Value>;

/// A report's rows, of these columns alone.
async fn rows(following: &Following, name: &str, params: &[(&str, &str)], columns: &[&str]) -> Vec<Value> {
    let settings = SessionSettings { parallelism: Some(1), ..Default::default() };
    let session = Session::open((&following.lake).into(), settings).await.unwrap();
    let report = report(name).unwrap();
    let given = params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let rows = as_json(session.report(report, &report.bind(&given).unwrap()).await.unwrap()).await;
    rows.iter().map(|row| columns.iter().map(|column| row[column].clone()).collect()).collect()
}

/// Day of the session's id (F15).
fn day_of(key: &Key) -> String {
    let start = UtcTime::from_seconds(i64::from_str_radix(&key.session_id[..8], 16).unwrap());
    start.date().to_string()
}

/// What a read that found `after` changed in a lake that held `before`: day, read, new, changed, unchanged, superseded,
/// not returned, rows after.
fn changes(read: usize, before: &Records, after: &Records) -> Vec<Value> {
    let days: BTreeSet<String> = after.keys().map(day_of).collect();
    let count = |day: &str, records: &Records, holds: &dyn Fn(&Key) -> bool| {
        records.keys().filter(|key| day_of(key) == day && holds(key)).count()
    };
    let row = |day: &String| {
        json!([
            day,
            read,
            count(day, after, &|key| !before.contains_key(key)),
            count(day, after, &|key| before.get(key).is_some_and(|record| *record != after[key])),
            count(day, after, &|key| before.get(key) == Some(&after[key])),
            count(day, before, &|key| !after.contains_key(key)),
            0,
            count(day, after, &|_| true),
        ])
    };
    days.iter().map(row).collect()
}

#[test]
fn changes_are_those_between_the_records_as_each_load_found_them() {
    run(async {
        let following = Following::at(hour(40), traffic(2, 4, 80));
        let mut found = vec![Records::new()];
        for now in [40, 64, 64] {
            following.set_now(hour(now));
            let since = Some(day(0));
            following.load(&LoadRequest { since, ..following.request() }).await;
            found.push(following.truth(range(day(0), hour(now))));
        }
        let steps = found.windows(2).enumerate();
        let mut expected: Vec<Value> = steps.flat_map(|(at, pair)| changes(at + 1, &pair[0], &pair[1])).collect();
        // A day's first read by this lake may be the second load.
        let mut reads: BTreeMap<String, usize> = BTreeMap::new();
        for row in &mut expected {
            let read = reads.entry(row[0].to_string()).or_default();
            *read += 1;
            row[1] = json!(*read);
        }
        expected.sort_by_key(|row| (row[0].to_string(), row[1].as_u64()));
        let columns = [
            "session_date",
            "read_number",
            "rows_new",
            "rows_changed",
            "rows_unchanged",
            "rows_superseded",
            "rows_not_returned",
            "rows_after",
        ];
        assert_eq!(rows(&following, "changes", &[], &columns).await, expected);
        let total = |column: usize| expected.iter().filter_map(|row| row[column].as_u64()).sum::<u64>();
        assert!(total(3) > 5 && total(4) > 50, "a case that shows something: {expected:?}");

        let one = [("from", "2026-03-03"), ("to", "2026-03-04"), ("time_zone", "Asia/Kolkata")];
        expected.retain(|row| row[0] == "2026-03-03");
        assert_eq!(rows(&following, "changes", &one, &columns).await, expected);
        assert_eq!(rows(&following, "changes", &[("account", "nobody")], &columns).await, [] as [Value; 0]);
        let told = rows(&following, "changes", &[], &["command", "stream_id", "commit"]).await;
        assert!(told.iter().all(|row| *row == json!(["load", following.wire.stream(), 1])), "{told:?}");
    });
}

/// A page with records that can be no rows.
async fn replay_rejects(following: &Following) {
    let page = following.folder.path().join("page.json");
    std::fs::write(&page, json!({"data": [7, "text", {"sessionId": ""}]}).to_string()).unwrap();
    let account_id = Some(following.wire.account());
    let request = ReplayRequest {
        paths: vec![page],
        bare: BareDefaults { api: ApiVersion::V2, account_id, stream_id: None, time_zone_offset: 0 },
        allow_downgrade: false,
        wait_lock: Duration::ZERO,
        memory_limit_bytes: MEMORY_BYTES,
        strict: false,
    };
    let finished = replay(&following.lake, &request, &Unwatched, Stop::never()).await;
    assert_eq!(finished.summary.rejects.distinct, 3);
}

/// Members that the simulator has as `""` at times, as the lake and as the API names them.
const OFTEN_EMPTY: [(&str, &str); 3] = [
    ("campaign_info.attempt", "/campaigninfo/attempt"),
    ("meta_info.attempt", "/metaInfo/attempt"),
    ("meta_info.loyaltyTier", "/metaInfo/loyaltyTier"),
];

#[test]
fn data_quality_names_days_missing_and_open_values_kept_and_rejects() {
    run(async {
        let following = Following::at(hour(60), traffic(2, 4, 200));
        let reads = [range(hour(2), hour(20)), range(hour(30), hour(60))];
        for read in reads {
            following.load(&LoadRequest { range: Some(read), ..following.request() }).await;
        }
        replay_rejects(&following).await;
        let stored = following.stored().await;
        let mut expected: BTreeMap<(Option<String>, &str, String), u64> = BTreeMap::new();
        for (key, record) in &stored {
            let status = record["finalStatus"].as_str().unwrap_or_default();
            if ["ACTIVE", "TRANSIENT_OPEN"].contains(&status) {
                *expected.entry((Some(day_of(key)), "open", status.to_owned())).or_default() += 1;
            }
            if record.get("interactionSource").is_some() {
                *expected.entry((Some(day_of(key)), "extra", "interactionSource".to_owned())).or_default() += 1;
            }
            for (path, pointer) in OFTEN_EMPTY {
                if record.pointer(pointer).is_some_and(|value| value == "") {
                    *expected.entry((Some(day_of(key)), "extra, empty text", path.to_owned())).or_default() += 1;
                }
            }
        }
        expected.insert((None, "reject", "not_an_object".to_owned()), 2);
        expected.insert((None, "reject", "session_id".to_owned()), 1);
        let mut expected: Vec<Value> =
            expected.into_iter().map(|((day, kind, detail), count)| json!([day, kind, detail, count, null])).collect();
        let stream = following.wire.stream();
        expected.push(json!(["2026-03-02", "missing", stream, null, 4.0 * 3600.0]));
        expected.push(json!(["2026-03-03", "missing", stream, null, 6.0 * 3600.0]));
        let order = |rows: &mut Vec<Value>| rows.sort_by_key(Value::to_string);
        order(&mut expected);

        let columns = ["session_date", "kind", "detail", "count", "seconds"];
        let mut found = rows(&following, "data_quality", &[], &columns).await;
        found.retain(|row| row[1] != "extra" || row[2] == "interactionSource");
        order(&mut found);
        assert_eq!(found, expected);
        for kind in ["open", "extra", "extra, empty text"] {
            assert!(expected.iter().any(|row| row[1] == kind), "{kind}");
        }

        let gap = [("from", "2026-03-03"), ("to", "2026-03-04"), ("time_zone", "Asia/Kolkata")];
        let mut found = rows(&following, "data_quality", &gap, &["kind", "seconds", "begins", "ends"]).await;
        found.retain(|row| row[0] == "missing");
        assert_eq!(found, [json!(["missing", 21600.0, "2026-03-03T01:30:00", "2026-03-03T11:30:00"])]);
        assert_eq!(rows(&following, "data_quality", &[("account", "nobody")], &columns).await, [] as [Value; 0]);
    });
}
