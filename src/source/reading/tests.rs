use super::model::{DAY, Dice, MONDAY, Order, Outcome, Run, Server, traffic};
use crate::source::{Habits, Rhythm, RowFacts};

pub(super) const DAYS: i64 = 56;

pub(super) fn first_load(server: &Server, rows: &[RowFacts], days: i64, seed: u64) -> Outcome {
    first(rows, days).read(server, seed)
}

/// A load that knows nothing of the account.
fn first(rows: &[RowFacts], days: i64) -> Run<'_> {
    let range = (MONDAY, MONDAY + days * DAY);
    Run {
        rows,
        range,
        known: false,
        quiet_before: range.1,
        habits: Habits::default(),
        rhythm: Rhythm::default(),
        spread: None,
        width: 4,
        restless: &[],
    }
}

/// A later load of other weeks, or of weeks whose rows lie in the lake.
pub(super) fn later_load(server: &Server, before: &Outcome, rows: &[RowFacts], known: bool, quiet: bool) -> Outcome {
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
        restless: &[],
    };
    run.read(server, 2)
}

/// Requests by the fewest that pages of 100 rows take; every row was read.
pub(super) fn ratio(outcome: &Outcome, rows: &[RowFacts]) -> f64 {
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

/// The mean over so many times eight weeks is within `most`.
fn hold(server: &Server, per_day: u64, times: u64, most: &Most) {
    let mut sums = [0.0; 5];
    for seed in 0..times {
        let rows = traffic(DAYS, per_day, &mut Dice(7 + seed));
        let others = traffic(DAYS, per_day, &mut Dice(107 + seed));
        let first = first_load(server, &rows, DAYS, 1);
        let ratios = [
            ratio(&first, &rows),
            ratio(&later_load(server, &first, &rows, false, true), &rows),
            ratio(&later_load(server, &first, &others, false, true), &others),
            ratio(&later_load(server, &first, &rows, true, true), &rows),
            ratio(&later_load(server, &first, &rows, true, false), &rows),
        ];
        sums.iter_mut().zip(ratios).for_each(|(sum, ratio)| *sum += ratio);
    }
    let names = ["first", "later, the same weeks", "later, other weeks", "again, quiet", "again, fresh"];
    let bounds = [most.first, most.later, most.later, most.again, most.again];
    let mean = sums.map(|sum| sum / f64::from(u32::try_from(times).unwrap()));
    eprintln!("{per_day} a day: {mean:.3?}, {server:?}");
    for ((name, mean), most) in names.iter().zip(mean).zip(bounds) {
        assert!(mean <= most, "{per_day} a day, {name}: expected at most {most}, found {mean:.3}, {server:?}");
    }
}

#[test]
fn requests_where_offset_counts_pages() {
    let most = Most { first: 1.15, later: 1.07, again: 1.10 };
    for (totals, order) in [(true, Order::TwoGroups), (false, Order::Shuffled)] {
        let server = Server { order, totals, ..Server::plain() };
        hold(&server, 5_000, 1, &most);
        hold(&server, 200, 4, &most);
    }
}

#[test]
fn requests_where_offset_counts_records() {
    let most = Most { first: 1.5, later: 1.35, again: 1.10 };
    for (totals, order) in [(true, Order::TwoGroups), (false, Order::Shuffled)] {
        let server = Server { records: true, order, totals, ..Server::plain() };
        hold(&server, 5_000, 1, &most);
        hold(&server, 200, 4, &Most { first: 1.6, ..most });
    }
}

/// Two days of traffic on a server of any kind.
fn by_chance(seed: u64) -> (Server, Vec<RowFacts>) {
    let mut dice = Dice(seed);
    let server = Server::by_chance(&mut dice);
    let per_day = [2, 20, 60, 200, 1_000][dice.index(5)];
    (server, traffic(2, per_day, &mut dice))
}

/// How many of `keys` were neither read nor named as unreadable.
fn lost(outcome: &Outcome, rows: &[RowFacts], keys: impl Fn(u128) -> bool) -> usize {
    let named = |row: &RowFacts| outcome.unreadable.iter().any(|s| (*s..=s + 1).contains(&row.start.unwrap()));
    rows.iter().filter(|row| keys(row.key) && !outcome.keys.contains(&row.key) && !named(row)).count()
}

fn lose_no_key(seeds: std::ops::Range<u64>) {
    let mut wrong = Vec::new();
    for seed in seeds {
        let (server, rows) = by_chance(seed);
        let outcome = first_load(&server, &rows, 2, seed);
        let lost = lost(&outcome, &rows, |_| true);
        if lost > 0 || (!outcome.unreadable.is_empty() && rows.len() > 1) {
            wrong.push(format!("{seed}: {lost} lost, {} unreadable, {server:?}", outcome.unreadable.len()));
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong[..wrong.len().min(30)].join("\n"));
}

/// Windows of one page, while every tenth row comes and goes.
fn lose_no_key_that_stays(seeds: std::ops::Range<u64>) {
    let mut wrong = Vec::new();
    for seed in seeds {
        let (server, rows) = by_chance(seed);
        let restless: Vec<_> = rows.iter().step_by(10).map(|row| row.key).collect();
        let run = Run {
            rows: &rows,
            range: (MONDAY, MONDAY + 2 * DAY),
            known: seed % 2 == 0,
            quiet_before: MONDAY,
            habits: Habits::default(),
            rhythm: Rhythm::default(),
            spread: None,
            width: 4,
            restless: &restless,
        };
        let outcome = run.read(&server, seed);
        let lost = lost(&outcome, &rows, |key| !restless.contains(&key));
        if lost > 0 {
            wrong.push(format!("{seed}: {lost} of {} lost, {server:?}", rows.len()));
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong[..wrong.len().min(30)].join("\n"));
}

#[test]
fn no_key_is_lost_under_any_reading() {
    lose_no_key(0..300);
}

#[test]
fn no_key_that_stays_is_lost_while_others_come_and_go() {
    lose_no_key_that_stays(0..300);
}

#[test]
#[ignore = "takes minutes: 20,000 servers by chance, quiet and restless"]
fn no_key_is_lost_by_any_of_many_servers() {
    lose_no_key(300..20_000);
    lose_no_key_that_stays(300..20_000);
}

/// Requests side by side on average, of so many that may be, in a first load.
fn side_by_side(days: i64, per_day: u64, width: usize) -> f64 {
    let rows = traffic(days, per_day, &mut Dice(7));
    let run = Run { width, ..first(&rows, days) };
    let outcome = run.read(&Server::plain(), 1);
    assert_eq!(outcome.keys.len(), rows.len());
    let exact = |count: usize| f64::from(u32::try_from(count).unwrap());
    exact(outcome.requests) / exact(outcome.rounds)
}

#[test]
fn a_first_load_keeps_nearly_all_connections_busy() {
    for (days, per_day, width, share) in [(7, 14_286, 8, 0.90), (7, 2_860, 4, 0.86), (DAYS, 5_000, 8, 0.97)] {
        let busy = side_by_side(days, per_day, width) / f64::from(u32::try_from(width).unwrap());
        assert!(busy >= share, "{days} days of {per_day}: expected {share} of {width}, found {busy:.3}");
    }
}
