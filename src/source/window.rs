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

    fn window_length() -> impl Strategy<Value = Duration> {
        (6_u64 * 3600..20 * 86_400).prop_map(Duration::from_secs)
    }

    proptest! {
        #[test]
        fn windows_cover_the_range_and_no_second_more(range in range(), length in window_length()) {
            let windows = plan_windows(range, length);
            let (first, last) = (windows[0], windows[windows.len() - 1]);
            prop_assert!(first.from() <= range.from() && range.from().since(first.from()) < SECOND);
            prop_assert!(range.to() <= last.to() && last.to().since(range.to()) < SECOND);
        }

        #[test]
        fn windows_touch_and_stay_below_seven_days(range in range(), length in window_length()) {
            let windows = plan_windows(range, length);
            prop_assert!(windows.iter().all(|window| window.length() < Duration::from_hours(7 * 24)));
            prop_assert!(windows.windows(2).all(|pair| pair[0].to() == pair[1].from()));
            prop_assert!(windows.iter().all(|window| Window::covering(window.range()) == *window));
        }

        #[test]
        fn halves_make_the_whole(range in range()) {
            let window = Window::covering(range);
            let ends = window.split().map(|(one, two)| (one.from(), one.to() == two.from(), two.to()));
            let whole = (window.from(), true, window.to());
            prop_assert_eq!(ends, (window.length() > SECOND).then_some(whole));
        }

        #[test]
        fn a_window_survives_json(range in range()) {
            let window = Window::covering(range);
            let json = serde_json::to_string(&window).unwrap();
            prop_assert_eq!(serde_json::from_str::<Window>(&json).unwrap(), window);
        }
    }

    fn window(from: &str, to: &str) -> Window {
        Window::covering(TimeRange::new(from.parse().unwrap(), to.parse().unwrap()).unwrap())
    }

    #[test]
    fn a_second_is_not_split_and_fractions_are_covered() {
        let one = window("2026-01-01T00:00:00.25Z", "2026-01-01T00:00:00.5Z");
        assert_eq!(one.to_string(), "2026-01-01T00:00:00Z to 2026-01-01T00:00:01Z");
        assert_eq!(one.split(), None);
    }

    #[test]
    fn a_window_too_long_or_too_short_is_brought_to_the_limits() {
        let fortnight = window("2026-01-01", "2026-01-15").range();
        assert_eq!(plan_windows(fortnight, Duration::MAX).len(), 3);
        let three = window("2026-01-01T00:00:00Z", "2026-01-01T00:00:03Z").range();
        assert_eq!(plan_windows(three, Duration::ZERO).len(), 3);
    }

    #[test]
    fn json_with_its_ends_swapped_is_refused() {
        let json = r#"{"from":"2026-01-02T00:00:00Z","to":"2026-01-01T00:00:00Z"}"#;
        assert!(serde_json::from_str::<Window>(json).is_err());
    }
}
