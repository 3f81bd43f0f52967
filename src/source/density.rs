//! How many rows to expect in a stretch of time.

use serde::{Deserialize, Serialize};

use crate::clock::TimeRange;

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
const HOURS_OF_WEEK: usize = 168;
const HOURS_OF_DAY: usize = 24;

/// Seconds of an hour of the week that must have been read before its rate counts.
const KNOWN_SECONDS: f64 = 900.0;

/// An hour of the week forgets so that it remembers about this many weeks.
const REMEMBERED_SECONDS: f64 = 4.0 * 3_600.0;

/// By what share of itself an estimate may be wrong where only the hour of the day is known, or nothing but a mean.
const SPREAD_OF_DAY_HOUR: f64 = 0.3;
const SPREAD_OF_MEAN: f64 = 1.0;
/// The same at first where the hour of the week is known; then it is learned.
const SPREAD_AT_FIRST: f64 = 0.15;

/// Rows after which the present level of traffic is told from chance.
const LEVEL_ROWS: f64 = 400.0;
/// Bounds of that level, and what a day tells of the next one: how busy a day is, it is mostly by itself.
const LEVELS: (f64, f64) = (0.3, 3.0);
const LEVEL_KEPT: f64 = 0.3;

/// Windows after which half of the spread is what they showed, and how many it remembers at most.
const SPREAD_WINDOWS: f64 = 8.0;
const SPREAD_REMEMBERS: f64 = 40.0;
/// Most that one window may show, since a holiday is not the rule; and the least to count with, since few windows
/// tell little and one that is over-full costs many requests.
const SPREAD_AT_MOST: f64 = 0.3;
const SPREAD_AT_LEAST: f64 = 0.05;

/// Rows by hour of the week (UTC), and the time in which they were counted. The ledger keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Hour>", into = "Vec<Hour>")]
pub struct Rhythm(Vec<Hour>);

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct Hour {
    rows: f64,
    seconds: f64,
}

/// What to expect of a stretch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Expected {
    /// Rows a second.
    pub(super) rate: f64,
    /// By what share of itself it may be wrong.
    pub(super) spread: f64,
}

/// The rhythm, and how the present compares with it.
#[derive(Debug, Clone)]
pub struct Density {
    rhythm: Rhythm,
    /// Rows of `day` by those that the rhythm told; a day is busy or not as a whole.
    level: f64,
    day: i64,
    /// Square of the spread, and of how many windows it is the mean.
    variance: f64,
    windows: f64,
    /// Rows a second of the latest stretch of which it is known how many it has, and its end.
    latest: f64,
    latest_to: i64,
}

impl Default for Rhythm {
    fn default() -> Self {
        Self(vec![Hour::default(); HOURS_OF_WEEK])
    }
}

impl From<Rhythm> for Vec<Hour> {
    fn from(rhythm: Rhythm) -> Self {
        rhythm.0
    }
}

impl TryFrom<Vec<Hour>> for Rhythm {
    type Error = String;

    fn try_from(hours: Vec<Hour>) -> Result<Self, String> {
        let sound = |hour: &Hour| hour.rows.is_finite() && hour.seconds.is_finite() && hour.rows >= 0.0;
        if hours.len() == HOURS_OF_WEEK && hours.iter().all(sound) {
            Ok(Self(hours))
        } else {
            Err(format!("expected {HOURS_OF_WEEK} hours with numbers, found {}", hours.len()))
        }
    }
}

impl Rhythm {
    /// Counts the rows of a stretch, given by the seconds at which they start (or end, where that is filtered).
    pub fn add(&mut self, range: TimeRange, seconds: impl IntoIterator<Item = i64>) {
        for second in seconds {
            if (range.from().seconds()..range.to().seconds()).contains(&second) {
                self.0[hour_of_week(second)].rows += 1.0;
            }
        }
        for (from, to) in hours(range.from().seconds(), range.to().seconds()) {
            let hour = &mut self.0[hour_of_week(from)];
            hour.seconds += seconds_f64(to - from);
            if hour.seconds > REMEMBERED_SECONDS {
                let keep = REMEMBERED_SECONDS / hour.seconds;
                (hour.rows, hour.seconds) = (hour.rows * keep, hour.seconds * keep);
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.0.iter().all(|hour| hour.seconds <= 0.0)
    }

    /// Rate and spread of the hour in which `second` lies; `spread` where the hour of the week is known.
    fn at(&self, second: i64, spread: f64) -> Option<Expected> {
        let index = hour_of_week(second);
        let rate = |hours: &mut dyn Iterator<Item = &Hour>| {
            let (rows, seconds) = hours.fold((0.0, 0.0), |sum, hour| (sum.0 + hour.rows, sum.1 + hour.seconds));
            (seconds >= KNOWN_SECONDS).then(|| rows / seconds)
        };
        let of_week = rate(&mut self.0[index..=index].iter()).map(|rate| Expected { rate, spread });
        let same_hour = || {
            let rate = rate(&mut self.0.iter().skip(index % HOURS_OF_DAY).step_by(HOURS_OF_DAY))?;
            Some(Expected { rate, spread: SPREAD_OF_DAY_HOUR.max(spread) })
        };
        let mean = || Some(Expected { rate: rate(&mut self.0.iter())?, spread: SPREAD_OF_MEAN.max(spread) });
        of_week.or_else(same_hour).or_else(mean)
    }

    /// Rows of a stretch by day, if all its hours of the week are known.
    fn by_day(&self, range: TimeRange) -> Option<Vec<(i64, f64)>> {
        let mut days: Vec<(i64, f64)> = Vec::new();
        for (from, to) in hours(range.from().seconds(), range.to().seconds()) {
            let expected = self.at(from, 0.0).filter(|expected| expected.spread == 0.0)?;
            let (day, rows) = (day_of(from), expected.rate * seconds_f64(to - from));
            match days.last_mut() {
                Some(last) if last.0 == day => last.1 += rows,
                _ => days.push((day, rows)),
            }
        }
        Some(days)
    }
}

impl Density {
    /// What is expected before anything was read in this run; `spread` is what an earlier run learned of it.
    pub fn new(rhythm: Rhythm, spread: Option<f64>) -> Self {
        let spread = spread.filter(|spread| spread.is_finite());
        let windows = if spread.is_some() { SPREAD_REMEMBERS } else { SPREAD_WINDOWS };
        let spread = spread.unwrap_or(SPREAD_AT_FIRST).clamp(SPREAD_AT_LEAST, 1.0);
        Self { rhythm, level: 1.0, day: i64::MIN, variance: spread * spread, windows, latest: 0.0, latest_to: i64::MIN }
    }

    /// By what share of itself the traffic of a day was off what was expected.
    pub fn spread(&self) -> f64 {
        self.variance.max(SPREAD_AT_LEAST.powi(2)).sqrt()
    }

    /// The rhythm, with what was read in this run.
    pub fn rhythm(&self) -> &Rhythm {
        &self.rhythm
    }

    /// Whether nothing was ever read.
    pub fn is_empty(&self) -> bool {
        self.rhythm.is_empty()
    }

    /// Takes a stretch into account that was read whole, for which `expected` rows had been planned.
    pub fn add(&mut self, range: TimeRange, seconds: &[i64], expected: Option<f64>) {
        let rows = count_f64(seconds.len());
        self.compare(range, rows, expected);
        self.counted(range, rows);
        self.rhythm.add(range, seconds.iter().copied());
    }

    /// Takes into account that a stretch has `rows` rows, of which it is not known yet how they lie.
    pub(super) fn counted(&mut self, range: TimeRange, rows: f64) {
        let (from, to) = (range.from().seconds(), range.to().seconds());
        if to >= self.latest_to {
            (self.latest, self.latest_to) = (rows / seconds_f64((to - from).max(1)), to);
        }
    }

    /// Takes into account that a stretch has `rows` rows, as far as is known, and had been planned with `expected`.
    pub(super) fn compare(&mut self, range: TimeRange, rows: f64, expected: Option<f64>) {
        let Some(days) = self.rhythm.by_day(range) else { return };
        let told: f64 = days.iter().map(|day| day.1).sum();
        let Some(busiest) = days.iter().max_by(|one, other| one.1.total_cmp(&other.1)).filter(|_| told >= 1.0) else {
            return;
        };
        if let Some(expected) = expected.filter(|expected| *expected >= 1.0) {
            // Days are off each by itself; chance is no spread.
            let alike = days.iter().map(|day| (day.1 / told).powi(2)).sum::<f64>();
            let wrong = ((rows - expected).powi(2) - expected) / (expected.powi(2) * alike);
            let weight = expected / (expected + LEVEL_ROWS) / self.windows;
            self.windows = (self.windows + 1.0).min(SPREAD_REMEMBERS);
            self.variance += weight * (wrong.min(SPREAD_AT_MOST.powi(2)) - self.variance);
        }
        // A window of a day gone by, read late, tells nothing of the present one.
        if busiest.0 >= self.day {
            (self.level, self.day) = (self.level_of(busiest.0), busiest.0);
            let seen = (rows / told).clamp(LEVELS.0, LEVELS.1);
            self.level += told / (told + LEVEL_ROWS) * (seen - self.level);
        }
    }

    /// Rows to expect in a stretch; none where nothing is known.
    pub(super) fn rows(&self, from: i64, to: i64) -> Option<f64> {
        let rate = |second| self.at(second);
        hours(from, to).map(|(from, to)| rate(from).map(|e| e.rate * seconds_f64(to - from))).sum()
    }

    /// What to expect at a second. Of hours that nothing like was read of, traffic as it was of late is the least.
    pub(super) fn at(&self, second: i64) -> Option<Expected> {
        let Expected { rate, spread } = self.rhythm.at(second, self.spread())?;
        let rate = if spread >= SPREAD_OF_MEAN { rate.max(self.latest) } else { rate * self.level_of(day_of(second)) };
        Some(Expected { rate, spread })
    }

    fn level_of(&self, day: i64) -> f64 {
        if day == self.day { self.level } else { 1.0 + LEVEL_KEPT * (self.level - 1.0) }
    }
}

/// The hours that a stretch touches, each cut to it.
pub(super) fn hours(from: i64, to: i64) -> impl Iterator<Item = (i64, i64)> {
    let mut from = from;
    std::iter::from_fn(move || {
        let next = (from.div_euclid(HOUR) + 1) * HOUR;
        let hour = (from, next.min(to));
        from = next;
        (hour.0 < hour.1).then_some(hour)
    })
}

/// Days since 1970, UTC.
pub(super) fn day_of(second: i64) -> i64 {
    second.div_euclid(DAY)
}

fn hour_of_week(second: i64) -> usize {
    let hours = i64::try_from(HOURS_OF_WEEK).expect("a week is short");
    usize::try_from(second.div_euclid(HOUR).rem_euclid(hours)).expect("a remainder is not negative")
}

/// Exact: stretches are far shorter than 2^53 s.
#[expect(clippy::cast_precision_loss, reason = "a stretch has far fewer than 2^53 seconds")]
pub(super) fn seconds_f64(seconds: i64) -> f64 {
    seconds as f64
}

#[expect(clippy::cast_precision_loss, reason = "a window has far fewer than 2^53 rows")]
pub(super) fn count_f64(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UtcTime;

    fn range(from: i64, to: i64) -> TimeRange {
        TimeRange::new(UtcTime::from_seconds(from), UtcTime::from_seconds(to)).unwrap()
    }

    fn about(value: Option<f64>, expected: f64) -> bool {
        value.is_some_and(|value| (value - expected).abs() < expected * 0.02 + 1e-9)
    }

    #[test]
    fn nothing_is_expected_before_anything_was_read() {
        assert!(Density::new(Rhythm::default(), None).is_empty());
        assert_eq!(Density::new(Rhythm::default(), None).rows(0, HOUR), None);
    }

    #[test]
    fn an_hour_is_told_by_its_week_then_its_day_then_the_mean() {
        let mut density = Density::new(Rhythm::default(), None);
        let busy: Vec<i64> = (0..360).map(|n| 10 * HOUR + n * 10).collect();
        density.add(range(10 * HOUR, 11 * HOUR), &busy, None);
        density.add(range(11 * HOUR, 12 * HOUR), &[], None);
        density.level = 1.0;
        let spread = |hour: i64| density.at(hour * HOUR).unwrap().spread;
        assert!(about(density.rows((168 + 10) * HOUR, (168 + 11) * HOUR), 360.0));
        assert!(about(density.rows((24 + 10) * HOUR, (24 + 11) * HOUR), 360.0));
        assert!(about(density.rows(5 * HOUR, 6 * HOUR), 180.0));
        assert!(spread(10) < spread(24 + 10) && spread(24 + 10) < spread(5));
    }

    #[test]
    fn the_level_follows_the_traffic_and_old_weeks_are_forgotten() {
        let mut rhythm = Rhythm::default();
        for week in 0..20 {
            let per_hour: i64 = if week < 10 { 100 } else { 1_000 };
            for hour in 0..168 {
                let from = (week * 168 + hour) * HOUR;
                rhythm.add(range(from, from + HOUR), (0..per_hour).map(|n| from + n * HOUR / per_hour));
            }
        }
        let mut density = Density::new(rhythm, None);
        assert!(density.rows(0, HOUR).unwrap() > 880.0);
        for hour in 0..10 {
            let rows: Vec<i64> = (0..500).map(|n| hour * HOUR + n * 7).collect();
            density.add(range(hour * HOUR, (hour + 1) * HOUR), &rows, None);
        }
        let expected = density.rows(20 * HOUR, 21 * HOUR).unwrap();
        assert!((450.0..700.0).contains(&expected), "{expected}");
    }

    /// A rhythm of a hundred rows in every hour, and a day with so many of them in each.
    fn steady() -> Density {
        let mut rhythm = Rhythm::default();
        rhythm.add(range(0, 168 * HOUR), (0..168 * 100).map(|n| n * 36));
        Density::new(rhythm, Some(0.1))
    }

    fn day(number: i64) -> TimeRange {
        range(number * DAY, (number + 1) * DAY)
    }

    #[test]
    fn a_busy_day_is_busy_to_its_end_and_says_little_of_the_next() {
        let mut density = steady();
        density.compare(range(0, 12 * HOUR), 1_800.0, None);
        let hour = |hour: i64| density.rows(hour * HOUR, (hour + 1) * HOUR).unwrap();
        assert!((130.0..150.0).contains(&hour(20)), "{}", hour(20));
        assert!((105.0..120.0).contains(&hour(30)), "{}", hour(30));
    }

    #[test]
    fn a_day_gone_by_that_is_read_late_does_not_change_the_present_level() {
        let mut density = steady();
        density.compare(day(1), 2_400.0, None);
        let before = density.level;
        density.compare(day(0), 4_800.0, None);
        assert_eq!((density.level.to_bits(), density.day), (before.to_bits(), 1));
    }

    #[test]
    fn the_spread_grows_with_surprises_and_shrinks_without() {
        let mut calm = steady();
        let mut surprised = steady();
        for number in 0..40 {
            let rows = if number % 2 == 0 { 3_000.0 } else { 1_800.0 };
            calm.compare(day(number), 2_400.0, Some(2_400.0));
            surprised.compare(day(number), rows, Some(2_400.0));
        }
        assert!(calm.spread() < 0.07, "{}", calm.spread());
        assert!((0.15..0.3).contains(&surprised.spread()), "{}", surprised.spread());
    }

    #[test]
    fn one_holiday_is_not_the_rule() {
        let mut density = steady();
        density.compare(day(0), 0.0, Some(2_400.0));
        assert!(density.spread() < 0.12, "{}", density.spread());
    }

    #[test]
    fn hours_like_none_before_are_at_least_as_busy_as_those_read_last() {
        let mut density = Density::new(Rhythm::default(), None);
        density.add(range(0, 5 * HOUR), &[1, 2, 3], None);
        let busy: Vec<i64> = (0..400).map(|n| 5 * HOUR + n * 9).collect();
        density.add(range(5 * HOUR, 6 * HOUR), &busy, None);
        assert!(about(density.rows(6 * HOUR, 7 * HOUR), 400.0));
    }

    #[test]
    fn a_stretch_that_was_counted_is_the_latest_until_a_later_one_is() {
        let mut density = Density::new(Rhythm::default(), None);
        density.add(range(0, HOUR), &[1, 2, 3], None);
        density.counted(range(2 * HOUR, 3 * HOUR), 500.0);
        density.add(range(HOUR, 2 * HOUR), &[4_000], None);
        assert!(about(density.rows(3 * HOUR, 4 * HOUR), 500.0));
    }

    #[test]
    fn a_hint_of_nonsense_is_no_spread() {
        let spread = |hint| Density::new(Rhythm::default(), hint).spread();
        assert!(spread(Some(f64::NAN)) <= SPREAD_AT_FIRST && spread(Some(-3.0)) > 0.0 && spread(Some(9.0)) <= 1.0);
    }

    #[test]
    fn a_rhythm_survives_json_and_a_broken_one_is_refused() {
        let mut rhythm = Rhythm::default();
        rhythm.add(range(0, 5_000), [1, 2, 4_000]);
        let json = serde_json::to_string(&rhythm).unwrap();
        assert_eq!(serde_json::from_str::<Rhythm>(&json).unwrap(), rhythm);
        assert!(serde_json::from_str::<Rhythm>("[]").is_err());
    }
}
