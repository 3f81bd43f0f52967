//! `kore-lake load` and `kore-lake plan`.

use std::fmt::Write as _;
use std::sync::Arc;

use kore_lake::clock::{TimeRange, UtcTime};
use kore_lake::config::{OutputFormat, Settings};
use kore_lake::error::Error;
use kore_lake::lake::LakeError;
use kore_lake::pipeline::{self, LoadRequest, Plan};

use super::progress::Bar;
use super::{End, Invocation, print, range, summary};

/// Windows of a plan that are listed as text; JSON has all.
const SHOWN_WINDOWS: usize = 20;

pub async fn run(invocation: &Invocation) -> Result<End, Error> {
    if let Some(accepted) = range::accepted(invocation)? {
        return accept(invocation, accepted).await;
    }
    Settings::needed("host", invocation.settings.host.as_ref())?;
    let request = request(invocation)?;
    let source = pipeline::client(&invocation.settings, &invocation.options)?;
    let lake = pipeline::create_lake(&invocation.settings, &invocation.options).await?;
    let bar = Bar::new(invocation.shows_progress());
    let finished = pipeline::load(&lake, Arc::new(source), &request, &bar, invocation.stop.clone()).await;
    bar.clear();
    summary::close(invocation, finished)
}

/// Closes owed windows by hand.
async fn accept(invocation: &Invocation, accepted: TimeRange) -> Result<End, Error> {
    let lake = pipeline::open_lake(&invocation.settings, &invocation.options).await?;
    for owed in pipeline::accept(&lake, &request(invocation)?, accepted).await? {
        print::result(&format!("accepted {}\n", owed.range)).map_err(Error::Output)?;
    }
    Ok(End::Done)
}

/// Says what a load would do.
pub async fn plan(invocation: &Invocation) -> Result<End, Error> {
    let settings = &invocation.settings;
    let lake = match pipeline::open_lake(settings, &invocation.options).await {
        Ok(lake) => Some(lake),
        Err(Error::Lake(LakeError::Absent { .. })) => None,
        Err(error) => return Err(error),
    };
    let plan = pipeline::plan(lake.as_ref(), &request(invocation)?, settings.rate).await?;
    let out = match settings.output {
        OutputFormat::Json => {
            serde_json::to_string_pretty(&plan).map_err(|error| Error::Unexpected(error.to_string()))? + "\n"
        }
        OutputFormat::Text => text(&plan, settings.rate),
    };
    print::result(&out).map_err(Error::Output)?;
    Ok(End::Done)
}

fn request(invocation: &Invocation) -> Result<LoadRequest, Error> {
    let settings = &invocation.settings;
    Ok(LoadRequest {
        account_id: Settings::needed("account_id", settings.account_id.clone())?,
        stream_id: Settings::needed("stream_id", settings.stream_id.clone())?,
        api: settings.api,
        range: range::asked(invocation)?,
        now: settings.now.unwrap_or_else(UtcTime::now),
        since: settings.since,
        lookback: settings.lookback,
        window: settings.window,
        concurrency: settings.concurrency,
        max_requests: settings.max_requests,
        max_duration: settings.max_duration,
        save_pages: settings.save_pages.clone(),
        allow_downgrade: settings.allow_downgrade,
        wait_lock: settings.wait_lock,
        memory_limit_bytes: settings.memory_limit_bytes,
        strict: settings.strict,
    })
}

fn text(plan: &Plan, rate: u32) -> String {
    let mut out = String::new();
    let mut line = |name: &str, value: String| {
        let _ = writeln!(out, "{name:<9} {value}");
    };
    for range in &plan.ranges {
        line("read", range.to_string());
    }
    for range in &plan.resumed {
        line("resume", format!("{range}, which an earlier run had not read"));
    }
    let about = |number: Option<u64>| number.map_or("unknown".to_owned(), |number| format!("about {number}"));
    match plan.requests {
        Some(requests) => {
            line("windows", plan.windows.len().to_string());
            line("rows", about(plan.rows));
            line("requests", format!("about {requests}"));
            line("time", time(plan.seconds, rate));
        }
        None => line("windows", "unknown: nothing is known of this traffic yet, the first windows show it".to_owned()),
    }
    for window in plan.windows.iter().take(SHOWN_WINDOWS) {
        let pages = if window.one_page { ", on one page" } else { "" };
        line(
            "window",
            format!("{}: rows {}, requests {}{pages}", window.range, about(window.rows), about(window.requests)),
        );
    }
    if plan.windows.len() > SHOWN_WINDOWS {
        line("", format!("… and {} more; --output json lists all", plan.windows.len() - SHOWN_WINDOWS));
    }
    out
}

fn time(seconds: Option<u64>, rate: u32) -> String {
    match seconds {
        None => "as fast as the server answers: no rate limit is set".to_owned(),
        Some(seconds) => {
            format!("about {} h {:02} min at {rate} requests a minute", seconds / 3_600, seconds % 3_600 / 60)
        }
    }
}
