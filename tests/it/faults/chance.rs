//! Faults by chance: any kind alone and any mix ends in the full lake.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::stream::{self, StreamExt};
use kore_lake::pipeline::{LoadRequest, Stop, Unwatched, load};
use kore_lake::schema::ApiVersion;
use kore_lake::simulator::{Churn, Fault, Faults, Key, SimulatorSettings, Version};
use kore_lake::source::{ClientSettings, RetryPolicy};

use serde_json::Value;

use crate::centre::{Centre, lake_in, run};
use crate::contents::records_of;
use crate::following::keyed;
use crate::reliability::{Figure, tell};
use crate::service::Service;

/// Of a hundred requests so many go wrong.
const RATE: u32 = 30;
/// Requests that are told to wait for a second: fewer, since each costs it.
const TOLD_TO_WAIT: [u64; 4] = [2, 8, 14, 20];
const MIXES: u64 = 10;
/// Each kind is seen to so often at least.
const PROMISED: usize = 4;

/// A load to come.
struct Trial {
    name: String,
    settings: SimulatorSettings,
    /// Whether all rows may still change, so that each window takes one page.
    is_fresh: bool,
}

/// What a load came to.
#[derive(Default)]
struct Outcome {
    injected: BTreeMap<Fault, u64>,
    rows: usize,
    lost: usize,
    doubled: usize,
    wrong: Vec<String>,
}

fn names_a_wait(fault: Fault) -> bool {
    matches!(fault, Fault::ThrottledSeconds | Fault::ThrottledDate)
}

fn settings(seed: u64, faults: Faults) -> SimulatorSettings {
    let mut settings = SimulatorSettings::default();
    settings.data.seed = seed;
    settings.data.days = 1;
    settings.data.conversations_per_day = 300;
    settings.behaviour.page_rows = 20;
    settings.require_jti = faults.rates.iter().any(|(fault, _)| *fault == Fault::ReusedJti);
    settings.faults = Faults { seed, ..faults };
    settings
}

/// A kind at a rate at which three requests of ten go wrong.
fn alone(fault: Fault) -> Trial {
    let waits = || Faults { script: TOLD_TO_WAIT.map(|request| (request, fault)).into(), ..Faults::default() };
    let faults = if names_a_wait(fault) { waits() } else { Faults::at(RATE, &[fault]) };
    let settings = settings(1, faults);
    Trial { name: fault.to_string(), settings, is_fresh: false }
}

/// Switches under which an answer that is wrong and looks right is most likely to do harm.
const READINGS: [&str; 6] = [
    "page-rows=20",
    "page-rows=20 first-page=one-zero-alike num-results=page",
    "page-rows=20 first-page=one-zero-empty num-results=page",
    "page-rows=20 past-end=last num-results=page",
    "page-rows=20 offset=records num-results=page",
    "page-rows=20 order=two-groups-each",
];

/// Six kinds by chance, three requests of ten in all, under one of the readings.
fn mixed(seed: u64) -> Trial {
    let mut chance = fastrand::Rng::with_seed(seed);
    let fast: Vec<_> = Fault::ALL.iter().copied().filter(|fault| !names_a_wait(*fault)).collect();
    let kinds = chance.choose_multiple(&fast, 6).into_iter().copied().collect::<Vec<_>>();
    let waits = [(9, Fault::ThrottledSeconds), (17, Fault::ThrottledDate)];
    let mut settings = settings(seed, Faults { script: waits.into(), ..Faults::at(RATE / 6, &kinds) });
    let reading = READINGS[usize::try_from(seed).unwrap() % READINGS.len()];
    settings.behaviour = reading.parse().unwrap();
    Trial { name: format!("mix {seed}, {reading}, {kinds:?}"), settings, is_fresh: seed % 2 == 1 }
}

/// Rows that appear, change, move and vanish under broken answers, all of them young. A version that was served may
/// not have come, so of a row any that was served is right, but not of one that was there all along that it is missing.
async fn loaded_while_rows_change(seed: u64) -> Vec<String> {
    let Trial { name, mut settings, .. } = mixed(seed);
    settings.behaviour = "page-rows=20".parse().unwrap();
    settings.behaviour.churn = Churn { appearing: 40, changing: 60, moving: 30, vanishing: 20, stretch: None };
    settings.record = true;
    let (centre, folder) = (Centre::serve(settings).await, tempfile::tempdir().unwrap());
    let lake = lake_in(folder.path());
    let simulator = centre.running().simulator();
    let mark = simulator.mark();
    let request = LoadRequest { now: centre.range().to(), ..centre.request(ApiVersion::V2) };
    let finished = load(&lake, centre.client_with(impatient), &request, &Unwatched, Stop::never()).await;
    let stored = keyed(&records_of(&lake).await);
    let parsed = |versions: Vec<Version>| -> Vec<Value> {
        versions.iter().map(|version| serde_json::from_str(&version.json).unwrap()).collect()
    };
    let was_served = |key: &Key, row: &Value| {
        parsed(simulator.versions_served(key)).iter().any(|version| keyed([version]).get(key) == Some(row))
    };
    let ended = finished.error.map(|error| format!("{error:?}"));
    let there = simulator.there_since(mark);
    let lost = there.iter().filter(|key| !stored.contains_key(key)).map(|key| format!("{key:?} is lost"));
    let never = stored.iter().filter(|(key, row)| !was_served(key, row)).map(|(key, _)| format!("{key:?} never was"));
    assert!(there.len() > 100 && !simulator.injected().is_empty(), "{name}");
    ended.into_iter().chain(lost).chain(never).map(|wrong| format!("changing, {name}: {wrong}")).collect()
}

#[test]
fn no_row_is_lost_that_stays_while_others_change_and_answers_break() {
    run(async {
        let trials = (20..24).map(|seed| tokio::spawn(loaded_while_rows_change(seed)));
        let wrong: Vec<_> =
            futures::future::join_all(trials).await.into_iter().flat_map(|ended| ended.unwrap()).collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    });
}

/// Pages that come twice under every reading, since that is the fault which looks most like an answer.
fn pages_twice() -> impl Iterator<Item = Trial> {
    READINGS.iter().map(|reading| {
        let mut settings = settings(7, Faults::at(RATE, &[Fault::PageTwice]));
        settings.behaviour = reading.parse().unwrap();
        Trial { name: format!("pages twice, {reading}"), settings, is_fresh: false }
    })
}

/// Waits that a test has time for.
fn impatient(settings: &mut ClientSettings) {
    settings.idle_timeout = Duration::from_millis(400);
    let (base, cap) = (Duration::from_millis(2), Duration::from_millis(40));
    settings.retry = RetryPolicy { base, cap, throttled: cap, ..RetryPolicy::default() };
}

async fn loaded(trial: Trial) -> Outcome {
    let (centre, folder) = (Centre::serve(trial.settings).await, tempfile::tempdir().unwrap());
    let lake = lake_in(folder.path());
    let mut request = LoadRequest { window: Duration::from_hours(2), ..centre.request(ApiVersion::V2) };
    if trial.is_fresh {
        request.now = centre.range().to();
    }
    let finished = load(&lake, centre.client_with(impatient), &request, &Unwatched, Stop::never()).await;
    let mut outcome = Outcome { injected: centre.running().simulator().injected(), ..Outcome::default() };
    if finished.error.is_some() || finished.summary.kind().is_some() {
        outcome.wrong.push(format!("{}: {:?} {:?}", trial.name, finished.error, finished.summary.unreadable));
        return outcome;
    }
    let records = records_of(&lake).await;
    let (stored, truth) = (keyed(&records), keyed(&centre.truth(ApiVersion::V2, centre.range())));
    outcome.rows = truth.len();
    outcome.lost = truth.iter().filter(|(key, record)| stored.get(*key) != Some(*record)).count();
    outcome.doubled = records.len() - stored.len();
    // Windows include their last second: rows of the midnight behind the last day may be there too.
    let in_excess = stored.len() > truth.len() + 5;
    if outcome.lost + outcome.doubled > 0 || in_excess || outcome.injected.is_empty() {
        let counts = format!("{} lost, {} doubled, {} stored", outcome.lost, outcome.doubled, stored.len());
        outcome.wrong.push(format!("{}: of {} rows {counts}; {:?}", trial.name, outcome.rows, outcome.injected));
    }
    outcome
}

/// A few loads side by side, since most of the time is spent waiting.
async fn all_loaded(trials: Vec<Trial>) -> Vec<Outcome> {
    let under_way = stream::iter(trials).map(|trial| tokio::spawn(loaded(trial)));
    under_way.buffer_unordered(4).map(|outcome| outcome.expect("a load ends")).collect().await
}

#[test]
fn no_fault_by_chance_and_no_mix_of_them_loses_or_doubles_a_row() {
    let trials = Fault::ALL.iter().map(|fault| alone(*fault)).chain(pages_twice()).chain((0..MIXES).map(mixed));
    let trials: Vec<_> = trials.collect();
    run(async {
        let outcomes = all_loaded(trials).await;
        let wrong: Vec<_> = outcomes.iter().flat_map(|outcome| &outcome.wrong).cloned().collect();
        assert!(wrong.is_empty(), "{} loads:\n{}", wrong.len(), wrong.join("\n"));
        let seen = |fault: Fault| outcomes.iter().filter_map(|outcome| outcome.injected.get(&fault)).sum::<u64>();
        let sum = |count: fn(&Outcome) -> usize| outcomes.iter().map(count).sum::<usize>();
        let mut figures = vec![
            Figure::exact("loads: each fault alone, pages twice under each reading, mixes", outcomes.len()),
            Figure::at_least("rows compared with the truth", sum(|outcome| outcome.rows), 10_000),
        ];
        figures.extend(Fault::ALL.iter().map(|fault| {
            let seen = usize::try_from(seen(*fault)).unwrap();
            Figure::at_least(format!("`{fault}`: {}", fault.about()), seen, PROMISED)
        }));
        figures.push(Figure::exact("rows lost", sum(|outcome| outcome.lost)));
        figures.push(Figure::exact("rows doubled", sum(|outcome| outcome.doubled)));
        tell("Faults at the source", &figures);
    });
}

#[test]
fn a_total_that_says_more_than_there_is_has_its_windows_read_again_and_is_recorded() {
    run(async {
        let faults = Faults::at(100, &[Fault::TotalAbove]);
        let (centre, folder) = (Centre::serve(settings(1, faults)).await, tempfile::tempdir().unwrap());
        let lake = lake_in(folder.path());
        let request = centre.request(ApiVersion::V2);
        let summary = crate::centre::whole(load(&lake, centre.client(), &request, &Unwatched, Stop::never()).await);
        assert!(summary.totals_disagree > 0, "{summary:?}");
        assert!(summary.requests > summary.ideal_requests * 5 / 4, "nothing was read again: {summary:?}");
        let ledger = crate::loaded::Contents::of(&folder.path().join("_kore_lake/ledger")).text();
        assert!(ledger.contains(r#"\"total_disagrees\":true"#), "{ledger}");
    });
}

#[test]
fn the_program_loads_through_faults_with_its_own_waits() {
    let kinds = [Fault::Busy, Fault::Html, Fault::ResetWithin, Fault::Cut, Fault::ThrottledSeconds];
    let service = Service::start(|settings| settings.faults = Faults::at(6, &kinds));
    let folder = tempfile::tempdir().unwrap();
    let ran = service.program(folder.path(), &format!("{} --window 4h -q", service.load_line())).run();
    assert_eq!(ran.code, 0, "{ran}");
    assert!(!service.running().simulator().injected().is_empty());
    let clean = crate::loaded::Loaded::new();
    let keys = "SELECT session_id, conversation_id, session_start_time FROM conversations ORDER BY 1, 2";
    let stored = crate::program::Program::new(folder.path(), "query --format csv -c").arg(keys).run().output();
    assert_eq!(stored, clean.keys());
}
