//! Rows that appear, change, move and vanish while their pages are read.

use std::collections::BTreeMap;

use kore_lake::pipeline::LoadRequest;
use kore_lake::simulator::{Churn, Key, SimulatorSettings, Version};
use serde_json::Value;

use crate::centre::run;
use crate::following::{Following, key_of, keyed, traffic};

const CHURN: Churn = Churn { appearing: 40, changing: 60, moving: 30, vanishing: 20, stretch: None };

fn centre(seed: u64, switches: &[(&str, &str)], churn: Churn) -> SimulatorSettings {
    let mut settings = SimulatorSettings { record: true, ..traffic(seed, 2, 50) };
    for (switch, word) in switches {
        settings.behaviour.set(switch, word).unwrap();
    }
    settings.behaviour.churn = churn;
    settings
}

fn records(versions: impl IntoIterator<Item = Version>) -> Vec<Value> {
    versions.into_iter().map(|version| serde_json::from_str(&version.json).unwrap()).collect()
}

/// What is wrong with the lake after a load that began at `mark`.
async fn faults(following: &Following, mark: usize) -> Vec<String> {
    let simulator = &following.wire.simulator;
    let stored = following.stored().await;
    let last: BTreeMap<Key, Value> = keyed(&records(simulator.last_served().into_values()));
    let mut faults = Vec::new();
    faults.extend(
        simulator
            .there_since(mark)
            .iter()
            .filter(|key| !stored.contains_key(key))
            .map(|key| format!("{key:?} is lost")),
    );
    for (key, row) in stored.iter().filter(|(key, row)| last.get(*key) != Some(*row)) {
        let versions = keyed_versions(&records(simulator.versions_served(key)));
        let was_served = versions.iter().any(|version| version == row);
        faults.push(format!("{key:?} is not the last of {} versions, served: {was_served}", versions.len()));
    }
    faults
}

fn keyed_versions(versions: &[Value]) -> Vec<Value> {
    versions.iter().map(|version| keyed([version]).remove(&key_of(version)).unwrap()).collect()
}

/// Loads all days twice while rows change; the lookback reaches over all of them.
async fn hold(name: String, settings: SimulatorSettings) -> Vec<String> {
    let following = Following::new(settings);
    let range = following.wire.range();
    let mut wrong = Vec::new();
    for load in 1..=2 {
        let mark = following.wire.simulator.mark();
        let request = LoadRequest { range: Some(range), ..following.request_at(range.to()) };
        let finished = following.run(&request).await;
        if finished.error.is_some() || finished.summary.kind().is_some() {
            wrong.push(format!("{name}, load {load}: {:?} {:?}", finished.error, finished.summary.unreadable));
        }
        wrong.extend(faults(&following, mark).await.into_iter().map(|fault| format!("{name}, load {load}: {fault}")));
    }
    following.verify().await;
    wrong
}

fn hold_all(trials: Vec<(String, SimulatorSettings)>) {
    run(async {
        let mut wrong = Vec::new();
        for (name, settings) in trials {
            wrong.extend(hold(name, settings).await);
        }
        assert!(wrong.is_empty(), "{} faults:\n{}", wrong.len(), wrong.join("\n"));
    });
}

fn trials(seeds: impl IntoIterator<Item = u64>) -> Vec<(String, SimulatorSettings)> {
    let orders = ["ascending", "descending", "shuffled", "reshuffled", "two-groups", "two-groups-each"];
    let trial = |seed: u64| {
        let order = orders[usize::try_from(seed).unwrap() % orders.len()];
        let offset = ["pages", "records"][usize::try_from(seed / 2 + seed / 6).unwrap() % 2];
        let switches = [("order", order), ("offset", offset)];
        (format!("seed {seed}, {order}, {offset}"), centre(seed, &switches, CHURN))
    };
    seeds.into_iter().map(trial).collect()
}

#[test]
fn no_row_is_lost_and_none_is_stale_while_rows_change() {
    hold_all(trials(0..6));
}

#[test]
#[ignore = "takes minutes: the same as above with many more seeds"]
fn no_row_is_lost_and_none_is_stale_while_rows_change_in_any_way() {
    hold_all(trials(100..300));
}
