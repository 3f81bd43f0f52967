use std::collections::BTreeSet;

use arrow::array::{Array, RecordBatch, StringArray};
use futures::TryStreamExt;
use object_store::ObjectStoreExt;
use object_store::path::Path;
use serde::Serialize;

use super::key::{column, text};
use super::lock::AccountLock;
use super::partition::Partition;
use super::staging::StagedObject;
use super::tables::{self, DayLine, Line, RunLine, WindowLine};
use super::writer::sweep;
use super::{
    AccountHead, Lake, LakeError, LedgerTable, PartitionObject, RejectLine, StreamState, WriterSettings, layout,
};
use crate::schema::{AccountId, ApiVersion, Schema};

/// Fact by which the schema marks columns that are absent from rows unless they were asked for.
const SELECTABLE: &str = "F3";

/// What a rebuilt ledger knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RebuiltLedger {
    /// The account.
    pub account_id: AccountId,
    /// Its partitions.
    pub days: u64,
    /// Their rows.
    pub rows: u64,
    /// Streams that the rows name.
    pub streams: Vec<String>,
    /// Staged objects of a run that did not end: the next run commits them.
    pub staged: u64,
    /// Lines of the tables and rejects that could not be read and are gone.
    pub lines_dropped: u64,
    /// Oldest schema version of its partitions: below the present one they wait for `migrate`.
    pub schema_version: u32,
}

/// Restores an account's ledger from its objects: days from their footers; API version, fields and streams from
/// rows, stored and staged. The lines of the tables that can be read stay. What cannot be restored are the proofs:
/// nothing counts as read whole until it is loaded again, nothing is owed, no intent is open. Of a head that can
/// still be read the rest is kept: lookbacks, what the source learned, what waits to be deleted.
///
/// A selectable field (F3) is remembered where a row has a value of its column: such a row was read with it, and a
/// request without it would null what is there. One that no row has a value of is not: nothing can be lost by it.
///
/// Partitions and staged rows may be under an older schema. The ledger then has the oldest version found, so that
/// a load names [`migrate`](super::migrate()), which goes on from there.
///
/// # Errors
/// [`LakeError::LockHeld`]: a retry helps once the other is done. [`LakeError::CorruptPartition`],
/// [`LakeError::ForeignPartition`], [`LakeError::CorruptStaged`], [`LakeError::OtherSchema`] of a newer version: no
/// retry helps until the object named is restored or moved away. Then the ledger is what it was.
pub async fn rebuild_ledger(lake: &Lake, settings: WriterSettings) -> Result<RebuiltLedger, LakeError> {
    let WriterSettings { account, run_id, wait_lock, clock, stop, .. } = settings;
    let lock = AccountLock::take(lake, &account, &run_id, (wait_lock, &stop), clock).await?;
    let rebuilt = async {
        let (mut head, staged) = restore(lake, AccountHead::new(&account, &run_id)).await?;
        let lines_dropped = salvage(lake, &account).await?;
        lock.check().await?;
        head.store(lake, &run_id).await?;
        Ok(RebuiltLedger {
            days: u64::try_from(head.days.len()).unwrap_or(u64::MAX),
            rows: head.days.values().map(|day| day.rows).sum(),
            streams: head.streams.into_keys().collect(),
            account_id: account,
            staged,
            lines_dropped,
            schema_version: head.schema_version,
        })
    };
    let rebuilt = rebuilt.await;
    lock.release().await;
    rebuilt
}

async fn restore(lake: &Lake, mut head: AccountHead) -> Result<(AccountHead, u64), LakeError> {
    let account = head.account_id.clone();
    sweep(lake, &account).await?;
    match AccountHead::load(lake, &account).await {
        Ok(Some(known)) => {
            head.api_version = known.api_version;
            head.fields = known.fields;
            head.retired = known.retired;
            head.streams = known.streams.into_iter().map(|(name, state)| (name, without_proofs(state))).collect();
        }
        Ok(None) | Err(LakeError::CorruptLedger { .. }) => {}
        Err(error) => return Err(error),
    }
    let mut seen = Seen::default();
    for PartitionObject { date, meta, .. } in lake.account_partitions(&account).await? {
        let partition = Partition::open_older(lake, &meta).await?;
        head.schema_version = head.schema_version.min(partition.schema_version());
        head.days.insert(date, partition.state());
        let mut batches = Box::pin(partition.stream(Some(&seen.columns()))?);
        while let Some(batch) = batches.try_next().await? {
            seen.take(&batch)?;
        }
    }
    let mut staged = 0;
    for (path, run, sequence) in StagedObject::list(lake, &account).await? {
        let object = StagedObject::open_older(lake, path, run, sequence).await?;
        for (_, batch) in object.batches(lake, None, Some(&seen.columns())).await? {
            seen.take(&batch)?;
        }
        staged += u64::from(!head.retired.iter().any(|retired| retired == object.path.as_ref()));
    }
    head.api_version = head.api_version.max(seen.api_version);
    head.fields.extend(seen.fields);
    for stream in seen.streams {
        head.streams.entry(stream).or_default();
    }
    Ok((head, staged))
}

/// What a stream was loaded with, and what the source learned of it.
fn without_proofs(state: StreamState) -> StreamState {
    let StreamState { lookback_seconds, planning, .. } = state;
    StreamState { lookback_seconds, planning, ..StreamState::default() }
}

/// What rows tell of the requests that read them.
#[derive(Default)]
struct Seen {
    api_version: Option<ApiVersion>,
    fields: BTreeSet<String>,
    streams: BTreeSet<String>,
}

impl Seen {
    fn columns(&self) -> Vec<&'static str> {
        ["_api_version", "_stream_id"].into_iter().chain(self.unseen().map(|(column, _)| column)).collect()
    }

    /// Selectable fields that no row has shown so far: column and field.
    fn unseen(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let selectable = Schema::conversations().columns.iter().filter(|column| column.fact == SELECTABLE);
        let named = selectable.filter_map(|column| Some((column.name.as_str(), column.key.as_deref()?)));
        named.filter(|(_, field)| !self.fields.contains(*field))
    }

    fn take(&mut self, batch: &RecordBatch) -> Result<(), LakeError> {
        let shown = |name: &str| batch.column_by_name(name).is_some_and(|column| column.null_count() < column.len());
        let fields: Vec<_> = self.unseen().filter(|(column, _)| shown(column)).collect();
        self.fields.extend(fields.into_iter().map(|(_, field)| field.to_owned()));
        let versions: &StringArray = column(batch, "_api_version")?;
        self.api_version = self.api_version.max(versions.iter().flatten().filter_map(|v| v.parse().ok()).max());
        let streams: &StringArray = column(batch, "_stream_id")?;
        for row in 0..streams.len() {
            let stream = text(streams, row).unwrap_or_default();
            if !self.streams.contains(stream) {
                self.streams.insert(stream.to_owned());
            }
        }
        Ok(())
    }
}

/// Takes lines that cannot be read out of the tables and rejects. Returns how many there were.
async fn salvage(lake: &Lake, account: &AccountId) -> Result<u64, LakeError> {
    let table = |table| layout::account_table(table, account);
    let mut dropped = readable_lines::<RunLine>(lake, &table(LedgerTable::Runs)).await?;
    dropped += readable_lines::<DayLine>(lake, &table(LedgerTable::Days)).await?;
    dropped += readable_lines::<WindowLine>(lake, &table(LedgerTable::Windows)).await?;
    dropped += readable_lines::<RejectLine>(lake, &layout::account_rejects(account)).await?;
    Ok(dropped)
}

async fn readable_lines<L: Line>(lake: &Lake, folder: &Path) -> Result<u64, LakeError> {
    let mut dropped = 0;
    let objects = lake.list(folder).await?;
    for path in objects.iter().map(|object| &object.location).filter(|path| path.extension() == Some("ndjson")) {
        if !matches!(tables::read::<L>(lake, path).await, Err(LakeError::CorruptLedger { .. })) {
            continue;
        }
        let failed = |source| LakeError::store("read", path.to_string(), source);
        let bytes = lake.store().get(path).await.map_err(failed)?.bytes().await.map_err(failed)?;
        let lines: Vec<_> = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
        let kept: Vec<L> = lines.iter().filter_map(|line| serde_json::from_slice(line).ok()).collect();
        let gone = lines.len() - kept.len();
        tracing::warn!(%path, lines = gone, "lines that cannot be read are taken out");
        tables::write(lake, path, &kept).await?;
        dropped += u64::try_from(gone).unwrap_or(u64::MAX);
    }
    Ok(dropped)
}
