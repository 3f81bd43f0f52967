use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use object_store::ObjectStoreExt;
use object_store::path::Path;
use tokio_util::sync::CancellationToken;

use super::lock::AccountLock;
use super::partition::Partition;
use super::staging::StagedObject;
use super::tables::{self, RunLine, RunState};
use super::upload::Known;
use super::{AccountHead, Clock, CommitSummary, Intent, Lake, LakeError, LedgerTable, StagedWindow, layout};
use crate::clock::{TimeRange, UtcTime};
use crate::schema::{AccountId, ApiVersion, RunId, Schema, StreamId};

/// Age after which a leftover among the locks is no write in progress.
const LEFTOVER_AGE: Duration = Duration::from_mins(1);

/// Settings of a [`Writer`].
#[derive(Clone)]
pub struct WriterSettings {
    /// Account to write.
    pub account: AccountId,
    /// The run; a new one each time a writer is opened.
    pub run_id: RunId,
    /// How long to wait for another holder of the account.
    pub wait_lock: Duration,
    /// Memory for sorting the staged rows of a day; beyond it they are spilled.
    pub memory_limit_bytes: usize,
    /// Folder to spill to; the system's one where none is given.
    pub spill_folder: Option<PathBuf>,
    /// Clock of the lock's heartbeat. None: the machine's, set by that of a store which machines share.
    pub clock: Option<Clock>,
    /// Cancelled, the writer no longer waits for the account, and a commit ends before its next write of a day.
    pub stop: CancellationToken,
}

impl WriterSettings {
    /// A new run on `account`: no waiting, 256 MiB, the machine's clock.
    pub fn new(account: AccountId) -> Self {
        Self {
            account,
            run_id: RunId::generate(),
            wait_lock: Duration::ZERO,
            memory_limit_bytes: 256 << 20,
            spill_folder: None,
            clock: None,
            stop: CancellationToken::new(),
        }
    }
}

/// What a run sets out to do.
#[derive(Debug, Clone)]
pub struct RunIntent {
    /// What the run is: `load`, `replay`, `accept`, `migrate`.
    pub command: String,
    /// Stream asked; none for a replay of pages that name none.
    pub stream: Option<StreamId>,
    /// Ranges to read; none for a replay.
    pub ranges: Vec<TimeRange>,
    /// Ranges that are to be whole for every session that starts in them, whenever it ends.
    pub asked: Vec<TimeRange>,
    /// When this was begun, where the run goes on with an open intent.
    pub begun_at: Option<UtcTime>,
    /// API version asked; none for a replay.
    pub api_version: Option<ApiVersion>,
    /// Selectable fields asked.
    pub fields: BTreeSet<String>,
    /// How far back the run reads again what may have changed; none where that is not what it does.
    pub lookback: Option<Duration>,
}

impl RunIntent {
    /// Of a run that reads nothing from the API.
    pub fn of(command: &str) -> Self {
        Self {
            command: command.to_owned(),
            stream: None,
            ranges: Vec::new(),
            asked: Vec::new(),
            begun_at: None,
            api_version: None,
            fields: BTreeSet::new(),
            lookback: None,
        }
    }
}

/// The one writer of an account: stages windows, commits days, keeps the ledger.
#[derive(Debug)]
pub struct Writer {
    pub(super) lake: Lake,
    pub(super) account: AccountId,
    pub(super) run_id: RunId,
    pub(super) lock: AccountLock,
    pub(super) head: AccountHead,
    pub(super) staged: Mutex<Vec<Arc<StagedObject>>>,
    pub(super) commits: u32,
    pub(super) run: Option<RunLine>,
    pub(super) memory_limit_bytes: usize,
    pub(super) spill_folder: Option<PathBuf>,
    pub(super) stop: CancellationToken,
    /// Whether the head knows something that its document does not.
    pub(super) head_changed: bool,
    next_sequence: AtomicU64,
}

impl Writer {
    /// Takes the account's lock, reads its ledger, checks partitions that the ledger does not know (what was read of a
    /// day that no commit explains is owed again), and sweeps what a killed writer left half-written.
    ///
    /// # Errors
    /// [`LakeError::LockHeld`]: a retry helps once the other is done. [`LakeError::CorruptLedger`],
    /// [`LakeError::LedgerLost`], [`LakeError::OtherSchema`], [`LakeError::CorruptPartition`],
    /// [`LakeError::IgnoresConditions`]: no retry helps.
    pub async fn open(lake: &Lake, settings: WriterSettings) -> Result<Self, LakeError> {
        let mut writer = Self::open_older(lake, settings).await?;
        match writer.check_schema().await {
            Ok(()) => Ok(writer),
            Err(error) => {
                writer.lock.release().await;
                Err(error)
            }
        }
    }

    /// The same for an account whose partitions may be under an older schema.
    pub(super) async fn open_older(lake: &Lake, settings: WriterSettings) -> Result<Self, LakeError> {
        let WriterSettings { account, run_id, wait_lock, memory_limit_bytes, spill_folder, clock, stop } = settings;
        let lock = AccountLock::take(lake, &account, &run_id, (wait_lock, &stop), clock).await?;
        match Self::load_head(lake, &account, &run_id).await {
            Ok(head) => Ok(Self {
                lake: lake.clone(),
                account,
                run_id,
                lock,
                head,
                staged: Mutex::default(),
                commits: 0,
                run: None,
                memory_limit_bytes,
                spill_folder,
                stop,
                head_changed: false,
                next_sequence: AtomicU64::new(0),
            }),
            Err(error) => {
                lock.release().await;
                Err(error)
            }
        }
    }

    async fn load_head(lake: &Lake, account: &AccountId, run: &RunId) -> Result<AccountHead, LakeError> {
        sweep(lake, account).await?;
        let Some(head) = AccountHead::load(lake, account).await? else {
            let partitions = lake.account_partitions(account).await?;
            if !partitions.is_empty() {
                let (account, path) = (account.clone(), layout::head(account).to_string());
                return Err(LakeError::LedgerLost { account, path, days: partitions.len() });
            }
            // Written before the first row: partitions without a ledger are then never the work of a kill.
            let mut head = AccountHead { known: Known::Absent, ..AccountHead::new(account, run) };
            head.store(lake, run).await?;
            return Ok(head);
        };
        let expected = Schema::conversations().version;
        if head.schema_version > expected { Err(head.other_schema()) } else { Ok(head) }
    }

    /// Whether ledger and partitions are under the present schema; reads those that the ledger does not know.
    async fn check_schema(&mut self) -> Result<(), LakeError> {
        if self.head.schema_version != Schema::conversations().version {
            return Err(self.head.other_schema());
        }
        let objects = self.lake.account_partitions(&self.account).await?;
        let unknown: Vec<_> = objects.into_iter().filter(|object| !self.head.knows(object)).collect();
        for object in &unknown {
            let found = Partition::open(&self.lake, &object.meta).await?;
            if !found.follows(self.head.days.get(&object.date)) {
                let path = object.meta.location.as_ref();
                tracing::warn!(path, "a day was replaced by a writer that had lost the account: it is read again");
                self.head.owe_day(object.date);
            }
            self.head.days.insert(object.date, found.state());
        }
        // What a commit writes next follows these.
        if unknown.is_empty() { Ok(()) } else { self.head.store(&self.lake, &self.run_id).await }
    }

    /// What the ledger knows of the account.
    pub fn head(&self) -> &AccountHead {
        &self.head
    }

    /// The run.
    pub fn run_id(&self) -> &RunId {
        &self.run_id
    }

    /// Commits what a killed run left staged. First thing to do with a writer.
    ///
    /// # Errors
    /// As [`commit`](Self::commit); what is staged stays.
    pub async fn recover(&mut self) -> Result<CommitSummary, LakeError> {
        self.drop_retired().await?;
        for (path, run, sequence) in StagedObject::list(&self.lake, &self.account).await? {
            let known = self.lock_staged().iter().any(|object| object.path == path);
            if !known {
                let object = StagedObject::open(&self.lake, path, run, sequence).await?;
                self.lock_staged().push(Arc::new(object));
            }
        }
        self.commit().await
    }

    /// Writes down what this run sets out to do. The intent stays open until [`finish`](Self::finish).
    ///
    /// # Errors
    /// [`LakeError::Store`], [`LakeError::LockLost`].
    pub async fn begin(&mut self, intent: RunIntent) -> Result<(), LakeError> {
        let started_at = UtcTime::now();
        let run = RunLine::open(&self.run_id, &intent, started_at);
        let path = layout::table(LedgerTable::Runs, &self.account, &self.run_id);
        tables::write(&self.lake, &path, std::slice::from_ref(&run)).await?;
        self.run = Some(run);
        self.lock.check().await?;
        let stream = intent.stream.clone();
        let stream = self.head.stream_mut(stream.as_ref());
        stream.raise_lookback(intent.lookback);
        stream.intent = Some(Intent {
            run_id: self.run_id.clone(),
            ranges: intent.ranges,
            asked: intent.asked,
            started_at: intent.begun_at.unwrap_or(started_at),
            api_version: intent.api_version,
            fields: intent.fields,
            command: intent.command,
        });
        self.head.store(&self.lake, &self.run_id).await
    }

    /// Makes a finished window durable; invisible to readers until it is committed.
    ///
    /// # Errors
    /// [`LakeError::Input`] where rows are not under the fixed schema; [`LakeError::Store`]; [`LakeError::LockLost`].
    pub async fn stage(&self, window: StagedWindow) -> Result<(), LakeError> {
        self.lock.last_known()?;
        let sequence = self.next_sequence();
        let object = StagedObject::write(&self.lake, &self.account, &self.run_id, sequence, window).await?;
        self.lock_staged().push(Arc::new(object));
        Ok(())
    }

    /// Closes the run: its line in `runs` and, where `intent_done`, its intent.
    ///
    /// # Errors
    /// [`LakeError::Store`], [`LakeError::LockLost`]; the lock is given free all the same.
    pub async fn finish(mut self, state: RunState, intent_done: bool) -> Result<Option<RunLine>, LakeError> {
        let closed = self.close_run(state, intent_done).await;
        self.lock.release().await;
        closed
    }

    async fn close_run(&mut self, state: RunState, intent_done: bool) -> Result<Option<RunLine>, LakeError> {
        let Some(mut run) = self.run.take() else {
            self.store_head_if_changed().await?;
            return Ok(None);
        };
        run.state = state;
        run.finished_at = Some(UtcTime::now());
        let path = layout::table(LedgerTable::Runs, &self.account, &self.run_id);
        tables::write(&self.lake, &path, std::slice::from_ref(&run)).await?;
        if intent_done {
            self.head.stream_mut(run.stream_id.as_ref()).intent = None;
            self.head_changed = true;
        }
        self.store_head_if_changed().await?;
        Ok(Some(run))
    }

    async fn store_head_if_changed(&mut self) -> Result<(), LakeError> {
        if self.head_changed {
            // A ledger that another writer has gone on with must not fall back.
            self.lock.check().await?;
            self.head.store(&self.lake, &self.run_id).await?;
            self.head_changed = false;
        }
        Ok(())
    }

    /// Number of the next window of this run.
    pub(super) fn next_sequence(&self) -> u64 {
        self.next_sequence.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn lock_staged(&self) -> std::sync::MutexGuard<'_, Vec<Arc<StagedObject>>> {
        self.staged.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn check_stop(&self) -> Result<(), LakeError> {
        if self.stop.is_cancelled() { Err(LakeError::Stopped) } else { Ok(()) }
    }

    /// Deletes staged objects whose rows the ledger says are in the lake.
    pub(super) async fn drop_retired(&mut self) -> Result<(), LakeError> {
        for path in &self.head.retired {
            delete(&self.lake, &Path::from(path.as_str())).await?;
        }
        self.head.retired.clear();
        Ok(())
    }
}

/// Deletes what killed writers of this account left half-written.
pub(super) async fn sweep(lake: &Lake, account: &AccountId) -> Result<(), LakeError> {
    let old = UtcTime::now().minus(LEFTOVER_AGE).micros();
    for folder in layout::account_folders(account).into_iter().chain([layout::probes()]) {
        // Another writer may be trying for the lock at this moment.
        let in_progress = [layout::account_locks(account), layout::probes()].contains(&folder);
        for object in lake.list(&folder).await? {
            let leftover = layout::is_leftover(&object.location);
            if leftover && !(in_progress && object.last_modified.timestamp_micros() > old) {
                delete(lake, &object.location).await?;
            }
        }
    }
    Ok(())
}

async fn delete(lake: &Lake, path: &Path) -> Result<(), LakeError> {
    match lake.store().delete(path).await {
        Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
        Err(source) => Err(LakeError::store("delete", path.to_string(), source)),
    }
}
