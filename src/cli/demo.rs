//! `kore-lake demo`: the main job on a simulated week, without network or configuration.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use kore_lake::clock::{TimeRange, UtcTime};
use kore_lake::error::Error;
use kore_lake::lake::{Lake, LakeUrl};
use kore_lake::pipeline::{self, LoadRequest};
use kore_lake::query::{Format, Rows, reports};
use kore_lake::schema::ApiVersion;
use kore_lake::simulator::{Running, Simulator, SimulatorSettings};
use kore_lake::source::{BaseUrl, Client, ClientSettings, Credentials, JwtAlgorithm, Key, RateLimiter, Secret};

use super::output::Output;
use super::progress::Bar;
use super::{End, Invocation, print, query, summary};

/// Rows of each report that are shown.
const SHOWN_ROWS: usize = 8;

/// Conversations on a working day: enough for every kind, few enough for an unoptimised build.
const PER_DAY: u32 = 300;

pub async fn run(invocation: &Invocation) -> Result<End, Error> {
    let url: LakeUrl = invocation.settings.lake.parse()?;
    let lake = Lake::create(&url)?;
    let mut settings = SimulatorSettings::default();
    settings.data.conversations_per_day = PER_DAY;
    let simulator = Simulator::start(settings).await?;
    print::note(&format!("1/3  a contact centre is simulated at {}", simulator.base_url()));
    print::note(&format!("2/3  its week is loaded into {url}"));
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
        account_id: data.account_id.parse()?,
        stream_id: stream.parse()?,
        api: ApiVersion::V2,
        range: TimeRange::new(from, to)?,
        window: Duration::from_hours(24),
        concurrency: invocation.settings.concurrency,
        save_pages: None,
        allow_downgrade: false,
        wait_lock: Duration::ZERO,
        memory_limit_bytes: invocation.settings.memory_limit_bytes,
        strict: false,
    })
}

/// Runs the reports and shows the first rows of each.
async fn show_reports(invocation: &Invocation) -> Result<(), Error> {
    let session = query::open(invocation).await?;
    for report in reports() {
        let params = report.bind(&BTreeMap::new())?;
        let rows = session.report(report, &params).await?;
        let schema = rows.schema();
        let batches = rows.collect().await?;
        let all = batches.iter().map(RecordBatch::num_rows).sum::<usize>();
        print::result(&format!("## {}\n{}\n", report.name, report.purpose)).map_err(Error::Output)?;
        let mut output = Output::stdout();
        query::write_rows(first(schema, &batches), Format::Table, &mut output).await?;
        output.finish()?;
        if all > SHOWN_ROWS {
            let (program, lake) = (&invocation.program, &invocation.settings.lake);
            let rest = all - SHOWN_ROWS;
            let more = format!("… and {rest} rows more: {program} report --lake {lake} {}\n", report.name);
            print::result(&more).map_err(Error::Output)?;
        }
        print::result("\n").map_err(Error::Output)?;
    }
    Ok(())
}

fn first(schema: SchemaRef, batches: &[RecordBatch]) -> Rows {
    let mut left = SHOWN_ROWS;
    let mut shown = Vec::new();
    for batch in batches {
        let rows = left.min(batch.num_rows());
        shown.push(Ok(batch.slice(0, rows)));
        left -= rows;
    }
    Rows::new(schema, futures::stream::iter(shown))
}

fn next_steps(invocation: &Invocation) -> Result<(), Error> {
    let (program, lake) = (&invocation.program, &invocation.settings.lake);
    print::result(&format!(
        "The lake lies in {lake}. Try next:\n\n  \
         {program} query --lake {lake} -c \"SELECT channel, count(*) FROM contacts GROUP BY 1 ORDER BY 2 DESC\"\n  \
         {program} report --lake {lake} service_level --param interval=60m --param time_zone=America/New_York\n  \
         {program} schema --format duckdb --lake {lake}\n"
    ))
    .map_err(Error::Output)
}
