//! The process that is killed: this test executable once more, told to play a scene. At the step given it says where it
//! stands and never goes on; whoever started it kills it there.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use kore_lake::source::{Page, PageRequest, PageSource, SourceError, Traffic};
use object_store::path::Path;

use super::phase::Phase;
use crate::centre::run;
use crate::faulty_store::{Deed, Faults, FaultyStore, Moment, Operation, Step};
use crate::scene::{ALL, Copy, Scene, lake_at};
use crate::wire::Wire;

const ORDER: &str = "KORE_LAKE_TEST_VICTIM";
const HERE: &str = "stands at ";

/// Requests that this process has made.
static REQUESTS: AtomicU64 = AtomicU64::new(0);

/// Where a process was killed.
#[derive(Debug, Clone, Copy)]
pub struct Killed {
    pub phase: Phase,
    /// Requests that it had made.
    pub requests: u64,
}

/// What a process is to do.
#[derive(Debug, Clone, Copy)]
pub struct Order {
    pub scene: Scene,
    /// Step at which it is killed, counted from 0.
    pub step: usize,
    pub moment: Moment,
}

/// Plays a scene in a process that is killed at the step of the order; none where it came to its end before.
pub fn kill(copy: &Copy, order: Order) -> Option<Killed> {
    let Order { scene, step, moment } = order;
    let mut child: Child = Command::new(std::env::current_exe().unwrap())
        .args(["kills::victim::plays_a_scene", "--exact", "--ignored", "--nocapture", "--test-threads=1"])
        .env(ORDER, format!("{scene:?} {step} {moment:?} {}", copy.folder.path().display()))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let place = lines.into_iter().find_map(|line| line.split_once(HERE).map(|(_, place)| place.to_owned()));
    let Some(place) = place else {
        assert!(child.wait().unwrap().success(), "{order:?}: the victim failed by itself");
        return None;
    };
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(9));
    let (phase, requests) = place.split_once(' ').unwrap();
    let phase = super::phase::PHASES.into_iter().find(|known| known.to_string() == phase).unwrap();
    Some(Killed { phase, requests: requests.parse().unwrap() })
}

fn say_where(steps: &[Step], _: Moment) {
    let mut out = std::io::stdout().lock();
    let (phase, requests) = (Phase::of(steps), REQUESTS.load(Ordering::Relaxed));
    writeln!(out, "\n{HERE}{phase} {requests}").unwrap();
    out.flush().unwrap();
}

/// A source whose requests are steps too.
pub struct Steps {
    pub wire: Arc<Wire>,
    pub faults: Arc<Faults>,
}

#[async_trait]
impl PageSource for Steps {
    async fn fetch(&self, request: &PageRequest) -> Result<Page, SourceError> {
        REQUESTS.fetch_add(1, Ordering::Relaxed);
        let disturbance = self.faults.pass(Operation::Fetch, &Path::from("page"));
        disturbance.reach(Moment::Before).await.unwrap();
        disturbance.reach(Moment::Amid).await.unwrap();
        let page = self.wire.fetch(request).await;
        disturbance.reach(Moment::After).await.unwrap();
        page
    }

    fn traffic(&self) -> Traffic {
        self.wire.traffic()
    }
}

#[test]
#[ignore = "is the process that the tests of kills start and kill: does nothing by itself"]
fn plays_a_scene() {
    let Ok(order) = std::env::var(ORDER) else { return };
    let mut words = order.splitn(4, ' ');
    let mut word = || words.next().unwrap().to_owned();
    let (scene, step, moment, folder) = (word(), word().parse().unwrap(), word(), PathBuf::from(word()));
    let scene = ALL.into_iter().find(|known| format!("{known:?}") == scene).unwrap();
    let moments = [Moment::Before, Moment::Amid, Moment::After];
    let moment = moments.into_iter().find(|known| format!("{known:?}") == moment).unwrap();
    run(async move {
        let (wire, faults) = (scene.centre(), Faults::at(step, moment, Deed::Halt(say_where)));
        let lake = lake_at(&folder);
        let lake = lake.clone().with_store(FaultyStore::new(lake.store(), &faults));
        let source = Arc::new(Steps { wire: Arc::clone(&wire), faults });
        scene.play(&lake, source, &wire).await.unwrap();
    });
}
