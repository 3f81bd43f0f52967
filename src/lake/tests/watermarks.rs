//! How far a stream was read: what each kind of run moves.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;

use super::support::*;
use crate::clock::{TimeRange, UtcTime};
use crate::lake::{Coverage, Owed, Proven, RunIntent, RunState, StagedWindow, StreamState};

/// One run that reads a window at a present of its own, all in seconds after the morning.
struct Run {
    window: (i64, i64),
    now: i64,
    lookback: u64,
    whole: bool,
    covers: bool,
}

fn run(from: i64, to: i64, now: i64) -> Run {
    Run { window: (from, to), now, lookback: 100, whole: true, covers: true }
}

impl Run {
    fn staged(&self) -> StagedWindow {
        let mut window = proven(&[], self.window.0, self.window.1, 0);
        let proof = window.proof.as_mut().unwrap();
        (proof.read_at, proof.as_of) = (at(self.now), at(self.now));
        (proof.whole, proof.covers) = (self.whole, self.covers);
        window
    }

    async fn load(&self, lake: &TestLake) -> StreamState {
        self.load_as(lake, self.staged()).await
    }

    async fn load_as(&self, lake: &TestLake, window: StagedWindow) -> StreamState {
        let mut writer = lake.writer().await;
        let lookback = Some(Duration::from_secs(self.lookback));
        writer.begin(RunIntent { lookback, ..intent() }).await.unwrap();
        writer.stage(window).await.unwrap();
        writer.commit().await.unwrap();
        writer.finish(RunState::Complete, true).await.unwrap();
        lake.state().await
    }
}

impl TestLake {
    async fn state(&self) -> StreamState {
        self.lake.head(&account()).await.unwrap().unwrap().stream(Some(&stream())).unwrap().clone()
    }
}

fn at(second: i64) -> UtcTime {
    UtcTime::from_seconds(MORNING + second)
}

/// Provisional and final up to, in seconds after the morning.
fn marks(state: &StreamState) -> (Option<i64>, Option<i64>) {
    let second = |time: UtcTime| time.seconds() - MORNING;
    (state.provisional_up_to().map(second), state.final_up_to(None).map(second))
}

#[tokio::test]
async fn complete_runs_move_both_marks() {
    let lake = TestLake::new();
    assert_eq!(marks(&run(0, 1_000, 1_000).load(&lake).await), (Some(1_000), Some(900)));
    assert_eq!(marks(&run(900, 1_500, 1_500).load(&lake).await), (Some(1_500), Some(1_400)));
}

#[tokio::test]
async fn a_run_of_a_shorter_lookback_does_not_move_the_final_mark() {
    let lake = TestLake::new();
    run(0, 1_000, 1_000).load(&lake).await;
    let shorter = Run { lookback: 10, ..run(990, 2_000, 2_000) };
    let state = shorter.load(&lake).await;
    assert_eq!((marks(&state), state.lookback_seconds), ((Some(2_000), Some(900)), Some(100)));
    let longer = Run { lookback: 300, ..run(900, 2_500, 2_500) };
    let state = longer.load(&lake).await;
    assert_eq!((marks(&state), state.lookback_seconds), ((Some(2_500), Some(700)), Some(300)));
}

#[tokio::test]
async fn an_owed_window_moves_the_provisional_mark_and_holds_the_final_one() {
    let lake = TestLake::new();
    run(0, 1_000, 1_000).load(&lake).await;
    let owed = Run { whole: false, ..run(1_000, 1_500, 1_500) };
    assert_eq!(marks(&owed.load(&lake).await), (Some(1_500), Some(900)));
    assert_eq!(marks(&run(1_500, 2_000, 2_000).load(&lake).await), (Some(2_000), Some(900)));
    assert_eq!(marks(&run(900, 1_500, 2_000).load(&lake).await), (Some(2_000), Some(1_900)));
}

#[tokio::test]
async fn of_a_first_run_that_could_not_read_its_first_window_nothing_is_final() {
    let lake = TestLake::new();
    Run { whole: false, ..run(0, 500, 1_000) }.load(&lake).await;
    assert_eq!(marks(&run(500, 1_000, 1_000).load(&lake).await), (Some(1_000), None));
}

#[tokio::test]
async fn rejects_hold_no_mark_back() {
    let lake = TestLake::new();
    let run = run(0, 1_000, 1_000);
    let window = StagedWindow { rejects: vec![reject("{}", 7)], ..run.staged() };
    assert_eq!(marks(&run.load_as(&lake, window).await), (Some(1_000), Some(900)));
}

#[tokio::test]
async fn a_replay_without_a_proof_moves_no_mark() {
    let lake = TestLake::new();
    let run = Run { lookback: 100, ..run(0, 1_000, 1_000) };
    assert_eq!(marks(&run.load_as(&lake, replayed(&[row(1, "a")])).await), (None, None));
}

#[tokio::test]
async fn what_is_yet_to_come_is_neither_covered_nor_owed() {
    let lake = TestLake::new();
    assert_eq!(marks(&run(0, 5_000, 1_000).load(&lake).await), (Some(1_000), Some(900)));
    let state = Run { whole: false, ..run(900, 5_000, 1_200) }.load(&lake).await;
    assert_eq!((marks(&state), state.owed[0].range), ((Some(1_200), Some(900)), seconds(900, 1_200)));
    assert_eq!(Run { whole: false, ..run(2_000, 3_000, 1_300) }.load(&lake).await.owed, state.owed);
}

#[tokio::test]
async fn a_present_that_was_set_counts_for_age_and_the_real_clock_for_order() {
    let lake = TestLake::new();
    let mut window = run(0, 1_000, 400).staged();
    window.proof.as_mut().unwrap().as_of = at(5_000);
    assert_eq!(marks(&run(0, 1_000, 400).load_as(&lake, window).await), (Some(1_000), Some(1_000)));
    assert_eq!(marks(&run(0, 1_000, 800).load(&lake).await), (Some(1_000), Some(700)));
}

#[tokio::test]
async fn what_was_read_beyond_the_range_covers_nothing_and_is_owed_only_if_not_whole() {
    let lake = TestLake::new();
    let beyond = |whole| Run { whole, covers: false, ..run(1_000, 2_000, 3_000) };
    run(0, 1_000, 3_000).load(&lake).await;
    let whole = beyond(true).load(&lake).await;
    assert_eq!((marks(&whole), whole.owed.len()), ((Some(1_000), Some(1_000)), 0));
    assert_eq!(lake.lines("_kore_lake/ledger/windows").iter().filter(|line| line["covers"] == json!(false)).count(), 1);
    let owed = beyond(false).load(&lake).await;
    assert_eq!((marks(&owed), owed.owed[0].range), ((Some(1_000), Some(1_000)), seconds(1_000, 2_000)));
    assert_eq!(beyond(true).load(&lake).await.owed, []);
    Run { whole: false, ..run(1_000, 2_000, 3_000) }.load(&lake).await;
    assert_eq!(beyond(true).load(&lake).await.owed.len(), 1, "a window of the range is not paid by one beyond it");
}

#[tokio::test]
async fn a_later_load_elsewhere_starts_a_stretch_of_its_own_unless_since_is_said() {
    let lake = TestLake::new();
    run(0, 1_000, 9_000).load(&lake).await;
    let state = run(4_000, 5_000, 9_000).load(&lake).await;
    assert_eq!(marks(&state), (Some(5_000), Some(5_000)));
    assert_eq!(state.gaps(None), [seconds(1_000, 4_000)]);
    assert_eq!(state.final_up_to(Some(at(200))), Some(at(1_000)));
    for in_a_gap_or_beyond in [-5, 1_000, 2_000, 5_000, 6_000] {
        assert_eq!(state.final_up_to(Some(at(in_a_gap_or_beyond))), None);
    }
    assert_eq!(state.gaps(Some(at(-5))), [seconds(-5, 0), seconds(1_000, 4_000)]);
    assert_eq!(state.gaps(Some(at(6_000))), []);
}

#[tokio::test]
async fn an_open_intent_tells_what_it_did_not_get_to() {
    let lake = TestLake::new();
    let mut writer = lake.writer().await;
    writer.begin(RunIntent { ranges: vec![seconds(0, 100), seconds(200, 300)], ..intent() }).await.unwrap();
    writer.stage(proven(&[], 0, 50, 0)).await.unwrap();
    writer.stage(Run { whole: false, ..run(200, 220, 9_000) }.staged()).await.unwrap();
    writer.commit().await.unwrap();
    writer.finish(RunState::Stopped, false).await.unwrap();
    assert_eq!(lake.state().await.unfinished(), [seconds(50, 100), seconds(220, 300)]);
}

const SECONDS: usize = 40;

#[derive(Debug, Clone)]
struct Step {
    from: i64,
    length: i64,
    as_of: i64,
    whole: bool,
}

impl Step {
    fn range(&self) -> TimeRange {
        between(self.from, self.from + self.length)
    }

    fn seconds(&self) -> impl Iterator<Item = usize> {
        (self.from..self.from + self.length).filter_map(|second| usize::try_from(second).ok())
    }
}

fn between(from: i64, to: i64) -> TimeRange {
    TimeRange::new(UtcTime::from_seconds(from), UtcTime::from_seconds(to)).unwrap()
}

fn any_step() -> impl Strategy<Value = Step> {
    (0..30_i64, 1..11_i64, 0..60_i64, prop::bool::weighted(0.8)).prop_map(|(from, length, as_of, whole)| Step {
        from,
        length,
        as_of,
        whole,
    })
}

fn step_proven(step: &Step, read: usize) -> Proven {
    Proven {
        range: step.range(),
        read_at: UtcTime::from_seconds(i64::try_from(read).unwrap()),
        as_of: UtcTime::from_seconds(step.as_of),
        run_id: format!("run-{read}").parse().unwrap(),
        evidence: "short_page".to_owned(),
        age_seconds: None,
    }
}

fn step_owed(step: &Step, read: usize) -> Owed {
    let Proven { range, read_at, as_of, run_id, .. } = step_proven(step, read);
    Owed { range, read_at, as_of, run_id, covers: true, evidence: json!("too full") }
}

/// The definition, second by second: up to where all are old enough, from `start`.
fn final_by_second(as_of: &[Option<i64>], start: usize, lookback: i64) -> Option<i64> {
    let old =
        |second: &usize| as_of[*second].is_some_and(|as_of| as_of - i64::try_from(*second + 1).unwrap() >= lookback);
    let behind = (start..as_of.len()).take_while(old).last()? + 1;
    i64::try_from(behind).ok()
}

/// Start of the last unbroken stretch of seconds that were read.
fn last_stretch(read: &[bool]) -> Option<usize> {
    let last = read.iter().rposition(|read| *read)?;
    Some(read[..last].iter().rposition(|read| !read).map_or(0, |gap| gap + 1))
}

fn ranges_where(seconds: &[bool]) -> Vec<TimeRange> {
    let singles = (0_i64..).zip(seconds).filter(|(_, is)| **is).map(|(second, _)| (second, second + 1));
    let joined = singles.fold(Vec::<(i64, i64)>::new(), |mut ranges, (from, to)| {
        match ranges.last_mut().filter(|last| last.1 == from) {
            Some(last) => last.1 = to,
            None => ranges.push((from, to)),
        }
        ranges
    });
    joined.into_iter().map(|(from, to)| between(from, to)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn coverage_is_what_the_last_whole_read_of_each_second_says(
        steps in prop::collection::vec(any_step(), 0..12),
        order in Just((0..12).collect::<Vec<usize>>()).prop_shuffle(),
        since in prop::option::of(0..SECONDS),
        lookback in 0..30_i64,
    ) {
        let mut by_second = [None; SECONDS];
        for (read, step) in steps.iter().enumerate() {
            step.seconds().for_each(|second| by_second[second] = Some((read, step.as_of)));
        }
        let mut coverage = Coverage::default();
        for read in order.into_iter().filter(|read| *read < steps.len()) {
            coverage.add(&step_proven(&steps[read], read));
        }

        let read = by_second.map(|read| read.is_some());
        let as_of = by_second.map(|read| read.map(|(_, as_of)| as_of));
        let start = since.or_else(|| last_stretch(&read));
        let expected = start.and_then(|start| final_by_second(&as_of, start, lookback));
        let time = |second: usize| UtcTime::from_seconds(i64::try_from(second).unwrap());
        let found = coverage.final_up_to(since.map(time), Duration::from_secs(lookback.unsigned_abs()));
        prop_assert_eq!(found.map(UtcTime::seconds), expected);
        prop_assert_eq!(coverage.gaps(between(0, 40)), ranges_where(&read.map(|read| !read)));
        for (second, read) in by_second.iter().enumerate() {
            let expected = read.map(|(read, _)| i64::try_from(read).unwrap());
            prop_assert_eq!(coverage.last_read(time(second)).map(UtcTime::seconds), expected);
        }
    }

    #[test]
    fn marks_gaps_and_debts_are_what_the_seconds_say(
        steps in prop::collection::vec(any_step(), 0..12),
        since in prop::option::of(0..SECONDS),
        lookback in 0..30_u64,
        asked in any_step(),
    ) {
        let mut state = StreamState { lookback_seconds: Some(lookback), ..StreamState::default() };
        let (mut as_of, mut owed) = ([None; SECONDS], [false; SECONDS]);
        for (read, step) in steps.iter().enumerate() {
            if step.whole {
                state.prove(&step_proven(step, read), true);
            } else {
                state.owe(step_owed(step, read));
            }
            for second in step.seconds() {
                owed[second] = !step.whole;
                as_of[second] = if step.whole { Some(step.as_of) } else { as_of[second] };
            }
        }
        let read: Vec<_> = (0..SECONDS).map(|second| as_of[second].is_some() || owed[second]).collect();
        let provisional = read.iter().rposition(|read| *read).map(|last| last + 1);
        let time = |second: usize| UtcTime::from_seconds(i64::try_from(second).unwrap());
        prop_assert_eq!(state.provisional_up_to(), provisional.map(time));

        let expected = since.or_else(|| last_stretch(&read));
        let expected = expected.and_then(|start| final_by_second(&as_of, start, i64::try_from(lookback).unwrap()));
        prop_assert_eq!(state.final_up_to(since.map(time)).map(UtcTime::seconds), expected);

        let first = since.or_else(|| read.iter().position(|read| *read)).unwrap_or(SECONDS);
        let up_to = provisional.unwrap_or(0);
        let gap: Vec<_> = (0..SECONDS).map(|second| second >= first && second < up_to && !read[second]).collect();
        prop_assert_eq!(state.gaps(since.map(time)), ranges_where(&gap));
        prop_assert_eq!(state.owes(asked.range(), &[]), asked.seconds().all(|second| owed[second]));
    }
}
