//! What re-reads are planned from: seconds of sessions, open rows.

use super::support::*;
use crate::clock::UtcTime;
use crate::lake::{OpenRow, SessionTime};

fn ended(second: i64, after: i64) -> Row {
    let row = row(second, &format!("{second}"));
    Row { end: Some(row.start + after), ..row }
}

fn after_morning(seconds: Vec<i64>) -> Vec<i64> {
    seconds.into_iter().map(|second| second - MORNING).collect()
}

#[tokio::test]
async fn seconds_are_those_of_the_stream_within_the_range_in_order() {
    let lake = TestLake::new();
    let other = Row { stream: Some("st-2"), ..row(30, "other") };
    let unnamed = Row { stream: None, ..row(31, "unnamed") };
    lake.replay(&[row(50, "a"), row(10, "b"), row(50, "c"), row(60, "edge"), row(9, "before"), other, unnamed]).await;
    lake.replay(&[row(DAY, "next"), row(4 * DAY, "later")]).await;
    let of = async |from, to| {
        let seconds = lake.lake.session_seconds(&account(), &stream(), seconds(from, to), SessionTime::Start).await;
        after_morning(seconds.unwrap())
    };
    assert_eq!(of(10, 60).await, [10, 50, 50]);
    assert_eq!(of(60, DAY + 1).await, [60, DAY]);
    assert_eq!(of(2 * DAY, 3 * DAY).await, Vec::<i64>::new());
}

#[tokio::test]
async fn a_row_whose_partition_is_the_day_before_its_start_is_found() {
    let lake = TestLake::new();
    let midnight = 16 * 3_600;
    let shifted = Row { start: MORNING + midnight + 5, ..row(midnight - 2, "shifted") };
    lake.replay(&[shifted]).await;
    let range = seconds(midnight, midnight + 60);
    let found = lake.lake.session_seconds(&account(), &stream(), range, SessionTime::Start).await.unwrap();
    assert_eq!(after_morning(found), [midnight + 5]);
}

#[tokio::test]
async fn ends_are_found_of_sessions_that_started_long_before() {
    let lake = TestLake::new();
    lake.replay(&[ended(0, 5), ended(7, 30 * DAY), ended(29 * DAY, DAY + 9), row(8, "without an end")]).await;
    let range = seconds(30 * DAY, 30 * DAY + 60);
    let found = lake.lake.session_seconds(&account(), &stream(), range, SessionTime::End).await.unwrap();
    assert_eq!(after_morning(found), [30 * DAY + 7, 30 * DAY + 9]);
}

#[tokio::test]
async fn a_partition_that_is_replaced_while_it_is_read_is_read_again() {
    let lake = TestLake::new();
    lake.replay(&[row(1, "a")]).await;
    let stale = lake.lake.account_partitions(&account()).await.unwrap().remove(0).meta;
    lake.replay(&[row(2, "b")]).await;
    let rows = lake.lake.gather(&stale, &["session_id"], |batch, found: &mut Vec<usize>| {
        found.push(batch.num_rows());
        Ok(())
    });
    assert_eq!(rows.await.unwrap(), [2]);
}

#[tokio::test]
async fn open_rows_are_known_by_their_status_and_tell_their_last_read() {
    let lake = TestLake::new();
    let other = Row { stream: Some("st-2"), ..row(30, "other").status("OPEN") };
    let rows = [
        row(20, "padded").status(" Idle "),
        row(1, "early").status("ACTIVE"),
        row(10, "a").status("transient_open"),
        row(11, "closed"),
        row(40, "").status("OVERDUE").without_time("zz"),
        other,
    ];
    lake.run(vec![proven(&rows, 0, 60, 0)]).await;
    lake.run(vec![proven(&[row(10, "a").status("transient_open").fetched(700)], 10, 11, 700)]).await;
    let since = UtcTime::from_seconds(MORNING + 10);
    let found = lake.lake.open_rows(&account(), Some(&stream()), since).await.unwrap();
    let told = |row: &OpenRow| {
        let seconds = (row.start.seconds() - MORNING, row.last_read.seconds() - MORNING - DAY);
        (row.conversation_id.clone(), seconds)
    };
    let conversation = |id: &str| Some(id.to_owned());
    assert_eq!(
        found.iter().map(told).collect::<Vec<_>>(),
        [(conversation("a"), (10, 700)), (conversation("padded"), (20, 0)), (None, (40, 0))]
    );
    assert_eq!((found[0].session_date.to_string(), found[2].session_id.as_str()), ("2026-03-02".to_owned(), "zz"));
    assert!(found.iter().all(|row| row.stream.as_ref() == Some(&stream())));
    let all = lake.lake.open_rows(&account(), None, since).await.unwrap();
    assert_eq!(all.len(), 4);
    assert_eq!(lake.lake.open_rows(&account(), None, UtcTime::from_seconds(MORNING + DAY)).await.unwrap(), []);
}
