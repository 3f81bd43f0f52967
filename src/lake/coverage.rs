use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::{TimeRange, UtcTime};
use crate::schema::RunId;

/// Neighbouring windows of one run are joined where they were read within this time: the times kept are the
/// earlier ones, so they are at most this much too early.
const JOINED_WITHIN: Duration = Duration::from_mins(10);

/// How long after their last read stretches are kept apart: longer than any row of them is read again by itself.
const APART_FOR: Duration = Duration::from_hours(31 * 24);

/// Kind of the evidence of stretches that were joined since and were proven in different ways.
const SEVERAL: &str = "several";

/// Kind of the evidence of a window that was closed by hand: it is covered, nothing proves it.
pub(super) const ACCEPTED: &str = "accepted";

/// A stretch of time that was proven to be read whole, as of its last read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proven {
    /// The stretch.
    pub range: TimeRange,
    /// When its last read began; of joined windows the earliest.
    pub read_at: UtcTime,
    /// Present of the run that read it: what the age of a second counts from. Of joined windows the earliest.
    pub as_of: UtcTime,
    /// Run that read it, or that accepted it by hand.
    pub run_id: RunId,
    /// Kind of the evidence; `accepted` where there is none, `several` of stretches that were joined long after.
    pub evidence: String,
    /// Of stretches that were joined long after: seconds that each second of them was over for when it was last read,
    /// at least. None: `as_of` tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_seconds: Option<u64>,
}

/// What of a stream was read whole, and when last. Stretches are in order and do not overlap.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Coverage(Vec<Proven>);

impl Coverage {
    /// The stretches, in order of time.
    pub fn stretches(&self) -> &[Proven] {
        &self.0
    }

    /// Adds a proven window. Where it overlaps another, the later read counts.
    pub fn add(&mut self, new: &Proven) {
        // Those that only touch it too: they may be joined with it.
        let first = self.0.partition_point(|stretch| stretch.range.to() < new.range.from());
        let behind = self.0.partition_point(|stretch| stretch.range.from() <= new.range.to());
        let mut all = Vec::with_capacity(behind - first + 2);
        let mut from = new.range.from();
        for old in self.0[first..behind].iter().cloned() {
            if old.range.to() <= new.range.from() || old.range.from() >= new.range.to() {
                all.push(old);
            } else if old.read_at > new.read_at {
                all.extend(cut(new, from, old.range.from()));
                from = old.range.to();
                all.push(old);
            } else {
                all.extend(cut(&old, old.range.from(), new.range.from()));
                all.extend(cut(&old, new.range.to(), old.range.to()));
            }
        }
        all.extend(cut(new, from, new.range.to()));
        all.sort_by_key(|stretch| stretch.range);
        self.0.splice(first..behind, joined(all));
    }

    /// Takes `range` away, and returns what of it was covered.
    pub(super) fn remove(&mut self, range: TimeRange) -> Vec<Proven> {
        let all = std::mem::take(&mut self.0);
        let parts = |stretch: &Proven| {
            let Some(within) = cut(stretch, range.from().max(stretch.range.from()), range.to().min(stretch.range.to()))
            else {
                return (None, vec![stretch.clone()]);
            };
            let rest = [cut(stretch, stretch.range.from(), range.from()), cut(stretch, range.to(), stretch.range.to())];
            (Some(within), rest.into_iter().flatten().collect())
        };
        let (within, rest): (Vec<_>, Vec<Vec<_>>) = all.iter().map(parts).unzip();
        self.0 = rest.into_iter().flatten().collect();
        within.into_iter().flatten().collect()
    }

    /// When the second of `time` was last proven to be read whole; none where its window was only accepted.
    pub fn last_read(&self, time: UtcTime) -> Option<UtcTime> {
        let stretch = self.stretch_of(time).filter(|stretch| stretch.evidence != ACCEPTED)?;
        Some(stretch.read_at)
    }

    /// Present of the run that last read the second of `time`, or accepted it; none where none did.
    pub fn last_present(&self, time: UtcTime) -> Option<UtcTime> {
        self.stretch_of(time).map(|stretch| stretch.as_of)
    }

    fn stretch_of(&self, time: UtcTime) -> Option<&Proven> {
        let behind = self.0.partition_point(|stretch| stretch.range.from() <= time);
        self.0.get(behind.checked_sub(1)?).filter(|stretch| stretch.range.contains(time))
    }

    /// Joins neighbours that no rule tells apart any more: read whole for the last time before `before` and 31 days
    /// before the newest read, each wholly final by `lookback`. The earliest of their times are kept.
    pub(super) fn compact(&mut self, lookback: Duration, before: Option<UtcTime>) {
        let Some(newest) = self.0.iter().map(|stretch| stretch.read_at).max() else { return };
        let old = newest.minus(APART_FOR).min(before.unwrap_or(newest));
        let is_old = |stretch: &Proven| stretch.read_at < old && stretch.is_final(lookback);
        let all = std::mem::take(&mut self.0);
        for next in all {
            match self.0.last_mut() {
                Some(last) if is_old(last) && is_old(&next) && last.touches(&next) => last.take_in(&next),
                _ => self.0.push(next),
            }
        }
    }

    /// Parts of `range` that were never read whole, in order.
    pub fn gaps(&self, range: TimeRange) -> Vec<TimeRange> {
        let mut gaps = Vec::new();
        let mut from = range.from();
        for stretch in &self.0 {
            if stretch.range.to() <= from || stretch.range.from() >= range.to() {
                continue;
            }
            gaps.extend(TimeRange::new(from, stretch.range.from()).ok());
            from = stretch.range.to();
        }
        gaps.extend(TimeRange::new(from, range.to()).ok());
        gaps
    }

    /// The largest end of a window read whole.
    pub fn up_to(&self) -> Option<UtcTime> {
        self.0.last().map(|stretch| stretch.range.to())
    }

    /// *Final up to*: the largest T such that every second from `since` to T was last read whole when it was over
    /// for at least `lookback`. Without `since`: from the start of the unbroken stretch that ends last.
    ///
    /// None where not even the first second is final, as where it lies in a gap. T is a whole second, unless it is
    /// the end of a window.
    pub fn final_up_to(&self, since: Option<UtcTime>, lookback: Duration) -> Option<UtcTime> {
        let start = since.or_else(|| self.unbroken_from())?;
        let first = self.0.partition_point(|stretch| stretch.range.to() <= start);
        let mut up_to = start;
        for stretch in &self.0[first..] {
            if stretch.range.from() > up_to {
                break;
            }
            up_to = up_to.max(stretch.final_up_to(lookback));
        }
        (up_to > start).then_some(up_to)
    }

    /// Start of the unbroken stretch that ends last.
    fn unbroken_from(&self) -> Option<UtcTime> {
        let mut from = self.up_to()?;
        for stretch in self.0.iter().rev() {
            if stretch.range.to() < from {
                break;
            }
            from = stretch.range.from();
        }
        Some(from)
    }
}

impl Proven {
    /// The end of that part of it whose seconds were over for at least `lookback` when they were last read; no later
    /// than its start where there is none.
    fn final_up_to(&self, lookback: Duration) -> UtcTime {
        match self.age_seconds {
            Some(age) if Duration::from_secs(age) >= lookback => self.range.to(),
            Some(_) => self.range.from(),
            None => self.range.to().min(whole_second(self.as_of.minus(lookback))),
        }
    }

    /// That part itself; none where it is empty.
    pub(super) fn final_part(&self, lookback: Duration) -> Option<TimeRange> {
        TimeRange::new(self.range.from(), self.final_up_to(lookback)).ok()
    }

    fn is_final(&self, lookback: Duration) -> bool {
        self.final_up_to(lookback) == self.range.to()
    }

    fn touches(&self, next: &Self) -> bool {
        self.range.to() == next.range.from() && (self.evidence == ACCEPTED) == (next.evidence == ACCEPTED)
    }

    fn least_age_seconds(&self) -> u64 {
        self.age_seconds.unwrap_or_else(|| whole_second(self.as_of).since(self.range.to()).as_secs())
    }

    /// Joins the stretch behind it.
    fn take_in(&mut self, next: &Self) {
        let age = self.least_age_seconds().min(next.least_age_seconds());
        self.age_seconds = Some(age);
        self.range = TimeRange::new(self.range.from(), next.range.to()).unwrap_or(self.range);
        (self.read_at, self.as_of) = (self.read_at.min(next.read_at), self.as_of.min(next.as_of));
        if self.evidence != next.evidence {
            SEVERAL.clone_into(&mut self.evidence);
        }
    }
}

/// The second that `time` lies in, as the moment at which it begins.
pub(super) fn whole_second(time: UtcTime) -> UtcTime {
    UtcTime::from_seconds(time.seconds())
}

fn cut(stretch: &Proven, from: UtcTime, to: UtcTime) -> Option<Proven> {
    TimeRange::new(from, to).ok().map(|range| Proven { range, ..stretch.clone() })
}

fn joined(all: Vec<Proven>) -> Vec<Proven> {
    let mut joined: Vec<Proven> = Vec::with_capacity(all.len());
    for next in all {
        match joined.last_mut().and_then(|last| join(last, &next).map(|both| (last, both))) {
            Some((last, both)) => *last = both,
            None => joined.push(next),
        }
    }
    joined
}

fn join(a: &Proven, b: &Proven) -> Option<Proven> {
    let near = |a: UtcTime, b: UtcTime| a.max(b).since(a.min(b)) <= JOINED_WITHIN;
    let alike = a.run_id == b.run_id && a.evidence == b.evidence && a.age_seconds == b.age_seconds;
    let joins = alike && near(a.read_at, b.read_at) && near(a.as_of, b.as_of) && a.range.to() == b.range.from();
    let range = TimeRange::new(a.range.from(), b.range.to()).ok()?;
    let (read_at, as_of) = (a.read_at.min(b.read_at), a.as_of.min(b.as_of));
    joins.then(|| Proven { range, read_at, as_of, ..a.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(from: i64, to: i64) -> TimeRange {
        TimeRange::new(UtcTime::from_seconds(from), UtcTime::from_seconds(to)).unwrap()
    }

    fn proven(from: i64, to: i64, read_at: i64, run: &str) -> Proven {
        let read_at = UtcTime::from_seconds(read_at);
        let (range, as_of, run_id) = (range(from, to), read_at, run.parse().unwrap());
        Proven { range, read_at, as_of, run_id, evidence: "short_page".to_owned(), age_seconds: None }
    }

    fn coverage(windows: &[Proven]) -> Coverage {
        let mut coverage = Coverage::default();
        for window in windows {
            coverage.add(window);
        }
        coverage
    }

    fn last_read(coverage: &Coverage, second: i64) -> Option<i64> {
        coverage.last_read(UtcTime::from_seconds(second)).map(UtcTime::seconds)
    }

    #[test]
    fn the_later_read_of_a_second_counts_in_any_order() {
        let windows = [proven(0, 100, 1_000, "a"), proven(40, 60, 5_000, "b"), proven(50, 120, 3_000, "c")];
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let coverage = coverage(&order.map(|i| windows[i].clone()));
            let seen = [0, 39, 40, 59, 60, 119, 120].map(|second| last_read(&coverage, second));
            assert_eq!(seen, [Some(1_000), Some(1_000), Some(5_000), Some(5_000), Some(3_000), Some(3_000), None]);
        }
    }

    #[test]
    fn neighbours_of_one_run_are_joined_at_the_earlier_read() {
        let coverage = coverage(&[proven(0, 10, 100, "a"), proven(10, 20, 105, "a"), proven(20, 30, 105, "b")]);
        assert_eq!(coverage.stretches(), [proven(0, 20, 100, "a"), proven(20, 30, 105, "b")]);
    }

    #[test]
    fn gaps_are_what_was_never_read() {
        let coverage = coverage(&[proven(10, 20, 1, "a"), proven(30, 40, 1, "a")]);
        assert_eq!(coverage.gaps(range(0, 50)), [range(0, 10), range(20, 30), range(40, 50)]);
        assert_eq!(coverage.gaps(range(12, 18)), []);
        assert_eq!(coverage.up_to(), Some(UtcTime::from_seconds(40)));
    }

    const HOUR: i64 = 3_600;
    const LOOKBACK: Duration = Duration::from_hours(72);

    /// Half a year of runs every six hours, each reading the lookback, one second of an open row that is 20 days old,
    /// and now and then none of a second.
    fn half_a_year() -> (Coverage, Vec<Proven>) {
        let (mut coverage, mut all) = (Coverage::default(), Vec::new());
        for run in 0..720 {
            let now = run * 6 * HOUR;
            let name = format!("run-{run:03}");
            let mut windows = vec![proven(now - 78 * HOUR, now, now, &name)];
            windows.extend((run > 100).then(|| proven(now - 480 * HOUR, now - 480 * HOUR + 1, now, &name)));
            if run == 300 {
                windows = Vec::new();
            }
            for window in windows {
                coverage.add(&window);
                all.push(window);
            }
        }
        (coverage, all)
    }

    #[test]
    fn what_is_compacted_has_the_same_gaps_and_is_as_final() {
        let (plain, _) = half_a_year();
        let mut compact = plain.clone();
        let accepted = Proven { evidence: ACCEPTED.to_owned(), ..proven(-90 * HOUR, -78 * HOUR, 5, "run-by-hand") };
        compact.add(&accepted);
        let plain = compact.clone();
        compact.compact(LOOKBACK, None);
        assert!(plain.stretches().len() > 1_000 && compact.stretches().len() < 400, "{}", compact.stretches().len());
        let everything = range(-200 * HOUR, 5_000 * HOUR);
        assert_eq!(compact.gaps(everything), plain.gaps(everything));
        assert_eq!(compact.up_to(), plain.up_to());
        for since in (-100..4_400).step_by(7).map(|hour| Some(UtcTime::from_seconds(hour * HOUR + 5))).chain([None]) {
            assert_eq!(compact.final_up_to(since, LOOKBACK), plain.final_up_to(since, LOOKBACK), "{since:?}");
            // A longer lookback than that by which they were joined is never taken for reached.
            let longer = Duration::from_hours(76);
            assert!(compact.final_up_to(since, longer) <= plain.final_up_to(since, longer), "{since:?}");
        }
        for second in (-100 * HOUR..4_400 * HOUR).step_by(1_801) {
            let (read, known) = (last_read(&compact, second), last_read(&plain, second));
            assert_eq!(read.is_some(), known.is_some(), "{second}");
            assert!(read <= known, "{second}");
        }
        let again = compact.clone();
        compact.compact(LOOKBACK, None);
        assert_eq!(compact, again);
    }

    #[test]
    fn what_was_read_of_late_or_since_a_run_set_out_stays_apart() {
        let (plain, _) = half_a_year();
        let newest = plain.stretches().iter().map(|stretch| stretch.read_at).max().unwrap();
        let set_out = UtcTime::from_seconds(1_000 * HOUR);
        let (mut by_age, mut by_intent) = (plain.clone(), plain.clone());
        by_age.compact(LOOKBACK, None);
        by_intent.compact(LOOKBACK, Some(set_out));
        for (compact, limit) in [(by_age, newest.minus(APART_FOR)), (by_intent, set_out)] {
            let apart = |coverage: &Coverage| {
                coverage.stretches().iter().filter(|stretch| stretch.read_at >= limit).cloned().collect::<Vec<_>>()
            };
            assert_eq!(apart(&compact), apart(&plain));
        }
    }
}
