//! A simulated contact centre whose clock is moved, and a lake that follows it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use kore_lake::clock::{TimeRange, UtcTime};
use kore_lake::lake::{Clock, Finding, Lake, StreamState};
use kore_lake::pipeline::{Finished, LoadRequest, Stop, Summary, Unwatched, load};
use kore_lake::schema::ApiVersion;
use kore_lake::simulator::{Behaviour, GeneratorSettings, Key, SimulatorSettings};
use serde_json::Value;
use tempfile::TempDir;

use crate::centre::{lake_in, whole};
use crate::contents::{objects, rows};
use crate::record::normal;
use crate::wire::{Wire, moment};

pub const HOUR: Duration = Duration::from_hours(1);
pub const DAY: Duration = Duration::from_hours(24);

/// A day of the simulated traffic, from its first day on.
pub fn day(number: u32) -> UtcTime {
    hour(24 * u64::from(number))
}

/// An hour of it.
pub fn hour(number: u64) -> UtcTime {
    let first: UtcTime = "2026-03-02".parse().unwrap();
    first.plus(Duration::from_hours(number))
}

pub fn range(from: UtcTime, to: UtcTime) -> TimeRange {
    TimeRange::new(from, to).unwrap()
}

/// So many records a day, in pages of 20.
pub fn traffic(seed: u64, days: u32, conversations_per_day: u32) -> SimulatorSettings {
    let mut behaviour = Behaviour::default();
    behaviour.set("page-rows", "20").unwrap();
    let data = GeneratorSettings { seed, days, conversations_per_day, ..GeneratorSettings::default() };
    SimulatorSettings { data, behaviour, ..SimulatorSettings::default() }
}

pub struct Following {
    pub wire: Arc<Wire>,
    pub lake: Lake,
    pub folder: TempDir,
}

impl Following {
    pub fn new(settings: SimulatorSettings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let lake = lake_in(&folder.path().join("lake"));
        Self { wire: Wire::of(settings, true), lake, folder }
    }

    /// The same, with a clock that shows `now`.
    pub fn at(now: UtcTime, settings: SimulatorSettings) -> Self {
        Self::new(SimulatorSettings { now: Some(moment(now)), ..settings })
    }

    /// What the clock shows.
    pub fn now(&self) -> UtcTime {
        crate::wire::utc(self.wire.simulator.now().expect("the centre has a clock"))
    }

    pub fn set_now(&self, now: UtcTime) {
        self.wire.simulator.set_now(moment(now));
    }

    /// A load without a range, now.
    pub fn request(&self) -> LoadRequest {
        self.request_at(self.now())
    }

    /// A load without a range.
    pub fn request_at(&self, now: UtcTime) -> LoadRequest {
        LoadRequest {
            now,
            memory_limit_bytes: crate::centre::MEMORY_BYTES,
            ..LoadRequest::new(self.wire.account(), self.wire.stream(), ApiVersion::V2)
        }
    }

    pub async fn run(&self, request: &LoadRequest) -> Finished {
        load(&self.lake, self.wire.clone(), request, &Unwatched, Stop::never()).await
    }

    /// A load that must be complete.
    pub async fn load(&self, request: &LoadRequest) -> Summary {
        whole(self.run(request).await)
    }

    /// A load without a range, as long as the clock stands, that must be complete.
    pub async fn go_on(&self) -> Summary {
        self.load(&self.request()).await
    }

    /// What the ledger knows of the stream.
    pub async fn ledger(&self) -> StreamState {
        let head = self.lake.head(&self.wire.account()).await.unwrap().unwrap();
        head.stream(Some(&self.wire.stream())).cloned().unwrap_or_default()
    }

    /// The records of the lake; a key that stands twice fails.
    pub async fn stored(&self) -> BTreeMap<Key, Value> {
        keyed(rows(&self.lake).await.iter().map(|row| &row.record))
    }

    /// The records that start in `range`, as they are now.
    pub fn truth(&self, range: TimeRange) -> BTreeMap<Key, Value> {
        keyed(&self.wire.truth(ApiVersion::V2, range))
    }

    /// Demands that the lake holds just the records that start from `from` to now, as they are now.
    pub async fn hold_truth(&self, from: UtcTime) {
        let stored = self.stored().await;
        let truth = self.truth(range(from, self.now()));
        let differ = |key: &&Key| stored.get(key) != truth.get(key);
        let wrong: Vec<_> = truth.keys().chain(stored.keys()).filter(differ).collect();
        let told = wrong.iter().take(3).map(|key| (key, stored.get(key), truth.get(key))).collect::<Vec<_>>();
        assert!(wrong.is_empty(), "at {}: {} of {} differ: {told:#?}", self.now(), wrong.len(), truth.len());
    }

    /// The files of all days.
    pub fn objects(&self) -> BTreeMap<PathBuf, (Vec<u8>, SystemTime)> {
        objects(&self.folder.path().join("lake"))
    }

    /// Days whose file is another than it was, new ones too.
    pub fn changed_since(&self, before: &BTreeMap<PathBuf, (Vec<u8>, SystemTime)>) -> Vec<String> {
        let after = self.objects();
        assert!(before.keys().all(|path| after.contains_key(path)), "a file is gone");
        let changed = after.into_iter().filter(|(path, file)| before.get(path) != Some(file));
        let date = |path: PathBuf| path.parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
        changed.map(|(path, _)| date(path).split_off("session_date=".len())).collect()
    }

    /// Demands that the lake keeps its own promises.
    pub async fn verify(&self) {
        let clock: Clock = Arc::new(UtcTime::now);
        let report = self.lake.verify(None, &clock).await.unwrap();
        assert_eq!(report.errors().collect::<Vec<_>>(), Vec::<&Finding>::new());
    }
}

/// Records by their key, in their normal form.
pub fn keyed<'a>(records: impl IntoIterator<Item = &'a Value>) -> BTreeMap<Key, Value> {
    records.into_iter().map(|record| (key_of(record), normal(record, 0))).collect()
}

pub fn key_of(record: &Value) -> Key {
    let id = |name: &str| record[name].as_str().filter(|id| !id.is_empty()).map(str::to_owned);
    Key { session_id: id("sessionId").unwrap(), conversation_id: id("conversationId") }
}
