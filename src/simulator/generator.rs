//! All records of an account, the same for the same settings, each made when it is asked for.

use std::ops::Range;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::behaviour::Crowd;
use super::cast::Cast;
use super::dice::Dice;
use super::error::SimulatorError;
use super::form::Form;
use super::record::{Place, write_record};
use super::story::{self, Kind, Story, topic};
use super::timeline::{self, Row, Seconds, Span, Timeline};
use super::view::View;

/// What records there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeneratorSettings {
    /// Decides everything that is left to chance.
    pub seed: u64,
    /// First day, UTC.
    pub start: Date,
    /// Number of days.
    pub days: u32,
    /// Records a day, of all kinds and streams, as the mean over a week.
    pub conversations_per_day: u32,
    /// Account that the records belong to.
    pub account_id: String,
    /// Streams; each record belongs to one of them.
    pub stream_ids: Vec<String>,
}

impl Default for GeneratorSettings {
    /// One week from Monday, 2 March 2026, 1,000 records a day, one stream.
    fn default() -> Self {
        Self {
            seed: 1,
            start: Date::constant(2026, 3, 2),
            days: 7,
            conversations_per_day: 1_000,
            account_id: "6a1f0c2de4b58790a3c1d2e4".to_owned(),
            stream_ids: vec!["st-5e1a7c30-2b64-5f0d-9a41-c8d2e7f60b13".to_owned()],
        }
    }
}

/// The records of an account. Holds eight bytes a record; JSON is made on demand.
#[derive(Debug)]
pub struct Generator {
    settings: GeneratorSettings,
    cast: Cast,
    timelines: Vec<Timeline>,
    dice: Dice,
}

impl Generator {
    /// Lays out the rows of all days.
    ///
    /// # Errors
    /// The settings cannot be met: days outside the years of session ids, no stream, or more rows than
    /// can be numbered. A retry does not help.
    pub fn new(settings: GeneratorSettings) -> Result<Self, SimulatorError> {
        if settings.stream_ids.is_empty() {
            return Err(SimulatorError::NoStream);
        }
        let dice = Dice::new(settings.seed);
        let span = Span { first_day: settings.start, days: settings.days, per_day: settings.conversations_per_day };
        let timelines = span.timelines(settings.stream_ids.len(), &dice)?;
        let rows = settings.days.saturating_mul(settings.conversations_per_day);
        Ok(Self { cast: Cast::new(&dice, rows), settings, timelines, dice })
    }

    /// What the generator was made from.
    pub fn settings(&self) -> &GeneratorSettings {
        &self.settings
    }

    /// Where the first day begins and the last one ends, UTC: every row starts within.
    pub fn range(&self) -> Range<Timestamp> {
        let GeneratorSettings { start, days, .. } = self.settings;
        let midnight = start.to_zoned(TimeZone::UTC).expect("the days were laid out").timestamp();
        midnight..midnight + SignedDuration::from_hours(24 * i64::from(days))
    }

    /// Number of rows, of all streams.
    pub fn rows(&self) -> usize {
        self.timelines.iter().map(|timeline| timeline.sessions.len() + timeline.conversations.len()).sum()
    }

    /// Rows of a stream that start from `from` up to, not including, `to`: bot-only ones, then
    /// conversations, each ascending by start. Empty for an unknown stream.
    pub fn rows_between(&self, stream_id: &str, from: Timestamp, to: Timestamp) -> impl Iterator<Item = Row> + '_ {
        let seconds = second_at_or_after(from)..second_at_or_after(to);
        let (sessions, conversations) = self.within(stream_id, &seconds);
        sessions.iter().chain(conversations).copied()
    }

    /// The truth: every record of a stream that starts from `from` up to, not including, `to`, as `view`
    /// shows it. One JSON object each; the order is that of [`Generator::rows_between`].
    pub fn truth(
        &self,
        stream_id: &str,
        from: Timestamp,
        to: Timestamp,
        view: &View,
    ) -> impl Iterator<Item = String> + '_ {
        let view = view.clone();
        self.rows_between(stream_id, from, to).map(move |row| self.record(row, &view))
    }

    /// One record as `view` shows it: a JSON object.
    pub fn record(&self, row: Row, view: &View) -> String {
        let mut out = Vec::with_capacity(4_096);
        self.write(&mut out, row, Form::default(), view);
        String::from_utf8(out).expect("records are written from text")
    }

    /// The value of `sessionId`.
    pub fn session_id(&self, row: Row) -> String {
        story::session_id(row, &story::row_dice(row, &self.dice))
    }

    /// The value of `conversationId`; none for a bot-only session.
    pub fn conversation_id(&self, row: Row) -> Option<String> {
        (!self.kind(row).is_bot_only()).then(|| self.talk_id(row))
    }

    /// The `conversationId` that the row has as soon as it is a conversation.
    pub(super) fn talk_id(&self, row: Row) -> String {
        super::json::guid("c-", story::row_dice(row, &self.dice).fork(topic::CONVERSATION_ID), 7)
    }

    /// Adds rows that all start in one second.
    pub(super) fn crowd(&mut self, crowd: &Crowd) -> Result<(), SimulatorError> {
        let outside = |_| SimulatorError::Crowd { at: crowd.at };
        let start = u32::try_from(crowd.at.as_second()).map_err(outside)?;
        let year = crowd.at.to_zoned(TimeZone::UTC).year();
        if !(2015..2100).contains(&year) {
            return Err(SimulatorError::Crowd { at: crowd.at });
        }
        let first = u32::try_from(self.rows()).expect("rows were laid out with 32-bit numbers");
        timeline::add(
            &mut self.timelines,
            (first..first.saturating_add(crowd.rows)).map(|serial| Row { start, serial }),
            &self.dice,
        );
        Ok(())
    }

    /// Number of a stream.
    pub(super) fn stream(&self, stream_id: &str) -> Option<usize> {
        self.settings.stream_ids.iter().position(|known| known == stream_id)
    }

    /// Sessions and conversations of a stream that start within `seconds`.
    pub(super) fn within(&self, stream_id: &str, seconds: &Seconds) -> (&[Row], &[Row]) {
        self.stream(stream_id).map_or((&[], &[]), |stream| self.timelines[stream].within(seconds))
    }

    /// The same of each stream.
    pub(super) fn all_within(&self, seconds: &Seconds) -> impl Iterator<Item = (&[Row], &[Row])> {
        self.timelines.iter().map(|timeline| timeline.within(seconds))
    }

    pub(super) fn write(&self, out: &mut Vec<u8>, row: Row, form: Form, view: &View) {
        let place = Place { account_id: &self.settings.account_id, stream_id: self.stream_of(row), cast: &self.cast };
        write_record(out, &self.story(row, form), place, view);
    }

    pub(super) fn story(&self, row: Row, form: Form) -> Story {
        Story::tell(row, form, &self.cast, &self.dice)
    }

    pub(super) fn dice(&self) -> &Dice {
        &self.dice
    }

    /// Chance of what happens before one request.
    pub(super) fn churn_dice(&self, step: u64) -> Dice {
        self.dice.fork(1 << 48).fork(step)
    }

    pub(super) fn cast(&self) -> &Cast {
        &self.cast
    }

    pub(super) fn kind(&self, row: Row) -> Kind {
        Kind::of(row, &self.dice)
    }

    pub(super) fn stream_of(&self, row: Row) -> &str {
        &self.settings.stream_ids[row.stream(&self.dice, self.settings.stream_ids.len())]
    }
}

/// Starts are whole seconds: a fraction in a bound moves it to the next one.
pub(super) fn second_at_or_after(time: Timestamp) -> i64 {
    time.as_second() + i64::from(time.subsec_nanosecond() > 0)
}
