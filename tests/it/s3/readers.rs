//! Readers of a day that is replaced again and again while they read.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use kore_lake::lake::Lake;
use kore_lake::query::{Session, SessionSettings};
use object_store::ObjectStoreExt;
use object_store::path::Path;
use serde_json::json;

use super::server::{BUCKET, S3Server, url};
use crate::centre::run;
use crate::program::{Program, Ran};
use crate::reliability::{Figure, tell};

/// Rows of the day: enough for several reads of each version.
const ROWS: usize = 2_000;
const REWRITES: usize = 200;
const MIXED: &str = "SELECT count(*) AS n, min(channel) AS a, max(channel) AS b, min(user_id) AS c, max(user_id) AS d \
                     FROM conversations";

/// Contents of the day's versions: the first two differ in values of equal length alone.
fn marks() -> [String; 3] {
    ["old".to_owned(), "new".to_owned(), "long ".repeat(9)]
}

fn page(mark: &str) -> String {
    let record = |number: usize| {
        json!({
            "sessionId": format!("69a54880{number:016x}"), "conversationId": format!("c-{number}"), "channel": mark,
            "userId": mark, "sessionStartTime": "2026-03-02T08:21:20",
        })
    };
    json!({ "data": (0..ROWS).map(record).collect::<Vec<_>>() }).to_string()
}

/// A lake for each mark, and the object of its day.
fn versions(server: &S3Server) -> (Path, Vec<Bytes>) {
    let folder = tempfile::tempdir().unwrap();
    let mut path = None;
    let objects = (0..).zip(marks()).map(|(number, mark)| {
        fs::write(folder.path().join("page.json"), page(&mark)).unwrap();
        let line = format!("replay page.json --account-id acc-1 --lake s3://{BUCKET}/{number}");
        let ran = server.program(Program::new(folder.path(), &line)).run();
        assert_eq!(ran.code, 0, "{ran}");
        let settings = server.settings();
        let (location, bytes) = run(async move {
            let lake = Lake::create(&url(&number.to_string()), &settings).await.unwrap();
            let day = lake.list_partitions().await.unwrap().remove(0).meta.location;
            let bytes = lake.store().get(&day).await.unwrap().bytes().await.unwrap();
            (day, bytes)
        });
        path = Some(location);
        bytes
    });
    let objects: Vec<_> = objects.collect();
    (path.unwrap(), objects)
}

/// Rewrites that a statement meets, at most: it is tried 20 times, and a day that is replaced each time before it can be
/// read is read by nobody.
const MOST_AT_ONCE: usize = 12;

/// Rewrites since each of the readers last had an answer: by the program, and in one process.
type SinceAnswer = Arc<[AtomicUsize; 2]>;

/// Replaces the day of lake `0` until it is stopped; returns how often it did.
fn rewriter(server: &S3Server, stop: &Arc<AtomicBool>, since: SinceAnswer) -> std::thread::JoinHandle<usize> {
    let (path, objects) = versions(server);
    assert_ne!(objects[0].len(), objects[2].len());
    let (settings, stop) = (server.settings(), Arc::clone(stop));
    std::thread::spawn(move || {
        run(async move {
            let lake = Lake::create(&url("0"), &settings).await.unwrap();
            let mut rewrites = 0;
            while !stop.load(Ordering::Relaxed) || rewrites < REWRITES {
                let next = objects[(rewrites + 1) % objects.len()].clone();
                lake.store().put(&path, next.into()).await.unwrap();
                rewrites += 1;
                for reader in since.iter() {
                    reader.fetch_add(1, Ordering::Relaxed);
                }
                tokio::time::sleep(Duration::from_millis(100)).await; // what a load does between two commits
                let is_ahead = |reader: usize| since[reader].load(Ordering::Relaxed) >= MOST_AT_ONCE;
                while is_ahead(1) || (is_ahead(0) && !stop.load(Ordering::Relaxed)) {
                    tokio::time::sleep(Duration::from_millis(5)).await; // until they have an answer
                }
            }
            rewrites
        })
    })
}

/// The marks that an answer shows; one that shows two is a mixture.
fn marks_in(answer: &str) -> usize {
    marks().iter().filter(|mark| answer.contains(mark.as_str())).count()
}

/// Runs the program; counts it, and a mixture.
fn scan(server: &S3Server, line: &str, sql: Option<&str>, seen: &mut BTreeMap<&'static str, usize>) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let program = server.program(Program::new(folder.path(), &format!("{line} --format csv --lake s3://{BUCKET}/0")));
    let ran = sql.into_iter().fold(program, |program, sql| program.arg("-c").arg(sql)).run();
    *seen.entry("scans").or_default() += 1;
    *seen.entry("mixtures").or_default() += usize::from(marks_in(&ran.stdout) > 1);
    *seen.entry("errors").or_default() += usize::from(ran.code != 0);
    ran
}

/// In one process, many statements: what the program does, without its start.
fn scan_in_process(
    server: &S3Server,
    stop: Arc<AtomicBool>,
    since: SinceAnswer,
) -> std::thread::JoinHandle<[usize; 3]> {
    let settings = server.settings();
    std::thread::spawn(move || {
        run(async move {
            let lake = Lake::open_existing(&url("0"), &settings).await.unwrap();
            let session = Session::open((&lake).into(), SessionSettings::default()).await.unwrap();
            let statement = session.parse(MIXED).unwrap().remove(0);
            let (scans, mixtures, errors) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
            while !stop.load(Ordering::Relaxed) {
                scans.fetch_add(1, Ordering::Relaxed);
                let rows = match session.run(&statement).await {
                    Ok(rows) => rows.collect().await,
                    Err(error) => Err(error),
                };
                since[1].store(0, Ordering::Relaxed);
                let Ok(batches) = rows else {
                    errors.fetch_add(1, Ordering::Relaxed);
                    continue;
                };
                let text = arrow::util::pretty::pretty_format_batches(&batches).unwrap().to_string();
                assert!(text.contains(&ROWS.to_string()), "{text}");
                mixtures.fetch_add(usize::from(marks_in(&text) != 1), Ordering::Relaxed);
            }
            [scans, mixtures, errors].map(AtomicUsize::into_inner)
        })
    })
}

#[test]
fn readers_of_a_day_that_is_replaced_meanwhile_see_one_version_of_it() {
    let server = S3Server::start();
    let (stop_writing, stop_reading) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let since = SinceAnswer::default();
    let writing = rewriter(&server, &stop_writing, Arc::clone(&since));
    let reading = scan_in_process(&server, Arc::clone(&stop_reading), Arc::clone(&since));
    let mut seen = BTreeMap::new();
    for _ in 0..8 {
        since[0].store(0, Ordering::Relaxed);
        let ran = scan(&server, "query", Some(MIXED), &mut seen);
        assert_eq!((ran.code, marks_in(&ran.stdout)), (0, 1), "{ran}");
        since[0].store(0, Ordering::Relaxed);
        let ran = scan(&server, "report volume", None, &mut seen);
        assert_eq!((ran.code, marks_in(&ran.stdout)), (0, 1), "{ran}");
    }
    stop_writing.store(true, Ordering::Relaxed);
    let rewrites = writing.join().unwrap();
    stop_reading.store(true, Ordering::Relaxed);
    let [scans, mixtures, errors] = reading.join().unwrap();
    tell(
        "S3",
        &[
            Figure::at_least("rewrites of a day while it was read", rewrites, REWRITES),
            Figure::at_least("scans meanwhile, by `query` and `report` and in one process", scans + seen["scans"], 30),
            Figure::exact("mixtures of two versions", mixtures + seen["mixtures"]),
            Figure::exact("errors of statements whose first row was not printed", errors + seen["errors"]),
        ],
    );
}
