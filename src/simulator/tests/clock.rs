use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{Call, day, ids, settings, stream};
use crate::simulator::{Api, Key, Simulator, SimulatorSettings, View};

const DAYS_OF_AFTERMATH: i64 = 40;

fn clocked(per_day: u32, now: Timestamp, switches: &[(&str, &str)]) -> Simulator {
    Simulator::new(SimulatorSettings { now: Some(now), ..settings(per_day, switches) }).unwrap()
}

fn hours(number: i64) -> Timestamp {
    day(0) + SignedDuration::from_hours(number)
}

/// The truth of the whole week, by key.
fn truth(simulator: &Simulator, api: Api) -> BTreeMap<Key, Value> {
    let records = simulator.truth(stream(simulator.generator()), day(0), day(7), &View::whole(api));
    records.into_iter().map(|(key, json)| (key, serde_json::from_str(&json).unwrap())).collect()
}

fn status(row: &Value) -> &str {
    row["finalStatus"].as_str().unwrap_or_default()
}

fn is_open(row: &Value) -> bool {
    ["ACTIVE", "TRANSIENT_OPEN"].contains(&status(row))
}

fn has_survey(row: &Value) -> bool {
    ["csatScore", "npsScore", "likeDislikeScore"].iter().any(|key| !row[key].is_null())
}

/// Each version of a record, with the hour at which it was first seen.
type History = BTreeMap<Key, Vec<(i64, Value)>>;

/// What becomes of the first day's rows: looked at every hour for three days, then every six.
fn history(api: Api) -> History {
    let simulator = clocked(150, day(0), &[]);
    let mut seen: BTreeMap<Key, Vec<(i64, String)>> = BTreeMap::new();
    for hour in (0..72).chain((72..24 * 12).step_by(6)) {
        simulator.set_now(hours(hour));
        for (key, json) in simulator.truth(stream(simulator.generator()), day(0), day(1), &View::whole(api)) {
            let versions = seen.entry(key).or_default();
            if versions.last().is_none_or(|(_, last)| *last != json) {
                versions.push((hour, json));
            }
        }
    }
    let parsed = |(hour, json): (i64, String)| (hour, serde_json::from_str(&json).unwrap());
    seen.into_iter().map(|(key, versions)| (key, versions.into_iter().map(parsed).collect())).collect()
}

static HISTORIES: LazyLock<[History; 2]> = LazyLock::new(|| [history(Api::V1), history(Api::V2)]);

#[test]
fn rows_come_when_they_start() {
    let simulator = clocked(50, hours(40), &[]);
    let generator = simulator.generator();
    let count = |to| generator.rows_between(stream(generator), day(0), to).count();
    assert!(count(hours(40)) > 30);
    assert_eq!(truth(&simulator, Api::V2).len(), count(hours(40)));
    assert_eq!(Call::v2(&simulator).page(&simulator).1, count(hours(40)) as u64);
    simulator.set_now(hours(60));
    assert_eq!(Call::v2(&simulator).page(&simulator).1, count(hours(60)) as u64);
    simulator.set_now(hours(50));
    assert_eq!(simulator.now(), Some(hours(60)), "the clock only goes on");
}

#[test]
fn what_is_served_is_the_truth_of_the_time() {
    for api in [Api::V1, Api::V2] {
        let simulator = clocked(50, hours(36), &[]);
        let call = || match api {
            Api::V1 => Call::to(&simulator, "calldetails"),
            Api::V2 => Call::v2(&simulator),
        };
        for hour in [36, 37, 60, 24 * 7, 24 * 9] {
            simulator.set_now(hours(hour));
            let view = View { fields: Vec::new(), ..View::whole(api) };
            let records = simulator.truth(stream(simulator.generator()), day(0), day(7), &view);
            let mut expected: Vec<Value> =
                records.iter().map(|(_, json)| serde_json::from_str(json).unwrap()).collect();
            let mut found = call().rows(&simulator);
            expected.sort_by_key(|row| ids(std::slice::from_ref(row)));
            found.sort_by_key(|row| ids(std::slice::from_ref(row)));
            assert_eq!(found, expected);
            for (key, json) in records {
                let row: Value = serde_json::from_str(&json).unwrap();
                assert_eq!(row["sessionId"], key.session_id.as_str());
                assert_eq!(row["conversationId"].as_str(), key.conversation_id.as_deref());
            }
        }
    }
}

#[test]
fn a_session_that_has_not_ended_is_open() {
    let simulator = clocked(300, hours(60), &[]);
    let open: Vec<_> = truth(&simulator, Api::V2).into_values().filter(is_open).collect();
    assert!(open.len() > 5, "{}", open.len());
    for row in &open {
        assert!(row.get("sessionEndTime").is_none() && !has_survey(row) && row["smartStatus"] == "", "{row}");
        assert_eq!(row["dispositions"].as_array().map_or(0, Vec::len), 0);
    }
    let now = hours(60).to_string();
    for (key, row) in truth(&simulator, Api::V2) {
        let text = row.to_string();
        let mut times = text.split('"').filter(|part| part.starts_with("2026-03-") && part.len() >= 19);
        let to_come = times.find(|time| **time > *now.trim_end_matches('Z'));
        assert_eq!(to_come, None, "{key:?}");
    }
}

#[test]
fn everything_ends_and_settles() {
    let simulator = clocked(200, day(7 + DAYS_OF_AFTERMATH), &[]);
    let settled = truth(&simulator, Api::V2);
    assert_eq!(settled.len(), simulator.generator().rows());
    assert!(settled.values().all(|row| !is_open(row) && row["sessionEndTime"].is_string()));
    simulator.set_now(day(4_000));
    assert_eq!(truth(&simulator, Api::V2), settled);
}

#[test]
fn but_for_e_mail_everything_settles_within_three_days() {
    let settled = truth(&clocked(300, day(60), &[]), Api::V2);
    let mut still_changing = 0;
    for number in 0..7 {
        let simulator = clocked(300, day(number + 4), &[]);
        let records =
            simulator.truth(stream(simulator.generator()), day(number), day(number + 1), &View::whole(Api::V2));
        for (key, json) in records {
            let row: Value = serde_json::from_str(&json).unwrap();
            let is_mail = ["System Mail", "email"].contains(&row["channel"].as_str().unwrap());
            let changes = settled.get(&key) != Some(&row);
            assert!(is_mail || !changes, "{json}");
            still_changing += usize::from(changes);
        }
    }
    assert!(still_changing > 5, "{still_changing}");
}

#[test]
fn an_open_conversation_evolves_until_it_ends() {
    for history in &*HISTORIES {
        let evolves = |versions: &Vec<(i64, Value)>| {
            let open: Vec<_> = versions.iter().filter(|(_, row)| is_open(row)).collect();
            let grew = open.windows(2).any(|pair| pair[0].1["destinations"] != pair[1].1["destinations"]);
            grew && versions.last().is_some_and(|(_, row)| !is_open(row))
        };
        assert!(history.values().any(evolves));
        let mail_for_days = |versions: &Vec<(i64, Value)>| {
            let closed = versions.iter().find(|(_, row)| !is_open(row)).map(|(hour, _)| *hour);
            let is_mail = ["System Mail", "email"].contains(&versions[0].1["channel"].as_str().unwrap());
            is_mail && closed.is_some_and(|hour| hour - versions[0].0 > 24)
        };
        assert!(history.values().any(mail_for_days));
    }
}

#[test]
fn surveys_and_edited_dispositions_come_up_to_two_days_after_the_end() {
    let edited =
        |row: &Value| row["dispositions"].as_array().is_some_and(|codes| codes.contains(&Value::from("Follow-up")));
    for history in &*HISTORIES {
        let (mut surveys, mut edits) = (0, 0);
        for versions in history.values() {
            let first =
                |holds: &dyn Fn(&Value) -> bool| versions.iter().find(|(_, row)| holds(row)).map(|(hour, _)| *hour);
            let Some(end) = first(&|row| !is_open(row)) else { continue };
            let after = |time: Option<i64>| time.map_or(0, |hour| hour - end);
            assert!(after(first(&has_survey)) <= 48 + 6 && after(first(&edited)) <= 48 + 6);
            surveys += usize::from(after(first(&has_survey)) > 0);
            edits += usize::from(after(first(&edited)) > 0);
        }
        assert!(surveys > 1 && edits > 1, "{surveys} and {edits} of {}", history.len());
    }
}

#[test]
fn a_late_handover_turns_a_bot_only_session_into_a_conversation() {
    for history in &*HISTORIES {
        let mut handed_over = 0;
        for (key, before) in history.iter().filter(|(key, _)| key.conversation_id.is_none()) {
            let same = |other: &Key| other.session_id == key.session_id && other != key;
            let Some((_, after)) = history.iter().find(|(other, _)| same(other)) else { continue };
            let first = &after[0].1;
            assert!(before.iter().all(|(_, row)| is_open(row) && row.get("metaInfo").is_none()));
            assert!(before.last().unwrap().0 < after[0].0 && first.get("metaInfo").is_some());
            assert_eq!(before[0].1["sessionStartTime"], first["sessionStartTime"]);
            handed_over += 1;
        }
        assert!(handed_over > 1, "{handed_over}");
    }
}

#[test]
fn a_row_is_in_a_window_of_ends_once_it_has_ended() {
    let simulator = clocked(100, hours(36), &[("filtered", "end"), ("max-offset", "none")]);
    let call = || Call::v2(&simulator).between(hours(0), hours(24 * 7));
    let closed = |rows: &BTreeMap<Key, Value>| rows.values().filter(|row| !is_open(row)).count();
    let before = call().page(&simulator).1;
    let now = truth(&simulator, Api::V2);
    assert!(closed(&now) < now.len());
    assert_eq!(before, closed(&now) as u64);
    simulator.set_now(hours(24 * 8));
    assert!(call().page(&simulator).1 > before);
}

#[test]
fn a_simulator_without_a_clock_gets_one_when_it_is_set() {
    let simulator = Simulator::new(settings(20, &[])).unwrap();
    assert_eq!(simulator.now(), None);
    assert_eq!(truth(&simulator, Api::V2).len(), simulator.generator().rows());
    simulator.set_now(day(1));
    assert!(truth(&simulator, Api::V2).len() < simulator.generator().rows() / 2);
}
