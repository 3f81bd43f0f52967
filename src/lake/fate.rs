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
    proven_now: Vec<(&'a str, TimeRange)>,
}

impl<'a> Reads<'a> {
    pub(super) fn new(streams: &'a BTreeMap<String, StreamState>, proven_now: Vec<(&'a str, TimeRange)>) -> Self {
        Self { streams, proven_now }
    }

    /// Whether a window now read touches `date`.
    pub(super) fn touch(&self, date: SessionDate) -> bool {
        self.proven_now.iter().any(|(_, range)| touches(*range, date))
    }

    /// The same, of the windows now read only those that touch `date`; none unless `now`.
    pub(super) fn of_day(&self, date: SessionDate, now: bool) -> Self {
        let of_day = self.proven_now.iter().filter(|(_, range)| now && touches(*range, date));
        let proven_now = of_day.copied().collect();
        Self { streams: self.streams, proven_now }
    }

    /// A stored row is as late as its fetch or the last proven read of its second, whichever is later.
    pub(super) fn stored_rank(&self, row: &KeyRow) -> Rank {
        let stream = self.streams.get(row.stream.unwrap_or_default());
        let read = stream.zip(second(row)).and_then(|(stream, second)| stream.coverage.last_read(second));
        Rank { time: row.rank.time.max(read.map_or(i64::MIN, UtcTime::micros)), ..row.rank }
    }

    /// Whether a window now read covers the second of the row's start.
    pub(super) fn was_asked_for(&self, row: &KeyRow) -> bool {
        let Some(second) = second(row) else { return false };
        let stream = row.stream.unwrap_or_default();
        self.proven_now.iter().any(|(asked, range)| *asked == stream && range.contains(second))
    }
}

fn touches(range: TimeRange, date: SessionDate) -> bool {
    let last = UtcTime::from_micros(range.to().micros() - 1);
    range.from().days() <= date.days() && date.days() <= last.days()
}

fn second(row: &KeyRow) -> Option<UtcTime> {
    row.start.map(|start| UtcTime::from_seconds(start.seconds()))
}
