//! `metaInfo`: what the automation knew of the customer, with keys of its own.

use super::dice::Dice;
use super::json::Json;
use super::record::Record;
use super::story::{Channel, Kind, topic};

const SYSTEMS: [&str; 4] = ["Windows", "Mac OS X", "Android", "Linux"];

pub(super) fn write_meta_info(json: &mut Json<'_>, record: &Record<'_>) {
    let mut chance = record.story.chance(topic::META);
    match (record.story.kind, record.story.channel) {
        (Kind::Outbound, _) => dialled(json, record, &mut chance),
        (_, Channel::Voice) => caller(json, record, &mut chance),
        _ => visitor(json, record, &mut chance),
    }
    if record.story.kind != Kind::Outbound {
        profile(json, record, &mut chance);
        identities(json, record);
    }
    json.object_at("agentTransferConfig", |json| transfer_config(json, record, &mut chance.fork(1)));
    own_keys(json, record, &mut chance.fork(2));
}

fn dialled(json: &mut Json<'_>, record: &Record<'_>, chance: &mut Dice) {
    json.guid_at("userId", "u-", record.customer.user_id(), 8);
    json.text_at("firstName", record.customer.first_name());
    json.text_at("lastName", &record.customer.last_name());
    json.text_at("caller", "+15550001000");
    json.text_at("callee", &record.customer.phone);
    json.text_at("countryCode", "1");
    json.text_at("dialedNumber", "+15550001000");
    json.text_at("endUserNumber", &record.customer.phone);
    if record.story.channel == Channel::Campaign {
        json.text_at("campaignName", chance.pick_ref(&record.place.cast.campaigns).0);
        json.text_at("Initiation", chance.pick(&["Progressive", "Preview", ""]));
        match chance.roll(3) {
            0 => json.text_at("attempt", ""),
            _ => json.number_at("attempt", chance.between(1, 4)),
        }
    }
}

fn caller(json: &mut Json<'_>, record: &Record<'_>, chance: &mut Dice) {
    json.text_at("caller", &record.customer.phone);
    json.text_at("callee", "+15550001000");
    json.text_at("callerHost", &format!("192.0.2.{}", chance.between(1, 254)));
    json.guid_at("userId", "u-", record.customer.user_id(), 8);
    json.text_at("dialedNumber", "+15550001000");
    json.object_at("transcribeConfig", |json| json.flag_at("transcribe", chance.chance(80)));
}

fn visitor(json: &mut Json<'_>, record: &Record<'_>, chance: &mut Dice) {
    let customer = record.customer;
    json.text_at("email", &customer.email());
    json.text_at("phoneNumber", &customer.phone);
    json.text_at("category", chance.pick(&["i18n", "animations", ""]));
    json.text_at("fullName", format!("{} {}", customer.first_name(), customer.last_name()).trim());
    if record.story.channel == Channel::Email {
        json.text_at("emailId", &customer.email());
        json.text_at("to", "help@example.com");
    }
    json.text_at("ipAddress", &format!("198.51.100.{}", chance.between(1, 254)));
    json.text_at("hostDomain", "https://chat.example.com");
    json.text_at("os", chance.pick(&SYSTEMS));
    json.text_at("device", chance.pick(&["NA", "Phone", ""]));
}

fn profile(json: &mut Json<'_>, record: &Record<'_>, chance: &mut Dice) {
    json.object_at("workinghours", |json| {
        json.text_at("workdays", "mon,tue,wed,thu,fri");
        json.text_at("workstart", "8:00 AM");
        json.text_at("workend", "5:00 PM");
    });
    json.text_at("profImage", "no-avatar");
    json.text_at("profColour", chance.pick(&["#add8e6", "#ff4500", "#2e8b57", "#40e0d0"]));
    json.text_at("jTitle", "");
    json.text_at("dept", "");
    json.text_at("activationStatus", "active");
    json.text_at("firstName", record.customer.first_name());
    json.text_at("lastName", &record.customer.last_name());
    json.text_at("orgId", &record.place.cast.org_id);
    json.guid_at("_id", "u-", record.customer.user_id(), 8);
    json.text_at("accountId", record.place.account_id);
}

fn identities(json: &mut Json<'_>, record: &Record<'_>) {
    let client = format!("{}/", record.place.cast.client);
    let account = format!("{}/korevg/", record.place.account_id);
    json.list_at("identities", |json| {
        for number in 0..record.customer.identities {
            let prefix = if number % 2 == 0 { &client } else { &account };
            json.object(|json| {
                json.guid_at("val", prefix, record.customer.identity(number / 2), 8);
                json.text_at("type", "mapped");
            });
        }
    });
}

fn transfer_config(json: &mut Json<'_>, record: &Record<'_>, chance: &mut Dice) {
    let cast = record.place.cast;
    json.text_at("automationBotId", chance.pick_ref(&cast.bots).as_str());
    if record.story.kind == Kind::Outbound {
        return;
    }
    let skills = chance.index(3);
    json.texts_at("skillsIds", cast.skills.iter().take(skills).map(|skill| skill.id.as_str()));
    json.flag_at("overrideAgents", chance.chance(5));
    json.raw_at(
        "overrideValues",
        if chance.chance(4) { r#"[{"priority":3,"note":"vip \\ é"},"x",null]"# } else { "[]" },
    );
    json.object_at("assistEvents", |json| {
        json.object_at("startEvent", |json| {
            json.flag_at("isEnabled", chance.chance(20));
            if chance.chance(60) {
                json.text_at("botId", record.place.stream_id);
            }
        });
    });
    let (intent, words) = chance.pick(record.customer.language.intents);
    json.text_at("lastIntentName", intent);
    if chance.chance(70) {
        json.text_at("lastIntentuserInput", words);
    }
    json.list_at("dialog_tone", |json| tones(json, chance));
    if chance.chance(30) {
        json.text_at("noAgentsFlowId", &cast.no_agents_flow);
    }
    json.text_at("accountId", record.place.account_id);
    if chance.chance(20) {
        json.flag_at("sendTranscriptLink", chance.chance(50));
    }
}

/// `totalLevel` = `level` × `count`; levels come in halves.
fn tones(json: &mut Json<'_>, chance: &mut Dice) {
    let tones = ["sad", "joy", "angry", "fear"];
    for tone in tones.iter().take(chance.index(12).saturating_sub(8)) {
        let (halves, count) = (chance.between(-6, 6), chance.between(1, 4));
        json.object(|json| {
            json.text_at("tone_name", tone);
            json.raw_at("level", &halved(halves));
            json.number_at("count", count);
            json.raw_at("totalLevel", &halved(halves * count));
        });
    }
}

fn halved(halves: i64) -> String {
    let sign = if halves < 0 { "-" } else { "" };
    let half = if halves % 2 == 0 { "" } else { ".5" };
    format!("{sign}{}{half}", halves.abs() / 2)
}

/// Keys that automations add: no schema knows them, nothing may lose them.
fn own_keys(json: &mut Json<'_>, record: &Record<'_>, chance: &mut Dice) {
    if chance.chance(25) {
        let order = chance.between(10_000, 99_999);
        json.raw_at(
            "customData",
            &format!(
                r#"{{"isAgentAssistOnly":{},"agentId":null,"experience":"CHAT","order":{{"number":{order},"total":{}.5,"items":["a\\b","ü \"x\""]}}}}"#,
                chance.chance(50),
                order % 97
            ),
        );
    }
    if chance.chance(18) {
        json.text_at("loyaltyTier", chance.pick(&["gold", "silver", "", "Platin ★"]));
    }
    if chance.chance(10) {
        json.raw_at("cart", r#"{"lines":[{"sku":"A-1","qty":2},{"sku":"Б-2","qty":1}],"sum":1.25e2}"#);
    }
    if chance.chance(6) {
        json.raw_at("previousTicket", "null");
    }
    if chance.chance(3) {
        json.object_at("customerinfo", |json| json.text_at("CustomerPhone", &record.customer.phone));
    }
}
