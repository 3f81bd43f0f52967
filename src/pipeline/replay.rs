use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use tokio::task::JoinSet;

use crate::decode::Decoder;
use crate::error::Error;
use crate::lake::{Lake, LakeError, Owed, RunIntent, RunState, StagedWindow, Writer, WriterSettings};
use crate::schema::{AccountId, ApiVersion, RunId};
use crate::source::{BareDefaults, Manifest, SavedWindow, saved};

use super::run::{Begun, Finished, begin};
use super::{Progress, Stop, Summary};
use ahead::in_order;
use files::{Group, Read, Rows};

mod ahead;
mod files;

/// Bytes of answers whose rows are staged together: bounds memory, and keeps staged objects few.
const STAGED_BYTES: u64 = 16 << 20;

/// Windows that are staged at a time, while files are read.
const STAGED_AT_ONCE: usize = 2;

/// Of a run's memory, one part in so many is for files that are read ahead: decoded they take about as much again.
const AHEAD_ONE_IN: usize = 8;

/// What to replay, and how.
#[derive(Debug, Clone)]
pub struct ReplayRequest {
    /// Saved pages: files, or folders that are searched for `*.json`.
    pub paths: Vec<PathBuf>,
    /// What bare answers do not say about themselves.
    pub bare: BareDefaults,
    /// Take an API version that lacks columns of the lake.
    pub allow_downgrade: bool,
    /// How long to wait for another writer of an account.
    pub wait_lock: Duration,
    /// Memory for sorting, and an eighth of it for files that are read ahead.
    pub memory_limit_bytes: usize,
    /// Fail on rejects that an earlier run reported.
    pub strict: bool,
}

/// Copies saved pages into the lake, without network.
///
/// Proves nothing and moves no watermark, but for the windows of a folder that holds its run's manifest and all of their
/// pages. A file that is no whole page is named in the summary; the rest is loaded.
pub async fn replay(lake: &Lake, request: &ReplayRequest, progress: &dyn Progress, stop: Stop) -> Finished {
    let run_id = RunId::generate();
    let mut summary = Summary::begin("replay", run_id.clone(), lake.url().to_string(), None);
    let writers = BTreeMap::new();
    let staging = JoinSet::new();
    let mut run =
        Run { lake, request, id: run_id, progress, stop: stop.clone(), summary: &mut summary, writers, staging };
    let result = stop.within_grace(Box::pin(run.replay_and_close())).await;
    Finished::new(summary, result, request.strict)
}

/// An account's writer with the rows that wait to be staged.
struct Account {
    /// Shared with the stagings under way alone.
    writer: Arc<Writer>,
    /// Windows that a killed run could not read whole.
    owed: Vec<Owed>,
    waiting: StagedWindow,
    /// Bytes of the answers that `waiting` is of.
    waiting_bytes: u64,
}

impl Account {
    /// The writer alone; none where rows are being staged.
    fn writer_mut(&mut self) -> Result<&mut Writer, Error> {
        Arc::get_mut(&mut self.writer).ok_or_else(still_staging)
    }
}

fn still_staging() -> Error {
    Error::Unexpected("expected all rows staged, found a staging under way".to_owned())
}

struct Run<'a> {
    lake: &'a Lake,
    request: &'a ReplayRequest,
    id: RunId,
    progress: &'a dyn Progress,
    stop: Stop,
    summary: &'a mut Summary,
    writers: BTreeMap<AccountId, Account>,
    staging: JoinSet<Result<(), LakeError>>,
}

impl Run<'_> {
    async fn replay_and_close(&mut self) -> Result<(), Error> {
        let mut result = self.replay().await;
        // What was read is not to be read again, however the reading ended.
        while !self.staging.is_empty() {
            result = result.and(self.one_staged().await);
        }
        let result = self.stop.named(result);
        self.close(result).await
    }

    async fn replay(&mut self) -> Result<(), Error> {
        let files = saved::find(&self.request.paths)?;
        if files.is_empty() {
            return Err(Error::Usage("expected saved pages, found no `*.json` file in the folders given".to_owned()));
        }
        self.progress.files(u64::try_from(files.len()).unwrap_or(u64::MAX));
        let proven = self.replay_proven(&files).await?;
        let (bare, run) = (self.request.bare.clone(), self.id.clone());
        let work = move |group: Group, (): (), decoder: &mut Decoder| {
            (group.files.len(), files::read(&group, &bare, &run, decoder))
        };
        let groups = Group::cut(files.into_iter().filter(|file| !proven.contains(file))).map(|group| (group, ()));
        let mut reads = in_order(groups.collect(), self.memory_ahead(), work);
        while let Some(read) = reads.next().await {
            self.stop.check()?;
            let (files, reads) = read?;
            for read in reads {
                match read {
                    Read::Rows(rows) => self.take(*rows).await?,
                    Read::Unreadable(line) => self.name_unreadable(line),
                    Read::Failed(error) => return Err(error),
                }
            }
            self.progress_by(files);
        }
        self.commit().await
    }

    /// Stages the windows whose proof lies in a manifest beside their pages. Returns the files it took.
    async fn replay_proven(&mut self, files: &[PathBuf]) -> Result<HashSet<PathBuf>, Error> {
        let given: HashSet<_> = files.iter().collect();
        let folders: BTreeSet<_> = files.iter().filter_map(|file| file.parent()).collect();
        let mut taken = HashSet::new();
        for folder in folders {
            match Manifest::read(folder) {
                Ok(Some(manifest)) => taken.extend(self.replay_manifest(folder, manifest, &given).await?),
                Ok(None) => {}
                // The pages are good all the same; what is lost is the proof.
                Err(error) => self.name_unreadable(Error::from(error).line()),
            }
        }
        Ok(taken)
    }

    async fn replay_manifest(
        &mut self,
        folder: &Path,
        manifest: Manifest,
        given: &HashSet<&PathBuf>,
    ) -> Result<HashSet<PathBuf>, Error> {
        let windows = manifest.windows.iter().cloned().map(|window| {
            let pages: Vec<_> = window.pages.iter().map(|name| folder.join(name)).collect();
            (pages, window)
        });
        let all_given = windows.filter(|(pages, _)| !pages.is_empty() && pages.iter().all(|page| given.contains(page)));
        let windows: Vec<_> = all_given.map(|(pages, window)| (Group::of(pages), window)).collect();
        let (bare, run) = (self.request.bare.clone(), self.id.clone());
        let work = move |group: Group, window: SavedWindow, decoder: &mut Decoder| {
            let rows = files::read_proven(&group, &manifest, &window, &bare, &run, decoder);
            (group.files, rows)
        };
        let mut taken = HashSet::new();
        let mut reads = in_order(windows, self.memory_ahead(), work);
        while let Some(read) = reads.next().await {
            self.stop.check()?;
            if let (files, Some(rows)) = read? {
                self.stage_proven(rows).await?;
                self.progress_by(files.len());
                taken.extend(files);
            }
        }
        Ok(taken)
    }

    /// Stages the rows of a window with its proof.
    async fn stage_proven(&mut self, rows: Rows) -> Result<(), Error> {
        let Rows { account_id, api, page_bytes, staged } = rows;
        self.summary.page_bytes += page_bytes;
        self.summary.count_staged(&staged);
        self.summary.windows += 1;
        self.compatible(&account_id, api).await?;
        self.stage(&account_id, staged).await
    }

    /// Stages rows while the run goes on; waits where as many are staged already as may be.
    async fn stage(&mut self, account_id: &AccountId, window: StagedWindow) -> Result<(), Error> {
        while self.staging.len() >= STAGED_AT_ONCE {
            self.one_staged().await?;
        }
        let writer = Arc::clone(&self.account(account_id).await?.writer);
        self.staging.spawn(async move { writer.stage(window).await });
        Ok(())
    }

    /// Waits for one that is being staged.
    async fn one_staged(&mut self) -> Result<(), Error> {
        match self.staging.join_next().await {
            Some(Ok(staged)) => Ok(staged?),
            Some(Err(error)) => Err(Error::Unexpected(error.to_string())),
            None => Ok(()),
        }
    }

    fn name_unreadable(&mut self, line: String) {
        tracing::info!("{line}");
        self.summary.unreadable_files.push(line);
    }

    fn progress_by(&self, files: usize) {
        (0..files).for_each(|_| self.progress.file_read());
    }

    /// Memory of files that are read ahead.
    fn memory_ahead(&self) -> usize {
        self.request.memory_limit_bytes / AHEAD_ONE_IN
    }

    async fn take(&mut self, rows: Rows) -> Result<(), Error> {
        let Rows { account_id, api, page_bytes, staged } = rows;
        self.summary.page_bytes += page_bytes;
        let account = self.compatible(&account_id, api).await?;
        let other_fields = account.waiting.pages > 0 && account.waiting.refused_columns != staged.refused_columns;
        if account.waiting_bytes >= STAGED_BYTES || other_fields {
            self.stage_waiting(&account_id).await?;
        }
        let account = self.account(&account_id).await?;
        account.waiting_bytes += page_bytes;
        let waiting = &mut account.waiting;
        waiting.refused_columns = staged.refused_columns;
        waiting.pages += staged.pages;
        waiting.api_rows += staged.api_rows;
        waiting.batches.extend(staged.batches);
        waiting.session_dates.extend(staged.session_dates);
        waiting.rejects.extend(staged.rejects);
        Ok(())
    }

    async fn stage_waiting(&mut self, account_id: &AccountId) -> Result<(), Error> {
        let account = self.account(account_id).await?;
        account.waiting_bytes = 0;
        let waiting = std::mem::take(&mut account.waiting);
        self.summary.count_staged(&waiting);
        self.stage(account_id, waiting).await
    }

    /// The account, where its lake takes pages of this version.
    async fn compatible(&mut self, account_id: &AccountId, api: ApiVersion) -> Result<&mut Account, Error> {
        let allow_downgrade = self.request.allow_downgrade;
        let account = self.account(account_id).await?;
        let head = account.writer.head();
        head.check_compatible(api, &head.fields, allow_downgrade)?;
        Ok(account)
    }

    /// The account's writer, opened when its first page comes.
    async fn account(&mut self, account_id: &AccountId) -> Result<&mut Account, Error> {
        if !self.writers.contains_key(account_id) {
            let settings = WriterSettings {
                run_id: self.id.clone(),
                wait_lock: self.request.wait_lock,
                memory_limit_bytes: self.request.memory_limit_bytes,
                stop: self.stop.token(),
                ..WriterSettings::new(account_id.clone())
            };
            let intent = RunIntent::of("replay");
            let allow_downgrade = self.request.allow_downgrade;
            let begun = begin(self.lake, settings, allow_downgrade, self.summary, async |_| Ok(intent)).await?;
            let Begun { writer, owed } = begun;
            let (writer, waiting) = (Arc::new(writer), StagedWindow::default());
            self.writers.insert(account_id.clone(), Account { writer, owed, waiting, waiting_bytes: 0 });
        }
        self.writers.get_mut(account_id).ok_or_else(|| Error::Unexpected("a writer just opened is gone".to_owned()))
    }

    async fn commit(&mut self) -> Result<(), Error> {
        self.progress.committing();
        for account_id in self.writers.keys().cloned().collect::<Vec<_>>() {
            if self.account(&account_id).await?.waiting.pages > 0 {
                self.stage_waiting(&account_id).await?;
            }
            while !self.staging.is_empty() {
                self.one_staged().await?;
            }
            let commit = self.account(&account_id).await?.writer_mut()?.commit().await?;
            self.summary.count_commit(&account_id, &commit);
        }
        Ok(())
    }

    /// Closes every writer, also after an error, which counts before one of closing.
    async fn close(&mut self, result: Result<(), Error>) -> Result<(), Error> {
        for account in self.writers.values() {
            self.summary.name_owed(&account.owed, account.writer.head());
        }
        let whole = self.summary.unreadable_files.is_empty();
        let state = match (&result, whole) {
            (Ok(()), true) => RunState::Complete,
            (Ok(()), false) => RunState::Incomplete,
            (Err(Error::Interrupted | Error::Terminated), _) => RunState::Stopped,
            (Err(_), _) => RunState::Failed,
        };
        let mut closed = Ok(());
        for (_, account) in std::mem::take(&mut self.writers) {
            let finished = match Arc::try_unwrap(account.writer) {
                Ok(writer) => writer.finish(state, true).await.map(drop).map_err(Error::from),
                Err(_) => Err(still_staging()),
            };
            closed = closed.and(finished);
        }
        result.and(closed)
    }
}
