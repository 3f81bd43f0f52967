//! The course of a conversation: a clock that only moves on, past queues, agents and ends.

use super::cast::Cast;
use super::dice::Dice;
use super::plot::{Callback, Destination, Leg, Plot, QueueEntry, Talk};
use super::story::{Channel, Ending};
use super::talk::Pace;

/// A conversation that a customer began; some are open for ever.
pub(super) fn inbound(channel: Channel, start: i64, cast: &Cast, dice: &mut Dice) -> Plot {
    let turn = dice.roll(100);
    let mut course = Course::new(channel, start, cast, dice);
    if turn < ENDED { course.told(turn) } else { course.open() }
}

/// A conversation that a customer began and that ends: those that would stay open are only long, and
/// every fourth of those by e-mail too.
pub(super) fn settling(channel: Channel, start: i64, cast: &Cast, dice: &mut Dice) -> Plot {
    let turn = dice.roll(100);
    let mut course = Course::new(channel, start, cast, dice);
    let long = turn >= ENDED || (channel == Channel::Email && turn < 25);
    if long { course.long() } else { course.told(turn) }
}

/// What a session becomes that is handed over to an agent.
pub(super) fn handed_over(channel: Channel, start: i64, cast: &Cast, dice: &mut Dice) -> Plot {
    Course::new(channel, start, cast, dice).answered(0)
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

/// Of a hundred conversations that customers begin, those that have ended when they are told without a clock.
const ENDED: u32 = 97;

const CLOSED: Ending = Ending { status: Some("CLOSED"), smart: "CLOSED", reason: "", event: "Agent Closed" };

/// Tells a conversation in order; `now` only moves on.
pub(super) struct Course<'a> {
    pub(super) channel: Channel,
    pub(super) pace: Pace,
    pub(super) now: i64,
    pub(super) cast: &'a Cast,
    pub(super) dice: &'a mut Dice,
}

impl<'a> Course<'a> {
    fn new(channel: Channel, start: i64, cast: &'a Cast, dice: &'a mut Dice) -> Self {
        Self { channel, pace: Pace::of(channel), now: start, cast, dice }
    }

    /// One of the courses that end; `turn` is below [`ENDED`].
    fn told(&mut self, turn: u32) -> Plot {
        match turn {
            0..7 if self.channel == Channel::Voice => self.called_back(),
            7..11 if self.channel == Channel::Voice => self.voicemail(),
            0..48 => self.answered(0),
            48..60 => self.answered_after_misses(),
            60..65 => self.reassigned(),
            65..72 => self.moved_on(),
            72..77 => self.direct(),
            77..86 => self.abandoned(),
            86..89 => self.abandoned_before_queue(),
            89..92 => self.abandoned_with_agent(),
            _ => self.no_agents(),
        }
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
        let opted = self.moment();
        if self.dice.chance(30) {
            entry.callback = Some(Callback { opted, initiated: None, accepted: None });
            return self.finish(vec![Destination::Queue(entry)], Ending { event: "User Hangup", ..CLOSED });
        }
        self.now += self.dice.skewed(20, 5_400);
        let initiated = self.dice.chance(40).then(|| self.moment());
        self.now += self.dice.between(0, 9);
        entry.callback = Some(Callback { opted, initiated, accepted: Some(self.moment()) });
        entry.responding = Some(self.accept());
        self.close(vec![Destination::Queue(entry)])
    }

    fn voicemail(&mut self) -> Plot {
        let entry = self.queue_entry();
        self.now += self.dice.between(30, 180);
        let ending = Ending { reason: "VOICEMAIL", event: "User Hangup", ..CLOSED };
        Plot { voicemail: true, ..self.finish(vec![Destination::Queue(entry)], ending) }
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
        let ending = Ending { smart: "TERMINATED", reason: "NO AGENTS AVAILABLE", event: "System Hangup", ..CLOSED };
        self.finish(destinations, ending)
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
        let status = Some(self.dice.pick(&["ACTIVE", "ACTIVE", "TRANSIENT_OPEN"]));
        let ending = Ending { status, smart: "", reason: "", event: "" };
        let end = self.dice.chance(30).then_some(self.now);
        Plot { end, ..self.finish(vec![Destination::Queue(entry)], ending) }
    }

    /// With an agent for hours, by e-mail for days.
    fn long(&mut self) -> Plot {
        let mut entry = self.queue_entry();
        let mut leg = self.answer();
        let hours = if self.channel == Channel::Email { self.dice.between(24, 144) } else { self.dice.between(2, 14) };
        self.now += hours * 3_600;
        if let Some(talk) = &mut leg.answer {
            talk.ended = Some(self.now);
            talk.passed_on = None;
        }
        entry.responding = Some(leg);
        self.close(vec![Destination::Queue(entry)])
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

    fn close(&mut self, destinations: Vec<Destination>) -> Plot {
        let events: &[&str] = match self.channel {
            Channel::Voice | Channel::Campaign => &["Agent Hangup", "User Hangup", "Bot Hangup"],
            _ => &["Agent Closed", "User Closed", ""],
        };
        let ending = Ending {
            reason: self.dice.pick(&["", "", "Resolved", "Requires Supervisor Attention"]),
            event: self.dice.pick(events),
            ..CLOSED
        };
        self.finish(destinations, ending)
    }

    fn leave(&mut self, destinations: Vec<Destination>, smart: &'static str) -> Plot {
        let ending = Ending { status: Some("USER ABANDONED"), smart, reason: "", event: "User Hangup" };
        self.finish(destinations, ending)
    }

    /// The session's end is no bound on what agents did (F18): now and then it lies a little before.
    fn finish(&mut self, destinations: Vec<Destination>, ending: Ending) -> Plot {
        let slip = if self.dice.chance(15) && !destinations.is_empty() {
            -self.dice.between(0, 1)
        } else {
            self.dice.between(0, 2)
        };
        Plot { end: Some(self.now + slip), ending, voicemail: false, destinations }
    }
}
