//! A plain tree of JSON for tests: keeps the order of members, repeated keys and numbers as written.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub enum Json {
    Null,
    /// A number, boolean, or a string that is not valid Unicode, as written.
    Raw(String),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Reads valid JSON.
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        match text.as_bytes()[0] {
            b'n' => Self::Null,
            b'"' => serde_json::from_str(text).map_or_else(|_| Self::Raw(text.to_owned()), Self::Text),
            b'[' => {
                let elements: Vec<Box<RawValue>> = serde_json::from_str(text).unwrap();
                Self::List(elements.iter().map(|element| Self::parse(element.get())).collect())
            }
            b'{' => {
                let Members(members) = serde_json::from_str(text).unwrap();
                Self::Object(members.into_iter().map(|(key, value)| (key, Self::parse(value.get()))).collect())
            }
            _ => Self::Raw(text.to_owned()),
        }
    }

    /// Writes the tree; `space` gives white space and `text` the spelling of a string.
    pub fn write(
        &self,
        out: &mut String,
        space: &mut dyn FnMut() -> &'static str,
        text: &mut dyn FnMut(&str) -> String,
    ) {
        let separate = |out: &mut String, first: bool| {
            out.push_str(if first { "" } else { "," });
        };
        match self {
            Self::Null => out.push_str("null"),
            Self::Raw(raw) => out.push_str(raw),
            Self::Text(value) => out.push_str(&text(value)),
            Self::List(elements) => {
                out.push('[');
                for (index, element) in elements.iter().enumerate() {
                    separate(out, index == 0);
                    out.push_str(space());
                    element.write(out, space, text);
                    out.push_str(space());
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (index, (key, value)) in members.iter().enumerate() {
                    separate(out, index == 0);
                    out.push_str(space());
                    out.push_str(&text(key));
                    out.push_str(space());
                    out.push(':');
                    out.push_str(space());
                    value.write(out, space, text);
                    out.push_str(space());
                }
                out.push('}');
            }
        }
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::new();
        self.write(&mut out, &mut || "", &mut |text| serde_json::to_string(text).unwrap());
        f.write_str(&out)
    }
}

struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;

        impl<'de> Visitor<'de> for Collect {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Collect)
    }
}
