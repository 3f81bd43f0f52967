use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::run::refused_columns;
use super::{Finished, LoadRequest, Outcome, ReplayRequest, Stop, Unwatched, load, replay};
use crate::clock::{TimeRange, UtcTime};
use crate::decode::{Reject, RejectReason};
use crate::error::Kind;
use crate::lake::{Lake, PageReject, RunIntent, StagedWindow, WindowProof, Writer, WriterSettings};
use crate::schema::{AccountId, ApiVersion, StreamId};
use crate::source::{
    BareDefaults, Page, PageRequest, PageSource, Refusal, RefusalReason, RequestBody, SourceError, Traffic, saved,
};

const DAY: i64 = 86_400;
/// 2026-03-02T00:00:00Z.
const MONDAY: i64 = 1_772_409_600;

fn account() -> AccountId {
    "acc-1".parse().unwrap()
}

fn stream() -> StreamId {
    "st-1".parse().unwrap()
}

/// So many days from Monday on.
fn days(from: i64, to: i64) -> TimeRange {
    let day = |number: i64| UtcTime::from_seconds(MONDAY + number * DAY);
    TimeRange::new(day(from), day(to)).unwrap()
}

/// A conversation that began so many seconds into Monday.
fn record(second: i64, campaign: Option<i32>) -> Value {
    let mut record = json!({"sessionId": format!("{:08x}4afb07c72ac50000", MONDAY + second), "conversationId": "c"});
    if let Some(attempt) = campaign {
        record["campaigninfo"] = json!({ "attempt": attempt });
    }
    record
}

/// Answers with these records those windows that have them, page by page. May refuse a field to windows that have a
/// second; then every other window but those of Monday, which are read first, waits for that, asked with the field as it
/// was.
struct Records {
    by_second: Mutex<Vec<(i64, Value)>>,
    refuses_field_at: Option<i64>,
    refused: tokio::sync::watch::Sender<bool>,
    requests: AtomicU64,
}

impl Records {
    fn new(records: Vec<(i64, Value)>) -> Self {
        let refused = tokio::sync::watch::channel(false).0;
        Self { by_second: Mutex::new(records), refuses_field_at: None, refused, requests: AtomicU64::default() }
    }
}

#[async_trait]
impl PageSource for Records {
    async fn fetch(&self, request: &PageRequest) -> Result<Page, SourceError> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let time = |date: &Option<String>| {
            let text = date.as_deref().unwrap().replace(' ', "T") + "Z";
            text.parse::<UtcTime>().unwrap().seconds() - MONDAY
        };
        let (from, to) = (time(&request.body.start_date), time(&request.body.end_date));
        if let Some(refusing) = self.refuses_field_at {
            if (from..to).contains(&refusing)
                && request.body.selected_fields.iter().any(|field| field == "campaigninfo")
            {
                self.refused.send_replace(true);
                let reason = RefusalReason::Field("campaigninfo".to_owned());
                let refusal = Refusal { url: String::new(), status: 400, message: None, reason };
                return Err(SourceError::Refused(Box::new(refusal)));
            }
            let mut refused = self.refused.subscribe();
            let side_by_side = tokio::time::timeout(Duration::from_mins(1), refused.wait_for(|refused| *refused));
            if from >= DAY {
                drop(side_by_side.await.expect("another window is read at the same time").unwrap());
            }
        }
        let first = usize::try_from(request.offset.unwrap()).unwrap() * 100;
        let records = self.by_second.lock().unwrap();
        let of_window = records.iter().filter(|(second, _)| (from..to).contains(second)).map(|(_, record)| record);
        let data: Vec<_> = of_window.skip(first).take(100).cloned().collect();
        let body = json!({ "data": data }).to_string().into_bytes().into();
        Ok(Page { request: request.clone(), fetched_at: UtcTime::now(), body })
    }

    fn traffic(&self) -> Traffic {
        Traffic { requests: self.requests.load(Ordering::Relaxed), ..Traffic::default() }
    }
}

struct TestLake {
    folder: TempDir,
    lake: Lake,
}

impl TestLake {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::in_folder(&folder.path().join("lake")).unwrap();
        Self { folder, lake }
    }

    async fn load(&self, source: Records, api: ApiVersion, range: TimeRange) -> Finished {
        self.load_by(Arc::new(source), LoadRequest { range: Some(range), ..LoadRequest::new(account(), stream(), api) })
            .await
    }

    /// A load at the end of its range, so that nothing is read behind it.
    async fn load_then(&self, source: Arc<dyn PageSource>, range: TimeRange) -> Finished {
        let request = LoadRequest::new(account(), stream(), ApiVersion::V2);
        self.load_by(source, LoadRequest { range: Some(range), now: range.to(), ..request }).await
    }

    async fn load_at_most(&self, source: Arc<dyn PageSource>, range: TimeRange, max_requests: Option<u64>) -> Finished {
        let request = LoadRequest::new(account(), stream(), ApiVersion::V2);
        self.load_by(source, LoadRequest { range: Some(range), max_requests, ..request }).await
    }

    async fn load_by(&self, source: Arc<dyn PageSource>, request: LoadRequest) -> Finished {
        let request = LoadRequest {
            window: Duration::from_hours(24),
            concurrency: 2,
            wait_lock: Duration::from_secs(20),
            memory_limit_bytes: 64 << 20,
            ..request
        };
        load(&self.lake, source, &request, &Unwatched, Stop::never()).await
    }

    async fn replay(&self, folder: &Path) -> Finished {
        let request = ReplayRequest {
            paths: vec![folder.to_owned()],
            bare: BareDefaults::default(),
            allow_downgrade: false,
            wait_lock: Duration::from_secs(20),
            memory_limit_bytes: 64 << 20,
            strict: false,
        };
        replay(&self.lake, &request, &Unwatched, Stop::never()).await
    }

    /// What a load leaves that is killed after it staged `window`.
    async fn killed(&self, window: StagedWindow) {
        let settings = WriterSettings { wait_lock: Duration::from_secs(20), ..WriterSettings::new(account()) };
        let mut writer = Writer::open(&self.lake, settings).await.unwrap();
        let intent = RunIntent {
            stream: Some(stream()),
            ranges: vec![days(0, 1)],
            api_version: Some(ApiVersion::V2),
            ..RunIntent::of("load")
        };
        writer.begin(intent).await.unwrap();
        writer.stage(window).await.unwrap();
    }

    /// `attempt` of the campaign of every row, in the order of start.
    async fn attempts(&self) -> Vec<Value> {
        let mut attempts = Vec::new();
        for partition in self.lake.list_partitions().await.unwrap() {
            let file = std::fs::File::open(self.folder.path().join("lake").join(partition.meta.location.as_ref()));
            for batch in ParquetRecordBatchReaderBuilder::try_new(file.unwrap()).unwrap().build().unwrap() {
                let mut text = Vec::new();
                arrow::json::LineDelimitedWriter::new(&mut text).write(&batch.unwrap()).unwrap();
                for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                    let row: Value = serde_json::from_slice(line).unwrap();
                    attempts.push(row["campaign_info"]["attempt"].clone());
                }
            }
        }
        attempts
    }
}

/// Monday, not read whole, with a reject.
fn unread() -> StagedWindow {
    let reject = Reject { position: 1, reason: RejectReason::NotAnObject, text: "7".to_owned(), text_hash: 7 };
    StagedWindow {
        proof: Some(WindowProof {
            stream: Some(stream()),
            range: days(0, 1),
            read_at: UtcTime::from_seconds(MONDAY + 9 * DAY),
            as_of: UtcTime::from_seconds(MONDAY + 9 * DAY),
            whole: false,
            covers: true,
            evidence_kind: "none".to_owned(),
            evidence: json!({"unreadable": "too full"}),
        }),
        rejects: vec![PageReject { reject, request: Value::Null, fetched_at: UtcTime::from_seconds(MONDAY + 9 * DAY) }],
        ..StagedWindow::default()
    }
}

#[tokio::test]
async fn what_a_killed_run_could_not_report_the_next_one_reports_once() {
    let lake = TestLake::new();
    lake.killed(unread()).await;
    let next = lake.load(Records::new(Vec::new()), ApiVersion::V2, days(2, 3)).await.summary;
    assert_eq!(next.outcome, Outcome::Incomplete);
    assert_eq!(next.unreadable[0].range, days(0, 1));
    assert!(next.unreadable[0].reason.starts_with("too full (read by run `"), "{}", next.unreadable[0].reason);
    assert_eq!((next.rejects.new, next.rejects.recovered), (0, 1));
    let after = lake.load(Records::new(Vec::new()), ApiVersion::V2, days(2, 3)).await.summary;
    assert_eq!(after.outcome, Outcome::Complete);
}

#[tokio::test]
async fn a_window_that_the_next_run_reads_whole_is_owed_no_longer_but_its_rejects_are_told() {
    let lake = TestLake::new();
    lake.killed(unread()).await;
    let next = lake.load(Records::new(Vec::new()), ApiVersion::V2, days(0, 1)).await.summary;
    assert_eq!((next.outcome, next.unreadable.len()), (Outcome::Rejected, 0));
}

#[tokio::test]
async fn the_version_of_a_killed_first_run_counts() {
    let lake = TestLake::new();
    lake.killed(StagedWindow::default()).await;
    let error = lake.load(Records::new(Vec::new()), ApiVersion::V1, days(0, 1)).await.error.unwrap();
    assert_eq!(error.kind(), Kind::Usage);
}

#[tokio::test]
async fn a_window_read_with_a_field_keeps_it_though_another_window_was_refused_it() {
    let lake = TestLake::new();
    let days_with = |attempt| [0, 1, 2].map(|day| (day * DAY + 5, record(day * DAY + 5, Some(attempt)))).to_vec();
    lake.load(Records::new(days_with(1)), ApiVersion::V2, days(0, 3)).await;
    assert_eq!(lake.attempts().await, [1, 1, 1]);
    let refusing = Records { refuses_field_at: Some(2 * DAY + 5), ..Records::new(days_with(2)) };
    refusing.by_second.lock().unwrap()[2].1 = record(2 * DAY + 5, None);
    let finished = lake.load(refusing, ApiVersion::V2, days(0, 3)).await;
    assert_eq!(finished.summary.rows.changed, 3, "{:?}", finished.error);
    assert_eq!(lake.attempts().await, [2, 2, 1]);
}

#[tokio::test]
async fn a_broken_manifest_costs_the_proof_and_no_rows() {
    let lake = TestLake::new();
    let pages = lake.folder.path().join("pages");
    saved::write(&pages, &page(2, Some(7))).unwrap();
    std::fs::write(pages.join("manifest.json"), "{\"kore_lake_man").unwrap();
    let finished = lake.replay(&pages).await;
    assert!(finished.error.is_none(), "{:?}", finished.error);
    assert_eq!((finished.summary.outcome, finished.summary.rows.new), (Outcome::Incomplete, 1));
    assert!(finished.summary.unreadable_files[0].contains("manifest.json"));
    let head = lake.lake.head(&account()).await.unwrap().unwrap();
    assert!(head.stream(Some(&stream())).is_none_or(|stream| stream.coverage.stretches().is_empty()));
}

#[tokio::test]
async fn replayed_rows_keep_what_their_request_did_not_ask_for() {
    let lake = TestLake::new();
    for (hour, campaign) in [(1, Some(7)), (2, None)] {
        let pages = lake.folder.path().join(format!("pages-{hour}"));
        saved::write(&pages, &page(hour, campaign)).unwrap();
        assert!(lake.replay(&pages).await.error.is_none());
    }
    assert_eq!(lake.attempts().await, [7]);
}

/// One record, fetched at that hour of Tuesday, asked with `campaigninfo` where it has one.
fn page(hour: i64, campaign: Option<i32>) -> Page {
    let fields: &[&str] = if campaign.is_some() { &["campaigninfo"] } else { &[] };
    let others = ["skills", "customerinfo", "userleveltags", "sessionleveltags"];
    let request = PageRequest {
        api: ApiVersion::V2,
        account_id: account(),
        stream_id: Some(stream()),
        offset: Some(0),
        limit: Some(100),
        body: RequestBody {
            selected_fields: others.iter().chain(fields).map(|&field| field.to_owned()).collect(),
            ..RequestBody::default()
        },
    };
    let fetched_at = UtcTime::from_seconds(MONDAY + DAY + hour * 3_600);
    Page { request, fetched_at, body: json!({"data": [record(5, campaign)]}).to_string().into_bytes().into() }
}

#[test]
fn only_a_field_that_is_known_not_to_be_asked_for_is_refused() {
    let asked = page(1, None).request;
    assert_eq!(refused_columns(&asked), ["campaign_info"]);
    assert_eq!(refused_columns(&page(1, Some(1)).request), Vec::<String>::new());
    let bare = PageRequest { limit: None, ..asked };
    assert_eq!(refused_columns(&bare), Vec::<String>::new());
}

#[tokio::test]
async fn what_a_killed_run_could_not_report_is_reported_though_it_cannot_be_read_again() {
    let lake = TestLake::new();
    let second = TimeRange::new(UtcTime::from_seconds(MONDAY), UtcTime::from_seconds(MONDAY + 1)).unwrap();
    let mut window = unread();
    window.proof.as_mut().unwrap().range = second;
    lake.killed(window).await;
    for outcome in [Outcome::Incomplete, Outcome::Complete] {
        let summary = lake.load_then(Arc::new(Always::full()), second).await.summary;
        assert_eq!((summary.outcome, summary.unreadable[0].range), (outcome, second));
    }
}

/// The first minutes of Monday, and a server that filters ends, of which one session began in them.
fn five_minutes() -> (TimeRange, Records) {
    let minutes = TimeRange::new(UtcTime::from_seconds(MONDAY), UtcTime::from_seconds(MONDAY + 300)).unwrap();
    let mut session = record(60, None);
    session["sessionStartTime"] = json!("2026-03-02T00:01:00");
    session["sessionEndTime"] = json!("2026-03-02T00:30:00");
    (minutes, Records::new(vec![(1_800, session)]))
}

#[tokio::test]
async fn a_session_that_ended_behind_the_range_is_found_though_no_row_told_of_ends() {
    let (lake, (minutes, by_ends)) = (TestLake::new(), five_minutes());
    let summary = lake.load(by_ends, ApiVersion::V2, minutes).await.summary;
    assert_eq!((summary.outcome, summary.rows.new), (Outcome::Complete, 1));
}

#[tokio::test]
async fn a_run_that_may_not_ask_which_time_is_filtered_is_not_complete() {
    let (lake, (minutes, by_ends)) = (TestLake::new(), five_minutes());
    let by_ends = Arc::new(by_ends);
    let stopped = lake.load_at_most(by_ends.clone(), minutes, Some(2)).await.summary;
    assert_eq!((stopped.outcome, stopped.stopped_by), (Outcome::Incomplete, Some("--max-requests")));
    let next = lake.load_at_most(by_ends, days(-2, -1), None).await.summary;
    assert_eq!((next.outcome, next.rows.new), (Outcome::Complete, 1));
}

/// Gives the same page whatever is asked for.
struct Always {
    records: Vec<Value>,
    requests: AtomicU64,
}

impl Always {
    fn full() -> Self {
        Self { records: (0..100).map(|second| record(second, None)).collect(), requests: AtomicU64::new(0) }
    }
}

#[async_trait]
impl PageSource for Always {
    async fn fetch(&self, request: &PageRequest) -> Result<Page, SourceError> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let body = json!({ "data": self.records }).to_string().into_bytes().into();
        Ok(Page { request: request.clone(), fetched_at: UtcTime::now(), body })
    }

    fn traffic(&self) -> Traffic {
        Traffic { requests: self.requests.load(Ordering::Relaxed), ..Traffic::default() }
    }
}

#[tokio::test]
async fn a_server_that_shows_the_same_full_page_for_ever_is_not_asked_for_ever_and_never_believed() {
    let lake = TestLake::new();
    let summary = lake.load_then(Arc::new(Always::full()), days(0, 1)).await.summary;
    assert_eq!((summary.outcome, summary.windows), (Outcome::Incomplete, 0));
    assert!(summary.requests < 1_000, "{}", summary.requests);
}
