use std::collections::BTreeMap;

use datafusion::scalar::ScalarValue;

use super::{Param, ParamType, Report};
use crate::query::QueryError;
use crate::query::files::days_since_1970;
use crate::query::functions::time_zone;
use crate::query::suggest::{near, quoted};

/// The largest whole number that a parameter takes: seconds of a day, days of some generations, and no engine's overflow.
const MOST: i64 = 100_000;

/// Values of a report's parameters, typed; made by [`Report::bind`].
#[derive(Debug, Clone, PartialEq)]
pub struct Params(Vec<(&'static str, ScalarValue)>);

impl Params {
    pub(super) fn bind(report: &Report, given: &BTreeMap<String, String>) -> Result<Self, QueryError> {
        if let Some(unknown) = given.keys().find(|name| report.param(name).is_none()) {
            return Err(report.unknown(unknown));
        }
        let value = |param: &Param| {
            let text = given.get(param.name).map(String::as_str).or(param.default);
            let value = param.param_type.value(text);
            value.map(|value| (param.name, value)).ok_or_else(|| param.refused(report, text.unwrap_or_default()))
        };
        let params = Self(report.params.iter().map(value).collect::<Result<_, _>>()?);
        params.check_range(report, given)?;
        Ok(params)
    }

    pub(in crate::query) fn values(&self) -> Vec<(&str, ScalarValue)> {
        self.0.clone()
    }

    fn date(&self, name: &str) -> Option<i32> {
        self.0.iter().find_map(|(param, value)| match value {
            ScalarValue::Date32(date) if *param == name => *date,
            _ => None,
        })
    }

    fn check_range(&self, report: &Report, given: &BTreeMap<String, String>) -> Result<(), QueryError> {
        let (Some(from), Some(to)) = (self.date("from"), self.date("to")) else { return Ok(()) };
        if from < to {
            return Ok(());
        }
        Err(QueryError::ParamValue {
            report: report.name,
            param: "to",
            expected: format!("a date after `from`, `{}`", given["from"]),
            default: "none".to_owned(),
            found: given["to"].clone(),
        })
    }
}

impl Report {
    fn param(&self, name: &str) -> Option<&Param> {
        self.params.iter().find(|param| param.name == name)
    }

    fn unknown(&self, name: &str) -> QueryError {
        let names = || self.params.iter().map(|param| param.name);
        let near = near(name, names());
        let near = if near.is_empty() { names().map(str::to_owned).collect() } else { near };
        QueryError::UnknownParam { report: self.name, name: name.to_owned(), near }
    }
}

impl Param {
    fn refused(&self, report: &Report, found: &str) -> QueryError {
        QueryError::ParamValue {
            report: report.name,
            param: self.name,
            expected: self.param_type.expected(),
            default: self.default.map_or_else(|| "none".to_owned(), |default| format!("`{default}`")),
            found: found.to_owned(),
        }
    }
}

impl ParamType {
    /// The typed value of a text, a typed null of none; none where the text cannot be taken.
    fn value(&self, text: Option<&str>) -> Option<ScalarValue> {
        let Some(text) = text else { return Some(self.null()) };
        match self {
            Self::Date => days_since_1970(text).map(|days| ScalarValue::Date32(Some(days))),
            Self::Integer => integer(text).map(|number| ScalarValue::Int64(Some(number))),
            Self::Share => share(text).map(ScalarValue::from),
            Self::Text => Some(ScalarValue::from(text)),
            // As the zone database writes it: other engines take no other case.
            Self::Zone => time_zone(text).ok()?.iana_name().filter(|name| *name != "Factory").map(ScalarValue::from),
            Self::OneOf(words) => words.contains(&text).then(|| ScalarValue::from(text)),
        }
    }

    fn null(&self) -> ScalarValue {
        match self {
            Self::Date => ScalarValue::Date32(None),
            Self::Integer => ScalarValue::Int64(None),
            Self::Share => ScalarValue::Float64(None),
            Self::Text | Self::Zone | Self::OneOf(_) => ScalarValue::Utf8(None),
        }
    }

    /// What may be given, in words.
    pub fn expected(&self) -> String {
        match self {
            Self::Date => "a date as `2026-01-31`".to_owned(),
            Self::Text => "text".to_owned(),
            Self::Zone => "an IANA time zone as `America/New_York`".to_owned(),
            Self::Integer => format!("a whole number from 0 to {MOST}"),
            Self::Share => "a number from 0 to 1".to_owned(),
            Self::OneOf(words) => format!("one of {}", quoted(words, ", ")),
        }
    }
}

fn integer(text: &str) -> Option<i64> {
    text.parse().ok().filter(|number| (0..=MOST).contains(number))
}

fn share(text: &str) -> Option<f64> {
    text.parse().ok().filter(|share| (0.0..=1.0).contains(share))
}
