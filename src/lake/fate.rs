use std::collections::BTreeMap;

use super::key::{KeyRow, Rank};
use super::{SessionDate, StreamState};
use crate::clock::{TimeRange, UtcTime};

/// What becomes of a key that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    New,
    Changed,
    Unchanged,
    Superseded,
}

/// What becomes of a staged row that meets a stored one: an equal hash changes nothing, else the greater wins.
pub(super) fn fate(staged: Rank, stored: Rank) -> Fate {
    if staged.content_hash != stored.content_hash && staged > stored { Fate::Changed } else { Fate::Unchanged }
}

/// What was read whole: before this commit, as the ledger tells, and by this commit.
pub(super) struct Reads<'a> {
    streams: &'a BTreeMap<String, StreamState>,
    /// By stream, in order, none touching the next: of a long load there are thousands of windows, and every stored row
    /// of a day is looked up.
    proven_now: BTreeMap<&'a str, Vec<TimeRange>>,
}

impl<'a> Reads<'a> {
    pub(super) fn new(streams: &'a BTreeMap<String, StreamState>, mut proven_now: Vec<(&'a str, TimeRange)>) -> Self {
        proven_now.sort_by_key(|(stream, range)| (*stream, range.from()));
        let mut joined: BTreeMap<_, Vec<TimeRange>> = BTreeMap::new();
        for (stream, range) in proven_now {
            let ranges = joined.entry(stream).or_default();
            let touched = ranges.last().filter(|last| range.from() <= last.to()).copied();
            match touched.and_then(|last| TimeRange::new(last.from(), last.to().max(range.to())).ok()) {
                Some(both) => *ranges.last_mut().expect("a range was touched") = both,
                None => ranges.push(range),
            }
        }
        Self { streams, proven_now: joined }
    }

    /// Whether a window now read touches `date`.
    pub(super) fn touch(&self, date: SessionDate) -> bool {
        self.proven_now.values().flatten().any(|range| touches(*range, date))
    }

    /// The same, of what was read now only what touches `date`; nothing unless `now`.
    pub(super) fn of_day(&self, date: SessionDate, now: bool) -> Self {
        let of_day = |ranges: &Vec<TimeRange>| ranges.iter().copied().filter(|range| touches(*range, date)).collect();
        let proven_now = self.proven_now.iter().filter(|_| now).map(|(stream, ranges)| (*stream, of_day(ranges)));
        Self { streams: self.streams, proven_now: proven_now.collect() }
    }

    /// A stored row is as late as its fetch or the last proven read of its second, whichever is later.
    pub(super) fn stored_rank(&self, row: &KeyRow) -> Rank {
        let stream = self.streams.get(row.stream.unwrap_or_default());
        let read = stream.zip(second(row)).and_then(|(stream, second)| stream.coverage.last_read(second));
        Rank { time: row.rank.time.max(read.map_or(i64::MIN, UtcTime::micros)), ..row.rank }
    }

    /// Whether a window now read covers the second of the row's start.
    pub(super) fn was_asked_for(&self, row: &KeyRow) -> bool {
        let ranges = self.proven_now.get(row.stream.unwrap_or_default());
        let Some((ranges, second)) = ranges.zip(second(row)) else { return false };
        let behind = ranges.partition_point(|range| range.from() <= second);
        behind.checked_sub(1).is_some_and(|last| ranges[last].contains(second))
    }
}

fn touches(range: TimeRange, date: SessionDate) -> bool {
    let last = UtcTime::from_micros(range.to().micros() - 1);
    range.from().days() <= date.days() && date.days() <= last.days()
}

fn second(row: &KeyRow) -> Option<UtcTime> {
    row.start.map(|start| UtcTime::from_seconds(start.seconds()))
}
