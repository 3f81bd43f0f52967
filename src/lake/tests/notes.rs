//! What a run writes down besides its commits.

use std::time::Duration;

use serde_json::json;

use super::support::*;
use crate::clock::UtcTime;
use crate::lake::{AccountHead, LakeError, RunIntent, RunState, StagedWindow};

async fn head(lake: &TestLake) -> AccountHead {
    lake.lake.head(&account()).await.unwrap().unwrap()
}

fn unread(from: i64, to: i64, read: i64) -> StagedWindow {
    let mut window = proven(&[], from, to, read);
    let proof = window.proof.as_mut().unwrap();
    (proof.whole, proof.evidence_kind) = (false, "none".to_owned());
    window
}

#[tokio::test]
async fn what_was_learned_is_kept_by_a_commit_or_by_the_end_of_a_run() {
    let lake = TestLake::new();
    let planning = async || head(&lake).await.stream(Some(&stream())).and_then(|stream| stream.planning.clone());
    let mut writer = lake.writer().await;
    writer.remember(Some(&stream()), json!({"page_size": 100}));
    assert_eq!(planning().await, None);
    writer.stage(proven(&[], 0, 60, 0)).await.unwrap();
    writer.commit().await.unwrap();
    assert_eq!(planning().await, Some(json!({"page_size": 100})));
    writer.remember(Some(&stream()), json!(2));
    writer.finish(RunState::Failed, false).await.unwrap();
    assert_eq!(planning().await, Some(json!(2)));
    let mut writer = lake.writer().await;
    writer.begin(intent()).await.unwrap();
    writer.remember(Some(&stream()), json!(3));
    writer.finish(RunState::Stopped, false).await.unwrap();
    assert_eq!(planning().await, Some(json!(3)));
    assert!(head(&lake).await.stream(Some(&stream())).unwrap().intent.is_some());
}

#[tokio::test]
async fn the_longest_lookback_stays() {
    let lake = TestLake::new();
    for (lookback, expected) in [(None, None), (Some(90_500), Some(91)), (Some(5_000), Some(91)), (None, Some(91))] {
        let mut writer = lake.writer().await;
        let lookback = lookback.map(Duration::from_millis);
        writer.begin(RunIntent { lookback, ..intent() }).await.unwrap();
        writer.finish(RunState::Complete, true).await.unwrap();
        assert_eq!(head(&lake).await.stream(Some(&stream())).unwrap().lookback_seconds, expected);
    }
}

#[tokio::test]
async fn an_owed_window_is_accepted_once_and_stands_in_the_table() {
    let lake = TestLake::new();
    lake.run(vec![unread(0, 60, 5), unread(60, 120, 6), proven(&[], 120, 200, 7)]).await;
    let mut writer = lake.writer().await;
    assert_eq!(writer.accept(&stream(), seconds(1, 120)).await.unwrap().len(), 1, "one lies within");
    assert_eq!(writer.accept(&stream(), seconds(60, 120)).await.unwrap(), []);
    let closed = writer.accept(&stream(), seconds(-9, 60)).await.unwrap();
    assert_eq!(closed[0].range, seconds(0, 60));
    let state = head(&lake).await.stream(Some(&stream())).unwrap().clone();
    assert_eq!((state.owed.len(), state.gaps(None).len()), (0, 0));
    let first = &state.coverage.stretches()[0];
    assert_eq!((first.evidence.as_str(), &first.run_id), ("accepted", writer.run_id()));
    let tried = UtcTime::from_seconds(MORNING + DAY + 5);
    assert_eq!((first.read_at, first.as_of), (tried, tried));
    let run_id = writer.run_id().to_string();
    writer.finish(RunState::Complete, true).await.unwrap();
    let lines = lake.lines("_kore_lake/ledger/windows");
    let accepted: Vec<_> = lines.iter().filter(|line| line["evidence_kind"] == json!("accepted")).collect();
    assert_eq!(accepted.len(), 2);
    assert!(accepted.iter().all(|line| line["run_id"] == json!(run_id) && line["whole"] == json!(false)));
}

#[tokio::test]
async fn what_was_accepted_makes_no_stored_row_later() {
    let lake = TestLake::new();
    lake.run(vec![proven(&[row(1, "c")], 0, 60, 0), unread(0, 60, 900)]).await;
    let mut writer = lake.writer().await;
    assert_eq!(writer.accept(&stream(), seconds(0, 60)).await.unwrap().len(), 1);
    writer.finish(RunState::Complete, true).await.unwrap();
    assert_eq!(lake.replay(&[row(1, "c").hash(2).fetched(500)]).await.rows.changed, 1);
}

#[tokio::test]
async fn an_acceptance_that_was_not_written_down_is_none() {
    let lake = TestLake::new();
    lake.run(vec![unread(0, 60, 5)]).await;
    let mut writer = lake.writer().await;
    let locks = lake.folder.path().join("_kore_lake/locks/acc-1");
    for file in std::fs::read_dir(&locks).unwrap().map(Result::unwrap) {
        if file.file_name() != "machine" {
            std::fs::remove_file(file.path()).unwrap();
        }
    }
    let lost = writer.accept(&stream(), seconds(0, 60)).await.unwrap_err();
    assert!(matches!(lost, LakeError::LockLost { .. }), "{lost}");
    assert_eq!(writer.head().stream(Some(&stream())).unwrap().owed.len(), 1);
    assert_eq!(head(&lake).await.stream(Some(&stream())).unwrap().owed.len(), 1);
}
