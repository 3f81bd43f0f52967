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
