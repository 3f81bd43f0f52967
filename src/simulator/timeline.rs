//! The index of all rows: eight bytes each, in order of start.

use std::ops::Range;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::dice::Dice;
use super::error::SimulatorError;
use super::rhythm;
use super::story::Kind;

/// One record, not yet rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    /// Start of the session, seconds since 1970 UTC.
    pub(super) start: u32,
    /// Rank among all rows of the generator; what chance decides about the row hangs on it.
    pub(super) serial: u32,
}

impl Row {
    /// When the session starts.
    pub fn start(self) -> Timestamp {
        Timestamp::from_second(i64::from(self.start)).expect("32 bits of seconds end in the year 2106")
    }

    /// Number of the stream that the row belongs to.
    pub(super) fn stream(self, dice: &Dice, streams: usize) -> usize {
        dice.fork((1 << 40) + u64::from(self.serial)).index(streams)
    }
}

/// The rows of one stream, in the two groups that the API lists one after the other (F11).
#[derive(Debug, Default)]
pub(super) struct Timeline {
    /// Bot-only sessions.
    pub(super) sessions: Vec<Row>,
    /// Rows with a conversation.
    pub(super) conversations: Vec<Row>,
}

/// Seconds since 1970, the end not included.
pub(super) type Seconds = Range<i64>;

impl Timeline {
    /// The sessions and the conversations that start within `seconds`, each ascending.
    pub(super) fn within(&self, seconds: &Seconds) -> (&[Row], &[Row]) {
        (slice(&self.sessions, seconds), slice(&self.conversations, seconds))
    }

    /// The rows that `row` belongs with.
    fn group(&mut self, row: Row, dice: &Dice) -> &mut Vec<Row> {
        if Kind::of(row, dice).is_bot_only() { &mut self.sessions } else { &mut self.conversations }
    }
}

/// Adds rows that start in the same second.
pub(super) fn add(timelines: &mut [Timeline], rows: impl Iterator<Item = Row>, dice: &Dice) {
    let streams = timelines.len();
    for row in rows {
        timelines[row.stream(dice, streams)].group(row, dice).push(row);
    }
    for timeline in timelines {
        timeline.sessions.sort_unstable();
        timeline.conversations.sort_unstable();
    }
}

fn slice<'a>(rows: &'a [Row], seconds: &Seconds) -> &'a [Row] {
    let at = |second: i64| rows.partition_point(|row| i64::from(row.start) < second);
    let (from, to) = (at(seconds.start), at(seconds.end));
    &rows[from..to.max(from)]
}

/// Half of what 32 bits can number: no run of days holds twice the mean.
const MOST_ROWS: u64 = 2_000_000_000;

/// What the index is made from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) first_day: Date,
    pub(super) days: u32,
    pub(super) per_day: u32,
}

impl Span {
    /// One timeline a stream; a row belongs to one stream only.
    pub(super) fn timelines(&self, streams: usize, dice: &Dice) -> Result<Vec<Timeline>, SimulatorError> {
        if u64::from(self.days) * u64::from(self.per_day) > MOST_ROWS {
            return Err(SimulatorError::TooManyRows { days: self.days, conversations_per_day: self.per_day });
        }
        let mut timelines: Vec<Timeline> = (0..streams).map(|_| Timeline::default()).collect();
        let mut serial = 0_u32;
        for day in 0..self.days {
            let (date, midnight) = self.day(day)?;
            for second in rhythm::starts(date, self.per_day, dice.fork(u64::from(day))) {
                let row = Row { start: midnight + second, serial };
                timelines[row.stream(dice, streams)].group(row, dice).push(row);
                serial += 1;
            }
        }
        Ok(timelines)
    }

    /// A day's date and the second at which it begins. Session ids carry 32 bits of seconds, and are
    /// taken for times from 2015 to 2100 only (F15).
    fn day(&self, day: u32) -> Result<(Date, u32), SimulatorError> {
        let outside = || SimulatorError::Days { start: self.first_day, days: self.days };
        let date = self.first_day.checked_add(jiff::Span::new().days(i64::from(day))).map_err(|_| outside())?;
        if !(2015..2100).contains(&date.year()) {
            return Err(outside());
        }
        let midnight = date.to_zoned(TimeZone::UTC).map_err(|_| outside())?.timestamp().as_second();
        Ok((date, u32::try_from(midnight).map_err(|_| outside())?))
    }
}
