use bytes::Bytes;
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};
use serde::{Deserialize, Serialize};

use super::staging::StagedObject;
use super::{Lake, LakeError, RejectLine, RunIntent, SessionDate};
use crate::clock::UtcTime;
use crate::schema::{ApiVersion, RunId, StreamId};

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// It has not ended, or was killed.
    Open,
    /// Its ranges were read whole.
    Complete,
    /// It ended, a window or page could not be read whole.
    Incomplete,
    /// It ended before its range: stopped, or at a limit.
    Stopped,
    /// It failed.
    Failed,
}

/// A line of `runs`: one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunLine {
    /// The run.
    pub run_id: RunId,
    /// What it is: `load`, `replay`, `demo`, `migrate`.
    pub command: String,
    /// Stream asked.
    pub stream_id: Option<StreamId>,
    /// API version asked; none for a replay.
    pub api_version: Option<ApiVersion>,
    /// How it ended.
    pub state: RunState,
    /// Start of the first range; none for a replay.
    pub range_from: Option<UtcTime>,
    /// End of the last range.
    pub range_to: Option<UtcTime>,
    /// When it began.
    pub started_at: UtcTime,
    /// When it ended.
    pub finished_at: Option<UtcTime>,
    /// Windows committed.
    pub windows: u64,
    /// Pages read.
    pub pages: u64,
    /// Requests spent.
    pub requests: u64,
    /// Records in the pages.
    pub api_rows: u64,
    /// Keys that were not in the lake.
    pub rows_new: u64,
    /// Keys whose row was replaced.
    pub rows_changed: u64,
    /// Keys whose stored row stayed.
    pub rows_unchanged: u64,
    /// Keys that gave way to a conversation of their session.
    pub rows_superseded: u64,
    /// Rows of the stream that a re-read did not return.
    pub rows_not_returned: u64,
    /// Distinct texts rejected.
    pub rejects: u64,
    /// Partitions written.
    pub days_written: u64,
    /// Bytes of these partitions.
    pub bytes_written: u64,
    /// Program that ran.
    pub writer: String,
}

/// A line of `days`: one day that a commit looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DayLine {
    /// Run that committed.
    pub run_id: RunId,
    /// Which commit of the run, from 1.
    pub commit: u32,
    /// The day.
    pub session_date: SessionDate,
    /// When the day was committed.
    pub committed_at: UtcTime,
    /// Whether the object was replaced.
    pub written: bool,
    /// Rows of the day after the commit.
    pub rows: u64,
    /// Size of its object in bytes.
    pub bytes: u64,
    /// ETag of its object.
    pub etag: Option<String>,
    /// Keys that were not in the lake.
    pub rows_new: u64,
    /// Keys whose row was replaced.
    pub rows_changed: u64,
    /// Keys whose stored row stayed.
    pub rows_unchanged: u64,
    /// Keys that gave way to a conversation of their session.
    pub rows_superseded: u64,
    /// Rows of the stream that a re-read did not return.
    pub rows_not_returned: u64,
    /// Rows whose key moved to another day.
    pub rows_moved_out: u64,
}

/// A line of `windows`: one window read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WindowLine {
    /// Run that read it.
    pub run_id: RunId,
    /// Number of the staged object in its run.
    pub sequence: u64,
    /// Stream asked.
    pub stream_id: Option<StreamId>,
    /// Start of the window; none for a part of a replay.
    pub window_from: Option<UtcTime>,
    /// End of the window.
    pub window_to: Option<UtcTime>,
    /// When its read began.
    pub read_at: Option<UtcTime>,
    /// Present of the run, which a user can set.
    pub as_of: Option<UtcTime>,
    /// Whether it was proven to be read whole.
    pub whole: bool,
    /// Whether it is part of the range asked for; not so of a replay, and of what was read beyond the range (F17).
    pub covers: bool,
    /// Kind of the evidence; `accepted` where the window was closed by hand.
    pub evidence_kind: Option<String>,
    /// The evidence, JSON text.
    pub evidence: Option<String>,
    /// Pages read.
    pub pages: u64,
    /// Requests spent.
    pub requests: u64,
    /// Records in the pages.
    pub api_rows: u64,
    /// Rows, before keys were compared.
    pub rows: u64,
    /// Records that are no rows.
    pub rejects: u64,
}

impl RunLine {
    pub(super) fn open(run: &RunId, intent: &RunIntent, started_at: UtcTime) -> Self {
        Self {
            run_id: run.clone(),
            command: intent.command.clone(),
            stream_id: intent.stream.clone(),
            api_version: intent.api_version,
            state: RunState::Open,
            range_from: intent.ranges.iter().map(|range| range.from()).min(),
            range_to: intent.ranges.iter().map(|range| range.to()).max(),
            started_at,
            finished_at: None,
            windows: 0,
            pages: 0,
            requests: 0,
            api_rows: 0,
            rows_new: 0,
            rows_changed: 0,
            rows_unchanged: 0,
            rows_superseded: 0,
            rows_not_returned: 0,
            rejects: 0,
            days_written: 0,
            bytes_written: 0,
            writer: super::WRITER.to_owned(),
        }
    }
}

impl WindowLine {
    pub(super) fn of(object: &StagedObject) -> Self {
        let (header, proof) = (&object.header, object.header.proof.as_ref());
        Self {
            run_id: object.run_id.clone(),
            sequence: object.sequence,
            stream_id: proof.and_then(|proof| proof.stream.clone()),
            window_from: proof.map(|proof| proof.range.from()),
            window_to: proof.map(|proof| proof.range.to()),
            read_at: proof.map(|proof| proof.read_at),
            as_of: proof.map(|proof| proof.as_of),
            whole: proof.is_some_and(|proof| proof.whole),
            covers: proof.is_some_and(|proof| proof.covers),
            evidence_kind: proof.map(|proof| proof.evidence_kind.clone()),
            evidence: proof.map(|proof| proof.evidence.to_string()),
            pages: header.pages,
            requests: header.requests,
            api_rows: header.api_rows,
            rows: header.rows,
            rejects: header.rejects,
        }
    }
}

/// A line of a table, with what tells it from the others of its object.
pub(super) trait Line: Serialize + for<'a> Deserialize<'a> {
    type Key: Ord + Clone;

    fn key(&self) -> Self::Key;
}

impl Line for RunLine {
    type Key = RunId;

    fn key(&self) -> RunId {
        self.run_id.clone()
    }
}

impl Line for DayLine {
    type Key = (u32, SessionDate);

    fn key(&self) -> Self::Key {
        (self.commit, self.session_date)
    }
}

impl Line for WindowLine {
    type Key = u64;

    fn key(&self) -> u64 {
        self.sequence
    }
}

impl Line for RejectLine {
    type Key = String;

    fn key(&self) -> String {
        self.text_hash.clone()
    }
}

/// The lines of an object; none where it is absent.
pub(super) async fn read<L: Line>(lake: &Lake, path: &Path) -> Result<Vec<L>, LakeError> {
    let read = match lake.store().get(path).await {
        Ok(found) => found.bytes().await,
        Err(object_store::Error::NotFound { .. }) => return Ok(Vec::new()),
        Err(error) => Err(error),
    };
    let bytes = read.map_err(|source| LakeError::store("read", path.to_string(), source))?;
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let corrupt =
        |error: serde_json::Error| LakeError::CorruptLedger { path: path.to_string(), reason: error.to_string() };
    lines.map(|line| serde_json::from_slice(line).map_err(corrupt)).collect()
}

/// Replaces an object by these lines.
pub(super) async fn write<L: Line>(lake: &Lake, path: &Path, lines: &[L]) -> Result<(), LakeError> {
    let mut text = Vec::new();
    for line in lines {
        serde_json::to_writer(&mut text, line).expect("a line has text keys only");
        text.push(b'\n');
    }
    let put = lake.store().put(path, PutPayload::from(Bytes::from(text))).await;
    put.map(drop).map_err(|source| LakeError::store("write", path.to_string(), source))
}

/// Puts lines into an object; one of the same key is replaced, so that doing it twice changes nothing.
pub(super) async fn upsert<L: Line>(lake: &Lake, path: &Path, new: Vec<L>) -> Result<(), LakeError> {
    if new.is_empty() {
        return Ok(());
    }
    let mut lines: std::collections::BTreeMap<_, _> =
        read(lake, path).await?.into_iter().map(|line: L| (line.key(), line)).collect();
    lines.extend(new.into_iter().map(|line| (line.key(), line)));
    write(lake, path, &lines.into_values().collect::<Vec<_>>()).await
}
