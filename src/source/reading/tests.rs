use super::model::{DAY, Dice, MONDAY, Order, Outcome, Run, Server, traffic};
use super::*;
use crate::schema::ApiVersion;
use crate::source::{Habits, Refusal, Rhythm, RowFacts};

const DAYS: i64 = 56;

fn first_load(server: &Server, rows: &[RowFacts], days: i64, seed: u64) -> Outcome {
    let range = (MONDAY, MONDAY + days * DAY);
    let run = Run {
        rows,
        range,
        known: false,
        quiet_before: range.1,
        habits: Habits::default(),
        rhythm: Rhythm::default(),
        spread: None,
        width: 4,
    };
    run.read(server, seed)
}

/// A later load of other weeks, or of weeks whose rows lie in the lake.
fn later_load(server: &Server, before: &Outcome, rows: &[RowFacts], known: bool, quiet: bool) -> Outcome {
    let range = (MONDAY, MONDAY + DAYS * DAY);
    let run = Run {
        rows,
        range,
        known,
        quiet_before: if quiet { range.1 } else { range.0 },
        habits: before.habits,
        rhythm: before.rhythm.clone(),
        spread: Some(before.spread),
        width: 4,
    };
    run.read(server, 2)
}

/// Requests by the fewest that pages of 100 rows take; every row was read.
fn ratio(outcome: &Outcome, rows: &[RowFacts]) -> f64 {
    assert_eq!(outcome.keys, rows.iter().map(|row| row.key).collect());
    f64::from(u32::try_from(outcome.requests).unwrap()) / f64::from(u32::try_from(rows.len().div_ceil(100)).unwrap())
}

/// The most that a first load may take, one of the same weeks and of others once the rhythm is known, and one of
/// weeks in the lake, their rows quiet or fresh.
struct Most {
    first: f64,
    later: f64,
    again: f64,
}

fn hold(server: &Server, per_day: u64, most: &Most) {
    let rows = traffic(DAYS, per_day, &mut Dice(7));
    let others = traffic(DAYS, per_day, &mut Dice(8));
    let first = first_load(server, &rows, DAYS, 1);
    let ratios = [
        ("first", ratio(&first, &rows), most.first),
        ("later, the same weeks", ratio(&later_load(server, &first, &rows, false, true), &rows), most.later),
        ("later, other weeks", ratio(&later_load(server, &first, &others, false, true), &others), most.later),
        ("again, quiet", ratio(&later_load(server, &first, &rows, true, true), &rows), most.again),
        ("again, fresh", ratio(&later_load(server, &first, &rows, true, false), &rows), most.again),
    ];
    eprintln!("{per_day} {} {} {:?}: {ratios:.3?}", server.records, server.totals, server.order);
    for (name, found, most) in ratios {
        assert!(found <= most, "{per_day} a day, {name}: expected at most {most}, found {found:.3}, {server:?}");
    }
}

#[test]
fn requests_where_offset_counts_pages() {
    let most = Most { first: 1.15, later: 1.07, again: 1.10 };
    for (totals, order) in [(true, Order::TwoGroups), (false, Order::TwoGroups), (false, Order::Shuffled)] {
        let server = Server { totals, order, ..Server::plain() };
        hold(&server, 5_000, &most);
        hold(&server, 200, &most);
    }
}

#[test]
fn requests_where_offset_counts_records() {
    let most = Most { first: 1.5, later: 1.35, again: 1.10 };
    for (totals, order) in [(true, Order::TwoGroups), (false, Order::TwoGroups), (false, Order::Shuffled)] {
        let server = Server { records: true, totals, order, ..Server::plain() };
        hold(&server, 5_000, &most);
        hold(&server, 200, &most);
    }
}

#[test]
fn no_key_is_lost_under_any_reading() {
    let mut wrong = Vec::new();
    for seed in 0..3_000 {
        let mut dice = Dice(seed);
        let server = Server::by_chance(&mut dice);
        let per_day = [2, 20, 60, 200, 1_000][dice.index(5)];
        let rows = traffic(2, per_day, &mut dice);
        let all: HashSet<_> = rows.iter().map(|row| row.key).collect();
        let outcome = first_load(&server, &rows, 2, seed);
        let lost = rows.iter().filter(|row| !outcome.keys.contains(&row.key));
        let lost =
            lost.filter(|row| !outcome.unreadable.iter().any(|s| (*s..=s + 1).contains(&row.start.unwrap()))).count();
        if lost > 0 {
            wrong.push(format!("{seed}: {lost} of {} lost, {server:?}", all.len()));
        } else if !outcome.unreadable.is_empty() && rows.len() > 1 {
            wrong.push(format!("{seed}: {} unreadable of {}, {server:?}", outcome.unreadable.len(), all.len()));
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong[..wrong.len().min(30)].join("\n"));
}

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
    first.observe(&page(0, 50, 0));
    first.observe(&page(50, 9, 0));
    assert_eq!(first.next(), Next::Doubt(Doubt::Full { records: 59 }));
    assert_eq!(learned.habits().page_rows, 50);
}

#[test]
fn a_full_page_that_any_offset_repeats_is_no_end() {
    let thrice = |page: &PageFacts| {
        let mut reading = reading(&Learned::new(Habits::default()), Pages::Many);
        (0..3).for_each(|_| reading.observe(page));
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
