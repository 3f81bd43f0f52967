//! A lake in a folder of its own, and rows made by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::clock::{TimeRange, UtcTime, object_id_time};
use crate::decode::{Reject, RejectReason};
use crate::lake::{
    CommitSummary, Lake, LakeError, PageReject, RunIntent, RunState, StagedWindow, WindowProof, Writer, WriterSettings,
};
use crate::schema::{AccountId, ApiVersion, Schema, StreamId};

/// 2026-03-02T08:00:00Z, a Monday.
pub const MORNING: i64 = 1_772_438_400;
pub const DAY: i64 = 86_400;

pub struct TestLake {
    pub folder: TempDir,
    pub lake: Lake,
}

#[derive(Debug, Clone)]
pub struct Row {
    pub session: String,
    pub conversation: Option<String>,
    pub start: i64,
    pub end: Option<i64>,
    pub fetched: i64,
    pub hash: i64,
    pub status: Option<&'static str>,
    pub stream: Option<&'static str>,
    pub tag: Option<&'static str>,
}

/// A conversation that started `second` seconds into the morning, fetched a day later.
pub fn row(second: i64, conversation: &str) -> Row {
    Row {
        session: format!("{:08x}4afb07c72ac50000", MORNING + second),
        conversation: Some(conversation.to_owned()),
        start: MORNING + second,
        end: None,
        fetched: MORNING + DAY,
        hash: 1,
        status: Some("CLOSED"),
        stream: Some("st-1"),
        tag: None,
    }
}

impl Row {
    pub fn alone(self) -> Self {
        Self { conversation: None, ..self }
    }

    /// A session id without a time.
    pub fn without_time(self, session: &str) -> Self {
        Self { session: session.to_owned(), ..self }
    }

    pub fn fetched(self, after: i64) -> Self {
        Self { fetched: MORNING + DAY + after, ..self }
    }

    pub fn hash(self, hash: i64) -> Self {
        Self { hash, ..self }
    }

    pub fn status(self, status: &'static str) -> Self {
        Self { status: Some(status), ..self }
    }

    fn json(&self) -> Value {
        let time = |seconds| UtcTime::from_seconds(seconds).to_string();
        json!({
            "session_id": self.session, "conversation_id": self.conversation, "session_start_time": time(self.start),
            "session_end_time": self.end.map(time), "final_status": self.status, "channel": format!("content {}", self.hash),
            "session_level_tags": self.tag.map(|tag| json!([{"name": "t", "value": tag}])),
            "destinations": [{"destination_type": "QueueEntry", "queue_id": "q", "extra": "{\"a\":1}",
                "responding_agent": {"agent_id": "a-1", "interaction_duration": 7, "accepted_time": time(self.start)}}],
            "_fetched_at": time(self.fetched), "_api_version": "v2", "_run_id": "run", "_stream_id": self.stream,
            "_time_zone_offset": 0, "_flags": [], "_content_hash": self.hash,
        })
    }

    fn date(&self) -> i32 {
        object_id_time(&self.session).unwrap_or(UtcTime::from_seconds(self.start)).days()
    }
}

pub fn batch(rows: &[Row]) -> RecordBatch {
    let schema = Schema::conversations_arrow();
    let mut decoder = arrow::json::ReaderBuilder::new(Arc::clone(&schema)).build_decoder().unwrap();
    decoder.serialize(&rows.iter().map(Row::json).collect::<Vec<_>>()).unwrap();
    let batch = decoder.flush().unwrap();
    batch.unwrap_or_else(|| RecordBatch::new_empty(schema))
}

/// A part of a replay: rows without a proof.
pub fn replayed(rows: &[Row]) -> StagedWindow {
    StagedWindow {
        pages: 1,
        requests: 1,
        api_rows: rows.len() as u64,
        batches: vec![batch(rows)],
        session_dates: vec![rows.iter().map(Row::date).collect()],
        ..StagedWindow::default()
    }
}

pub fn seconds(from: i64, to: i64) -> TimeRange {
    TimeRange::new(UtcTime::from_seconds(MORNING + from), UtcTime::from_seconds(MORNING + to)).unwrap()
}

/// A window proven whole, read `read` seconds after the day after the morning.
pub fn proven(rows: &[Row], from: i64, to: i64, read: i64) -> StagedWindow {
    let proof = WindowProof {
        stream: Some(stream()),
        range: seconds(from, to),
        read_at: UtcTime::from_seconds(MORNING + DAY + read),
        as_of: UtcTime::from_seconds(MORNING + DAY + read),
        whole: true,
        covers: true,
        evidence_kind: "short_page".to_owned(),
        evidence: json!({"pages": 1}),
    };
    StagedWindow { proof: Some(proof), ..replayed(rows) }
}

pub fn reject(text: &str, hash: i64) -> PageReject {
    let reject = Reject { position: 3, reason: RejectReason::SessionId, text: text.to_owned(), text_hash: hash };
    PageReject { reject, request: json!({"offset": 0}), fetched_at: UtcTime::from_seconds(MORNING + DAY) }
}

pub fn account() -> AccountId {
    "acc-1".parse().unwrap()
}

pub fn stream() -> StreamId {
    "st-1".parse().unwrap()
}

pub fn intent() -> RunIntent {
    RunIntent {
        stream: Some(stream()),
        ranges: vec![seconds(0, 3_600)],
        api_version: Some(ApiVersion::V2),
        fields: BTreeSet::from(["skills".to_owned()]),
        ..RunIntent::of("load")
    }
}

impl TestLake {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::in_folder(folder.path()).unwrap();
        Self { folder, lake }
    }

    pub fn settings() -> WriterSettings {
        // A writer that was dropped frees its lock in the background.
        WriterSettings { wait_lock: Duration::from_secs(20), ..WriterSettings::new(account()) }
    }

    pub async fn writer(&self) -> Writer {
        Writer::open(&self.lake, Self::settings()).await.unwrap()
    }

    /// One run that stages these windows and commits once.
    pub async fn run(&self, windows: Vec<StagedWindow>) -> CommitSummary {
        self.try_run(windows).await.unwrap()
    }

    pub async fn try_run(&self, windows: Vec<StagedWindow>) -> Result<CommitSummary, LakeError> {
        let mut writer = Writer::open(&self.lake, Self::settings()).await?;
        writer.recover().await?;
        writer.begin(intent()).await?;
        for window in windows {
            writer.stage(window).await?;
        }
        let summary = writer.commit().await?;
        writer.finish(RunState::Complete, true).await?;
        Ok(summary)
    }

    pub async fn replay(&self, rows: &[Row]) -> CommitSummary {
        self.run(vec![replayed(rows)]).await
    }

    /// Every row under `conversations/`, in the order of paths and files.
    pub fn rows(&self) -> Vec<Value> {
        let mut rows = Vec::new();
        for path in self.files("conversations") {
            let date = path.split('/').rev().nth(1).unwrap().to_owned();
            let reader = ParquetRecordBatchReaderBuilder::try_new(self.open(&path)).unwrap().build().unwrap();
            for batch in reader {
                let mut text = Vec::new();
                arrow::json::LineDelimitedWriter::new(&mut text).write(&batch.unwrap()).unwrap();
                for line in text.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
                    let mut row: Value = serde_json::from_slice(line).unwrap();
                    row["date"] = json!(date);
                    rows.push(row);
                }
            }
        }
        rows
    }

    /// Conversation and hash of every row.
    pub fn contents(&self) -> Vec<(Option<String>, i64)> {
        let content =
            |row: &Value| (row["conversation_id"].as_str().map(str::to_owned), row["_content_hash"].as_i64().unwrap());
        self.rows().iter().map(content).collect()
    }

    /// Paths under a folder of the lake, relative to it, in order.
    pub fn files(&self, folder: &str) -> Vec<String> {
        let mut files = Vec::new();
        let mut folders = vec![self.folder.path().join(folder)];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().map(Result::unwrap) {
                let path = entry.path();
                if path.is_dir() { folders.push(path) } else { files.push(path) }
            }
        }
        let relative =
            |path: std::path::PathBuf| path.strip_prefix(self.folder.path()).unwrap().to_str().unwrap().to_owned();
        let mut files: Vec<_> = files.into_iter().map(relative).collect();
        files.sort();
        files
    }

    pub fn open(&self, path: &str) -> File {
        File::open(self.folder.path().join(path)).unwrap()
    }

    pub fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Bytes and modification time of every object under `conversations/`.
    pub fn objects(&self) -> BTreeMap<String, (Vec<u8>, std::time::SystemTime)> {
        let object = |path: String| {
            let file = self.folder.path().join(&path);
            (path, (fs::read(&file).unwrap(), fs::metadata(&file).unwrap().modified().unwrap()))
        };
        self.files("conversations").into_iter().map(object).collect()
    }

    pub fn lines(&self, folder: &str) -> Vec<Value> {
        let text = |path: &String| fs::read_to_string(self.folder.path().join(path)).unwrap();
        let texts: Vec<_> = self.files(folder).iter().map(text).collect();
        texts.iter().flat_map(|text| text.lines()).map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}
