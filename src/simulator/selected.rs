//! The fields that a record carries only if they are asked for (F3).

use super::json::{Json, Millis};
use super::record::Record;
use super::story::{Channel, topic};
use super::view::Field;

pub(super) fn write_selected(json: &mut Json<'_>, record: &Record<'_>) {
    let view = record.view;
    if view.selects(Field::Skills) {
        json.list_at("skills", |json| skills(json, record));
    }
    if view.selects(Field::CustomerInfo) {
        json.object_at("customerinfo", |json| customer_info(json, record));
    }
    if view.selects(Field::UserLevelTags) {
        json.list_at("userleveltags", |json| user_tags(json, record));
    }
    if view.selects(Field::SessionLevelTags) {
        json.list_at("sessionleveltags", |json| session_tags(json, record));
    }
    if view.selects(Field::CampaignInfo) && view.is_v2() && record.story.channel == Channel::Campaign {
        json.object_at("campaigninfo", |json| campaign_info(json, record));
    }
}

fn skills(json: &mut Json<'_>, record: &Record<'_>) {
    let mut chance = record.story.chance(topic::SELECTED);
    if chance.chance(30) {
        let skill = chance.pick_ref(&record.place.cast.skills);
        json.object(|json| {
            json.text_at("id", &skill.id);
            json.text_at("name", skill.name);
        });
    }
}

/// In v2 a conversation has its direction at the root.
fn customer_info(json: &mut Json<'_>, record: &Record<'_>) {
    let Record { story, customer, view, .. } = *record;
    json.text_at("CustomerPhone", &customer.phone);
    json.text_at("CenterPhone", if story.channel == Channel::Voice { "+15550001000" } else { "" });
    json.text_at("CustomerFirstName", customer.first_name());
    json.text_at("CustomerLastName", &customer.last_name());
    json.text_at("CustomerEmail", &customer.email());
    if story.kind.is_bot_only() || !view.is_v2() {
        json.text_at("Direction", story.direction());
    }
}

fn user_tags(json: &mut Json<'_>, record: &Record<'_>) {
    if record.story.chance(topic::SELECTED).fork(1).chance(35) {
        tag(json, "accountnum", &format!("{:018}", u64::from(record.story.customer) * 7_919));
        tag(json, "language", record.customer.language.customer);
    }
}

fn session_tags(json: &mut Json<'_>, record: &Record<'_>) {
    let mut chance = record.story.chance(topic::SELECTED).fork(2);
    if record.story.channel == Channel::Voice {
        tag(json, "audioCodesCallDisconnect", "1");
        tag(json, "callerNumber", &record.customer.phone);
    }
    if chance.chance(40) {
        tag(json, "welcomeMessage", chance.pick(&["1", "", "ÿes \"quoted\""]));
    }
}

fn campaign_info(json: &mut Json<'_>, record: &Record<'_>) {
    let cast = record.place.cast;
    let mut chance = record.story.chance(topic::CAMPAIGN);
    match chance.roll(10) {
        0 => json.text_at("attempt", ""),
        1 => json.text_at("attempt", "2"),
        _ => json.number_at("attempt", chance.between(1, 4)),
    }
    json.text_at("contactStatus", chance.pick(&["Contacted", "Not Contacted", ""]));
    let (name, id) = chance.pick_ref(&cast.campaigns);
    json.text_at("campaignName", name);
    json.text_at("campaignId", id);
    json.guid_at("campaignInstanceId", "ci-", chance.fork(1), 8);
    json.text_at("campaignDialingListId", &cast.dialing_list);
    json.zulu_at("campaignRunDate", Millis::of_second(record.story.start - record.story.start % 3_600));
    json.texts_at("contactListName", ["Kunden A–M", "list 2"].into_iter().take(chance.index(3)));
}

fn tag(json: &mut Json<'_>, name: &str, value: &str) {
    json.object(|json| {
        json.text_at("name", name);
        json.text_at("value", value);
    });
}
