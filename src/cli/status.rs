//! `kore-lake status`.

use std::collections::BTreeSet;
use std::fmt::{self, Display, Write as _};
use std::time::Duration;

use kore_lake::clock::{TimeRange, UtcTime};
use kore_lake::config::OutputFormat;
use kore_lake::error::{Error, Kind};
use kore_lake::lake::{AccountStatus, Lake, Owed, RunLine, RunState, StreamStatus};
use kore_lake::pipeline::{self, habits};
use kore_lake::schema::AccountId;
use kore_lake::source::FilteredTime;
use serde::Serialize;

use super::summary::bytes;
use super::{End, Invocation, duration, print};

/// Version of the JSON. A new member does not raise it.
const STATUS_VERSION: u32 = 1;

/// Ranges of a kind that are shown; the others are counted.
const SHOWN_RANGES: usize = 8;

#[derive(Serialize)]
struct Standings {
    status_version: u32,
    /// The present that ages count from.
    now: UtcTime,
    accounts: Vec<AccountStatus>,
    /// Streams whose windows were seen to filter the end of a session, not its start (F17): their open rows are found
    /// when they end.
    filtered_by_end: BTreeSet<String>,
    /// What was read up to a time longer ago than `--max-age`; none where that was not asked.
    too_old: Vec<TooOld>,
}

/// An account or stream that was read up to a time longer ago than asked for.
#[derive(Serialize)]
struct TooOld {
    account_id: AccountId,
    stream_id: Option<String>,
    provisional_up_to: Option<UtcTime>,
}

pub async fn run(invocation: &Invocation) -> Result<End, Error> {
    let settings = &invocation.settings;
    let asked = invocation.argument("max_age");
    let max_age = asked.map(|text| duration("--max-age", text)).transpose()?;
    let lake = pipeline::open_lake(settings, &invocation.options).await?;
    let now = settings.now.unwrap_or_else(UtcTime::now);
    let (mut accounts, mut filtered_by_end) = (Vec::new(), BTreeSet::new());
    for account in accounts_of(&lake, settings.account_id.as_ref()).await? {
        let mut status = lake.status(&account, settings.since, now).await?;
        for stream in &mut status.streams {
            let planning = stream.planning.take(); // hundreds of numbers that serve planning only
            let filtered = planning.as_ref().and_then(habits).and_then(|habits| habits.filtered);
            if filtered == Some(FilteredTime::End) {
                filtered_by_end.extend(stream.stream_id.as_ref().map(ToString::to_string));
            }
        }
        status.streams.retain(|stream| settings.stream_id.is_none() || stream.stream_id == settings.stream_id);
        accounts.push(status);
    }
    let wanted = settings.stream_id.as_ref().map(ToString::to_string);
    let too_old = max_age.map_or_else(Vec::new, |age| too_old(&accounts, wanted.as_ref(), now.minus(age)));
    let status = Standings { status_version: STATUS_VERSION, now, accounts, filtered_by_end, too_old };
    print::result(&match settings.output {
        OutputFormat::Json => json(&status)?,
        OutputFormat::Text => status.to_string(),
    })
    .map_err(Error::Output)?;
    Ok(asked.map_or(End::Done, |age| verdict(&status, age)))
}

/// The account asked for, else every account of which there is anything: days alone, too.
pub async fn accounts_of(lake: &Lake, asked: Option<&AccountId>) -> Result<Vec<AccountId>, Error> {
    if let Some(account) = asked {
        return Ok(vec![account.clone()]);
    }
    let mut accounts: BTreeSet<_> = lake.accounts().await?.into_iter().collect();
    accounts.extend(lake.list_partitions().await?.into_iter().map(|partition| partition.account));
    Ok(accounts.into_iter().collect())
}

/// What was read up to a time before `oldest`, or never. Pages that name no stream are replayed, never loaded.
fn too_old(accounts: &[AccountStatus], stream_id: Option<&String>, oldest: UtcTime) -> Vec<TooOld> {
    let mut found = Vec::new();
    for account in accounts {
        let named: Vec<_> = account.streams.iter().filter(|stream| stream.stream_id.is_some()).collect();
        if named.is_empty() {
            let (account_id, stream_id) = (account.account_id.clone(), stream_id.cloned());
            found.push(TooOld { account_id, stream_id, provisional_up_to: None });
        }
        for stream in named.into_iter().filter(|stream| stream.provisional_up_to.is_none_or(|up_to| up_to < oldest)) {
            found.push(TooOld {
                account_id: account.account_id.clone(),
                stream_id: stream.stream_id.as_ref().map(ToString::to_string),
                provisional_up_to: stream.provisional_up_to,
            });
        }
    }
    found
}

/// What the ages mean for the caller. A lake without accounts is no fresh one.
fn verdict(status: &Standings, max_age: &str) -> End {
    let expected = format!("at most {max_age} ago");
    for old in &status.too_old {
        let found = old.provisional_up_to.map_or_else(
            || "nothing read".to_owned(),
            |up_to| format!("`{up_to}`, {} ago", exactly(status.now, up_to)),
        );
        let stream = old.stream_id.as_ref().map_or_else(String::new, |stream| format!("stream `{stream}` of "));
        print::note(&format!(
            "error: {stream}account `{}`: expected rows up to {expected}, found {found}",
            old.account_id
        ));
    }
    if status.accounts.is_empty() {
        print::note(&format!("error: expected an account with rows up to {expected}, found no account"));
    } else if status.too_old.is_empty() {
        return End::Done;
    }
    print::note("hint: run `load`");
    End::Short(Kind::TooOld)
}

fn json(status: &Standings) -> Result<String, Error> {
    let text = serde_json::to_string_pretty(status).map_err(|error| Error::Unexpected(error.to_string()))?;
    Ok(text + "\n")
}

/// How long ago `then` was, in seconds: it may be just above a limit.
fn exactly(now: UtcTime, then: UtcTime) -> humantime::FormattedDuration {
    humantime::format_duration(Duration::from_secs(now.since(then).as_secs()))
}

/// How long ago `then` was, rounded down to a unit of which there are some.
fn ago(now: UtcTime, then: UtcTime) -> String {
    let seconds = now.since(then).as_secs();
    let (minutes, hours) = (seconds / 60, seconds / 3_600);
    match seconds {
        0..120 => format!("{seconds} seconds"),
        120..7_200 => format!("{minutes} minutes"),
        7_200..345_600 => format!("{hours} hours"),
        _ => format!("{} days", hours / 24),
    }
}

/// The status for reading: a block an account, in it one a stream.
impl Display for Standings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.accounts.is_empty() {
            return writeln!(f, "no account");
        }
        for (position, account) in self.accounts.iter().enumerate() {
            if position > 0 {
                writeln!(f)?;
            }
            write!(f, "{}", account_text(account))?;
            for stream in &account.streams {
                write!(f, "{}", stream_text(stream, self))?;
            }
        }
        Ok(())
    }
}

fn account_text(account: &AccountStatus) -> String {
    let AccountStatus { account_id, days, rows, .. } = account;
    let version = account.api_version.map_or_else(String::new, |version| format!(", API {version}"));
    let dates = account.first_day.zip(account.last_day);
    let dates = dates.map_or_else(String::new, |(first, last)| format!(", {first} to {last}"));
    let mut out = format!("account {account_id}\n");
    let _ = writeln!(out, "  {:<12} {days} ({}){dates}", "days", bytes(account.bytes));
    let _ = writeln!(out, "  {:<12} {rows}{version}", "rows");
    if let Some(lock) = &account.lock {
        let _ = writeln!(out, "  {:<12} held by {}, last heard of at {}", "lock", lock.holder, lock.heartbeat);
    }
    if account.streams.is_empty() {
        let _ = writeln!(out, "  {:<12} none", "streams");
    }
    out
}

fn stream_text(stream: &StreamStatus, standings: &Standings) -> String {
    let now = standings.now;
    let name = stream.stream_id.as_ref().map_or_else(|| "(pages that name none)".to_owned(), ToString::to_string);
    let mut out = format!("  stream {name}\n");
    let mut line = |name: &str, value: String| {
        let _ = writeln!(out, "    {name:<12} {value}");
    };
    line("provisional", stream.provisional_up_to.map_or_else(nothing, |up_to| up_to_text(up_to, now)));
    line("final", stream.final_up_to.map_or_else(nothing, |up_to| up_to_text(up_to, now)));
    if let Some(seconds) = stream.lookback_seconds {
        line("lookback", humantime::format_duration(Duration::from_secs(seconds)).to_string());
    }
    let oldest = stream.open_rows.oldest.map_or_else(String::new, |start| format!(", the oldest from {start}"));
    let by_end = stream.stream_id.as_ref().is_some_and(|id| standings.filtered_by_end.contains(id.as_str()));
    let found = if by_end { "; windows filter the end of a session, so these are found when they end" } else { "" };
    line("open rows", format!("{}{oldest}{found}", stream.open_rows.rows));
    line("last run", stream.last_run.as_ref().map_or_else(|| "none".to_owned(), run_text));
    let mut lines = |name: &str, ranges: Vec<String>| {
        for (position, range) in shortened(ranges).into_iter().enumerate() {
            line(if position == 0 { name } else { "" }, range);
        }
    };
    lines("gaps", stream.gaps.iter().map(|range| range_text(*range)).collect());
    lines("owed", stream.owed.iter().map(owed_text).collect());
    if stream.intent.is_some() {
        lines("unfinished", stream.unfinished.iter().map(|range| range_text(*range)).collect());
    }
    out
}

fn nothing() -> String {
    "nothing yet".to_owned()
}

fn up_to_text(up_to: UtcTime, now: UtcTime) -> String {
    format!("up to {up_to}, {} ago", ago(now, up_to))
}

/// As `--accept` takes it.
fn range_text(range: TimeRange) -> String {
    format!("{}/{}", range.from(), range.to())
}

fn owed_text(owed: &Owed) -> String {
    let why = owed.evidence["unreadable"].as_str().map_or_else(String::new, |why| format!(": {why}"));
    format!("{}, tried at {}{why}", range_text(owed.range), owed.read_at)
}

/// The first of the lines, and how many there are besides; `none` where there is none.
fn shortened(mut lines: Vec<String>) -> Vec<String> {
    let others = lines.len().saturating_sub(SHOWN_RANGES);
    lines.truncate(SHOWN_RANGES);
    if others > 0 {
        lines.push(format!("{others} more"));
    }
    if lines.is_empty() { vec!["none".to_owned()] } else { lines }
}

fn run_text(run: &RunLine) -> String {
    let state = match run.state {
        RunState::Open => "not ended",
        RunState::Complete => "complete",
        RunState::Incomplete => "incomplete",
        RunState::Stopped => "stopped",
        RunState::Failed => "failed",
    };
    let RunLine { command, rows_new, rows_changed, requests, started_at, .. } = run;
    format!("{command}, {state}, began {started_at}; {requests} requests, {rows_new} rows new, {rows_changed} changed")
}
