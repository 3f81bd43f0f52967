//! What no document says of a server: it must not make a window whole, nor a run endless.

use super::model::MONDAY;
use super::*;
use crate::schema::ApiVersion;
use crate::source::{Habits, Refusal, RowFacts};

/// A reading of an hour.
fn reading(learned: &Learned, pages: Pages) -> WindowReading {
    let window = Window::of_seconds(MONDAY, MONDAY + 3_600);
    let template = RequestTemplate::new(ApiVersion::V2, "acc".parse().unwrap(), "st-1".parse().unwrap());
    WindowReading::new(window, pages, template, learned.clone())
}

/// So many bot-only sessions and conversations, their keys from `first` on.
fn page(first: u128, bot_only: u128, conversations: u128) -> PageFacts {
    let row = |key: u128| RowFacts { key, bot_only: key < first + bot_only, start: None, end: None };
    let rows: Vec<_> = (first..first + bot_only + conversations).map(row).collect();
    PageFacts { records: rows.len(), rows, num_results: None }
}

fn asked(reading: &WindowReading) -> Option<u32> {
    match reading.next() {
        Next::Request(request) => request.offset,
        _ => None,
    }
}

#[test]
fn records_without_a_key_may_fill_a_group() {
    let learned = Learned::new(Habits::default());
    reading(&learned, Pages::Many).observe(&page(0, 100, 100));
    let mut reading = reading(&learned, Pages::Many);
    let rejected = PageFacts { records: 130, ..page(1_000, 95, 30) };
    reading.observe(&rejected);
    assert_eq!(asked(&reading), Some(1), "{:?}", reading.next());
}

#[test]
fn records_without_a_key_do_not_show_that_pages_are_one_list() {
    let learned = Learned::new(Habits::default());
    reading(&learned, Pages::Many).observe(&page(0, 100, 100));
    let mut followed = reading(&learned, Pages::Many);
    followed.observe(&PageFacts { records: 130, ..page(1_000, 95, 30) });
    followed.observe(&page(2_000, 10, 0));
    let mut reading = reading(&learned, Pages::Many);
    reading.observe(&page(3_000, 100, 30));
    assert_eq!(asked(&reading), Some(1), "{:?}", reading.next());
}

#[test]
fn a_given_up_page_with_records_without_a_key_says_nothing_of_lists() {
    for unkeyed in [0, 5] {
        let learned = Learned::new(Habits::default());
        let mut full = reading(&learned, Pages::One);
        let given_up = page(0, 45, 50);
        full.observe(&PageFacts { records: given_up.records + unkeyed, ..given_up });
        let mut shorter = page(1_000, 30, 0);
        shorter.rows.iter_mut().for_each(|row| row.start = Some(MONDAY));
        learned.see(Window::of_seconds(MONDAY, MONDAY + 60), 0, &shorter);
        assert_eq!(learned.one_list(), unkeyed == 0);
    }
}

#[test]
fn a_server_that_always_has_more_is_not_read_without_end() {
    for step in [1, 100] {
        let learned = Learned::new(Habits::default());
        let mut reading = reading(&learned, Pages::Many);
        while let Some(offset) = asked(&reading) {
            assert!(reading.requests() <= 50, "offset {offset}");
            reading.observe(&page(u128::from(offset) * step, 50, 50));
        }
        assert!(matches!(reading.next(), Next::Doubt(Doubt::OverFull { .. })), "{:?}", reading.next());
    }
}

#[test]
fn two_pages_prove_nothing_where_one_is_to_answer() {
    let learned = Learned::new(Habits::default());
    let mut first = reading(&learned, Pages::One);
    first.observe(&page(0, 9, 0));
    first.observe(&page(9, 2, 0));
    assert_eq!(first.next(), Next::Doubt(Doubt::Full { records: 11 }));
}

#[test]
fn a_full_page_that_any_offset_repeats_is_no_end() {
    let thrice = |page: &PageFacts| {
        let mut reading = reading(&Learned::new(Habits::default()), Pages::Many);
        (0..5).for_each(|_| reading.observe(page));
        matches!(reading.next(), Next::Whole(_))
    };
    assert!(thrice(&page(0, 10, 20)));
    assert!(!thrice(&page(0, 40, 60)));
    assert!(!thrice(&PageFacts { num_results: Some(31), ..page(0, 10, 20) }));
}

#[test]
fn offset_0_that_gave_nothing_by_chance_is_not_left_out() {
    let refusal = |reading: &mut WindowReading| {
        let refusal = Refusal { url: String::new(), status: 400, message: None, reason: RefusalReason::Other };
        reading.refused(SourceError::Refused(Box::new(refusal))).unwrap();
    };
    let refused_once = |learned: &Learned| {
        let mut reading = reading(learned, Pages::Many);
        refusal(&mut reading);
        reading.observe(&page(100, 100, 0));
        assert_eq!(asked(&reading), Some(0));
        reading
    };
    let learned = Learned::new(Habits::default());
    let mut by_chance = refused_once(&learned);
    by_chance.observe(&page(0, 100, 0));
    assert_eq!((by_chance.next(), learned.first()), (Next::Doubt(Doubt::MoreFollow { offset: 1 }), 0));
    let learned = Learned::new(Habits::default());
    let mut for_good = refused_once(&learned);
    refusal(&mut for_good);
    assert_eq!((asked(&for_good), learned.first()), (Some(2), 1));
}

#[test]
fn a_total_of_the_whole_account_does_not_cut_windows_to_seconds() {
    let doubt = Doubt::BeyondReach { total: 5_000_000, reach: 1_099 };
    assert!(doubt.at_least().unwrap() < 20_000);
    let doubt = Doubt::TotalAbove { total: 5_000_000, distinct_keys: 250 };
    assert_eq!(doubt.at_least(), Some(251));
}

#[test]
fn nearly_the_same_rows_in_another_order_do_not_say_that_offset_counts_records() {
    for (turned, unit) in [(false, Unit::Records), (true, Unit::Unknown)] {
        let learned = Learned::new(Habits::default());
        let mut reading = reading(&learned, Pages::Many);
        reading.observe(&page(0, 20, 17));
        let mut shifted = page(1, 19, 18);
        if turned {
            shifted.rows.reverse();
        }
        reading.observe(&shifted);
        assert_eq!(learned.unit(), unit);
    }
}
