use super::model::{DAY, Dice, MONDAY, Order, Outcome, Run, Server, traffic};
use super::*;
use crate::source::{Habits, Rhythm, RowFacts};

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

fn ratio(outcome: &Outcome, rows: usize) -> f64 {
    outcome.requests as f64 / rows.div_ceil(100) as f64
}

#[test]
fn ratios() {
    for (name, server) in [
        ("pages, totals", Server::plain()),
        ("pages, no totals", Server { totals: false, ..Server::plain() }),
        ("records, totals", Server { records: true, ..Server::plain() }),
        ("records, no totals", Server { records: true, totals: false, ..Server::plain() }),
        ("pages, shuffled", Server { totals: false, order: Order::Shuffled, ..Server::plain() }),
        ("records, shuffled", Server { records: true, totals: false, order: Order::Shuffled, ..Server::plain() }),
    ] {
        for per_day in [5_000, 200] {
            let days = 56;
            let rows = traffic(days, per_day, &mut Dice(7));
            let first = first_load(&server, &rows, days, 1);
            let of = |habits, rhythm: Rhythm, known| {
                let range = (MONDAY, MONDAY + days * DAY);
                Run {
                    rows: &rows,
                    range,
                    known,
                    quiet_before: range.1,
                    habits,
                    rhythm,
                    spread: Some(first.spread),
                    width: 4,
                }
                .read(&server, 2)
            };
            let later = of(first.habits, first.rhythm.clone(), false);
            let again = of(first.habits, first.rhythm.clone(), true);
            let all: HashSet<_> = rows.iter().map(|row| row.key).collect();
            assert!(first.keys == all && later.keys == all && again.keys == all);
            eprintln!(
                "{name} {per_day}: first {:.3} ({} cut), rhythm known {:.3} ({} cut), again {:.3} ({} cut) {:?} {:.3}",
                ratio(&first, rows.len()),
                first.cut,
                ratio(&later, rows.len()),
                later.cut,
                ratio(&again, rows.len()),
                again.cut,
                first.habits,
                first.spread
            );
        }
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
