use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::{TimeRange, UtcTime};
use crate::schema::RunId;

/// Neighbouring windows of one run are joined where they were read within this time: the times kept are the
/// earlier ones, so they are at most this much too early.
const JOINED_WITHIN: Duration = Duration::from_mins(10);

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
    /// Kind of the evidence; `accepted` where there is none.
    pub evidence: String,
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
        let mut all = Vec::with_capacity(self.0.len() + 2);
        let mut from = new.range.from();
        for old in self.0.drain(..) {
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
        self.0 = joined(all);
    }

    /// When the second of `time` was last proven to be read whole; none where its window was only accepted.
    pub fn last_read(&self, time: UtcTime) -> Option<UtcTime> {
        let behind = self.0.partition_point(|stretch| stretch.range.from() <= time);
        let stretch = self.0.get(behind.checked_sub(1)?)?;
        (stretch.range.contains(time) && stretch.evidence != ACCEPTED).then_some(stretch.read_at)
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
            let old_enough = whole_second(stretch.as_of.minus(lookback));
            up_to = up_to.max(stretch.range.to().min(old_enough));
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
    let alike = a.run_id == b.run_id && a.evidence == b.evidence;
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
        Proven { range, read_at, as_of, run_id, evidence: "short_page".to_owned() }
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
}
