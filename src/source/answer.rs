//! What an answer must be to count as a page, and what the body of an error says.

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// How a body with status 200 fails to be a page (F7): an error, never "no more rows".
#[derive(Debug, thiserror::Error)]
pub enum AnswerFault {
    /// There is no body.
    #[error("expected a JSON object with a `data` array, found an empty body")]
    Empty,
    /// The body begins as no JSON object does; gateways answer HTML.
    #[error("expected a JSON object with a `data` array, found {0}")]
    NotAnObject(&'static str),
    /// The body is cut or broken.
    #[error("expected a whole JSON object, found broken or cut JSON")]
    Broken(#[source] serde_json::Error),
    /// A whole JSON object, but without records.
    #[error("expected a `data` array, found {}", .0.as_ref().map_or("none".to_owned(), |m| format!("the error `{m}`")))]
    NoData(Option<String>),
    /// The body is larger than the cap.
    #[error("expected at most {cap_bytes} bytes, found more")]
    TooLarge {
        /// The cap.
        cap_bytes: usize,
    },
}

/// Checks that `body` is one whole JSON object with an array `data`; values are skipped, not kept.
pub(super) fn check(body: &[u8]) -> Result<(), AnswerFault> {
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        None => return Err(AnswerFault::Empty),
        Some(b'{') => {}
        Some(b'<') => return Err(AnswerFault::NotAnObject("HTML or XML")),
        Some(b'[') => return Err(AnswerFault::NotAnObject("a JSON array")),
        Some(_) => return Err(AnswerFault::NotAnObject("something else")),
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    let has_data = json.deserialize_map(Members).map_err(AnswerFault::Broken)?;
    json.end().map_err(AnswerFault::Broken)?;
    if has_data { Ok(()) } else { Err(AnswerFault::NoData(message(body))) }
}

/// What the body of an error says (F7): the first `msg` or `message` of `errors`, with its code; else those at
/// the top level.
pub(super) fn message(body: &[u8]) -> Option<String> {
    let body: ErrorBody = serde_json::from_slice(body).ok()?;
    let first = body.errors.into_iter().flatten().find(|error| error.text().is_some());
    let error = first.unwrap_or(body.top);
    let text = error.text()?;
    Some(match &error.code {
        Some(Value::String(code)) => format!("{text} (code {code})"),
        Some(Value::Number(code)) => format!("{text} (code {code})"),
        _ => text.to_owned(),
    })
}

#[derive(Deserialize)]
struct ErrorBody {
    #[serde(default)]
    errors: Option<Vec<ErrorEntry>>,
    #[serde(flatten)]
    top: ErrorEntry,
}

#[derive(Deserialize)]
struct ErrorEntry {
    msg: Option<Value>,
    message: Option<Value>,
    code: Option<Value>,
}

impl ErrorEntry {
    fn text(&self) -> Option<&str> {
        let texts = [&self.msg, &self.message];
        texts.into_iter().flatten().find_map(Value::as_str).filter(|text| !text.is_empty())
    }
}

/// The members of the answer: is there a `data` that is an array?
struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = bool;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<bool, A::Error> {
        let mut has_data = false;
        while let Some(is_data) = members.next_key_seed(IsData)? {
            if is_data {
                has_data |= members.next_value_seed(IsArray)?;
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(has_data)
    }
}

struct IsData;

impl<'de> DeserializeSeed<'de> for IsData {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, key: D) -> Result<bool, D::Error> {
        Ok(std::borrow::Cow::<str>::deserialize(key)? == "data")
    }
}

struct IsArray;

impl<'de> DeserializeSeed<'de> for IsArray {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<bool, D::Error> {
        value.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for IsArray {
    type Value = bool;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut records: A) -> Result<bool, A::Error> {
        while records.next_element::<IgnoredAny>()?.is_some() {}
        Ok(true)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<bool, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(false)
    }

    fn visit_unit<E>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_bool<E>(self, _: bool) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_i64<E>(self, _: i64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_u64<E>(self, _: u64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_f64<E>(self, _: f64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_str<E>(self, _: &str) -> Result<bool, E> {
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(body: &str) -> String {
        check(body.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn an_object_with_a_data_array_is_a_page() {
        for body in [r#"{"data":[]}"#, " {\"numResults\":1,\"data\":[{\"a\":[1,{}]}],\"x\":null}\n"] {
            check(body.as_bytes()).unwrap();
        }
        check(b"{\"data\":[\"\xff\"]}").unwrap();
        let deep = format!("{{\"data\":[{}{}]}}", "[".repeat(300), "]".repeat(300));
        check(deep.as_bytes()).unwrap();
    }

    #[test]
    fn anything_else_is_a_fault() {
        assert_eq!(fault(" \n"), "expected a JSON object with a `data` array, found an empty body");
        assert_eq!(fault("<html>"), "expected a JSON object with a `data` array, found HTML or XML");
        assert_eq!(fault("[[]]"), "expected a JSON object with a `data` array, found a JSON array");
        assert_eq!(fault(r#"{"data":[{"#), "expected a whole JSON object, found broken or cut JSON");
        assert_eq!(fault(r#"{"data":[]}{"#), "expected a whole JSON object, found broken or cut JSON");
        for body in [r#"{"data":null}"#, r#"{"data":{}}"#, r#"{"data":"x"}"#, r#"{"data":-1}"#, r#"{"d":[]}"#] {
            assert_eq!(fault(body), "expected a `data` array, found none", "{body}");
        }
        let body = r#"{"errors":[{"msg":"Invalid JWT token","code":4002}]}"#;
        assert_eq!(fault(body), "expected a `data` array, found the error `Invalid JWT token (code 4002)`");
    }

    #[test]
    fn every_cut_of_a_page_is_a_fault() {
        let body = r#"{"numResults":2,"data":[{"a":"é\"","b":1.5},{"c":[true,null]}]}"#.as_bytes();
        for end in 0..body.len() {
            assert!(check(&body[..end]).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn error_bodies_give_their_message_and_code() {
        for (body, expected) in [
            (r#"{"errors":[{"message":"no","code":"E1"}]}"#, Some("no (code E1)")),
            (r#"{"errors":[{"code":1},{"msg":"second"}]}"#, Some("second")),
            (r#"{"message":"top"}"#, Some("top")),
            (r#"{"errors":[]}"#, None),
            (r#"{"errors":"x"}"#, None),
            ("<html>", None),
        ] {
            assert_eq!(message(body.as_bytes()).as_deref(), expected, "{body}");
        }
    }
}
