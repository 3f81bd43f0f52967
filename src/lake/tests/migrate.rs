//! An older lake becomes one of the present schema, and loses nothing on the way.

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::crash::DyingStore;
use super::older::*;
use super::support::*;
use crate::decode::{RecordWriter, older};
use crate::lake::{
    Lake, LakeError, LakeErrorKind, MigrateSummary, RunState, Writer, WriterSettings, migrate, rebuild_ledger,
};
use crate::query::{Format, LakeFiles, Session, SessionSettings, render};

fn records() -> Vec<Value> {
    vec![record(0, 1), record(0, 2), record(1, 3), record(2, 4)]
}

/// The lake under the present schema, and the same one as an older program left it.
async fn present_and_older() -> (TestLake, TestLake) {
    let lakes = (TestLake::new(), TestLake::new());
    for lake in [&lakes.0, &lakes.1] {
        lake.run(vec![read(&records())]).await;
    }
    lakes.1.age(&LACKING).await;
    lakes
}

async fn run(lake: &Lake) -> Result<MigrateSummary, LakeError> {
    migrate(lake, TestLake::settings(), |_| ()).await
}

async fn ask(lake: &TestLake, sql: &str) -> String {
    let settings = SessionSettings { parallelism: Some(1), ..SessionSettings::default() };
    let session = Session::open(LakeFiles::from(&lake.lake), settings).await.unwrap();
    let mut out = Vec::new();
    render(session.run(&session.parse(sql).unwrap()[0]).await.unwrap(), Format::Csv, &mut out).await.unwrap();
    String::from_utf8(out).unwrap()
}

/// The rows without what a run leaves in them.
fn rows(lake: &TestLake) -> Vec<Value> {
    let mut rows = lake.rows();
    for row in &mut rows {
        row.as_object_mut().unwrap().remove("_run_id");
    }
    rows
}

fn records_of(lake: &TestLake) -> Vec<String> {
    let mut records = Vec::new();
    for path in lake.files("conversations") {
        let rows = lake.stored(&path);
        let writer = RecordWriter::new(&rows).unwrap();
        for row in 0..rows.num_rows() {
            let mut record = Vec::new();
            writer.write(row, &mut record).unwrap();
            records.push(String::from_utf8(record).unwrap());
        }
    }
    records
}

const LACKED: &str = "SELECT count(csat_score) AS root, count(meta_info['caller']) AS nested,
    count(destinations[1]['responding_agent']['hold_duration']) AS agent,
    count(destinations[1]['non_responding_agents'][1]['status']) AS offer, count(extra) AS extra FROM conversations";

#[tokio::test]
async fn an_older_lake_reads_as_nulls_and_has_the_values_once_it_is_migrated() {
    let (present, older) = present_and_older().await;
    assert_eq!(ask(&older, LACKED).await, "root,nested,agent,offer,extra\n0,0,0,0,4\n");
    assert_ne!(rows(&older), rows(&present));
    let summary = run(&older.lake).await.unwrap();
    assert_eq!((summary.schema_version_from, summary.schema_version_to), (Some(0), 1));
    assert_eq!((summary.days_rewritten, summary.days_current, summary.rows), (3, 0, 4));
    assert_eq!(summary.values_lifted, 4 * 8);
    assert_eq!(ask(&older, LACKED).await, "root,nested,agent,offer,extra\n4,4,4,4,4\n");
    assert_eq!(rows(&older), rows(&present));
    assert_eq!(records_of(&older), records_of(&present));
    assert_eq!(rows(&older)[0]["extra"], json!(r#"{"unknown":{"a":1}}"#));
    assert_eq!(older.versions(), ["1"; 3]);
}

#[tokio::test]
async fn columns_of_ours_stay_as_they_are() {
    let (present, older) = present_and_older().await;
    run(&older.lake).await.unwrap();
    let ours = |lake: &TestLake| -> Vec<BTreeMap<String, Value>> {
        let of_row = |row: Value| {
            let members = row.as_object().unwrap().clone().into_iter();
            members.filter(|(name, _)| name.starts_with('_')).collect()
        };
        lake.rows().into_iter().map(of_row).collect()
    };
    assert_eq!(ours(&older), ours(&present));
    assert!(ours(&older).iter().all(|row| row["_run_id"] == "run"));
}

#[tokio::test]
async fn a_second_migration_and_the_same_pages_again_change_no_object() {
    let (_, older) = present_and_older().await;
    run(&older.lake).await.unwrap();
    let (objects, head, runs) = (older.objects(), older.head_json(), older.lines("_kore_lake/ledger/runs").len());
    let again = run(&older.lake).await.unwrap();
    assert_eq!((again.days_rewritten, again.days_current, again.bytes_written), (0, 3, 0));
    assert_eq!(older.objects(), objects);
    assert_eq!((older.head_json(), older.lines("_kore_lake/ledger/runs").len()), (head, runs));
    let replayed = older.run(vec![read(&records())]).await;
    assert_eq!((replayed.rows.unchanged, replayed.days_written), (4, 0));
    assert_eq!(older.objects(), objects);
}

#[tokio::test]
async fn the_ledger_tells_of_a_migration() {
    let (_, older) = present_and_older().await;
    let told = Mutex::new(Vec::new());
    let settings = TestLake::settings();
    let run_id = settings.run_id.to_string();
    let summary = migrate(&older.lake, settings, |progress| told.lock().unwrap().push(progress)).await.unwrap();
    let told: Vec<_> = told.into_inner().unwrap().iter().map(|told| (told.days_done, told.days)).collect();
    assert_eq!(told, [(1, 3), (2, 3), (3, 3)]);
    let of_run = |line: &Value| line["run_id"] == json!(run_id);
    let runs: Vec<_> = older.lines("_kore_lake/ledger/runs").into_iter().filter(of_run).collect();
    assert_eq!((runs.len(), &runs[0]["command"], &runs[0]["state"]), (1, &json!("migrate"), &json!("complete")));
    assert_eq!(runs[0]["bytes_written"], json!(summary.bytes_written));
    let days: Vec<_> = older.lines("_kore_lake/ledger/days").into_iter().filter(of_run).collect();
    assert!(days.len() == 3 && days.iter().all(|day| day["written"] == json!(true)), "{days:?}");
    let head = older.lake.head(&account()).await.unwrap().unwrap();
    assert_eq!((head.schema_version, head.days.len()), (1, 3));
    assert!(head.days.values().all(|day| day.run_id.as_ref() == Some(&run_id)));
    assert_eq!(head.streams.values().filter(|stream| stream.intent.is_some()).count(), 0);
    assert_eq!(head.days.values().map(|day| day.bytes).sum::<u64>(), summary.bytes_written);
}

#[tokio::test]
async fn what_a_killed_run_staged_under_the_older_schema_is_not_lost() {
    let (present, older) = (TestLake::new(), TestLake::new());
    present.run(vec![read(&records())]).await;
    older.run(vec![read(&records()[..2])]).await;
    let writer = older.writer().await;
    let mut window = read(&records()[2..]);
    window.rejects.push(reject("{}", 7));
    writer.stage(window).await.unwrap();
    drop(writer);
    older.age(&LACKING).await;
    let refused = Writer::open(&older.lake, TestLake::settings()).await.unwrap_err();
    assert!(matches!(refused, LakeError::OtherSchema { found: 0, expected: 1, .. }), "{refused}");
    assert_eq!(run(&older.lake).await.unwrap().staged_rewritten, 1);
    let recovered = older.writer().await.recover().await.unwrap();
    assert_eq!((recovered.rows.new, recovered.rejects), (2, 1));
    assert_eq!(rows(&older), rows(&present));
}

#[tokio::test]
async fn a_staged_object_that_comes_late_names_migrate() {
    let lake = TestLake::new();
    lake.writer().await.stage(read(&records())).await.unwrap();
    lake.age(&LACKING).await;
    let head = lake.head_json().to_string().replace("\"schema_version\":0", "\"schema_version\":1");
    lake.write(HEAD, head.as_bytes());
    let error = lake.writer().await.recover().await.unwrap_err();
    assert!(error.to_string().ends_with("found others: run `migrate`"), "{error}");
    run(&lake.lake).await.unwrap();
    assert_eq!(lake.writer().await.recover().await.unwrap().rows.new, 4);
}

#[tokio::test]
async fn a_kill_at_any_write_is_mended_by_migrating_again() {
    let (present, _) = present_and_older().await;
    let mut survived = 0;
    let mut mixed = 0;
    let older = TestLake::new();
    older.run(vec![read(&records())]).await;
    let writer = older.writer().await;
    writer.stage(read(&[record(1, 9)])).await.unwrap();
    writer.finish(RunState::Open, false).await.unwrap();
    older.age(&LACKING).await;
    for writes in 0.. {
        let lake = older.copy();
        let left = Arc::new(AtomicI64::new(writes));
        let dying = DyingStore { inner: Arc::clone(lake.lake.store()), left: Arc::clone(&left) };
        let died = run(&lake.lake.clone().with_store(Arc::new(dying))).await;
        let versions = lake.versions();
        if versions.contains(&"0".to_owned()) && versions.contains(&"1".to_owned()) {
            mixed += 1;
            let segments = ask(&lake, "SELECT count(*) AS n FROM agent_segments").await;
            assert_eq!(segments, "n\n8\n", "killed at write {writes}");
        }
        let all_written = left.load(Ordering::Relaxed) >= 0;
        if all_written {
            died.unwrap();
        } else {
            survived += 1;
            run(&lake.lake).await.unwrap();
        }
        assert_eq!(lake.versions(), ["1"; 3], "killed at write {writes}");
        assert_eq!(rows(&lake), rows(&present), "killed at write {writes}");
        let head = lake.lake.head(&account()).await.unwrap().unwrap();
        for object in lake.lake.account_partitions(&account()).await.unwrap() {
            assert_eq!(head.days[&object.date].etag, object.meta.e_tag, "killed at write {writes}");
        }
        assert_eq!(lake.writer().await.recover().await.unwrap().rows.new, 1, "killed at write {writes}");
        if all_written {
            break;
        }
    }
    assert!(survived > 10 && mixed > 4, "{survived} {mixed}");
}

#[tokio::test]
async fn anything_of_a_newer_version_is_refused_and_nothing_is_touched() {
    let (_, older) = present_and_older().await;
    let path = older.files("conversations").pop().unwrap();
    let rows = older.stored(&path);
    older.write(&path, &parquet(&rows, 2));
    let objects = older.objects();
    let error = run(&older.lake).await.unwrap_err();
    assert_eq!(error.to_string(), format!("expected schema version 1 in `{path}`, found 2"));
    assert!(error.hint().unwrap().contains("newer version of the program"));
    assert_eq!(older.objects(), objects);
    let head = older.head_json().to_string().replace("\"schema_version\":0", "\"schema_version\":2");
    older.write(HEAD, head.as_bytes());
    let error = run(&older.lake).await.unwrap_err();
    assert_eq!(error.to_string(), format!("expected schema version 1 in `{HEAD}`, found 2"));
}

#[tokio::test]
async fn a_column_that_would_be_lost_stops_at_its_day() {
    let (_, older) = present_and_older().await;
    let path = older.files("conversations").pop().unwrap();
    let rows = older.stored(&path);
    let mut fields = rows.schema().fields().to_vec();
    fields[0] = Arc::new(fields[0].as_ref().clone().with_name("gone"));
    let schema = Arc::new(arrow::datatypes::Schema::new(fields));
    let foreign = arrow::array::RecordBatch::try_new(schema, rows.columns().to_vec()).unwrap();
    older.write(&path, &parquet(&foreign, 0));
    let bytes = fs::read(older.path(&path)).unwrap();
    let error = run(&older.lake).await.unwrap_err();
    assert_eq!(error.kind(), LakeErrorKind::Unavailable);
    assert_eq!(error.to_string(), format!("cannot bring the rows of `{path}` under the present schema"));
    assert_eq!(
        (older.versions(), fs::read(older.path(&path)).unwrap()),
        (["1", "1", "0"].map(str::to_owned).to_vec(), bytes)
    );
    assert_eq!(older.head_json()["schema_version"], json!(0));
    older.write(&path, &parquet(&rows, 0));
    assert_eq!(run(&older.lake).await.unwrap().days_rewritten, 1);
}

#[tokio::test]
async fn an_older_day_put_back_later_is_migrated_too() {
    let (_, lake) = present_and_older().await;
    run(&lake.lake).await.unwrap();
    let path = lake.files("conversations").remove(1);
    lake.age_partition(&path, &older::columns_without(&LACKING));
    let error = Writer::open(&lake.lake, TestLake::settings()).await.unwrap_err();
    assert!(error.to_string().contains(&path) && error.hint().unwrap().contains("migrate"), "{error}");
    let summary = run(&lake.lake).await.unwrap();
    assert_eq!((summary.days_rewritten, summary.days_current), (1, 2));
    lake.writer().await;
}

#[tokio::test]
async fn an_account_that_was_never_loaded_is_not_made() {
    let lake = TestLake::new();
    let summary = run(&lake.lake).await.unwrap();
    assert_eq!((summary.schema_version_from, summary.days_rewritten), (None, 0));
    assert_eq!(lake.files(""), Vec::<String>::new());
}

#[tokio::test]
async fn a_lost_ledger_beside_older_days_is_rebuilt_and_then_migrated() {
    let (present, older) = (TestLake::new(), TestLake::new());
    present.run(vec![read(&records())]).await;
    older.run(vec![read(&records()[..3])]).await;
    older.writer().await.stage(read(&records()[3..])).await.unwrap();
    let days = older.files("conversations");
    for path in &days {
        older.age_partition(path, &older::columns_without(&LACKING));
    }
    older.age_all_staged(&LACKING);
    fs::remove_dir_all(older.path("_kore_lake/ledger")).unwrap();
    assert!(matches!(run(&older.lake).await, Err(LakeError::LedgerLost { days: 2, .. })));
    let rebuilt = rebuild_ledger(&older.lake, TestLake::settings()).await.unwrap();
    assert_eq!((rebuilt.days, rebuilt.rows, rebuilt.staged, rebuilt.schema_version), (2, 3, 1, 0));
    assert_eq!(rebuilt.streams, ["st-1"]);
    let refused = Writer::open(&older.lake, TestLake::settings()).await.unwrap_err();
    assert!(matches!(refused, LakeError::OtherSchema { found: 0, expected: 1, .. }), "{refused}");
    let summary = run(&older.lake).await.unwrap();
    assert_eq!((summary.days_rewritten, summary.staged_rewritten, summary.schema_version_from), (2, 1, Some(0)));
    assert_eq!(older.writer().await.recover().await.unwrap().rows.new, 1);
    assert_eq!(rows(&older), rows(&present));
}

#[tokio::test]
async fn one_older_day_makes_a_rebuilt_ledger_an_older_one() {
    let (present, older) = present_and_older().await;
    let path = older.files("conversations").remove(1);
    present.age_partition(&path, &older::columns_without(&LACKING));
    fs::remove_file(present.path(HEAD)).unwrap();
    assert_eq!(rebuild_ledger(&present.lake, TestLake::settings()).await.unwrap().schema_version, 0);
    let summary = run(&present.lake).await.unwrap();
    assert_eq!((summary.days_rewritten, summary.days_current), (1, 2));
    assert_eq!(present.lake.head(&account()).await.unwrap().unwrap().schema_version, 1);
}

#[tokio::test]
async fn a_held_account_is_not_migrated() {
    let (_, older) = present_and_older().await;
    let holder = Writer::open_older(&older.lake, TestLake::settings()).await.unwrap();
    let settings = WriterSettings::new(account());
    let error = migrate(&older.lake, settings, |_| ()).await.unwrap_err();
    assert_eq!(error.kind(), LakeErrorKind::LockHeld);
    drop(holder);
}
