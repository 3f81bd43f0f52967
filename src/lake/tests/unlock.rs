//! Accounts that a dead writer holds, and those that a live one does.

use std::sync::Arc;

use serde_json::json;

use super::support::*;
use crate::clock::UtcTime;
use crate::lake::{Clock, LakeError, LakeErrorKind, RunState, Unlocked, Writer, unlock};

fn lock(lake: &TestLake, number: u64, host: &str, heartbeat: i64) {
    let heartbeat = UtcTime::from_seconds(heartbeat).to_string();
    let boot_id = crate::lake::local::boot_id();
    let lock = json!({"host": host, "boot_id": boot_id, "pid": 7, "run_id": "run-7", "heartbeat": heartbeat});
    lake.write(&format!("_kore_lake/locks/acc-1/{number:010}"), lock.to_string().as_bytes());
}

fn at(second: i64) -> Clock {
    Arc::new(move || UtcTime::from_seconds(second))
}

fn numbers(lake: &TestLake) -> Vec<String> {
    let files = lake.files("_kore_lake/locks").into_iter().filter(|path| !path.ends_with("machine"));
    files.map(|path| path.rsplit('/').next().unwrap().to_owned()).collect()
}

/// Who held it, how long ago it was last heard of, and whether it lived.
fn freed(unlocked: Unlocked) -> (String, u64, bool) {
    let Unlocked::Freed { holder, age, was_alive, .. } = unlocked else { panic!("expected a lock, found none") };
    (holder.map_or_else(String::new, |holder| holder.host), age.as_secs(), was_alive)
}

#[tokio::test]
async fn an_account_that_nobody_holds_is_not_locked() {
    let lake = TestLake::new();
    for force in [false, true] {
        assert_eq!(unlock(&lake.lake, &account(), force, Some(at(MORNING))).await.unwrap(), Unlocked::NotLocked);
    }
    assert_eq!(lake.files("_kore_lake"), Vec::<String>::new());
}

#[tokio::test]
async fn a_holder_elsewhere_is_left_alone_until_its_heartbeat_is_a_minute_old() {
    let lake = TestLake::new();
    lock(&lake, 3, "elsewhere", MORNING);
    let error = unlock(&lake.lake, &account(), false, Some(at(MORNING + 59))).await.unwrap_err();
    assert_eq!(error.kind(), LakeErrorKind::LockHeld);
    assert!(
        error.to_string().contains("run `run-7` (process 7 on `elsewhere`), last heard of at 2026-03-02"),
        "{error}"
    );
    assert_eq!(numbers(&lake), ["0000000003"]);
    let unlocked = unlock(&lake.lake, &account(), false, Some(at(MORNING + 60))).await.unwrap();
    assert_eq!(freed(unlocked), ("elsewhere".to_owned(), 60, false));
    assert_eq!(numbers(&lake), Vec::<String>::new());
    lake.writer().await.finish(RunState::Complete, true).await.unwrap();
}

#[tokio::test]
async fn a_dead_holder_of_this_machine_is_freed_at_once() {
    let lake = TestLake::new();
    lock(&lake, 1, &crate::lake::local::host_name(), MORNING);
    let unlocked = unlock(&lake.lake, &account(), false, Some(at(MORNING))).await.unwrap();
    assert_eq!(freed(unlocked), (crate::lake::local::host_name(), 0, false));
    assert_eq!(numbers(&lake), Vec::<String>::new());
}

#[tokio::test]
async fn a_live_writer_keeps_its_account() {
    let lake = TestLake::new();
    let writer = lake.writer().await;
    let later = at(UtcTime::now().seconds() + 3_600);
    let error = unlock(&lake.lake, &account(), false, Some(later)).await.unwrap_err();
    assert!(matches!(error, LakeError::LockHeld { ref holder, .. } if holder.run_id == *writer.run_id()), "{error}");
    writer.finish(RunState::Complete, true).await.unwrap();
}

#[tokio::test]
async fn a_writer_whose_account_was_freed_by_force_commits_nothing_and_no_other_starts_beside_it() {
    let lake = TestLake::new();
    let mut writer = lake.writer().await;
    writer.stage(replayed(&[row(1, "a")])).await.unwrap();
    let clock: Clock = Arc::new(UtcTime::now);
    assert!(freed(unlock(&lake.lake, &account(), true, Some(clock)).await.unwrap()).2);
    let settings = crate::lake::WriterSettings::new(account());
    assert!(matches!(Writer::open(&lake.lake, settings).await, Err(LakeError::LockHeld { .. })));
    assert!(matches!(writer.commit().await, Err(LakeError::LockLost { .. })));
    drop(writer);
    let mut next = lake.writer().await;
    assert_eq!(next.recover().await.unwrap().rows.new, 1);
    next.finish(RunState::Complete, true).await.unwrap();
    assert_eq!(numbers(&lake), Vec::<String>::new());
}

#[tokio::test]
async fn a_holder_elsewhere_that_is_forced_out_cannot_come_back_by_a_late_heartbeat() {
    let lake = TestLake::new();
    lock(&lake, 3, "elsewhere", MORNING);
    assert!(freed(unlock(&lake.lake, &account(), true, Some(at(MORNING + 1))).await.unwrap()).2);
    lock(&lake, 3, "elsewhere", MORNING + 2);
    let settings =
        crate::lake::WriterSettings { clock: Some(at(MORNING + 2)), ..crate::lake::WriterSettings::new(account()) };
    let writer = Writer::open(&lake.lake, settings).await.unwrap();
    assert_eq!(numbers(&lake), ["0000000005"]);
    writer.finish(RunState::Complete, true).await.unwrap();
}

#[tokio::test]
async fn a_lock_that_cannot_be_read_is_freed_when_it_is_old_or_by_force() {
    let lake = TestLake::new();
    let path = "_kore_lake/locks/acc-1/0000000001";
    let now = UtcTime::now().seconds();
    lake.write(path, b"{");
    let error = unlock(&lake.lake, &account(), false, Some(at(now))).await.unwrap_err();
    assert_eq!(error.kind(), LakeErrorKind::LockHeld);
    let settings = crate::lake::WriterSettings::new(account());
    assert_eq!(Writer::open(&lake.lake, settings).await.unwrap_err().hint(), Some("run `unlock`"));
    assert!(!freed(unlock(&lake.lake, &account(), false, Some(at(now + 90))).await.unwrap()).2);
    lake.write(path, b"{");
    assert!(freed(unlock(&lake.lake, &account(), true, Some(at(now))).await.unwrap()).2);
    lake.writer().await.finish(RunState::Complete, true).await.unwrap();
}
