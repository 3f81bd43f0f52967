//! One record as the API shows it: the root of it.

use std::borrow::Cow;

use super::cast::{Cast, Customer};
use super::destinations::write_destinations;
use super::json::Json;
use super::meta::write_meta_info;
use super::plot::Destination;
use super::selected::write_selected;
use super::story::{Channel, Kind, Story, topic};
use super::view::View;

/// Who is asked, beside the story: ids that are the same in all records of a stream.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) account_id: &'a str,
    pub(super) stream_id: &'a str,
    pub(super) cast: &'a Cast,
}

/// Appends the record to `out`.
pub(super) fn write_record(out: &mut Vec<u8>, story: &Story, place: Place<'_>, view: &View) {
    let customer = place.cast.customer(story.customer);
    let record = Record { story, place, view, customer: &customer };
    Json::new(out, view.time_zone_offset)
        .object(|json| if story.kind.is_bot_only() { record.session(json) } else { record.conversation(json) });
}

/// What the parts of a record are written from.
pub(super) struct Record<'a> {
    pub(super) story: &'a Story,
    pub(super) place: Place<'a>,
    pub(super) view: &'a View,
    pub(super) customer: &'a Customer,
}

impl Record<'_> {
    fn session(&self, json: &mut Json<'_>) {
        let story = self.story;
        let mut chance = story.chance(topic::ROOT);
        json.text_at("sessionId", &story.session_id());
        json.text_at("channel", story.channel_text());
        self.times(json);
        json.text_at("botId", self.place.stream_id);
        json.guid_at("userId", "u-", self.customer.user_id(), 8);
        self.channel_specific_user_id(json);
        json.text_at("orgId", &self.place.cast.org_id);
        if self.view.is_v2() {
            json.text_at("smartStatus", story.ending.smart);
            self.session_reason(json);
        }
        if chance.chance(80) {
            json.text_at("disconnectingEvent", story.ending.event);
        }
        if let Some(status) = story.ending.status {
            json.text_at("finalStatus", status);
        }
        if let Some(bot) = story.automation_bot(self.place.cast) {
            json.texts_at("automationBotIDs", [bot]);
        }
        if chance.chance(8) && story.aftermath.surveyed {
            self.survey(json);
        }
        self.edits(json);
        write_selected(json, self);
    }

    fn session_reason(&self, json: &mut Json<'_>) {
        let mut chance = self.story.chance(topic::ROOT).fork(5);
        if chance.chance(70) {
            json.text_at("reason", self.story.ending.reason);
            let failed = chance.chance(3);
            json.text_at("errorDetails", if failed { "flow error: \"timeout\"\n\tat node 7" } else { "" });
        }
    }

    fn conversation(&self, json: &mut Json<'_>) {
        let story = self.story;
        json.guid_at("conversationId", "c-", story.chance(topic::CONVERSATION_ID), 7);
        json.text_at("sessionId", &story.session_id());
        json.text_at("channel", story.channel_text());
        if self.view.is_v2() {
            self.voicemail(json);
            json.text_at("Direction", story.direction());
        }
        if let Some(status) = story.ending.status {
            json.text_at("finalStatus", status);
        }
        self.status(json);
        json.text_at("botId", self.place.stream_id);
        // Documented, never observed: rare here.
        if story.chance(topic::ROOT).fork(6).chance(1) {
            json.text_at("appId", self.place.stream_id);
        }
        self.dispositions(json);
        json.object_at("metaInfo", |json| write_meta_info(json, self));
        self.times(json);
        self.channel_specific_user_id(json);
        json.guid_at("userId", "u-", self.customer.user_id(), 8);
        json.list_at("destinations", |json| write_destinations(json, self));
        let mut chance = story.chance(topic::ROOT).fork(1);
        if let Some(bot) = story.automation_bot(self.place.cast) {
            json.texts_at("automationBotIDs", [bot]);
        }
        if chance.chance(22) && story.end.is_some() && story.aftermath.surveyed {
            self.survey(json);
        }
        self.edits(json);
        // A field that no document names: such ones come about once a quarter.
        if chance.chance(2) {
            json.raw_at("interactionSource", r#"{"kind":"deep link","score":0.75,"path":["home","help"],"ref":null}"#);
        }
        write_selected(json, self);
    }

    fn times(&self, json: &mut Json<'_>) {
        let story = self.story;
        json.time_at("sessionStartTime", story.start);
        match story.end {
            // F16: sessions without a final status have the zone taken from their end twice.
            Some(end) if story.kind.is_bot_only() && story.ending.status.is_none() => {
                json.shifted_time_at("sessionEndTime", end);
            }
            Some(end) => json.time_at("sessionEndTime", end),
            None => {}
        }
    }

    /// The name of the reason varies by kind and date; now and then two of them stand side by side.
    fn status(&self, json: &mut Json<'_>) {
        let ending = self.story.ending;
        let mut chance = self.story.chance(topic::ROOT).fork(2);
        if self.view.is_v2() {
            json.text_at("smartStatus", ending.smart);
            let key = if self.story.kind == Kind::Outbound {
                "Reason"
            } else {
                chance.pick(&["reason", "statusDetail", "Reason"])
            };
            json.text_at(key, &self.reason());
            if key == "reason" && chance.chance(10) {
                json.text_at("statusDetail", "");
            }
            if chance.chance(30) {
                json.text_at("errorDetails", "");
            }
        }
        json.text_at("disconnectingEvent", ending.event);
    }

    /// Of a talk that the customer left, the reason names queue and agent (F22).
    fn reason(&self) -> Cow<'static, str> {
        let Place { cast, .. } = self.place;
        let talk = self.story.destinations.iter().find_map(|destination| match destination {
            Destination::Queue(entry) => entry.responding.as_ref().map(|leg| (entry.queue, leg.agent)),
            Destination::Agent(_) => None,
        });
        match (self.story.ending.smart, talk) {
            ("ABANDONED WITH AGENT", Some((queue, agent))) => {
                format!("{}:{}", cast.queues[queue].name, cast.agents[agent].name).into()
            }
            _ => self.story.ending.reason.into(),
        }
    }

    fn voicemail(&self, json: &mut Json<'_>) {
        let left = self.story.voicemail;
        match self.story.channel {
            Channel::Campaign => json.flag_at("isVoicemail", left),
            _ => json.text_at("isVoicemail", if left { "YES" } else { "NO" }),
        }
    }

    fn dispositions(&self, json: &mut Json<'_>) {
        let mut chance = self.story.chance(topic::ROOT).fork(4);
        let (codes, remarks): (&[&str], &[&str]) = match (self.story.ending.smart, chance.roll(10)) {
            ("TERMINATED", _) => (&["DROP-OFF"], &["-"]),
            ("", _) | (_, 0..2) => (&[], &[]),
            (_, 2..4) => (&["Requires Supervisor Attention", "ESCALATED"], self.customer.language.notes),
            (_, 4..6) => (&["Resolved"], &[]),
            _ => (&["Resolved"], self.customer.language.notes),
        };
        let edited = self.story.aftermath.edited.then_some("Follow-up");
        json.texts_at("dispositions", codes.iter().copied().chain(edited));
        let remark = (!remarks.is_empty()).then(|| chance.pick(remarks));
        json.texts_at("dispositionRemarks", remark);
    }

    /// Mapped ids of the channel; of a side session the account and the id of a conversation (F21).
    fn channel_specific_user_id(&self, json: &mut Json<'_>) {
        let Place { account_id, cast, .. } = self.place;
        let mut chance = self.story.chance(topic::ADDRESS).fork(1);
        match self.story.kind {
            Kind::SideSession => {
                let other = self.story.side_of();
                json.guid_at("channelSpecificUserId", &format!("{account_id}/agentassist/c-"), other, 7);
            }
            Kind::Outbound => {}
            _ if chance.chance(4) => json.raw_at("channelSpecificUserId", "null"),
            _ if self.story.channel == Channel::Voice && !self.story.kind.is_bot_only() => {
                json.guid_at("channelSpecificUserId", &format!("{account_id}/korevg/"), self.customer.identity(0), 8);
            }
            _ if self.story.channel == Channel::Email => {
                json.text_at("channelSpecificUserId", &self.customer.email());
            }
            _ => json.guid_at("channelSpecificUserId", &format!("{}/", cast.client), self.customer.identity(0), 8),
        }
    }

    /// Words that change while a client reads.
    fn edits(&self, json: &mut Json<'_>) {
        if self.story.edits > 0 {
            json.text_at("csatFeedback", &format!("edit {}", self.story.edits));
        }
    }

    /// Surveys; `surveyType` is late in coming, and numbers come quoted now and then.
    fn survey(&self, json: &mut Json<'_>) {
        let mut chance = self.story.chance(topic::SURVEY);
        let (kind, key, score) = match chance.roll(10) {
            0..6 => ("csat", "csatScore", chance.pick(&[5, 5, 4, 4, 3, 2, 1])),
            6..9 => ("nps", "npsScore", chance.between(0, 10)),
            _ => ("likeDislike", "likeDislikeScore", chance.between(0, 1)),
        };
        if chance.chance(10) {
            json.text_at(key, &score.to_string());
        } else {
            json.number_at(key, score);
        }
        if kind == "csat" && chance.chance(60) && self.story.edits == 0 {
            json.text_at("csatFeedback", chance.pick(self.customer.language.feedback));
        }
        if chance.chance(80) {
            json.text_at("surveyType", kind);
        }
    }
}
