//! The reports in plain code, from the words of their definitions and not from their SQL.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::contact::{Contact, Entry, Leg, Missed, Queue};
use super::{customers, outcomes};

/// Parameters as a user gives them.
pub struct Asked<'a>(pub &'a [(&'a str, &'a str)]);

impl<'a> Asked<'a> {
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(given, _)| *given == name).map(|(_, value)| *value)
    }

    pub fn is(&self, name: &str, value: &str) -> bool {
        self.get(name) == Some(value)
    }

    pub fn seconds(&self, name: &str, default: f64) -> f64 {
        self.get(name).map_or(default, |value| value.parse().unwrap())
    }

    fn local(&self, moment: Timestamp) -> (DateTime, i32) {
        let zone = TimeZone::get(self.get("time_zone").unwrap_or("UTC")).unwrap();
        let offset = zone.to_offset(moment);
        (offset.to_datetime(moment), offset.seconds() / 60)
    }

    /// Whether a contact is asked for: side sessions never are.
    fn takes(&self, contact: &Contact) -> bool {
        let day = self.local(contact.start).0.date();
        let date = |name| self.get(name).map(|date| date.parse::<Date>().unwrap());
        !contact.is_side_session
            && date("from").is_none_or(|from| from <= day)
            && date("to").is_none_or(|to| day < to)
            && self.get("account").is_none_or(|account| account == contact.account)
            && self.get("channel").is_none_or(|channel| contact.channel.as_deref() == Some(channel))
    }

    pub fn takes_queue(&self, (id, name): &Queue) -> bool {
        let is = |found: &Option<String>, asked| found.as_deref() == Some(asked);
        self.get("queue").is_none_or(|asked| is(id, asked) || is(name, asked))
    }

    pub fn takes_agent(&self, agent: Option<&str>) -> bool {
        self.get("agent").is_none_or(|asked| agent == Some(asked))
    }

    /// Whether a contact's first queue and the agent who answered it first are asked for.
    pub fn takes_first(&self, contact: &Contact) -> bool {
        let agent = contact.first_answered().and_then(|leg| leg.agent.as_deref());
        self.takes_queue(&contact.first_queue()) && self.takes_agent(agent)
    }

    /// The interval of a moment: its start, the offset there, and instead of these weekday and hour.
    fn interval(&self, moment: Timestamp) -> [Value; 4] {
        let (local, offset) = self.local(moment);
        let cut = |minutes: i8| {
            let midnight = local.date().at(0, 0, 0, 0);
            let since = i64::from(local.hour()) * 60 + i64::from(local.minute());
            json!((midnight + jiff::SignedDuration::from_mins(since - since % i64::from(minutes))).to_string())
        };
        match self.get("interval").unwrap_or("day") {
            "15m" => [cut(15), json!(offset), Value::Null, Value::Null],
            "30m" => [cut(30), json!(offset), Value::Null, Value::Null],
            "60m" => [cut(60), json!(offset), Value::Null, Value::Null],
            "day" => [json!(local.date().at(0, 0, 0, 0).to_string()), Value::Null, Value::Null, Value::Null],
            _ => [Value::Null, Value::Null, json!(local.weekday().to_monday_one_offset()), json!(local.hour())],
        }
    }
}

/// Up to when each account was read; what was replayed says nothing of that.
pub type Reach = BTreeMap<String, Timestamp>;

/// The rows that a report ought to have, in no order.
pub fn expected(report: &str, all: &[Contact], reach: &Reach, asked: &Asked<'_>) -> Vec<Value> {
    let contacts = all.iter().filter(|contact| asked.takes(contact));
    match report {
        "volume" => volume(contacts, asked),
        "containment" => containment(contacts),
        "service_level" => service_level(contacts, asked),
        "queue_wait" => queue_wait(contacts, asked),
        "agent_performance" => agent_performance(contacts, asked),
        "abandonment" => outcomes::abandonment(contacts, asked),
        "missed_offers" => outcomes::missed_offers(contacts, asked),
        "transfers" => outcomes::transfers(contacts, asked),
        "callbacks" => outcomes::callbacks(contacts, asked),
        "satisfaction" => customers::satisfaction(contacts, asked),
        "dispositions" => customers::dispositions(contacts, asked),
        "intents" => customers::intents(contacts, asked),
        "tones" => customers::tones(contacts, asked),
        "repeat_contacts" => customers::repeat_contacts(all, contacts, reach, asked),
        other => panic!("no definition of `{other}`"),
    }
}

/// Items by key; the key as text orders them.
pub fn grouped<T>(items: impl Iterator<Item = (Value, T)>) -> Vec<(Value, Vec<T>)> {
    let mut groups: BTreeMap<String, (Value, Vec<T>)> = BTreeMap::new();
    for (key, item) in items {
        groups.entry(key.to_string()).or_insert_with(|| (key, Vec::new())).1.push(item);
    }
    groups.into_values().collect()
}

pub fn count<T>(items: &[T], holds: impl Fn(&T) -> bool) -> usize {
    items.iter().filter(|item| holds(item)).count()
}

#[expect(clippy::cast_precision_loss, reason = "counts of a test")]
pub fn ratio(numerator: f64, denominator: usize) -> Value {
    if denominator == 0 { Value::Null } else { json!(numerator / denominator as f64) }
}

#[expect(clippy::cast_precision_loss, reason = "counts of a test")]
pub fn share(part: usize, all: usize) -> Value {
    ratio(part as f64, all)
}

/// A sum of nothing is null.
pub fn sum(seconds: &[f64]) -> Value {
    if seconds.is_empty() { Value::Null } else { json!(seconds.iter().sum::<f64>()) }
}

fn volume<'a>(contacts: impl Iterator<Item = &'a Contact>, asked: &Asked<'_>) -> Vec<Value> {
    let keyed = contacts.map(|contact| (json!([asked.interval(contact.start), contact.channel]), contact));
    let row = |(key, contacts): (Value, Vec<&Contact>)| {
        let going = |word: &str| count(&contacts, |contact| contact.direction.as_deref() == Some(word));
        let undirected = count(&contacts, |contact| contact.direction.is_none());
        json!({
            "interval_start": key[0][0], "utc_offset_minutes": key[0][1], "weekday": key[0][2], "hour": key[0][3],
            "channel": key[1],
            "contacts": contacts.len(),
            "inbound": going("inbound"),
            "outbound": going("outbound"),
            "other_direction": contacts.len() - going("inbound") - going("outbound") - undirected,
            "no_direction": undirected,
            "open": count(&contacts, |contact| contact.is_open),
        })
    };
    grouped(keyed).into_iter().map(row).collect()
}

/// In which of the four parts a session ended.
fn part(contact: &Contact) -> &'static str {
    match contact.outcome() {
        _ if contact.is_open => "open",
        _ if !contact.is_bot_only => "handed over",
        outcome => outcome,
    }
}

fn containment<'a>(contacts: impl Iterator<Item = &'a Contact>) -> Vec<Value> {
    let chosen = contacts.filter(|contact| contact.direction.as_ref().is_none_or(|word| word == "inbound"));
    let row = |(channel, contacts): (Value, Vec<&Contact>)| {
        let (inbound, undirected): (Vec<_>, Vec<_>) = contacts.into_iter().partition(|one| one.direction.is_some());
        let ended = |name: &str| count(&inbound, |contact| part(contact) == name);
        let apart = |name: &str| count(&undirected, |contact| part(contact) == name);
        let sessions = inbound.len() - ended("open");
        json!({
            "channel": channel,
            "sessions": sessions,
            "completed": ended("completed"), "completed_share": share(ended("completed"), sessions),
            "dropped_off": ended("dropped off"), "dropped_off_share": share(ended("dropped off"), sessions),
            "handed_over": ended("handed over"), "handed_over_share": share(ended("handed over"), sessions),
            "unknown": ended("unknown"), "unknown_share": share(ended("unknown"), sessions),
            "open": ended("open"),
            "no_direction": undirected.len() - apart("open"),
            "no_direction_completed": apart("completed"),
            "no_direction_dropped_off": apart("dropped off"),
            "no_direction_handed_over": apart("handed over"),
            "no_direction_unknown": apart("unknown"),
        })
    };
    grouped(chosen.map(|contact| (json!(contact.channel), contact))).into_iter().map(row).collect()
}

pub fn entries<'a>(
    contacts: impl Iterator<Item = &'a Contact>,
    asked: &Asked<'_>,
) -> impl Iterator<Item = (&'a Contact, &'a Entry)> {
    let entries = contacts.flat_map(|contact| contact.entries.iter().map(move |entry| (contact, entry)));
    entries.filter(|(_, entry)| asked.takes_queue(&entry.queue))
}

pub fn is_answered(entry: &Entry) -> bool {
    matches!(entry.counted_as, "answered" | "answered after reassignment")
}

fn service_level<'a>(contacts: impl Iterator<Item = &'a Contact>, asked: &Asked<'_>) -> Vec<Value> {
    let threshold = asked.seconds("threshold_seconds", 20.0);
    let short = asked.seconds("short_abandon_seconds", 0.0);
    let target = asked.get("target").map_or(0.8, |value| value.parse().unwrap());
    let is_within = |entry: &Entry| entry.wait.is_some_and(|wait| wait <= threshold);
    let is_short =
        |entry: &Entry| entry.counted_as == "abandoned" && entry.until_end.is_some_and(|seconds| seconds < short);
    let is_left = |entry: &Entry| entry.counted_as == "abandoned" && !is_short(entry);
    let is_left_within = |entry: &Entry| is_left(entry) && entry.until_end.is_some_and(|seconds| seconds <= threshold);
    let is_callback = |entry: &Entry| entry.counted_as == "callback" && asked.is("callbacks", "include");
    let keyed = entries(contacts, asked).map(|(contact, entry)| {
        let interval = asked.interval(entry.entered.unwrap_or(contact.start));
        (json!([interval, entry.queue.0, entry.queue.1]), entry)
    });
    let row = |(key, entries): (Value, Vec<&Entry>)| {
        let with = |outcome: &str| count(&entries, |entry| entry.counted_as == outcome);
        let answered_within = count(&entries, |entry| is_answered(entry) && is_within(entry));
        let left_within = count(&entries, |entry| is_left_within(entry));
        let counted = count(&entries, |entry| is_answered(entry) || is_callback(entry))
            + if asked.is("abandons", "exclude") { 0 } else { count(&entries, |entry| is_left(entry)) };
        let met = answered_within
            + count(&entries, |entry| is_callback(entry) && is_within(entry))
            + if asked.is("abandons", "met_within_threshold") { left_within } else { 0 };
        json!({
            "interval_start": key[0][0], "utc_offset_minutes": key[0][1], "weekday": key[0][2], "hour": key[0][3],
            "queue_id": key[1], "queue_name": key[2],
            "met": met, "counted": counted, "service_level": share(met, counted),
            "meets_target": share(met, counted).as_f64().map(|level| level >= target),
            "offered": entries.len(),
            "answered": with("answered"),
            "answered_after_reassignment": with("answered after reassignment"),
            "abandoned": with("abandoned"),
            "callback": with("callback"),
            "moved_on": with("moved on"),
            "voicemail": with("voicemail"),
            "unserved": with("unserved"),
            "open": with("open"),
            "answered_within_threshold": answered_within,
            "short_abandoned": count(&entries, |entry| is_short(entry)),
            "abandoned_within_threshold": left_within,
            "no_enter_time": count(&entries, |entry| entry.entered.is_none()),
        })
    };
    grouped(keyed).into_iter().map(row).collect()
}

/// Nearest rank: the smallest value that at least `percent` of them do not exceed.
pub fn percentile(sorted: &[f64], percent: usize) -> Value {
    let rank = (sorted.len() * percent).div_ceil(100);
    rank.checked_sub(1).map_or(Value::Null, |at| json!(sorted[at]))
}

fn queue_wait<'a>(contacts: impl Iterator<Item = &'a Contact>, asked: &Asked<'_>) -> Vec<Value> {
    let keyed = entries(contacts, asked).map(|(_, entry)| (json!([entry.queue.0, entry.queue.1]), entry));
    let is_callback = |entry: &Entry| entry.counted_as == "callback";
    let is_counted = |entry: &Entry| {
        is_answered(entry) || (is_callback(entry) && entry.is_accepted && asked.is("callbacks", "include"))
    };
    let row = |(key, entries): (Value, Vec<&Entry>)| {
        let waits_of = |holds: &dyn Fn(&Entry) -> bool| -> Vec<f64> {
            entries.iter().filter(|entry| holds(entry)).filter_map(|entry| entry.wait).collect()
        };
        let mut waits = waits_of(&is_counted);
        waits.sort_by(f64::total_cmp);
        json!({
            "queue_id": key[0], "queue_name": key[1],
            "answered": waits.len(),
            "wait_seconds": sum(&waits),
            "asa_seconds": ratio(waits.iter().sum(), waits.len()),
            "p50_seconds": percentile(&waits, 50),
            "p90_seconds": percentile(&waits, 90),
            "p95_seconds": percentile(&waits, 95),
            "max_seconds": waits.last(),
            "answered_wait_unknown": count(&entries, |entry| is_counted(entry) && entry.wait.is_none()),
            "callbacks": count(&entries, |entry| is_callback(entry)),
            "callbacks_answered": count(&entries, |entry| is_callback(entry) && entry.is_accepted),
            "callback_wait_seconds": sum(&waits_of(&is_callback)),
            "open": count(&entries, |entry| entry.counted_as == "open"),
        })
    };
    grouped(keyed).into_iter().map(row).collect()
}

/// What an agent was offered.
enum Offer<'a> {
    Leg(&'a Leg),
    Missed(&'a Missed),
}

impl Offer<'_> {
    fn of(contact: &Contact) -> impl Iterator<Item = (&Contact, Offer<'_>)> {
        let legs = contact.legs.iter().map(Offer::Leg);
        legs.chain(contact.missed.iter().map(Offer::Missed)).map(move |offer| (contact, offer))
    }

    fn about(&self) -> (&Queue, Option<&str>, Option<&str>) {
        match self {
            Offer::Leg(leg) => (&leg.queue, leg.agent.as_deref(), leg.agent_name.as_deref()),
            Offer::Missed(offer) => (&offer.queue, offer.agent.as_deref(), offer.agent_name.as_deref()),
        }
    }

    fn handled(&self) -> Option<&Leg> {
        if let Offer::Leg(leg) = self { (leg.is_answered && leg.is_ended).then_some(*leg) } else { None }
    }
}

fn agent_performance<'a>(contacts: impl Iterator<Item = &'a Contact>, asked: &Asked<'_>) -> Vec<Value> {
    let offers = contacts.flat_map(Offer::of).filter(|(_, offer)| {
        let (queue, agent, _) = offer.about();
        asked.takes_queue(queue) && asked.takes_agent(agent)
    });
    let keyed = offers.map(|(contact, offer)| (json!([offer.about().1, contact.channel]), (contact.is_open, offer)));
    let row = |(key, offers): (Value, Vec<(bool, Offer<'_>)>)| {
        let name = offers.iter().filter_map(|(_, offer)| offer.about().2).max();
        let (open, closed): (Vec<_>, Vec<_>) = offers.iter().partition(|(is_open, _)| *is_open);
        let answered = count(&closed, |(_, offer)| matches!(offer, Offer::Leg(leg) if leg.is_answered));
        let not_accepted = count(&closed, |(_, offer)| matches!(offer, Offer::Leg(leg) if !leg.is_answered));
        let by_supervisor = count(&closed, |(_, offer)| matches!(offer, Offer::Missed(offer) if offer.by_supervisor));
        let handled: Vec<&Leg> = closed.iter().filter_map(|(_, offer)| offer.handled()).collect();
        let total = |seconds: fn(&Leg) -> f64| handled.iter().map(|leg| seconds(leg)).collect::<Vec<f64>>();
        let handle: Vec<f64> = handled
            .iter()
            .map(|leg| leg.interaction + if asked.is("after_call_work", "exclude") { 0.0 } else { leg.after_call })
            .collect();
        json!({
            "agent_id": key[0], "agent_name": name, "channel": key[1],
            "offered": closed.len(),
            "answered": answered,
            "not_accepted": not_accepted,
            "missed": closed.len() - answered - not_accepted - by_supervisor,
            "supervisor_reassigned": by_supervisor,
            "handled": handled.len(),
            "handle_seconds": sum(&handle),
            "aht_seconds": ratio(handle.iter().sum(), handle.len()),
            "interaction_seconds": sum(&total(|leg| leg.interaction)),
            "talk_seconds": sum(&total(|leg| leg.interaction - leg.hold)),
            "hold_seconds": sum(&total(|leg| leg.hold)),
            "after_call_seconds": sum(&total(|leg| leg.after_call)),
            "open": open.len(),
        })
    };
    grouped(keyed).into_iter().map(row).collect()
}
