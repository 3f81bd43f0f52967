//! A ledger that is lost, in whole or in part, and restored.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use super::crash::{DyingStore, first_read, second_read};
use super::spoil::*;
use super::support::*;
use crate::lake::{Lake, LakeError, RebuiltLedger, RunState, Writer, WriterSettings, rebuild_ledger};
use crate::schema::ApiVersion;

async fn rebuild(lake: &TestLake) -> RebuiltLedger {
    rebuild_ledger(&lake.lake, TestLake::settings()).await.unwrap()
}

fn lose(lake: &TestLake, folder: &str) {
    fs::remove_dir_all(lake.folder.path().join(folder)).unwrap();
}

#[tokio::test]
async fn a_ledger_that_was_deleted_comes_back_without_its_proofs() {
    let lake = good_lake().await;
    lake.replay(&[Row { tag: Some("t"), ..row(5, "x") }]).await;
    let before = lake.lake.head(&account()).await.unwrap().unwrap();
    lose(&lake, "_kore_lake/ledger");
    assert!(matches!(Writer::open(&lake.lake, TestLake::settings()).await, Err(LakeError::LedgerLost { .. })));
    let rebuilt = rebuild(&lake).await;
    assert_eq!((rebuilt.days, rebuilt.rows, rebuilt.staged, rebuilt.lines_dropped), (2, 6, 0, 0));
    let after = lake.lake.head(&account()).await.unwrap().unwrap();
    assert_eq!((&after.days, after.api_version), (&before.days, Some(ApiVersion::V2)));
    assert_eq!(after.streams.keys().collect::<Vec<_>>(), ["st-1"]);
    let stream = after.stream(Some(&stream())).unwrap();
    assert!(stream.coverage.stretches().is_empty() && stream.owed.is_empty() && stream.intent.is_none());
    assert_eq!(verify(&lake).await.findings, []);
    lake.run(vec![proven(&[row(1, "a")], 0, 60, 9)]).await;
    assert_eq!(lake.rows().len(), 6);
}

#[tokio::test]
async fn fields_are_those_that_a_row_shows() {
    let lake = TestLake::new();
    lake.replay(&[Row { tag: Some("t"), ..row(5, "x") }, row(6, "y")]).await;
    fs::remove_file(lake.folder.path().join(HEAD)).unwrap();
    rebuild(&lake).await;
    let head = lake.lake.head(&account()).await.unwrap().unwrap();
    assert_eq!(head.fields, BTreeSet::from(["sessionleveltags".to_owned()]));
    assert!(matches!(
        head.check_compatible(ApiVersion::V2, &BTreeSet::new(), false),
        Err(LakeError::FieldsMissing { .. })
    ));
}

#[tokio::test]
async fn what_a_killed_run_staged_is_committed_after_a_rebuild_and_tells_its_stream() {
    let lake = TestLake::new();
    let writer = lake.writer().await;
    writer.stage(proven(&[Row { tag: Some("t"), ..row(1, "a") }], 0, 60, 0)).await.unwrap();
    writer.finish(RunState::Stopped, false).await.unwrap();
    lose(&lake, "_kore_lake/ledger");
    let rebuilt = rebuild(&lake).await;
    assert_eq!((rebuilt.staged, rebuilt.rows, rebuilt.streams), (1, 0, vec!["st-1".to_owned()]));
    let head = lake.lake.head(&account()).await.unwrap().unwrap();
    assert!(head.fields.contains("sessionleveltags") && head.api_version == Some(ApiVersion::V2));
    let mut writer = lake.writer().await;
    assert_eq!(writer.recover().await.unwrap().rows.new, 1);
    assert_eq!(writer.head().stream(Some(&stream())).unwrap().coverage.stretches()[0].range, seconds(0, 60));
}

#[tokio::test]
async fn a_kill_at_any_write_is_no_error_and_a_rebuild_after_it_loses_nothing() {
    let whole = TestLake::new();
    whole.run(first_read()).await;
    whole.run(second_read()).await;
    for writes in 0.. {
        let lake = TestLake::new();
        lake.run(first_read()).await;
        let left = Arc::new(AtomicI64::new(writes));
        let dying = DyingStore { inner: Arc::clone(lake.lake.store()), left };
        let doomed = TestLake { lake: lake.lake.clone().with_store(Arc::new(dying)), folder: lake.folder };
        let died = doomed.try_run(second_read()).await;
        let lake = TestLake { lake: Lake::in_folder(doomed.folder.path()).unwrap(), folder: doomed.folder };
        // The lock of a writer that was dropped frees in the background.
        lake.writer().await.finish(RunState::Failed, false).await.unwrap();
        let report = verify(&lake).await;
        let errors: Vec<_> = report.errors().collect();
        assert!(errors.is_empty(), "killed at write {writes}: {errors:#?}");
        lose(&lake, "_kore_lake/ledger");
        rebuild(&lake).await;
        lake.run(second_read()).await;
        assert_eq!(lake.contents(), whole.contents(), "killed at write {writes}");
        assert_eq!(verify(&lake).await.findings, [], "killed at write {writes}");
        if died.is_ok() {
            break;
        }
    }
}

#[tokio::test]
async fn a_head_that_can_be_read_keeps_what_waits_to_be_deleted_and_what_was_asked() {
    let lake = good_lake().await;
    change_head(&lake, |head| {
        head["retired"] = serde_json::json!(["_kore_lake/staging/acc-1/run/00000000.arrow"]);
        head["streams"]["st-1"]["lookback_seconds"] = serde_json::json!(7);
    });
    let before = lake.lake.head(&account()).await.unwrap().unwrap();
    rebuild(&lake).await;
    let after = lake.lake.head(&account()).await.unwrap().unwrap();
    let state = after.stream(Some(&stream())).unwrap();
    assert_eq!((state.lookback_seconds, state.coverage.stretches()), (Some(7), &[][..]));
    assert_eq!((after.retired, after.fields), (before.retired, before.fields));
}

#[tokio::test]
async fn documents_that_cannot_be_read_are_restored_and_lines_that_can_be_stay() {
    let lake = good_lake().await;
    lake.write(HEAD, b"{");
    let windows = lake.files("_kore_lake/ledger/windows").remove(0);
    let good = fs::read_to_string(lake.folder.path().join(&windows)).unwrap();
    let lines: Vec<_> = good.lines().collect();
    assert_eq!(lines.len(), 2);
    lake.write(&windows, format!("{}\n{}", lines[0], &lines[1][..20]).as_bytes());
    let days = fs::read(lake.folder.path().join(lake.files("_kore_lake/ledger/days").remove(0))).unwrap();
    assert_eq!(rebuild(&lake).await.lines_dropped, 1);
    assert_eq!(fs::read_to_string(lake.folder.path().join(&windows)).unwrap(), format!("{}\n", lines[0]));
    assert_eq!(fs::read(lake.folder.path().join(lake.files("_kore_lake/ledger/days").remove(0))).unwrap(), days);
    assert_eq!(verify(&lake).await.findings, []);
}

#[tokio::test]
async fn a_day_that_cannot_be_read_is_named_and_the_ledger_stays_as_it_was() {
    let lake = good_lake().await;
    lake.write(MONDAY, b"no parquet");
    let head = fs::read(lake.folder.path().join(HEAD)).unwrap();
    let error = rebuild_ledger(&lake.lake, TestLake::settings()).await.unwrap_err();
    assert!(matches!(error, LakeError::CorruptPartition { .. }), "{error}");
    assert_eq!(fs::read(lake.folder.path().join(HEAD)).unwrap(), head);
    // The lock is free again.
    fs::remove_file(lake.folder.path().join(MONDAY)).unwrap();
    assert_eq!(rebuild(&lake).await.days, 1);
    assert_eq!(verify(&lake).await.findings, []);
}

#[tokio::test]
async fn a_ledger_in_use_is_not_rebuilt() {
    let lake = good_lake().await;
    let writer = lake.writer().await;
    let error = rebuild_ledger(&lake.lake, WriterSettings::new(account())).await.unwrap_err();
    assert!(matches!(error, LakeError::LockHeld { .. }), "{error}");
    writer.finish(RunState::Complete, true).await.unwrap();
}
