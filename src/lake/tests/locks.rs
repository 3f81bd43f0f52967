//! One writer per account.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::json;

use super::support::*;
use crate::clock::UtcTime;
use crate::lake::lock::BEAT;
use crate::lake::{LakeError, LakeErrorKind, RunState, Writer, WriterSettings};

fn turned(clock: &Arc<AtomicI64>) -> WriterSettings {
    let clock = Arc::clone(clock);
    let now = move || UtcTime::from_seconds(clock.load(Ordering::Relaxed));
    WriterSettings { clock: Some(Arc::new(now)), ..WriterSettings::new(account()) }
}

fn foreign_lock(lake: &TestLake, number: u64, heartbeat: i64) {
    let heartbeat = UtcTime::from_seconds(heartbeat).to_string();
    let lock = json!({"host": "elsewhere", "pid": 7, "run_id": "run-7", "heartbeat": heartbeat});
    lake.write(&format!("_kore_lake/locks/acc-1/{number:010}"), lock.to_string().as_bytes());
}

#[tokio::test]
async fn a_second_writer_is_told_who_holds_the_account() {
    let lake = TestLake::new();
    let writer = lake.writer().await;
    let error = Writer::open(&lake.lake, WriterSettings::new(account())).await.unwrap_err();
    assert_eq!(error.kind(), LakeErrorKind::LockHeld);
    assert!(error.to_string().contains(writer.run_id().as_str()), "{error}");
    let other = WriterSettings::new("acc-2".parse().unwrap());
    Writer::open(&lake.lake, other).await.unwrap();
    writer.finish(RunState::Complete, true).await.unwrap();
    Writer::open(&lake.lake, WriterSettings::new(account())).await.unwrap();
}

#[tokio::test]
async fn one_that_waits_gets_the_account_when_it_is_free() {
    let lake = TestLake::new();
    let writer = lake.writer().await;
    let waiting = tokio::spawn({
        let lake = lake.lake.clone();
        async move { Writer::open(&lake, TestLake::settings()).await }
    });
    tokio::task::yield_now().await;
    writer.finish(RunState::Complete, true).await.unwrap();
    waiting.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_holder_elsewhere_is_taken_over_when_its_heartbeat_is_a_minute_old() {
    let lake = TestLake::new();
    let clock = Arc::new(AtomicI64::new(MORNING + 59));
    foreign_lock(&lake, 3, MORNING);
    let error = Writer::open(&lake.lake, turned(&clock)).await.unwrap_err();
    assert!(matches!(error, LakeError::LockHeld { ref holder, .. } if holder.host == "elsewhere"), "{error}");
    clock.store(MORNING + 60, Ordering::Relaxed);
    let writer = Writer::open(&lake.lake, turned(&clock)).await.unwrap();
    assert_eq!(lake.files("_kore_lake/locks"), ["_kore_lake/locks/acc-1/0000000004", "_kore_lake/locks/acc-1/machine"]);
    writer.finish(RunState::Complete, true).await.unwrap();
    assert_eq!(lake.files("_kore_lake/locks"), ["_kore_lake/locks/acc-1/machine"]);
}

#[tokio::test]
async fn a_killed_holder_on_this_machine_frees_at_once() {
    let lake = TestLake::new();
    let host = crate::lake::local::host_name();
    let mut lock = json!({"host": host, "pid": 7, "run_id": "run-7", "heartbeat": UtcTime::now().to_string()});
    let write = |lock: &serde_json::Value| {
        lake.write("_kore_lake/locks/acc-1/0000000001", lock.to_string().as_bytes());
    };
    // Another machine of the same name.
    lock["boot_id"] = json!("another");
    write(&lock);
    let error = Writer::open(&lake.lake, WriterSettings::new(account())).await.unwrap_err();
    assert_eq!(error.kind(), LakeErrorKind::LockHeld);
    lock["boot_id"] = json!(crate::lake::local::boot_id());
    write(&lock);
    Writer::open(&lake.lake, WriterSettings::new(account())).await.unwrap();
}

#[tokio::test]
async fn a_writer_that_lost_its_lock_commits_nothing() {
    let lake = TestLake::new();
    let mut writer = lake.writer().await;
    writer.stage(replayed(&[row(1, "a")])).await.unwrap();
    foreign_lock(&lake, 2, MORNING);
    let error = writer.commit().await.unwrap_err();
    assert!(matches!(error, LakeError::LockLost { .. }), "{error}");
    assert_eq!((lake.rows().len(), lake.files("_kore_lake/staging").len()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_writer_whose_heartbeat_finds_its_lock_lost_stages_no_more() {
    let lake = TestLake::new();
    let writer = lake.writer().await;
    foreign_lock(&lake, 2, MORNING);
    writer.stage(replayed(&[row(1, "a")])).await.unwrap();
    tokio::time::sleep(3 * BEAT).await; // on a paused clock: a heartbeat comes between
    let error = writer.stage(replayed(&[row(2, "b")])).await.unwrap_err();
    assert!(matches!(error, LakeError::LockLost { .. }), "{error}");
}

#[tokio::test]
async fn a_day_that_no_commit_explains_is_owed_again_unless_it_is_a_copy() {
    let lake = TestLake::new();
    lake.run(vec![proven(&[row(1, "a")], 0, 10, 0)]).await;
    let day = lake.files("conversations").remove(0);
    let read = || std::fs::read(lake.folder.path().join(&day)).unwrap();
    let before = read();
    lake.run(vec![proven(&[row(11, "b")], 10, 20, 0)]).await;
    let copied = read();
    let owed = async || {
        let writer = lake.writer().await;
        let owed: Vec<_> = writer.head().streams.values().flat_map(|stream| stream.owed.clone()).collect();
        writer.finish(RunState::Complete, true).await.unwrap();
        owed
    };
    lake.write(&day, &copied);
    assert_eq!(owed().await, []);
    lake.write(&day, &before);
    let found = owed().await;
    let ranges: Vec<_> = found.iter().map(|owed| owed.range).collect();
    assert_eq!(ranges, [seconds(0, 10), seconds(10, 20)]);
    assert_eq!(owed().await, found);
}

#[tokio::test]
async fn a_writer_that_lost_its_lock_leaves_the_ledger_alone() {
    let lake = TestLake::new();
    let mut writer = lake.writer().await;
    writer.begin(intent()).await.unwrap();
    let head = lake.lake.head(&account()).await.unwrap();
    foreign_lock(&lake, 2, MORNING);
    let error = writer.finish(RunState::Complete, true).await.unwrap_err();
    assert!(matches!(error, LakeError::LockLost { .. }), "{error}");
    assert_eq!(lake.lake.head(&account()).await.unwrap(), head);
}

#[tokio::test]
async fn a_writer_without_a_heartbeat_for_a_minute_commits_nothing() {
    let lake = TestLake::new();
    let clock = Arc::new(AtomicI64::new(MORNING));
    let mut writer = Writer::open(&lake.lake, turned(&clock)).await.unwrap();
    writer.stage(replayed(&[row(1, "a")])).await.unwrap();
    clock.store(MORNING + 61, Ordering::Relaxed);
    assert!(matches!(writer.commit().await, Err(LakeError::LockLost { .. })));
}
