//! `kore-lake simulate`.

use std::net::SocketAddr;

use jiff::Timestamp;
use kore_lake::clock::UtcTime;
use kore_lake::error::Error;
use kore_lake::simulator::{Behaviour, Faults, GeneratorSettings, Simulator, SimulatorSettings};

use super::{End, Invocation, print};

pub async fn run(mut invocation: Invocation) -> Result<End, Error> {
    let mut running = Simulator::start(settings(&invocation)?).await?;
    let settings = running.simulator().settings();
    let data = &settings.data;
    // The address first, alone: a script that took a free port reads it here.
    print::result(&format!("{}\n", running.base_url())).map_err(Error::Output)?;
    print::note(&format!(
        "serving {} conversations from {} on, {} days; stop with Ctrl-C. To load them:\n\n  \
         export KORE_LAKE_CLIENT_ID='{}' KORE_LAKE_CLIENT_SECRET='{}'\n  \
         {} load --host {} --account-id {} --stream-id {} --from {}{} --rate 0\n",
        running.generator().rows(),
        data.start,
        data.days,
        settings.client_id,
        settings.client_secret,
        invocation.program,
        running.base_url(),
        data.account_id,
        data.stream_ids.first().map_or("", String::as_str),
        data.start,
        settings.now.map_or_else(String::new, |now| format!(" --now {now}")),
    ));
    tokio::select! {
        ended = running.wait() => return ended.map(|()| End::Done).map_err(Error::from),
        () = invocation.stop.requested() => {}
    }
    running.stop().await?;
    Ok(End::Done)
}

fn settings(invocation: &Invocation) -> Result<SimulatorSettings, Error> {
    let matches = &invocation.matches;
    let defaults = SimulatorSettings::default();
    let text = |name: &str| invocation.argument(name).cloned().unwrap_or_default();
    let usage =
        |name: &str, expected: &str| Error::Usage(format!("`--{name}`: expected {expected}, found `{}`", text(name)));
    let number = |name: &str| matches.get_one::<u32>(name).copied();
    let latency = invocation.argument("latency").map(|text| humantime::parse_duration(text));
    Ok(SimulatorSettings {
        data: GeneratorSettings {
            seed: matches.get_one::<u64>("seed").copied().unwrap_or(defaults.data.seed),
            start: text("start").parse().map_err(|_| usage("start", "a date such as `2026-01-05`"))?,
            days: number("days").unwrap_or(defaults.data.days),
            conversations_per_day: number("per-day").unwrap_or(defaults.data.conversations_per_day),
            ..defaults.data
        },
        rate_per_minute: number("rate-limit"),
        latency: latency.transpose().map_err(|_| usage("latency", "a duration such as `50ms`"))?,
        require_jti: matches.get_flag("require-jti"),
        behaviour: behaviour(invocation)?,
        faults: faults(invocation)?,
        now: now(invocation)?,
        clock_runs: true,
        bind: text("bind").parse::<SocketAddr>().map_err(|_| usage("bind", "an address such as `127.0.0.1:8787`"))?,
        ..defaults
    })
}

fn behaviour(invocation: &Invocation) -> Result<Behaviour, Error> {
    let mut behaviour = Behaviour::default();
    for text in invocation.matches.get_many::<String>("switches").into_iter().flatten() {
        let (switch, value) = text
            .split_once('=')
            .ok_or_else(|| Error::Usage(format!("`--switch`: expected `NAME=VALUE`, found `{text}`")))?;
        behaviour.set(switch, value).map_err(|error| Error::Usage(format!("`--switch`: {error}")))?;
    }
    Ok(behaviour)
}

/// What goes wrong, with the seed of the records.
fn faults(invocation: &Invocation) -> Result<Faults, Error> {
    let seed = invocation.matches.get_one::<u64>("seed").copied().unwrap_or_default();
    let mut faults = Faults { seed, ..Faults::default() };
    for text in invocation.matches.get_many::<String>("faults").into_iter().flatten() {
        faults.add(text).map_err(|error| Error::Usage(format!("`--fault`: {error}")))?;
    }
    Ok(faults)
}

/// The present of the records when the server starts.
fn now(invocation: &Invocation) -> Result<Option<Timestamp>, Error> {
    let Some(text) = invocation.argument("clock") else { return Ok(None) };
    let time: UtcTime = text.parse().map_err(|error| Error::Usage(format!("`--now`: {error}")))?;
    let time = Timestamp::from_second(time.seconds());
    time.map(Some).map_err(|_| Error::Usage(format!("`--now`: expected a time of the years 1 to 9999, found `{text}`")))
}
