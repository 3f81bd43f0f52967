use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use super::{Call, day, settings, stream};
use crate::simulator::{Api, Key, Simulator, SimulatorSettings, View};

fn churning(switches: &[(&str, &str)]) -> Simulator {
    Simulator::new(SimulatorSettings { record: true, ..settings(60, switches) }).unwrap()
}

fn truth(simulator: &Simulator) -> BTreeMap<Key, String> {
    simulator.truth(stream(simulator.generator()), day(0), day(7), &View::whole(Api::V2)).into_iter().collect()
}

fn ask(simulator: &Simulator, times: u32) {
    for _ in 0..times {
        Call::v2(simulator).page(simulator);
    }
}

fn keys(truth: &BTreeMap<Key, String>) -> BTreeSet<Key> {
    truth.keys().cloned().collect()
}

#[test]
fn nothing_changes_without_churn() {
    let simulator = churning(&[]);
    let before = truth(&simulator);
    ask(&simulator, 20);
    assert_eq!(truth(&simulator), before);
}

#[test]
fn rows_appear_between_requests() {
    let simulator = churning(&[("churn-appearing", "100")]);
    let before = truth(&simulator);
    assert!(before.len() < simulator.generator().rows() * 95 / 100);
    ask(&simulator, 20);
    let after = truth(&simulator);
    assert_eq!(after.len(), before.len() + 20);
    assert!(before.iter().all(|(key, json)| after.get(key) == Some(json)));
    ask(&simulator, 200);
    assert_eq!(truth(&simulator).len(), simulator.generator().rows(), "until none is left");
}

#[test]
fn rows_disappear_between_requests() {
    let simulator = churning(&[("churn-vanishing", "250")]);
    let before = truth(&simulator);
    ask(&simulator, 20);
    let after = truth(&simulator);
    assert!((40..=60).contains(&(before.len() - after.len())));
    assert!(after.iter().all(|(key, json)| before.get(key) == Some(json)));
    assert_eq!(Call::v2(&simulator).query("limit=1").page(&simulator).1, truth(&simulator).len() as u64);
}

#[test]
fn rows_change_their_content_and_keep_their_key() {
    for api in [Api::V1, Api::V2] {
        let simulator = churning(&[("churn-changing", "100")]);
        let truth = || {
            let records = simulator.truth(stream(simulator.generator()), day(0), day(7), &View::whole(api));
            records.into_iter().collect::<BTreeMap<_, _>>()
        };
        let before = truth();
        ask(&simulator, 20);
        let after = truth();
        assert_eq!(keys(&after), keys(&before));
        let changed: Vec<_> = after.iter().filter(|(key, json)| before[*key] != **json).collect();
        assert!((15..=20).contains(&changed.len()));
        for (_, json) in changed {
            assert_eq!(json.matches("\"csatFeedback\":\"edit ").count(), 1);
            assert_eq!(json.matches("\"csatFeedback\"").count(), 1);
        }
    }
}

#[test]
fn a_bot_only_session_becomes_a_conversation_of_the_same_session() {
    let simulator = churning(&[("churn-moving", "100")]);
    let before = truth(&simulator);
    ask(&simulator, 20);
    let after = truth(&simulator);
    assert_eq!(before.len(), after.len());
    let (gone, come) = (&keys(&before) - &keys(&after), &keys(&after) - &keys(&before));
    assert_eq!((gone.len(), come.len()), (20, 20));
    for (old, new) in gone.iter().zip(&come) {
        assert_eq!((&old.session_id, &old.conversation_id), (&new.session_id, &None));
        assert!(new.conversation_id.is_some() && after[new].contains("\"destinations\":[{"));
    }
    let rows = Call::v2(&simulator).rows(&simulator);
    let sessions = rows.iter().take_while(|row| row.get("conversationId").is_none()).count();
    assert!(rows[sessions..].iter().all(|row| row.get("conversationId").is_some()), "it moves to the other group");
}

#[test]
fn only_rows_of_the_stretch_change() {
    let stretch = ("churn-stretch", "2026-03-03T00:00:00Z/2026-03-04T00:00:00Z");
    let all =
        [("churn-appearing", "100"), ("churn-changing", "100"), ("churn-moving", "100"), ("churn-vanishing", "100")];
    let simulator = churning(&[&all[..], &[stretch]].concat());
    let view = View::whole(Api::V2);
    let outside = || {
        let of = |from, to| simulator.truth(stream(simulator.generator()), day(from), day(to), &view);
        [of(0, 1), of(2, 7)].concat()
    };
    let inside = || simulator.truth(stream(simulator.generator()), day(1), day(2), &view);
    let before = (outside(), inside());
    assert_eq!(
        before.0.len(),
        simulator.generator().rows()
            - simulator.generator().rows_between(stream(simulator.generator()), day(1), day(2)).count()
    );
    ask(&simulator, 20);
    assert_eq!(outside(), before.0);
    assert_ne!(inside(), before.1);
}

#[test]
fn the_same_seed_changes_the_same_rows() {
    let all = [("churn-appearing", "70"), ("churn-changing", "70"), ("churn-moving", "70"), ("churn-vanishing", "70")];
    let (one, two) = (churning(&all), churning(&all));
    ask(&one, 30);
    ask(&two, 30);
    assert_eq!(truth(&one), truth(&two));
}

#[test]
fn keys_that_were_there_throughout_are_told() {
    let all = [("churn-appearing", "70"), ("churn-changing", "70"), ("churn-moving", "70"), ("churn-vanishing", "70")];
    let simulator = churning(&all);
    ask(&simulator, 10);
    let mark = simulator.mark();
    let mut throughout = keys(&truth(&simulator));
    assert_eq!(simulator.there_since(mark), throughout);
    for _ in 0..30 {
        ask(&simulator, 1);
        throughout = &throughout & &keys(&truth(&simulator));
    }
    assert_eq!(simulator.there_since(mark), throughout);
    assert!(throughout.len() < truth(&simulator).len());
    assert!(simulator.there_since(mark + 1).is_empty());
}

#[test]
fn a_clock_that_moves_on_takes_keys_away_too() {
    let afternoon = day(2) + SignedDuration::from_hours(15);
    let settings = SimulatorSettings { now: Some(afternoon), ..settings(300, &[]) };
    let simulator = Simulator::new(settings).unwrap();
    let mark = simulator.mark();
    let before = keys(&truth(&simulator));
    simulator.set_now(day(9));
    let after = keys(&truth(&simulator));
    assert!(after.len() > before.len() && !before.is_subset(&after));
    assert_eq!(simulator.there_since(mark), &before & &after);
}

#[test]
fn every_version_that_was_served_is_remembered() {
    let simulator =
        churning(&[("churn-changing", "3000"), ("churn-stretch", "2026-03-02T00:00:00Z/2026-03-02T12:00:00Z")]);
    let call = || Call::v2(&simulator).between(day(0), day(1)).query("limit=5");
    let mut seen: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for _ in 0..40 {
        for row in call().page(&simulator).0 {
            seen.entry(row["sessionId"].as_str().unwrap().to_owned()).or_default().push(row.to_string());
        }
    }
    Call::to(&simulator, "calldetails").between(day(0), day(1)).query("limit=1").page(&simulator);
    let last = simulator.last_served();
    assert_eq!(last.len(), seen.len());
    for (key, version) in &last {
        let mut distinct = seen[&key.session_id].clone();
        let versions = simulator.versions_served(key);
        let parsed: Vec<_> = versions
            .iter()
            .filter(|version| version.api == Api::V2)
            .map(|version| serde_json::from_str::<serde_json::Value>(&version.json).unwrap().to_string())
            .collect();
        if version.api == Api::V2 {
            let json: serde_json::Value = serde_json::from_str(&version.json).unwrap();
            assert_eq!(Some(&json.to_string()), distinct.last());
        }
        assert!(versions.contains(version));
        distinct.sort();
        distinct.dedup();
        assert!(distinct.iter().all(|text| parsed.contains(text)) && distinct.len() == parsed.len());
    }
    assert_eq!(last.values().filter(|version| version.api == Api::V1).count(), 1);
    assert!(last.keys().any(|key| simulator.versions_served(key).len() > 2));
}
