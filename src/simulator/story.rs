//! What happened in one session, decided by chance from its row alone and told in UTC seconds.

use super::cast::Cast;
use super::course;
use super::dice::Dice;
use super::form::Form;
use super::plot::{self, Destination, Plot};
use super::timeline::Row;
use super::unfold::{self, Aftermath};

/// What a row is; known without telling its story.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A session that no agent was asked for.
    Session,
    /// A bot-only session that belongs to another talk (F21).
    SideSession,
    /// A conversation that the customer began.
    Inbound,
    /// A conversation that the contact centre began: a campaign or a manual call.
    Outbound,
}

impl Kind {
    pub(super) fn of(row: Row, dice: &Dice) -> Self {
        match row_dice(row, dice).fork(topic::KIND).roll(100) {
            0..36 => Self::Session,
            36..41 => Self::SideSession,
            41..92 => Self::Inbound,
            _ => Self::Outbound,
        }
    }

    pub(super) fn is_bot_only(self) -> bool {
        matches!(self, Self::Session | Self::SideSession)
    }
}

/// A channel, by the code that filters take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Channel {
    Chat,
    Voice,
    Email,
    Messenger,
    Custom,
    Campaign,
    AgentAssist,
}

impl Channel {
    /// What the filter `channels` calls it.
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Chat => "rtm",
            Self::Voice => "voice",
            Self::Email => "email",
            Self::Messenger => "whatsappbusiness",
            Self::Custom => "custom",
            Self::Campaign => "campaign",
            Self::AgentAssist => "agentassist",
        }
    }

    /// What rows call it: case varies, and a custom channel's name ends in a space.
    pub(super) fn spellings(self) -> &'static [&'static str] {
        match self {
            Self::Chat => &["Web/Mobile Client", "Web/Mobile Client", "rtm", "RTM"],
            Self::Voice => &["Voice", "Voice", "voice", "VOICE "],
            Self::Email => &["System Mail", "email"],
            Self::Messenger => &["whatsappbusiness", "WhatsApp"],
            Self::Custom => &["Kiosk ", "Киоск"],
            Self::Campaign => &["campaign"],
            Self::AgentAssist => &["agentassist", "agentassist", "AgentAssist ", "agentassistvoice"],
        }
    }

    fn of(kind: Kind, dice: &mut Dice) -> Self {
        match (kind, dice.roll(100)) {
            (Kind::SideSession, _) => Self::AgentAssist,
            (Kind::Outbound, 0..75) => Self::Campaign,
            (Kind::Outbound, _) | (_, 0..42) => Self::Voice,
            (_, 42..78) => Self::Chat,
            (Kind::Inbound, 78..88) => Self::Email,
            (_, 78..96) => Self::Messenger,
            _ => Self::Custom,
        }
    }
}

/// Topics of chance: each part of a record draws from its own stream, so that leaving one out (v1,
/// fields that were not selected) changes no other.
pub(super) mod topic {
    pub(in super::super) const KIND: u64 = 1;
    pub(in super::super) const COURSE: u64 = 2;
    pub(in super::super) const SESSION_ID: u64 = 3;
    pub(in super::super) const CONVERSATION_ID: u64 = 4;
    pub(in super::super) const ROOT: u64 = 5;
    pub(in super::super) const SURVEY: u64 = 6;
    pub(in super::super) const META: u64 = 7;
    pub(in super::super) const AUTOMATION: u64 = 8;
    pub(in super::super) const SELECTED: u64 = 9;
    pub(in super::super) const CAMPAIGN: u64 = 10;
    pub(in super::super) const AGENT: u64 = 11;
    pub(in super::super) const ADDRESS: u64 = 12;
    pub(in super::super) const HANDOVER: u64 = 13;
    pub(in super::super) const CLOCK: u64 = 14;
    pub(in super::super) const MILLIS: u64 = 15;
}

/// The stream of chance of one row.
pub(super) fn row_dice(row: Row, dice: &Dice) -> Dice {
    dice.fork(1 << 41).fork(u64::from(row.serial))
}

/// One session.
#[derive(Debug)]
pub(super) struct Story {
    pub(super) row: Row,
    pub(super) kind: Kind,
    pub(super) channel: Channel,
    /// Number of the customer; the same one calls again.
    pub(super) customer: u32,
    pub(super) start: i64,
    pub(super) end: Option<i64>,
    pub(super) ending: Ending,
    pub(super) voicemail: bool,
    pub(super) destinations: Vec<Destination>,
    pub(super) aftermath: Aftermath,
    /// How often the content was changed while it was read.
    pub(super) edits: u32,
    /// Chance of the conversation that a side session belongs to.
    aside: Option<Dice>,
    dice: Dice,
}

/// How a session ended, in the API's words (F22).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ending {
    pub(super) status: Option<&'static str>,
    pub(super) smart: &'static str,
    pub(super) reason: &'static str,
    pub(super) event: &'static str,
}

impl Story {
    pub(super) fn tell(row: Row, form: Form, cast: &Cast, dice: &Dice) -> Self {
        let kind = Kind::of(row, dice);
        let aside = (kind == Kind::SideSession).then(|| forerunner(row, dice)).flatten();
        let row_dice = row_dice(row, dice);
        let mut course = row_dice.fork(topic::COURSE);
        let channel = Channel::of(kind, &mut course);
        let customer = course.roll(cast.customers);
        let start = i64::from(row.start);
        let handover = if form.now.is_some() && kind == Kind::Inbound { unfold::handover(row, dice) } else { start };
        let plot = match kind {
            Kind::Session | Kind::SideSession => plot::session(kind, start, &mut course),
            Kind::Inbound if form.now.is_some() => course::settling(channel, handover, cast, &mut course),
            Kind::Inbound => course::inbound(channel, start, cast, &mut course),
            Kind::Outbound => course::outbound(channel, start, cast, &mut course),
        };
        let (kind, plot) = if form.moved {
            let talk = course::handed_over(channel, start, cast, &mut course);
            (Kind::Inbound, Plot { end: plot.end, ..talk })
        } else {
            (kind, plot)
        };
        let (kind, plot, aftermath) = match form.now {
            None => (kind, plot, Aftermath::STILL),
            Some(now) => unfold::so_far(now, handover, kind, plot, &row_dice.fork(topic::CLOCK)),
        };
        let Plot { end, ending, voicemail, destinations } = plot;
        Self {
            row,
            kind,
            channel,
            customer,
            start,
            end,
            ending,
            voicemail,
            destinations,
            aftermath,
            edits: form.edits,
            aside,
            dice: row_dice,
        }
    }

    /// The stream of chance of one part of the record.
    pub(super) fn chance(&self, topic: u64) -> Dice {
        self.dice.fork(topic)
    }

    pub(super) fn direction(&self) -> &'static str {
        if self.kind == Kind::Outbound { "Outbound" } else { "Inbound" }
    }

    /// The automation bot that took part, where the record names it.
    pub(super) fn automation_bot<'a>(&self, cast: &'a Cast) -> Option<&'a str> {
        let mut chance = self.chance(topic::AUTOMATION);
        chance.chance(50).then(|| chance.pick_ref(&cast.bots).as_str())
    }

    /// As the API spells it for this row.
    pub(super) fn channel_text(&self) -> &'static str {
        self.chance(topic::ADDRESS).pick(self.channel.spellings())
    }

    /// 24 hexadecimal digits: the start in seconds (F15), five bytes of chance, and a counter that
    /// keeps ids of one second apart.
    pub(super) fn session_id(&self) -> String {
        session_id(self.row, &self.dice)
    }

    /// Chance of the id of the conversation that a side session belongs to: the latest one before it,
    /// or none that exists (F21: the id is a hint only).
    pub(super) fn side_of(&self) -> Dice {
        self.aside.as_ref().unwrap_or(&self.dice).fork(topic::CONVERSATION_ID)
    }
}

/// The stream of chance of the latest conversation before `row`, looked for among its nearest forerunners.
fn forerunner(row: Row, dice: &Dice) -> Option<Dice> {
    let nearest = (1..=32).filter_map(|back| row.serial.checked_sub(back));
    let conversation = nearest.map(|serial| Row { serial, ..row }).find(|other| !Kind::of(*other, dice).is_bot_only());
    conversation.map(|other| row_dice(other, dice))
}

/// See [`Story::session_id`]; `chance` is the row's own.
pub(super) fn session_id(row: Row, chance: &Dice) -> String {
    let machine = chance.fork(topic::SESSION_ID).next() & 0xff_ffff_ffff;
    format!("{:08x}{machine:010x}{:06x}", row.start, row.serial & 0xff_ffff)
}
