use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Serialize;

use crate::clock::{TimeRange, UtcTime};
use crate::error::{Error, Kind};
use crate::schema::{AccountId, RunId};
use crate::source::{EvidenceKind, Habits};

/// Version of the summary's JSON. A new member does not raise it.
const SUMMARY_VERSION: u32 = 1;

/// What a run did, also where it failed.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// Version of this document.
    pub summary_version: u32,
    /// `load` or `replay`.
    pub command: &'static str,
    /// Run.
    pub run_id: RunId,
    /// Lake, as a URL.
    pub lake: String,
    /// Accounts written.
    pub accounts: Vec<AccountId>,
    /// Range asked for; none of a replay, nor of a load that goes on from the last one.
    pub range: Option<TimeRange>,
    /// What the run set out to read: the range, or what follows from the ledger.
    pub ranges: Vec<TimeRange>,
    /// Ranges that an earlier run had set out to read and this one read for it.
    pub resumed: Vec<TimeRange>,
    /// When the run began.
    pub started_at: UtcTime,
    /// How long it took.
    pub elapsed_seconds: f64,
    /// How much of it went by from the first request until the last window lay durable, before the commit; none of a
    /// replay, nor of a run that failed before.
    pub reading_seconds: Option<f64>,
    /// How it ended.
    pub outcome: Outcome,
    /// The error it ended with, on one line.
    pub error: Option<String>,
    /// Windows read whole, staged.
    pub windows: u64,
    /// How many of them each kind of evidence proves.
    pub evidence: BTreeMap<EvidenceKind, u64>,
    /// Windows read whole whose total says that there is more.
    pub totals_disagree: u64,
    /// Windows that proved nothing and were cut into shorter ones.
    pub windows_cut: u64,
    /// Windows that could not be read whole.
    pub unreadable: Vec<Unreadable>,
    /// The option that ended the run before its range, if one did.
    pub stopped_by: Option<&'static str>,
    /// How the server was seen to page.
    pub server: Option<Habits>,
    /// Up to where the stream was read, once this run had ended, and up to where that is final.
    pub provisional_up_to: Option<UtcTime>,
    /// See `provisional_up_to`.
    pub final_up_to: Option<UtcTime>,
    /// Saved files that are no whole page.
    pub unreadable_files: Vec<String>,
    /// Requests sent, retries included; 0 of a replay.
    pub requests: u64,
    /// ⌈distinct keys ÷ 100⌉, what a source without windows would need.
    pub ideal_requests: u64,
    /// Requests ÷ ideal requests; none where nothing was read.
    pub request_ratio: Option<f64>,
    /// Pages decoded.
    pub pages: u64,
    /// Bytes of the pages' answers.
    pub page_bytes: u64,
    /// Records in the pages, repeats and rejects included.
    pub records: u64,
    /// What became of the distinct keys read.
    pub rows: RowCounts,
    /// Distinct texts rejected, and how many of them no earlier run had reported.
    pub rejects: RejectCounts,
    /// Days whose object was written, and days read in which nothing changed.
    pub days: DayCounts,
    /// Bytes of the objects written.
    pub written_bytes: u64,
    /// Largest resident memory of the process so far; none where the system does not tell.
    pub peak_memory_bytes: Option<u64>,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Everything asked for was read whole and is in the lake.
    Complete,
    /// Everything was read; some records were rejected.
    Rejected,
    /// Some windows or files could not be read whole; all else is in the lake.
    Incomplete,
    /// The run ended before its end; what was staged is kept.
    Failed,
}

/// A window that could not be read whole.
#[derive(Debug, Clone, Serialize)]
pub struct Unreadable {
    /// The window.
    pub range: TimeRange,
    /// Why.
    pub reason: String,
    /// Whether an earlier run had told of it: then it fails no run unless `--strict`.
    pub reported_before: bool,
}

/// What became of the distinct keys read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct RowCounts {
    /// Not in the lake before.
    pub new: u64,
    /// In the lake with other content, replaced.
    pub changed: u64,
    /// In the lake as read.
    pub unchanged: u64,
    /// Older than what the lake has, or given way to the session's conversation.
    pub superseded: u64,
    /// In the lake in a window read, and not returned; kept.
    pub not_returned: u64,
}

/// Rejects of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct RejectCounts {
    /// Distinct texts.
    pub distinct: u64,
    /// Those that no earlier run reported.
    pub new: u64,
    /// Besides: those that a killed run had read and could not report.
    pub recovered: u64,
}

/// Days that a run touched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct DayCounts {
    /// Objects written.
    pub written: u64,
    /// Days with nothing to change.
    pub unchanged: u64,
}

impl Summary {
    /// A summary of a run that has done nothing yet.
    pub fn begin(command: &'static str, run_id: RunId, lake: String, range: Option<TimeRange>) -> Self {
        Self {
            summary_version: SUMMARY_VERSION,
            command,
            run_id,
            lake,
            accounts: Vec::new(),
            range,
            ranges: Vec::new(),
            resumed: Vec::new(),
            started_at: UtcTime::now(),
            elapsed_seconds: 0.0,
            reading_seconds: None,
            outcome: Outcome::Failed,
            error: None,
            windows: 0,
            evidence: BTreeMap::new(),
            totals_disagree: 0,
            windows_cut: 0,
            unreadable: Vec::new(),
            stopped_by: None,
            server: None,
            provisional_up_to: None,
            final_up_to: None,
            unreadable_files: Vec::new(),
            requests: 0,
            ideal_requests: 0,
            request_ratio: None,
            pages: 0,
            page_bytes: 0,
            records: 0,
            rows: RowCounts::default(),
            rejects: RejectCounts::default(),
            days: DayCounts::default(),
            written_bytes: 0,
            peak_memory_bytes: None,
        }
    }

    /// Distinct keys read.
    pub fn distinct_keys(&self) -> u64 {
        self.rows.new + self.rows.changed + self.rows.unchanged + self.rows.superseded
    }

    /// What the run means for the caller; none where it is complete.
    pub fn kind(&self) -> Option<Kind> {
        match self.outcome {
            Outcome::Complete => None,
            Outcome::Rejected => Some(Kind::Rejected),
            Outcome::Incomplete => Some(Kind::Incomplete),
            Outcome::Failed => Some(Kind::Unexpected),
        }
    }

    /// Writes the summary as JSON to a file.
    ///
    /// # Errors
    /// [`Error::File`] if the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let text = serde_json::to_string_pretty(self).map_err(|error| Error::Unexpected(error.to_string()))?;
        let failed = |source| Error::File { operation: "write", path: path.to_owned(), source };
        fs::write(path, text + "\n").map_err(failed)
    }

    pub(super) fn end(&mut self, error: Option<&Error>, rejects_count: bool, strict: bool) {
        self.elapsed_seconds = UtcTime::now().since(self.started_at).as_secs_f64();
        self.peak_memory_bytes = peak_memory_bytes();
        self.ideal_requests = self.distinct_keys().div_ceil(100);
        let number = |count: u64| u32::try_from(count).map_or(f64::INFINITY, f64::from);
        self.request_ratio = (self.ideal_requests > 0).then(|| number(self.requests) / number(self.ideal_requests));
        self.error = error.map(Error::line);
        let unread = self.unreadable.iter().any(|window| strict || !window.reported_before);
        self.outcome = if error.is_some() {
            Outcome::Failed
        } else if unread || self.stopped_by.is_some() || !self.unreadable_files.is_empty() {
            Outcome::Incomplete
        } else if rejects_count {
            Outcome::Rejected
        } else {
            Outcome::Complete
        };
    }
}

/// The high-water mark of resident memory, where the system keeps one.
fn peak_memory_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}
