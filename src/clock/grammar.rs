use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::UtcTime;

/// Reads a time as the API spells it: `YYYY[-/]MM[-/]DD[T ]H{1,2}:MM:SS[.f{1,9}][Z or ±HH[:]MM]`.
///
/// A time without zone is local time of the request: UTC = naive + `offset_minutes` (F13; the sign is
/// JavaScript's, India −330). A time with `Z` or an offset is absolute (F14). Digits beyond the
/// microsecond are cut. `None` where the text is no such time, or lies outside the years 0000–9999 in UTC.
///
/// ```
/// use kore_lake::clock::parse_api_time;
/// let naive = parse_api_time("2025-10-01T07:40:36", -330).unwrap();
/// let absolute = parse_api_time("2025/10/01 2:10:36.000Z", -330).unwrap();
/// assert_eq!(naive, absolute);
/// assert_eq!(parse_api_time("2025-10-01", 0), None);
/// ```
#[inline]
pub fn parse_api_time(text: &str, offset_minutes: i32) -> Option<UtcTime> {
    let bytes = text.as_bytes();
    // The shortest time is `YYYY-MM-DDTH:MM:SS`: nearly all strings that are none end here.
    if bytes.len() < 18 || !matches!(bytes[4], b'-' | b'/') {
        return None;
    }
    parse(bytes, offset_minutes)
}

fn parse(bytes: &[u8], offset_minutes: i32) -> Option<UtcTime> {
    let mut scan = Scan { bytes };
    let year = scan.digits(4)?;
    scan.one_of(b"-/")?;
    let month = scan.digits(2)?;
    scan.one_of(b"-/")?;
    let day = scan.digits(2)?;
    scan.one_of(b"T ")?;
    let hour = scan.hour()?;
    scan.one_of(b":")?;
    let minute = scan.digits(2)?;
    scan.one_of(b":")?;
    let second = scan.digits(2)?;
    let micros = scan.fraction()?;
    let offset_minutes = scan.zone(offset_minutes)?;
    if second > 59 {
        return None; // jiff would take 60 for a leap second and clamp it
    }
    let small = |n: i32| i8::try_from(n).ok();
    let civil = DateTime::new(
        i16::try_from(year).ok()?,
        small(month)?,
        small(day)?,
        small(hour)?,
        small(minute)?,
        small(second)?,
        0,
    )
    .ok()?;
    let naive = TimeZone::UTC.to_timestamp(civil).ok()?.as_microsecond();
    let utc = UtcTime::from_micros(naive + i64::from(micros) + i64::from(offset_minutes) * 60_000_000);
    utc.has_four_digit_year().then_some(utc)
}

/// The time in a session id: a MongoDB ObjectId begins with its seconds since 1970 in hex (F15).
///
/// `None` unless the first 8 characters are hex (any case) and their UTC date is from 2015-01-01 to
/// 2100-12-31. Nothing else of the id is checked.
///
/// ```
/// use kore_lake::clock::object_id_time;
/// assert_eq!(object_id_time("68dc8d9c4afb07c72ac5xxxx").unwrap().to_string(), "2025-10-01T02:10:36Z");
/// assert_eq!(object_id_time("00000000"), None);
/// ```
pub fn object_id_time(session_id: &str) -> Option<UtcTime> {
    const FIRST: i64 = 1_420_070_400; // 2015-01-01T00:00:00Z
    const AFTER_LAST: i64 = 4_133_980_800; // 2101-01-01T00:00:00Z
    let digits = session_id.get(..8)?;
    if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None; // `from_str_radix` alone would take a sign
    }
    let seconds = i64::from_str_radix(digits, 16).ok()?;
    (FIRST..AFTER_LAST).contains(&seconds).then(|| UtcTime::from_seconds(seconds))
}

struct Scan<'a> {
    bytes: &'a [u8],
}

impl Scan<'_> {
    fn one_of(&mut self, allowed: &[u8]) -> Option<u8> {
        let (&first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        allowed.contains(&first).then_some(first)
    }

    fn digits(&mut self, count: usize) -> Option<i32> {
        let (digits, rest) = self.bytes.split_at_checked(count)?;
        self.bytes = rest;
        digits.iter().try_fold(0, |value, b| b.is_ascii_digit().then(|| value * 10 + i32::from(b - b'0')))
    }

    /// One digit or two (F18).
    fn hour(&mut self) -> Option<i32> {
        let count = if self.bytes.get(1).is_some_and(u8::is_ascii_digit) { 2 } else { 1 };
        self.digits(count)
    }

    /// `.f{1,9}` as microseconds, 0 where there is none.
    fn fraction(&mut self) -> Option<i32> {
        if self.bytes.first() != Some(&b'.') {
            return Some(0);
        }
        let digits = self.bytes[1..].iter().take_while(|b| b.is_ascii_digit()).count();
        if !(1..=9).contains(&digits) {
            return None;
        }
        let kept = &self.bytes[1..=digits.min(6)];
        let micros = kept.iter().chain(std::iter::repeat_n(&b'0', 6 - kept.len()));
        let micros = micros.fold(0, |value, b| value * 10 + i32::from(b - b'0'));
        self.bytes = &self.bytes[1 + digits..];
        Some(micros)
    }

    /// Minutes to add for UTC: those of the request where the text names no zone.
    fn zone(&mut self, of_request: i32) -> Option<i32> {
        match self.bytes {
            [] => Some(of_request),
            [b'Z'] => Some(0),
            [sign @ (b'+' | b'-'), rest @ ..] => {
                self.bytes = rest;
                let hours = self.digits(2)?;
                if self.bytes.first() == Some(&b':') {
                    self.bytes = &self.bytes[1..];
                }
                let minutes = self.digits(2)?;
                if !self.bytes.is_empty() || hours > 23 || minutes > 59 {
                    return None;
                }
                let east = hours * 60 + minutes;
                Some(if *sign == b'+' { -east } else { east })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str, offset: i32) -> Option<String> {
        parse_api_time(text, offset).map(|time| time.to_string())
    }

    #[test]
    fn naive_times_are_local_to_the_request() {
        assert_eq!(utc("2025-10-01T07:40:36", -330).as_deref(), Some("2025-10-01T02:10:36Z"));
        assert_eq!(utc("2025-10-01 07:40:36", 300).as_deref(), Some("2025-10-01T12:40:36Z"));
    }

    #[test]
    fn absolute_times_ignore_the_request() {
        assert_eq!(utc("2025-10-01T02:10:57.780Z", -330).as_deref(), Some("2025-10-01T02:10:57.78Z"));
        assert_eq!(utc("2025-10-01T07:40:57+05:30", 300).as_deref(), Some("2025-10-01T02:10:57Z"));
        assert_eq!(utc("2025-10-01T07:40:57-0530", 300).as_deref(), Some("2025-10-01T13:10:57Z"));
    }

    #[test]
    fn every_spelling_of_f18_is_read() {
        assert_eq!(utc("2023/01/10 2:25:54", 0).as_deref(), Some("2023-01-10T02:25:54Z"));
        assert_eq!(utc("2023-01-10T2:25:54.123456789", 0).as_deref(), Some("2023-01-10T02:25:54.123456Z"));
        assert_eq!(utc("2024-02-29T00:00:00", 0).as_deref(), Some("2024-02-29T00:00:00Z"));
    }

    #[test]
    fn anything_else_is_no_time() {
        let none = [
            "",
            "2025-10-01",
            "2025-13-01T00:00:00",
            "2025-02-29T00:00:00",
            "2025-10-01T24:00:00",
            "2025-10-01T00:60:00",
            "2025-10-01T00:00:60",
            "2025-10-01T00:00:00.",
            "2025-10-01T00:00:00.1234567890",
            "2025-10-01T00:00:00z",
            "2025-10-01T00:00:00+5:30",
            "2025-10-01T00:00:00+05:30x",
            "2025-10-01T00:00:00 ",
            "٢٠٢٥-10-01T00:00:00",
            "2025-10-01T000:00:00",
            "2025-10-01T00:00:00+24:00",
            "0000-01-01T00:00:00+00:01",
        ];
        for text in none {
            assert_eq!(utc(text, 0), None, "{text}");
        }
    }

    #[test]
    fn session_ids_carry_their_start() {
        assert_eq!(object_id_time("68DC8D9C").unwrap().to_string(), "2025-10-01T02:10:36Z");
        for none in ["68dc8d9", "+8dc8d9c", "zzzzzzzz", "548f0e7f", "ffffffff", "68dc8d9é"] {
            assert_eq!(object_id_time(none), None, "{none}");
        }
        assert!(object_id_time("54a48e00").is_some_and(|time| time.to_string() == "2015-01-01T00:00:00Z"));
    }
}
