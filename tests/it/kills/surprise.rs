//! The real binary, killed at any moment of its run.

use std::thread;
use std::time::{Duration, Instant};

use kore_lake::lake::{Clock, Finding};
use kore_lake::schema::ApiVersion;

use crate::centre::run;
use crate::dice::Dice;
use crate::following::keyed;
use crate::scene::{Copy, lake_at};
use crate::service::Service;
use crate::wire::view;

/// Trials for each seed; more where fewer loads than this were killed before they had ended.
const TRIALS: usize = 16;
const KILLS: usize = 12;

/// Kills loads at a random part of the time that one takes. Returns how many were killed before they had ended.
pub fn kill_all() -> usize {
    thread::scope(|scope| {
        let trials = [31, 37].map(|seed| scope.spawn(move || kill_some(seed)));
        trials.into_iter().map(|trial| trial.join().unwrap()).sum()
    })
}

fn kill_some(seed: u64) -> usize {
    let service = Service::start(|settings| settings.data.seed = seed);
    let mut dice = Dice::new(seed);
    let undisturbed = {
        let folder = tempfile::tempdir().unwrap();
        let begun = Instant::now();
        assert_eq!(load(&service, folder.path()).run().code, 0);
        begun.elapsed()
    };
    let (mut trials, mut killed) = (0, 0);
    // Loads that ended before they were killed show nothing: others take their place.
    while trials < TRIALS || (killed < KILLS && trials < 4 * TRIALS) {
        trials += 1;
        let copy = Copy::new();
        // Once, or once more while the kill is mended.
        for _ in 0..=dice.below(2) {
            let after = undisturbed.mul_f64(f64::from(u32::try_from(dice.roll(100)).unwrap()) / 100.0);
            killed += usize::from(is_killed_after(&service, &copy, after));
        }
        assert_eq!(load(&service, copy.folder.path()).run().code, 0);
        hold(&service, copy);
    }
    killed
}

fn load(service: &Service, folder: &std::path::Path) -> crate::program::Program {
    service.program(folder, &service.load_line().replace("--concurrency 1", "--window 3h -q"))
}

/// Whether the load still ran then.
fn is_killed_after(service: &Service, copy: &Copy, after: Duration) -> bool {
    let mut running = load(service, copy.folder.path()).start();
    thread::sleep(after); // what is tested: a moment by chance
    let was_alive = running.is_alive();
    running.kill();
    was_alive
}

fn hold(service: &Service, copy: Copy) {
    let (generator, settings) = (service.running().generator(), service.running().simulator().settings());
    let days = generator.range();
    let truth = generator.truth(&settings.data.stream_ids[0], days.start, days.end, &view(ApiVersion::V2));
    let truth: Vec<serde_json::Value> = truth.map(|record| serde_json::from_str(&record).unwrap()).collect();
    let truth = keyed(&truth);
    run(async move {
        assert!(copy.readable().await == truth, "the lake is not the truth");
        let clock: Clock = std::sync::Arc::new(kore_lake::clock::UtcTime::now);
        let report = copy.lake.verify(None, &clock).await.unwrap();
        assert_eq!(report.findings.iter().collect::<Vec<_>>(), Vec::<&Finding>::new());
        assert_eq!(copy.left_over(), Vec::<String>::new());
    });
}

impl Copy {
    /// A lake with nothing in it.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { lake: lake_at(folder.path()), folder }
    }
}
