//! Who takes part: agents, queues, bots, skills and customers, the same for one seed.

use super::dice::Dice;
use super::json::guid;
use super::phrases::{LANGUAGES, Language};

/// An agent.
#[derive(Debug)]
pub(super) struct Agent {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) language: &'static Language,
}

/// A thing with an id and a name: a queue or a skill.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) id: String,
    pub(super) name: &'static str,
}

/// All who take part.
#[derive(Debug)]
pub(super) struct Cast {
    pub(super) agents: Vec<Agent>,
    pub(super) queues: Vec<Named>,
    pub(super) skills: Vec<Named>,
    /// Automation bots, the values of the filter `bots` besides the streams.
    pub(super) bots: Vec<String>,
    /// Campaigns by name, with their ids.
    pub(super) campaigns: Vec<(&'static str, String)>,
    pub(super) dialing_list: String,
    pub(super) no_agents_flow: String,
    pub(super) org_id: String,
    /// Prefix of channel-specific user ids, `cs-…`.
    pub(super) client: String,
    /// How many customers there are.
    pub(super) customers: u32,
    dice: Dice,
}

const AGENTS: u64 = 48;
const QUEUES: [&str; 7] = [
    "Default Queue",
    "Billing",
    "Residential – Sales",
    "Technical \"Tier 2\"",
    "Служба поддержки",
    "中文客服",
    "Retención / Señal",
];
const CAMPAIGNS: [&str; 3] = ["Autumn \"Renewal\"", "Vertragsverlängerung", "कर अनुस्मारक"];
const SKILLS: [&str; 6] = ["Reporting", "Platinum Customer", "Español", "العربية", "हिन्दी", "Back\\Office"];

mod topic {
    pub(super) const AGENT: u64 = 1 << 42;
    pub(super) const QUEUE: u64 = 1 << 43;
    pub(super) const SKILL: u64 = 1 << 44;
    pub(super) const BOT: u64 = 1 << 45;
    pub(super) const OTHER: u64 = 1 << 46;
    pub(super) const CUSTOMER: u64 = 1 << 47;
}

impl Cast {
    /// `rows` is how many rows there will be, about: a customer has three.
    pub(super) fn new(dice: &Dice, rows: u32) -> Self {
        Self {
            agents: (0..AGENTS).map(|number| agent(number, dice.fork(topic::AGENT + number))).collect(),
            queues: named(&QUEUES, &dice.fork(topic::QUEUE), |dice| guid("qu-", dice, 7)),
            skills: named(&SKILLS, &dice.fork(topic::SKILL), object_id),
            bots: (0..3).map(|number| guid("st-", dice.fork(topic::BOT + number), 8)).collect(),
            campaigns: CAMPAIGNS
                .iter()
                .zip(2..)
                .map(|(&name, other)| (name, guid("cp-", dice.fork(topic::OTHER + other), 8)))
                .collect(),
            dialing_list: guid("dl-", dice.fork(topic::OTHER + 10), 8),
            no_agents_flow: guid("cf-", dice.fork(topic::OTHER + 11), 8),
            org_id: guid("o-", dice.fork(topic::OTHER), 8),
            client: guid("cs-", dice.fork(topic::OTHER + 1), 8),
            customers: (rows / 3).max(1),
            dice: dice.clone(),
        }
    }

    pub(super) fn customer(&self, number: u32) -> Customer {
        let dice = self.dice.fork(topic::CUSTOMER + u64::from(number));
        let mut traits = dice.fork(0);
        let language = &LANGUAGES[traits.weighted(LANGUAGES.iter().map(|language| language.weight))];
        Customer {
            number,
            language,
            named: traits.chance(70),
            phone: if traits.chance(4) { "anonymous".to_owned() } else { format!("+1555{:07}", 1_000_000 + number) },
            identities: if traits.chance(3) { traits.roll(50) + 1 } else { traits.roll(3) + 1 },
            dice,
        }
    }
}

fn agent(number: u64, mut dice: Dice) -> Agent {
    let language = &LANGUAGES[dice.weighted(LANGUAGES.iter().map(|language| language.weight))];
    Agent {
        id: guid("u-", dice.fork(0), 8),
        name: format!("{} {:02}", language.agent, number + 1),
        email: format!("agent{:02}@example.com", number + 1),
        language,
    }
}

fn named(names: &[&'static str], dice: &Dice, id: impl Fn(Dice) -> String) -> Vec<Named> {
    names.iter().zip(0..).map(|(&name, number)| Named { id: id(dice.fork(number)), name }).collect()
}

/// 24 hexadecimal digits.
fn object_id(mut dice: Dice) -> String {
    let (high, low) = (dice.next() >> 32, dice.next());
    format!("{high:08x}{low:016x}")
}

/// A customer, made when needed.
#[derive(Debug)]
pub(super) struct Customer {
    number: u32,
    pub(super) language: &'static Language,
    /// Whether the contact centre knows the name and the address.
    pub(super) named: bool,
    pub(super) phone: String,
    /// How many identities are mapped to the customer.
    pub(super) identities: u32,
    dice: Dice,
}

impl Customer {
    pub(super) fn user_id(&self) -> Dice {
        self.dice.fork(1)
    }

    pub(super) fn identity(&self, number: u32) -> Dice {
        self.dice.fork(2 + u64::from(number))
    }

    pub(super) fn first_name(&self) -> &'static str {
        if self.named { self.language.customer } else { "" }
    }

    pub(super) fn last_name(&self) -> String {
        if self.named { format!("№ {}", self.number) } else { String::new() }
    }

    pub(super) fn email(&self) -> String {
        if self.named { format!("customer{}@example.com", self.number) } else { String::new() }
    }
}
