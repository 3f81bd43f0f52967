//! Which row wins.

use super::support::*;
use crate::lake::{RowChange, StagedWindow};

async fn stored(first: impl AsRef<[Row]>, then: impl AsRef<[Row]>) -> (Vec<(Option<String>, i64)>, RowChange) {
    let lake = TestLake::new();
    lake.replay(first.as_ref()).await;
    let summary = lake.replay(then.as_ref()).await;
    (lake.contents(), summary.rows)
}

fn content(conversation: Option<&str>, hash: i64) -> (Option<String>, i64) {
    (conversation.map(str::to_owned), hash)
}

#[tokio::test]
async fn the_later_fetch_counts_in_either_order() {
    let (early, later) = (row(1, "c").hash(9), row(1, "c").hash(2).fetched(60));
    let (rows, change) = stored([early.clone()], [later.clone()]).await;
    assert_eq!((rows, change.changed), (vec![content(Some("c"), 2)], 1));
    let (rows, change) = stored([later.clone()], [early.clone()]).await;
    assert_eq!((rows, change.unchanged), (vec![content(Some("c"), 2)], 1));
    let (rows, _) = stored([], [later, early]).await;
    assert_eq!(rows, [content(Some("c"), 2)]);
}

#[tokio::test]
async fn of_equal_times_the_closed_one_counts_then_the_larger_hash() {
    let (open, closed) = (row(1, "c").hash(9).status("transient_open"), row(1, "c").hash(2));
    for (first, then) in [(open.clone(), closed.clone()), (closed.clone(), open)] {
        assert_eq!(stored([first], [then]).await.0, [content(Some("c"), 2)]);
    }
    let larger = row(1, "c").hash(3);
    for (first, then) in [(closed.clone(), larger.clone()), (larger, closed)] {
        assert_eq!(stored([first], [then]).await.0, [content(Some("c"), 3)]);
    }
}

#[tokio::test]
async fn an_equal_hash_leaves_the_row_of_the_first_fetch() {
    let lake = TestLake::new();
    lake.replay(&[row(1, "c")]).await;
    let before = lake.rows();
    let summary = lake.replay(&[row(1, "c").fetched(500)]).await;
    assert_eq!(summary.rows, RowChange { unchanged: 1, ..RowChange::default() });
    assert_eq!(lake.rows(), before);
}

#[tokio::test]
async fn an_empty_conversation_id_is_none() {
    let mut empty = row(1, "c").hash(2).fetched(1);
    empty.conversation = Some(String::new());
    let (rows, change) = stored([row(1, "c").alone()], [empty]).await;
    assert_eq!((rows, change.changed), (vec![content(Some(""), 2)], 1));
}

#[tokio::test]
async fn a_session_alone_gives_way_to_its_conversation_whatever_the_order() {
    let (alone, with) = (row(1, "c").alone().hash(5).fetched(900), row(1, "c"));
    for (first, then) in [
        (vec![alone.clone()], vec![with.clone()]),
        (vec![with.clone()], vec![alone.clone()]),
        (vec![], vec![alone.clone(), with.clone()]),
        (vec![], vec![with.clone(), alone.clone()]),
    ] {
        let (rows, change) = stored(first, then).await;
        assert_eq!(rows, [content(Some("c"), 1)]);
        assert_eq!(change.superseded, 1);
    }
    let (rows, change) = stored([alone], [row(2, "d")]).await;
    assert_eq!((rows.len(), change.superseded), (2, 0));
}

#[tokio::test]
async fn a_proven_read_makes_a_stored_row_as_late_as_the_read() {
    let lake = TestLake::new();
    lake.run(vec![proven(&[row(1, "c")], 0, 60, 0)]).await;
    lake.run(vec![proven(&[row(1, "c").fetched(1_000)], 0, 60, 1_000)]).await;
    let between = row(1, "c").hash(2).fetched(500);
    assert_eq!(lake.replay(std::slice::from_ref(&between)).await.rows.unchanged, 1);
    assert_eq!(lake.contents(), [content(Some("c"), 1)]);
    assert_eq!(lake.replay(&[between.fetched(1_001)]).await.rows.changed, 1);
}

#[tokio::test]
async fn a_row_that_a_re_read_did_not_return_stays_and_is_counted() {
    let lake = TestLake::new();
    let mut other = row(3, "other");
    other.stream = Some("st-2");
    lake.run(vec![proven(&[row(1, "a"), row(2, "b"), other, row(90, "later")], 0, 100, 0)]).await;
    let before = lake.objects();
    let summary = lake.run(vec![proven(&[row(1, "a").fetched(9)], 0, 60, 9)]).await;
    assert_eq!(summary.rows, RowChange { unchanged: 1, not_returned: 1, ..RowChange::default() });
    assert_eq!(lake.objects(), before);
    assert_eq!(lake.run(vec![proven(&[], 0, 60, 20)]).await.rows.not_returned, 2);
}

#[tokio::test]
async fn a_key_without_an_id_time_moves_with_its_start() {
    let lake = TestLake::new();
    let early = row(1, "c").without_time("zz");
    let mut moved = early.clone().hash(2).fetched(60);
    moved.start += 3 * DAY;
    lake.replay(&[early.clone(), row(2, "stays")]).await;
    let summary = lake.replay(&[moved]).await;
    assert_eq!(summary.rows, RowChange { changed: 1, moved_out: 1, ..RowChange::default() });
    assert_eq!(lake.contents(), [content(Some("stays"), 1), content(Some("c"), 2)]);
    let before = lake.objects();
    assert_eq!(lake.replay(&[early]).await.rows, RowChange { unchanged: 1, ..RowChange::default() });
    assert_eq!(lake.objects(), before);
}

#[tokio::test]
async fn superseding_without_an_id_time_reaches_over_days() {
    let mut alone = row(1, "c").alone().without_time("zz").hash(7).fetched(90);
    alone.start += 2 * DAY;
    let with = row(1, "c").without_time("zz");
    for (first, then) in [(alone.clone(), with.clone()), (with, alone)] {
        let (rows, change) = stored([first], [then]).await;
        assert_eq!((rows, change.superseded), (vec![content(Some("c"), 1)], 1));
    }
}

#[tokio::test]
async fn a_field_that_the_server_refused_keeps_its_stored_value() {
    let lake = TestLake::new();
    let mut tagged = row(1, "c");
    tagged.tag = Some("vip");
    lake.replay(&[tagged]).await;
    let refused = StagedWindow {
        refused_columns: vec!["session_level_tags".to_owned()],
        ..replayed(&[row(1, "c").hash(2).fetched(60), row(2, "new")])
    };
    assert_eq!(lake.run(vec![refused]).await.rows.changed, 1);
    let rows = lake.rows();
    assert_eq!(rows[0]["session_level_tags"][0]["value"], "vip");
    assert_eq!(rows[0]["channel"], "content 2");
    assert!(rows[1]["session_level_tags"].is_null());
}

#[tokio::test]
async fn rejects_are_kept_once_a_text_across_runs() {
    let lake = TestLake::new();
    let window = |rejects| StagedWindow { rejects, ..replayed(&[row(1, "c")]) };
    let first = lake.run(vec![window(vec![reject("{}", 7), reject("[]", -1)]), window(vec![reject("{}", 7)])]).await;
    assert_eq!((first.rejects, first.rejects_new), (2, 2));
    let second = lake.run(vec![window(vec![reject("{}", 7), reject("3", 9)])]).await;
    assert_eq!((second.rejects, second.rejects_new), (2, 1));
    let lines = lake.lines("_kore_lake/rejects");
    assert_eq!(lines.len(), 3);
    assert!(
        lines.iter().any(|line| line["text"] == "[]" && line["reason"] == "session_id" && line["record_position"] == 3)
    );
}
