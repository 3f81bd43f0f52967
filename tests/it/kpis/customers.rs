//! Reports on what contacts were about and what customers made of them, in plain code.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::contact::{Contact, Tone};
use super::definitions::{Asked, Reach, count, grouped, ratio, share, sum};

const DAY_SECONDS: f64 = 86_400.0;

#[expect(clippy::cast_precision_loss, reason = "scores of a test")]
fn as_float(number: i64) -> f64 {
    number as f64
}

/// Scores of one kind, those in scale and how many are not.
fn scores(contacts: &[&Contact], kind: &str, least: i64, most: i64) -> (Vec<i64>, usize) {
    let all = contacts.iter().filter_map(|contact| contact.survey.score(kind));
    let (within, beyond): (Vec<i64>, Vec<i64>) = all.partition(|score| (least..=most).contains(score));
    (within, beyond.len())
}

const SCALES: [(&str, i64, i64); 3] = [("csat", 1, 5), ("nps", 0, 10), ("likedislike", -1, 1)];

fn has_answer(contact: &Contact) -> bool {
    SCALES.iter().any(|(kind, least, most)| contact.survey.score(kind).is_some_and(|at| (*least..=*most).contains(&at)))
}

pub fn satisfaction<'a>(contacts: impl Iterator<Item = &'a Contact>, asked: &Asked<'_>) -> Vec<Value> {
    let has_score = |contact: &Contact| SCALES.iter().any(|(kind, ..)| contact.survey.score(kind).is_some());
    let chosen = contacts.filter(|contact| asked.takes_first(contact) && (contact.is_handled() || has_score(contact)));
    let row = |(key, contacts): (Value, Vec<&Contact>)| {
        let (open, closed): (Vec<&Contact>, Vec<_>) = contacts.into_iter().partition(|contact| contact.is_open);
        let [(csat, no_csat), (nps, no_nps), (like, no_like)] =
            SCALES.map(|(kind, least, most)| scores(&closed, kind, least, most));
        let satisfied = count(&csat, |score| *score >= 4);
        let total: i64 = csat.iter().sum();
        let (best, worst) = (count(&nps, |score| *score >= 9), count(&nps, |score| *score <= 6));
        let points = nps.iter().map(|score| {
            if *score >= 9 {
                100.0
            } else if *score <= 6 {
                -100.0
            } else {
                0.0
            }
        });
        let likes = count(&like, |score| *score == 1);
        let handled: Vec<_> = closed.iter().filter(|contact| contact.is_handled()).collect();
        let answered = count(&handled, |contact| has_answer(contact));
        let mean = asked.is("csat", "mean");
        json!({
            "channel": key[0], "queue_id": key[1][0], "queue_name": key[1][1],
            "csat": if mean { ratio(as_float(total), csat.len()) } else { share(satisfied, csat.len()) },
            "csat_satisfied": satisfied, "csat_sum": total, "csat_answers": csat.len(), "csat_out_of_scale": no_csat,
            "nps": ratio(points.sum(), nps.len()),
            "nps_promoters": best, "nps_passives": nps.len() - best - worst, "nps_detractors": worst,
            "nps_answers": nps.len(), "nps_out_of_scale": no_nps,
            "like_share": share(likes, like.len()),
            "likes": likes, "dislikes": like.len() - likes, "like_answers": like.len(), "like_out_of_scale": no_like,
            "answer_share": share(answered, handled.len()),
            "handled_with_answer": answered, "handled": handled.len(),
            "open": open.len(),
        })
    };
    let keyed = chosen.map(|contact| (json!([contact.channel, contact.first_queue()]), contact));
    grouped(keyed).into_iter().map(row).collect()
}

pub fn dispositions<'a>(contacts: impl Iterator<Item = &'a Contact>, asked: &Asked<'_>) -> Vec<Value> {
    let coded = contacts.filter(|contact| asked.takes_first(contact)).map(|contact| {
        let codes: BTreeSet<&String> = contact.dispositions.iter().filter(|code| !code.is_empty()).collect();
        (contact, codes)
    });
    let coded: Vec<_> = coded.collect();
    let disposed = count(&coded, |(contact, codes)| !contact.is_open && !codes.is_empty());
    let keyed = coded.iter().flat_map(|(contact, codes)| codes.iter().map(move |code| (json!(code), *contact)));
    let row = |(code, contacts): (Value, Vec<&Contact>)| {
        let (open, closed): (Vec<&Contact>, Vec<_>) = contacts.into_iter().partition(|contact| contact.is_open);
        let times: Vec<f64> = closed.iter().flat_map(|contact| contact.handle_times()).collect();
        json!({
            "code": code,
            "contacts": closed.len(), "disposed": disposed, "share": share(closed.len(), disposed),
            "handled_legs": times.len(), "handle_seconds": sum(&times),
            "aht_seconds": ratio(times.iter().sum(), times.len()),
            "open": open.len(),
        })
    };
    grouped(keyed).into_iter().map(row).collect()
}

pub fn intents<'a>(contacts: impl Iterator<Item = &'a Contact>, asked: &Asked<'_>) -> Vec<Value> {
    let chosen = contacts.filter(|contact| !contact.is_bot_only && asked.takes_first(contact));
    let row = |(intent, contacts): (Value, Vec<&Contact>)| {
        let (open, closed): (Vec<&Contact>, Vec<_>) = contacts.into_iter().partition(|contact| contact.is_open);
        let with = |outcome: &str| count(&closed, |contact| contact.outcome() == outcome);
        let handled = count(&closed, |contact| contact.is_handled());
        let entries = closed.iter().flat_map(|contact| &contact.entries);
        let answered = entries.filter(|entry| entry.outcome.starts_with("answered"));
        let waits: Vec<f64> = answered.filter_map(|entry| entry.wait).collect();
        let times: Vec<f64> = closed.iter().flat_map(|contact| contact.handle_times()).collect();
        json!({
            "intent": intent,
            "contacts": closed.len(), "handled": handled, "handled_share": share(handled, closed.len()),
            "answered": with("answered"),
            "answered_after_reassignment": with("answered after reassignment"),
            "direct": with("direct"),
            "callback": with("callback"),
            "voicemail": with("voicemail"),
            "abandoned": with("abandoned"),
            "abandoned_before_queue": with("abandoned before queue"),
            "unserved": with("unserved"),
            "waits": waits.len(), "wait_seconds": sum(&waits), "asa_seconds": ratio(waits.iter().sum(), waits.len()),
            "handled_legs": times.len(), "handle_seconds": sum(&times),
            "aht_seconds": ratio(times.iter().sum(), times.len()),
            "open": open.len(),
        })
    };
    grouped(chosen.map(|contact| (json!(contact.intent), contact))).into_iter().map(row).collect()
}

pub fn tones<'a>(contacts: impl Iterator<Item = &'a Contact>, asked: &Asked<'_>) -> Vec<Value> {
    let chosen = contacts.filter(|contact| asked.takes_first(contact));
    let keyed = chosen.flat_map(|contact| {
        let agent = contact.first_answered().and_then(|leg| leg.agent.as_deref());
        contact.tones.iter().map(move |tone| (json!([contact.first_queue(), agent, tone.name]), (contact, tone)))
    });
    let row = |(key, tones): (Value, Vec<(&Contact, &Tone)>)| {
        let names = tones.iter().filter_map(|(contact, _)| contact.first_answered()?.agent_name.as_deref());
        let closed: Vec<_> = tones.iter().filter(|(contact, _)| !contact.is_open).collect();
        let sessions: BTreeSet<_> = closed.iter().map(|(contact, _)| &contact.session).collect();
        let sums: Vec<_> = closed.iter().filter_map(|(_, tone)| tone.count.zip(tone.total_level)).collect();
        let detections: i64 = sums.iter().map(|(times, _)| times).sum();
        let levels: Vec<f64> = sums.iter().map(|(_, level)| *level).collect();
        json!({
            "queue_id": key[0][0], "queue_name": key[0][1], "agent_id": key[1], "tone_name": key[2],
            "agent_name": names.max(),
            "contacts": sessions.len(),
            "detections": detections,
            "total_level": sum(&levels),
            "mean_level": ratio(levels.iter().sum(), usize::try_from(detections).unwrap()),
            "incomplete": closed.len() - sums.len(),
            "open": tones.len() - closed.len(),
        })
    };
    grouped(keyed).into_iter().map(row).collect()
}

/// Whether the customer came again within so many seconds, by whatever way.
fn is_repeated(contact: &Contact, all: &[Contact], within: f64) -> bool {
    all.iter().filter(|other| !other.is_side_session && other.direction.as_deref() == Some("inbound")).any(|other| {
        let later = other.start.duration_since(contact.start).as_secs_f64();
        other.account == contact.account && other.customer == contact.customer && later > 0.0 && later <= within
    })
}

pub fn repeat_contacts<'a>(
    all: &[Contact],
    contacts: impl Iterator<Item = &'a Contact>,
    reach: &Reach,
    asked: &Asked<'_>,
) -> Vec<Value> {
    let within = asked.seconds("repeat_days", 7.0) * DAY_SECONDS;
    let is_inbound = |contact: &Contact| contact.direction.as_deref() == Some("inbound");
    let chosen =
        contacts.filter(|contact| asked.takes_first(contact) && (contact.direction.is_none() || is_inbound(contact)));
    let keyed = chosen.map(|contact| (json!([contact.channel, contact.first_queue()]), contact));
    let is_pending = |contact: &Contact| {
        let seen = reach.get(&contact.account).map(|reach| reach.duration_since(contact.start).as_secs_f64());
        seen.is_none_or(|seconds| seconds <= within)
    };
    let row = |(key, contacts): (Value, Vec<&Contact>)| {
        let counts = |contact: &Contact| is_inbound(contact) && contact.customer.is_some() && !contact.is_open;
        let counted: Vec<&Contact> = contacts.iter().copied().filter(|contact| counts(contact)).collect();
        let (repeated, resolved): (Vec<&Contact>, Vec<_>) =
            counted.iter().partition(|contact| is_repeated(contact, all, within));
        let met = if asked.is("fcr", "true") { resolved.len() } else { repeated.len() };
        let nobody = |contact: &Contact| is_inbound(contact) && contact.customer.is_none() && !contact.is_open;
        json!({
            "channel": key[0], "queue_id": key[1][0], "queue_name": key[1][1],
            "contacts": counted.len(), "repeated": repeated.len(), "resolved": resolved.len(),
            "rate": share(met, counted.len()),
            "pending": count(&resolved, |contact| is_pending(contact)),
            "reaches_to": contacts.iter().filter_map(|contact| reach.get(&contact.account)).min().map(Timestamp::to_string),
            "no_customer": count(&contacts, |contact| nobody(contact)),
            "no_direction": count(&contacts, |contact| contact.direction.is_none() && !contact.is_open),
            "open": count(&contacts, |contact| is_inbound(contact) && contact.is_open),
        })
    };
    grouped(keyed).into_iter().map(row).collect()
}
