//! What the simulator tells tests: the truth now, what no client can read, and what was served.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::answer::Simulator;
use super::behaviour::Behaviour;
use super::generator::second_at_or_after;
use super::moment::{Held, Moment};
use super::served::{Key, Version};
use super::timeline::Seconds;
use super::view::View;

impl Simulator {
    /// The truth now: every record of a stream that starts from `from` up to, not including, `to`, as
    /// `view` would show it at this moment, with its key. Rows that have not started yet, or that churn
    /// holds back or has taken away, are not there. No request is counted and nothing changes by it.
    pub fn truth(&self, stream_id: &str, from: Timestamp, to: Timestamp, view: &View) -> Vec<(Key, String)> {
        let memory = self.memory();
        let moment = self.moment(&memory.changes);
        let record = |held: Held| {
            let mut json = Vec::with_capacity(4_096);
            moment.write(&mut json, held, view);
            (moment.key(held), String::from_utf8(json).expect("records are written from text"))
        };
        moment.starting(stream_id, &seconds(from, to)).map(record).collect()
    }

    /// The starts `s` of the windows `[s, s + 1 s]` that no client can read and prove whole now, for `s`
    /// from `from` up to, not including, `to`; ascending. A window can be read if
    /// - its rows, or
    /// - where the last second is included and no milliseconds are hidden, those of `[s, s]`, or
    /// - where `isAutomation` is honoured, the two parts of either
    ///
    /// are fewer than what the pages hold that the server serves: the last page must not be full, and
    /// where the order changes at every request only one page can be proven. `s` is in terms of the time
    /// that is filtered: with [`FilteredTime::End`](super::FilteredTime::End) it is about ends.
    ///
    /// A client that cannot tell one list from a list for each group takes a page as the last one only if
    /// it is short in both groups: within a page of the limit it may name a window more than these.
    pub fn unreadable(&self, stream_id: &str, from: Timestamp, to: Timestamp) -> Vec<Timestamp> {
        let memory = self.memory();
        let over = over_full(&self.moment(&memory.changes), stream_id, &seconds(from, to));
        let time = |second| Timestamp::from_second(second).expect("seconds come from rows");
        over.into_iter().map(time).collect()
    }

    /// Keys of the records that start from `from` up to, not including, `to` and that any client could
    /// have read by now: those whose second is not one of [`Simulator::unreadable`]. Records that no
    /// window returns, as those without an end where ends are filtered, are not among them.
    pub fn readable(&self, stream_id: &str, from: Timestamp, to: Timestamp) -> BTreeSet<Key> {
        let memory = self.memory();
        let moment = self.moment(&memory.changes);
        let everything = i64::MIN..i64::MAX - 1;
        let timed = if moment.ends.is_some() { everything } else { seconds(from, to) };
        let over = over_full(&moment, stream_id, &timed);
        let wanted = seconds(from, to);
        let starts = |held: &Held| wanted.contains(&i64::from(held.row.start));
        let rows = moment.timed(stream_id, &timed).into_iter().filter(|(_, held)| starts(held));
        rows.filter(|(second, _)| !over.contains(second)).map(|(_, held)| moment.key(held)).collect()
    }

    /// The version of each record that was served last. Empty unless
    /// [`SimulatorSettings::record`](super::SimulatorSettings::record) is set.
    pub fn last_served(&self) -> BTreeMap<Key, Version> {
        self.memory().served.last()
    }

    /// The distinct versions of a record that were served, as they first came. Empty unless
    /// [`SimulatorSettings::record`](super::SimulatorSettings::record) is set.
    pub fn versions_served(&self, key: &Key) -> Vec<Version> {
        self.memory().served.versions(key)
    }

    /// Marks this moment, for [`Simulator::there_since`].
    pub fn mark(&self) -> usize {
        let mut memory = self.memory();
        let mark = (memory.changes.events(), self.second());
        memory.marks.push(mark);
        memory.marks.len() - 1
    }

    /// Keys of all streams that were there at a mark and at every moment since. Their content may have
    /// changed. Empty for a mark that was never made.
    pub fn there_since(&self, mark: usize) -> BTreeSet<Key> {
        let memory = self.memory();
        let Some((events, then)) = memory.marks.get(mark).copied() else { return BTreeSet::new() };
        let moment = self.moment(&memory.changes);
        let marked = Moment { now: then, ..moment };
        let stayed = |held: &Held| {
            let unmoved = marked.held(held.row).is_some_and(|earlier| earlier.bot_only == held.bot_only);
            unmoved && memory.changes.of(held.row).since <= events
        };
        let streams = self.generator().settings().stream_ids.iter();
        let rows = streams.flat_map(|stream_id| moment.starting(stream_id, &(i64::MIN..i64::MAX)));
        rows.filter(stayed).map(|held| moment.key(held)).collect()
    }
}

fn seconds(from: Timestamp, to: Timestamp) -> Seconds {
    second_at_or_after(from)..second_at_or_after(to)
}

/// Bot-only sessions and conversations.
type Count = [usize; 2];

/// Rows of one second.
#[derive(Debug, Default, Clone, Copy)]
struct Second {
    all: Count,
    /// Those that also belong to a window that ends with this second.
    at_end: Count,
}

/// The seconds of which the windows `[s, s + 1]` cannot be proven.
fn over_full(moment: &Moment<'_>, stream_id: &str, within: &Seconds) -> BTreeSet<i64> {
    let mut seconds: BTreeMap<i64, Second> = BTreeMap::new();
    for (second, held) in moment.timed(stream_id, &(within.start..within.end + 1)) {
        let count = seconds.entry(second).or_default();
        let group = usize::from(!held.bot_only);
        count.all[group] += 1;
        count.at_end[group] += usize::from(moment.takes_end(held.row));
    }
    let starts = seconds.keys().flat_map(|second| [second - 1, *second]).filter(|second| within.contains(second));
    let of = |second: i64| seconds.get(&second).copied().unwrap_or_default();
    starts.filter(|second| !provable(moment.behaviour, of(*second), of(second + 1))).collect()
}

fn provable(behaviour: &Behaviour, first: Second, next: Second) -> bool {
    let window = [first.all[0] + next.at_end[0], first.all[1] + next.at_end[1]];
    let alone = behaviour.last_second_included && !behaviour.hidden_milliseconds;
    let whole = |[sessions, conversations]: Count| {
        let parts = behaviour.proves(sessions, 0) && behaviour.proves(0, conversations);
        behaviour.proves(sessions, conversations) || (behaviour.is_automation_honoured && parts)
    };
    whole(window) || (alone && whole(first.all))
}
