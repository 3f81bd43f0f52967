//! What a session met: queues, agents, and when, so that waits, handle times and outcomes agree with
//! one another.

use super::dice::Dice;
use super::json::Millis;
use super::story::{Ending, Kind};

/// How a session went.
#[derive(Debug)]
pub(super) struct Plot {
    pub(super) end: Option<i64>,
    pub(super) ending: Ending,
    pub(super) voicemail: bool,
    pub(super) destinations: Vec<Destination>,
}

/// An element of `destinations`.
#[derive(Debug)]
pub(super) enum Destination {
    Queue(QueueEntry),
    /// An agent who was reached without a queue, or after a reassignment.
    Agent(Leg),
}

/// A wait in a queue.
#[derive(Debug)]
pub(super) struct QueueEntry {
    pub(super) queue: usize,
    /// None on outbound calls, which do not wait.
    pub(super) entered: Option<i64>,
    pub(super) callback: Option<Callback>,
    pub(super) responding: Option<Leg>,
    pub(super) missed: Vec<Leg>,
}

/// A callback.
#[derive(Debug)]
pub(super) struct Callback {
    pub(super) opted: Millis,
    pub(super) initiated: Option<Millis>,
    pub(super) accepted: Option<Millis>,
}

/// A contact offered to an agent.
#[derive(Debug, Clone)]
pub(super) struct Leg {
    pub(super) agent: usize,
    pub(super) assigned: Option<i64>,
    pub(super) answer: Option<Talk>,
    /// Why the agent did not answer.
    pub(super) missed: &'static str,
}

/// What an agent who accepted did.
#[derive(Debug, Clone)]
pub(super) struct Talk {
    pub(super) accepted: i64,
    pub(super) first_response: Option<i64>,
    /// None while it goes on.
    pub(super) ended: Option<i64>,
    /// Inside the talk.
    pub(super) hold_seconds: Option<i64>,
    pub(super) wrap_up_seconds: Option<i64>,
    pub(super) consulted: Vec<Guest>,
    pub(super) joined: Vec<Guest>,
    /// When the call was passed on to a number outside.
    pub(super) passed_on: Option<i64>,
}

/// Someone who was asked or who joined while an agent talked.
#[derive(Debug, Clone)]
pub(super) struct Guest {
    pub(super) agent: usize,
    pub(super) from: i64,
    pub(super) to: i64,
}

/// A bot-only session.
pub(super) fn session(kind: Kind, start: i64, dice: &mut Dice) -> Plot {
    let length = if kind == Kind::SideSession { dice.between(0, 3) } else { dice.skewed(1, 400) };
    let (status, event) = match dice.roll(100) {
        0..58 => (Some("BotResolved"), "Bot Hangup"),
        58..82 => (Some("Dropped"), "User Hangup"),
        _ => (None, ""),
    };
    let ending = Ending { status, smart: "CLOSED AT BOT", reason: "", event };
    Plot { end: Some(start + length), ending, voicemail: false, destinations: Vec::new() }
}
