use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Call, day, settings, stream, switched};
use crate::simulator::{Api, Key, Simulator, SimulatorSettings, View};

fn second() -> Timestamp {
    "2026-03-04T03:00:00Z".parse().unwrap()
}

/// A quiet night with a crowd in one second.
fn crowded(rows: usize, switches: &[(&str, &str)]) -> Simulator {
    let crowd = format!("{rows}@{}", second());
    switched(5, &[switches, &[("crowd", &crowd)]].concat())
}

/// Seconds after the crowd's one.
fn unreadable(simulator: &Simulator) -> Vec<i64> {
    let found = simulator.unreadable(stream(simulator.generator()), day(0), day(7));
    found.into_iter().map(|start| start.as_second() - second().as_second()).collect()
}

#[test]
fn a_plain_week_is_readable_and_all_its_keys_are() {
    let simulator = switched(100, &[]);
    assert!(unreadable(&simulator).is_empty());
    let keys: BTreeSet<_> = simulator
        .truth(stream(simulator.generator()), day(0), day(7), &View::whole(Api::V1))
        .into_iter()
        .map(|(key, _)| key)
        .collect();
    assert_eq!(simulator.readable(stream(simulator.generator()), day(0), day(7)), keys);
}

#[test]
fn a_second_is_readable_while_its_last_page_is_not_full() {
    let cases: &[(usize, &[(&str, &str)])] = &[
        (1_100, &[]),
        (1_000, &[("max-offset", "9")]),
        (1_000, &[("first-page", "one-zero-alike")]),
        (550, &[("page-rows", "50")]),
        (110, &[("offset", "records")]),
        (109, &[("offset", "records"), ("first-page", "one-zero-empty")]),
        (100, &[("order", "reshuffled")]),
        (100, &[("order", "reshuffled"), ("max-offset", "none")]),
    ];
    for (full, switches) in cases {
        let switches = [switches, &[("is-automation", "ignored")][..]].concat();
        assert_eq!(unreadable(&crowded(full - 1, &switches)), [0_i64; 0], "{switches:?}");
        assert_eq!(unreadable(&crowded(*full, &switches)), [0], "{switches:?}");
    }
    assert!(unreadable(&crowded(5_000, &[("max-offset", "none")])).is_empty());
}

#[test]
fn parts_that_is_automation_makes_are_readable_where_it_is_honoured() {
    let rows = 1_500;
    assert!(unreadable(&crowded(rows, &[])).is_empty());
    assert_eq!(unreadable(&crowded(rows, &[("is-automation", "ignored")])), [0]);
    assert!(unreadable(&crowded(rows, &[("is-automation", "ignored"), ("order", "two-groups-each")])).is_empty());
    assert_eq!(unreadable(&crowded(2_500, &[])), [0]);
}

#[test]
fn the_second_before_a_crowd_suffers_only_if_it_cannot_be_asked_for_alone() {
    let crowd = |switches: &[(&str, &str)]| unreadable(&crowded(200_000, switches));
    assert_eq!(crowd(&[]), [0]);
    assert_eq!(crowd(&[("last-second", "excluded")]), [0]);
    let records = [("milliseconds", "hidden"), ("offset", "records")];
    assert_eq!(crowd(&records), [-1, 0]);
    assert_eq!(crowd(&[&records[..], &[("last-second", "excluded")]].concat()), [0]);
}

/// What the pages of a window hold, read to the end of what is served.
fn read(simulator: &Simulator, last_offset: u32, automation: Option<bool>) -> BTreeSet<String> {
    let mut call = Call::v2(simulator).between(second(), second());
    if let Some(wanted) = automation {
        call = call.with("isAutomation", json!(wanted));
    }
    let rows = (0..=last_offset).flat_map(|offset| call.at(offset, simulator));
    rows.map(|row: Value| row["sessionId"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_readable_second_is_whole_on_the_pages_and_an_unreadable_one_is_not() {
    let readings: &[&[(&str, &str)]] = &[
        &[],
        &[("max-offset", "9"), ("past-maximum", "empty")],
        &[("offset", "records")],
        &[("first-page", "one-zero-empty"), ("offset", "records")],
        &[("first-page", "one-zero-alike")],
        &[("order", "two-groups-each"), ("page-rows", "37")],
        &[("order", "shuffled"), ("page-rows", "50"), ("is-automation", "ignored")],
    ];
    for switches in readings {
        for rows in [90, 105, 200, 400, 590, 900, 1_090, 1_300, 2_600] {
            let simulator = crowded(rows, switches);
            let last = simulator.settings().behaviour.max_offset.unwrap();
            let mut found = read(&simulator, last, None);
            found.extend(read(&simulator, last, Some(true)));
            found.extend(read(&simulator, last, Some(false)));
            assert_eq!(unreadable(&simulator).is_empty(), found.len() == rows, "{rows} {switches:?}");
        }
    }
}

#[test]
fn keys_of_an_unreadable_second_are_not_readable() {
    let simulator = crowded(3_000, &[]);
    let generator = simulator.generator();
    let readable = simulator.readable(stream(generator), day(0), day(7));
    assert_eq!(readable.len(), generator.rows() - 3_000);
    let crowd = format!("{:08x}", second().as_second());
    assert!(readable.iter().all(|key: &Key| !key.session_id.starts_with(&crowd)));
}

#[test]
fn rows_without_an_end_are_not_readable_where_ends_are_filtered() {
    let simulator = switched(300, &[("filtered", "end")]);
    let generator = simulator.generator();
    let truth = simulator.truth(stream(generator), day(2), day(3), &View::whole(Api::V2));
    let ended = truth.iter().filter(|(_, json)| json.contains("\"sessionEndTime\":"));
    let expected: BTreeSet<_> = ended.map(|(key, _)| key.clone()).collect();
    assert!(expected.len() < truth.len());
    assert_eq!(simulator.readable(stream(generator), day(2), day(3)), expected);
}

#[test]
fn nothing_is_remembered_unless_asked_for() {
    let simulator = switched(20, &[]);
    Call::v2(&simulator).page(&simulator);
    assert!(simulator.last_served().is_empty());
    let recording = Simulator::new(SimulatorSettings { record: true, ..settings(20, &[]) }).unwrap();
    let rows = Call::v2(&recording).page(&recording).0;
    assert_eq!(recording.last_served().len(), rows.len());
}

#[test]
fn the_truth_of_a_part_of_a_second_begins_at_the_next_one() {
    let simulator = crowded(10, &[]);
    let count = |from: Timestamp, to: Timestamp| {
        simulator.truth(stream(simulator.generator()), from, to, &View::whole(Api::V2)).len()
    };
    let half = SignedDuration::from_millis(500);
    let hour = SignedDuration::from_mins(1);
    assert_eq!(count(second(), second() + half), 10);
    assert_eq!(count(second() + half, second() + hour), count(second(), second() + hour) - 10);
}
