//! Whatever is done to a lake in whatever order: it holds the last version served of every key.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use kore_lake::clock::{TimeRange, UtcTime};
use kore_lake::pipeline::{Finished, LoadRequest, ReplayRequest, Signal, Stop, Stopper, Unwatched, load, replay};
use kore_lake::simulator::{Key, SimulatorSettings};
use kore_lake::source::{BareDefaults, Page, PageRequest, PageSource, SourceError, Traffic};
use serde_json::Value;
use tokio::sync::Notify;

use crate::centre::run;
use crate::dice::Dice;
use crate::following::{Following, day, hour, keyed, range, traffic};

/// How a load is ended before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// It is asked to stop.
    Stopped,
    /// It goes away, as in a kill.
    Dropped,
    /// It has spent its requests.
    Spent,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    /// The clock goes on, so many hours.
    Wait(u64),
    /// Hours of the first and the last moment; none: what is new.
    Load { of: Option<(u64, u64)>, saves: bool },
    /// A load that ends early after so many requests, and the same once more.
    Interrupted { of: Option<(u64, u64)>, end: End, after: u64 },
    /// Pages that were saved by a load that came to its end.
    Replay(u64),
}

impl Step {
    fn by_chance(dice: &mut Dice) -> Self {
        let of = (dice.roll(2) == 0).then(|| {
            let from = dice.roll(90);
            (from, from + 1 + dice.roll(60))
        });
        match dice.roll(10) {
            0..4 => Self::Wait(1 + dice.roll(30)),
            4..6 => Self::Load { of, saves: dice.roll(2) == 0 },
            6..9 => Self::Interrupted {
                of,
                end: dice.pick(&[End::Stopped, End::Dropped, End::Spent]),
                after: 1 + dice.roll(15),
            },
            _ => Self::Replay(dice.roll(8)),
        }
    }
}

/// The simulator, with a note of what it was asked, and an end after some requests.
struct Watched {
    following: Arc<Following>,
    asked: Arc<Mutex<Vec<TimeRange>>>,
    left: AtomicU64,
    stopper: Stopper,
    over: Notify,
}

#[async_trait]
impl PageSource for Watched {
    async fn fetch(&self, request: &PageRequest) -> Result<Page, SourceError> {
        let time = |date: &Option<String>| format!("{}Z", date.as_deref().unwrap().replace(' ', "T")).parse().unwrap();
        let (from, to): (UtcTime, UtcTime) = (time(&request.body.start_date), time(&request.body.end_date));
        self.asked.lock().unwrap().extend(TimeRange::new(from, to));
        if self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.stopper.stop(Signal::Interrupt);
            self.over.notify_one();
        }
        self.following.wire.fetch(request).await
    }

    fn traffic(&self) -> Traffic {
        self.following.wire.traffic()
    }
}

struct Script {
    following: Arc<Following>,
    asked: Arc<Mutex<Vec<TimeRange>>>,
    saved: Vec<PathBuf>,
    dice: Dice,
}

impl Script {
    fn request(&mut self, of: Option<(u64, u64)>) -> LoadRequest {
        LoadRequest {
            range: of.map(|(from, to)| range(hour(from), hour(to))),
            since: Some(day(0)),
            concurrency: self.dice.pick(&[1, 2, 4]),
            window: Duration::from_hours(self.dice.pick(&[3, 24, 144])),
            wait_lock: Duration::from_secs(20),
            ..self.following.request()
        }
    }

    /// A load that ends after so many requests; none where it went away.
    async fn load(&self, request: &LoadRequest, end: Option<(End, u64)>) -> Option<Finished> {
        let (stopper, stop) = Stopper::new();
        let source = Arc::new(Watched {
            following: Arc::clone(&self.following),
            asked: Arc::clone(&self.asked),
            left: AtomicU64::new(end.filter(|(end, _)| *end != End::Spent).map_or(u64::MAX, |(_, after)| after)),
            stopper,
            over: Notify::new(),
        });
        let stop = if end.is_some_and(|(end, _)| end == End::Stopped) { stop } else { Stop::never() };
        let load = load(&self.following.lake, source.clone(), request, &Unwatched, stop);
        tokio::select! {
            finished = load => Some(finished),
            () = source.over.notified(), if end.is_some_and(|(end, _)| end == End::Dropped) => None,
        }
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Wait(hours) => self.following.set_now(self.following.now().plus(Duration::from_hours(hours))),
            Step::Load { of, saves } => {
                let folder = self.following.folder.path().join(format!("pages-{}", self.saved.len()));
                let request = LoadRequest { save_pages: saves.then(|| folder.clone()), ..self.request(of) };
                self.whole(&request).await;
                self.saved.extend(saves.then_some(folder).filter(|folder| folder.exists()));
            }
            Step::Interrupted { of, end, after } => {
                let request = self.request(of);
                let max_requests = (end == End::Spent).then_some(after);
                self.load(&LoadRequest { max_requests, ..request.clone() }, Some((end, after))).await;
                self.whole(&request).await;
            }
            Step::Replay(number) if !self.saved.is_empty() => {
                let folder = &self.saved[usize::try_from(number).unwrap() % self.saved.len()];
                let (objects, ledger) = (self.following.objects(), self.following.ledger().await);
                self.replay(folder.clone()).await;
                assert_eq!(
                    self.following.changed_since(&objects),
                    Vec::<String>::new(),
                    "what was replayed is no newer"
                );
                assert_eq!(self.following.ledger().await.gaps(None), ledger.gaps(None));
            }
            Step::Replay(_) => {}
        }
    }

    async fn whole(&self, request: &LoadRequest) {
        crate::centre::whole(self.load(request, None).await.unwrap());
    }

    async fn replay(&self, folder: PathBuf) {
        let request = ReplayRequest {
            paths: vec![folder],
            bare: BareDefaults::default(),
            allow_downgrade: false,
            wait_lock: Duration::from_secs(20),
            memory_limit_bytes: crate::centre::MEMORY_BYTES,
            strict: false,
        };
        crate::centre::whole(replay(&self.following.lake, &request, &Unwatched, Stop::never()).await);
    }

    /// Demands what must hold after every script.
    async fn hold(&self) {
        let stored = self.following.stored().await;
        let served = self.following.wire.simulator.last_served();
        let conversation =
            |session: &str| stored.keys().any(|k| k.session_id == session && k.conversation_id.is_some());
        // A session alone gives way to its conversation (F20).
        let counts = |key: &Key| key.conversation_id.is_some() || !conversation(&key.session_id);
        let last = served.into_iter().filter(|(key, _)| counts(key)).map(|(_, version)| version.json);
        let last: BTreeMap<Key, Value> =
            keyed(&last.map(|json| serde_json::from_str(&json).unwrap()).collect::<Vec<_>>());
        let differ = |key: &&Key| stored.get(key) != last.get(key);
        let wrong: Vec<_> = stored.keys().chain(last.keys()).filter(differ).collect();
        assert!(wrong.is_empty(), "{} of {} are not the last that was served: {wrong:?}", wrong.len(), last.len());
        self.following.verify().await;
        let asked = self.asked.lock().unwrap().clone();
        let ledger = self.following.ledger().await;
        for read in ledger.coverage.stretches() {
            assert_eq!(read.range.without(&asked), [], "covered, and never asked for");
        }
        assert_eq!((ledger.intent, ledger.owed.len()), (None, 0));
    }
}

fn centre(seed: u64, dice: &mut Dice) -> SimulatorSettings {
    let mut settings = SimulatorSettings { record: true, ..traffic(seed, 5, 20) };
    settings.behaviour.set("page-rows", "10").unwrap();
    settings.behaviour.set("order", dice.pick(&["two-groups", "ascending", "shuffled", "two-groups-each"])).unwrap();
    settings.behaviour.set("offset", dice.pick(&["pages", "records"])).unwrap();
    settings.behaviour.set("last-second", dice.pick(&["included", "excluded"])).unwrap();
    settings
}

async fn play(seed: u64) {
    let mut dice = Dice::new(seed);
    let settings = centre(seed, &mut dice);
    let following = Arc::new(Following::at(hour(20), settings));
    let mut script = Script { following, asked: Arc::default(), saved: Vec::new(), dice: Dice::new(seed + 1_000_000) };
    let steps: Vec<_> = (0..4 + dice.roll(4)).map(|_| Step::by_chance(&mut dice)).collect();
    let told = format!("seed {seed}: {steps:?}");
    let played = tokio::spawn(async move {
        script.take(Step::Load { of: None, saves: true }).await;
        for step in steps {
            script.take(step).await;
        }
        script.hold().await;
    });
    assert!(played.await.is_ok(), "{told}");
}

fn play_all(seeds: std::ops::Range<u64>) {
    run(async {
        for seed in seeds {
            play(seed).await;
        }
    });
}

#[test]
fn after_any_script_the_lake_is_the_last_that_was_served() {
    play_all(0..12);
}

#[test]
#[ignore = "takes many minutes: the same as above with many more scripts"]
fn after_any_of_many_scripts_the_lake_is_the_last_that_was_served() {
    play_all(1_000..2_000);
}
