use std::path::PathBuf;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use crate::clock::{TimeRange, UtcTime};
use crate::error::Error;
use crate::lake::{AccountHead, Lake, Owed, RunIntent, RunState, StreamState, Writer, WriterSettings};
use crate::schema::{AccountId, ApiVersion, RunId, StreamId};
use crate::source::{
    Density, FilteredTime, Learned, Manifest, PageSource, Planner, RequestTemplate, SavedWindow, Work, selected_fields,
};

use super::budget::Budget;
use super::held::Held;
use super::memory::Memory;
use super::reading::stage;
use super::run::{Begun, Finished, begin, close};
use super::scope::{self, Scope};
use super::totals::Totals;
use super::window::WindowReader;
use super::{Progress, Stop, Summary};

/// So much is read on at first behind a range while nobody knows which time of a session windows filter.
const FIRST_STEP_BEYOND: Duration = Duration::from_hours(6);

/// A stretch of the lake to be read again that is no longer than this is that of an open row, or of a few.
const MOMENT: Duration = Duration::from_mins(1);

/// What to load, and how.
#[derive(Debug, Clone)]
pub struct LoadRequest {
    /// Account to read and write.
    pub account_id: AccountId,
    /// App or stream to read.
    pub stream_id: StreamId,
    /// API version to ask.
    pub api: ApiVersion,
    /// Range to read, half-open; none: from where the last load ended, less the lookback, to the present, with what
    /// was left behind before.
    pub range: Option<TimeRange>,
    /// The present: the default end of a range, and what ages count from.
    pub now: UtcTime,
    /// Where the first load begins that is given no range; holes after it are read later.
    pub since: Option<UtcTime>,
    /// How long rows may still change after their start: so much is read again, on one page a window.
    pub lookback: Duration,
    /// Length of the longest window, below 7 days.
    pub window: Duration,
    /// Requests under way at a time, and windows read side by side, at least 1.
    pub concurrency: usize,
    /// Requests after which the run stops cleanly; retries count.
    pub max_requests: Option<u64>,
    /// Time after which the run stops cleanly.
    pub max_duration: Option<Duration>,
    /// Folder for the pages read; each run makes a folder of its own in it.
    pub save_pages: Option<PathBuf>,
    /// Take an API version or field set that lacks columns of the lake.
    pub allow_downgrade: bool,
    /// How long to wait for another writer of the account.
    pub wait_lock: Duration,
    /// Memory for sorting; half of it is for pages while windows are read.
    pub memory_limit_bytes: usize,
    /// Fail on rejects and unreadable windows that an earlier run reported.
    pub strict: bool,
}

impl LoadRequest {
    /// What is new since the last load of a stream, with the program's defaults.
    pub fn new(account_id: AccountId, stream_id: StreamId, api: ApiVersion) -> Self {
        Self {
            account_id,
            stream_id,
            api,
            range: None,
            now: UtcTime::now(),
            since: None,
            lookback: Duration::from_hours(3 * 24),
            window: Duration::from_hours(6 * 24),
            concurrency: 4,
            max_requests: None,
            max_duration: None,
            save_pages: None,
            allow_downgrade: false,
            wait_lock: Duration::ZERO,
            memory_limit_bytes: 256 << 20,
            strict: false,
        }
    }
}

/// Copies conversations from the API into the lake: a range, or what is new since the last load.
///
/// Windows are read side by side, oldest first; each is durable once it is read whole. What could not be read whole is
/// named in the summary. Memory is bounded by [its limit](LoadRequest::memory_limit_bytes), by one page for
/// each window under way, and by 8 bytes a row that is read again.
pub async fn load(
    lake: &Lake,
    source: Arc<dyn PageSource>,
    request: &LoadRequest,
    progress: &dyn Progress,
    mut stop: Stop,
) -> Finished {
    let run_id = RunId::generate();
    let mut summary = Summary::begin("load", run_id.clone(), lake.url().to_string(), request.range);
    let before = source.traffic();
    let mut run =
        Run { lake, request, id: run_id, progress, summary: &mut summary, unreported: Vec::new(), lost_seconds: 0 };
    let result = stop.clone().within_grace(Box::pin(run.load(Arc::clone(&source), &mut stop))).await;
    let result = stop.named(result);
    let traffic = source.traffic();
    summary.requests = traffic.requests - before.requests;
    summary.page_bytes = traffic.page_bytes - before.page_bytes;
    Finished::new(summary, result, request.strict)
}

pub(super) struct Run<'a> {
    pub(super) lake: &'a Lake,
    pub(super) request: &'a LoadRequest,
    id: RunId,
    pub(super) progress: &'a dyn Progress,
    pub(super) summary: &'a mut Summary,
    /// Windows that a killed run could not read and could not tell of.
    pub(super) unreported: Vec<Owed>,
    /// Seconds in a row that could not be read whole.
    pub(super) lost_seconds: u32,
}

impl Run<'_> {
    async fn load(&mut self, source: Arc<dyn PageSource>, stop: &mut Stop) -> Result<(), Error> {
        let settings = WriterSettings {
            run_id: self.id.clone(),
            wait_lock: self.request.wait_lock,
            memory_limit_bytes: self.request.memory_limit_bytes,
            stop: stop.token(),
            ..WriterSettings::new(self.request.account_id.clone())
        };
        let (lake, request) = (self.lake, self.request);
        let mut set_out = None;
        let begun = begin(lake, settings, request.allow_downgrade, self.summary, async |head: &AccountHead| {
            let scope = what_to_read(lake, request, head).await?;
            let intent = intent(request, &scope);
            set_out = Some(scope);
            Ok(intent)
        });
        let Begun { mut writer, owed } = begun.await?;
        self.unreported = owed;
        let scope = set_out.unwrap_or_default();
        self.summary.ranges.clone_from(&scope.own);
        self.summary.resumed.clone_from(&scope.resumed);
        let result = self.read_and_commit(source, &scope, &mut writer, stop).await;
        let result = stop.named(result);
        self.summary.name_owed(&self.unreported, writer.head());
        if let Some(stream) = writer.head().stream(Some(&self.request.stream_id)) {
            self.summary.provisional_up_to = stream.provisional_up_to();
            self.summary.final_up_to = stream.final_up_to(self.request.since);
        }
        match result {
            Ok(()) => {
                writer.finish(self.state(), self.summary.stopped_by.is_none()).await?;
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

    fn state(&self) -> RunState {
        if self.summary.stopped_by.is_some() {
            RunState::Stopped
        } else if self.summary.unreadable.is_empty() {
            RunState::Complete
        } else {
            RunState::Incomplete
        }
    }

    async fn read_and_commit(
        &mut self,
        source: Arc<dyn PageSource>,
        scope: &Scope,
        writer: &mut Writer,
        stop: &mut Stop,
    ) -> Result<(), Error> {
        let stream = writer.head().stream(Some(&self.request.stream_id)).cloned();
        let memory = Memory::of(stream.as_ref());
        let reader = self.reader(source, Learned::new(memory.habits));
        let ranges = scope.all();
        let filtered = memory.habits.filtered;
        let (work, known) = scope::work(self.lake, self.request, stream.as_ref(), &ranges, filtered).await?;
        // Seconds of open rows and owed windows come last: what the others show of the server spares them a second
        // request, or may be what they need.
        let owes = |range| stream.as_ref().is_some_and(|stream| stream.owes(range, &[]));
        let (last, work): (Vec<_>, Vec<_>) =
            work.into_iter().partition(|work| work.range.length() <= MOMENT && (work.known || owes(work.range)));
        let mut planner = self.planner(&work, known, Density::new(memory.rhythm, memory.spread));
        planner.add(&last, self.quiet_before());
        let began = Instant::now();
        let saved = self.read_all(&reader, &mut planner, writer, true, stop).await?;
        self.read_beyond(&reader, &mut planner, writer, scope.beyond(&ranges, self.request.now), stop).await?;
        self.read_unasked(&reader, &mut planner, writer, &scope.unasked, stop).await?;
        stage(writer, self.kept_of(reader.left_over())).await?;
        self.summary.reading_seconds = Some(began.elapsed().as_secs_f64());
        if let Some(folder) = &reader.save_pages {
            self.manifest(&reader, &ranges, saved).write(folder)?;
        }
        stop.check()?;
        self.progress.committing();
        let habits = reader.learned.habits();
        self.summary.server = Some(habits);
        let density = planner.density();
        let memory = Memory { habits, rhythm: density.rhythm().clone(), spread: Some(density.spread()) };
        writer.remember(Some(&self.request.stream_id), memory.to_json()?);
        let commit = writer.commit().await?;
        self.summary.count_commit(&self.request.account_id, &commit);
        Ok(())
    }

    /// Where windows filter the end of a session: reads on, for sessions that ended later (F17). As long as this run has
    /// not seen which time they filter, that may be so: then it reads on step by step.
    async fn read_beyond(
        &mut self,
        reader: &WindowReader,
        planner: &mut Planner,
        writer: &Writer,
        mut beyond: Vec<TimeRange>,
        stop: &mut Stop,
    ) -> Result<(), Error> {
        let mut step = FIRST_STEP_BEYOND;
        while !beyond.is_empty() && self.summary.stopped_by.is_none() {
            if reader.learned.filtered().is_none() {
                tokio::select! {
                    error = stop.asked() => return Err(error),
                    tried = reader.try_filter() => tried?,
                }
            }
            let next = match reader.learned.filtered() {
                Some(FilteredTime::Start) => break,
                Some(FilteredTime::End) => std::mem::take(&mut beyond),
                None => vec![scope::take_first(&mut beyond, step)],
            };
            tracing::info!("windows may filter the end of a session: reading on, for sessions that ended later");
            planner.add(&scope::unknown(&next), self.quiet_before());
            self.read_all(reader, planner, writer, false, stop).await?;
            step *= 4;
        }
        Ok(())
    }

    /// Tries once more what an earlier run read beyond a range and could not read whole.
    async fn read_unasked(
        &mut self,
        reader: &WindowReader,
        planner: &mut Planner,
        writer: &Writer,
        owed: &[TimeRange],
        stop: &mut Stop,
    ) -> Result<(), Error> {
        if self.summary.stopped_by.is_none() && !owed.is_empty() {
            planner.add(&scope::unknown(owed), self.quiet_before());
            self.read_all(reader, planner, writer, false, stop).await?;
        }
        Ok(())
    }

    fn reader(&self, source: Arc<dyn PageSource>, learned: Learned) -> WindowReader {
        let request = self.request;
        let template = RequestTemplate::new(request.api, request.account_id.clone(), request.stream_id.clone());
        WindowReader {
            budget: Budget::new(Arc::clone(&source), request.max_requests, request.max_duration),
            held: Held::new(request.memory_limit_bytes, request.concurrency),
            lanes: Arc::new(Semaphore::new(request.concurrency.max(1))),
            totals: Totals::default(),
            source,
            run_id: self.id.clone(),
            save_pages: request.save_pages.as_ref().map(|folder| folder.join(self.id.as_str())),
            template: Mutex::new(template),
            learned,
            bad_pages: AtomicU32::new(0),
            left_over: Mutex::default(),
        }
    }

    fn planner(&self, work: &[Work], known: Vec<i64>, density: Density) -> Planner {
        Planner::new(work, known, density, self.quiet_before(), self.request.window)
    }

    /// Rows that started before this are taken as quiet.
    fn quiet_before(&self) -> UtcTime {
        self.request.now.minus(self.request.lookback)
    }

    fn manifest(&self, reader: &WindowReader, ranges: &[TimeRange], mut windows: Vec<SavedWindow>) -> Manifest {
        windows.sort_by_key(|window| window.window.from());
        let hull =
            ranges.first().zip(ranges.last()).and_then(|(first, last)| TimeRange::new(first.from(), last.to()).ok());
        let mut manifest = Manifest::new(self.id.clone(), &reader.template(), hull);
        manifest.as_of = Some(self.request.now);
        manifest.windows = windows;
        manifest
    }
}

/// What a load is to read, given the ledger of its account.
pub(super) async fn what_to_read(lake: &Lake, request: &LoadRequest, head: &AccountHead) -> Result<Scope, Error> {
    let stream = head.stream(Some(&request.stream_id));
    let mut scope = Scope::of(request, stream)?;
    let by_start = Memory::of(stream).habits.filtered != Some(FilteredTime::End);
    if request.range.is_none() && by_start {
        let open = scope::open_seconds(lake, request, stream, &scope.all()).await?;
        scope.own.extend(open);
    }
    Ok(scope)
}

fn intent(request: &LoadRequest, scope: &Scope) -> RunIntent {
    RunIntent {
        command: "load".to_owned(),
        stream: Some(request.stream_id.clone()),
        ranges: scope.intent(),
        asked: scope.asked.clone(),
        begun_at: scope.begun_at,
        api_version: Some(request.api),
        fields: selected_fields(request.api).iter().map(|field| (*field).to_owned()).collect(),
        lookback: Some(request.lookback),
    }
}

/// What the ledger knows of the stream that is asked for.
pub(super) fn stream_of<'a>(head: Option<&'a AccountHead>, request: &LoadRequest) -> Option<&'a StreamState> {
    head.and_then(|head| head.stream(Some(&request.stream_id)))
}
