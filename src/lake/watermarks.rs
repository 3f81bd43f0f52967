use std::time::Duration;

use super::StreamState;
use crate::clock::{TimeRange, UtcTime};
use crate::schema::RunId;

impl StreamState {
    /// *Provisional up to*: the largest end of a window read, whole or not. Of what a stream was asked for, nothing
    /// behind it was read yet.
    pub fn provisional_up_to(&self) -> Option<UtcTime> {
        self.windows_read().map(TimeRange::to).max()
    }

    /// *Final up to*, by the longest lookback that the stream was loaded with; none where it never had one.
    ///
    /// From `since`, else from the start of the unbroken stretch of windows read that ends last, every second up to
    /// it was last read whole when it was over for at least the lookback. An owed window holds it back.
    pub fn final_up_to(&self, since: Option<UtcTime>) -> Option<UtcTime> {
        let lookback = Duration::from_secs(self.lookback_seconds?);
        let start = since.or_else(|| self.unbroken_from())?;
        self.coverage.final_up_to(Some(start), lookback)
    }

    /// Stretches that no window read has touched, in order: from `since`, else from the first second read, to
    /// *provisional up to*. Owed windows are not among them.
    pub fn gaps(&self, since: Option<UtcTime>) -> Vec<TimeRange> {
        let first = since.or_else(|| self.windows_read().map(TimeRange::from).min());
        let ends = first.zip(self.provisional_up_to());
        let range = ends.and_then(|(from, to)| TimeRange::new(from, to).ok());
        let read: Vec<_> = self.windows_read().collect();
        range.map_or_else(Vec::new, |range| range.without(&read))
    }

    /// Whether all of `range` is owed already: its windows could not be read whole, and nobody needs to be told again.
    pub fn owes(&self, range: TimeRange) -> bool {
        let owed: Vec<_> = self.owed.iter().map(|owed| owed.range).collect();
        range.without(&owed).is_empty()
    }

    /// What the run of the open intent set out to read and neither it nor a later run has read, whole or not.
    pub fn unfinished(&self) -> Vec<TimeRange> {
        let Some(open) = &self.intent else { return Vec::new() };
        let since = |run: &RunId, read_at| *run == open.run_id || read_at >= open.started_at;
        let whole = self.coverage.stretches().iter().filter(|read| since(&read.run_id, read.read_at));
        let owed = self.owed.iter().filter(|owed| since(&owed.run_id, owed.read_at));
        let done: Vec<_> = whole.map(|read| read.range).chain(owed.map(|owed| owed.range)).collect();
        open.ranges.iter().flat_map(|range| range.without(&done)).collect()
    }

    /// Takes over the lookback of a run; a shorter one changes nothing.
    pub(super) fn raise_lookback(&mut self, lookback: Option<Duration>) {
        let seconds = |lookback: Duration| lookback.as_secs() + u64::from(lookback.subsec_nanos() > 0);
        self.lookback_seconds = self.lookback_seconds.max(lookback.map(seconds));
    }

    /// Every window of a range asked for that was read, whole or not, as far as the ledger still tells them apart.
    fn windows_read(&self) -> impl Iterator<Item = TimeRange> {
        let owed = self.owed.iter().filter(|owed| owed.covers).map(|owed| owed.range);
        self.coverage.stretches().iter().map(|whole| whole.range).chain(owed)
    }

    /// Start of the unbroken stretch of windows read that ends last.
    fn unbroken_from(&self) -> Option<UtcTime> {
        let mut windows: Vec<_> = self.windows_read().collect();
        windows.sort_unstable_by_key(|window| std::cmp::Reverse(window.to()));
        let mut from = windows.first()?.to();
        for window in windows {
            if window.to() < from {
                break;
            }
            from = from.min(window.from());
        }
        Some(from)
    }
}
