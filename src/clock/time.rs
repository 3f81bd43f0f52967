use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// A time or range that a user gave and that cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClockError {
    /// The text is neither a date nor an RFC 3339 time.
    #[error("expected a date (`2026-01-31`, UTC) or an RFC 3339 time (`2026-01-31T08:00:00Z`), found `{found}`")]
    Time {
        /// What was given.
        found: String,
    },
    /// The end of a range does not lie after its start.
    #[error("expected a range whose end lies after its start, found `{from}` to `{to}`")]
    Range {
        /// Start as given.
        from: UtcTime,
        /// End as given.
        to: UtcTime,
    },
}

/// A point in time: microseconds since 1970-01-01, UTC.
///
/// Written as RFC 3339 with `Z`, without trailing zeros; read from that or from a bare date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UtcTime(i64);

const MICROS: i64 = 1_000_000;
const YEAR_0000: i64 = -62_167_219_200;
const YEAR_10000: i64 = 253_402_300_800;

impl UtcTime {
    /// The time that many microseconds after 1970-01-01.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// The time that many seconds after 1970-01-01.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds * MICROS)
    }

    /// The present, by the machine's clock.
    pub fn now() -> Self {
        Self(Timestamp::now().as_microsecond())
    }

    /// Microseconds since 1970-01-01.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970-01-01, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(MICROS)
    }

    /// Days since 1970-01-01, rounded down: the value of an Arrow `Date32`.
    pub fn days(self) -> i32 {
        i32::try_from(self.0.div_euclid(86_400 * MICROS)).expect("64-bit microseconds span fewer than 2^31 days")
    }

    /// The UTC date.
    pub fn date(self) -> Date {
        TimeZone::UTC.to_datetime(self.timestamp()).date()
    }

    /// This time, later by `duration`.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }

    /// This time, earlier by `duration`.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }

    /// How long after `earlier` this is; zero where it is not.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Whether the year has four digits, so that the time can be written in the API's grammar.
    pub(super) const fn has_four_digit_year(self) -> bool {
        self.0 >= YEAR_0000 * MICROS && self.0 < YEAR_10000 * MICROS
    }

    fn timestamp(self) -> Timestamp {
        let clamped = self.0.clamp(YEAR_0000 * MICROS, YEAR_10000 * MICROS - 1);
        Timestamp::from_microsecond(clamped).expect("years 0000 to 9999 are in jiff's range")
    }
}

impl fmt::Display for UtcTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.timestamp().fmt(f)
    }
}

impl FromStr for UtcTime {
    type Err = ClockError;

    fn from_str(text: &str) -> Result<Self, ClockError> {
        if let Ok(date) = strict_date(text) {
            let midnight = TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0));
            return midnight.map(|time| Self(time.as_microsecond())).map_err(|_| unreadable(text));
        }
        text.parse::<Timestamp>().map(|time| Self(time.as_microsecond())).map_err(|_| unreadable(text))
    }
}

/// jiff takes a date with a time behind it for a date: here a date is ten characters.
fn strict_date(text: &str) -> Result<Date, ClockError> {
    if text.len() != 10 {
        return Err(unreadable(text));
    }
    text.parse().map_err(|_| unreadable(text))
}

fn unreadable(text: &str) -> ClockError {
    ClockError::Time { found: text.to_owned() }
}

impl TryFrom<String> for UtcTime {
    type Error = ClockError;

    fn try_from(text: String) -> Result<Self, ClockError> {
        text.parse()
    }
}

impl From<UtcTime> for String {
    fn from(time: UtcTime) -> String {
        time.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_its_midnight_in_utc() {
        assert_eq!("2026-01-31".parse::<UtcTime>().unwrap().to_string(), "2026-01-31T00:00:00Z");
        assert_eq!("2026-01-31T02:00:00+02:00".parse::<UtcTime>().unwrap().to_string(), "2026-01-31T00:00:00Z");
    }

    #[test]
    fn what_is_no_time_is_named() {
        for text in ["yesterday", "2026-02-30", "2026-01-31T08:00:00", "31.01.2026", ""] {
            assert_eq!(text.parse::<UtcTime>(), Err(ClockError::Time { found: text.to_owned() }));
        }
    }

    #[test]
    fn days_and_seconds_round_down() {
        assert_eq!(UtcTime::from_micros(-1).days(), -1);
        assert_eq!(UtcTime::from_micros(-1).seconds(), -1);
        assert_eq!("1970-01-02".parse::<UtcTime>().unwrap().days(), 1);
    }
}
