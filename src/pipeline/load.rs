use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;

use crate::clock::{TimeRange, UtcTime};
use crate::error::Error;
use crate::lake::{Lake, RunIntent, RunState, StagedWindow, WindowProof, Writer, WriterSettings};
use crate::schema::{AccountId, ApiVersion, RunId, StreamId};
use crate::source::{
    Manifest, PageSource, PagesSeen, RequestTemplate, SavedWindow, Window, plan_windows, selected_fields,
};

use super::run::{Begun, Finished, add_page, begin, close, refused_columns};
use super::summary::Unreadable;
use super::window::{ReadPage, WindowEnd, WindowRead, WindowReader};
use super::{Progress, Stop, Summary};

/// What to load, and how.
#[derive(Debug, Clone)]
pub struct LoadRequest {
    /// Account to read and write.
    pub account_id: AccountId,
    /// App or stream to read.
    pub stream_id: StreamId,
    /// API version to ask.
    pub api: ApiVersion,
    /// Range to read, half-open.
    pub range: TimeRange,
    /// Length of a window, below 7 days.
    pub window: Duration,
    /// Windows read side by side, at least 1.
    pub concurrency: usize,
    /// Folder for the pages read; each run makes a folder of its own in it.
    pub save_pages: Option<PathBuf>,
    /// Take an API version or field set that lacks columns of the lake.
    pub allow_downgrade: bool,
    /// How long to wait for another writer of the account.
    pub wait_lock: Duration,
    /// Memory for sorting.
    pub memory_limit_bytes: usize,
    /// Fail on rejects that an earlier run reported.
    pub strict: bool,
}

/// Copies a range from the API into the lake.
///
/// Windows are read side by side, oldest first; each is durable once it is read whole. What could not be read whole is
/// named in the summary. Memory is bounded by the windows under way.
pub async fn load(
    lake: &Lake,
    source: Arc<dyn PageSource>,
    request: &LoadRequest,
    progress: &dyn Progress,
    mut stop: Stop,
) -> Finished {
    let run_id = RunId::generate();
    let mut summary = Summary::begin("load", run_id.clone(), lake.url().to_string(), Some(request.range));
    let before = source.traffic();
    let mut run = Run { request, id: run_id, progress, summary: &mut summary };
    let result = run.load(lake, Arc::clone(&source), &mut stop).await;
    let traffic = source.traffic();
    summary.requests = traffic.requests - before.requests;
    summary.page_bytes = traffic.page_bytes - before.page_bytes;
    Finished::new(summary, result, request.strict)
}

struct Run<'a> {
    request: &'a LoadRequest,
    id: RunId,
    progress: &'a dyn Progress,
    summary: &'a mut Summary,
}

impl Run<'_> {
    async fn load(&mut self, lake: &Lake, source: Arc<dyn PageSource>, stop: &mut Stop) -> Result<(), Error> {
        let settings = WriterSettings {
            run_id: self.id.clone(),
            wait_lock: self.request.wait_lock,
            memory_limit_bytes: self.request.memory_limit_bytes,
            ..WriterSettings::new(self.request.account_id.clone())
        };
        let begun = begin(lake, settings, self.intent(), self.request.allow_downgrade, self.summary).await?;
        let Begun { mut writer, owed, unfinished } = begun;
        self.summary.resumed = unfinished;
        let result = self.read_and_commit(source, &mut writer, stop).await;
        self.summary.name_owed(&owed, writer.head());
        match result {
            Ok(()) => {
                let whole = self.summary.unreadable.is_empty();
                let state = if whole { RunState::Complete } else { RunState::Incomplete };
                writer.finish(state, true).await?;
                Ok(())
            }
            Err(error) => {
                let state = if matches!(error, Error::Interrupted | Error::Terminated) {
                    RunState::Stopped
                } else {
                    RunState::Failed
                };
                close(writer, state, false).await;
                Err(error)
            }
        }
    }

    fn intent(&self) -> RunIntent {
        RunIntent {
            command: "load".to_owned(),
            stream: Some(self.request.stream_id.clone()),
            ranges: vec![self.request.range],
            api_version: Some(self.request.api),
            fields: selected_fields(self.request.api).iter().map(|field| (*field).to_owned()).collect(),
            lookback: None,
        }
    }

    async fn read_and_commit(
        &mut self,
        source: Arc<dyn PageSource>,
        writer: &mut Writer,
        stop: &mut Stop,
    ) -> Result<(), Error> {
        let reader = WindowReader {
            source,
            run_id: self.id.clone(),
            save_pages: self.request.save_pages.as_ref().map(|folder| folder.join(self.id.as_str())),
            template: Mutex::new(RequestTemplate::new(
                self.request.api,
                self.request.account_id.clone(),
                self.request.stream_id.clone(),
            )),
            pages_seen: PagesSeen::default(),
        };
        let saved = self.read_all(&reader, writer, stop).await?;
        if let Some(folder) = &reader.save_pages {
            self.manifest(&reader, saved).write(folder)?;
        }
        stop.check()?;
        self.progress.committing();
        let commit = writer.commit().await?;
        self.summary.count_commit(&self.request.account_id, &commit);
        Ok(())
    }

    /// Reads every window, oldest first, and stages each as it ends.
    async fn read_all(
        &mut self,
        reader: &WindowReader,
        writer: &Writer,
        stop: &mut Stop,
    ) -> Result<Vec<SavedWindow>, Error> {
        let ranges = self.summary.resumed.iter().copied().chain([self.request.range]);
        let mut waiting: VecDeque<Window> = ranges.flat_map(|range| plan_windows(range, self.request.window)).collect();
        waiting.make_contiguous().sort_by_key(|window| window.from());
        let mut planned = waiting.len();
        let mut saved = Vec::new();
        let mut under_way = FuturesUnordered::new();
        loop {
            self.progress.windows(u64::try_from(planned).unwrap_or(u64::MAX));
            while under_way.len() < self.request.concurrency
                && let Some(window) = waiting.pop_front()
            {
                under_way.push(reader.read(window));
            }
            let read = tokio::select! {
                error = stop.asked() => return Err(error),
                read = under_way.next() => match read {
                    Some(read) => read?,
                    None => break,
                },
            };
            if let WindowEnd::Split(parts) = &read.end {
                planned += parts.len() - 1;
                for part in parts.iter().rev() {
                    waiting.push_front(*part);
                }
                continue;
            }
            saved.extend(self.stage(writer, read).await?);
        }
        saved.sort_by_key(|window| window.window.from());
        Ok(saved)
    }

    /// Makes a window durable that has ended, whole or unreadable.
    async fn stage(&mut self, writer: &Writer, read: WindowRead) -> Result<Option<SavedWindow>, Error> {
        let range = read.window.range();
        let (whole, kind, evidence) = match &read.end {
            WindowEnd::Whole(evidence) => (Some(*evidence), evidence.kind.as_str(), serde_json::to_value(evidence)),
            WindowEnd::Unreadable(reason) => {
                self.summary.unreadable.push(Unreadable { range, reason: reason.clone() });
                (None, "none", serde_json::to_value(serde_json::json!({ "unreadable": reason })))
            }
            WindowEnd::Split(_) => return Ok(None),
        };
        let past = past(range, read.read_at);
        let evidence = evidence.map_err(|error| Error::Unexpected(error.to_string()))?;
        let proof = past.map(|range| WindowProof {
            stream: Some(self.request.stream_id.clone()),
            range,
            read_at: read.read_at,
            as_of: read.read_at,
            whole: whole.is_some(),
            covers: true,
            evidence_kind: kind.to_owned(),
            evidence,
        });
        let mut staged = StagedWindow {
            proof,
            requests: u64::from(read.requests),
            // As this window was asked: another one may have made the server refuse a field since.
            refused_columns: read.pages.first().map_or_else(Vec::new, |page| refused_columns(&page.request)),
            ..StagedWindow::default()
        };
        for ReadPage { page, request, fetched_at } in read.pages {
            add_page(&mut staged, page, &request, fetched_at);
        }
        self.summary.count_staged(&staged);
        self.summary.windows += u64::from(whole.is_some());
        let rows = staged.api_rows;
        writer.stage(staged).await?;
        self.progress.window_read(range, rows);
        let proven = whole.filter(|_| past == Some(range));
        Ok(proven.map(|evidence| SavedWindow { window: read.window, evidence, pages: read.saved }))
    }

    fn manifest(&self, reader: &WindowReader, windows: Vec<SavedWindow>) -> Manifest {
        let mut manifest = Manifest::new(self.id.clone(), &reader.template(), self.request.range);
        manifest.windows = windows;
        manifest
    }
}

/// The part of a window that was over when it was read: of what is yet to come no read proves anything.
fn past(window: TimeRange, read_at: UtcTime) -> Option<TimeRange> {
    let over = UtcTime::from_seconds(read_at.seconds());
    TimeRange::new(window.from(), window.to().min(over)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_future_is_never_proven() {
        let time = |seconds| UtcTime::from_seconds(seconds);
        let window = TimeRange::new(time(10), time(20)).unwrap();
        assert_eq!(past(window, time(30)), Some(window));
        assert_eq!(past(window, UtcTime::from_micros(15_900_000)), TimeRange::new(time(10), time(15)).ok());
        assert_eq!(past(window, time(10)), None);
    }
}
