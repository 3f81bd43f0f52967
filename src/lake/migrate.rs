use std::collections::{BTreeMap, BTreeSet};

use object_store::path::Path;
use serde::Serialize;

use super::partition::Partition;
use super::staging::StagedObject;
use super::tables::{self, RunLine, RunState};
use super::{
    CommitSummary, DayChange, DayState, Lake, LakeError, LedgerTable, PartitionObject, RowChange, RunIntent,
    SessionDate, Writer, WriterSettings, layout, lift,
};
use crate::clock::UtcTime;
use crate::schema::{AccountId, RunId, Schema};

/// What a migration did to one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MigrateSummary {
    /// The account.
    pub account_id: AccountId,
    /// The run, in the run log where anything was done.
    pub run_id: RunId,
    /// The account's schema version before; none where nothing was ever loaded.
    pub schema_version_from: Option<u32>,
    /// The present one.
    pub schema_version_to: u32,
    /// Partitions written again.
    pub days_rewritten: u64,
    /// Partitions that were under the present schema already.
    pub days_current: u64,
    /// Staged objects of an unfinished run that were written again.
    pub staged_rewritten: u64,
    /// Rows of the partitions written again.
    pub rows: u64,
    /// Values that these rows have now in columns that the older schema lacked; a struct counts once.
    pub values_lifted: u64,
    /// Size of the partitions written again, after that, in bytes.
    pub bytes_written: u64,
}

/// How far a migration is: told after each day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct MigrateProgress {
    /// The day that is done.
    pub date: SessionDate,
    /// Days written again so far.
    pub days_done: u64,
    /// Days that are to be written again.
    pub days: u64,
}

/// Brings the partitions and staged rows of an account under the present schema, lifting values out of `extra`.
///
/// The account is held as by a load. Each day is replaced whole and is in the ledger before the next one, so
/// that a kill at any moment leaves a lake that can be read, and that another call goes on with; the ledger's
/// schema version is raised last. Rows keep their `_` columns, with `_content_hash`: pages that were loaded
/// before change nothing when they come again. Where there is nothing to do, no object is touched.
///
/// # Errors
/// [`LakeError::OtherSchema`] where anything is of a newer version: nothing was touched, and no retry helps.
/// [`LakeError::Lift`], [`LakeError::CorruptPartition`], [`LakeError::ForeignPartition`]: that object cannot be
/// taken over; days before it are done. [`LakeError::LockHeld`], [`LakeError::Store`]: a retry goes on.
pub async fn migrate(
    lake: &Lake,
    settings: WriterSettings,
    progress: impl Fn(MigrateProgress) + Send,
) -> Result<MigrateSummary, LakeError> {
    let (account, run) = (settings.account.clone(), settings.run_id.clone());
    let version = lake.head(&account).await?.map(|head| head.schema_version);
    let mut summary = MigrateSummary::new(account, run, version);
    if version.is_none() && lake.account_partitions(&summary.account_id).await?.is_empty() {
        return Ok(summary);
    }
    let mut writer = Writer::open_older(lake, settings).await?;
    let done = writer.migrate(&mut summary, progress).await;
    let state = if done.is_ok() { RunState::Complete } else { RunState::Failed };
    let finished = writer.finish(state, false).await;
    done?;
    finished?;
    Ok(summary)
}

/// What of an account is under which schema.
struct Survey {
    older: Vec<PartitionObject>,
    current: u64,
    /// Days under the present schema that the ledger does not have so: a migration was killed behind them.
    unknown: BTreeMap<SessionDate, DayState>,
    staged: Vec<Path>,
}

impl Survey {
    async fn of(writer: &Writer) -> Result<Self, LakeError> {
        let (lake, head) = (&writer.lake, &writer.head);
        let mut survey = Self { older: Vec::new(), current: 0, unknown: BTreeMap::new(), staged: Vec::new() };
        for object in lake.account_partitions(&writer.account).await? {
            let partition = Partition::open_older(lake, &object.meta).await?;
            if !partition.is_current() {
                survey.older.push(object);
                continue;
            }
            survey.current += 1;
            if !head.knows(&object) {
                survey.unknown.insert(object.date, partition.state());
            }
        }
        let retired: BTreeSet<_> = head.retired.iter().map(String::as_str).collect();
        for (path, ..) in StagedObject::list(lake, &writer.account).await? {
            if !retired.contains(path.as_ref()) && !lift::is_staged_current(lake, &path).await? {
                survey.staged.push(path);
            }
        }
        Ok(survey)
    }

    fn finds_nothing_to_do(&self, writer: &Writer) -> bool {
        let is_current = writer.head.schema_version == Schema::conversations().version;
        is_current && self.older.is_empty() && self.staged.is_empty()
    }
}

impl Writer {
    async fn migrate(
        &mut self,
        summary: &mut MigrateSummary,
        progress: impl Fn(MigrateProgress) + Send,
    ) -> Result<(), LakeError> {
        let survey = Survey::of(self).await?;
        summary.days_current = survey.current;
        if survey.finds_nothing_to_do(self) {
            return Ok(());
        }
        self.begin_migration().await?;
        self.record_days(survey.unknown, false).await?;
        for path in &survey.staged {
            self.lock.check().await?;
            lift::lift_staged(&self.lake, path).await?;
            summary.staged_rewritten += 1;
        }
        let days = u64::try_from(survey.older.len()).unwrap_or(u64::MAX);
        for object in survey.older {
            let (state, values) = self.lift_partition(&object).await?;
            summary.add(&state, values);
            self.record_days([(object.date, state)].into(), true).await?;
            progress(MigrateProgress { date: object.date, days_done: summary.days_rewritten, days });
        }
        self.raise_schema_version().await
    }

    /// A line in the run log, without an intent: there is nothing that a later load would have to finish.
    async fn begin_migration(&mut self) -> Result<(), LakeError> {
        let intent = RunIntent::of("migrate");
        let run = RunLine::open(&self.run_id, &intent, UtcTime::now());
        let path = layout::table(LedgerTable::Runs, &self.account, &self.run_id);
        tables::write(&self.lake, &path, std::slice::from_ref(&run)).await?;
        self.run = Some(run);
        Ok(())
    }

    /// Puts days whose rows are what they were into the ledger.
    async fn record_days(&mut self, states: BTreeMap<SessionDate, DayState>, written: bool) -> Result<(), LakeError> {
        if states.is_empty() {
            return Ok(());
        }
        let mut summary = CommitSummary::default();
        for (date, DayState { rows, bytes, .. }) in &states {
            let (date, rows, bytes) = (*date, *rows, *bytes);
            summary.days.push(DayChange { date, written, change: RowChange::default(), rows, bytes });
            summary.days_written += u64::from(written);
            summary.bytes_written += if written { bytes } else { 0 };
        }
        self.lock.check().await?;
        self.write_ledger(&[], &summary, states).await
    }

    async fn raise_schema_version(&mut self) -> Result<(), LakeError> {
        let schema = Schema::conversations();
        self.lock.check().await?;
        self.head.schema_version = schema.version;
        self.head.content_hash_version = schema.content_hash_version;
        self.head.store(&self.lake, &self.run_id).await
    }
}

impl MigrateSummary {
    fn new(account_id: AccountId, run_id: RunId, schema_version_from: Option<u32>) -> Self {
        Self {
            account_id,
            run_id,
            schema_version_from,
            schema_version_to: Schema::conversations().version,
            days_rewritten: 0,
            days_current: 0,
            staged_rewritten: 0,
            rows: 0,
            values_lifted: 0,
            bytes_written: 0,
        }
    }

    fn add(&mut self, state: &DayState, values: u64) {
        self.days_rewritten += 1;
        self.rows += state.rows;
        self.values_lifted += values;
        self.bytes_written += state.bytes;
    }
}
