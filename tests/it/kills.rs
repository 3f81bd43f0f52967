//! A run that is killed at any moment is mended by running again: the lake equals the truth, no key twice, nothing left
//! in staging, nothing asked for again that was staged.

mod moments;
mod phase;
mod signals;
mod surprise;
mod victim;

use crate::centre::run;
use crate::kills::moments::kill_all;
use crate::kills::phase::PHASES;
use crate::reliability::{Figure, tell};
use crate::scene::Scene;

const NEVER: [&str; 3] = ["rows lost", "rows doubled", "staged objects that a reader could see"];

#[test]
fn at_whatever_step_a_load_is_killed_the_next_one_mends_it() {
    let tallies = run(async { [kill_all(Scene::FirstLoad, 110).await, kill_all(Scene::NextLoad, 110).await] });
    let kills = tallies.iter().map(|tally| tally.kills).sum();
    let mut figures = vec![Figure::at_least("loads killed by SIGKILL at a step", kills, 200)];
    for (phase, promised) in PHASES.into_iter().zip([5, 5, 5, 5, 3, 5, 5]) {
        let of_phase = tallies.iter().filter_map(|tally| tally.by_phase.get(&phase)).sum();
        figures.push(Figure::at_least(format!("of these in {phase}"), of_phase, promised));
    }
    let again = tallies.iter().map(|tally| tally.again).sum();
    figures.push(Figure::at_least("of these while they mended another kill", again, 10));
    figures.extend(NEVER.map(Figure::never));
    tell("Kills of loads", &figures);
}

#[test]
fn whenever_another_run_is_killed_the_next_one_mends_it() {
    let [replays, migrations] =
        run(async { [kill_all(Scene::Replay, 14).await.kills, kill_all(Scene::Migrate, 14).await.kills] });
    let surprised = surprise::kill_all();
    let mut figures = vec![
        Figure::at_least("replays killed by SIGKILL at a step", replays, 12),
        Figure::at_least("migrations killed by SIGKILL at a step", migrations, 12),
        Figure::at_least("loads of the real binary killed at any moment", surprised, 24),
    ];
    figures.extend(NEVER.map(Figure::never));
    tell("Kills of other runs, and at any moment", &figures);
}
