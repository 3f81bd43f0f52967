use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::clock::UtcTime;
use crate::decode::{DecodedPage, Decoder};
use crate::error::{Error, Kind};
use crate::lake::{Lake, Owed, RunIntent, RunState, StagedWindow, WindowProof, Writer, WriterSettings};
use crate::schema::{AccountId, RunId};
use crate::source::{BareDefaults, Manifest, Page, RowFacts, SavedWindow, saved};

use super::run::{Begun, Finished, add_page, begin, refused_columns};
use super::{Progress, Stop, Summary};

/// Rows that are decoded before they are staged: bounds memory, and keeps staged objects few.
const STAGED_ROWS: u64 = 16_384;

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
    /// Memory for sorting.
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
    let mut run = Run {
        lake,
        request,
        id: run_id,
        progress,
        stop: stop.clone(),
        summary: &mut summary,
        writers,
        decoder: Some(Decoder::new()),
    };
    let result = stop.within_grace(Box::pin(run.replay_and_close())).await;
    Finished::new(summary, result, request.strict)
}

/// An account's writer with the rows that wait to be staged.
struct Account {
    writer: Writer,
    /// Windows that a killed run could not read whole.
    owed: Vec<Owed>,
    waiting: StagedWindow,
}

struct Run<'a> {
    lake: &'a Lake,
    request: &'a ReplayRequest,
    id: RunId,
    progress: &'a dyn Progress,
    stop: Stop,
    summary: &'a mut Summary,
    writers: BTreeMap<AccountId, Account>,
    /// Away while a page is decoded on another thread.
    decoder: Option<Decoder>,
}

impl Run<'_> {
    async fn replay_and_close(&mut self) -> Result<(), Error> {
        let result = self.replay().await;
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
        for file in files.iter().filter(|file| !proven.contains(*file)) {
            self.stop.check()?;
            if let Some((page, decoded)) = self.read(file).await? {
                self.take(page, decoded).await?;
            }
            self.progress.file_read();
        }
        self.commit().await
    }

    /// Stages the windows whose proof lies in a manifest beside their pages. Returns the files it took.
    async fn replay_proven(&mut self, files: &[PathBuf]) -> Result<HashSet<PathBuf>, Error> {
        let given: HashSet<_> = files.iter().collect();
        let folders: BTreeSet<_> = files.iter().filter_map(|file| file.parent()).collect();
        let mut taken = HashSet::new();
        for folder in folders {
            let manifest = match Manifest::read(folder) {
                Ok(Some(manifest)) => manifest,
                Ok(None) => continue,
                Err(error) => {
                    // The pages are good all the same; what is lost is the proof.
                    self.name_unreadable(Error::from(error).line());
                    continue;
                }
            };
            for window in &manifest.windows {
                self.stop.check()?;
                let pages: Vec<_> = window.pages.iter().map(|name| folder.join(name)).collect();
                let all_given = !pages.is_empty() && pages.iter().all(|page| given.contains(page));
                if all_given && self.stage_proven(&manifest, window, &pages).await? {
                    for _ in &pages {
                        self.progress.file_read();
                    }
                    taken.extend(pages);
                }
            }
        }
        Ok(taken)
    }

    /// Stages one window with its proof, if its pages still hold what the proof says.
    async fn stage_proven(
        &mut self,
        manifest: &Manifest,
        window: &SavedWindow,
        files: &[PathBuf],
    ) -> Result<bool, Error> {
        let mut staged = StagedWindow { requests: 0, ..StagedWindow::default() };
        let (mut keys, mut offsets) = (HashSet::new(), HashSet::new());
        let mut read_at = UtcTime::now();
        for file in files {
            let Ok(page) = saved::read(file, &self.request.bare) else { return Ok(false) };
            let asked = &page.request;
            if !manifest.asked(window, asked) || !offsets.insert(asked.offset) {
                return Ok(false);
            }
            staged.refused_columns = refused_columns(asked);
            let (page, decoded) = self.decode(page).await?;
            let Ok(decoded) = decoded else { return Ok(false) };
            keys.extend(decoded.keys().map(|key| RowFacts::key_of(key.session_id, key.conversation_id)));
            read_at = read_at.min(page.fetched_at);
            self.summary.page_bytes += u64::try_from(page.body.len()).unwrap_or(u64::MAX);
            add_page(&mut staged, decoded, &page.request, page.fetched_at);
        }
        let evidence = &window.evidence;
        if u64::try_from(keys.len()).ok() != Some(evidence.distinct_keys) {
            return Ok(false);
        }
        staged.proof = Some(WindowProof {
            stream: Some(manifest.stream_id.clone()),
            range: window.window.range(),
            read_at,
            as_of: manifest.as_of.unwrap_or(read_at),
            whole: true,
            covers: true,
            evidence_kind: evidence.kind.as_str().to_owned(),
            evidence: serde_json::to_value(evidence).map_err(|error| Error::Unexpected(error.to_string()))?,
        });
        let allow_downgrade = self.request.allow_downgrade;
        let account = self.account(&manifest.account_id).await?;
        let known = account.writer.head().fields.clone();
        account.writer.head().check_compatible(manifest.api, &known, allow_downgrade)?;
        account.writer.stage(staged.clone()).await?;
        self.summary.count_staged(&staged);
        self.summary.windows += 1;
        Ok(true)
    }

    /// Reads and decodes a file; one that is no whole page is named in the summary.
    async fn read(&mut self, file: &Path) -> Result<Option<(Page, DecodedPage)>, Error> {
        let page = match saved::read(file, &self.request.bare).map_err(Error::from) {
            Ok(page) => page,
            Err(error) if error.kind() == Kind::Incomplete => {
                self.name_unreadable(error.line());
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        match self.decode(page).await? {
            (page, Ok(decoded)) => Ok(Some((page, decoded))),
            (_, Err(error)) => {
                let error = Error::Decode { page: format!("`{}`", file.display()), source: error };
                self.name_unreadable(error.line());
                Ok(None)
            }
        }
    }

    fn name_unreadable(&mut self, line: String) {
        tracing::info!("{line}");
        self.summary.unreadable_files.push(line);
    }

    /// Decodes off the runtime that the store's I/O runs on.
    async fn decode(&mut self, page: Page) -> Result<(Page, Result<DecodedPage, crate::decode::DecodeError>), Error> {
        let mut decoder = self.decoder.take().unwrap_or_default();
        let run_id = self.id.clone();
        let work = move || {
            let decoded = decoder.decode(&page, &run_id);
            (decoder, page, decoded)
        };
        let (decoder, page, decoded) =
            tokio::task::spawn_blocking(work).await.map_err(|error| Error::Unexpected(error.to_string()))?;
        self.decoder = Some(decoder);
        Ok((page, decoded))
    }

    async fn take(&mut self, page: Page, decoded: DecodedPage) -> Result<(), Error> {
        self.summary.page_bytes += u64::try_from(page.body.len()).unwrap_or(u64::MAX);
        let allow_downgrade = self.request.allow_downgrade;
        let refused = refused_columns(&page.request);
        let account = self.account(&page.request.account_id).await?;
        let known: BTreeSet<String> = account.writer.head().fields.clone();
        account.writer.head().check_compatible(page.request.api, &known, allow_downgrade)?;
        let other_fields = account.waiting.pages > 0 && account.waiting.refused_columns != refused;
        if account.waiting.api_rows >= STAGED_ROWS || other_fields {
            let staged = std::mem::take(&mut account.waiting);
            account.writer.stage(staged.clone()).await?;
            self.summary.count_staged(&staged);
        }
        let account = self.account(&page.request.account_id).await?;
        account.waiting.refused_columns = refused;
        add_page(&mut account.waiting, decoded, &page.request, page.fetched_at);
        Ok(())
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
            self.writers.insert(account_id.clone(), Account { writer, owed, waiting: StagedWindow::default() });
        }
        self.writers.get_mut(account_id).ok_or_else(|| Error::Unexpected("a writer just opened is gone".to_owned()))
    }

    async fn commit(&mut self) -> Result<(), Error> {
        self.progress.committing();
        for (account_id, account) in &mut self.writers {
            if account.waiting.pages > 0 {
                let staged = std::mem::take(&mut account.waiting);
                self.summary.count_staged(&staged);
                account.writer.stage(staged).await?;
            }
            let commit = account.writer.commit().await?;
            self.summary.count_commit(account_id, &commit);
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
            let finished = account.writer.finish(state, true).await;
            closed = closed.and(finished.map(|_| ()).map_err(Error::from));
        }
        result.and(closed)
    }
}
