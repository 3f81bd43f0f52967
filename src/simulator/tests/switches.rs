use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Call, day, id, ids, simulator, stream, switched};
use crate::simulator::{
    Api, Behaviour, FirstPage, OffsetUnit, Order, Simulator, SimulatorError, SimulatorSettings, View,
};

/// Records a day at which the default week has over 1,100 rows.
const CROWDED: u32 = 200;

/// The whole week as the plainest server lists it.
fn listed(per_day: u32) -> Vec<String> {
    let simulator = switched(per_day, &[("max-offset", "none")]);
    let call = Call::v2(&simulator);
    (0..100)
        .map(|offset| call.at(offset, &simulator))
        .take_while(|rows| !rows.is_empty())
        .flat_map(|rows| ids(&rows))
        .collect()
}

fn at(offset: u32, simulator: &Simulator) -> Vec<String> {
    ids(&Call::v2(simulator).at(offset, simulator))
}

fn refused(offset: u32, simulator: &Simulator) -> (u16, u64, String) {
    Call::v2(simulator).query(&format!("offset={offset}")).refusal(simulator)
}

fn starts(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["sessionStartTime"].as_str().unwrap()).collect()
}

fn bot_only(row: &Value) -> bool {
    row.get("conversationId").is_none()
}

#[test]
fn offset_counts_pages_or_records() {
    let all = listed(50);
    assert_eq!(at(2, &simulator(50)), all[200..300]);
    assert_eq!(at(2, &switched(50, &[("offset", "records")])), all[2..102]);
}

#[test]
fn the_first_page_is_0_or_1_and_then_0_answers_in_three_ways() {
    let all = listed(50);
    let one = |reading| switched(50, &[("first-page", reading)]);
    for reading in ["one-zero-alike", "one-zero-empty", "one-zero-refused"] {
        assert_eq!(at(1, &one(reading)), all[..100]);
        assert_eq!(at(2, &one(reading)), all[100..200]);
        let unasked = Call::v2(&one(reading)).query("limit=100").page(&one(reading)).0;
        assert_eq!(ids(&unasked), all[..100]);
    }
    assert_eq!(at(0, &one("one-zero-alike")), all[..100]);
    assert_eq!(Call::v2(&one("one-zero-empty")).page(&one("one-zero-empty")), (Vec::new(), all.len() as u64));
    assert_eq!(refused(0, &one("one-zero-refused")), (400, 400, "offset must be at least 1".to_owned()));

    let records = switched(50, &[("first-page", "one-zero-alike"), ("offset", "records")]);
    assert_eq!(
        (at(0, &records), at(1, &records), at(5, &records)),
        (all[..100].to_vec(), all[..100].to_vec(), all[4..104].to_vec())
    );
}

#[test]
fn the_largest_offset_is_9_or_10_or_any() {
    let all = listed(CROWDED);
    for (largest, rows) in [("9", 900..1_000), ("10", 1_000..1_100)] {
        let simulator = switched(CROWDED, &[("max-offset", largest)]);
        let largest = largest.parse().unwrap();
        assert_eq!(at(largest, &simulator), all[rows]);
        assert_eq!(refused(largest + 1, &simulator), (400, 400, format!("offset must not exceed {largest}")));
    }
    assert_eq!(at(11, &switched(CROWDED, &[("max-offset", "none")])), all[1_100..1_200]);
}

#[test]
fn past_the_largest_offset_comes_an_empty_page_the_last_one_or_that_of_the_largest() {
    let all = listed(CROWDED);
    let short = all.len() / 100 * 100;
    assert!(short >= 1_200 && short < all.len(), "pages between the largest offset and a short last one");
    let past = |reading| switched(CROWDED, &[("past-maximum", reading), ("max-offset", "9")]);
    assert!(at(10, &past("empty")).is_empty());
    assert_eq!(at(10, &past("last")), all[short..]);
    assert_eq!(at(99, &past("clamped")), all[900..1_000]);
    let records = switched(CROWDED, &[("past-maximum", "last"), ("offset", "records")]);
    assert_eq!(at(11, &records), all[short..]);
}

#[test]
fn past_the_last_row_comes_an_empty_page_or_the_last_one() {
    let all = listed(50);
    let short = all.len() / 100 * 100;
    assert!(at(8, &simulator(50)).is_empty());
    let repeating = switched(50, &[("past-end", "last")]);
    assert_eq!(at(8, &repeating), all[short..]);
    let nothing = Call::v2(&repeating).between(day(100), day(101));
    assert_eq!(nothing.page(&repeating), (Vec::new(), 0));
    let each = switched(50, &[("past-end", "last"), ("order", "two-groups-each")]);
    let pages: Vec<_> = (0..4).map(|offset| at(offset, &each)).collect();
    assert_eq!(pages[..3].iter().flatten().collect::<HashSet<_>>().len(), all.len());
    assert_eq!(pages[3], pages[2]);
}

#[test]
fn an_order_is_ascending_or_descending() {
    let rows = |order| {
        let simulator = switched(100, &[("order", order)]);
        Call::v2(&simulator).rows(&simulator)
    };
    let (up, mut down) = (rows("ascending"), rows("descending"));
    assert!(starts(&up).is_sorted() && up.iter().take(50).any(bot_only) && !up.iter().take(50).all(bot_only));
    down.reverse();
    assert_eq!(up, down);
}

#[test]
fn a_shuffled_window_is_the_same_at_every_request_and_a_reshuffled_one_is_not() {
    let mut all = listed(100);
    all.sort();
    let twice = |order| {
        let simulator = switched(100, &[("order", order)]);
        let call = Call::v2(&simulator);
        (ids(&call.rows(&simulator)), ids(&call.rows(&simulator)))
    };
    let (one, mut two) = twice("shuffled");
    assert_eq!(one, two);
    assert_ne!(one, all);
    two.sort();
    assert_eq!(two, all);
    let (one, two) = twice("reshuffled");
    assert_ne!(one, two);
    assert!(one.iter().collect::<HashSet<_>>().len() < all.len(), "pages of different orders overlap");
}

#[test]
fn two_groups_each_pages_both_groups_side_by_side() {
    let simulator = switched(100, &[("order", "two-groups-each")]);
    let call = Call::v2(&simulator);
    let first = call.at(0, &simulator);
    assert_eq!((first.len(), first.iter().filter(|row| bot_only(row)).count()), (200, 100));
    let sessions: Vec<_> = starts(&first[..100]);
    assert!(sessions.is_sorted() && starts(&first[100..]).iter().rev().is_sorted());
    let mut found = ids(&call.rows(&simulator));
    let mut all = listed(100);
    found.sort();
    all.sort();
    assert_eq!(found, all);
    assert_eq!(call.page(&simulator).1, all.len() as u64);
}

#[test]
fn num_results_is_the_total_or_the_length_of_the_page() {
    let simulator = switched(50, &[("num-results", "page")]);
    let total = simulator.generator().rows();
    for (offset, rows) in [(0, 100), (3, total - 300), (4, 0)] {
        let (found, results) = Call::v2(&simulator).query(&format!("offset={offset}")).page(&simulator);
        assert_eq!((found.len(), results), (rows, rows as u64));
    }
}

#[test]
fn a_page_holds_what_the_server_honours() {
    let all = listed(50);
    for rows in [100, 50, 37] {
        let simulator = switched(50, &[("page-rows", &rows.to_string())]);
        assert_eq!(at(1, &simulator), all[rows..2 * rows]);
    }
}

#[test]
fn the_range_is_168_hours_or_seven_dates() {
    let hours = simulator(5);
    let dates = switched(5, &[("range", "7-dates")]);
    let status = |simulator: &Simulator, from: &str, to: &str, offset: i32| {
        let call = Call::v2(simulator).with("startDate", json!(from)).with("endDate", json!(to));
        call.with("timeZoneOffset", json!(offset)).send(simulator).0.as_u16()
    };
    let cases = [
        ("2026-03-02 00:00:00", "2026-03-08 23:59:59", 200, 200),
        ("2026-03-02 00:00:00", "2026-03-09 00:00:00", 200, 400),
        ("2026-03-02 12:00:00", "2026-03-09 11:00:00", 200, 400),
        ("2026-03-02 12:00:00", "2026-03-09 12:00:01", 400, 400),
    ];
    for (from, to, by_hours, by_dates) in cases {
        for offset in [0, -330] {
            assert_eq!(status(&hours, from, to, offset), by_hours, "{from} {to}");
            assert_eq!(status(&dates, from, to, offset), by_dates, "{from} {to}");
        }
    }
}

fn crowded(switches: &[(&str, &str)]) -> (Simulator, Timestamp) {
    let second: Timestamp = "2026-03-04T10:00:00Z".parse().unwrap();
    let crowd = [("crowd", "3000@2026-03-04T10:00:00Z"), ("max-offset", "none")];
    (switched(20, &[&crowd, switches].concat()), second)
}

#[test]
fn a_crowd_starts_in_one_second() {
    let (simulator, second) = crowded(&[]);
    let rows = simulator.generator().rows();
    assert_eq!(rows, self::simulator(20).generator().rows() + 3_000);
    assert_eq!(Call::v2(&simulator).between(second, second).page(&simulator).1, 3_000);
    let call = Call::v2(&simulator).between(second, second);
    let distinct: HashSet<_> = (0..30).flat_map(|offset| ids(&call.at(offset, &simulator))).collect();
    assert_eq!(distinct.len(), 3_000);
    let error = Behaviour::default().set("crowd", "3000");
    assert!(matches!(error, Err(SimulatorError::SwitchValue { switch: "crowd", .. })));
    let mut behaviour = Behaviour::default();
    behaviour.set("crowd", "5@1999-01-01T00:00:00Z").unwrap();
    let error = Simulator::new(SimulatorSettings { behaviour, ..SimulatorSettings::default() }).unwrap_err();
    assert_eq!(error.to_string(), "expected a crowd within the years 2015 to 2099, found `1999-01-01T00:00:00Z`");
}

#[test]
fn hidden_milliseconds_keep_rows_out_of_the_second_that_ends_a_window() {
    let total = |switches: &[(&str, &str)], from: i64, to: i64| {
        let (simulator, second) = crowded(switches);
        let at = |seconds| second + SignedDuration::from_secs(seconds);
        Call::v2(&simulator).between(at(from), at(to)).page(&simulator).1
    };
    assert_eq!(total(&[("milliseconds", "none")], 0, 0), 3_000);
    let exactly = total(&[("milliseconds", "hidden")], 0, 0);
    assert!((1..20).contains(&exactly), "{exactly}");
    assert_eq!(total(&[("milliseconds", "hidden")], 0, 1), 3_000);
    assert_eq!(total(&[("milliseconds", "hidden")], -1, 0), exactly);
    assert_eq!(total(&[("milliseconds", "hidden"), ("last-second", "excluded")], -1, 0), 0);
    assert_eq!(total(&[("last-second", "excluded")], 0, 1), 3_000);
    assert_eq!(total(&[("last-second", "excluded")], 0, 0), 0);
}

#[test]
fn milliseconds_do_not_show() {
    let rows = |simulator: Simulator| Call::v2(&simulator).rows(&simulator);
    assert_eq!(rows(simulator(50)), rows(switched(50, &[("milliseconds", "hidden")])));
}

#[test]
fn a_window_of_ends_returns_the_rows_that_end_in_it() {
    let simulator = switched(300, &[("filtered", "end"), ("max-offset", "none")]);
    let generator = simulator.generator();
    let view = View { fields: Vec::new(), ..View::whole(Api::V2) };
    let inside = |row: &Value| row["sessionEndTime"].as_str().is_some_and(|end| end.starts_with("2026-03-04T1"));
    let truth =
        generator.truth(stream(generator), day(0), day(7), &view).map(|text| serde_json::from_str(&text).unwrap());
    let expected: HashSet<_> = truth.filter(inside).map(|row| id(&row)).collect();
    let call = Call::v2(&simulator)
        .with("startDate", json!("2026-03-04 10:00:00"))
        .with("endDate", json!("2026-03-04 19:59:59"));
    let found: Vec<_> = call.rows(&simulator);
    assert!(found.iter().any(|row| !row["sessionStartTime"].as_str().unwrap().starts_with("2026-03-04T1")));
    assert_eq!(found.iter().map(id).collect::<HashSet<_>>(), expected);
    assert_eq!(found.len(), expected.len());
}

#[test]
fn rows_without_an_end_are_in_no_window_of_ends() {
    let simulator = switched(300, &[("filtered", "end")]);
    let weeks = (-1..5).map(|week| Call::v2(&simulator).between(day(7 * week), day(7 * week + 7)).page(&simulator).1);
    let generator = simulator.generator();
    let truth = generator.truth(stream(generator), day(0), day(7), &View::whole(Api::V2));
    let ended = truth.filter(|text| text.contains("\"sessionEndTime\":")).count();
    assert_eq!(weeks.sum::<u64>(), ended as u64);
    assert!(ended < generator.rows());
}

#[test]
fn channels_are_filtered_by_code_or_by_the_values_of_rows() {
    let count = |codes, channel: &str| {
        let simulator = switched(100, &[("codes", codes)]);
        Call::v2(&simulator).with("channels", json!([channel])).page(&simulator).1
    };
    assert!(count("differ", "rtm") > count("same", "rtm") && count("same", "rtm") > 0);
    assert_eq!(count("differ", "Web/Mobile Client"), 0);
    assert!(count("same", "Web/Mobile Client") > 0);
    let simulator = switched(100, &[("codes", "same")]);
    let rows = Call::v2(&simulator).with("channels", json!(["kiosk "])).rows(&simulator);
    assert!(!rows.is_empty() && rows.iter().all(|row| row["channel"] == "Kiosk "));
}

#[test]
fn is_automation_may_be_ignored() {
    let ignoring = switched(50, &[("is-automation", "ignored")]);
    for wanted in [true, false] {
        let rows = Call::v2(&ignoring).with("isAutomation", json!(wanted)).rows(&ignoring);
        assert_eq!(ids(&rows), listed(50));
    }
}

/// The whole week, read by one who knows how the server pages.
fn read_whole(simulator: &Simulator) -> Vec<String> {
    let behaviour = simulator.settings().behaviour;
    let first = u32::from(behaviour.first_page != FirstPage::Zero);
    let step = if behaviour.offset == OffsetUnit::Records { behaviour.page_rows } else { 1 };
    let pages = u32::try_from(simulator.generator().rows()).unwrap() / behaviour.page_rows + 1;
    let page = |number: u32| at(first + number * step, simulator);
    (0..pages).map(page).take_while(|rows| !rows.is_empty()).flatten().collect()
}

#[test]
fn every_paging_shows_each_row_once_to_those_who_know_it() {
    let mut all = listed(20);
    all.sort();
    for offset in OffsetUnit::WORDS {
        for first in FirstPage::WORDS {
            for order in Order::WORDS.iter().filter(|order| **order != "reshuffled") {
                let paging = [("offset", *offset), ("first-page", *first), ("order", *order)];
                let other = [("page-rows", "37"), ("max-offset", "none"), ("milliseconds", "hidden")];
                let mut found = read_whole(&switched(20, &[&paging[..], &other].concat()));
                found.sort();
                assert_eq!(found, all, "{paging:?}");
            }
        }
    }
}

#[test]
fn every_switch_takes_its_words_and_says_what_it_is_set_to() {
    assert_eq!(Behaviour::default().to_string(), "default");
    for switch in Behaviour::switches() {
        for word in switch.words {
            let value = match *word {
                "N" => "7",
                "N@TIME" => "12@2026-03-04T10:00:00Z",
                "TIME/TIME" => "2026-03-04T10:00:00Z/2026-03-05T00:00:00Z",
                word => word,
            };
            let mut behaviour = Behaviour::default();
            behaviour.set(switch.name, value).unwrap();
            assert_eq!(switch.value(&behaviour), value, "{}", switch.name);
            let named = format!("{}={value}", switch.name);
            assert!(behaviour == Behaviour::default() || behaviour.to_string() == named, "{behaviour}");
            assert_eq!(behaviour.to_string().parse::<Behaviour>().unwrap(), behaviour);
        }
    }
}

#[test]
fn a_switch_or_value_that_does_not_exist_is_named_with_those_that_do() {
    let error = Behaviour::default().set("order", "up").unwrap_err();
    assert_eq!(
        error.to_string(),
        "expected one of `ascending`, `descending`, `shuffled`, `reshuffled`, `two-groups`, `two-groups-each` \
         for the switch `order`, found `up`"
    );
    let error = Behaviour::default().set("sorting", "up").unwrap_err().to_string();
    assert!(error.starts_with("expected a switch of `offset`, `first-page`") && error.ends_with("found `sorting`"));
    assert!("offset=records order".parse::<Behaviour>().is_err());
    for (switch, value) in [("page-rows", "0"), ("page-rows", "101"), ("max-offset", "-1"), ("churn-stretch", "today")]
    {
        assert!(Behaviour::default().set(switch, value).is_err());
    }
}
