//! Whoever reads a day while it is replaced sees one of its versions, or an error that says so; never both versions.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::DataType;
use kore_lake::lake::Lake;
use kore_lake::pipeline::{ReplayRequest, Stop, Unwatched, replay};
use kore_lake::query::{QueryError, Session, SessionSettings, report};
use kore_lake::source::BareDefaults;
use serde_json::{Value, json};

use crate::binary::python;
use crate::centre::{MEMORY_BYTES, run, whole};
use crate::dice::Dice;
use crate::reliability::{Figure, tell};
use crate::scene::lake_at;
use crate::service::wait_until;

const ROWS: u32 = 1_000;
const REWRITES: usize = 200;
/// What every row of a version says: as long in each.
const VERSIONS: [&str; 2] = ["voice", "email"];

/// What statements saw while the day was replaced.
#[derive(Debug, Default)]
struct Seen {
    statements: AtomicUsize,
    mixed: AtomicUsize,
    /// Errors before the first row.
    failed: Mutex<Vec<String>>,
    /// Ends after the first row that say that the day was replaced and to run again.
    ended: AtomicUsize,
}

/// A lake of one day, and the folder beside it in which its pages come.
#[derive(Clone)]
struct Day {
    lake: Lake,
    folder: PathBuf,
    /// Loads so far.
    loads: Arc<AtomicUsize>,
}

impl Day {
    async fn of(folder: &Path) -> Self {
        let day = Self { lake: lake_at(&folder.join("lake")), folder: folder.to_owned(), loads: Arc::default() };
        day.load().await;
        day
    }

    /// Loads the day's rows once more, all of them changed: read, staged, merged and committed, as in any run.
    async fn load(&self) {
        let number = self.loads.fetch_add(1, Ordering::Relaxed);
        let mark = VERSIONS[number % 2];
        let record = |second: u32| {
            let start = jiff::Timestamp::from_second(1_772_438_400 + i64::from(second)).unwrap();
            json!({
                "sessionId": format!("s-{second:06}"), "conversationId": format!("c-{second}"),
                "sessionStartTime": start.to_string(), "finalStatus": "CLOSED", "channel": mark, "userId": mark, "direction": "INBOUND",
            })
        };
        let records: Vec<Value> = (0..ROWS).map(record).collect();
        let fetched = jiff::Timestamp::from_second(1_772_524_800 + i64::try_from(number).unwrap()).unwrap();
        let request =
            json!({"api": "v2", "account_id": "a", "stream_id": null, "offset": null, "limit": null, "body": {}});
        let page = json!({
            "kore_lake_page": 1, "request": request, "fetched_at": fetched.to_string(), "body": {"data": records},
        });
        let path = self.folder.join("page.json");
        fs::write(&path, page.to_string()).unwrap();
        let request = ReplayRequest {
            paths: vec![path],
            bare: BareDefaults::default(),
            allow_downgrade: false,
            wait_lock: Duration::ZERO,
            memory_limit_bytes: MEMORY_BYTES,
            strict: false,
        };
        let summary = whole(replay(&self.lake, &request, &Unwatched, Stop::never()).await);
        assert_eq!(summary.days.written, 1, "{summary:?}");
    }
}

/// Loads the day anew 200 times, each time once `ready` says so, then says that it is done.
fn rewrite(day: &Day, done: &AtomicBool, mut ready: impl FnMut()) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    for _ in 0..REWRITES {
        runtime.block_on(day.load());
        ready();
    }
    done.store(true, Ordering::Relaxed);
}

/// The values of the marks in these rows.
fn marks(batches: &[RecordBatch]) -> BTreeSet<String> {
    let is_mark = |name: &str| ["channel", "user_id", "low", "high", "low_user", "high_user"].contains(&name);
    let columns = batches.iter().flat_map(|batch| {
        let schema = batch.schema();
        let named = schema.fields().iter().zip(batch.columns()).filter(|(field, _)| is_mark(field.name()));
        named.map(|(_, column)| column.clone()).collect::<Vec<_>>()
    });
    let texts = columns.flat_map(|column| {
        let text = arrow::compute::cast(&column, &DataType::Utf8).unwrap();
        let text = text.as_string::<i32>();
        (0..text.len()).filter(|row| text.is_valid(*row)).map(|row| text.value(row).to_owned()).collect::<Vec<_>>()
    });
    texts.collect()
}

const QUESTIONS: [&str; 3] = [
    "SELECT min(channel) AS low, max(channel) AS high, min(user_id) AS low_user, max(user_id) AS high_user FROM conversations",
    "SELECT channel, user_id, session_id FROM conversations",
    "report volume",
];

/// Asks again and again until the rewrites are done.
async fn ask(lake: Lake, done: Arc<AtomicBool>, seen: Arc<Seen>) {
    let session = Session::open((&lake).into(), SessionSettings::default()).await.unwrap();
    for question in QUESTIONS.into_iter().cycle() {
        let (batches, ended) = answer(&session, question).await;
        match ended {
            Ok(()) => assert!(!marks(&batches).is_empty(), "{question}"),
            Err(QueryError::Replaced { .. }) if !batches.is_empty() => {
                seen.ended.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => {
                seen.failed.lock().unwrap().push(format!("{question}: {error}"));
            }
        }
        seen.mixed.fetch_add(usize::from(marks(&batches).len() > 1), Ordering::Relaxed);
        seen.statements.fetch_add(1, Ordering::Relaxed);
        if done.load(Ordering::Relaxed) {
            break;
        }
    }
}

/// The rows up to the end, and how that came.
async fn answer(session: &Session, question: &str) -> (Vec<RecordBatch>, Result<(), QueryError>) {
    let asked = match question.strip_prefix("report ") {
        Some(name) => {
            let report = report(name).unwrap();
            session.report(report, &report.bind(&BTreeMap::new()).unwrap()).await
        }
        None => session.run(&session.parse(question).unwrap().remove(0)).await,
    };
    let mut batches = Vec::new();
    let mut rows = match asked {
        Ok(rows) => rows,
        Err(error) => return (batches, Err(error)),
    };
    loop {
        match rows.next().await {
            Ok(Some(batch)) => batches.push(batch),
            Ok(None) => return (batches, Ok(())),
            Err(error) => return (batches, Err(error)),
        }
    }
}

/// Each rewrite comes at another moment of a statement, and at most two or three come in one.
async fn statements(day: Day) -> Arc<Seen> {
    let (done, seen) = (Arc::new(AtomicBool::new(false)), Arc::new(Seen::default()));
    let writer = thread::spawn({
        let (day, done, seen) = (day.clone(), done.clone(), seen.clone());
        let (mut dice, mut before) = (Dice::new(3), 0);
        move || {
            rewrite(&day, &done, || {
                while seen.statements.load(Ordering::Relaxed) == before {
                    thread::sleep(Duration::from_millis(1)); // between two looks
                }
                before = seen.statements.load(Ordering::Relaxed);
                thread::sleep(Duration::from_millis(dice.roll(60))); // a moment by chance
            });
        }
    });
    ask(day.lake, done, seen.clone()).await;
    writer.join().unwrap();
    seen
}

/// What an engine counted while the day was replaced 200 times.
async fn engine(name: &str, pace: Duration, day: Day) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let (begun, end) = (folder.path().join("begun"), folder.path().join("end"));
    let files = [name.into(), day.lake.url().folder().unwrap().to_owned(), begun.clone(), end.clone()];
    let reading = thread::spawn(move || python("tests/readers/mid_write.py", &files));
    let writing = tokio::task::spawn_blocking(move || {
        wait_until("the first read is done", || begun.exists());
        let pause = || thread::sleep(pace); // what a load does between two commits
        rewrite(&day, &AtomicBool::new(false), pause);
        fs::write(&end, "").unwrap();
    });
    writing.await.unwrap();
    serde_json::from_str(&reading.join().unwrap()).unwrap()
}

fn number(told: &Value, name: &str) -> usize {
    usize::try_from(told[name].as_u64().unwrap()).unwrap()
}

#[test]
fn nobody_sees_two_versions_of_a_day_that_is_replaced() {
    let (seen, duckdb) = run(async {
        let folder = tempfile::tempdir().unwrap();
        let day = Day::of(folder.path()).await;
        (statements(day.clone()).await, engine("duckdb", Duration::from_millis(25), day).await)
    });
    let count = |of: &AtomicUsize| of.load(Ordering::Relaxed);
    let failed = seen.failed.lock().unwrap();
    assert!(failed.is_empty(), "{failed:?}");
    assert_eq!(number(&duckdb, "versions"), 2, "{duckdb}");
    tell(
        "Readers in mid-write",
        &[
            Figure::exact("loads that replaced the day, values of equal length, per reader", REWRITES),
            Figure::at_least("statements of `query` and `report`", count(&seen.statements), 30),
            Figure::exact("of these mixed", count(&seen.mixed)),
            Figure::exact("of these failed before their first row", failed.len()),
            Figure::at_least("reads of DuckDB", number(&duckdb, "reads"), 30),
            Figure::exact("of these mixed, DuckDB", number(&duckdb, "mixed")),
            Figure::counted("of these failed, DuckDB", number(&duckdb, "errors")),
        ],
    );
    assert_eq!((count(&seen.mixed), failed.len(), number(&duckdb, "mixed")), (0, 0, 0));
}

#[test]
#[ignore = "measures what another engine does, for the README: nothing of ours can fail"]
fn what_spark_sees() {
    let spark = run(async {
        let folder = tempfile::tempdir().unwrap();
        engine("spark", Duration::from_millis(100), Day::of(folder.path()).await).await
    });
    assert!(number(&spark, "reads") > 0);
    println!("Spark: {spark}");
}
