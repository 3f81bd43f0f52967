//! Records of the schema's shape, and of its edges, from a seed.

use fastrand::Rng;

use super::json::Json;
use crate::schema::{Column, Kind, Schema};

/// How records are to be.
#[derive(Clone, Copy)]
pub struct Manner {
    /// Whether keys may repeat.
    pub repeats: bool,
    /// Whether those of columns with several keys may, too.
    pub repeated_aliases: bool,
    /// Whether line ends may stand between tokens.
    pub line_ends: bool,
}

pub struct Generator {
    pub rng: Rng,
    manner: Manner,
}

const TEXTS: [&str; 12] = [
    "",
    "x",
    "voice",
    "Jones ",
    "é",
    "日本語",
    "😀",
    "a\"b\\c/d",
    "line\nend\t",
    "2025-10-01",
    "\u{7f}\0",
    "AgentSegment",
];
const TIMES: [&str; 6] = [
    "2025-10-01T07:40:36",
    "2025/10/01 7:40:36",
    "2025-10-01T02:10:57.780Z",
    "2025-10-01T07:40:57+05:30",
    "2024-02-29T23:59:59.1234567",
    "2025-10-01T07:40:36.000",
];
const NUMBERS: [&str; 10] = ["0", "-0", "4.0", "4.5", "40e-1", "-12", "2147483648", "1e300", "1e400", "0.1"];

impl Generator {
    pub fn new(seed: u64, manner: Manner) -> Self {
        Self { rng: Rng::with_seed(seed), manner }
    }

    /// A record that is a row, as a tree.
    pub fn record(&mut self) -> Json {
        let columns = &Schema::conversations().columns;
        let mut members = self.members(columns);
        members.retain(|(key, _)| key != "sessionId" && key != "conversationId");
        members.push(("sessionId".to_owned(), Json::Text(format!("68dc{:04x}-😀", self.rng.u16(..)))));
        if self.rng.bool() {
            members.push(("conversationId".to_owned(), Json::Text(self.pick(&["", "c-1"]).to_owned())));
        }
        self.rng.shuffle(&mut members);
        Json::Object(members)
    }

    /// A record that may be a reject too.
    pub fn any_record(&mut self) -> Json {
        match self.rng.u8(..8) {
            0 => self.odd(2),
            1 => Json::Object(self.members(&Schema::conversations().columns)),
            _ => self.record(),
        }
    }

    /// The text of a tree, with white space and escapes where they are allowed.
    pub fn text(&mut self, tree: &Json) -> String {
        let mut out = String::new();
        let mut other = self.rng.fork();
        let spaces: &[&'static str] =
            if self.manner.line_ends { &["", "", " ", "\r\n\t"] } else { &["", "", " ", "\t"] };
        let rng = &mut self.rng;
        tree.write(&mut out, &mut || spaces[rng.usize(..spaces.len())], &mut |text| spelled(text, &mut other));
        out
    }

    fn members(&mut self, columns: &[Column]) -> Vec<(String, Json)> {
        let density = self.rng.u8(1..=9);
        let mut members = Vec::new();
        for column in columns {
            for key in column.keys() {
                if self.rng.u8(..10) < density && (key == column.keys().next().unwrap() || self.rng.u8(..3) == 0) {
                    members.push((key.to_owned(), self.value(&column.kind)));
                }
            }
        }
        if self.rng.u8(..4) == 0 {
            let key = self.pick(&["new", "Ключ", "", "agentId", "queueId", "x\"y"]);
            if columns.iter().all(|column| column.keys().all(|known| known != key)) {
                members.push((key.to_owned(), self.odd(3)));
            }
        }
        if self.manner.repeats && self.rng.u8(..4) == 0 && !members.is_empty() {
            let key = members[self.rng.usize(..members.len())].0.clone();
            let has_aliases = |column: &Column| !column.aliases.is_empty() && column.keys().any(|known| known == key);
            if !self.manner.repeated_aliases && columns.iter().any(has_aliases) {
                return members;
            }
            let value = if self.rng.bool() { self.odd(2) } else { members[0].1.clone() };
            members.push((key, value));
        }
        self.rng.shuffle(&mut members);
        members
    }

    fn value(&mut self, kind: &Kind) -> Json {
        if self.rng.u8(..12) == 0 {
            return self.odd(2);
        }
        match kind {
            Kind::Utf8 => self.any_text(),
            Kind::Json => self.odd(3),
            Kind::Int32 | Kind::Int64 | Kind::Float64 => match self.rng.u8(..3) {
                0 => Json::Raw(self.pick(&NUMBERS).to_owned()),
                1 => Json::Text(self.pick(&NUMBERS).to_owned()),
                _ => Json::Raw(self.rng.u8(..).to_string()),
            },
            Kind::Boolean => match self.rng.u8(..3) {
                0 => Json::Text(self.pick(&["YES", "No", "TRUE", "false", "maybe"]).to_owned()),
                _ => Json::Raw(self.rng.bool().to_string()),
            },
            Kind::Timestamp => Json::Text(self.pick(&TIMES).to_owned()),
            Kind::Struct(columns) if columns.iter().any(|column| column.name == "responding_agent") => {
                self.destination(columns)
            }
            Kind::Struct(columns) => Json::Object(self.members(columns)),
            Kind::List(element) => {
                let count = self.rng.usize(..4);
                Json::List((0..count).map(|_| self.element(element)).collect())
            }
        }
    }

    /// Odd elements are rare, else hardly a list would fit.
    fn element(&mut self, kind: &Kind) -> Json {
        match kind {
            Kind::Utf8 if self.rng.u8(..20) > 0 => self.any_text(),
            Kind::Struct(columns) if self.rng.u8(..20) > 0 => loop {
                let value = self.value(kind);
                if matches!(value, Json::Object(_)) || columns.is_empty() {
                    return value;
                }
            },
            _ if self.rng.bool() => Json::Null,
            _ => self.value(kind),
        }
    }

    fn destination(&mut self, columns: &[Column]) -> Json {
        let mut members = self.members(columns);
        members.retain(|(key, _)| key != "destinationType");
        let kind = self.pick(&["QueueEntry", "AgentSegment", "AgentSegment", "Other"]);
        members.push(("destinationType".to_owned(), Json::Text(kind.to_owned())));
        let agent = columns.iter().find(|column| column.name == "responding_agent").map(|column| &column.kind);
        if let Some(Kind::Struct(agent)) = agent
            && self.rng.bool()
        {
            let of_agent = self.members(agent);
            let has = |members: &[(String, Json)], key: &str| members.iter().any(|(known, _)| known == key);
            let repeats = self.manner.repeats;
            let new = of_agent.into_iter().filter(|(key, _)| repeats || !has(&members, key)).collect::<Vec<_>>();
            members.extend(new);
            if self.rng.bool() {
                members.retain(|(key, _)| key != "respondingAgent");
            }
        }
        self.rng.shuffle(&mut members);
        Json::Object(members)
    }

    /// Any value, up to some depth.
    fn odd(&mut self, depth: u8) -> Json {
        match self.rng.u8(..if depth == 0 { 6 } else { 8 }) {
            0 => Json::Null,
            1 => Json::Raw(self.rng.bool().to_string()),
            2 => Json::Raw(self.pick(&NUMBERS).to_owned()),
            3 => Json::Text(self.pick(&TIMES).to_owned()),
            4 => Json::Raw(r#""\ud83dx\udc00""#.to_owned()),
            5 => self.any_text(),
            6 => Json::List((0..self.rng.usize(..3)).map(|_| self.odd(depth - 1)).collect()),
            _ => {
                let mut members: Vec<_> =
                    ["a", "é", "sessionId"].iter().map(|key| ((*key).to_owned(), self.odd(depth - 1))).collect();
                members.truncate(self.rng.usize(..4));
                Json::Object(members)
            }
        }
    }

    fn any_text(&mut self) -> Json {
        Json::Text(self.pick(&TEXTS).to_owned())
    }

    fn pick(&mut self, choices: &[&'static str]) -> &'static str {
        choices[self.rng.usize(..choices.len())]
    }
}

/// A string in JSON, now and then with needless escapes.
fn spelled(text: &str, rng: &mut Rng) -> String {
    let plain = serde_json::to_string(text).unwrap();
    if rng.u8(..8) > 0 {
        return plain;
    }
    let units: Vec<String> = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
    format!("\"{}\"", units.concat())
}
