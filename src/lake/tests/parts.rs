//! A day that is decided in parts comes out as one that is decided at once.

use proptest::prelude::*;
use xxhash_rust::xxh3::xxh3_128;

use super::support::*;
use crate::lake::day::{DayKeys, DayRow};
use crate::lake::day_fates::DayFates;
use crate::lake::day_parts::{DayParts, parts_of};
use crate::lake::fate::Fate;
use crate::lake::key::Rank;
use crate::lake::{CommitSummary, Writer, WriterSettings};

/// A row of a session, of the session alone (0) or of one of its conversations.
fn day_row(session: u8, conversation: u8, rank: Rank) -> DayRow {
    let of_session = xxh3_128(&[session]);
    let key = if conversation == 0 { of_session } else { xxh3_128(&[session, conversation]) };
    let has_id_time = !session.is_multiple_of(8);
    DayRow { key, session: of_session, rank, ordinal: 0, has_id_time, was_asked_for: false, settled: None }
}

fn any_row() -> impl Strategy<Value = DayRow> {
    let rank = (0..3_i64, any::<bool>(), 0..3_i64);
    (any::<u8>(), 0..3_u8, rank).prop_map(|(session, conversation, (time, closed, content_hash))| {
        day_row(session, conversation, Rank { time, closed, content_hash })
    })
}

fn any_staged() -> impl Strategy<Value = DayRow> {
    let fates = [Fate::New, Fate::Changed, Fate::Unchanged, Fate::Superseded];
    (any_row(), prop::sample::select(fates.to_vec())).prop_map(|(row, fate)| {
        // What has no id time was decided over all days.
        DayRow { settled: (!row.has_id_time).then_some(fate), ..row }
    })
}

fn any_stored() -> impl Strategy<Value = DayRow> {
    (any_row(), any::<bool>()).prop_map(|(row, was_asked_for)| DayRow { was_asked_for, ..row })
}

fn numbered(rows: Vec<DayRow>) -> Vec<DayRow> {
    (0..).zip(rows).map(|(ordinal, row)| DayRow { ordinal, ..row }).collect()
}

fn at_once(staged: &[DayRow], stored: &[DayRow]) -> DayFates {
    let (mut keys, mut fates) = (DayKeys::default(), DayFates::default());
    for row in staged {
        keys.fold_staged(row);
    }
    keys.supersede_staged();
    for row in stored {
        keys.fold_stored(row, &mut fates);
    }
    keys.decide(&mut fates);
    fates
}

fn in_parts(parts: usize, staged: &[DayRow], stored: &[DayRow]) -> DayFates {
    let mut cut = DayParts::new(parts, None).unwrap();
    for row in staged {
        cut.add_staged(row).unwrap();
    }
    for row in stored {
        cut.add_stored(row).unwrap();
    }
    cut.decide().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn parts_decide_as_the_whole_whatever_is_staged_and_stored(
        // More rows than a block has, and than there are keys.
        staged in prop::collection::vec(any_staged(), 0..1_500),
        stored in prop::collection::vec(any_stored(), 0..1_500),
        parts in 1..12_usize,
    ) {
        let (staged, stored) = (numbered(staged), numbered(stored));
        prop_assert_eq!(in_parts(parts, &staged, &stored), at_once(&staged, &stored));
    }
}

#[test]
fn every_session_alone_meets_its_conversation_in_its_part() {
    let rank = Rank { time: 1, closed: true, content_hash: 1 };
    let rows = |conversation| numbered((0..=255).map(|session| day_row(session, conversation, rank)).collect());
    let (alone, with) = (rows(0), rows(1));
    for parts in [2, 3, 64] {
        let both = numbered([alone.clone(), with.clone()].concat());
        let staged = in_parts(parts, &both, &[]);
        assert_eq!((staged.change.superseded, staged.change.new), (256, 256), "both staged, {parts} parts");
        let stored = in_parts(parts, &with, &alone);
        assert_eq!((stored.change.superseded, stored.change.new), (256, 256), "one stored, {parts} parts");
        let kept = in_parts(parts, &with, &with);
        assert_eq!((kept.change.unchanged, kept.changes_anything()), (256, false), "the same again, {parts} parts");
    }
}

#[test]
fn a_day_is_cut_only_where_its_keys_do_not_fit_the_memory() {
    let parts = [0, 100_000, 1_000_000, 5_000_000].map(|rows| parts_of(rows, 256 << 20));
    assert_eq!(parts, [1, 2, 12, 58]);
    assert_eq!(parts_of(u64::MAX, 1), 256);
}

async fn committed(lake: &TestLake, memory_limit_bytes: usize, rows: &[Row]) -> CommitSummary {
    let settings = WriterSettings { memory_limit_bytes, ..TestLake::settings() };
    let mut writer = Writer::open(&lake.lake, settings).await.unwrap();
    for rows in rows.chunks(1_000) {
        writer.stage(proven(rows, 0, DAY / 2, rows[0].fetched - MORNING - DAY)).await.unwrap();
    }
    writer.commit().await.unwrap()
}

#[tokio::test]
async fn a_lake_is_the_same_whether_its_day_was_decided_at_once_or_in_parts() {
    // As little as the merge itself can do with.
    const LITTLE: usize = 12 << 20;
    let first: Vec<_> = (0..9_000).map(|n| if n % 3 == 0 { row(n, "").alone() } else { row(n, "c") }).collect();
    let then: Vec<_> = (0..11_000).filter(|n| n % 5 > 0).map(|n| row(n, "c").hash(n % 2).fetched(60)).collect();
    assert!(parts_of(8_800, LITTLE) > 1);
    let mut found = Vec::new();
    for memory in [256 << 20, LITTLE] {
        let lake = TestLake::new();
        let summaries = [committed(&lake, memory, &first).await.rows, committed(&lake, memory, &then).await.rows];
        let mut rows = lake.rows();
        for row in &mut rows {
            row.as_object_mut().unwrap().remove("_run_id");
        }
        found.push((summaries, rows));
    }
    let [whole, parts] = <[_; 2]>::try_from(found).unwrap();
    let [_, change] = &whole.0;
    assert!(change.new > 0 && change.changed > 0 && change.unchanged > 0 && change.superseded > 0, "{change:?}");
    assert!(change.not_returned > 0, "{change:?}");
    assert_eq!(whole, parts);
}
