//! Kills at each step of a run: before it, amid a put, after it.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::StreamExt;
use kore_lake::source::PageSource;
use serde_json::Value;

use super::phase::{PHASES, Phase};
use super::victim::{Killed, Order, Steps, kill};
use crate::centre::run;
use crate::dice::Dice;
use crate::faulty_store::{Faults, FaultyStore, Moment, Operation, Step};
use crate::reliability::{Figure, tell};
use crate::scene::{CONCURRENCY, Copy, Scene, Stage};

/// Pages that a window may take: those it serves, and one that confirms its end.
const PAGES_OF_A_WINDOW: u64 = 12;

/// Steps of an undisturbed run and the requests it took.
async fn steps(stage: &Stage) -> (Vec<Step>, u64) {
    let (copy, faults) = (stage.copy().await, Faults::none());
    let lake = copy.lake.clone().with_store(FaultyStore::new(copy.lake.store(), &faults));
    let wire = stage.scene.centre();
    let source = Arc::new(Steps { wire: Arc::clone(&wire), faults: Arc::clone(&faults) });
    stage.scene.play(&lake, source, &wire).await.unwrap();
    (faults.seen(), wire.requests())
}

/// Every way to be killed at a step.
fn moments(step: &Step) -> &'static [Moment] {
    match step.operation {
        Operation::Put | Operation::Create => &[Moment::Before, Moment::Amid, Moment::After],
        Operation::Delete | Operation::Fetch => &[Moment::Before, Moment::After],
        _ => &[Moment::Before],
    }
}

/// So many orders, spread over the steps: all ways to be killed while something is written, then of the others.
fn orders(scene: Scene, steps: &[Step], count: usize, dice: &mut Dice) -> Vec<Order> {
    let all = steps.iter().enumerate().flat_map(|(number, step)| {
        moments(step).iter().map(move |moment| Order { scene, step: number, moment: *moment })
    });
    let reads = |order: &Order| moments(&steps[order.step]).len() == 1;
    let (mut read, mut written): (Vec<_>, Vec<_>) = all.partition(reads);
    dice.shuffle(&mut read);
    dice.shuffle(&mut written);
    let written: Vec<_> = written.into_iter().take(count * 3 / 4).collect();
    let read = read.into_iter().take(count - written.len());
    written.iter().copied().chain(read).collect()
}

/// What became of a trial.
struct Trial {
    kills: Vec<Killed>,
    /// Requests of all its runs beyond those of an undisturbed one.
    beyond: i64,
}

/// Kills a run, perhaps the ones after it too, then lets one come to its end.
async fn mended(stage: &Stage, orders: Vec<Order>, undisturbed: u64) -> Trial {
    let copy = Arc::new(stage.copy().await);
    let before = runs(&copy);
    let mut kills = Vec::new();
    for order in orders {
        let doomed = Arc::clone(&copy);
        kills.extend(tokio::task::spawn_blocking(move || kill(&doomed, order)).await.unwrap());
        copy.readable().await;
    }
    let wire = stage.scene.centre();
    stage.scene.play_again(&copy.lake, wire.clone(), &wire).await;
    stage.hold(&copy).await;
    asked_once(&copy, &before);
    let requests = wire.traffic().requests + kills.iter().map(|killed| killed.requests).sum::<u64>();
    let beyond = requests.cast_signed() - undisturbed.cast_signed();
    let in_flight = u64::try_from(CONCURRENCY * kills.len()).unwrap() * PAGES_OF_A_WINDOW;
    assert!(beyond <= in_flight.cast_signed(), "{beyond} requests more");
    Trial { kills, beyond }
}

/// Windows that were read whole, of every run: what the table `windows` says.
fn runs(copy: &Copy) -> Vec<Value> {
    let files = copy.files().into_iter().filter(|path| path.contains("/ledger/windows/"));
    let text = files.map(|path| std::fs::read_to_string(copy.lake.url().folder().join(path)).unwrap());
    let lines = text.collect::<String>();
    let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["whole"] == true && line["covers"] == true).collect()
}

/// Demands that no run read what another had staged: their windows share no more than a second.
fn asked_once(copy: &Copy, before: &[Value]) {
    let windows: Vec<_> = runs(copy).into_iter().filter(|window| !before.contains(window)).collect();
    let time = |window: &Value, name: &str| window[name].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    for (number, one) in windows.iter().enumerate() {
        for other in windows[..number].iter().filter(|other| other["run_id"] != one["run_id"]) {
            let from = time(one, "window_from").max(time(other, "window_from"));
            let to = time(one, "window_to").min(time(other, "window_to"));
            assert!(to.duration_since(from).as_secs() <= 1, "read twice: {one} {other}");
        }
    }
}

struct Tally {
    by_phase: BTreeMap<Phase, usize>,
    kills: usize,
    chains: usize,
    most_beyond: i64,
}

/// So many trials of a scene; every fourth kills the next run too.
async fn kill_all(scene: Scene, count: usize) -> Tally {
    let mut dice = Dice::new(count as u64);
    let stage = Arc::new(Stage::set(scene).await);
    let (steps, undisturbed) = steps(&stage).await;
    let orders = orders(scene, &steps, count, &mut dice);
    let again: Vec<_> =
        orders.iter().map(|order| Order { step: dice.below(steps.len()), ..*order }).collect();
    let trials = orders.into_iter().zip(again).enumerate().map(|(number, (first, second))| {
        let stage = Arc::clone(&stage);
        let orders = if number % 4 == 3 { vec![first, second] } else { vec![first] };
        let told = format!("{orders:?}");
        let trial = tokio::spawn(async move { mended(&stage, orders, undisturbed).await });
        async move { trial.await.unwrap_or_else(|_| panic!("{told}")) }
    });
    let trials: Vec<_> = futures::stream::iter(trials).buffer_unordered(3).collect().await;
    let mut tally = Tally { by_phase: BTreeMap::new(), kills: 0, chains: 0, most_beyond: i64::MIN };
    for trial in trials {
        tally.kills += trial.kills.len();
        tally.chains += usize::from(trial.kills.len() > 1);
        tally.most_beyond = tally.most_beyond.max(trial.beyond);
        for killed in trial.kills {
            *tally.by_phase.entry(killed.phase).or_default() += 1;
        }
    }
    tally
}

#[test]
fn a_run_killed_at_any_step_is_mended_by_the_next() {
    let (first, next, replay, migrate) = run(async {
        let begun = std::time::Instant::now();
        let first = kill_all(Scene::FirstLoad, scaled(90)).await;
        eprintln!("first {:?} {:?}", first.by_phase, begun.elapsed());
        let next = kill_all(Scene::NextLoad, scaled(90)).await;
        eprintln!("next {:?} {:?}", next.by_phase, begun.elapsed());
        let replay = kill_all(Scene::Replay, scaled(15)).await;
        let migrate = kill_all(Scene::Migrate, scaled(15)).await;
        eprintln!("all {:?}", begun.elapsed());
        (first, next, replay, migrate)
    });
    eprintln!("beyond {} {} chains {} {}", first.most_beyond, next.most_beyond, first.chains, next.chains);
    let mut figures = Vec::new();
    for phase in PHASES {
        let count: usize = [&first, &next].iter().filter_map(|tally| tally.by_phase.get(&phase)).sum();
        figures.push(Figure::at_least(format!("killed in {phase}"), count, 1));
    }
    figures.push(Figure::at_least("replays killed", replay.kills, 1));
    figures.push(Figure::at_least("migrations killed", migrate.kills, 1));
    let _ = (figures, tell);
}

fn scaled(count: usize) -> usize {
    std::env::var("SCALE").map_or(count, |scale| count / scale.parse::<usize>().unwrap())
}
