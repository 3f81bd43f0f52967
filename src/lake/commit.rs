use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::RecordBatch;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use object_store::{ObjectMeta, ObjectStoreExt};

use super::day::{DayKeys, Reads};
use super::encode::PartitionWriter;
use super::kept::KeptValues;
use super::key::{KEY_COLUMNS, KeyColumns};
use super::merge::{MergeContext, merge_failed};
use super::moved::Placement;
use super::partition::{self, Partition};
use super::rejects::{self, RejectCount};
use super::staging::StagedObject;
use super::{DayState, Lake, LakeError, SessionDate, Writer, layout};
use crate::clock::TimeRange;
use crate::schema::{Schema, StreamId};

/// What a commit did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommitSummary {
    /// Each day that was looked at, in order.
    pub days: Vec<DayChange>,
    /// Sums over the days.
    pub rows: RowChange,
    /// Distinct texts rejected.
    pub rejects: u64,
    /// Those of them that the lake did not have.
    pub rejects_new: u64,
    /// Windows committed.
    pub windows: u64,
    /// Partitions written.
    pub days_written: u64,
    /// Bytes of these partitions.
    pub bytes_written: u64,
}

/// What a commit did to one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayChange {
    /// The day.
    pub date: SessionDate,
    /// Whether its object was replaced.
    pub written: bool,
    /// What became of the keys.
    pub change: RowChange,
    /// Rows of the day after the commit.
    pub rows: u64,
    /// Size of its object in bytes.
    pub bytes: u64,
}

/// What became of the keys that were read. New + changed + unchanged + superseded = distinct keys read, where
/// the superseded are not of an earlier read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RowChange {
    /// Keys that were not in the lake.
    pub new: u64,
    /// Keys whose row was replaced.
    pub changed: u64,
    /// Keys whose stored row stayed: it is equal, or later.
    pub unchanged: u64,
    /// Keys (session, none) that gave way to a conversation of their session.
    pub superseded: u64,
    /// Rows of the stream in the windows read that were not returned.
    pub not_returned: u64,
    /// Rows whose key moved to another day.
    pub moved_out: u64,
}

impl Writer {
    /// Makes all staged rows visible, day by day, writes the ledger, and deletes the staged objects.
    ///
    /// # Errors
    /// [`LakeError::LockLost`], [`LakeError::CorruptPartition`], [`LakeError::Store`]. What was staged stays
    /// staged: committing again, here or by a later run, ends in the same lake.
    pub async fn commit(&mut self) -> Result<CommitSummary, LakeError> {
        let staged = self.lock_staged().clone();
        if staged.is_empty() {
            return Ok(CommitSummary::default());
        }
        self.lock.check().await?;
        let (days, states) = self.commit_days(&staged).await?;
        let rejects = rejects::keep(&self.lake, &self.account, &staged).await?;
        let summary = CommitSummary::of(days, rejects, &staged);
        self.lock.check().await?;
        self.write_ledger(&staged, &summary, states).await?;
        self.drop_retired().await?;
        self.lock_staged().retain(|object| !staged.iter().any(|done| Arc::ptr_eq(done, object)));
        Ok(summary)
    }

    async fn commit_days(&self, staged: &[Arc<StagedObject>]) -> Result<(Vec<DayChange>, DayStates), LakeError> {
        let reads = Reads::new(&self.head.streams, proven_now(staged));
        let partitions = self.lake.account_partitions(&self.account).await?;
        let objects: BTreeMap<_, _> = partitions.into_iter().map(|found| (found.date, found.meta)).collect();
        let merge =
            MergeContext::new(self.memory_limit_bytes, self.spill_folder.as_deref()).map_err(LakeError::Memory)?;
        let placement = Placement::of(&self.lake, staged, &objects, &reads).await?;
        let days = days_to_look_at(staged, &objects, &reads);
        let mut commit = DaysCommit { writer: self, staged, reads, placement, objects, merge, states: BTreeMap::new() };
        let mut changes = BTreeMap::new();
        for date in days {
            changes.insert(date, commit.commit(date, true).await?);
        }
        // Rows that moved leave their old day only now that the new one is written.
        for date in commit.placement.leaving.keys().copied().collect::<Vec<_>>() {
            let change = commit.commit(date, false).await?;
            changes.entry(date).and_modify(|known: &mut DayChange| known.add(&change)).or_insert(change);
        }
        Ok((changes.into_values().collect(), commit.states))
    }
}

type DayStates = BTreeMap<SessionDate, DayState>;

/// The days of one commit.
struct DaysCommit<'a> {
    writer: &'a Writer,
    staged: &'a [Arc<StagedObject>],
    reads: Reads<'a>,
    placement: Placement,
    objects: BTreeMap<SessionDate, ObjectMeta>,
    merge: MergeContext,
    states: DayStates,
}

impl DaysCommit<'_> {
    /// Commits one day: its staged rows (`coming`), or only those rows that leave it.
    async fn commit(&mut self, date: SessionDate, coming: bool) -> Result<DayChange, LakeError> {
        let staged = if coming { self.staged } else { &[] };
        let keys = Arc::new(self.decide(date, staged, coming).await?);
        let change = keys.change();
        let written = keys.changes_anything();
        if written {
            self.write(date, staged, keys).await?;
        } else if let Some(object) = self.objects.get(&date) {
            if !self.states.contains_key(&date) {
                let state = partition::state(&self.writer.lake, object).await?;
                self.states.insert(date, state);
            }
        }
        let (rows, bytes) = self.states.get(&date).map_or((0, 0), |state| (state.rows, state.bytes));
        Ok(DayChange { date, written, change, rows, bytes })
    }

    /// Pass over the keys: of the staged rows, then of the stored ones.
    async fn decide(
        &self,
        date: SessionDate,
        staged: &[Arc<StagedObject>],
        coming: bool,
    ) -> Result<DayKeys, LakeError> {
        let lake = &self.writer.lake;
        let leaving = self.placement.leaving.get(&date).filter(|_| !coming).cloned();
        let mut keys = DayKeys::new(leaving.unwrap_or_default());
        for (object, first) in numbered(staged, date) {
            let mut ordinal = first;
            for (_, batch) in object.batches(lake, Some(date), Some(&KEY_COLUMNS)).await? {
                for row in KeyColumns::of(&batch)?.rows() {
                    match self.placement.placed.get(&row.key) {
                        Some(placed) if (placed.date, placed.ordinal) == (date, ordinal) => {
                            keys.settle(row.key, placed)
                        }
                        Some(_) => {}
                        None => keys.fold_staged(&row, ordinal),
                    }
                    ordinal += 1;
                }
            }
        }
        keys.supersede_staged();
        let Some(object) = self.objects.get(&date) else { return Ok(keys) };
        let reads = self.reads.of_day(date, coming);
        let mut batches = Box::pin(Partition::open(lake, object).await?.stream(Some(&KEY_COLUMNS))?);
        while let Some(batch) = batches.try_next().await? {
            KeyColumns::of(&batch)?.rows().for_each(|row| keys.fold_stored(&row, &reads, &self.placement.placed));
        }
        Ok(keys)
    }

    /// Second pass: the stored rows that stay, merged with the staged rows that come, to a new object.
    async fn write(
        &mut self,
        date: SessionDate,
        staged: &[Arc<StagedObject>],
        keys: Arc<DayKeys>,
    ) -> Result<(), LakeError> {
        let Writer { lake, account, run_id, lock, .. } = self.writer;
        let kept = Arc::new(self.kept(date, staged, &keys).await?);
        let stored = match self.objects.get(&date) {
            Some(object) => staying(Partition::open(lake, object).await?, Arc::clone(&keys))?.boxed(),
            None => stream::empty().boxed(),
        };
        let coming = coming(lake.clone(), numbered(staged, date), date, keys, kept);
        let mut merged = self.merge.merge(stored, coming).map_err(|error| merge_failed(date, error))?;
        let path = layout::partition(account, date);
        let mut object = PartitionWriter::new(Arc::clone(lake.store()), path.clone(), run_id)?;
        while let Some(batch) = merged.try_next().await.map_err(|error| merge_failed(date, error))? {
            object = object.write(batch).await?;
        }
        lock.check().await?;
        let rows = object.finish().await?;
        lock.check().await?;
        let meta = lake.store().head(&path).await;
        let meta = meta.map_err(|source| LakeError::store("read", path.to_string(), source))?;
        let run_id = Some(run_id.to_string());
        self.states.insert(date, DayState { etag: meta.e_tag.clone(), rows, bytes: meta.size, run_id });
        self.objects.insert(date, meta);
        Ok(())
    }

    /// Values to keep where the server refused a field by name.
    async fn kept(
        &self,
        date: SessionDate,
        staged: &[Arc<StagedObject>],
        keys: &DayKeys,
    ) -> Result<KeptValues, LakeError> {
        let of_day = staged.iter().filter(|object| object.rows_of(date) > 0);
        let refused: BTreeSet<_> =
            of_day.flat_map(|object| &object.header.refused_columns).map(String::as_str).collect();
        match self.objects.get(&date).filter(|_| !refused.is_empty()) {
            Some(object) => KeptValues::read(Partition::open(&self.writer.lake, object).await?, &refused, keys).await,
            None => Ok(KeptValues::default()),
        }
    }
}

/// The objects that hold rows of a day, each with the number of its first row among them.
fn numbered(staged: &[Arc<StagedObject>], date: SessionDate) -> Vec<(Arc<StagedObject>, u64)> {
    let mut next = 0;
    let mut number = |object: &Arc<StagedObject>| {
        let first = next;
        next += object.rows_of(date);
        (next > first).then(|| (Arc::clone(object), first))
    };
    staged.iter().filter_map(&mut number).collect()
}

fn staying(
    partition: Partition,
    keys: Arc<DayKeys>,
) -> Result<impl Stream<Item = Result<RecordBatch, LakeError>> + Send + 'static, LakeError> {
    let under_schema =
        |batch: RecordBatch| Ok(RecordBatch::try_new(Schema::conversations_arrow(), batch.columns().to_vec())?);
    Ok(partition.stream(None)?.map(move |batch| keys.staying(&batch?)).map(move |batch| under_schema(batch?)))
}

fn coming(
    lake: Lake,
    staged: Vec<(Arc<StagedObject>, u64)>,
    date: SessionDate,
    keys: Arc<DayKeys>,
    kept: Arc<KeptValues>,
) -> impl Stream<Item = Result<RecordBatch, LakeError>> + Send + 'static {
    let rows = move |(object, first): (Arc<StagedObject>, u64)| {
        let (lake, keys, kept) = (lake.clone(), Arc::clone(&keys), Arc::clone(&kept));
        async move {
            let mut ordinal = first;
            let mut coming = Vec::new();
            for (_, batch) in object.batches(&lake, Some(date), None).await? {
                let rows = keys.coming(&batch, ordinal)?;
                coming.push(Ok(kept.restore(rows, &object.header.refused_columns)?));
                ordinal += u64::try_from(batch.num_rows()).unwrap_or_default();
            }
            Ok::<_, LakeError>(stream::iter(coming))
        }
    };
    stream::iter(staged).then(rows).try_flatten()
}

fn proven_now(staged: &[Arc<StagedObject>]) -> Vec<(&str, TimeRange)> {
    let proofs = staged.iter().filter_map(|object| object.header.proof.as_ref()).filter(|proof| proof.whole);
    proofs.map(|proof| (proof.stream.as_ref().map_or("", StreamId::as_str), proof.range)).collect()
}

/// Days with staged rows, and days in the lake of which a window was read.
fn days_to_look_at(
    staged: &[Arc<StagedObject>],
    objects: &BTreeMap<SessionDate, ObjectMeta>,
    reads: &Reads,
) -> BTreeSet<SessionDate> {
    let with_rows = staged.iter().flat_map(|object| &object.header.parts).map(|part| part.date);
    let read = objects.keys().copied().filter(|date| reads.touch(*date));
    with_rows.chain(read).collect()
}

impl CommitSummary {
    fn of(days: Vec<DayChange>, rejects: RejectCount, staged: &[Arc<StagedObject>]) -> Self {
        let mut summary = Self { rejects: rejects.distinct, rejects_new: rejects.new, ..Self::default() };
        for day in &days {
            summary.rows.add(&day.change);
            summary.days_written += u64::from(day.written);
            summary.bytes_written += if day.written { day.bytes } else { 0 };
        }
        let windows = staged.iter().filter(|object| object.header.proof.is_some()).count();
        summary.windows = u64::try_from(windows).unwrap_or_default();
        Self { days, ..summary }
    }
}

impl DayChange {
    fn add(&mut self, later: &Self) {
        self.written |= later.written;
        self.change.add(&later.change);
        (self.rows, self.bytes) = (later.rows, later.bytes);
    }
}

impl RowChange {
    fn add(&mut self, other: &Self) {
        self.new += other.new;
        self.changed += other.changed;
        self.unchanged += other.unchanged;
        self.superseded += other.superseded;
        self.not_returned += other.not_returned;
        self.moved_out += other.moved_out;
    }
}
