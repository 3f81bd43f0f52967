//! Reports on what became of contacts on their way, in plain code.

use serde_json::{Value, json};

use super::contact::{Contact, Entry, Missed};
use super::definitions::{Asked, count, entries, grouped, is_answered, percentile, ratio, share, sum};

pub fn abandonment<'a>(contacts: impl Iterator<Item = &'a Contact> + Clone, asked: &Asked<'_>) -> Vec<Value> {
    let short = asked.seconds("short_abandon_seconds", 0.0);
    let is_abandoned = |entry: &Entry| entry.counted_as == "abandoned";
    let is_short = |entry: &Entry| is_abandoned(entry) && entry.until_end.is_some_and(|seconds| seconds < short);
    // No queue at all: it must not be asked for either.
    let before = contacts.clone().filter(|contact| contact.outcome() == "abandoned before queue");
    let before = before.filter(|_| asked.get("queue").is_none()).map(|_| (json!([null, null]), None));
    let keyed = entries(contacts, asked).map(|(_, entry)| (json!([entry.queue.0, entry.queue.1]), Some(entry)));
    let row = |(key, rows): (Value, Vec<Option<&Entry>>)| {
        let entries: Vec<&Entry> = rows.iter().filter_map(|entry| *entry).collect();
        let with = |outcome: &str| count(&entries, |entry| entry.counted_as == outcome);
        let left: Vec<_> = entries.iter().filter(|entry| is_abandoned(entry) && !is_short(entry)).collect();
        let offered = entries.len() - with("open");
        let short = count(&entries, |entry| is_short(entry));
        let counted = if asked.is("denominator", "offered") {
            offered - short
        } else {
            left.len() + count(&entries, |entry| is_answered(entry))
        };
        let times: Vec<f64> = left.iter().filter_map(|entry| entry.until_end).collect();
        json!({
            "queue_id": key[0], "queue_name": key[1],
            "abandoned": left.len(), "counted": counted, "abandonment": share(left.len(), counted),
            "offered": offered,
            "answered": with("answered"),
            "answered_after_reassignment": with("answered after reassignment"),
            "abandoned_in_all": with("abandoned"),
            "callback": with("callback"),
            "moved_on": with("moved on"),
            "voicemail": with("voicemail"),
            "unserved": with("unserved"),
            "short_abandoned": short,
            "timed": times.len(),
            "abandon_seconds": sum(&times),
            "mean_abandon_seconds": ratio(times.iter().sum(), times.len()),
            "open": with("open"),
            "abandoned_before_queue": rows.len() - entries.len(),
        })
    };
    grouped(keyed.chain(before)).into_iter().map(row).collect()
}

pub fn missed_offers<'a>(contacts: impl Iterator<Item = &'a Contact>, asked: &Asked<'_>) -> Vec<Value> {
    let offers = contacts.flat_map(|contact| contact.missed.iter().map(move |offer| (contact, offer)));
    let chosen =
        offers.filter(|(_, offer)| asked.takes_queue(&offer.queue) && asked.takes_agent(offer.agent.as_deref()));
    let keyed = chosen
        .map(|(contact, offer)| (json!([offer.agent, offer.queue.0, offer.queue.1, offer.event]), (contact, offer)));
    let row = |(key, offers): (Value, Vec<(&Contact, &Missed)>)| {
        let is_missed = |(contact, offer): &(&Contact, &Missed)| !contact.is_open && !offer.by_supervisor;
        let mut sessions: Vec<_> = offers.iter().filter(|one| is_missed(one)).map(|(one, _)| &one.session).collect();
        let missed = sessions.len();
        sessions.sort();
        sessions.dedup();
        json!({
            "agent_id": key[0], "queue_id": key[1], "queue_name": key[2], "event": key[3],
            "agent_name": offers.iter().filter_map(|(_, offer)| offer.agent_name.as_deref()).max(),
            "missed": missed,
            "contacts": sessions.len(),
            "supervisor_reassigned": count(&offers, |(contact, offer)| !contact.is_open && offer.by_supervisor),
            "open": count(&offers, |(contact, _)| contact.is_open),
        })
    };
    grouped(keyed).into_iter().map(row).collect()
}

pub fn transfers<'a>(contacts: impl Iterator<Item = &'a Contact>, asked: &Asked<'_>) -> Vec<Value> {
    let chosen = contacts
        .filter(|contact| asked.takes_first(contact) && (contact.is_handled() || contact.external_transfers > 0));
    let keyed = chosen.map(|contact| (json!([contact.channel, contact.first_queue()]), contact));
    let row = |(key, contacts): (Value, Vec<&Contact>)| {
        let (open, closed): (Vec<&Contact>, Vec<_>) = contacts.into_iter().partition(|contact| contact.is_open);
        let (handled, lost): (Vec<&Contact>, Vec<_>) = closed.into_iter().partition(|contact| contact.is_handled());
        let consulted = |contact: &Contact| contact.legs.iter().map(|leg| leg.consultations).sum::<usize>();
        let transferred = count(&handled, |contact| contact.is_transferred());
        json!({
            "channel": key[0], "queue_id": key[1][0], "queue_name": key[1][1],
            "handled": handled.len(),
            "transferred": transferred,
            "transfer_share": share(transferred, handled.len()),
            "consulted": count(&handled, |contact| consulted(contact) > 0),
            "consultations": handled.iter().map(|contact| consulted(contact)).sum::<usize>(),
            "external": count(&handled, |contact| contact.external_transfers > 0),
            "external_transfers": handled.iter().map(|contact| contact.external_transfers).sum::<usize>(),
            "external_not_handled": lost.len(),
            "open": open.len(),
        })
    };
    grouped(keyed).into_iter().map(row).collect()
}

pub fn callbacks<'a>(contacts: impl Iterator<Item = &'a Contact>, asked: &Asked<'_>) -> Vec<Value> {
    let opted = entries(contacts, asked).filter(|(_, entry)| entry.outcome == "callback");
    let keyed = opted.map(|(_, entry)| (json!([entry.queue.0, entry.queue.1]), entry));
    let row = |(key, entries): (Value, Vec<&Entry>)| {
        let (open, opted): (Vec<&Entry>, Vec<_>) = entries.into_iter().partition(|entry| entry.counted_as == "open");
        let taken = count(&opted, |entry| entry.callback_taken);
        let mut times: Vec<f64> = opted.iter().filter_map(|entry| entry.callback_seconds).collect();
        times.sort_by(f64::total_cmp);
        json!({
            "queue_id": key[0], "queue_name": key[1],
            "opted": opted.len(), "accepted": taken, "accepted_share": share(taken, opted.len()),
            "initiated": count(&opted, |entry| entry.callback_begun),
            "answered": count(&opted, |entry| entry.is_accepted),
            "timed": times.len(),
            "accept_seconds": sum(&times),
            "mean_accept_seconds": ratio(times.iter().sum(), times.len()),
            "p50_seconds": percentile(&times, 50),
            "p90_seconds": percentile(&times, 90),
            "p95_seconds": percentile(&times, 95),
            "max_seconds": times.last(),
            "open": open.len(),
        })
    };
    grouped(keyed).into_iter().map(row).collect()
}
