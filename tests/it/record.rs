//! What a record says, whatever its spelling.
//!
//! Two records that differ only as *JSON → row → JSON* may (null ≡ absent, order of keys, an alias's name, a quoted
//! number, `YES`, `4.0`, the spelling of a time) have one normal form. Written from that list, not from the decoder.

use kore_lake::clock::parse_api_time;
use kore_lake::schema::{Column, Kind, Schema};
use serde_json::{Map, Value, json};

/// The normal form of a record that was asked for with this offset.
pub fn normal(record: &Value, offset_minutes: i32) -> Value {
    let members = record.as_object().expect("a record is an object");
    Value::Object(object(members, &Schema::conversations().columns, offset_minutes))
}

fn object(members: &Map<String, Value>, columns: &[Column], offset: i32) -> Map<String, Value> {
    let mut normal = Map::new();
    for (key, value) in members {
        match column_of(columns, key) {
            Some(_) if value.is_null() => {}
            Some(column) if !column.aliases.is_empty() => {}
            Some(column) => drop(normal.insert(key.clone(), known(value, &column.kind, offset))),
            None => drop(normal.insert(key.clone(), value.clone())),
        }
    }
    for column in columns.iter().filter(|column| !column.aliases.is_empty()) {
        normal.extend(aliases(members, column, offset));
    }
    normal
}

/// The column that takes the value of `key`.
pub fn column_of<'a>(columns: &'a [Column], key: &str) -> Option<&'a Column> {
    columns.iter().find(|column| column.keys().any(|known| known == key))
}

/// The member of a column that has several keys, under the first: its first non-empty value, else an empty one. Others
/// that say something else stay under their keys.
fn aliases(members: &Map<String, Value>, column: &Column, offset: i32) -> Map<String, Value> {
    let empty = json!("");
    let given: Vec<_> =
        column.keys().filter_map(|key| Some((key, members.get(key)?))).filter(|(_, v)| !v.is_null()).collect();
    let Some((_, chosen)) = given.iter().find(|(_, value)| **value != empty).or(given.first()) else {
        return Map::new();
    };
    let others = given.iter().filter(|(_, value)| value != chosen && **value != empty);
    let mut normal: Map<_, _> = others.map(|(key, value)| (format!("~{key}"), (*value).clone())).collect();
    normal.extend(column.key.clone().map(|key| (key, known(chosen, &column.kind, offset))));
    normal
}

/// The normal form of a value. One that does not fit its column comes back as it came, and is left so.
fn known(value: &Value, kind: &Kind, offset: i32) -> Value {
    match (kind, value) {
        (Kind::List(element), Value::Array(elements)) => {
            elements.iter().map(|value| known(value, element, offset)).collect()
        }
        (Kind::Struct(columns), Value::Object(members)) => {
            Value::Object(object(members, &columns_of(members, columns), offset))
        }
        (Kind::Timestamp, Value::String(text)) => {
            parse_api_time(text, offset).map_or_else(|| value.clone(), |time| json!({ "time": time.to_string() }))
        }
        (Kind::Int32 | Kind::Float64, Value::Number(number)) => json!({ "number": number.as_f64() }),
        (Kind::Int32 | Kind::Float64, Value::String(text)) => {
            text.parse::<f64>().map_or_else(|_| value.clone(), |number| json!({ "number": number }))
        }
        (Kind::Boolean, Value::String(text)) => match text.to_ascii_lowercase().as_str() {
            "yes" | "true" => json!(true),
            "no" | "false" => json!(false),
            _ => value.clone(),
        },
        _ => value.clone(),
    }
}

/// The columns of an object; those of an agent too where its own stand in the element of an agent segment.
pub fn columns_of(members: &Map<String, Value>, columns: &[Column]) -> Vec<Column> {
    let mut all = columns.to_vec();
    let agent = columns.iter().find(|column| column.name == "responding_agent").map(|column| &column.kind);
    if let (Some(Kind::Struct(agent)), true) = (agent, is_agent_segment(members)) {
        let new = agent.iter().filter(|column| columns.iter().all(|known| known.key != column.key));
        all.extend(new.cloned());
    }
    all
}

/// Whether an element of `destinations` holds the members of its agent itself.
pub fn is_agent_segment(members: &Map<String, Value>) -> bool {
    members.get("destinationType") == Some(&json!("AgentSegment"))
}

/// The paths of all values that are neither object nor list nor null, as JSON pointers; empty ones count as values.
pub fn leaves(value: &Value) -> Vec<String> {
    let below = |key: &str, value: &Value| {
        let key = key.replace('~', "~0").replace('/', "~1");
        leaves(value).into_iter().map(move |path| format!("/{key}{path}"))
    };
    match value {
        Value::Null => Vec::new(),
        Value::Object(members) if !members.is_empty() => {
            members.iter().flat_map(|(key, value)| below(key, value).collect::<Vec<_>>()).collect()
        }
        Value::Array(elements) if !elements.is_empty() => {
            let numbered = elements.iter().enumerate();
            numbered.flat_map(|(at, value)| below(&at.to_string(), value).collect::<Vec<_>>()).collect()
        }
        _ => vec![String::new()],
    }
}
