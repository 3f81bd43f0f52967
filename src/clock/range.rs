use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{ClockError, UtcTime};

/// A half-open range of time, `from ≤ t < to`, never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TimeRange {
    from: UtcTime,
    to: UtcTime,
}

impl TimeRange {
    /// The range from `from` up to, not including, `to`.
    ///
    /// # Errors
    /// [`ClockError::Range`] unless `from < to`.
    pub fn new(from: UtcTime, to: UtcTime) -> Result<Self, ClockError> {
        if from < to { Ok(Self { from, to }) } else { Err(ClockError::Range { from, to }) }
    }

    /// First moment of the range.
    pub const fn from(self) -> UtcTime {
        self.from
    }

    /// First moment after the range.
    pub const fn to(self) -> UtcTime {
        self.to
    }

    /// How long the range is.
    pub fn length(self) -> Duration {
        self.to.since(self.from)
    }

    /// The parts of the range that lie in none of `others`, in order.
    pub fn without(self, others: &[TimeRange]) -> Vec<TimeRange> {
        let mut others = others.to_vec();
        others.sort_unstable();
        let mut left = Vec::new();
        let mut from = self.from;
        for other in others {
            left.extend(Self::new(from, other.from.min(self.to)).ok());
            from = from.max(other.to);
        }
        left.extend(Self::new(from, self.to).ok());
        left
    }

    /// Whether `time` lies in the range.
    pub fn contains(self, time: UtcTime) -> bool {
        self.from <= time && time < self.to
    }
}

impl fmt::Display for TimeRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.from, self.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(from: i64, to: i64) -> TimeRange {
        TimeRange::new(UtcTime::from_seconds(from), UtcTime::from_seconds(to)).unwrap()
    }

    #[test]
    fn what_is_left_lies_in_no_other_range() {
        let left = |others: &[(i64, i64)]| {
            let others: Vec<_> = others.iter().map(|(from, to)| range(*from, *to)).collect();
            let left = range(10, 20).without(&others).into_iter();
            left.map(|part| (part.from().seconds(), part.to().seconds())).collect::<Vec<_>>()
        };
        assert_eq!(left(&[]), [(10, 20)]);
        assert_eq!(left(&[(15, 17), (0, 12)]), [(12, 15), (17, 20)]);
        assert_eq!(left(&[(12, 18), (13, 14)]), [(10, 12), (18, 20)]);
        assert_eq!(left(&[(0, 5), (25, 30)]), [(10, 20)]);
        assert_eq!(left(&[(5, 15), (15, 25)]), []);
    }
}
