//! `destinations`: queue entries and agents who were reached without one.

use super::cast::{Agent, Cast};
use super::dice::Dice;
use super::json::Json;
use super::plot::{Destination, Guest, Leg, QueueEntry, Talk};
use super::record::Record;
use super::story::{Channel, Kind, topic};

pub(super) fn write_destinations(json: &mut Json<'_>, record: &Record<'_>) {
    for (number, destination) in (0..).zip(&record.story.destinations) {
        let chance = record.story.chance(topic::AGENT).fork(number);
        json.object(|json| match destination {
            Destination::Queue(entry) => queue_entry(json, record, entry, &chance),
            Destination::Agent(leg) => agent(json, record, leg, chance),
        });
    }
}

fn queue_entry(json: &mut Json<'_>, record: &Record<'_>, entry: &QueueEntry, chance: &Dice) {
    let queue = &record.place.cast.queues[entry.queue];
    json.text_at("destinationType", "QueueEntry");
    json.text_at("queueId", &queue.id);
    if let Some(entered) = entry.entered {
        json.text_at("queueName", queue.name);
        callback(json, entry, chance.fork(1));
        json.time_at("EnterTime", entered);
    }
    if let Some(leg) = &entry.responding {
        if let Some(time) = leg.answer.as_ref().and_then(|talk| talk.passed_on) {
            json.time_at("ExternalTransferTime", time);
            json.text_at("ExternalTransferDestination", "+15550002000");
        }
        json.object_at("respondingAgent", |json| agent(json, record, leg, chance.fork(2)));
    }
    if !entry.missed.is_empty() {
        json.list_at("nonRespondingAgents", |json| {
            for (number, leg) in (3..).zip(&entry.missed) {
                json.object(|json| agent(json, record, leg, chance.fork(number)));
            }
        });
    }
}

fn callback(json: &mut Json<'_>, entry: &QueueEntry, mut chance: Dice) {
    let Some(callback) = &entry.callback else {
        if chance.chance(60) {
            json.flag_at("CallbackOpted", false);
        }
        return;
    };
    json.flag_at("CallbackOpted", true);
    json.zulu_at("CallbackOptedTime", callback.opted);
    if let Some(time) = callback.initiated {
        json.zulu_at("CallbackInitiatedTime", time);
    }
    if let Some(time) = callback.accepted {
        json.zulu_at("userCallbackAcceptTime", time);
    }
}

fn agent(json: &mut Json<'_>, record: &Record<'_>, leg: &Leg, mut chance: Dice) {
    let agent = &record.place.cast.agents[leg.agent];
    json.text_at("agentId", &agent.id);
    json.list_at("agentNotes", |json| notes(json, record, agent, chance.fork(1)));
    json.text_at("destinationType", "AgentSegment");
    if let Some(talk) = &leg.answer {
        json.text_at("status", "Answered");
        self::talk(json, record, talk, &mut chance);
        json.time_at("acceptedTime", talk.accepted);
    } else {
        if chance.chance(30) {
            json.text_at("status", "Missed");
        }
        json.text_at("nonResponseEvent", leg.missed);
    }
    json.text_at("email", &agent.email);
    json.text_at("name", &agent.name);
    if let Some(time) = leg.assigned {
        json.time_at("assignedAt", time);
    }
}

/// Notes in the agent's language; of those who share no language with the customer, translated too.
fn notes(json: &mut Json<'_>, record: &Record<'_>, agent: &Agent, mut chance: Dice) {
    if chance.chance(35) {
        return;
    }
    json.text(chance.pick(record.customer.language.notes));
    if agent.language.agent != record.customer.language.agent {
        json.text(chance.pick(agent.language.notes));
    }
}

fn talk(json: &mut Json<'_>, record: &Record<'_>, talk: &Talk, chance: &mut Dice) {
    if let Some(time) = talk.first_response {
        json.time_at("firstResponseTime", time);
        json.number_at("firstResponseDuration", time - talk.accepted);
    }
    if let Some(ended) = talk.ended {
        json.time_at("interactionEndTime", ended);
        duration(json, "interactionDuration", ended - talk.accepted, chance);
    }
    if let Some(seconds) = talk.hold_seconds {
        duration(json, "holdDuration", seconds, chance);
    }
    if let Some((seconds, ended)) = talk.wrap_up_seconds.zip(talk.ended) {
        duration(json, "afterCallWorkDuration", seconds, chance);
        json.time_at("afterCallWorkEndTime", ended + seconds);
    }
    if record.story.channel != Channel::Voice && chance.chance(15) {
        json.flag_at("agentChoseTranslate", chance.chance(70));
    }
    if record.story.channel == Channel::Email && chance.chance(20) {
        json.raw_at("snoozeinfo", r#"[{"until":"2030-01-01","by":"agent \"1\""}]"#);
    }
    if let Some(time) = talk.passed_on {
        json.time_at("ExternalTransferTime", time);
        json.text_at("ExternalTransferDestination", "+15550002000");
    }
    if chance.chance(2) {
        json.raw_at("sentimentTrend", "[0.25,-1,3e-1]");
    }
    if record.view.is_v2() {
        guests(json, record, talk);
    }
}

/// Now and then a number comes quoted.
fn duration(json: &mut Json<'_>, key: &str, seconds: i64, chance: &mut Dice) {
    if chance.chance(2) {
        json.text_at(key, &seconds.to_string());
    } else {
        json.number_at(key, seconds);
    }
}

fn guests(json: &mut Json<'_>, record: &Record<'_>, talk: &Talk) {
    let cast = record.place.cast;
    json.list_at("ConsultingAgents", |json| {
        for guest in &talk.consulted {
            json.object(|json| consulted(json, record, cast, guest));
        }
    });
    json.list_at("JoinedUsers", |json| {
        for guest in &talk.joined {
            json.object(|json| {
                person(json, &cast.agents[guest.agent]);
                json.time_at("joinedAt", guest.from);
                json.time_at("end", guest.to);
            });
        }
    });
}

/// Someone outside is known by a number only.
fn consulted(json: &mut Json<'_>, record: &Record<'_>, cast: &Cast, guest: &Guest) {
    let accepted = guest.from + (guest.to - guest.from).min(4);
    if record.story.kind != Kind::Outbound && guest.agent.is_multiple_of(5) {
        json.text_at("name", "+15550003000");
    } else {
        person(json, &cast.agents[guest.agent]);
    }
    json.time_at("assignedAt", guest.from);
    json.time_at("acceptedTime", accepted);
    json.time_at("consultingEndTime", guest.to);
    if guest.agent.is_multiple_of(3) {
        json.text_at("isMerged", if guest.agent.is_multiple_of(2) { "True" } else { "False" });
    }
}

fn person(json: &mut Json<'_>, agent: &Agent) {
    json.text_at("agentId", &agent.id);
    json.text_at("email", &agent.email);
    json.text_at("name", &agent.name);
}
