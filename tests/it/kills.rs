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

#[test]
fn whenever_a_run_is_killed_the_next_one_mends_it() {
    let tallies = run(async {
        let mut tallies = Vec::new();
        for (scene, count) in [(Scene::FirstLoad, 80), (Scene::NextLoad, 80), (Scene::Replay, 12), (Scene::Migrate, 12)]
        {
            tallies.push(kill_all(scene, count).await);
        }
        tallies
    });
    let surprised = surprise::kill_all();
    let kills = tallies.iter().map(|tally| tally.kills).sum::<usize>() + surprised;
    let mut figures = vec![Figure::at_least("processes killed by SIGKILL, at a step or by chance", kills, 200)];
    for (phase, promised) in PHASES.into_iter().zip([10, 8, 5, 20, 4, 10, 10]) {
        let of_phase = tallies[..2].iter().filter_map(|tally| tally.by_phase.get(&phase)).sum();
        figures.push(Figure::at_least(format!("loads killed at a step: {phase}"), of_phase, promised));
    }
    figures.extend([
        Figure::at_least("replays killed at a step", tallies[2].kills, 10),
        Figure::at_least("migrations killed at a step", tallies[3].kills, 10),
        Figure::at_least("loads of the real binary killed at any moment", surprised, 15),
        Figure::at_least(
            "of all these, while they mended another kill",
            tallies.iter().map(|tally| tally.again).sum(),
            25,
        ),
        Figure::exact("rows lost", 0),
        Figure::exact("rows doubled", 0),
        Figure::exact("staged objects that a reader could see", 0),
    ]);
    tell("Kills", &figures);
}
