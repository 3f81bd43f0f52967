//! A session while the clock goes on: what of it has happened so far, and what comes after its end
//! (F19, F20).

use super::dice::Dice;
use super::plot::{Callback, Destination, Leg, Plot, QueueEntry, Talk};
use super::story::{Ending, Kind, row_dice, topic};
use super::timeline::Row;

const HOUR: i64 = 3_600;
/// Latest survey or edit after the end of a session.
const AFTERMATH: i64 = 48 * HOUR;
/// Percent of the conversations that customers begin in which a bot talks for long before an agent is
/// asked for: until then they are bot-only sessions.
const LATE_HANDOVERS: u32 = 12;

/// What comes after the end of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Aftermath {
    /// Whether the customer's answer to a survey is there, if one ever comes.
    pub(super) surveyed: bool,
    /// Whether dispositions were edited.
    pub(super) edited: bool,
}

impl Aftermath {
    /// Without a clock: surveys are there and nobody edits.
    pub(super) const STILL: Self = Self { surveyed: true, edited: false };
    const NONE: Self = Self { surveyed: false, edited: false };
}

/// When a conversation that a customer began is handed over to people: its start, or up to six hours later.
pub(super) fn handover(row: Row, dice: &Dice) -> i64 {
    let mut chance = row_dice(row, dice).fork(topic::HANDOVER);
    let late = if chance.chance(LATE_HANDOVERS) { chance.skewed(60, 6 * HOUR) } else { 0 };
    i64::from(row.start) + late
}

/// What is seen of a session that goes as `plot` says when the clock shows `now`.
pub(super) fn so_far(now: i64, handover: i64, kind: Kind, plot: Plot, chance: &Dice) -> (Kind, Plot, Aftermath) {
    if now < handover {
        return (Kind::Session, open(Vec::new(), chance), Aftermath::NONE);
    }
    let destinations = plot.destinations.into_iter().filter_map(|destination| reached(destination, now)).collect();
    match plot.end.filter(|end| *end <= now) {
        Some(end) => (kind, Plot { destinations, ..plot }, aftermath(now, end, kind, chance)),
        None => (kind, open(destinations, chance), Aftermath::NONE),
    }
}

fn open(destinations: Vec<Destination>, chance: &Dice) -> Plot {
    let status = Some(chance.fork(1).pick(&["ACTIVE", "ACTIVE", "TRANSIENT_OPEN"]));
    Plot { end: None, ending: Ending { status, smart: "", reason: "", event: "" }, voicemail: false, destinations }
}

/// Six surveys of ten come at once, the others and edits within two days.
fn aftermath(now: i64, end: i64, kind: Kind, chance: &Dice) -> Aftermath {
    let mut survey = chance.fork(2);
    let waits = if survey.chance(60) { 0 } else { survey.between(HOUR, AFTERMATH) };
    let mut edit = chance.fork(3);
    let edited = !kind.is_bot_only() && edit.chance(10) && end + edit.between(HOUR, AFTERMATH) <= now;
    Aftermath { surveyed: end + waits <= now, edited }
}

fn reached(destination: Destination, now: i64) -> Option<Destination> {
    match destination {
        Destination::Queue(entry) => queued(entry, now).map(Destination::Queue),
        Destination::Agent(leg) => offered(leg, now).map(Destination::Agent),
    }
}

fn queued(entry: QueueEntry, now: i64) -> Option<QueueEntry> {
    entry.entered.is_none_or(|entered| entered <= now).then(|| QueueEntry {
        callback: entry.callback.as_ref().and_then(|callback| opted(callback, now)),
        responding: entry.responding.and_then(|leg| offered(leg, now)),
        missed: entry.missed.into_iter().filter_map(|leg| offered(leg, now)).collect(),
        ..entry
    })
}

fn opted(callback: &Callback, now: i64) -> Option<Callback> {
    let happened = |time: &super::json::Millis| time.0 <= now.saturating_mul(1_000);
    happened(&callback.opted).then(|| Callback {
        opted: callback.opted,
        initiated: callback.initiated.filter(happened),
        accepted: callback.accepted.filter(happened),
    })
}

/// An offer that is not accepted yet is not listed.
fn offered(leg: Leg, now: i64) -> Option<Leg> {
    let known = match &leg.answer {
        Some(talk) => talk.accepted <= now,
        None => leg.assigned.is_none_or(|assigned| assigned <= now),
    };
    known.then(|| Leg { answer: leg.answer.map(|talk| talked(talk, now)), ..leg })
}

/// Wrap-up work is listed when it is done.
fn talked(talk: Talk, now: i64) -> Talk {
    let happened = |time: &i64| *time <= now;
    let ended = talk.ended.filter(happened);
    let wrapped_up = ended.zip(talk.wrap_up_seconds).is_some_and(|(ended, seconds)| ended + seconds <= now);
    Talk {
        accepted: talk.accepted,
        first_response: talk.first_response.filter(happened),
        ended,
        hold_seconds: talk.hold_seconds.filter(|_| ended.is_some()),
        wrap_up_seconds: talk.wrap_up_seconds.filter(|_| wrapped_up),
        consulted: talk.consulted.into_iter().filter(|guest| guest.to <= now).collect(),
        joined: talk.joined.into_iter().filter(|guest| guest.to <= now).collect(),
        passed_on: talk.passed_on.filter(happened),
    }
}
