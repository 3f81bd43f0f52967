use std::collections::BTreeSet;

use crate::decode::DecodedPage;
use crate::error::Error;
use crate::lake::{
    CommitSummary, Lake, PageReject, RunIntent, RunState, StagedWindow, WindowProof, Writer, WriterSettings,
};
use crate::schema::AccountId;
use crate::source::PageRequest;

use super::summary::Summary;

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
        summary.end(error.as_ref(), rejects > 0);
        Self { summary, error }
    }
}

/// Opens the account's writer, commits what a killed run left, and writes down what this run sets out to do.
pub(super) async fn begin(
    lake: &Lake,
    settings: WriterSettings,
    intent: RunIntent,
    allow_downgrade: bool,
) -> Result<Writer, Error> {
    let mut writer = Writer::open(lake, settings).await?;
    let ready = ready(&mut writer, intent, allow_downgrade).await;
    match ready {
        Ok(()) => Ok(writer),
        Err(error) => {
            writer.finish(RunState::Failed, false).await?;
            Err(error)
        }
    }
}

async fn ready(writer: &mut Writer, intent: RunIntent, allow_downgrade: bool) -> Result<(), Error> {
    if let Some(api) = intent.api_version {
        writer.head().check_compatible(api, &intent.fields, allow_downgrade)?;
    }
    let recovered = writer.recover().await?;
    if recovered.days_written > 0 {
        tracing::info!(days = recovered.days_written, "committed what an earlier run had left staged");
    }
    Ok(writer.begin(intent).await?)
}

/// Adds a decoded page to what is to be staged.
pub(super) fn add_page(
    staged: &mut StagedWindow,
    page: DecodedPage,
    request: &PageRequest,
    fetched_at: crate::clock::UtcTime,
) {
    staged.pages += 1;
    staged.api_rows += u64::try_from(page.record_count()).unwrap_or(u64::MAX);
    if page.rows.num_rows() > 0 {
        staged.batches.push(page.rows);
        staged.session_dates.push(page.session_dates);
    }
    let asked = serde_json::to_value(request).unwrap_or_default();
    let rejects = page.rejects.into_iter();
    staged.rejects.extend(rejects.map(|reject| PageReject { reject, request: asked.clone(), fetched_at }));
}

impl Summary {
    /// Counts what is about to be staged.
    pub(super) fn count_staged(&mut self, staged: &StagedWindow) {
        self.pages += staged.pages;
        self.records += staged.api_rows;
        self.windows += u64::from(staged.proof.as_ref().is_some_and(|proof: &WindowProof| proof.whole));
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
