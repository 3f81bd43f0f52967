//! Whoever reads a day while it is replaced sees one of its versions, or an error that says so; never both versions.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::DataType;
use kore_lake::lake::Lake;
use kore_lake::pipeline::{ReplayRequest, Stop, Unwatched, replay};
use kore_lake::query::{QueryError, Session, SessionSettings, report};
use kore_lake::source::BareDefaults;
use object_store::path::Path as ObjectPath;
use object_store::{ObjectStoreExt, PutPayload};
use serde_json::{Value, json};

use crate::binary::python;
use crate::centre::{MEMORY_BYTES, run, whole};
use crate::reliability::{Figure, tell};
use crate::scene::lake_at;

const ROWS: u32 = 4_000;
const REWRITES: usize = 200;
/// What every row of a version says: as long in each.
const VERSIONS: [&str; 2] = ["voice", "email"];

/// What statements saw while the day was replaced.
#[derive(Debug, Default)]
struct Seen {
    statements: AtomicUsize,
    mixed: AtomicUsize,
    /// Errors before the first row.
    failed: AtomicUsize,
    /// Ends after the first row that say that the day was replaced and to run again.
    ended: AtomicUsize,
}

/// The object of a day as a load writes it, with one mark in all rows.
async fn version(mark: &str, folder: &Path) -> (Lake, ObjectPath, bytes::Bytes) {
    let record = |second: u32| {
        let start = jiff::Timestamp::from_second(1_772_438_400 + i64::from(second)).unwrap();
        json!({
            "sessionId": format!("s-{second:06}"), "conversationId": format!("c-{second}"),
            "sessionStartTime": start.to_string(), "finalStatus": "CLOSED", "channel": mark, "userId": mark, "direction": "INBOUND",
        })
    };
    let records: Vec<Value> = (0..ROWS).map(record).collect();
    let page = folder.join(format!("{mark}.json"));
    fs::write(&page, json!({ "data": records }).to_string()).unwrap();
    let lake = lake_at(&folder.join(mark));
    let request = ReplayRequest {
        paths: vec![page],
        bare: BareDefaults { account_id: Some("a".parse().unwrap()), ..BareDefaults::default() },
        allow_downgrade: false,
        wait_lock: Duration::ZERO,
        memory_limit_bytes: MEMORY_BYTES,
        strict: false,
    };
    whole(replay(&lake, &request, &Unwatched, Stop::never()).await);
    let day = lake.list_partitions().await.unwrap().remove(0).meta.location;
    let bytes = lake.store().get(&day).await.unwrap().bytes().await.unwrap();
    (lake, day, bytes)
}

/// A lake of one day, and both versions of that day.
async fn lake_of_a_day(folder: &Path) -> (Lake, ObjectPath, Vec<bytes::Bytes>) {
    let (lake, day, first) = version(VERSIONS[0], folder).await;
    let (_, _, second) = version(VERSIONS[1], folder).await;
    (lake, day, vec![first, second])
}

/// Replaces the day 200 times, as a load does, then says that it is done.
async fn rewrite(lake: Lake, day: ObjectPath, versions: Vec<bytes::Bytes>, done: Arc<AtomicBool>) {
    for number in 1..=REWRITES {
        lake.store().put(&day, PutPayload::from(versions[number % 2].clone())).await.unwrap();
        tokio::time::sleep(Duration::from_millis(25)).await; // the pace of the rewrites
    }
    done.store(true, Ordering::Relaxed);
}

/// The values of the marks in these rows.
fn marks(batches: &[RecordBatch]) -> std::collections::BTreeSet<String> {
    let is_mark = |name: &str| ["channel", "user_id", "low", "high"].contains(&name);
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

/// Asks again and again until the rewrites are done.
async fn ask(lake: Lake, question: &'static str, done: Arc<AtomicBool>, seen: Arc<Seen>) {
    let session = Session::open((&lake).into(), SessionSettings::default()).await.unwrap();
    while !done.load(Ordering::Relaxed) {
        seen.statements.fetch_add(1, Ordering::Relaxed);
        let asked = match question.strip_prefix("report ") {
            Some(name) => {
                let report = report(name).unwrap();
                session.report(report, &report.bind(&std::collections::BTreeMap::new()).unwrap()).await
            }
            None => session.run(&session.parse(question).unwrap().remove(0)).await,
        };
        let mut batches = Vec::new();
        let ended = match asked {
            Err(error) => Err(error),
            Ok(mut rows) => loop {
                match rows.next().await {
                    Ok(Some(batch)) => batches.push(batch),
                    Ok(None) => break Ok(()),
                    Err(error) => break Err(error),
                }
            },
        };
        match ended {
            Ok(()) => assert!(!marks(&batches).is_empty(), "{question}"),
            Err(QueryError::Replaced { .. }) if !batches.is_empty() => {
                seen.ended.fetch_add(1, Ordering::Relaxed);
            }
            Err(_) => {
                seen.failed.fetch_add(1, Ordering::Relaxed);
            }
        }
        seen.mixed.fetch_add(usize::from(marks(&batches).len() > 1), Ordering::Relaxed);
    }
}

const QUESTIONS: [&str; 3] = [
    "SELECT min(channel) AS low, max(channel) AS high, min(user_id) AS low, max(user_id) AS high FROM conversations",
    "SELECT channel, user_id, session_id FROM conversations",
    "report volume",
];

async fn statements() -> Arc<Seen> {
    let folder = tempfile::tempdir().unwrap();
    let (lake, day, versions) = lake_of_a_day(folder.path()).await;
    let (done, seen) = (Arc::new(AtomicBool::new(false)), Arc::new(Seen::default()));
    let readers = QUESTIONS.map(|question| tokio::spawn(ask(lake.clone(), question, done.clone(), seen.clone())));
    let writer = tokio::spawn(rewrite(lake, day, versions, done));
    for task in readers.into_iter().chain([writer]) {
        task.await.unwrap();
    }
    seen
}

/// What an engine counted while the day was replaced 200 times.
async fn engine(name: &'static str) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let (lake, day, versions) = lake_of_a_day(folder.path()).await;
    let end = folder.path().join("end");
    let files = [name.into(), lake.url().folder().to_owned(), end.clone()];
    let reading = tokio::task::spawn_blocking(move || python("tests/readers/mid_write.py", &files));
    let done = Arc::new(AtomicBool::new(false));
    // It reads before the first rewrite and behind the last.
    tokio::time::sleep(Duration::from_secs(2)).await;
    rewrite(lake, day, versions, done).await;
    fs::write(&end, "").unwrap();
    serde_json::from_str(&reading.await.unwrap()).unwrap()
}

fn number(told: &Value, name: &str) -> usize {
    usize::try_from(told[name].as_u64().unwrap()).unwrap()
}

#[test]
fn nobody_sees_two_versions_of_a_day_that_is_replaced() {
    let (seen, duckdb) = run(async { (statements().await, engine("duckdb").await) });
    let count = |of: &AtomicUsize| of.load(Ordering::Relaxed);
    println!("statements: {seen:?}; DuckDB: {duckdb}");
    assert_eq!(number(&duckdb, "versions"), 2, "{duckdb}");
    tell(
        "Readers in mid-write",
        &[
            Figure::exact("rewrites of a day, values of equal length, per reader", REWRITES),
            Figure::at_least("statements of `query` and `report`", count(&seen.statements), 30),
            Figure::exact("of these mixed", count(&seen.mixed)),
            Figure::exact("of these failed before their first row", count(&seen.failed)),
            Figure::at_least("reads of DuckDB", number(&duckdb, "reads"), 30),
            Figure::exact("of these mixed, DuckDB", number(&duckdb, "mixed")),
            Figure::at_least("of these failed, DuckDB", number(&duckdb, "errors"), 0),
        ],
    );
    assert_eq!((count(&seen.mixed), count(&seen.failed), number(&duckdb, "mixed")), (0, 0, 0));
}

#[test]
#[ignore = "measures what another engine does, for the README: nothing of ours can fail"]
fn what_spark_sees() {
    let spark = run(engine("spark"));
    println!("Spark: {spark}");
}
