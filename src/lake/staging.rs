use std::collections::{BTreeMap, HashMap};

use arrow::array::RecordBatch;
use bytes::Bytes;
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};
use serde::{Deserialize, Serialize};

use super::coverage::whole_second;
use super::order::{Sorter, starts};
use super::staged_file::{Batches, Footer, corrupt, encode};
use super::{Lake, LakeError, Owed, SessionDate, key, layout};
use crate::clock::{TimeRange, UtcTime};
use crate::decode::{Reject, RejectReason};
use crate::schema::{AccountId, RunId, Schema, StreamId};

const HEADER: &str = "kore_lake.staged";
const REJECTS: &str = "kore_lake.rejects";

/// What a window's read proved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WindowProof {
    /// Stream asked.
    pub stream: Option<StreamId>,
    /// The window.
    pub range: TimeRange,
    /// When its read began: no later than `_fetched_at` of any of its rows.
    pub read_at: UtcTime,
    /// Present of the run, which a user can set: what the age of a second counts from. What lies behind it is yet
    /// to come, and no read proves anything of that.
    pub as_of: UtcTime,
    /// Whether the window was proven to be read whole. If not, it is owed.
    pub whole: bool,
    /// Whether the window is part of the range asked for. If not, it was read because the server filters by the end
    /// of a session (F17): read whole, it stands in the table `windows` alone.
    pub covers: bool,
    /// Kind of the evidence, a word.
    pub evidence_kind: String,
    /// The evidence, for people: the lake only keeps it.
    pub evidence: serde_json::Value,
}

/// A record that could not be keyed or placed, with the page it came in.
#[derive(Debug, Clone)]
pub struct PageReject {
    /// The record.
    pub reject: Reject,
    /// What the page was asked with, for people.
    pub request: serde_json::Value,
    /// When the page's answer was complete.
    pub fetched_at: UtcTime,
}

/// A finished window, or a part of a replay.
#[derive(Debug, Clone, Default)]
pub struct StagedWindow {
    /// What the read proved; none where it proves nothing (a replay).
    pub proof: Option<WindowProof>,
    /// Pages read.
    pub pages: u64,
    /// Requests spent, retries too.
    pub requests: u64,
    /// Records in the pages, before keys were compared.
    pub api_rows: u64,
    /// Rows under [`Schema::conversations_arrow`], in the order in which the pages came.
    pub batches: Vec<RecordBatch>,
    /// Of each batch, the UTC date (days since 1970-01-01) of each row's partition.
    pub session_dates: Vec<Vec<i32>>,
    /// Records that are no rows.
    pub rejects: Vec<PageReject>,
    /// Columns of the root whose field the server refused by name: where a row is known, it keeps its value.
    pub refused_columns: Vec<String>,
}

/// What an object says of itself; kept in memory for every staged object.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct StagedHeader {
    pub proof: Option<WindowProof>,
    pub pages: u64,
    pub requests: u64,
    pub api_rows: u64,
    pub rows: u64,
    pub rows_without_id_time: u64,
    pub rejects: u64,
    pub refused_columns: Vec<String>,
    /// Of each batch in the object: its day and rows.
    pub parts: Vec<StagedPart>,
    /// Whether the rows of each day are in the order of an object; not so in one of an older program.
    #[serde(default)]
    pub sorted: bool,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct StagedPart {
    pub date: SessionDate,
    pub rows: u64,
    /// Memory that the rows take; 0 in an object of an older program.
    #[serde(default)]
    pub bytes: u64,
    /// Least and greatest start of its rows, microseconds, where they are sorted.
    #[serde(default)]
    pub starts: (Option<i64>, Option<i64>),
}

/// One durable object of `staging/`.
#[derive(Debug, Clone)]
pub(super) struct StagedObject {
    pub path: Path,
    pub run_id: RunId,
    pub sequence: u64,
    pub header: StagedHeader,
    batches: Batches,
}

/// A reject as it is kept, in `staging/` and in `rejects/`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RejectLine {
    /// Key: xxh3-64 of the record's bytes, as 16 hex digits.
    pub text_hash: String,
    /// Why it is no row.
    pub reason: String,
    /// Position in the page, from 1.
    pub record_position: u32,
    /// Run that first read it.
    pub run_id: RunId,
    /// When that page's answer was complete.
    pub fetched_at: UtcTime,
    /// What the page was asked with, JSON text.
    pub request: String,
    /// The record as it came.
    pub text: String,
}

impl StagedWindow {
    /// Encodes the window as one Arrow IPC file: batches of one day each, header and rejects in its footer.
    pub(super) fn encode(self, run: &RunId) -> Result<(StagedHeader, Bytes), LakeError> {
        let parts = self.by_day()?;
        let rejects: Vec<_> = self.rejects.iter().map(|reject| reject.line(run)).collect();
        let rows = parts.iter().map(|(part, _)| part.rows).sum();
        let without_id_time = parts.iter().map(|(_, batch)| key::without_id_time(batch)).sum::<Result<usize, _>>()?;
        let header = StagedHeader {
            proof: self.proof,
            pages: self.pages,
            requests: self.requests,
            api_rows: self.api_rows,
            rows,
            rows_without_id_time: count(without_id_time),
            rejects: count(rejects.len()),
            refused_columns: self.refused_columns,
            parts: parts.iter().map(|(part, _)| *part).collect(),
            sorted: true,
        };
        let metadata = [(HEADER, json(&header)), (REJECTS, json(&rejects))];
        let bytes = encode(parts.iter().map(|(_, batch)| batch), metadata)?;
        Ok((header, bytes))
    }

    /// The rows, cut by day and sorted. Of pages, which have few rows for so many columns, most of the work behind would
    /// be what each column of each batch takes: the batches are as large as those of a partition.
    fn by_day(&self) -> Result<Vec<(StagedPart, RecordBatch)>, LakeError> {
        let input = |expected, found: String| LakeError::Input { expected, found };
        if self.batches.len() != self.session_dates.len() {
            return Err(input("the session dates of each batch", format!("{}", self.session_dates.len())));
        }
        let mut rows_of: BTreeMap<i32, Vec<(usize, usize)>> = BTreeMap::new();
        for (number, (batch, dates)) in self.batches.iter().zip(&self.session_dates).enumerate() {
            if batch.schema() != Schema::conversations_arrow() {
                return Err(input("rows under the fixed schema", "other columns".to_owned()));
            }
            if batch.num_rows() != dates.len() {
                return Err(input("a session date a row", format!("{} for {}", dates.len(), batch.num_rows())));
            }
            for (row, date) in dates.iter().enumerate() {
                rows_of.entry(*date).or_default().push((number, row));
            }
        }
        let sorter = Sorter::new(&self.batches)?;
        let mut parts = Vec::new();
        for (date, rows) in rows_of {
            for batch in sorter.sorted(rows)? {
                parts.push((StagedPart::of(SessionDate::from_days(date), &batch)?, batch));
            }
        }
        Ok(parts)
    }
}

impl StagedPart {
    fn of(date: SessionDate, batch: &RecordBatch) -> Result<Self, LakeError> {
        let (rows, bytes) = (count(batch.num_rows()), count(batch.get_array_memory_size()));
        Ok(Self { date, rows, bytes, starts: starts(batch)? })
    }
}

impl WindowProof {
    /// The part of the window that was over when it was read.
    pub(super) fn over(&self) -> Option<TimeRange> {
        TimeRange::new(self.range.from(), self.range.to().min(whole_second(self.as_of))).ok()
    }
}

impl PageReject {
    fn line(&self, run: &RunId) -> RejectLine {
        RejectLine {
            text_hash: format!("{:016x}", self.reject.text_hash),
            reason: reason(self.reject.reason).to_owned(),
            record_position: self.reject.position,
            run_id: run.clone(),
            fetched_at: self.fetched_at,
            request: self.request.to_string(),
            text: self.reject.text.clone(),
        }
    }
}

impl StagedObject {
    /// Every staged object of an account, oldest run first.
    pub(super) async fn list(lake: &Lake, account: &AccountId) -> Result<Vec<(Path, RunId, u64)>, LakeError> {
        let objects = lake.list(&layout::account_staging(account)).await?;
        let mut found: Vec<_> = objects
            .into_iter()
            .filter_map(|object| layout::parse_staged(&object.location).map(|(run, n)| (object.location, run, n)))
            .collect();
        found.sort_by(|a, b| (&a.1, a.2).cmp(&(&b.1, b.2)));
        Ok(found)
    }

    /// Makes a window durable.
    pub(super) async fn write(
        lake: &Lake,
        account: &AccountId,
        run: &RunId,
        sequence: u64,
        window: StagedWindow,
    ) -> Result<Self, LakeError> {
        let path = layout::staged(account, run, sequence);
        let encoding = tokio::task::spawn_blocking({
            let run = run.clone();
            move || {
                let (header, file) = window.encode(&run)?;
                let batches = Footer::of(&file)?.batches;
                Ok::<_, LakeError>((header, batches, file))
            }
        });
        let (header, batches, file) = encoding.await.expect("encoding does not panic")?;
        let put = lake.store().put(&path, PutPayload::from(file)).await;
        put.map_err(|source| LakeError::store("write", path.to_string(), source))?;
        Ok(Self { path, run_id: run.clone(), sequence, header, batches })
    }

    /// The object at `path`, its header only.
    pub(super) async fn open(lake: &Lake, path: Path, run_id: RunId, sequence: u64) -> Result<Self, LakeError> {
        let object = Self::open_older(lake, path, run_id, sequence).await?;
        if object.batches.schema.fields() != Schema::conversations_arrow().fields() {
            let reason = "expected the columns of the schema, found others: run `migrate`".to_owned();
            return Err(corrupt(&object.path, reason));
        }
        Ok(object)
    }

    /// The same, also where its rows are under an older schema.
    pub(super) async fn open_older(lake: &Lake, path: Path, run_id: RunId, sequence: u64) -> Result<Self, LakeError> {
        let Footer { metadata, batches } = Footer::read(lake, &path).await?;
        let header: StagedHeader = said(&metadata, &path, HEADER)?;
        if header.parts.len() != batches.len() {
            let reason = format!("expected {} batches, found {}", header.parts.len(), batches.len());
            return Err(corrupt(&path, reason));
        }
        Ok(Self { path, run_id, sequence, header, batches })
    }

    /// The window that was not read whole, if that is what the object holds.
    pub(super) fn owed(&self) -> Option<Owed> {
        let proof = self.header.proof.as_ref().filter(|proof| !proof.whole)?;
        let WindowProof { read_at, as_of, covers, ref evidence, .. } = *proof;
        let (range, run_id, evidence) = (proof.over()?, self.run_id.clone(), evidence.clone());
        Some(Owed { range, read_at, as_of, run_id, covers, evidence })
    }

    /// Rows of one day.
    pub(super) fn rows_of(&self, date: SessionDate) -> u64 {
        self.parts_of(date).map(|part| part.rows).sum()
    }

    /// Whether the rows of each day are in the order of an object.
    pub(super) fn is_sorted(&self) -> bool {
        self.header.sorted
    }

    /// Memory that the rows of one day take.
    pub(super) fn bytes_of(&self, date: SessionDate) -> u64 {
        self.parts_of(date).map(|part| part.bytes).sum()
    }

    /// Least and greatest start of the rows of one day; of rows that are not sorted any.
    pub(super) fn starts_of(&self, date: SessionDate) -> (Option<i64>, Option<i64>) {
        if !self.header.sorted {
            return (None, Some(i64::MAX));
        }
        let starts = || self.parts_of(date).map(|part| part.starts);
        (starts().map(|(least, _)| least).min().flatten(), starts().map(|(_, greatest)| greatest).max().flatten())
    }

    fn parts_of(&self, date: SessionDate) -> impl Iterator<Item = &StagedPart> {
        self.header.parts.iter().filter(move |part| part.date == date)
    }

    /// Memory that a row of one day takes, the largest of its batches counting.
    pub(super) fn row_bytes(&self, date: SessionDate) -> u64 {
        self.parts_of(date).filter_map(|part| part.bytes.checked_div(part.rows)).max().unwrap_or_default()
    }

    /// The batches of one day, or of all; of all columns, or of those named that the object has.
    pub(super) async fn batches(
        &self,
        lake: &Lake,
        day: Option<SessionDate>,
        columns: Option<&[&str]>,
    ) -> Result<Vec<(SessionDate, RecordBatch)>, LakeError> {
        let parts = self.header.parts.iter().enumerate();
        let wanted = parts.filter(|(_, part)| day.is_none_or(|day| day == part.date));
        let (numbers, dates): (Vec<_>, Vec<_>) = wanted.map(|(number, part)| (number, part.date)).unzip();
        let batches = self.batches.read(lake, &self.path, &numbers, columns).await?;
        Ok(dates.into_iter().zip(batches).collect())
    }

    pub(super) async fn rejects(&self, lake: &Lake) -> Result<Vec<RejectLine>, LakeError> {
        if self.header.rejects == 0 {
            return Ok(Vec::new());
        }
        said(&Footer::read(lake, &self.path).await?.metadata, &self.path, REJECTS)
    }
}

/// What a footer says under a name.
fn said<T: for<'a> Deserialize<'a>>(
    metadata: &HashMap<String, String>,
    path: &Path,
    name: &str,
) -> Result<T, LakeError> {
    let text = metadata.get(name).ok_or_else(|| corrupt(path, format!("expected `{name}`, found none")))?;
    serde_json::from_str(text).map_err(|error| corrupt(path, error.to_string()))
}

fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("headers and rejects have text keys only")
}

fn reason(reason: RejectReason) -> &'static str {
    match reason {
        RejectReason::NotAnObject => "not_an_object",
        RejectReason::SessionId => "session_id",
        RejectReason::ConversationId => "conversation_id",
        RejectReason::NoTime => "no_time",
    }
}

pub(super) fn count(length: usize) -> u64 {
    u64::try_from(length).expect("a length has at most 64 bits")
}
