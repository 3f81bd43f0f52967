//! One behaviour, whatever the store: the same bodies over memory, disk and S3.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt;
use kore_lake::clock::UtcTime;
use kore_lake::lake::{
    Clock, Lake, Probed, RunState, StoreSettings, Unlocked, Writer, WriterSettings, migrate, rebuild_ledger, unlock,
};
use kore_lake::pipeline::{LoadRequest, Stop, Unwatched, load};
use kore_lake::simulator::SimulatorSettings;
use object_store::path::Path;
use object_store::{Error, GetOptions, ObjectStore, ObjectStoreExt, PutMode, PutPayload, PutResult, UpdateVersion};

use super::places::{Place, account, names, run_of, window, writer};
use crate::centre::{run, whole};
use crate::contents::rows;
use crate::wire::Wire;

fn path(name: &str) -> Path {
    Path::from(format!("conversations/a/{name}"))
}

async fn put(
    store: &dyn ObjectStore,
    name: &str,
    text: &'static str,
    mode: PutMode,
) -> object_store::Result<PutResult> {
    store.put_opts(&path(name), PutPayload::from_static(text.as_bytes()), mode.into()).await
}

fn update(e_tag: Option<String>) -> PutMode {
    PutMode::Update(UpdateVersion { e_tag, version: None })
}

async fn text(store: &dyn ObjectStore, name: &str) -> String {
    String::from_utf8(store.get(&path(name)).await.unwrap().bytes().await.unwrap().to_vec()).unwrap()
}

#[test]
fn an_object_is_made_once_and_replaced_only_as_the_version_that_is_known() {
    run(async {
        for place in Place::each().await {
            let store = place.lake.store().as_ref();
            let made = put(store, "x", "one", PutMode::Create).await.unwrap();
            let again = put(store, "x", "two", PutMode::Create).await;
            assert!(matches!(again, Err(Error::AlreadyExists { .. })), "{}", place.name);
            let replaced = put(store, "x", "three", update(made.e_tag.clone())).await.unwrap();
            let stale = put(store, "x", "four", update(made.e_tag)).await;
            assert!(matches!(stale, Err(Error::Precondition { .. })), "{}", place.name);
            let absent = put(store, "y", "four", update(replaced.e_tag.clone())).await;
            assert!(matches!(absent, Err(Error::Precondition { .. })), "{}", place.name);
            assert_eq!(text(store, "x").await, "three", "{}", place.name);
            assert_eq!(store.head(&path("x")).await.unwrap().e_tag, replaced.e_tag, "{}", place.name);
        }
    });
}

#[test]
fn a_listing_names_what_is_there_and_reads_are_pinned_to_what_it_named() {
    run(async {
        for place in Place::each().await {
            let store = place.lake.store().as_ref();
            for name in ["b", "a", "c/d"] {
                put(store, name, "0123456789", PutMode::Overwrite).await.unwrap();
            }
            let listed: Vec<_> = store.list(Some(&Path::from("conversations"))).try_collect().await.unwrap();
            let mut found: Vec<_> = listed.iter().map(|meta| (meta.location.to_string(), meta.size)).collect();
            found.sort();
            let expected = ["a", "b", "c/d"].map(|name| (format!("conversations/a/{name}"), 10));
            assert_eq!(found, expected, "{}", place.name);
            let folders = store.list_with_delimiter(Some(&Path::from("conversations/a"))).await.unwrap();
            assert_eq!((folders.objects.len(), folders.common_prefixes), (2, vec![path("c")]), "{}", place.name);
            let listed = listed.iter().find(|meta| meta.location == path("a")).unwrap().clone();
            let pinned =
                || GetOptions { if_match: listed.e_tag.clone(), ..GetOptions::default() }.with_range(Some(2..5));
            let read = store.get_opts(&path("a"), pinned()).await.unwrap().bytes().await.unwrap();
            assert_eq!(read, Bytes::from_static(b"234"), "{}", place.name);
            put(store, "a", "9876543210", PutMode::Overwrite).await.unwrap();
            let gone = store.get_opts(&path("a"), pinned()).await;
            assert!(matches!(gone, Err(Error::Precondition { .. })), "{}", place.name);
        }
    });
}

#[test]
fn parts_become_an_object_at_the_end_and_nothing_where_they_are_given_up() {
    run(async {
        for place in Place::each().await {
            let store = place.lake.store().as_ref();
            let part = Bytes::from(vec![7_u8; 5 << 20]);
            for ends in [true, false] {
                let path = path(if ends { "whole" } else { "given up" });
                let mut upload = store.put_multipart(&path).await.unwrap();
                for _ in 0..3 {
                    upload.put_part(part.clone().into()).await.unwrap();
                }
                assert!(matches!(store.head(&path).await, Err(Error::NotFound { .. })), "{}", place.name);
                if ends {
                    let put = upload.complete().await.unwrap();
                    let meta = store.head(&path).await.unwrap();
                    assert_eq!((meta.size, meta.e_tag), (15 << 20, put.e_tag), "{}", place.name);
                } else {
                    upload.abort().await.unwrap();
                    assert!(matches!(store.head(&path).await, Err(Error::NotFound { .. })), "{}", place.name);
                }
            }
            store.delete(&path("whole")).await.unwrap();
            assert!(matches!(store.head(&path("whole")).await, Err(Error::NotFound { .. })), "{}", place.name);
            let again = store.delete(&path("whole")).await;
            assert!(matches!(again, Ok(()) | Err(Error::NotFound { .. })), "{}", place.name);
        }
    });
}

#[test]
fn of_many_that_make_one_object_one_succeeds() {
    run(async {
        for place in Place::each().await {
            for round in 0..20 {
                let name = format!("race-{round}");
                let racers = (0..4).map(|_| {
                    let (store, path) = (Arc::clone(place.lake.store()), path(&name));
                    tokio::spawn(async move {
                        store.put_opts(&path, PutPayload::from_static(b"x"), PutMode::Create.into()).await.is_ok()
                    })
                });
                let won = futures::future::join_all(racers).await.into_iter().filter(|won| *won.as_ref().unwrap());
                assert_eq!(won.count(), 1, "{}, round {round}", place.name);
            }
        }
    });
}

/// A centre of two days, in this process.
fn centre() -> (Arc<Wire>, LoadRequest) {
    let mut settings = SimulatorSettings::default();
    settings.data.days = 2;
    settings.data.conversations_per_day = 60;
    let wire = Wire::of(settings, true);
    let request = wire.request(wire.range());
    (wire, request)
}

async fn e_tags(lake: &Lake) -> Vec<Option<String>> {
    lake.list_partitions().await.unwrap().into_iter().map(|day| day.meta.e_tag).collect()
}

#[test]
fn what_is_loaded_twice_is_the_same_lake_in_every_store() {
    run(async {
        let mut seen = Vec::new();
        for place in Place::each().await {
            let (wire, request) = centre();
            let lake = &place.lake;
            whole(load(lake, wire.clone(), &request, &Unwatched, Stop::never()).await);
            let first = e_tags(lake).await;
            whole(load(lake, wire.clone(), &request, &Unwatched, Stop::never()).await);
            assert_eq!(e_tags(lake).await, first, "{}", place.name);
            let clock: Clock = Arc::new(UtcTime::now);
            let report = lake.verify(None, &clock).await.unwrap();
            assert_eq!(report.findings, [], "{}", place.name);
            let status = lake.status(&wire.account(), None, UtcTime::now()).await.unwrap();
            assert_eq!((status.rows, status.days, status.lock.is_none()), (report.rows, 2, true), "{}", place.name);
            let settings = WriterSettings::new(wire.account());
            let migrated = migrate(lake, settings, |_| ()).await.unwrap();
            assert_eq!((migrated.days_rewritten, migrated.days_current), (0, 2), "{}", place.name);
            let found = unlock(lake, &wire.account(), false, Some(clock)).await.unwrap();
            assert_eq!(found, Unlocked::NotLocked, "{}", place.name);
            let rebuilt = rebuild_ledger(lake, WriterSettings::new(wire.account())).await.unwrap();
            assert_eq!((rebuilt.days, rebuilt.rows), (2, report.rows), "{}", place.name);
            let rows: Vec<_> =
                rows(lake).await.into_iter().map(|row| row.without(&["_run_id", "_fetched_at"])).collect();
            seen.push(rows);
        }
        assert!(seen[0].len() > 50 && seen.windows(2).all(|pair| pair[0] == pair[1]));
    });
}

#[test]
fn what_a_run_left_staged_is_committed_by_the_next_one_in_every_store() {
    run(async {
        for place in Place::each().await {
            let lake = &place.lake;
            run_of(lake, &["a"], 0).await.unwrap();
            let left = writer(lake).await.unwrap();
            left.stage(window(&["b"], 1)).await.unwrap();
            left.finish(RunState::Failed, false).await.unwrap();
            assert_eq!(names(lake).await, ["a"], "{}", place.name);
            let mut next = writer(lake).await.unwrap();
            assert_eq!(next.recover().await.unwrap().rows.new, 1, "{}", place.name);
            next.finish(RunState::Complete, true).await.unwrap();
            assert_eq!(names(lake).await, ["a", "b"], "{}", place.name);
            let staged: Vec<_> =
                lake.store().list(Some(&Path::from("_kore_lake/staging"))).try_collect().await.unwrap();
            assert_eq!(staged, [], "{}", place.name);
        }
    });
}

#[test]
fn a_probe_of_a_bucket_leaves_nothing_behind() {
    let server = super::server::S3Server::start();
    let settings = server.settings();
    let probe = |settings: StoreSettings| {
        run(async move { Lake::probe(&super::server::url("lake"), &settings).await.unwrap() })
    };
    assert_eq!(probe(settings.clone()), Probed::Absent);
    assert_eq!(server.keys(""), Vec::<String>::new());
    let lake_settings = settings.clone();
    run(async move {
        let lake = Lake::create(&super::server::url("lake"), &lake_settings).await.unwrap();
        let waits = WriterSettings { wait_lock: Duration::ZERO, ..WriterSettings::new(account()) };
        Writer::open(&lake, waits).await.unwrap().finish(RunState::Complete, true).await.unwrap();
    });
    let before = server.keys("");
    assert_eq!(probe(settings), Probed::Writable);
    assert_eq!(before.len(), 1, "{before:?}");
    assert_eq!(server.keys(""), before);
}

#[test]
fn a_large_object_goes_to_s3_in_parts_and_leaves_none_where_it_is_given_up() {
    let server = super::server::S3Server::start();
    let settings = server.settings();
    run(async move {
        let lake = Lake::create(&super::server::url("lake"), &settings).await.unwrap();
        let mut upload = lake.store().put_multipart(&path("big")).await.unwrap();
        upload.put_part(Bytes::from(vec![7_u8; 5 << 20]).into()).await.unwrap();
        upload.abort().await.unwrap();
    });
    assert_eq!((server.requests("uploadId"), server.requests("DELETE"), server.keys("lake")), (2, 1, vec![]));
}
