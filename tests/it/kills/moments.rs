//! Kills at each step of a run: before it, amid a put, after it.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::StreamExt;
use serde_json::Value;

use super::phase::Phase;
use super::victim::{Killed, Order, Steps, kill};
use crate::dice::Dice;
use crate::faulty_store::{Faults, FaultyStore, Moment, Operation, Step};
use crate::scene::{CONCURRENCY, Copy, Scene, Stage};

/// Pages that a window may take: those it serves, and one that confirms its end.
const PAGES_OF_A_WINDOW: u64 = 12;

/// Trials at a time.
const SIDE_BY_SIDE: usize = 3;

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

/// Kills a run, perhaps the one after it too, then lets one come to its end.
async fn mended(stage: &Stage, orders: Vec<Order>, undisturbed: u64) -> Vec<Killed> {
    let copy = Arc::new(stage.copy().await);
    let (mut done, mut spent) = (runs(&copy), 0);
    let mut kills = Vec::new();
    for order in orders {
        let doomed = Arc::clone(&copy);
        let killed = tokio::task::spawn_blocking(move || kill(&doomed, order)).await.unwrap();
        spent += killed.map_or(0, |killed| killed.requests);
        kills.extend(killed);
        copy.readable().await;
        if !is_open(stage, &copy).await {
            (done, spent) = (runs(&copy), 0); // it had done all it set out to do: the next run is another one
        }
    }
    let wire = stage.scene.centre();
    stage.scene.play_again(&copy.lake, wire.clone(), &wire).await;
    stage.hold(&copy).await;
    if matches!(stage.scene, Scene::FirstLoad | Scene::NextLoad) {
        asked_once(&copy, &done);
    }
    let in_flight = u64::try_from(CONCURRENCY * kills.len()).unwrap() * PAGES_OF_A_WINDOW;
    let (asked, most) = (spent + wire.requests(), undisturbed + in_flight);
    assert!(asked <= most, "{asked} requests, expected at most {most}");
    kills
}

/// Whether a run has set out and not closed what it set out to do.
async fn is_open(stage: &Stage, copy: &Copy) -> bool {
    let head = copy.lake.head(&stage.wire.account()).await.unwrap();
    head.is_none_or(|head| head.streams.values().any(|stream| stream.intent.is_some()))
}

/// Windows that were read whole, of every run: what the table `windows` says.
fn runs(copy: &Copy) -> Vec<Value> {
    let files = copy.files().into_iter().filter(|path| path.contains("/ledger/windows/"));
    let text = files.map(|path| std::fs::read_to_string(copy.lake.url().folder().unwrap().join(path)).unwrap());
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

/// What was killed.
#[derive(Default)]
pub struct Tally {
    pub by_phase: BTreeMap<Phase, usize>,
    pub kills: usize,
    /// Runs killed that were to mend a kill.
    pub again: usize,
}

/// So many trials of a scene; in every fourth the next run is killed too.
pub async fn kill_all(scene: Scene, count: usize) -> Tally {
    let mut dice = Dice::new(29);
    let stage = Arc::new(Stage::set(scene).await);
    let (steps, undisturbed) = steps(&stage).await;
    let orders = orders(scene, &steps, count, &mut dice);
    let mut again = orders.clone();
    for order in &mut again {
        order.step = dice.below(steps.len());
    }
    let trials = orders.into_iter().zip(again).enumerate().map(|(number, (first, second))| {
        let stage = Arc::clone(&stage);
        let orders = if number % 4 == 3 { vec![first, second] } else { vec![first] };
        let told = format!("{orders:?}");
        let trial = tokio::spawn(async move { mended(&stage, orders, undisturbed).await });
        async move { trial.await.unwrap_or_else(|_| panic!("{told}")) }
    });
    let mut tally = Tally::default();
    let mut trials = futures::stream::iter(trials).buffer_unordered(SIDE_BY_SIDE);
    while let Some(kills) = trials.next().await {
        tally.kills += kills.len();
        tally.again += kills.len().saturating_sub(1);
        for killed in kills {
            *tally.by_phase.entry(killed.phase).or_default() += 1;
        }
    }
    tally
}
