use std::collections::BTreeSet;

use crate::clock::UtcTime;
use crate::decode::{DecodedPage, Reject};
use crate::error::Error;
use crate::lake::{
    AccountHead, CommitSummary, Lake, Owed, PageReject, RunIntent, RunState, StagedWindow, Writer, WriterSettings,
};
use crate::schema::{AccountId, Schema};
use crate::source::{PageRequest, selected_fields};

use super::summary::{Summary, Unreadable};

/// A run that has ended: what it did, and the error it ended with, if any.
#[derive(Debug)]
pub struct Finished {
    /// What it did, up to the error.
    pub summary: Summary,
    /// Why it did not do more.
    pub error: Option<Error>,
}

impl Finished {
    pub(super) fn new(mut summary: Summary, result: Result<(), Error>, strict: bool) -> Self {
        let error = result.err();
        let rejects = if strict { summary.rejects.distinct } else { summary.rejects.new };
        summary.end(error.as_ref(), rejects + summary.rejects.recovered > 0, strict);
        Self { summary, error }
    }
}

/// A run that has begun.
pub(super) struct Begun {
    pub(super) writer: Writer,
    /// Windows that a killed run could not read and could not tell of.
    pub(super) owed: Vec<Owed>,
}

/// Opens the account's writer, commits what a killed run left, and writes down what this run sets out to do, which
/// `intent` decides by what the ledger then knows.
pub(super) async fn begin(
    lake: &Lake,
    settings: WriterSettings,
    allow_downgrade: bool,
    summary: &mut Summary,
    intent: impl AsyncFnOnce(&AccountHead) -> Result<RunIntent, Error>,
) -> Result<Begun, Error> {
    let mut writer = Writer::open(lake, settings).await?;
    match ready(&mut writer, allow_downgrade, summary, intent).await {
        Ok(owed) => Ok(Begun { writer, owed }),
        Err(error) => {
            close(writer, RunState::Failed, false).await;
            Err(error)
        }
    }
}

async fn ready(
    writer: &mut Writer,
    allow_downgrade: bool,
    summary: &mut Summary,
    intent: impl AsyncFnOnce(&AccountHead) -> Result<RunIntent, Error>,
) -> Result<Vec<Owed>, Error> {
    let recovered = writer.recover().await?;
    if recovered.days_written > 0 {
        tracing::info!(days = recovered.days_written, "committed what an earlier run had left staged");
    }
    summary.rejects.recovered += recovered.rejects_new;
    // The summary names them too, but this run may end without one.
    for owed in &recovered.owed {
        let (window, reason) = (owed.range, unread_because(owed));
        tracing::warn!(%window, reason, "a run that was killed could not read a window whole");
    }
    let intent = intent(writer.head()).await?;
    // What was recovered counts: the first run of a lake may be the one that was killed.
    if let Some(api) = intent.api_version {
        writer.head().check_compatible(api, &intent.fields, allow_downgrade)?;
    }
    writer.begin(intent).await?;
    Ok(recovered.owed)
}

fn unread_because(owed: &Owed) -> &str {
    owed.evidence.get("unreadable").and_then(|reason| reason.as_str()).unwrap_or("no proof")
}

/// Closes the run after an error. That error counts; a lake that fails now failed before.
pub(super) async fn close(writer: Writer, state: RunState, intent_done: bool) {
    if let Err(second) = writer.finish(state, intent_done).await {
        tracing::warn!(error = %second, "the run could not be closed in the ledger");
    }
}

/// Columns of the root that an answer cannot have, since the server refused their field by name and the request
/// went out without it: the lake keeps their stored values. Of a bare answer nobody knows what was asked.
pub(super) fn refused_columns(request: &PageRequest) -> Vec<String> {
    if request.limit.is_none() {
        return Vec::new();
    }
    let asked: BTreeSet<_> = request.body.selected_fields.iter().map(String::as_str).collect();
    let refused: BTreeSet<_> =
        selected_fields(request.api).iter().copied().filter(|field| !asked.contains(field)).collect();
    let columns = Schema::conversations().columns.iter();
    columns.filter(|column| column.keys().any(|key| refused.contains(key))).map(|column| column.name.clone()).collect()
}

/// Adds a decoded page to what is to be staged.
pub(super) fn add_page(staged: &mut StagedWindow, page: DecodedPage, request: &PageRequest, fetched_at: UtcTime) {
    staged.pages += 1;
    staged.api_rows += u64::try_from(page.record_count()).unwrap_or(u64::MAX);
    if page.rows.num_rows() > 0 {
        staged.batches.push(page.rows);
        staged.session_dates.push(page.session_dates);
    }
    add_rejects(staged, page.rejects, request, fetched_at);
}

/// Adds the records of a page that are no rows.
pub(super) fn add_rejects(staged: &mut StagedWindow, rejects: Vec<Reject>, request: &PageRequest, fetched_at: UtcTime) {
    if rejects.is_empty() {
        return;
    }
    let asked = serde_json::to_value(request).unwrap_or_default();
    let rejects = rejects.into_iter();
    staged.rejects.extend(rejects.map(|reject| PageReject { reject, request: asked.clone(), fetched_at }));
}

impl Summary {
    /// Counts what is about to be staged.
    pub(super) fn count_staged(&mut self, staged: &StagedWindow) {
        self.pages += staged.pages;
        self.records += staged.api_rows;
    }

    /// Names the windows of a killed run that are still owed.
    pub(super) fn name_owed(&mut self, recovered: &[Owed], head: &AccountHead) {
        let owed = head.streams.values().flat_map(|stream| &stream.owed);
        let left = owed.filter(|owed| recovered.iter().any(|r| (&r.run_id, r.read_at) == (&owed.run_id, owed.read_at)));
        self.unreadable.extend(left.map(|owed| {
            let reason = format!("{} (read by run `{}`, which was killed)", unread_because(owed), owed.run_id);
            Unreadable { range: owed.range, reason, reported_before: false }
        }));
    }

    /// Counts what a commit did.
    pub(super) fn count_commit(&mut self, account: &AccountId, commit: &CommitSummary) {
        let accounts: BTreeSet<_> = self.accounts.drain(..).chain([account.clone()]).collect();
        self.accounts = accounts.into_iter().collect();
        self.rows.new += commit.rows.new;
        self.rows.changed += commit.rows.changed;
        self.rows.unchanged += commit.rows.unchanged;
        self.rows.superseded += commit.rows.superseded;
        self.rows.not_returned += commit.rows.not_returned;
        self.rejects.distinct += commit.rejects;
        self.rejects.new += commit.rejects_new;
        let written = commit.days.iter().filter(|day| day.written).count();
        let unchanged = commit.days.len() - written;
        self.days.written += u64::try_from(written).unwrap_or(u64::MAX);
        self.days.unchanged += u64::try_from(unchanged).unwrap_or(u64::MAX);
        self.written_bytes += commit.bytes_written;
    }
}
