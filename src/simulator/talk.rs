//! Talks with agents: how long customers wait, how long agents talk, and whom they ask.

use super::course::Course;
use super::json::Millis;
use super::plot::{Guest, Leg, Talk};
use super::story::Channel;

/// Seconds, lowest and highest, of what takes time on a channel.
pub(super) struct Pace {
    wait: (i64, i64),
    /// Longest of the waits that most customers have.
    quick_wait: i64,
    talk: (i64, i64),
    wrap_up: (i64, i64),
}

impl Pace {
    pub(super) fn of(channel: Channel) -> Self {
        match channel {
            Channel::Voice | Channel::Campaign => {
                Self { wait: (2, 420), quick_wait: 18, talk: (15, 1_500), wrap_up: (2, 180) }
            }
            Channel::Email => {
                Self { wait: (120, 172_800), quick_wait: 3_600, talk: (120, 864_000), wrap_up: (10, 900) }
            }
            _ => Self { wait: (1, 300), quick_wait: 15, talk: (20, 2_700), wrap_up: (2, 240) },
        }
    }
}

impl Course<'_> {
    pub(super) fn answer(&mut self) -> Leg {
        let (low, high) = self.pace.wait;
        let quick = self.dice.chance(60);
        self.now += if quick { self.dice.between(low, self.pace.quick_wait) } else { self.dice.skewed(low, high) };
        self.accept()
    }

    pub(super) fn accept(&mut self) -> Leg {
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

    /// Within the second that is now.
    pub(super) fn moment(&mut self) -> Millis {
        Millis(Millis::of_second(self.now).0 + self.dice.between(0, 999))
    }

    pub(super) fn agent(&mut self) -> usize {
        self.dice.index(self.cast.agents.len())
    }
}
