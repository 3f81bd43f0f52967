//! What is done to a lake where kills and faults are tried: the lake as it stands before, what runs, and what must be
//! true in the end.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::compute::concat_batches;
use kore_lake::clock::UtcTime;
use kore_lake::error::{Error, Kind};
use kore_lake::lake::{Clock, Finding, Lake, LakeUrl, StoreSettings, WriterSettings, migrate, rebuild_ledger, unlock};
use kore_lake::pipeline::{LoadRequest, ReplayRequest, Stop, Unwatched, accept, load, replay};
use kore_lake::schema::ApiVersion;
use kore_lake::simulator::{Key, SimulatorSettings};
use kore_lake::source::{BareDefaults, PageSource};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::centre::{MEMORY_BYTES, whole};
use crate::contents::records_of;
use crate::following::{day, hour, key_of, keyed, range, traffic};
use crate::wire::{Wire, moment};

/// What runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scene {
    /// The first load of a lake.
    FirstLoad,
    /// A load 30 hours later: rows that are new, and rows that have changed.
    NextLoad,
    /// The pages of that load, from files.
    Replay,
    /// A migration from an older schema.
    Migrate,
    /// `load --accept` of a second that could not be read whole.
    Accept,
    /// `unlock --force` of an account that a machine far away holds.
    Unlock,
    /// `verify --rebuild-ledger` of a ledger that cannot be read.
    Rebuild,
}

pub const ALL: [Scene; 7] =
    [Scene::FirstLoad, Scene::NextLoad, Scene::Replay, Scene::Migrate, Scene::Accept, Scene::Unlock, Scene::Rebuild];

/// Windows side by side in these loads.
pub const CONCURRENCY: usize = 3;
/// When the first load runs.
const FIRST: u64 = 33;
/// When the one after it runs.
const NEXT: u64 = 64;
/// A second with more rows than all its pages hold.
const CROWD: &str = "2026-03-02T10:20:30Z";

impl Scene {
    /// The contact centre as it stands when the scene is played.
    pub fn centre(self) -> Arc<Wire> {
        let now = if matches!(self, Self::NextLoad | Self::Replay) { NEXT } else { FIRST };
        let mut settings = SimulatorSettings { now: Some(moment(hour(now))), ..traffic(29, 3, 20) };
        if self == Self::Accept {
            settings.behaviour.set("page-rows", "10").unwrap();
            settings.behaviour.set("crowd", &format!("130@{CROWD}")).unwrap();
            settings.behaviour.set("is-automation", "ignored").unwrap();
        }
        Wire::of(settings, true)
    }

    /// Runs it.
    pub async fn play(self, lake: &Lake, source: Arc<dyn PageSource>, wire: &Wire) -> Result<(), Error> {
        let settings = WriterSettings::new(wire.account());
        match self {
            Self::FirstLoad | Self::NextLoad => return ended(&load_request(wire), lake, source).await,
            Self::Replay => {
                let request = replay_request(pages(lake));
                let finished = replay(lake, &request, &Unwatched, Stop::never()).await;
                return finished.error.map_or(Ok(()), Err);
            }
            Self::Migrate => drop(migrate(lake, settings, |_| {}).await?),
            Self::Accept => drop(accept(lake, &load_request(wire), range(day(0), day(1))).await?),
            Self::Unlock => drop(unlock(lake, &wire.account(), true, None).await?),
            Self::Rebuild => drop(rebuild_ledger(lake, settings).await?),
        }
        Ok(())
    }

    /// Whether an error of a second try says that the first had done all there was to do.
    fn was_done(self, error: &Error) -> bool {
        self == Self::Accept && error.kind() == Kind::Usage
    }

    /// Runs it to its end, undisturbed, after it was disturbed.
    pub async fn play_again(self, lake: &Lake, source: Arc<dyn PageSource>, wire: &Wire) {
        if let Err(error) = self.play(lake, source, wire).await {
            assert!(self.was_done(&error), "{}", error.line());
        }
    }
}

/// A load of what is new.
pub fn load_request(wire: &Wire) -> LoadRequest {
    let now = crate::wire::utc(wire.simulator.now().unwrap());
    LoadRequest {
        now,
        since: Some(day(0)),
        concurrency: CONCURRENCY,
        memory_limit_bytes: MEMORY_BYTES,
        ..LoadRequest::new(wire.account(), wire.stream(), ApiVersion::V2)
    }
}

async fn ended(request: &LoadRequest, lake: &Lake, source: Arc<dyn PageSource>) -> Result<(), Error> {
    let finished = load(lake, source, request, &Unwatched, Stop::never()).await;
    finished.error.map_or(Ok(()), Err)
}

fn replay_request(pages: PathBuf) -> ReplayRequest {
    ReplayRequest {
        paths: vec![pages],
        bare: BareDefaults::default(),
        allow_downgrade: false,
        wait_lock: std::time::Duration::ZERO,
        memory_limit_bytes: MEMORY_BYTES,
        strict: false,
    }
}

fn pages(lake: &Lake) -> PathBuf {
    lake.url().folder().unwrap().with_file_name("pages")
}

/// A lake as it stands before a scene; copies of it are what is disturbed.
pub struct Stage {
    pub scene: Scene,
    pub wire: Arc<Wire>,
    folder: TempDir,
    truth: BTreeMap<Key, Value>,
}

impl Stage {
    pub async fn set(scene: Scene) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let wire = scene.centre();
        let lake = lake_at(folder.path());
        if scene != Scene::FirstLoad {
            let before = if scene == Scene::Accept { Arc::clone(&wire) } else { Scene::FirstLoad.centre() };
            ended(&load_request(&before), &lake, before).await.unwrap();
        }
        match scene {
            Scene::Replay => {
                let other = tempfile::tempdir().unwrap();
                let request = LoadRequest { save_pages: Some(pages(&lake)), ..load_request(&wire) };
                whole(load(&lake_at(other.path()), wire.clone(), &request, &Unwatched, Stop::never()).await);
            }
            Scene::Migrate => age(&lake).await,
            Scene::Unlock => hold_from_afar(&lake, &wire),
            Scene::Rebuild => fs::write(head(&lake, &wire), "no ledger").unwrap(),
            _ => {}
        }
        let now = crate::wire::utc(wire.simulator.now().unwrap());
        let mut truth = keyed(&wire.truth(ApiVersion::V2, range(day(0), now)));
        if scene == Scene::Accept {
            truth = keyed(&records_of(&lake).await); // less than there is: that is what was owed
        }
        Self { scene, wire, folder, truth }
    }

    /// A copy of the lake as it stands before.
    pub async fn copy(&self) -> Copy {
        let folder = tempfile::tempdir().unwrap();
        copy_folder(self.folder.path(), folder.path());
        let copy = Copy { lake: lake_at(folder.path()), folder };
        if !matches!(self.scene, Scene::FirstLoad | Scene::Rebuild) {
            copy.take_over_etags(&existing(self.folder.path()), &self.wire).await;
        }
        copy
    }

    /// Demands what must be true in the end.
    pub async fn hold(&self, copy: &Copy) {
        let stored = copy.readable().await;
        let differ = |key: &&Key| stored.get(key) != self.truth.get(key);
        let wrong: Vec<_> = self.truth.keys().chain(stored.keys()).filter(differ).collect();
        let told: Vec<_> = wrong.iter().take(2).map(|key| (key, stored.get(key), self.truth.get(key))).collect();
        assert!(wrong.is_empty(), "{} of {} differ: {told:#?}", wrong.len(), self.truth.len());
        let clock: Clock = Arc::new(UtcTime::now);
        let report = copy.lake.verify(None, &clock).await.unwrap();
        assert_eq!(report.findings.iter().collect::<Vec<_>>(), Vec::<&Finding>::new());
        let left = copy.left_over();
        let stays = usize::from(self.scene == Scene::Unlock); // the lock of an unlock by force is free and stays
        assert!(left.len() <= stays, "{left:?}");
    }
}

/// A lake that may be disturbed.
pub struct Copy {
    pub lake: Lake,
    pub folder: TempDir,
}

impl Copy {
    /// Every row that can be seen, by key, once a key and from days that can be read; nothing else is seen.
    pub async fn readable(&self) -> BTreeMap<Key, Value> {
        for path in self.files().into_iter().filter(|path| path.ends_with(".parquet")) {
            assert!(path.starts_with("conversations/"), "`{path}` is seen");
        }
        let records = records_of(&self.lake).await;
        let mut keys: Vec<_> = records.iter().map(key_of).collect();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), records.len(), "a key stands twice");
        keyed(&records)
    }

    /// What a run is to take away before it ends.
    pub fn left_over(&self) -> Vec<String> {
        // Half a lock may be another writer's, who is about to try; a later run takes it away once it is a minute old.
        let is_left = |path: &String| match (path.contains("/locks/"), path.rsplit('.').next() == Some("tmp")) {
            (true, half) => !half && !path.ends_with("/machine"),
            (false, half) => half || path.contains("/staging/"),
        };
        self.files().into_iter().filter(is_left).collect()
    }

    /// Every file of the lake.
    pub fn files(&self) -> Vec<String> {
        let root = self.lake.url().folder().unwrap();
        let mut found = Vec::new();
        walk(root, &mut |path| found.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned()));
        found
    }

    /// A copied file is another version: the ledger of the copy knows those that it has.
    async fn take_over_etags(&self, from: &Lake, wire: &Wire) {
        let path = head(&self.lake, wire);
        let mut text = fs::read_to_string(&path).unwrap();
        let (before, after) = (from.list_partitions().await.unwrap(), self.lake.list_partitions().await.unwrap());
        for (before, after) in before.iter().zip(&after) {
            let quoted = |etag: &Option<String>| json!(etag.as_ref().unwrap()).to_string();
            text = text.replace(&quoted(&before.meta.e_tag), &quoted(&after.meta.e_tag));
        }
        fs::write(path, text).unwrap();
    }
}

/// The lake `lake` in a folder.
pub fn lake_at(folder: &Path) -> Lake {
    Lake::in_folder(&folder.join("lake")).unwrap()
}

/// The same lake where it is there: nothing is tried out in it, so that it can be copied meanwhile.
fn existing(folder: &Path) -> Lake {
    let url: LakeUrl = folder.join("lake").to_str().unwrap().parse().unwrap();
    futures::executor::block_on(Lake::open_existing(&url, &StoreSettings::default())).unwrap()
}

fn head(lake: &Lake, wire: &Wire) -> PathBuf {
    lake.url().folder().unwrap().join(format!("_kore_lake/ledger/accounts/account_id={}/head.json", wire.account()))
}

fn walk(folder: &Path, found: &mut impl FnMut(&Path)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { walk(&path, found) } else { found(&path) }
    }
}

fn copy_folder(from: &Path, to: &Path) {
    walk(from, &mut |path| {
        let copy = to.join(path.strip_prefix(from).unwrap());
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::copy(path, copy).unwrap();
    });
}

/// Writes a lake again as a program of an older schema version would have left it: here with the same columns.
async fn age(lake: &Lake) {
    for object in lake.list_partitions().await.unwrap() {
        let path = lake.url().folder().unwrap().join(object.meta.location.as_ref());
        let builder = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(&path).unwrap()).unwrap();
        let mut footer = builder.metadata().file_metadata().key_value_metadata().unwrap().clone();
        footer.retain(|pair| pair.key != "kore_lake.schema_version");
        footer.push(KeyValue::new("kore_lake.schema_version".to_owned(), "0".to_owned()));
        let schema = builder.schema().clone();
        let rows: Vec<_> = builder.build().unwrap().map(Result::unwrap).collect();
        let properties = WriterProperties::builder().set_key_value_metadata(Some(footer)).build();
        let mut writer = ArrowWriter::try_new(Vec::new(), schema.clone(), Some(properties)).unwrap();
        writer.write(&concat_batches(&schema, &rows).unwrap()).unwrap();
        fs::write(&path, writer.into_inner().unwrap()).unwrap();
    }
    let wire = Scene::Migrate.centre();
    let text = fs::read_to_string(head(lake, &wire)).unwrap();
    let mut aged: Value = serde_json::from_str(&text).unwrap();
    aged["schema_version"] = json!(0);
    for object in lake.list_partitions().await.unwrap() {
        aged["days"][object.date.to_string()]["etag"] = json!(object.meta.e_tag);
        aged["days"][object.date.to_string()]["bytes"] = json!(object.meta.size);
    }
    fs::write(head(lake, &wire), aged.to_string()).unwrap();
}

/// A lock of another machine, with a fresh sign of life.
fn hold_from_afar(lake: &Lake, wire: &Wire) {
    let path = lake.url().folder().unwrap().join(format!("_kore_lake/locks/{}/0000000007", wire.account()));
    let lock = json!({ "host": "far away", "pid": 1, "run_id": "another-run", "heartbeat": UtcTime::now() });
    fs::write(path, lock.to_string()).unwrap();
}
