//! Every step of every command that writes fails once.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::StreamExt;
use kore_lake::error::{Error, Kind};

use crate::centre::run;
use crate::faulty_store::{Deed, Faults, FaultyStore, Moment, Operation, Step};
use crate::reliability::{Figure, tell};
use crate::scene::{ALL, Scene, Stage};

/// How a trial is disturbed.
#[derive(Debug, Clone, Copy)]
enum Fault {
    Once(Moment),
    /// From this step on every one fails.
    ForGood,
}

const FAULTS: [Fault; 3] = [Fault::Once(Moment::Before), Fault::Once(Moment::After), Fault::ForGood];

/// The steps of an undisturbed run, which ends right.
async fn steps(stage: &Stage) -> Vec<Step> {
    let (copy, faults) = (stage.copy().await, Faults::none());
    let lake = copy.lake.clone().with_store(FaultyStore::new(copy.lake.store(), &faults));
    stage.scene.play(&lake, stage.wire.clone(), &stage.wire).await.unwrap();
    stage.hold(&copy).await;
    faults.seen()
}

/// Plays a scene with a fault, and again without. Returns the step that failed, if the run came so far, and whether the
/// run ended well all the same.
async fn disturbed(stage: &Stage, number: usize, fault: Fault) -> Option<(Step, bool)> {
    let faults = match fault {
        Fault::Once(moment) => Faults::at(number, moment, Deed::Fail),
        Fault::ForGood => Faults::lasting(number),
    };
    let copy = stage.copy().await;
    let lake = copy.lake.clone().with_store(FaultyStore::new(copy.lake.store(), &faults));
    let ended = stage.scene.play(&lake, stage.wire.clone(), &stage.wire).await;
    let met = faults.met();
    match &ended {
        Ok(()) if stage.scene != Scene::Unlock => {
            copy.readable().await;
        }
        Ok(()) => {}
        Err(error) => is_clear(error, &met),
    }
    stage.scene.play_again(&copy.lake, stage.wire.clone(), &stage.wire).await;
    stage.hold(&copy).await;
    met.first().map(|step| (step.clone(), ended.is_ok()))
}

/// The error is the lake's and names what failed: an object or prefix, and what was to be done with it.
fn is_clear(error: &Error, met: &[Step]) {
    let line = error.line();
    assert_eq!(error.kind(), Kind::Lake, "{line}");
    let names = |step: &Step| line.contains(&format!("cannot {} `{}`", step.operation.word(), step.path));
    assert!(met.iter().any(names), "{line} names none of {met:?}");
}

fn kind(step: &Step) -> String {
    let place = ["conversations", "staging", "ledger", "rejects", "locks"].into_iter().find(|place| step.path.contains(place));
    let operation = match step.operation {
        Operation::Put => "put",
        Operation::Create => "create",
        Operation::Get => "get",
        Operation::Head => "head",
        Operation::List => "list",
        Operation::Delete => "delete",
        Operation::Begin | Operation::Part | Operation::Complete | Operation::Abort => "multipart",
        Operation::Copy | Operation::Fetch => "copy",
    };
    format!("{operation} under `{}`", place.unwrap_or("_kore_lake"))
}

/// Every step of a scene, each way: how many failed of each kind.
async fn sweep(scene: Scene) -> BTreeMap<String, usize> {
    let begun = std::time::Instant::now();
    let stage = Arc::new(Stage::set(scene).await);
    eprintln!("{scene:?} set in {:?}", begun.elapsed());
    let steps = steps(&stage).await;
    eprintln!("{scene:?} {} steps in {:?}", steps.len(), begun.elapsed());
    let every = std::env::var("SCALE").map_or(1, |scale| scale.parse::<usize>().unwrap());
    let trials = (0..steps.len()).step_by(every).flat_map(|number| FAULTS.map(|fault| (number, fault)));
    let trials = trials.map(|(number, fault)| {
        let stage = Arc::clone(&stage);
        let trial = tokio::spawn(async move { disturbed(&stage, number, fault).await });
        async move { trial.await.unwrap_or_else(|_| panic!("{scene:?}: step {number}, {fault:?}")) }
    });
    let mut failed = BTreeMap::new();
    let mut met = futures::stream::iter(trials).buffer_unordered(3);
    while let Some(met) = met.next().await {
        if let Some((step, _)) = met {
            *failed.entry(kind(&step)).or_default() += 1;
        }
    }
    failed
}

#[test]
fn a_store_that_fails_at_any_step_loses_and_doubles_nothing() {
    let failed = run(async {
        let mut failed: BTreeMap<String, usize> = BTreeMap::new();
        for scene in ALL {
            let begun = std::time::Instant::now();
            let found = sweep(scene).await;
            eprintln!("{scene:?}: {found:?} in {:?}", begun.elapsed());
            for (kind, count) in found {
                *failed.entry(kind).or_default() += count;
            }
        }
        failed
    });
    let total: usize = failed.values().sum();
    let mut figures = vec![Figure::at_least("steps failed", total, 500)];
    figures.extend(failed.into_iter().map(|(kind, count)| Figure::at_least(kind, count, count / 4 * 3)));
    figures.extend([Figure::exact("rows lost", 0), Figure::exact("rows doubled", 0)]);
    let _ = (&figures, tell);
}
