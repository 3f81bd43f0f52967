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
    /// How many of its destinations led out of the contact centre.
    pub external_transfers: usize,
    /// Digits of the phone number, else the e-mail address, else the user.
    pub customer: Option<String>,
    pub survey: Survey,
    pub intent: Option<String>,
    pub dispositions: Vec<String>,
    pub tones: Vec<Tone>,
}

/// What the customer answered.
pub struct Survey {
    /// In lower case.
    pub kind: Option<String>,
    pub csat: Option<i64>,
    pub nps: Option<i64>,
    pub like: Option<i64>,
}

/// A tone of the talk.
pub struct Tone {
    pub name: Option<String>,
    pub count: Option<i64>,
    pub total_level: Option<f64>,
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
    /// Place among the destinations.
    pub position: usize,
    /// Whether the caller took the call that was opted for.
    pub callback_taken: bool,
    /// Whether that call was begun.
    pub callback_begun: bool,
    /// Seconds from opting to taking it.
    pub callback_seconds: Option<f64>,
}

/// An agent to whom a contact was given.
pub struct Leg {
    pub queue: Queue,
    /// Place among the destinations.
    pub position: usize,
    /// Agents whom this one consulted.
    pub consultations: usize,
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
    pub event: Option<String>,
}

impl Contact {
    pub fn read(account: &str, record: &Value) -> Self {
        let channel = some(record, "channel");
        let status = text(record, "finalStatus");
        let is_bot_only = some(record, "conversationId").is_none();
        let direction =
            |value: &Value| some(value, "Direction").map(|text| plain(&text)).filter(|text| !text.is_empty());
        let direction = direction(record).or_else(|| direction(&record["customerinfo"]));
        let is_assist = |channel: &String| plain(channel).starts_with("agentassist");
        let mut contact = Self {
            account: account.to_owned(),
            session: text(record, "sessionId").unwrap(),
            direction,
            start: time(record, "sessionStartTime").unwrap(),
            is_bot_only,
            is_side_session: is_bot_only && channel.as_ref().is_some_and(is_assist),
            is_open: status.as_ref().is_some_and(|status| OPEN.contains(&status.to_ascii_uppercase().as_str())),
            channel,
            status,
            entries: Vec::new(),
            legs: Vec::new(),
            missed: Vec::new(),
            external_transfers: 0,
            customer: customer(record),
            survey: Survey::read(record),
            intent: some(&record["metaInfo"]["agentTransferConfig"], "lastIntentName"),
            dispositions: texts(&record["dispositions"]),
            tones: Tone::read_all(&record["metaInfo"]["agentTransferConfig"]["dialog_tone"]),
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

    /// The queue that it came to first.
    pub fn first_queue(&self) -> Queue {
        self.entries.first().map_or((None, None), |entry| entry.queue.clone())
    }

    /// The first leg that an agent accepted.
    pub fn first_answered(&self) -> Option<&Leg> {
        self.legs.iter().find(|leg| leg.is_answered)
    }

    pub fn is_handled(&self) -> bool {
        self.first_answered().is_some()
    }

    /// Whether it was moved after an agent had it.
    pub fn is_transferred(&self) -> bool {
        let Some(first) = self.first_answered() else { return false };
        let answered = self.legs.iter().filter(|leg| leg.is_answered).count();
        answered > 1 || self.entries.iter().any(|entry| entry.position > first.position)
    }

    /// Legs that were accepted and ended, with their interaction and after-call work together.
    pub fn handle_times(&self) -> Vec<f64> {
        let handled = self.legs.iter().filter(|leg| leg.is_answered && leg.is_ended);
        handled.map(|leg| leg.interaction + leg.after_call).collect()
    }

    fn route(&mut self, destinations: &[Value], end: Option<Timestamp>, has_voicemail: bool) {
        let is_segment = |destination: &Value| destination["destinationType"] == "AgentSegment";
        let is_entry =
            |destination: &Value| some(destination, "destinationType").is_none_or(|kind| kind == "QueueEntry");
        let mut queue: Queue = (None, None);
        for (position, destination) in destinations.iter().enumerate() {
            let later = &destinations[position + 1..];
            if is_segment(destination) {
                self.legs.extend(Leg::read(destination, &within(destination, &queue), position));
            } else {
                if is_entry(destination) {
                    queue = queue_of(destination);
                    let followers = later.iter().take_while(|next| !is_entry(next)).filter(|next| is_segment(next));
                    let reassigned = followers.filter_map(|next| time(next, "acceptedTime")).min();
                    let is_last = !later.iter().any(is_entry);
                    let entry = self.entry(destination, reassigned, is_last, end, has_voicemail);
                    self.entries.push(Entry { position, ..entry });
                }
                self.legs.extend(Leg::read(&destination["respondingAgent"], &within(destination, &queue), position));
            }
            let leads_out = |value: &Value| {
                some(value, "ExternalTransferTime").is_some() || some(value, "ExternalTransferDestination").is_some()
            };
            if leads_out(destination) || (!is_segment(destination) && leads_out(&destination["respondingAgent"])) {
                self.external_transfers += 1;
            }
            for offer in destination["nonRespondingAgents"].as_array().into_iter().flatten() {
                if offer.get("acceptedTime").is_none() && offer["status"] != "Answered" {
                    self.missed.push(Missed::read(offer, &within(destination, &queue)));
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
            queue: queue_of(entry),
            entered,
            outcome,
            counted_as: if self.is_open { "open" } else { outcome },
            is_accepted: own.or(reassigned).is_some(),
            wait: since_entered(own.or(reassigned)),
            until_end: since_entered(end),
            position: 0,
            callback_taken: entry["userCallbackAcceptTime"].is_string(),
            callback_begun: entry["CallbackInitiatedTime"].is_string(),
            callback_seconds: time(entry, "CallbackOptedTime")
                .zip(time(entry, "userCallbackAcceptTime"))
                .map(|(opted, taken)| taken.duration_since(opted).as_secs_f64()),
        }
    }
}

fn queue_of(destination: &Value) -> Queue {
    (some(destination, "queueId"), some(destination, "queueName"))
}

/// The queue of a destination: its own, else that of the entry that it belongs to.
fn within(destination: &Value, entry: &Queue) -> Queue {
    let (id, name) = queue_of(destination);
    (id.or_else(|| entry.0.clone()), name.or_else(|| entry.1.clone()))
}

impl Leg {
    /// None where nothing says that there was an agent.
    fn read(agent: &Value, queue: &Queue, position: usize) -> Option<Self> {
        const NAMED_BY: [&str; 5] = ["agentId", "name", "email", "assignedAt", "acceptedTime"];
        NAMED_BY.iter().find_map(|key| some(agent, key))?;
        let (accepted, ended) = (time(agent, "acceptedTime"), time(agent, "interactionEndTime"));
        let between = accepted.zip(ended).map(|(accepted, ended)| ended.duration_since(accepted).as_secs_f64());
        Some(Self {
            queue: queue.clone(),
            position,
            consultations: agent["ConsultingAgents"].as_array().map_or(0, Vec::len),
            agent: some(agent, "agentId"),
            agent_name: some(agent, "name"),
            is_answered: accepted.is_some(),
            is_ended: ended.is_some(),
            interaction: seconds(agent, "interactionDuration").or(between).unwrap_or_default(),
            hold: seconds(agent, "holdDuration").unwrap_or_default(),
            after_call: seconds(agent, "afterCallWorkDuration").unwrap_or_default(),
        })
    }
}

impl Missed {
    fn read(offer: &Value, queue: &Queue) -> Self {
        Self {
            queue: queue.clone(),
            agent: some(offer, "agentId"),
            agent_name: some(offer, "name"),
            by_supervisor: offer["nonResponseEvent"] == "Supervisor Reassigned",
            event: some(offer, "nonResponseEvent"),
        }
    }
}

impl Survey {
    fn read(record: &Value) -> Self {
        let score = |key| number(record, key);
        let kind = some(record, "surveyType").map(|kind| plain(&kind));
        Self { kind, csat: score("csatScore"), nps: score("npsScore"), like: score("likeDislikeScore") }
    }

    /// The score of a kind: another kind's survey has none; one without a kind has what is there.
    pub fn score(&self, kind: &str) -> Option<i64> {
        let kinds = [("csat", self.csat), ("nps", self.nps), ("likedislike", self.like)];
        let asked = self.kind.as_deref().filter(|given| kinds.iter().any(|(known, _)| known == given));
        let (_, score) = kinds.into_iter().find(|(known, _)| *known == kind).unwrap();
        score.filter(|_| asked.is_none_or(|asked| asked == kind))
    }
}

impl Tone {
    fn read_all(list: &Value) -> Vec<Self> {
        let read = |tone: &Value| Self {
            name: text(tone, "tone_name"),
            count: number(tone, "count"),
            total_level: seconds(tone, "totalLevel"),
        };
        list.as_array().into_iter().flatten().map(read).collect()
    }
}

/// Who called. Nobody is known by an empty number, one of zeros, or ANONYMOUS as a keypad writes it.
fn customer(record: &Value) -> Option<String> {
    let about = &record["customerinfo"];
    let phone = text(about, "CustomerPhone").unwrap_or_default();
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    let is_somebody = digits.chars().any(|digit| digit != '0') && digits != "266696687";
    let email = || some(about, "CustomerEmail").map(|email| plain(&email));
    is_somebody.then_some(digits).or_else(email).or_else(|| text(record, "userId").filter(|user| !user.is_empty()))
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().map(|text| text.as_str().unwrap().to_owned()).collect()
}

fn number(value: &Value, key: &str) -> Option<i64> {
    value[key].as_i64().or_else(|| value[key].as_str()?.parse().ok())
}

fn text(value: &Value, key: &str) -> Option<String> {
    value[key].as_str().map(str::to_owned)
}

/// Text that says something: `""` is none.
fn some(value: &Value, key: &str) -> Option<String> {
    text(value, key).filter(|text| !text.is_empty())
}

/// Without spaces around it, A to Z in lower case.
fn plain(text: &str) -> String {
    text.trim_matches(' ').to_ascii_lowercase()
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
