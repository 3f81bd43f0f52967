//! `kore-lake demo`: the main job on a simulated week, without network or configuration.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use kore_lake::clock::{TimeRange, UtcTime};
use kore_lake::error::Error;
use kore_lake::lake::Lake;
use kore_lake::pipeline::{self, LoadRequest};
use kore_lake::query::{Format, Rows, report};
use kore_lake::schema::ApiVersion;
use kore_lake::simulator::{Running, Simulator, SimulatorSettings};
use kore_lake::source::{BaseUrl, Client, ClientSettings, Credentials, JwtAlgorithm, Key, RateLimiter, Secret};

use super::output::Output;
use super::progress::Bar;
use super::report::title;
use super::{End, Invocation, print, query, summary};

/// The reports that are shown, of each as many columns as a screen is wide.
const SHOWN: [(&str, &[&str]); 5] = [
    ("volume", &["interval_start", "channel", "contacts", "inbound", "outbound", "open"]),
    ("containment", &["channel", "sessions", "completed_share", "dropped_off_share", "handed_over_share"]),
    ("service_level", &["interval_start", "queue_name", "met", "counted", "service_level", "abandoned"]),
    ("queue_wait", &["queue_name", "answered", "asa_seconds", "p50_seconds", "p90_seconds", "max_seconds"]),
    ("agent_performance", &["agent_name", "channel", "offered", "answered", "missed", "aht_seconds"]),
];

/// Rows of each report that are shown.
const SHOWN_ROWS: usize = 8;

/// Conversations on a working day: enough for every kind, few enough for an unoptimised build.
const PER_DAY: u32 = 300;

pub async fn run(invocation: &Invocation) -> Result<End, Error> {
    let lake = pipeline::create_lake(&invocation.settings, &invocation.options).await?;
    let mut settings = SimulatorSettings::default();
    settings.data.conversations_per_day = PER_DAY;
    expect_no_other_account(&lake, &settings.data.account_id).await?;
    let simulator = Simulator::start(settings).await?;
    print::note(&format!("1/3  a contact centre is simulated at {}", simulator.base_url()));
    print::note(&format!("2/3  its week is loaded into {}", lake.url()));
    let bar = Bar::new(invocation.shows_progress());
    let request = request(&simulator, invocation)?;
    let source = Arc::new(client(&simulator)?);
    let finished = pipeline::load(&lake, source, &request, &bar, invocation.stop.clone()).await;
    bar.clear();
    let end = summary::close(invocation, finished)?;
    simulator.stop().await?;
    print::note("3/3  reports over the lake\n");
    show_reports(invocation).await?;
    next_steps(invocation)?;
    Ok(end)
}

/// Simulated conversations must not come to lie among real ones.
async fn expect_no_other_account(lake: &Lake, simulated: &str) -> Result<(), Error> {
    let accounts = lake.accounts().await?;
    match accounts.iter().find(|account| account.as_str() != simulated) {
        Some(account) => Err(Error::Usage(format!(
            "expected a lake for simulated conversations in `{}`, found account `{account}` in it; give another `--lake`",
            lake.url()
        ))),
        None => Ok(()),
    }
}

fn client(simulator: &Running) -> Result<Client, Error> {
    let settings = simulator.simulator().settings();
    let key = Key {
        client_id: settings.client_id.clone(),
        client_secret: Secret::new(settings.client_secret.clone()),
        algorithm: JwtAlgorithm::Hs256,
        subject: None,
        jti: false,
    };
    let url = BaseUrl::parse(&simulator.base_url(), false)?;
    Ok(Client::new(ClientSettings::new(url, Credentials::Key(key)), RateLimiter::per_minute(0))?)
}

fn request(simulator: &Running, invocation: &Invocation) -> Result<LoadRequest, Error> {
    let data = simulator.generator().settings();
    let from: UtcTime = data.start.to_string().parse()?;
    let to = from.plus(Duration::from_hours(24 * u64::from(data.days)));
    let stream = data.stream_ids.first().cloned().unwrap_or_default();
    Ok(LoadRequest {
        range: Some(TimeRange::new(from, to)?),
        lookback: invocation.settings.lookback,
        window: invocation.settings.window,
        concurrency: invocation.settings.concurrency,
        memory_limit_bytes: invocation.settings.memory_limit_bytes,
        ..LoadRequest::new(data.account_id.parse()?, stream.parse()?, ApiVersion::V2)
    })
}

/// Runs the reports and shows the first rows and the main columns of each.
async fn show_reports(invocation: &Invocation) -> Result<(), Error> {
    let session = query::open(invocation).await?;
    for (name, columns) in SHOWN {
        let report = report(name)?;
        let rows = session.report(report, &report.bind(&BTreeMap::new())?).await?;
        let schema = rows.schema();
        let batches = rows.collect().await?;
        let mut output = Output::stdout();
        output.writer().write_all(title(report).as_bytes()).map_err(Error::Output)?;
        query::write_rows(excerpt(&schema, &batches, columns)?, Format::Table, &mut output).await?;
        output.finish()?;
        let all = batches.iter().map(RecordBatch::num_rows).sum::<usize>();
        let (program, lake) = in_a_shell(invocation);
        let rest = format!(
            "{} of {all} rows, {} of {} columns; all of them: {program} report --lake {lake} {name}\n\n",
            all.min(SHOWN_ROWS),
            columns.len(),
            schema.fields().len()
        );
        print::result(&rest).map_err(Error::Output)?;
    }
    Ok(())
}

fn excerpt(schema: &SchemaRef, batches: &[RecordBatch], columns: &[&str]) -> Result<Rows, Error> {
    let unexpected = |error: ArrowError| Error::Unexpected(error.to_string());
    let columns: Vec<_> =
        columns.iter().map(|name| schema.index_of(name)).collect::<Result<_, _>>().map_err(unexpected)?;
    let mut left = SHOWN_ROWS;
    let mut shown = Vec::new();
    for batch in batches {
        let rows = left.min(batch.num_rows());
        shown.push(Ok(batch.slice(0, rows).project(&columns).map_err(unexpected)?));
        left -= rows;
    }
    let schema = Arc::new(schema.project(&columns).map_err(unexpected)?);
    Ok(Rows::new(schema, futures::stream::iter(shown)))
}

/// The program and the lake as words of a shell.
fn in_a_shell(invocation: &Invocation) -> (Cow<'_, str>, Cow<'_, str>) {
    (shell_words::quote(&invocation.program), shell_words::quote(&invocation.settings.lake))
}

fn next_steps(invocation: &Invocation) -> Result<(), Error> {
    let (program, lake) = in_a_shell(invocation);
    print::result(&format!(
        "The lake lies in {lake}. Try next:\n\n  \
         {program} query --lake {lake} -c \"SELECT channel, count(*) FROM contacts GROUP BY 1 ORDER BY 2 DESC\"\n  \
         {program} report --lake {lake} service_level --param interval=60m --param time_zone=America/New_York\n  \
         {program} schema --format duckdb --lake {lake}\n"
    ))
    .map_err(Error::Output)
}
