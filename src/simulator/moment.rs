//! The rows as they stand at one moment: those that are there, and what each of them is.

use super::behaviour::Behaviour;
use super::changes::Changes;
use super::dice::Dice;
use super::ends::Ends;
use super::form::{Form, hidden_millis};
use super::generator::Generator;
use super::served::Key;
use super::timeline::{Row, Seconds};
use super::view::View;

/// A row that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) row: Row,
    pub(super) form: Form,
    /// Whether it is shown without a conversation.
    pub(super) bot_only: bool,
}

impl Held {
    /// A number that says nothing of the row, another one for each `salt`.
    pub(super) fn lot(&self, salt: u64) -> u64 {
        Dice::new(salt).fork(u64::from(self.row.serial)).next()
    }
}

/// A window as asked for, in seconds of UTC; whether `end` belongs to it depends on the server (F17).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) start: i64,
    pub(super) end: i64,
}

/// What there is at one moment.
#[derive(Clone, Copy)]
pub(super) struct Moment<'a> {
    pub(super) generator: &'a Generator,
    pub(super) behaviour: &'a Behaviour,
    pub(super) changes: &'a Changes,
    /// Where windows are about ends: the rows by their end.
    pub(super) ends: Option<&'a Ends>,
    /// What the clock shows.
    pub(super) now: Option<i64>,
}

impl<'a> Moment<'a> {
    /// The row as it stands; none if it is not there.
    pub(super) fn held(&self, row: Row) -> Option<Held> {
        let fate = self.changes.of(row);
        let started = self.now.is_none_or(|now| i64::from(row.start) <= now);
        (started && fate.there).then(|| {
            let form = Form { now: self.now, moved: fate.moved, edits: fate.edits };
            Held { row, form, bot_only: form.is_bot_only(row, self.generator.dice()) }
        })
    }

    /// Rows of a stream that start within `seconds`: sessions, then conversations, as they began.
    pub(super) fn starting(&self, stream_id: &str, seconds: &Seconds) -> impl Iterator<Item = Held> + use<'a> {
        let (sessions, conversations) = self.generator.within(stream_id, seconds);
        let moment = *self;
        sessions.iter().chain(conversations).filter_map(move |row| moment.held(*row))
    }

    /// Rows of a stream whose filtered time lies within `seconds`, with the second of it.
    pub(super) fn timed(&self, stream_id: &str, seconds: &Seconds) -> Vec<(i64, Held)> {
        let Some(ends) = self.ends else {
            return self.starting(stream_id, seconds).map(|held| (i64::from(held.row.start), held)).collect();
        };
        let ended = ends.within(self.generator.stream(stream_id), seconds).iter();
        let over = |end: i64| self.now.is_none_or(|now| end <= now);
        ended.filter(|(end, _)| over(*end)).filter_map(|(end, row)| Some((*end, self.held(*row)?))).collect()
    }

    /// Rows that a request for `window` is about, in no order.
    pub(super) fn within(&self, stream_id: &str, window: Window) -> Vec<Held> {
        let timed = self.timed(stream_id, &(window.start..window.end + 1));
        let inside = |(second, held): &(i64, Held)| *second < window.end || self.takes_end(held.row);
        timed.into_iter().filter(inside).map(|(_, held)| held).collect()
    }

    /// Whether a row whose time lies in the second of a window's end belongs to the window.
    pub(super) fn takes_end(&self, row: Row) -> bool {
        self.behaviour.last_second_included && self.on_the_second(row)
    }

    /// Whether the row's time hides no milliseconds.
    fn on_the_second(&self, row: Row) -> bool {
        !self.behaviour.hidden_milliseconds || hidden_millis(row, self.generator.dice()) == 0
    }

    pub(super) fn key(&self, held: Held) -> Key {
        Key {
            session_id: self.generator.session_id(held.row),
            conversation_id: (!held.bot_only).then(|| self.generator.talk_id(held.row)),
        }
    }

    pub(super) fn write(&self, out: &mut Vec<u8>, held: Held, view: &View) {
        self.generator.write(out, held.row, held.form, view);
    }
}
