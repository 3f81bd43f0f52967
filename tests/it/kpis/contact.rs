//! Records as the words of the KPIs see them, read from the API's own JSON.

use jiff::Timestamp;
use serde_json::Value;

const OPEN: [&str; 5] = ["ACTIVE", "TRANSIENT_OPEN", "OPEN", "IDLE", "OVERDUE"];

/// A record: a conversation, or a session that only a bot was in.
pub struct Contact {
    pub account: String,
    pub session: String,
    pub channel: Option<String>,
    /// In lower case.
    pub direction: Option<String>,
    pub start: Timestamp,
    pub status: Option<String>,
    pub is_bot_only: bool,
    pub is_side_session: bool,
    pub is_open: bool,
    pub entries: Vec<Entry>,
    pub legs: Vec<Leg>,
    pub missed: Vec<Missed>,
}

/// A queue and its name, each of which may be missing.
pub type Queue = (Option<String>, Option<String>);

/// A stay in a queue.
pub struct Entry {
    pub queue: Queue,
    pub entered: Option<Timestamp>,
    pub outcome: &'static str,
    /// The outcome where reports count it: an open conversation counts nowhere else.
    pub counted_as: &'static str,
    /// By the entry's own agent, else by a reassigned one.
    pub is_accepted: bool,
    /// Seconds until that.
    pub wait: Option<f64>,
    /// Seconds until the session ended.
    pub until_end: Option<f64>,
}

/// An agent to whom a contact was given.
pub struct Leg {
    pub queue: Queue,
    pub agent: Option<String>,
    pub agent_name: Option<String>,
    pub is_answered: bool,
    pub is_ended: bool,
    pub interaction: f64,
    pub hold: f64,
    pub after_call: f64,
}

/// An offer that was not answered.
pub struct Missed {
    pub queue: Queue,
    pub agent: Option<String>,
    pub agent_name: Option<String>,
    pub by_supervisor: bool,
}

impl Contact {
    pub fn read(account: &str, record: &Value) -> Self {
        let channel = text(record, "channel");
        let status = text(record, "finalStatus");
        let is_bot_only = some(record, "conversationId").is_none();
        let direction = some(record, "Direction").or_else(|| some(&record["customerinfo"], "Direction"));
        let is_assist = |channel: &String| channel.trim().to_lowercase().starts_with("agentassist");
        let mut contact = Self {
            account: account.to_owned(),
            session: text(record, "sessionId").unwrap(),
            direction: direction.map(|direction| direction.trim().to_lowercase()),
            start: time(record, "sessionStartTime").unwrap(),
            is_bot_only,
            is_side_session: is_bot_only && channel.as_ref().is_some_and(is_assist),
            is_open: status.as_ref().is_some_and(|status| OPEN.contains(&status.to_uppercase().as_str())),
            channel,
            status,
            entries: Vec::new(),
            legs: Vec::new(),
            missed: Vec::new(),
        };
        let end = time(record, "sessionEndTime");
        let has_voicemail = record["isVoicemail"] == true || record["isVoicemail"] == "YES";
        contact.route(record["destinations"].as_array().map_or(&[], Vec::as_slice), end, has_voicemail);
        contact
    }

    /// What became of it in the end.
    pub fn outcome(&self) -> &'static str {
        let is_answered = self.legs.iter().any(|leg| leg.is_answered);
        match (self.entries.last(), self.status.as_deref().filter(|status| !status.is_empty())) {
            _ if self.is_bot_only && self.is_open => "open",
            (_, None) if self.is_bot_only => "unknown",
            (_, Some("BotResolved")) if self.is_bot_only => "completed",
            _ if self.is_bot_only => "dropped off",
            (Some(last), _) => last.outcome,
            _ if is_answered => "direct",
            (_, Some("USER ABANDONED")) => "abandoned before queue",
            _ if self.is_open => "open",
            _ => "unserved",
        }
    }

    fn route(&mut self, destinations: &[Value], end: Option<Timestamp>, has_voicemail: bool) {
        let is_segment = |destination: &Value| destination["destinationType"] == "AgentSegment";
        let mut queue: Queue = (None, None);
        for (position, destination) in destinations.iter().enumerate() {
            let later = &destinations[position + 1..];
            if is_segment(destination) {
                self.legs.push(Leg::read(destination, &queue));
            } else {
                queue = (text(destination, "queueId"), text(destination, "queueName"));
                self.legs.extend(destination.get("respondingAgent").map(|agent| Leg::read(agent, &queue)));
                let followers = later.iter().take_while(|next| is_segment(next));
                let reassigned = followers.filter_map(|next| time(next, "acceptedTime")).min();
                let is_last = later.iter().all(is_segment);
                self.entries.push(self.entry(destination, reassigned, is_last, end, has_voicemail));
            }
            for offer in destination["nonRespondingAgents"].as_array().into_iter().flatten() {
                if offer.get("acceptedTime").is_none() && offer["status"] != "Answered" {
                    self.missed.push(Missed::read(offer, &queue));
                }
            }
        }
    }

    fn entry(
        &self,
        entry: &Value,
        reassigned: Option<Timestamp>,
        is_last: bool,
        end: Option<Timestamp>,
        has_voicemail: bool,
    ) -> Entry {
        let own = time(&entry["respondingAgent"], "acceptedTime");
        let outcome = match () {
            () if entry["CallbackOpted"] == true => "callback",
            () if own.is_some() => "answered",
            () if reassigned.is_some() => "answered after reassignment",
            () if !is_last => "moved on",
            () if self.is_open => "open",
            () if has_voicemail => "voicemail",
            () if self.status.as_deref() == Some("USER ABANDONED") => "abandoned",
            () => "unserved",
        };
        let entered = time(entry, "EnterTime");
        let since_entered = |moment: Option<Timestamp>| Some(moment?.duration_since(entered?).as_secs_f64());
        Entry {
            queue: (text(entry, "queueId"), text(entry, "queueName")),
            entered,
            outcome,
            counted_as: if self.is_open { "open" } else { outcome },
            is_accepted: own.or(reassigned).is_some(),
            wait: since_entered(own.or(reassigned)),
            until_end: since_entered(end),
        }
    }
}

impl Leg {
    fn read(agent: &Value, queue: &Queue) -> Self {
        let (accepted, ended) = (time(agent, "acceptedTime"), time(agent, "interactionEndTime"));
        let between = accepted.zip(ended).map(|(accepted, ended)| ended.duration_since(accepted).as_secs_f64());
        Self {
            queue: queue.clone(),
            agent: text(agent, "agentId"),
            agent_name: text(agent, "name"),
            is_answered: accepted.is_some(),
            is_ended: ended.is_some(),
            interaction: seconds(agent, "interactionDuration").or(between).unwrap_or_default(),
            hold: seconds(agent, "holdDuration").unwrap_or_default(),
            after_call: seconds(agent, "afterCallWorkDuration").unwrap_or_default(),
        }
    }
}

impl Missed {
    fn read(offer: &Value, queue: &Queue) -> Self {
        Self {
            queue: queue.clone(),
            agent: text(offer, "agentId"),
            agent_name: text(offer, "name"),
            by_supervisor: offer["nonResponseEvent"] == "Supervisor Reassigned",
        }
    }
}

fn text(value: &Value, key: &str) -> Option<String> {
    value[key].as_str().map(str::to_owned)
}

/// Text that says something: `""` is none.
fn some(value: &Value, key: &str) -> Option<String> {
    text(value, key).filter(|text| !text.trim().is_empty())
}

/// A number, quoted or not.
fn seconds(value: &Value, key: &str) -> Option<f64> {
    value[key].as_f64().or_else(|| value[key].as_str()?.parse().ok())
}

/// The records were asked for in UTC: a time without a zone is UTC.
fn time(value: &Value, key: &str) -> Option<Timestamp> {
    let text = value[key].as_str()?;
    let zulu = if text.ends_with('Z') { text.to_owned() } else { format!("{text}Z") };
    Some(zulu.parse().unwrap())
}
