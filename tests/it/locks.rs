//! One writer per account, in every store; and what still holds where the lock is broken.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt, TryStreamExt};
use kore_lake::clock::{TimeRange, UtcTime};
use kore_lake::lake::{
    Clock, Lake, LakeError, LakeErrorKind, RunState, StagedWindow, StoreSettings, Unlocked, WindowProof, Writer,
    WriterSettings, unlock,
};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};
use serde_json::json;

use crate::centre::run;
use crate::reliability::{Figure, tell};
use crate::s3::bucket::Conditions;
use crate::s3::places::{Place, account, names, run_of, window, writer};
use crate::s3::server::{BUCKET, S3Server, url};
use crate::service::{Service, wait_until};

/// 2026-03-02T08:00:00Z.
const MORNING: i64 = 1_772_438_400;

fn locks() -> Path {
    Path::from("_kore_lake/locks/acc-1")
}

fn turned(clock: &Arc<AtomicI64>) -> Clock {
    let clock = Arc::clone(clock);
    Arc::new(move || UtcTime::from_seconds(clock.load(Ordering::Relaxed)))
}

/// A lock that this machine's name stands on, and no process behind it.
async fn left_behind(lake: &Lake, number: u64, heartbeat: i64) {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let boot_id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let heartbeat = UtcTime::from_seconds(heartbeat).to_string();
    let lock =
        json!({"host": host.trim(), "boot_id": boot_id.trim(), "pid": 7, "run_id": "run-7", "heartbeat": heartbeat})
            .to_string();
    lake.store().put(&locks().join(format!("{number:010}")), lock.into()).await.unwrap();
}

#[test]
fn a_second_writer_is_told_who_holds_the_account_and_waits_if_it_is_to() {
    run(async {
        for place in Place::each().await {
            let first = writer(&place.lake).await.unwrap();
            let error = writer(&place.lake).await.unwrap_err();
            assert_eq!(error.kind(), LakeErrorKind::LockHeld, "{}", place.name);
            assert!(error.to_string().contains(first.run_id().as_str()), "{error}");
            let waiting = tokio::spawn({
                let (lake, settings) = (place.lake.clone(), WriterSettings::new(account()));
                async move { Writer::open(&lake, WriterSettings { wait_lock: Duration::from_mins(1), ..settings }).await }
            });
            tokio::task::yield_now().await;
            first.finish(RunState::Complete, true).await.unwrap();
            waiting.await.unwrap().unwrap().finish(RunState::Complete, true).await.unwrap();
        }
    });
}

#[test]
fn a_dead_holder_is_taken_over_at_once_on_disk_and_elsewhere_when_its_heartbeat_is_a_minute_old() {
    run(async {
        for place in Place::each().await {
            left_behind(&place.lake, 3, MORNING).await;
            let now = Arc::new(AtomicI64::new(MORNING + 59));
            let settings = || WriterSettings { clock: Some(turned(&now)), ..WriterSettings::new(account()) };
            if place.name != "disk" {
                let error = Writer::open(&place.lake, settings()).await.unwrap_err();
                assert!(matches!(error, LakeError::LockHeld { ref holder, .. } if holder.pid == 7), "{error}");
                now.store(MORNING + 60, Ordering::Relaxed);
            }
            let writer = Writer::open(&place.lake, settings()).await.unwrap();
            writer.finish(RunState::Complete, true).await.unwrap();
        }
    });
}

#[test]
fn unlock_frees_what_is_dead_and_by_force_what_lives() {
    run(async {
        for place in Place::each().await {
            let lake = &place.lake;
            let held = writer(lake).await.unwrap();
            let error = unlock(lake, &account(), false, None).await.unwrap_err();
            assert!(matches!(error, LakeError::LockHeld { ref holder, .. } if holder.run_id == *held.run_id()));
            held.finish(RunState::Complete, true).await.unwrap();
            left_behind(lake, 3, MORNING).await;
            let later: Clock = Arc::new(|| UtcTime::from_seconds(MORNING + 60));
            let freed = unlock(lake, &account(), false, Some(later)).await.unwrap();
            assert!(matches!(freed, Unlocked::Freed { was_alive: false, .. }), "{}: {freed:?}", place.name);
            let held = writer(lake).await.unwrap();
            let freed = unlock(lake, &account(), true, None).await.unwrap();
            assert!(matches!(freed, Unlocked::Freed { was_alive: true, .. }), "{}: {freed:?}", place.name);
            held.stage(window(&["a"], 0)).await.unwrap();
            let mut held = held;
            assert!(matches!(held.commit().await, Err(LakeError::LockLost { .. })), "{}", place.name);
            drop(held);
            let waits = WriterSettings { wait_lock: Duration::from_mins(1), ..WriterSettings::new(account()) };
            let mut next = Writer::open(lake, waits).await.unwrap();
            assert_eq!(next.recover().await.unwrap().rows.new, 1, "{}", place.name);
            next.finish(RunState::Complete, true).await.unwrap();
        }
    });
}

#[test]
fn writers_of_different_accounts_work_side_by_side() {
    run(async {
        for place in Place::each().await {
            let writers = ["acc-1", "acc-2", "acc-3"].map(|name| {
                let lake = place.lake.clone();
                tokio::spawn(async move {
                    let settings = WriterSettings::new(name.parse().unwrap());
                    let mut writer = Writer::open(&lake, settings).await.unwrap();
                    for second in 0..3 {
                        writer.stage(window(&[&format!("{name}-{second}")], second)).await.unwrap();
                        writer.commit().await.unwrap();
                    }
                    writer.finish(RunState::Complete, true).await.unwrap();
                })
            });
            futures::future::join_all(writers).await.into_iter().for_each(|done| done.unwrap());
            assert_eq!(names(&place.lake).await.len(), 9, "{}", place.name);
        }
    });
}

type Deed = Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>;

/// Does something just before the first put of an object, or before its parts are put together; takes each first making
/// of one for a retry of itself; is of another time.
struct Meddled {
    inner: Arc<dyn ObjectStore>,
    object: &'static str,
    deed: Deed,
    done: Arc<AtomicBool>,
    makes_twice: bool,
    ahead: Duration,
}

impl Meddled {
    fn with(inner: &Arc<dyn ObjectStore>) -> Self {
        let (inner, deed): (_, Deed) = (Arc::clone(inner), Arc::new(|| async {}.boxed()));
        Self { inner, object: "", deed, done: Arc::new(true.into()), makes_twice: false, ahead: Duration::ZERO }
    }
}

impl fmt::Debug for Meddled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("meddled")
    }
}

impl fmt::Display for Meddled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("meddled")
    }
}

#[async_trait]
impl ObjectStore for Meddled {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        if location.filename() == Some(self.object) && !self.done.swap(true, Ordering::SeqCst) {
            (self.deed)().await;
        }
        if self.makes_twice && opts.mode != PutMode::Overwrite {
            self.inner.put_opts(location, payload.clone(), opts.clone()).await?;
        }
        self.inner.put_opts(location, payload, opts).await
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        let inner = self.inner.put_multipart_opts(location, opts).await?;
        let is_meant = location.filename() == Some(self.object);
        let (deed, done) = (Arc::clone(&self.deed), Arc::clone(&self.done));
        Ok(if is_meant { Box::new(MeddledParts { inner, deed, done }) } else { inner })
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let mut found = self.inner.get_opts(location, options).await?;
        found.meta.last_modified += self.ahead;
        Ok(found)
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

struct MeddledParts {
    inner: Box<dyn MultipartUpload>,
    deed: Deed,
    done: Arc<AtomicBool>,
}

impl fmt::Debug for MeddledParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("meddled parts")
    }
}

#[async_trait]
impl MultipartUpload for MeddledParts {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.inner.put_part(data)
    }

    async fn complete(&mut self) -> Result<PutResult> {
        if !self.done.swap(true, Ordering::SeqCst) {
            (self.deed)().await;
        }
        self.inner.complete().await
    }

    async fn abort(&mut self) -> Result<()> {
        self.inner.abort().await
    }
}

/// Takes the lock away, has another writer do a whole run, and puts the lock back as if nothing had been.
async fn run_of_another(lake: Lake) {
    let store = lake.store();
    let held: Vec<_> = store.list(Some(&locks())).try_collect::<Vec<_>>().await.unwrap();
    let mut kept = Vec::new();
    for lock in held.iter().map(|lock| lock.location.clone()) {
        kept.push((lock.clone(), store.get(&lock).await.unwrap().bytes().await.unwrap()));
        store.delete(&lock).await.unwrap();
    }
    assert_eq!(run_of(&lake, &["other"], 5).await.unwrap().rows.new, 1);
    for (lock, bytes) in kept.into_iter().filter(|(lock, _)| lock.filename() != Some("machine")) {
        store.put(&lock, bytes.into()).await.unwrap();
    }
}

/// A writer whose lock is broken at its put of `object` commits nothing over the other's work; no row is lost.
async fn broken_at(place: &Place, object: &'static str) {
    let lake = place.lake.clone();
    run_of(&lake, &["before"], 0).await.unwrap();
    let deed: Deed = {
        let lake = lake.clone();
        Arc::new(move || run_of_another(lake.clone()).boxed())
    };
    let meddled = Arc::new(Meddled { object, deed, ..Meddled::with(lake.store()) });
    let mut writer = writer(&lake.clone().with_store(meddled.clone())).await.unwrap();
    writer.stage(window(&["mine"], 9)).await.unwrap();
    meddled.done.store(false, Ordering::SeqCst);
    let error = writer.commit().await.unwrap_err();
    assert!(matches!(error, LakeError::LockLost { .. }), "{}, {object}: {error}", place.name);
    drop(writer);
    let settings = WriterSettings { wait_lock: Duration::from_mins(1), ..WriterSettings::new(account()) };
    let mut next = Writer::open(&lake, settings).await.unwrap();
    next.recover().await.unwrap();
    next.finish(RunState::Complete, true).await.unwrap();
    assert_eq!(names(&lake).await, ["before", "mine", "other"], "{}, {object}", place.name);
    let clock: Clock = Arc::new(UtcTime::now);
    assert_eq!(lake.verify(None, &clock).await.unwrap().findings, [], "{}, {object}", place.name);
}

#[test]
fn where_the_lock_is_broken_no_row_is_lost() {
    let objects = ["conversations.parquet", "head.json"];
    let broken = run(async move {
        let mut broken = 0;
        for object in objects {
            for place in Place::each().await {
                broken_at(&place, object).await;
                broken += 1;
            }
        }
        broken
    });
    tell(
        "Locks",
        &[
            Figure::exact("locks broken on purpose amid a commit, in memory, on disk and on S3", broken),
            Figure::never("rows lost"),
            Figure::never("rows doubled"),
        ],
    );
}

#[test]
fn a_lock_that_the_stores_client_made_twice_is_held() {
    run(async {
        let place = Place::memory();
        let store = Meddled { makes_twice: true, ..Meddled::with(place.lake.store()) };
        let lake = place.lake.clone().with_store(Arc::new(store));
        assert_eq!(run_of(&lake, &["a"], 0).await.unwrap().rows.new, 1);
        assert_eq!(run_of(&lake, &["a", "b"], 1).await.unwrap().rows.new, 1);
        assert_eq!(names(&place.lake).await, ["a", "b"]);
    });
}

/// A writer that sleeps while the parts of its day are put together, and wakes when another has done a whole run: it
/// takes that run's rows away. What that run had read is owed again.
async fn broken_between_parts(place: &Place) {
    let lake = place.lake.clone();
    // More than a part of an object, though the codec saves a quarter.
    let large = || {
        let mut chance = fastrand::Rng::with_seed(7);
        let note: String = (0..24 << 20).map(|_| chance.alphanumeric()).collect();
        StagedWindow { proof: Some(proof(20, 30)), ..window(&[&note], 1) }
    };
    let meanwhile: Deed = {
        let lake = lake.clone();
        Arc::new(move || {
            let lake = lake.clone();
            async move {
                freed(&lake).await;
                let mut writer = writer(&lake).await.unwrap();
                writer.recover().await.unwrap();
                writer.stage(StagedWindow { proof: Some(proof(0, 10)), ..window(&["other"], 2) }).await.unwrap();
                assert_eq!(writer.commit().await.unwrap().rows.new, 1);
                writer.finish(RunState::Complete, true).await.unwrap();
            }
            .boxed()
        })
    };
    let meddled = Meddled { object: "conversations.parquet", deed: meanwhile, ..Meddled::with(lake.store()) };
    let meddled = Arc::new(meddled);
    let mut sleeper = writer(&lake.clone().with_store(meddled.clone())).await.unwrap();
    sleeper.stage(large()).await.unwrap();
    meddled.done.store(false, Ordering::SeqCst);
    let error = sleeper.commit().await.unwrap_err();
    drop(sleeper);
    if place.name == "disk" {
        // The other swept away what was half written.
        assert!(matches!(error, LakeError::Store { .. }), "{error}");
        assert_eq!(names(&lake).await.len(), 2);
        return;
    }
    assert!(matches!(error, LakeError::LockLost { .. }), "{}: {error}", place.name);
    let waits = WriterSettings { wait_lock: Duration::from_mins(1), ..WriterSettings::new(account()) };
    let next = Writer::open(&lake, waits).await.unwrap();
    let owed: Vec<_> = next.head().streams.values().flat_map(|stream| &stream.owed).map(|owed| owed.range).collect();
    assert_eq!(owed, [proof(0, 10).range, proof(20, 30).range], "{}", place.name);
    assert!(next.head().streams.values().all(|stream| stream.coverage.stretches().is_empty()), "{}", place.name);
    next.finish(RunState::Complete, true).await.unwrap();
}

/// Seconds of the morning of 2026-03-02, read whole the day after.
fn proof(from: i64, to: i64) -> WindowProof {
    let at = |second: i64| UtcTime::from_seconds(MORNING + second);
    WindowProof {
        stream: None,
        range: TimeRange::new(at(from), at(to)).unwrap(),
        read_at: at(86_400),
        as_of: at(86_400),
        whole: true,
        covers: true,
        evidence_kind: "short_page".to_owned(),
        evidence: json!({}),
    }
}

/// Takes every lock away.
async fn freed(lake: &Lake) {
    let held: Vec<_> = lake.store().list(Some(&locks())).try_collect::<Vec<_>>().await.unwrap();
    for lock in held {
        lake.store().delete(&lock.location).await.unwrap();
    }
}

#[test]
fn what_a_writer_takes_away_that_slept_in_a_put_of_parts_is_owed_again() {
    run(async {
        for place in Place::each().await {
            broken_between_parts(&place).await;
        }
    });
}

#[test]
fn a_lock_is_told_dead_by_the_clock_of_the_store() {
    run(async {
        let place = Place::memory();
        let hour = Duration::from_hours(1);
        let store = Meddled { ahead: hour, ..Meddled::with(place.lake.store()) };
        let lake = place.lake.clone().with_store(Arc::new(store));
        let ahead = || UtcTime::now().plus(hour).seconds();
        left_behind(&lake, 3, ahead() - 50).await;
        let error = writer(&lake).await.unwrap_err();
        assert_eq!(error.kind(), LakeErrorKind::LockHeld, "{error}");
        left_behind(&lake, 3, ahead() - 65).await;
        writer(&lake).await.unwrap().finish(RunState::Complete, true).await.unwrap();
    });
}

#[test]
fn a_store_without_conditions_is_refused_unless_there_is_a_single_writer() {
    for conditions in [Conditions::Ignores, Conditions::IgnoresMatch, Conditions::Refuses] {
        let server = S3Server::that(conditions);
        let settings = server.settings();
        let is_right = move |error: &LakeError| match conditions {
            Conditions::Refuses => matches!(error, LakeError::Store { .. }),
            _ => matches!(error, LakeError::IgnoresConditions { .. }),
        };
        run(async move {
            let lake = Lake::create(&url("a"), &settings).await.unwrap();
            let error = writer(&lake).await.unwrap_err();
            assert!(is_right(&error), "{error}");
            let error = Lake::probe(&url("a"), &settings).await.unwrap_err();
            assert!(is_right(&error), "{error}");
            let settings = StoreSettings { single_writer: true, ..settings };
            let lake = Lake::create(&url("a"), &settings).await.unwrap();
            run_of(&lake, &["a"], 0).await.unwrap();
            run_of(&lake, &["b"], 0).await.unwrap();
            assert_eq!(names(&lake).await, ["a", "b"]);
        });
    }
    let server = S3Server::that(Conditions::Ignores);
    let service = Service::small();
    let folder = tempfile::tempdir().unwrap();
    let line = format!("{} --lake s3://{BUCKET}/b", service.load_line());
    let load = |line: &str| server.program(service.program(folder.path(), line)).run();
    insta::assert_snapshot!(load(&line), @"
    exit 2
    --- stdout
    load: failed in [s] s
    --- stderr
    error: expected a store that keeps two writers apart, found that `s3://lakes/b` ignores If-None-Match
    hint: give --single-writer if nothing else ever writes this lake
    ");
    assert_eq!(load(&format!("{line} --single-writer")).code, 0);
}

/// Two loads of one account, the second begun while the first one reads.
fn two_loads(lake: &str, server: &S3Server, wait: &str) -> [crate::program::Ran; 2] {
    let service = Service::start(|settings| settings.latency = Some(Duration::from_millis(600)));
    let folder = tempfile::tempdir().unwrap();
    let line = format!("{} --lake {lake}", service.load_line());
    let load = |line: &str| server.program(service.program(folder.path(), line)).start();
    let before = service.running().requests();
    let first = load(&line);
    wait_until("the first one reads", || service.running().requests() > before);
    let second = load(&format!("{line} {wait}")).ended();
    [first.ended(), second]
}

#[test]
fn of_two_loads_of_one_account_one_works_and_the_other_exits_9_or_waits() {
    let server = S3Server::start();
    let on_s3 = format!("s3://{BUCKET}/lake");
    for lake in ["lake", on_s3.as_str()] {
        let [first, second] = two_loads(lake, &server, "");
        assert_eq!((first.code, second.code), (0, 9), "{first}{second}");
        assert!(second.stderr.contains("is held by run `") && second.stderr.contains("--wait-lock"), "{second}");
    }
    for lake in ["waited", "s3://lakes/waited"] {
        let [first, second] = two_loads(lake, &server, "--wait-lock 60s");
        assert_eq!((first.code, second.code), (0, 0), "{first}{second}");
    }
}

#[test]
fn of_many_that_take_a_dead_holders_lock_one_gets_it() {
    run(async {
        for place in Place::each().await {
            // What the six see of one another differs each time.
            for _ in 0..40 {
                left_behind(&place.lake, 3, MORNING).await;
                let racers = (0..6).map(|_| {
                    let lake = place.lake.clone();
                    tokio::spawn(async move { writer(&lake).await })
                });
                let ended = futures::future::join_all(racers).await.into_iter().map(|ended| ended.unwrap());
                let (mut won, lost): (Vec<_>, Vec<_>) = ended.partition(std::result::Result::is_ok);
                let kinds: Vec<_> = lost.into_iter().map(|lost| lost.unwrap_err().kind()).collect();
                assert_eq!(kinds, [LakeErrorKind::LockHeld; 5], "{}", place.name);
                won.remove(0).unwrap().finish(RunState::Complete, true).await.unwrap();
            }
        }
    });
}
