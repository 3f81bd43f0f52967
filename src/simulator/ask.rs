//! What is asked: path, query and body, checked (F1–F4).

use axum::http::request::Parts;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use super::behaviour::Behaviour;
use super::moment::Window;
use super::readings::RangeLimit;
use super::refusal::Refusal;
use super::view::{Api, Field, View};

/// Fourteen hours either way.
const OFFSET_MINUTES: i64 = 14 * 60;
/// Seconds.
const DAY: i64 = 86_400;

/// What a path addresses.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) api: Api,
    pub(super) account_id: String,
}

impl Route {
    /// Paths are taken in any case: the documents write both `interactionDetails` and `interactiondetails`.
    pub(super) fn of(path: &str) -> Option<Self> {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let (front, rest) = parts.split_at_checked(5)?;
        let &[account_id, ref call @ ..] = rest else { return None };
        let lower = |parts: &[&str]| parts.join("/").to_ascii_lowercase();
        if lower(front) != "agentassist/api/public/analytics/account" {
            return None;
        }
        let api = match lower(call).as_str() {
            "calldetails" => Api::V1,
            "v2/interactiondetails" | "v2/calldetails" => Api::V2,
            _ => return None,
        };
        Some(Self { api, account_id: account_id.to_owned() })
    }
}

/// The body of a request, checked.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ask {
    pub(super) window: Window,
    pub(super) view: View,
    pub(super) filter: Filter,
}

/// What rows are asked for besides their start; empty lists ask for all.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Filter {
    pub(super) channels: Vec<String>,
    pub(super) queues: Vec<String>,
    pub(super) bots: Vec<String>,
    /// `Inbound` or `Outbound`.
    pub(super) direction: Option<&'static str>,
    /// Bot-only sessions only, or none of them.
    pub(super) bot_only: Option<bool>,
}

impl Ask {
    pub(super) fn of(api: Api, body: &[u8], behaviour: &Behaviour) -> Result<Self, Refusal> {
        let Ok(Value::Object(body)) = serde_json::from_slice(body) else {
            return Err(Refusal::invalid("the body must be a JSON object"));
        };
        let time_zone_offset = time_zone_offset(&body)?;
        Ok(Self {
            window: window(&body, time_zone_offset, behaviour)?,
            view: View { api, time_zone_offset, fields: selected_fields(&body)? },
            filter: Filter::of(api, &body, behaviour)?,
        })
    }
}

impl Filter {
    fn of(api: Api, body: &Map<String, Value>, behaviour: &Behaviour) -> Result<Self, Refusal> {
        if api == Api::V1 && body.contains_key("bots") {
            return Err(Refusal::invalid("bots is not allowed"));
        }
        Ok(Self {
            channels: texts(body, "channels")?.iter().map(|channel| channel.to_ascii_lowercase()).collect(),
            queues: texts(body, "queues")?,
            bots: texts(body, "bots")?,
            direction: direction(body)?,
            bot_only: bot_only(body)?.filter(|_| behaviour.is_automation_honoured),
        })
    }

    /// Whether nothing but the kind of a row decides.
    pub(super) fn is_about_kind_only(&self) -> bool {
        let Self { channels, queues, bots, direction, bot_only: _ } = self;
        channels.is_empty() && queues.is_empty() && bots.is_empty() && direction.is_none()
    }

    /// Whether every row passes.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn time_zone_offset(body: &Map<String, Value>) -> Result<i32, Refusal> {
    let minutes = match body.get("timeZoneOffset") {
        None | Some(Value::Null) => return Err(Refusal::invalid("timeZoneOffset is required")),
        Some(value) => value.as_i64().ok_or_else(|| Refusal::invalid("timeZoneOffset must be a number"))?,
    };
    i32::try_from(minutes)
        .ok()
        .filter(|_| minutes.abs() <= OFFSET_MINUTES)
        .ok_or_else(|| Refusal::invalid("timeZoneOffset must be between -840 and 840"))
}

fn window(body: &Map<String, Value>, offset: i32, behaviour: &Behaviour) -> Result<Window, Refusal> {
    let start = bound(body, "startDate", Time::midnight())?;
    let end = bound(body, "endDate", Time::constant(23, 59, 59, 0))?;
    if end < start {
        return Err(Refusal::invalid("endDate must not be before startDate"));
    }
    let too_long = match behaviour.range {
        RangeLimit::Hours168 => end - start > 7 * DAY,
        RangeLimit::CalendarDays7 => end.div_euclid(DAY) - start.div_euclid(DAY) >= 7,
    };
    if too_long {
        return Err(Refusal::invalid("The date range cannot be more than 7 days"));
    }
    let shift = i64::from(offset) * 60;
    Ok(Window { start: start + shift, end: end + shift })
}

/// A local time as seconds; a date alone means `time` of that day.
fn bound(body: &Map<String, Value>, name: &str, time: Time) -> Result<i64, Refusal> {
    let text = match body.get(name) {
        None | Some(Value::Null) => return Err(Refusal::invalid(format!("{name} is required"))),
        Some(value) => value.as_str().unwrap_or_default(),
    };
    let local = match text.len() {
        10 => Date::strptime("%Y-%m-%d", text).map(|date| date.to_datetime(time)),
        _ => DateTime::strptime("%Y-%m-%d %H:%M:%S", text),
    };
    let seconds = |local: DateTime| local.to_zoned(TimeZone::UTC).map(|time| Timestamp::from(time).as_second());
    local
        .and_then(seconds)
        .ok()
        .filter(|_| [10, 19].contains(&text.len()))
        .ok_or_else(|| Refusal::invalid(format!("{name} must have the format yyyy-mm-dd HH:MM:SS")))
}

fn selected_fields(body: &Map<String, Value>) -> Result<Vec<Field>, Refusal> {
    let named = |name: &String| {
        Field::named(name).ok_or_else(|| Refusal::invalid(format!("selectedFields does not allow \"{name}\"")))
    };
    texts(body, "selectedFields")?.iter().map(named).collect()
}

/// A flat list of strings, empty if absent.
fn texts(body: &Map<String, Value>, name: &str) -> Result<Vec<String>, Refusal> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(list) => serde_json::from_value(list.clone())
            .map_err(|_| Refusal::invalid(format!("{name} must be an array of strings"))),
    }
}

fn direction(body: &Map<String, Value>) -> Result<Option<&'static str>, Refusal> {
    match body.get("direction").map(|value| value.as_str().unwrap_or_default()) {
        None | Some("Both") => Ok(None),
        Some("Inbound") => Ok(Some("Inbound")),
        Some("Outbound") => Ok(Some("Outbound")),
        Some(_) => Err(Refusal::invalid("direction must be one of Inbound, Outbound, Both")),
    }
}

fn bot_only(body: &Map<String, Value>) -> Result<Option<bool>, Refusal> {
    match body.get("isAutomation") {
        None => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(_) => Err(Refusal::invalid("isAutomation must be a boolean")),
    }
}

/// What stands in the headers (F2).
pub(super) fn header<'a>(parts: &'a Parts, name: &str) -> Option<&'a str> {
    parts.headers.get(name).and_then(|value| value.to_str().ok())
}
