//! How an account stands.

use std::time::Duration;

use serde_json::json;

use super::support::*;
use crate::clock::UtcTime;
use crate::lake::{LakeError, RunIntent, RunState};
use crate::schema::ApiVersion;

fn now() -> UtcTime {
    UtcTime::from_seconds(MORNING + 2 * DAY)
}

#[tokio::test]
async fn an_account_tells_its_days_and_its_streams_marks() {
    let lake = TestLake::new();
    let mut writer = lake.writer().await;
    writer.begin(RunIntent { lookback: Some(Duration::from_hours(1)), ..intent() }).await.unwrap();
    let rows = [row(1, "a"), row(2, "open").status("ACTIVE"), row(DAY, "b").status("OPEN")];
    writer.stage(proven(&rows, 0, 2 * 3_600, 0)).await.unwrap();
    let mut owed = proven(&[], 3 * 3_600, 4 * 3_600, 0);
    owed.proof.as_mut().unwrap().whole = false;
    writer.stage(owed).await.unwrap();
    writer.remember(Some(&stream()), json!({"page_size": 100}));
    writer.commit().await.unwrap();
    writer.finish(RunState::Incomplete, true).await.unwrap();
    lake.replay(&[row(3, "c")]).await;

    let status = lake.lake.status(&account(), None, now()).await.unwrap();
    assert_eq!((status.days, status.rows), (2, 4));
    assert_eq!(status.first_day.map(|day| day.to_string()).as_deref(), Some("2026-03-02"));
    assert_eq!(status.last_day.map(|day| day.to_string()).as_deref(), Some("2026-03-03"));
    assert!(status.bytes > 0 && status.fields.contains("skills"));
    assert_eq!((status.api_version, status.lock), (Some(ApiVersion::V2), None));
    let [of_stream] = &status.streams[..] else { panic!("{:?}", status.streams) };
    assert_eq!(of_stream.stream_id, Some(stream()));
    assert_eq!(of_stream.provisional_up_to, Some(seconds(0, 4 * 3_600).to()));
    assert_eq!(of_stream.final_up_to, None, "the unbroken stretch that ends last is owed");
    assert_eq!(of_stream.gaps, [seconds(2 * 3_600, 3 * 3_600)]);
    assert_eq!(of_stream.owed[0].range, seconds(3 * 3_600, 4 * 3_600));
    assert_eq!((of_stream.open_rows.rows, of_stream.open_rows.oldest), (2, Some(seconds(2, 3).from())));
    assert_eq!(of_stream.planning, Some(json!({"page_size": 100})));
    assert_eq!(of_stream.last_run.as_ref().unwrap().state, RunState::Complete);
    assert_eq!((of_stream.intent.as_ref(), of_stream.unfinished.len()), (None, 0));

    let since = lake.lake.status(&account(), Some(seconds(0, 1).from()), now()).await.unwrap();
    assert_eq!(since.streams[0].final_up_to, Some(seconds(0, 2 * 3_600).to()));
}

#[tokio::test]
async fn open_rows_older_than_thirty_days_are_not_told_of() {
    let lake = TestLake::new();
    lake.replay(&[row(1, "a").status("ACTIVE"), row(2, "b").status("ACTIVE")]).await;
    let at = async |now| lake.lake.status(&account(), None, now).await.unwrap().streams[0].open_rows.rows;
    assert_eq!(at(UtcTime::from_seconds(MORNING + 30 * DAY + 1)).await, 2);
    assert_eq!(at(UtcTime::from_seconds(MORNING + 30 * DAY + 2)).await, 1);
    assert_eq!(at(UtcTime::from_seconds(MORNING + 30 * DAY + 3)).await, 0);
}

#[tokio::test]
async fn a_run_under_way_is_told_with_its_lock_and_what_is_left() {
    let lake = TestLake::new();
    lake.run(vec![proven(&[], 0, 60, 0)]).await;
    let mut writer = lake.writer().await;
    writer.begin(intent()).await.unwrap();
    let status = lake.lake.status(&account(), None, now()).await.unwrap();
    assert_eq!(&status.lock.unwrap().holder.run_id, writer.run_id());
    let of_stream = &status.streams[0];
    assert_eq!(&of_stream.last_run.as_ref().unwrap().run_id, writer.run_id());
    assert_eq!(of_stream.last_run.as_ref().unwrap().state, RunState::Open);
    assert_eq!(
        (of_stream.intent.as_ref().unwrap().ranges.len(), &of_stream.unfinished[..]),
        (1, &[seconds(0, 3_600)][..])
    );
}

#[tokio::test]
async fn a_status_is_json() {
    let lake = TestLake::new();
    lake.run(vec![proven(&[row(1, "a")], 0, 60, 0)]).await;
    let status = serde_json::to_value(lake.lake.status(&account(), None, now()).await.unwrap()).unwrap();
    assert_eq!(status["account_id"], json!("acc-1"));
    assert_eq!(status["streams"][0]["provisional_up_to"], json!("2026-03-02T08:01:00Z"));
    assert_eq!(status["streams"][0]["final_up_to"], json!(null));
    assert_eq!(status["streams"][0]["last_run"]["rows_new"], json!(1));
}

#[tokio::test]
async fn of_an_account_that_was_never_written_there_is_nothing_and_a_lost_ledger_is_named() {
    let lake = TestLake::new();
    let status = lake.lake.status(&account(), None, now()).await.unwrap();
    assert_eq!((status.days, status.rows, status.streams.len()), (0, 0, 0));
    lake.replay(&[row(1, "a")]).await;
    std::fs::remove_dir_all(lake.folder.path().join("_kore_lake/ledger/accounts")).unwrap();
    let lost = lake.lake.status(&account(), None, now()).await.unwrap_err();
    assert!(matches!(lost, LakeError::LedgerLost { days: 1, .. }), "{lost}");
}

#[tokio::test]
async fn a_day_that_the_ledger_does_not_know_is_counted_by_its_footer() {
    let lake = TestLake::new();
    lake.replay(&[row(1, "a"), row(2, "b")]).await;
    let path = lake.folder.path().join(lake.files("conversations").remove(0));
    let copy = path.with_file_name("copy");
    std::fs::copy(&path, &copy).unwrap();
    lake.replay(&[row(3, "c")]).await;
    std::fs::rename(&copy, &path).unwrap();
    assert_eq!(lake.lake.status(&account(), None, now()).await.unwrap().rows, 2);
}
