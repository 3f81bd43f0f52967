use std::time::Duration;

use super::{Intent, Owed, Proven, StreamState};
use crate::clock::{TimeRange, UtcTime};
use crate::schema::RunId;

const DAY: Duration = Duration::from_hours(24);

impl Intent {
    /// Whether a read by `run` at `read_at` was made for it.
    fn includes(&self, run: &RunId, read_at: UtcTime) -> bool {
        *run == self.run_id || read_at >= self.started_at
    }
}

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

    /// Whether all of `range` is owed already, but for what is `unreported`: its windows could not be read whole, and
    /// nobody needs to be told again.
    pub fn owes(&self, range: TimeRange, unreported: &[Owed]) -> bool {
        let told = self.owed.iter().filter(|owed| !unreported.contains(owed));
        let told: Vec<_> = told.map(|owed| owed.range).collect();
        range.without(&told).is_empty()
    }

    /// What the run of the open intent set out to read and neither it nor a later run has read, whole or not.
    pub fn unfinished(&self) -> Vec<TimeRange> {
        let Some(open) = &self.intent else { return Vec::new() };
        let whole = self.read_since(open).map(|read| read.range);
        let done: Vec<_> = whole.chain(self.tried_since(open).map(|owed| owed.range)).collect();
        open.ranges.iter().flat_map(|range| range.without(&done)).collect()
    }

    /// What was read for the open intent, whole or not, and need not be read again by a run that goes on with it at
    /// `now`: what was over for `lookback` when it was read; and, since a later run reads it once more, what is not
    /// over for so long yet and was read within a day.
    pub fn finished(&self, now: UtcTime, lookback: Duration) -> Vec<TimeRange> {
        let Some(open) = &self.intent else { return Vec::new() };
        let of_late = |as_of: UtcTime| as_of <= now && now < as_of.plus(DAY);
        let fresh = |range: TimeRange, as_of| {
            TimeRange::new(range.from().max(now.minus(lookback)), range.to()).ok().filter(|_| of_late(as_of))
        };
        let settled = self.read_since(open).filter_map(|read| read.final_part(lookback));
        let read = self.read_since(open).filter_map(|read| fresh(read.range, read.as_of));
        let tried = self.tried_since(open).filter(|owed| of_late(owed.as_of)).map(|owed| owed.range);
        let done: Vec<_> = settled.chain(read).chain(tried).collect();
        open.ranges.iter().flat_map(|range| range.without(&range.without(&done))).collect()
    }

    fn read_since(&self, open: &Intent) -> impl Iterator<Item = &Proven> {
        self.coverage.stretches().iter().filter(|read| open.includes(&read.run_id, read.read_at))
    }

    fn tried_since(&self, open: &Intent) -> impl Iterator<Item = &Owed> {
        self.owed.iter().filter(|owed| open.includes(&owed.run_id, owed.read_at))
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
