use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, HashSet};

use super::day::DayRead;
use crate::lake::SessionDate;
use crate::lake::key::KeyHash;

/// Keys by the day where they stand and the day where what they clash with stands.
pub(super) type Clashes = BTreeMap<(SessionDate, SessionDate), HashSet<KeyHash>>;

/// Keys that stand in two days, by the later and the earlier of them. Needs no memory beside the keys.
pub(super) fn in_two_days(days: &BTreeMap<SessionDate, DayRead>) -> Clashes {
    let days: Vec<_> = days.values().collect();
    let mut heads: BinaryHeap<_> =
        days.iter().enumerate().filter_map(|(day, read)| Some(Reverse((*read.keys.first()?, day, 0)))).collect();
    let mut clashes = Clashes::new();
    let mut last: Option<(KeyHash, usize)> = None;
    while let Some(Reverse((key, day, position))) = heads.pop() {
        match last {
            Some((known, earlier)) if known == key => {
                let dates = (days[day].date, days[earlier].date);
                clashes.entry(dates).or_default().insert(key);
            }
            _ => last = Some((key, day)),
        }
        let next = position + 1;
        if let Some(key) = days[day].keys.get(next) {
            heads.push(Reverse((*key, day, next)));
        }
    }
    clashes
}

/// Sessions alone in one day and with a conversation in another, by these: only ids without a time can be.
pub(super) fn superseded_elsewhere(days: &BTreeMap<SessionDate, DayRead>) -> Clashes {
    let mut with_conversation: HashMap<KeyHash, SessionDate> = HashMap::new();
    let pairs = || days.values().flat_map(|day| day.without_id_time.iter().map(|pair| (day.date, *pair)));
    for (date, (key, session)) in pairs() {
        if key != session {
            with_conversation.insert(session, date);
        }
    }
    let mut clashes = Clashes::new();
    for (date, (key, session)) in pairs().filter(|(_, (key, session))| key == session) {
        if let Some(other) = with_conversation.get(&session).filter(|other| **other != date) {
            clashes.entry((date, *other)).or_default().insert(key);
        }
    }
    clashes
}
