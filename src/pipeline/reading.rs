//! Windows side by side, and what becomes of each that has ended.

use std::collections::HashSet;

use futures::StreamExt;
use futures::stream::FuturesUnordered;

use super::Stop;
use super::load::Run;
use super::run::{add_page, refused_columns};
use super::summary::Unreadable;
use super::window::{ReadPage, WindowEnd, WindowRead, WindowReader};
use crate::clock::{TimeRange, UtcTime};
use crate::error::Error;
use crate::lake::{StagedWindow, WindowProof, Writer};
use crate::source::{Doubt, EvidenceKind, FilteredTime, Planner, RowFacts, SavedWindow};

/// Seconds in a row that cannot be read whole, with no window between that can, after which no more windows are cut:
/// the fault is then the server's, and to ask for every second of a range would take requests without end.
const MOST_LOST_SECONDS: u32 = 10;

impl Run<'_> {
    /// Reads every window of the plan, oldest first, and stages each as it ends, while others are read. What `covers`
    /// nothing was not asked for: its rows are kept, but its days do not count as read.
    pub(super) async fn read_all(
        &mut self,
        reader: &WindowReader,
        planner: &mut Planner,
        writer: &Writer,
        covers: bool,
        stop: &mut Stop,
    ) -> Result<Vec<SavedWindow>, Error> {
        let (mut planned, mut cut_short) = (0, false);
        let mut saved = Vec::new();
        let (mut under_way, mut staging) = (FuturesUnordered::new(), FuturesUnordered::new());
        let stopped = loop {
            // Each window planned may be one that the next has to wait for.
            let width = |planner: &Planner| planner.width(self.request.concurrency).min(reader.budget.width());
            while under_way.len() < width(planner)
                && under_way.len() + staging.len() <= self.request.concurrency
                && reader.budget.spent().is_none()
            {
                // Half of it: requests that confirm an end come besides.
                let share = |left: u64| left / u64::try_from(2 * (under_way.len() + 1)).unwrap_or(u64::MAX);
                let in_budget = reader.budget.requests_left().map(|left| share(left).max(1));
                let pages_left = in_budget.into_iter().chain(reader.held.pages()).min();
                let Some(next) = planner.next(&reader.learned.habits(), pages_left) else { break };
                planned += 1;
                self.progress.windows(planned);
                under_way.push(reader.read(next));
            }
            if under_way.is_empty() && staging.is_empty() {
                break Ok(());
            }
            let read = tokio::select! {
                error = stop.asked() => break Err(error),
                () = reader.budget.deadline() => break Ok(()),
                told = reader.totals.next() => {
                    for (window, rows) in told {
                        planner.counted(window, rows);
                    }
                    continue;
                }
                Some(staged) = staging.next() => {
                    self.staged(staged?);
                    continue;
                }
                Some(read) = under_way.next() => match read {
                    Ok(read) => read,
                    Err(error) => break Err(error),
                },
            };
            match &read.end {
                WindowEnd::Whole(_) => self.lost_seconds = 0,
                WindowEnd::Unreadable(_) => self.lost_seconds += 1,
                WindowEnd::Doubt(_) | WindowEnd::Cut => {}
            }
            let mut ended = Ended::default();
            match &read.end {
                WindowEnd::Cut => {
                    cut_short = true;
                    ended.windows = self.kept(read.pages, read.requests);
                }
                WindowEnd::Doubt(doubt) if self.cut(planner, &read, doubt) => {
                    planned -= 1;
                    ended.windows = self.kept(read.pages, read.requests);
                }
                _ => saved.extend(self.end(reader, planner, writer, read, covers, &mut ended)?),
            }
            ended.windows.extend(self.kept_of(reader.left_over()));
            staging.push(ended.stage(writer));
        };
        // What was read is not to be read again, however the reading ended.
        while let Some(staged) = staging.next().await {
            self.staged(staged?);
        }
        stopped?;
        if cut_short || !under_way.is_empty() || !planner.is_done() {
            self.summary.stopped_by = reader.budget.spent();
        }
        Ok(saved)
    }

    /// Puts shorter windows in the place of one that proved nothing.
    fn cut(&mut self, planner: &mut Planner, read: &WindowRead, doubt: &Doubt) -> bool {
        let cut = self.lost_seconds < MOST_LOST_SECONDS && planner.split(&read.planned, doubt);
        if cut {
            tracing::debug!(window = %read.planned.window, %doubt, "window is cut");
            self.summary.windows_cut += 1;
        }
        cut
    }

    /// A window that has come to lie durable.
    fn staged(&self, told: Option<(TimeRange, u64)>) {
        if let Some((range, rows)) = told {
            self.progress.window_read(range, rows);
        }
    }

    /// The rows of pages that prove nothing. Shorter windows bring them again, unless they change or go before: then this
    /// was the last that was served of them.
    fn kept(&mut self, pages: Vec<ReadPage>, requests: u32) -> Vec<StagedWindow> {
        let (mut pages, mut requests) = (pages, u64::from(requests));
        let mut kept = Vec::new();
        while !pages.is_empty() {
            let (refused_columns, alike);
            (refused_columns, alike, pages) = asked_alike(pages);
            let staged =
                StagedWindow { requests: std::mem::take(&mut requests), refused_columns, ..Default::default() };
            kept.push(self.with_pages(staged, alike));
        }
        kept
    }

    /// The rows of pages that no window needs.
    pub(super) fn kept_of(&mut self, left_over: Vec<Vec<ReadPage>>) -> Vec<StagedWindow> {
        left_over.into_iter().flat_map(|pages| self.kept(pages, 0)).collect()
    }

    fn with_pages(&mut self, mut staged: StagedWindow, pages: Vec<ReadPage>) -> StagedWindow {
        for ReadPage { page, request, fetched_at, .. } in pages {
            add_page(&mut staged, page, &request, fetched_at);
        }
        self.summary.count_staged(&staged);
        staged
    }

    /// Takes down a window that has ended, whole or unreadable, which `ended` is to make durable.
    fn end(
        &mut self,
        reader: &WindowReader,
        planner: &mut Planner,
        writer: &Writer,
        read: WindowRead,
        covers: bool,
        ended: &mut Ended,
    ) -> Result<Option<SavedWindow>, Error> {
        let window = read.planned.window;
        let range = window.range();
        let (whole, kind, evidence) = match &read.end {
            WindowEnd::Whole(evidence) => (Some(*evidence), evidence.kind.as_str(), serde_json::to_value(evidence)),
            WindowEnd::Unreadable(reason) => (None, "none", Ok(unreadable(reason))),
            WindowEnd::Doubt(doubt) => (None, "none", Ok(unreadable(&doubt.to_string()))),
            WindowEnd::Cut => return Ok(None),
        };
        let evidence = evidence.map_err(|error| Error::Unexpected(error.to_string()))?;
        match whole {
            Some(evidence) => {
                planner.whole(window, &seconds(&read.pages, reader.learned.habits().filtered));
                self.summary.windows += 1;
                self.summary.totals_disagree += u64::from(evidence.total_disagrees);
                *self.summary.evidence.entry(evidence.kind).or_default() += 1;
            }
            None => self.name_unreadable(writer, range, &evidence),
        }
        let past = past(range, read.read_at);
        let proof = past.map(|range| WindowProof {
            stream: Some(self.request.stream_id.clone()),
            range,
            read_at: read.read_at,
            as_of: self.request.now,
            whole: whole.is_some(),
            covers,
            evidence_kind: kind.to_owned(),
            evidence,
        });
        let (refused_columns, pages, others) = asked_alike(read.pages);
        ended.windows = self.kept(others, 0);
        let staged = StagedWindow { proof, requests: u64::from(read.requests), refused_columns, ..Default::default() };
        let staged = self.with_pages(staged, pages);
        ended.told = Some((range, staged.api_rows));
        ended.windows.push(staged);
        // Pages of parts say nothing by themselves.
        let by_pages = whole.filter(|whole| !matches!(whole.kind, EvidenceKind::Parts | EvidenceKind::Total));
        let proven = by_pages.filter(|_| covers && past == Some(range));
        Ok(proven.map(|evidence| SavedWindow { window, evidence, pages: read.saved }))
    }

    fn name_unreadable(&mut self, writer: &Writer, range: TimeRange, evidence: &serde_json::Value) {
        let stream = writer.head().stream(Some(&self.request.stream_id));
        let reported_before = stream.is_some_and(|stream| stream.owes(range, &self.unreported));
        let reason = evidence.get("unreadable").and_then(|reason| reason.as_str()).unwrap_or_default().to_owned();
        self.summary.unreadable.push(Unreadable { range, reason, reported_before });
    }
}

/// What a window that has ended leaves to be staged, and what is then told of it: its range and records.
#[derive(Default)]
struct Ended {
    windows: Vec<StagedWindow>,
    told: Option<(TimeRange, u64)>,
}

impl Ended {
    async fn stage(self, writer: &Writer) -> Result<Option<(TimeRange, u64)>, Error> {
        stage(writer, self.windows).await?;
        Ok(self.told)
    }
}

/// Makes windows durable, one after the other.
pub(super) async fn stage(writer: &Writer, windows: Vec<StagedWindow>) -> Result<(), Error> {
    for window in windows {
        writer.stage(window).await?;
    }
    Ok(())
}

/// The columns that the server refused to the first of `pages`, the pages that were asked for without the same ones, and
/// the others: of a second that is read by its parts, some may have been asked for before a refusal.
fn asked_alike(pages: Vec<ReadPage>) -> (Vec<String>, Vec<ReadPage>, Vec<ReadPage>) {
    let refused = pages.first().map_or_else(Vec::new, |page| refused_columns(&page.request));
    let (alike, others) = pages.into_iter().partition(|page| refused_columns(&page.request) == refused);
    (refused, alike, others)
}

fn unreadable(reason: &str) -> serde_json::Value {
    serde_json::json!({ "unreadable": reason })
}

/// The times of a window's rows by which windows filter, a row once.
fn seconds(pages: &[ReadPage], filtered: Option<FilteredTime>) -> Vec<i64> {
    let mut keys = HashSet::new();
    let rows = pages.iter().flat_map(|page| &page.facts.rows).filter(|row| keys.insert(row.key));
    let time = |row: &RowFacts| if filtered == Some(FilteredTime::End) { row.end } else { row.start };
    rows.filter_map(time).collect()
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
