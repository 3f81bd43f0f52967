use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::standing::{Standing, freshness, standing};
use crate::clock::{TimeRange, UtcTime};
use crate::lake::{AccountStatus, SessionDate};
use crate::query::{Format, QueryError, Report, Rows, Session, render, report};

/// Version of the JSON that the page reads.
const VERSION: u32 = 1;

/// Days of a page that names none: a week.
const DAYS: i32 = 7;

/// The reports on the page: the name that it knows each by, the report, the interval that it is asked by.
const SHOWN: [(&str, &str, Option<&str>); 11] = [
    ("volume_week", "volume", Some("weekday_hour")),
    ("volume", "volume", Some("day")),
    ("containment", "containment", None),
    ("service_level", "service_level", Some("day")),
    ("queue_wait", "queue_wait", None),
    ("abandonment", "abandonment", None),
    ("agent_performance", "agent_performance", None),
    ("callbacks", "callbacks", None),
    ("satisfaction", "satisfaction", None),
    ("dispositions", "dispositions", None),
    ("data_quality", "data_quality", None),
];
/// The parameter that the page sets.
const INTERVAL: &str = "interval";

/// A table on the page that is no report.
struct Table {
    title: &'static str,
    purpose: &'static str,
    /// Names, and what they hold.
    columns: &'static [(&'static str, &'static str)],
}

const FRESHNESS: Table = Table {
    title: "freshness",
    purpose: "How far each stream was read. `kore-lake status` tells more.",
    columns: &[
        ("account_id", "Account"),
        ("stream_id", "Stream"),
        ("loaded_through", "End of the last window read"),
        ("final_through", "Up to here nothing will be read again"),
        ("last_run_at", "End of the last run"),
    ],
};

const STATES: Table = Table {
    title: "days",
    purpose: "The days of the lake, in UTC, by what loads say of them. Pages that were replayed say nothing.",
    columns: &[
        ("day", "Day, UTC"),
        ("rows", "Rows in the lake"),
        ("state", "final, provisional (may still change), owed (could not be read whole) or missing (not read)"),
    ],
};

impl Table {
    fn filled(&self, rows: &[Value]) -> Value {
        let columns: Vec<_> = self.columns.iter().map(|(name, about)| json!({"name": name, "about": about})).collect();
        json!({"title": self.title, "purpose": self.purpose, "columns": columns, "rows": rows})
    }
}

/// What a page shows.
#[derive(Debug, Clone)]
pub struct DashboardRequest {
    /// The lake, as the page names it.
    pub lake: String,
    /// The present.
    pub made_at: UtcTime,
    /// Parameters of the reports by name; each report takes those that it knows. Without `from` and `to` the page shows
    /// the seven days that end with the lake's last.
    pub params: BTreeMap<String, String>,
    /// How the lake's accounts stand.
    pub accounts: Vec<AccountStatus>,
}

impl DashboardRequest {
    /// The accounts that the page tells of.
    fn accounts(&self) -> Vec<&AccountStatus> {
        let wanted = self.params.get("account");
        let is_wanted =
            |account: &&AccountStatus| wanted.is_none_or(|wanted| *wanted == account.account_id.to_string());
        self.accounts.iter().filter(is_wanted).collect()
    }

    /// Parameters with the days of the page, and those days; none where the lake has none.
    fn days(&self) -> (BTreeMap<String, String>, Vec<SessionDate>) {
        let accounts = self.accounts();
        let mut params = self.params.clone();
        let date = |name: &str| self.params.get(name).and_then(|text| text.parse::<SessionDate>().ok());
        let is_named = ["from", "to"].iter().any(|name| self.params.contains_key(*name));
        let first = accounts.iter().filter_map(|account| account.first_day).min().map(SessionDate::days);
        let end = accounts.iter().filter_map(|account| account.last_day).max().map(|day| day.days() + 1);
        let (mut from, mut to) = (date("from").map(SessionDate::days), date("to").map(SessionDate::days));
        if let (false, Some(end)) = (is_named, end) {
            (from, to) = (Some(end - DAYS), Some(end));
            for (name, day) in [("from", end - DAYS), ("to", end)] {
                params.insert(name.to_owned(), SessionDate::from_days(day).to_string());
            }
        }
        // Before the lake's first day and behind its last there is nothing to tell of.
        let (from, to) = (from.max(first), to.into_iter().chain(end).min());
        let days = first.and(from).zip(to).map(|(from, to)| (from..to).map(SessionDate::from_days).collect());
        (params, days.unwrap_or_default())
    }
}

/// All that stands on the page.
pub(super) async fn answers(session: &Session, request: &DashboardRequest) -> Result<Value, QueryError> {
    check(&request.params)?;
    let (params, days) = request.days();
    let mut reports = Map::new();
    for (key, name, interval) in SHOWN {
        reports.insert(key.to_owned(), answer(session, report(name)?, interval, &params).await?);
    }
    let accounts = request.accounts();
    reports.insert("freshness".to_owned(), FRESHNESS.filled(&freshness(&accounts)));
    reports.insert("days".to_owned(), STATES.filled(&day_rows(session, &accounts, &days).await?));
    let level = report("service_level")?.params.iter().find(|param| param.name == "target");
    let target = params.get("target").map(String::as_str).or(level.and_then(|param| param.default));
    Ok(json!({
        "schema": VERSION,
        "lake": request.lake,
        "made_at": request.made_at,
        "from": days.first().map(ToString::to_string),
        "to": days.last().map(|day| SessionDate::from_days(day.days() + 1).to_string()),
        "time_zone": params.get("time_zone").map_or("UTC", String::as_str),
        "target": target.and_then(|text| text.parse::<f64>().ok()),
        "version": env!("CARGO_PKG_VERSION"),
        "reports": reports,
    }))
}

/// Looks whether each parameter is one of some report's.
fn check(given: &BTreeMap<String, String>) -> Result<(), QueryError> {
    let mut known = BTreeSet::new();
    for (_, name, _) in SHOWN {
        known.extend(report(name)?.params.iter().map(|param| param.name).filter(|name| *name != INTERVAL));
    }
    let Some(unknown) = given.keys().find(|name| !known.contains(name.as_str())) else { return Ok(()) };
    let near = known.into_iter().map(str::to_owned).collect();
    Err(QueryError::UnknownPageParam { name: unknown.clone(), near })
}

async fn answer(
    session: &Session,
    report: &Report,
    interval: Option<&str>,
    given: &BTreeMap<String, String>,
) -> Result<Value, QueryError> {
    let takes = |name: &str| report.params.iter().any(|param| param.name == name);
    let mut params: BTreeMap<String, String> =
        given.iter().filter(|(name, _)| takes(name)).map(|(name, value)| (name.clone(), value.clone())).collect();
    params.extend(interval.map(|interval| (INTERVAL.to_owned(), interval.to_owned())));
    // Defaults stand there too: the page says what it was counted by.
    for param in &report.params {
        if let Some(default) = param.default {
            params.entry(param.name.to_owned()).or_insert_with(|| default.to_owned());
        }
    }
    let rows = session.report(report, &report.bind(&params)?).await?;
    let names: Vec<_> = report.columns.iter().map(|column| column.name).collect();
    let columns: Vec<_> =
        report.columns.iter().map(|column| json!({"name": column.name, "about": column.description})).collect();
    Ok(json!({
        "title": report.name,
        "purpose": report.purpose,
        "parameters": params,
        "columns": columns,
        "rows": cells(rows, &names).await?,
    }))
}

/// Each row as a list of its cells.
async fn cells(rows: Rows, names: &[&str]) -> Result<Vec<Value>, QueryError> {
    let mut text = Vec::new();
    render(rows, Format::Json, &mut text).await?;
    let rows: Vec<Map<String, Value>> = serde_json::from_slice(&text).expect("rows are written as JSON objects");
    Ok(rows.into_iter().map(|mut row| names.iter().map(|name| row.remove(*name)).collect()).collect())
}

/// A row a day: how many rows of the lake it has, and how it stands.
async fn day_rows(
    session: &Session,
    accounts: &[&AccountStatus],
    days: &[SessionDate],
) -> Result<Vec<Value>, QueryError> {
    let (Some(first), Some(last)) = (days.first(), days.last()) else { return Ok(Vec::new()) };
    let sql = format!(
        "SELECT account_id, session_date, count(*) AS rows FROM conversations \
         WHERE session_date BETWEEN DATE '{first}' AND DATE '{last}' GROUP BY account_id, session_date"
    );
    let statement = session.parse(&sql)?.remove(0);
    let ids: BTreeSet<String> = accounts.iter().map(|account| account.account_id.to_string()).collect();
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for row in cells(session.run(&statement).await?, &["account_id", "session_date", "rows"]).await? {
        if row[0].as_str().is_some_and(|account| ids.contains(account)) {
            *counts.entry(row[1].as_str().unwrap_or_default().to_owned()).or_default() += row[2].as_u64().unwrap_or(0);
        }
    }
    let row = |day: &SessionDate| {
        let date = day.to_string();
        let standing = standing(whole(*day), accounts).map(Standing::name);
        json!([date, counts.get(&date).copied().unwrap_or(0), standing])
    };
    Ok(days.iter().map(row).collect())
}

/// The time of a day, in UTC.
fn whole(day: SessionDate) -> TimeRange {
    let midnight = |days: i32| UtcTime::from_seconds(i64::from(days) * 86_400);
    TimeRange::new(midnight(day.days()), midnight(day.days() + 1)).expect("a day is a range")
}
