use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, ListBuilder, StringBuilder, StructBuilder};
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::ScalarUDF;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::scalar::{Prelude, Takes};

pub(super) fn functions() -> Vec<ScalarUDF> {
    let keys = |_: &[DataType]| DataType::List(Arc::new(element()));
    vec![
        Prelude::udf("json_keys", &[Takes::Text], keys, json_keys),
        Prelude::udf("json_members", &[Takes::Text], |_| members_type(), json_members),
        Prelude::udf("json_value", &[Takes::Text, Takes::Text], |_| DataType::Utf8, json_value),
    ]
}

fn element() -> Field {
    Field::new("element", DataType::Utf8, true)
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of all functions of the prelude")]
fn json_keys(args: &[ArrayRef]) -> Result<ArrayRef> {
    let mut lists = ListBuilder::new(StringBuilder::new()).with_field(element());
    for text in args[0].as_string::<i32>() {
        lists.append_option(text.and_then(keys).map(|keys| keys.into_iter().map(Some)));
    }
    Ok(Arc::new(lists.finish()))
}

/// The keys of an object in their order; none of anything else.
fn keys(text: &str) -> Option<Vec<String>> {
    serde_json::Deserializer::from_str(text).deserialize_map(Keys).ok()
}

struct Keys;

impl<'de> Visitor<'de> for Keys {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> std::result::Result<Self::Value, A::Error> {
        let mut keys = Vec::new();
        while let Some((key, IgnoredAny)) = members.next_entry()? {
            keys.push(key);
        }
        Ok(keys)
    }
}

fn members_type() -> DataType {
    DataType::List(Arc::new(Field::new("element", DataType::Struct(member_fields()), true)))
}

fn member_fields() -> Fields {
    ["key", "kind"].map(|name| Field::new(name, DataType::Utf8, true)).into_iter().collect()
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of all functions of the prelude")]
fn json_members(args: &[ArrayRef]) -> Result<ArrayRef> {
    let member = StructBuilder::from_fields(member_fields(), 0);
    let field = Field::new("element", DataType::Struct(member_fields()), true);
    let mut lists = ListBuilder::new(member).with_field(field);
    for text in args[0].as_string::<i32>() {
        let members = text.and_then(|text| serde_json::from_str::<BTreeMap<String, &RawValue>>(text).ok());
        let is_object = members.is_some();
        for (key, value) in members.into_iter().flatten() {
            let member = lists.values();
            for (at, text) in [key.as_str(), kind(value)].into_iter().enumerate() {
                member.field_builder::<StringBuilder>(at).expect("both fields are text").append_value(text);
            }
            member.append(true);
        }
        lists.append(is_object);
    }
    Ok(Arc::new(lists.finish()))
}

fn kind(value: &RawValue) -> &'static str {
    match value.get().as_bytes() {
        b"\"\"" => "empty text",
        [b'"', ..] => "text",
        [b'{', ..] => "object",
        [b'[', ..] => "list",
        [b't' | b'f', ..] => "boolean",
        [b'n', ..] => "null",
        _ => "number",
    }
}

fn json_value(args: &[ArrayRef]) -> Result<ArrayRef> {
    let mut values = StringBuilder::new();
    for (text, path) in args[0].as_string::<i32>().iter().zip(args[1].as_string::<i32>()) {
        match (text, path) {
            (Some(text), Some(path)) => values.append_option(value_at(text, &steps(path)?)),
            _ => values.append_null(),
        }
    }
    Ok(Arc::new(values.finish()))
}

#[derive(Debug, PartialEq)]
enum Step<'a> {
    Key(&'a str),
    Element(usize),
}

/// `$` and then `.name`, `['name']` or `[0]`, any number of them.
fn steps(path: &str) -> Result<Vec<Step<'_>>> {
    let mut rest = path.strip_prefix('$');
    let mut steps = Vec::new();
    while let Some(text) = rest.filter(|text| !text.is_empty()) {
        let next = step(text);
        rest = next.as_ref().map(|(_, rest)| *rest);
        steps.extend(next.map(|(step, _)| step));
    }
    if rest.is_none() {
        return exec_err!("expected a path as `$.name`, `$['name']` or `$[0]`, found `{path}`");
    }
    Ok(steps)
}

fn step(text: &str) -> Option<(Step<'_>, &str)> {
    if let Some(text) = text.strip_prefix("['") {
        let (key, rest) = text.split_once("']")?;
        return Some((Step::Key(key), rest));
    }
    if let Some(text) = text.strip_prefix('[') {
        let (at, rest) = text.split_once(']')?;
        return Some((Step::Element(at.parse().ok()?), rest));
    }
    let text = text.strip_prefix('.')?;
    let (key, rest) = text.split_at(text.find(['.', '[']).unwrap_or(text.len()));
    (!key.is_empty()).then_some((Step::Key(key), rest))
}

/// A string's content, any other value as it is written; none where there is none, or null.
fn value_at(text: &str, steps: &[Step<'_>]) -> Option<String> {
    let mut value: &RawValue = serde_json::from_str(text).ok()?;
    for step in steps {
        value = match step {
            Step::Key(key) => *serde_json::from_str::<HashMap<String, &RawValue>>(value.get()).ok()?.get(*key)?,
            Step::Element(at) => *serde_json::from_str::<Vec<&RawValue>>(value.get()).ok()?.get(*at)?,
        };
    }
    match value.get() {
        "null" => None,
        text if text.starts_with('"') => serde_json::from_str(text).ok(),
        text => Some(text.to_owned()),
    }
}
