//! What a record is modulo the exceptions that design.md names for *JSON → row → JSON*, written from
//! that list and not from the decoder: both sides of the law are brought to this form and compared.

use super::json::Json;
use crate::clock::parse_api_time;
use crate::schema::{Column, Kind, Schema};

/// The normal form of a record that was read with this offset.
pub fn record(record: &Json, offset_minutes: i32) -> Json {
    let Json::Object(members) = record else { panic!("a record is an object") };
    object(members, &Schema::conversations().columns, offset_minutes)
}

type Members = [(String, Json)];

fn object(members: &Members, columns: &[Column], offset: i32) -> Json {
    let column_of = |key: &str| columns.iter().find(|column| column.keys().any(|known| known == key));
    let mut first: Vec<(String, Json)> = Vec::new();
    for (key, value) in members {
        let absent = *value == Json::Null && column_of(key).is_some();
        if !absent && first.iter().all(|(known, _)| known != key) {
            first.push((key.clone(), value.clone()));
        }
    }
    let mut normal: Vec<_> = first
        .iter()
        .filter_map(|(key, value)| match column_of(key) {
            None => Some((key.clone(), free(value))),
            Some(column) => {
                let value = known(value, &column.kind, offset);
                if column.aliases.is_empty() { Some((key.clone(), value)) } else { alias(column, key, value, &first) }
            }
        })
        .collect();
    normal.sort_by(|a, b| a.partial_cmp(b).unwrap());
    Json::Object(normal)
}

/// A member whose column has several keys: its name does not matter where only one key of them
/// is there, and texts that say nothing beside another do not come back.
fn alias(column: &Column, key: &str, value: Json, members: &Members) -> Option<(String, Json)> {
    let main = column.key.clone().unwrap();
    if column.kind != Kind::Utf8 {
        let alone = members.iter().filter(|(other, _)| column.keys().any(|known| known == other)).count() == 1;
        return Some((if alone { main } else { key.to_owned() }, value));
    }
    let text = |key: &str| members.iter().find(|(other, _)| other == key).map(|(_, value)| value);
    let texts = || column.keys().filter_map(|key| Some((key, text(key)?))).filter(|(_, v)| matches!(v, Json::Text(_)));
    let empty = Json::Text(String::new());
    let chosen = texts().find(|(_, value)| **value != empty).or_else(|| texts().next());
    match (&value, chosen) {
        (Json::Text(_), Some((name, _))) if name == key => Some(("~chosen".to_owned(), value)),
        (Json::Text(_), Some((_, chosen))) if value == empty || value == *chosen => None,
        _ => Some((key.to_owned(), value)),
    }
}

fn known(value: &Json, kind: &Kind, offset: i32) -> Json {
    if !fits(value, kind, offset) {
        return free(value);
    }
    match (kind, value) {
        (Kind::List(element), Json::List(elements)) => {
            Json::List(elements.iter().map(|value| known(value, element, offset)).collect())
        }
        (Kind::Struct(columns), Json::Object(members)) => {
            if columns.iter().any(|column| column.name == "responding_agent") {
                destination(members, columns, offset)
            } else {
                object(members, columns, offset)
            }
        }
        (Kind::Timestamp, Json::Text(text)) => {
            Json::Raw(format!("time {}", parse_api_time(text, offset).unwrap().micros()))
        }
        (Kind::Int32 | Kind::Float64, Json::Raw(text) | Json::Text(text)) => {
            Json::Raw(format!("number {:?}", text.parse::<f64>().unwrap() + 0.0))
        }
        (Kind::Boolean, Json::Raw(text) | Json::Text(text)) => {
            Json::Raw(format!("bool {}", matches!(text.to_ascii_lowercase().as_str(), "yes" | "true")))
        }
        _ => free(value),
    }
}

/// An agent segment in the shape in which the agent's members stand together.
fn destination(members: &Members, columns: &[Column], offset: i32) -> Json {
    let is_segment = members
        .iter()
        .find(|(key, value)| key == "destinationType" && *value != Json::Null)
        .is_some_and(|(_, value)| *value == Json::Text("AgentSegment".to_owned()));
    let is_own = |key: &str| columns.iter().any(|column| column.keys().any(|known| known == key));
    let Some(Kind::Struct(agent)) = columns.iter().find(|c| c.name == "responding_agent").map(|c| &c.kind) else {
        panic!("a destination has an agent")
    };
    let is_agents = |key: &str| agent.iter().any(|column| column.keys().any(|known| known == key));
    let (own, of_agent): (Vec<_>, Vec<_>) = members.iter().cloned().partition(|(key, _)| is_own(key));
    let says_something = of_agent.iter().any(|(key, value)| *value != Json::Null || !is_agents(key));
    if !is_segment || !says_something {
        return object(if is_segment { &own } else { members }, columns, offset);
    }
    let Json::Object(own) = object(&own, columns, offset) else { panic!("an object stays one") };
    let beside =
        own.into_iter().map(|(key, value)| if key == "respondingAgent" { beside(members) } else { (key, value) });
    let mut normal: Vec<_> = beside.collect();
    normal.push(("respondingAgent".to_owned(), object(&of_agent, agent, offset)));
    normal.sort_by(|a, b| a.partial_cmp(b).unwrap());
    Json::Object(normal)
}

/// A `respondingAgent` beside an agent's own fields is kept as it came.
fn beside(members: &Members) -> (String, Json) {
    let first = members.iter().find(|(key, value)| key == "respondingAgent" && *value != Json::Null);
    ("~respondingAgent".to_owned(), free(&first.unwrap().1))
}

/// A value that comes back as it came, but for the order of keys.
fn free(value: &Json) -> Json {
    match value {
        Json::List(elements) => Json::List(elements.iter().map(free).collect()),
        Json::Object(members) => {
            let mut members: Vec<_> = members.iter().map(|(key, value)| (key.clone(), free(value))).collect();
            members.sort_by(|a, b| a.partial_cmp(b).unwrap());
            Json::Object(members)
        }
        other => other.clone(),
    }
}

fn fits(value: &Json, kind: &Kind, offset: i32) -> bool {
    match (kind, value) {
        (_, Json::Null) | (Kind::Json, _) | (Kind::Utf8, Json::Text(_)) | (Kind::Struct(_), Json::Object(_)) => true,
        (Kind::List(element), Json::List(elements)) => elements.iter().all(|value| fits(value, element, offset)),
        (Kind::Timestamp, Json::Text(text)) => parse_api_time(text, offset).is_some(),
        (Kind::Int32, Json::Raw(text)) => {
            let number = text.parse::<f64>();
            number.is_ok_and(|n| n.fract() == 0.0 && (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&n))
        }
        (Kind::Int32, Json::Text(text)) => {
            let plain = text.strip_prefix('-').unwrap_or(text);
            let canonical = plain == "0" || !plain.starts_with('0');
            canonical && plain.bytes().all(|b| b.is_ascii_digit()) && text.parse::<i32>().is_ok()
        }
        (Kind::Float64, Json::Raw(text) | Json::Text(text)) => text.parse::<f64>().is_ok_and(f64::is_finite),
        (Kind::Boolean, Json::Raw(text)) => text == "true" || text == "false",
        (Kind::Boolean, Json::Text(text)) => {
            ["yes", "no", "true", "false"].contains(&text.to_ascii_lowercase().as_str())
        }
        _ => false,
    }
}
