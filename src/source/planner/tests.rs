use proptest::prelude::*;

use super::*;
use crate::source::{Rhythm, Unit};

const HOUR: i64 = 3_600;
const WEEK: i64 = 7 * 24 * HOUR;
const LONGEST: Duration = Duration::from_hours(6 * 24);

fn work(from: i64, to: i64, known: bool) -> Work {
    Work { range: Window::of_seconds(from, to).range(), known }
}

fn quiet_before(second: i64) -> UtcTime {
    UtcTime::from_seconds(second)
}

/// A rhythm of so many rows in every hour.
fn steady(per_hour: i64) -> Rhythm {
    let mut rhythm = Rhythm::default();
    rhythm.add(Window::of_seconds(0, WEEK).range(), times(0, WEEK, per_hour));
    rhythm
}

/// Rows at even distances.
fn times(from: i64, to: i64, per_hour: i64) -> Vec<i64> {
    (0..(to - from) * per_hour / HOUR).map(|n| from + n * HOUR / per_hour).collect()
}

fn planner(work: &[Work], known: Vec<i64>, rhythm: Rhythm, quiet: i64) -> Planner {
    Planner::new(work, known, Density::new(rhythm, Some(0.05)), quiet_before(quiet), LONGEST)
}

fn proven() -> Habits {
    Habits { unit: Unit::Pages, page_seen: true, ..Habits::default() }
}

fn seconds(planned: &Planned) -> (i64, i64) {
    (planned.window.from().seconds(), planned.window.to().seconds())
}

fn full(records: u64) -> Doubt {
    Doubt::OverFull { offset: 10, records }
}

#[test]
fn windows_aim_at_the_pages_that_they_may_have() {
    let mut planner = planner(&[work(0, WEEK, false)], Vec::new(), steady(100), WEEK);
    let rows = planner.next(&proven(), None).unwrap().rows.unwrap();
    assert!((850.0..1_050.0).contains(&rows), "{rows}");
    let records = Habits { unit: Unit::Records, ..proven() };
    let rows = planner.next(&records, None).unwrap().rows.unwrap();
    assert!((70.0..95.0).contains(&rows), "{rows}");
}

#[test]
fn the_pages_left_bound_a_window() {
    let mut planner = planner(&[work(0, WEEK, false)], Vec::new(), steady(100), WEEK);
    let planned = planner.next(&proven(), Some(2)).unwrap();
    assert!(planned.rows.unwrap() < 200.0 && planned.requests.unwrap() <= 2.0, "{planned:?}");
}

#[test]
fn fresh_windows_are_of_one_page_and_apart_from_quiet_ones() {
    let mut planner = planner(&[work(0, 2 * WEEK, false)], Vec::new(), steady(10), WEEK + 1_000);
    let planned: Vec<_> = std::iter::from_fn(|| planner.next(&proven(), None)).collect();
    for planned in &planned {
        let (from, to) = seconds(planned);
        let one = planned.pages == Pages::One;
        assert!(if one { from >= WEEK + 1_000 } else { to <= WEEK + 1_000 }, "{planned:?}");
        assert!(!one || planned.rows.unwrap() < 100.0, "{planned:?}");
    }
}

#[test]
fn of_the_lake_so_many_rows_lie_in_a_window_that_both_its_edges_may_count() {
    let known: Vec<i64> = (0..5_000).flat_map(|n| [n * 60, n * 60]).collect();
    let count = |(from, to): (i64, i64)| known.iter().filter(|second| (from..=to).contains(*second)).count();
    let mut planner = planner(&[work(0, 300_000, true)], known.clone(), Rhythm::default(), 150_000);
    while let Some(planned) = planner.next(&proven(), None) {
        let most = if planned.pages == Pages::One { 96 } else { 1_098 };
        assert!(count(seconds(&planned)) <= most, "{planned:?}");
    }
}

#[test]
fn a_window_of_the_lakes_rows_stays_one_when_it_is_cut() {
    let mut planner = planner(&[work(0, WEEK, true)], times(0, WEEK, 30), Rhythm::default(), 0);
    let planned = planner.next(&proven(), None).unwrap();
    assert!(planner.split(&planned, &Doubt::Full { records: 100 }));
    let again = planner.next(&proven(), None).unwrap();
    assert!(again.window.length_seconds() <= planned.window.length_seconds() * 3 / 4 + 1);
    assert!(again.rows.unwrap() >= 60.0, "{again:?}");
}

#[test]
fn what_is_left_of_a_cut_window_joins_the_next() {
    let mut planner = planner(&[work(0, WEEK, false)], Vec::new(), steady(100), WEEK);
    let planned = planner.next(&proven(), None).unwrap();
    assert!(planner.split(&planned, &full(1_100)));
    let (_, first_to) = seconds(&planner.next(&proven(), None).unwrap());
    let (from, to) = seconds(&planner.next(&proven(), None).unwrap());
    assert_eq!(from, first_to);
    assert!(to > planned.window.to().seconds());
}

#[test]
fn a_total_sizes_the_windows_that_take_its_place() {
    let totals = Habits { totals: true, ..proven() };
    let mut planner = planner(&[work(0, WEEK, false)], Vec::new(), steady(100), WEEK);
    let planned = planner.next(&totals, None).unwrap();
    let length = planned.window.length_seconds();
    assert!(planner.split(&planned, &Doubt::BeyondReach { total: 20_000, reach: 1_099 }));
    let again = planner.next(&totals, None).unwrap().window.length_seconds();
    assert!((length / 30..length / 18).contains(&again), "{again} of {length}");
}

#[test]
fn pages_that_overlapped_are_read_again_one_at_a_time() {
    let mut planner = planner(&[work(0, WEEK, false)], Vec::new(), steady(100), WEEK);
    let planned = planner.next(&proven(), None).unwrap();
    assert!(planner.split(&planned, &Doubt::Repeats { offset: 1, repeated: 3 }));
    assert_eq!(planner.next(&proven(), None).unwrap().pages, Pages::One);
}

#[test]
fn hours_like_none_before_are_read_one_window_at_a_time() {
    let mut planner = planner(&[work(0, WEEK, false)], Vec::new(), Rhythm::default(), WEEK);
    let first = planner.next(&proven(), None).unwrap();
    assert_eq!((first.window.length_seconds(), first.rows, planner.width(4)), (FIRST_SECONDS, None, 1));
    planner.whole(first.window, &times(0, FIRST_SECONDS, 10));
    assert_eq!(planner.width(4), 1);
    let second = planner.next(&proven(), None).unwrap();
    assert!(second.window.length_seconds() <= GROWTH * FIRST_SECONDS);
    planner.whole(second.window, &[]);
    while planner.todo[0].from < 24 * HOUR {
        let planned = planner.next(&proven(), None).unwrap();
        planner.whole(planned.window, &[]);
    }
    planner.next(&proven(), None);
    assert_eq!(planner.width(4), 4);
}

#[test]
fn a_guess_waits_until_the_windows_before_it_are_counted_not_until_they_are_read() {
    let mut planner = planner(&[work(0, WEEK, false)], Vec::new(), Rhythm::default(), WEEK);
    let first = planner.next(&proven(), None).unwrap();
    planner.counted(first.window, 60);
    assert_eq!(planner.width(4), 1, "the first of a run is read alone");
    planner.whole(first.window, &times(0, FIRST_SECONDS, 10));
    let second = planner.next(&proven(), None).unwrap();
    assert_eq!(planner.width(4), 1);
    planner.counted(second.window, 900);
    planner.counted(second.window, 900);
    assert_eq!(planner.width(4), 2);
    let third = planner.next(&proven(), None).unwrap();
    assert_eq!(planner.width(4), 1);
    // As dense as the second was counted, which has not been read yet.
    let rate = |planned: &Planned, rows: f64| rows / seconds_f64(planned.window.length_seconds());
    let expected = rate(&second, 900.0);
    let found = rate(&third, third.rows.unwrap());
    assert!((found / expected - 1.0).abs() < 0.01, "{found} {expected}");
}

#[test]
fn where_windows_have_one_page_the_first_is_to_show_a_full_one() {
    let habits = Habits { page_seen: false, ..proven() };
    let mut fresh = planner(&[work(0, WEEK, false)], Vec::new(), steady(100), 0);
    let trial = fresh.next(&habits, None).unwrap();
    assert!((250.0..=300.0).contains(&trial.rows.unwrap()), "{trial:?}");
    assert_eq!(fresh.width(4), 1);
    assert!(fresh.split(&trial, &Doubt::Full { records: 100 }));
    assert!(fresh.next(&proven(), None).unwrap().rows.unwrap() < 100.0);
    assert_eq!(fresh.width(4), 4);
    let mut little = planner(&[work(0, 2 * HOUR, false)], Vec::new(), steady(100), 0);
    assert!(little.next(&habits, None).unwrap().rows.unwrap() < 100.0);
}

#[test]
fn a_refused_length_is_halved() {
    let habits = Habits { refused_seconds: Some(7_200), ..proven() };
    let mut planner = planner(&[work(0, WEEK, false)], Vec::new(), steady(1), WEEK);
    assert_eq!(planner.next(&habits, None).unwrap().window.length_seconds(), 3_600);
}

#[test]
fn more_work_comes_behind() {
    let mut planner = planner(&[work(0, HOUR, false)], Vec::new(), steady(1), WEEK);
    planner.add(&[work(WEEK, WEEK + HOUR, false)], quiet_before(2 * WEEK));
    let planned: Vec<_> = std::iter::from_fn(|| planner.next(&proven(), None)).map(|next| seconds(&next)).collect();
    assert_eq!(planned, [(0, HOUR), (WEEK, WEEK + HOUR)]);
    assert!(planner.is_done());
}

/// What happens to a window that was planned.
fn fates() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(0_u8..8, 1..60)
}

fn doubt(fate: u8) -> Option<Doubt> {
    match fate {
        0 => Some(full(1_100)),
        1 => Some(Doubt::Full { records: 100 }),
        2 => Some(Doubt::BeyondReach { total: 3_000, reach: 1_099 }),
        3 => Some(Doubt::Repeats { offset: 1, repeated: 1 }),
        4 => Some(Doubt::RangeRefused),
        _ => None,
    }
}

proptest! {
    #[test]
    fn whole_windows_cover_the_work_exactly_and_none_is_too_long(
        fates in fates(), per_hour in 0_i64..2_000, known: bool, length in 1_i64..40 * 24 * HOUR, quiet in 0.0..1.0
    ) {
        let times = if known { times(0, length, per_hour.max(1) / 40 + 1) } else { Vec::new() };
        let rhythm = if per_hour == 0 { Rhythm::default() } else { steady(per_hour) };
        let quiet = whole_seconds(seconds_f64(length) * quiet);
        let mut planner = planner(&[work(0, length, known)], times, rhythm, quiet);
        let mut whole = Vec::new();
        // Fates come to an end, so that windows do.
        let mut fates = fates.into_iter().chain(std::iter::repeat(7));
        while let Some(planned) = planner.next(&proven(), None) {
            prop_assert!(planned.window.length() <= LONGEST);
            let (from, to) = seconds(&planned);
            prop_assert!(planned.pages == Pages::One || to <= quiet);
            match doubt(fates.next().unwrap()) {
                Some(doubt) if planner.split(&planned, &doubt) => {}
                _ => {
                    planner.whole(planned.window, &[]);
                    whole.push((from, to));
                }
            }
            if whole.len() > 3_000 {
                return Ok(());
            }
        }
        whole.sort_unstable();
        prop_assert_eq!(whole.first().unwrap().0, 0);
        prop_assert_eq!(whole.last().unwrap().1, length);
        prop_assert!(whole.windows(2).all(|pair| pair[0].1 == pair[1].0));
    }

    #[test]
    fn a_window_that_is_cut_again_and_again_comes_down_to_one_second(
        fate in 0_u8..5, length in 1_i64..6 * 24 * HOUR, per_hour in 0_i64..100, known: bool
    ) {
        let rhythm = if per_hour == 0 { Rhythm::default() } else { steady(per_hour) };
        let mut planner = planner(&[work(0, length, known)], Vec::new(), rhythm, length);
        let mut before = i64::MAX;
        for _ in 0..80 {
            let planned = planner.next(&proven(), None).unwrap();
            let now = planned.window.length_seconds();
            prop_assert!(now < before);
            before = now;
            if !planner.split(&planned, &doubt(fate).unwrap()) {
                break;
            }
        }
        prop_assert_eq!(before, 1);
    }
}
