//! A slow store, and a run that is asked to stop while it commits.

use std::time::Duration;

use kore_lake::error::Error;
use kore_lake::pipeline::{Signal, Stopper, Unwatched, load};

use crate::centre::run;
use crate::faulty_store::{Deed, Faults, FaultyStore, Moment, Operation, Step};
use crate::scene::{Scene, Stage, load_request};

fn is_day_written(step: &Step) -> bool {
    step.operation == Operation::Put && step.path.starts_with("conversations/")
}

#[test]
fn a_commit_that_is_asked_to_stop_ends_before_its_next_day() {
    run(async {
        let stage = Stage::set(Scene::NextLoad).await;
        let copy = stage.copy().await;
        let slow = Deed::Wait(Duration::from_millis(500));
        let faults = Faults::matching(is_day_written, 0, Moment::Before, slow);
        let lake = copy.lake.clone().with_store(FaultyStore::new(copy.lake.store(), &faults));
        let (stopper, stop) = Stopper::new();
        let request = load_request(&stage.wire);
        let loading = load(&lake, stage.wire.clone(), &request, &Unwatched, stop);
        let asking = async {
            while faults.seen().is_empty() {
                tokio::time::sleep(Duration::from_millis(1)).await; // between two looks at the store
            }
            stopper.stop(Signal::Terminate);
        };
        let (finished, ()) = tokio::join!(loading, asking);
        assert!(matches!(finished.error, Some(Error::Terminated)), "{:?}", finished.error);
        assert_eq!(faults.seen().len(), 1, "another day was written");
        assert!(!copy.left_over().is_empty(), "what was staged is gone");
        copy.readable().await;
        stage.scene.play_again(&copy.lake, stage.wire.clone(), &stage.wire).await;
        stage.hold(&copy).await;
    });
}
