//! The course of a session: which queues and agents it met and when, so that waits, handle times and
//! outcomes agree with one another.

use super::cast::Cast;
use super::dice::Dice;
use super::story::{Channel, Kind, Status};

/// How a session went.
#[derive(Debug)]
pub(super) struct Plot {
    pub(super) end: Option<i64>,
    pub(super) status: Status,
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

/// A callback, in milliseconds since 1970.
#[derive(Debug)]
pub(super) struct Callback {
    pub(super) opted_ms: i64,
    pub(super) initiated_ms: Option<i64>,
    pub(super) accepted_ms: Option<i64>,
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
    let (final_status, event) = match dice.roll(100) {
        0..58 => (Some("BotResolved"), "Bot Hangup"),
        58..82 => (Some("Dropped"), "User Hangup"),
        _ => (None, ""),
    };
    let status = Status { final_status, smart_status: "CLOSED AT BOT", reason: "", event };
    Plot { end: Some(start + length), status, voicemail: false, destinations: Vec::new() }
}

/// A conversation that a customer began.
pub(super) fn inbound(channel: Channel, start: i64, cast: &Cast, dice: &mut Dice) -> Plot {
    let turn = dice.roll(100);
    let mut course = Course::new(channel, start, cast, dice);
    match turn {
        0..42 => course.answered(0),
        42..54 => course.answered_after_misses(),
        54..59 => course.reassigned(),
        59..66 => course.moved_on(),
        66..71 => course.direct(),
        71..76 => course.called_back(),
        76..79 => course.voicemail(),
        79..86 => course.abandoned(),
        86..89 => course.abandoned_before_queue(),
        89..92 => course.abandoned_with_agent(),
        92..97 => course.no_agents(),
        _ => course.open(),
    }
}

/// A conversation that the contact centre began.
pub(super) fn outbound(channel: Channel, start: i64, cast: &Cast, dice: &mut Dice) -> Plot {
    let turn = dice.roll(100);
    let mut course = Course::new(channel, start, cast, dice);
    let mut entry = course.queue_entry();
    entry.entered = None;
    match turn {
        0..70 => {
            entry.responding = Some(course.answer());
            course.close(vec![Destination::Queue(entry)])
        }
        70..85 => {
            entry.responding = Some(course.answer());
            course.leave(vec![Destination::Queue(entry)], "ABANDONED WITH AGENT")
        }
        _ => course.leave(Vec::new(), "TERMINATED"),
    }
}

const CLOSED: Status =
    Status { final_status: Some("CLOSED"), smart_status: "CLOSED", reason: "", event: "Agent Closed" };

/// Seconds, lowest and highest, of what takes time on a channel.
struct Pace {
    wait: (i64, i64),
    talk: (i64, i64),
    wrap_up: (i64, i64),
}

impl Pace {
    fn of(channel: Channel) -> Self {
        match channel {
            Channel::Voice | Channel::Campaign => Self { wait: (2, 420), talk: (15, 1_500), wrap_up: (2, 180) },
            Channel::Email => Self { wait: (120, 172_800), talk: (120, 864_000), wrap_up: (10, 900) },
            _ => Self { wait: (1, 300), talk: (20, 2_700), wrap_up: (2, 240) },
        }
    }
}

/// Tells a conversation in order; `now` only moves on.
struct Course<'a> {
    channel: Channel,
    pace: Pace,
    now: i64,
    cast: &'a Cast,
    dice: &'a mut Dice,
}

impl<'a> Course<'a> {
    fn new(channel: Channel, start: i64, cast: &'a Cast, dice: &'a mut Dice) -> Self {
        Self { channel, pace: Pace::of(channel), now: start, cast, dice }
    }

    fn answered(&mut self, misses: i64) -> Plot {
        let mut entry = self.queue_entry();
        self.miss(&mut entry, misses, "Ignored");
        let leg = self.answer();
        // F23: now and then the agent who answered is listed among those who did not.
        if self.dice.chance(1) {
            entry.missed.push(leg.clone());
        }
        entry.responding = Some(leg);
        self.close(vec![Destination::Queue(entry)])
    }

    fn answered_after_misses(&mut self) -> Plot {
        let misses = self.dice.between(1, 4);
        self.answered(misses)
    }

    /// A supervisor takes the offer away; the next agent stands beside the queue entry.
    fn reassigned(&mut self) -> Plot {
        let mut entry = self.queue_entry();
        self.miss(&mut entry, 1, "Supervisor Reassigned");
        let leg = self.answer();
        self.close(vec![Destination::Queue(entry), Destination::Agent(leg)])
    }

    /// Two or three queues, some left without an answer, some with one.
    fn moved_on(&mut self) -> Plot {
        let mut destinations = Vec::new();
        for _ in 0..self.dice.between(1, 2) {
            let mut entry = self.queue_entry();
            if self.dice.chance(55) {
                entry.responding = Some(self.answer());
            } else {
                self.now += self.dice.between(20, 90);
            }
            destinations.push(Destination::Queue(entry));
        }
        let mut last = self.queue_entry();
        last.responding = Some(self.answer());
        destinations.push(Destination::Queue(last));
        self.close(destinations)
    }

    fn direct(&mut self) -> Plot {
        self.now += self.dice.between(5, 60);
        let leg = self.answer();
        self.close(vec![Destination::Agent(leg)])
    }

    fn called_back(&mut self) -> Plot {
        let mut entry = self.queue_entry();
        self.now += self.dice.between(15, 60);
        let opted_ms = self.now * 1_000 + self.dice.between(0, 999);
        if self.dice.chance(30) {
            entry.callback = Some(Callback { opted_ms, initiated_ms: None, accepted_ms: None });
            return self.finish(vec![Destination::Queue(entry)], Status { event: "User Hangup", ..CLOSED });
        }
        self.now += self.dice.skewed(20, 5_400);
        let initiated_ms = self.dice.chance(20).then(|| self.now * 1_000 - self.dice.between(1, 9_000));
        let accepted_ms = Some(self.now * 1_000 + self.dice.between(0, 999));
        entry.callback = Some(Callback { opted_ms, initiated_ms, accepted_ms });
        entry.responding = Some(self.accept());
        self.close(vec![Destination::Queue(entry)])
    }

    fn voicemail(&mut self) -> Plot {
        let entry = self.queue_entry();
        self.now += self.dice.between(30, 180);
        let status = Status { reason: "VOICEMAIL", event: "User Hangup", ..CLOSED };
        Plot { voicemail: true, ..self.finish(vec![Destination::Queue(entry)], status) }
    }

    fn abandoned(&mut self) -> Plot {
        let mut entry = self.queue_entry();
        let misses = self.dice.between(0, 2);
        self.miss(&mut entry, misses, "Ignored");
        self.now += self.dice.skewed(1, 600);
        self.leave(vec![Destination::Queue(entry)], "TERMINATED")
    }

    fn abandoned_before_queue(&mut self) -> Plot {
        self.now += self.dice.between(3, 90);
        self.leave(Vec::new(), "TERMINATED")
    }

    fn abandoned_with_agent(&mut self) -> Plot {
        let mut entry = self.queue_entry();
        entry.responding = Some(self.answer());
        self.leave(vec![Destination::Queue(entry)], "ABANDONED WITH AGENT")
    }

    /// Also after a talk (F22), and also without any queue.
    fn no_agents(&mut self) -> Plot {
        let destinations = match self.dice.roll(10) {
            0..3 => Vec::new(),
            3..5 => {
                let mut entry = self.queue_entry();
                entry.responding = Some(self.answer());
                vec![Destination::Queue(entry)]
            }
            _ => {
                let mut entry = self.queue_entry();
                let misses = self.dice.between(0, 5);
                self.miss(&mut entry, misses, "Ignored");
                vec![Destination::Queue(entry)]
            }
        };
        self.now += self.dice.between(10, 240);
        let status =
            Status { smart_status: "TERMINATED", reason: "NO AGENTS AVAILABLE", event: "System Hangup", ..CLOSED };
        self.finish(destinations, status)
    }

    /// Still going on: waiting, or with an agent. An end time says nothing (F22).
    fn open(&mut self) -> Plot {
        let mut entry = self.queue_entry();
        if self.dice.chance(60) {
            let mut leg = self.answer();
            if let Some(talk) = leg.answer.as_mut().filter(|_| self.dice.chance(70)) {
                *talk = Talk { ended: None, wrap_up_seconds: None, passed_on: None, ..talk.clone() };
            }
            entry.responding = Some(leg);
        }
        let final_status = Some(self.dice.pick(&["ACTIVE", "ACTIVE", "TRANSIENT_OPEN"]));
        let status = Status { final_status, smart_status: "", reason: "", event: "" };
        let end = self.dice.chance(30).then_some(self.now);
        Plot { end, ..self.finish(vec![Destination::Queue(entry)], status) }
    }

    fn queue_entry(&mut self) -> QueueEntry {
        self.now += self.dice.skewed(1, 75);
        let queue = self.dice.index(self.cast.queues.len());
        QueueEntry { queue, entered: Some(self.now), callback: None, responding: None, missed: Vec::new() }
    }

    /// Offers that ran out; often it is the same agent again.
    fn miss(&mut self, entry: &mut QueueEntry, times: i64, event: &'static str) {
        let mut agent = self.agent();
        for _ in 0..times {
            self.now += self.dice.between(1, 8);
            entry.missed.push(Leg { agent, assigned: Some(self.now), answer: None, missed: event });
            self.now += self.dice.between(10, 30);
            if self.dice.chance(50) {
                agent = self.agent();
            }
        }
    }

    fn answer(&mut self) -> Leg {
        self.now += self.dice.skewed(self.pace.wait.0, self.pace.wait.1);
        self.accept()
    }

    fn accept(&mut self) -> Leg {
        let assigned = (!self.dice.chance(4)).then(|| self.now - self.dice.between(0, 1));
        let talk = self.talk();
        Leg { agent: self.agent(), assigned, answer: Some(talk), missed: "" }
    }

    fn talk(&mut self) -> Talk {
        let accepted = self.now;
        // A duration of 0 is legal (F18).
        let length = if self.dice.chance(1) { 0 } else { self.dice.skewed(self.pace.talk.0, self.pace.talk.1) };
        let ended = accepted + length;
        self.now = ended;
        Talk {
            accepted,
            first_response: self.dice.chance(80).then(|| accepted + self.dice.skewed(0, length.min(120))),
            ended: Some(ended),
            hold_seconds: self.dice.chance(25).then(|| self.dice.between(0, length / 2)),
            wrap_up_seconds: self.dice.chance(75).then(|| self.dice.skewed(self.pace.wrap_up.0, self.pace.wrap_up.1)),
            consulted: self.guests(6, accepted, ended),
            joined: self.guests(4, accepted, ended),
            passed_on: (self.channel == Channel::Voice && self.dice.chance(2)).then_some(ended),
        }
    }

    fn guests(&mut self, percent: u32, from: i64, to: i64) -> Vec<Guest> {
        if !self.dice.chance(percent) {
            return Vec::new();
        }
        let count = self.dice.between(1, 2);
        (0..count).map(|_| self.guest(from, to)).collect()
    }

    fn guest(&mut self, from: i64, to: i64) -> Guest {
        let came = self.dice.between(from, to);
        Guest { agent: self.agent(), from: came, to: self.dice.between(came, to) }
    }

    fn agent(&mut self) -> usize {
        self.dice.index(self.cast.agents.len())
    }

    fn close(&mut self, destinations: Vec<Destination>) -> Plot {
        let events: &[&str] = match self.channel {
            Channel::Voice | Channel::Campaign => &["Agent Hangup", "User Hangup", "Bot Hangup"],
            _ => &["Agent Closed", "User Closed", ""],
        };
        let status = Status {
            reason: self.dice.pick(&["", "", "Resolved", "Requires Supervisor Attention"]),
            event: self.dice.pick(events),
            ..CLOSED
        };
        self.finish(destinations, status)
    }

    fn leave(&mut self, destinations: Vec<Destination>, smart_status: &'static str) -> Plot {
        let status = Status { final_status: Some("USER ABANDONED"), smart_status, reason: "", event: "User Hangup" };
        self.finish(destinations, status)
    }

    /// The session's end is no bound on what agents did (F18): now and then it lies a little before.
    fn finish(&mut self, destinations: Vec<Destination>, status: Status) -> Plot {
        let slip = if self.dice.chance(15) && !destinations.is_empty() {
            -self.dice.between(0, 1)
        } else {
            self.dice.between(0, 2)
        };
        Plot { end: Some(self.now + slip), status, voicemail: false, destinations }
    }
}
