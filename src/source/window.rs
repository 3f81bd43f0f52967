use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::{ClockError, TimeRange, UtcTime};

/// A range of whole seconds, as the API takes them (F3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Ends", into = "TimeRange")]
pub struct Window(TimeRange);

#[derive(Deserialize)]
struct Ends {
    from: UtcTime,
    to: UtcTime,
}

impl Window {
    /// The whole seconds that cover `range`.
    pub fn covering(range: TimeRange) -> Self {
        let to = range.to().seconds();
        let to = if UtcTime::from_seconds(to) < range.to() { to + 1 } else { to };
        Self::of_seconds(range.from().seconds(), to)
    }

    pub(super) fn of_seconds(from: i64, to: i64) -> Self {
        let ends = TimeRange::new(UtcTime::from_seconds(from), UtcTime::from_seconds(to));
        Self(ends.expect("a window begins before it ends"))
    }

    /// First second.
    pub const fn from(self) -> UtcTime {
        self.0.from()
    }

    /// The second after the last; the request names it, since it may or may not be included (F17).
    pub const fn to(self) -> UtcTime {
        self.0.to()
    }

    /// The window as a half-open range.
    pub const fn range(self) -> TimeRange {
        self.0
    }

    /// How long the window is, whole seconds.
    pub fn length(self) -> Duration {
        self.0.length()
    }

    pub(super) fn length_seconds(self) -> i64 {
        self.to().seconds() - self.from().seconds()
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<Window> for TimeRange {
    fn from(window: Window) -> Self {
        window.0
    }
}

impl TryFrom<Ends> for Window {
    type Error = ClockError;

    fn try_from(ends: Ends) -> Result<Self, ClockError> {
        TimeRange::new(ends.from, ends.to).map(Self::covering)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAY: i64 = 86_400_000_000;

    fn range() -> impl Strategy<Value = TimeRange> {
        (0_i64..4_000_000_000_000_000, 1_i64..400 * DAY).prop_map(|(from, length)| {
            TimeRange::new(UtcTime::from_micros(from), UtcTime::from_micros(from + length)).unwrap()
        })
    }

    proptest! {
        #[test]
        fn a_window_survives_json(range in range()) {
            let window = Window::covering(range);
            let json = serde_json::to_string(&window).unwrap();
            prop_assert_eq!(serde_json::from_str::<Window>(&json).unwrap(), window);
        }
    }

    #[test]
    fn fractions_of_a_second_are_covered() {
        let range =
            TimeRange::new("2026-01-01T00:00:00.25Z".parse().unwrap(), "2026-01-01T00:00:00.5Z".parse().unwrap());
        assert_eq!(Window::covering(range.unwrap()).to_string(), "2026-01-01T00:00:00Z to 2026-01-01T00:00:01Z");
    }

    #[test]
    fn json_with_its_ends_swapped_is_refused() {
        let json = r#"{"from":"2026-01-02T00:00:00Z","to":"2026-01-01T00:00:00Z"}"#;
        assert!(serde_json::from_str::<Window>(json).is_err());
    }
}
