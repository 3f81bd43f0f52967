use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::RecordBatch;
use futures::{Stream, StreamExt, TryStreamExt, future};
use object_store::ObjectMeta;

use super::coming::{Coming, Numbered};
use super::day::DayKeys;
use super::fate::Reads;
use super::kept::KeptValues;
use super::key::{KEY_COLUMNS, KeyColumns};
use super::merge::{MergeContext, merge_failed};
use super::moved::Placement;
use super::partition::{self, Partition};
use super::staging::StagedObject;
use super::{DayChange, DayState, LakeError, PartitionObject, SessionDate, Writer};
use crate::clock::TimeRange;
use crate::schema::{Schema, StreamId};

/// The partitions as they are after a commit.
pub(super) type DayStates = BTreeMap<SessionDate, DayState>;

/// The days of one commit.
pub(super) struct DaysCommit<'a> {
    writer: &'a Writer,
    staged: &'a [Arc<StagedObject>],
    reads: Reads<'a>,
    placement: Placement,
    objects: BTreeMap<SessionDate, ObjectMeta>,
    merge: Arc<MergeContext>,
    states: DayStates,
}

impl<'a> DaysCommit<'a> {
    /// Commits the staged rows, day by day.
    pub(super) async fn run(
        writer: &'a Writer,
        staged: &'a [Arc<StagedObject>],
    ) -> Result<(Vec<DayChange>, DayStates), LakeError> {
        let mut commit = Self::new(writer, staged).await?;
        let mut changes = BTreeMap::new();
        for date in days_to_look_at(staged, &commit.objects, &commit.reads) {
            writer.check_stop()?;
            changes.insert(date, commit.commit(date, true).await?);
        }
        // Rows that moved leave their old day only now that the new one is written.
        for date in commit.placement.leaving.keys().copied().collect::<Vec<_>>() {
            let change = commit.commit(date, false).await?;
            changes.entry(date).and_modify(|known: &mut DayChange| known.add(&change)).or_insert(change);
        }
        Ok((changes.into_values().collect(), commit.states))
    }

    async fn new(writer: &'a Writer, staged: &'a [Arc<StagedObject>]) -> Result<Self, LakeError> {
        let reads = Reads::new(&writer.head.streams, proven_now(staged));
        let partitions = writer.lake.account_partitions(&writer.account).await?;
        expect_no_others(writer, &partitions).await?;
        let objects: BTreeMap<_, _> = partitions.into_iter().map(|found| (found.date, found.meta)).collect();
        let merge = MergeContext::new(writer.memory_limit_bytes, writer.spill_folder.as_deref());
        let merge = Arc::new(merge.map_err(LakeError::Memory)?);
        let placement = Placement::of(&writer.lake, staged, &objects, &reads).await?;
        Ok(Self { writer, staged, reads, placement, objects, merge, states: BTreeMap::new() })
    }

    /// Commits one day: its staged rows (`coming`), or only those rows that leave it.
    async fn commit(&mut self, date: SessionDate, coming: bool) -> Result<DayChange, LakeError> {
        let staged = if coming { self.staged } else { &[] };
        let keys = Arc::new(self.decide(date, staged, coming).await?);
        let change = keys.change();
        let written = keys.changes_anything();
        if written {
            self.write(date, staged, keys).await?;
        } else if let Some(object) = self.objects.get(&date).filter(|_| !self.states.contains_key(&date)) {
            let state = partition::state(&self.writer.lake, object).await?;
            self.states.insert(date, state);
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
                            keys.settle(row.key, placed);
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
        let lake = &self.writer.lake;
        let kept = Arc::new(self.kept(date, staged, &keys).await?);
        let row_bytes = staged.iter().map(|object| object.row_bytes(date)).max().unwrap_or_default();
        let coming = Coming { lake: lake.clone(), date, keys: Arc::clone(&keys), kept, merge: Arc::clone(&self.merge) };
        let coming = coming.sorted(numbered(staged, date));
        let merged = match self.objects.get(&date) {
            Some(object) => {
                let stored = staying(Partition::open(lake, object).await?, keys)?;
                let merged = self.merge.merge(stored, coming, row_bytes).map_err(|error| merge_failed(date, error))?;
                merged.map_err(move |error| merge_failed(date, error)).boxed()
            }
            None => coming,
        };
        let merged = merged.and_then(|batch| future::ready(self.writer.check_stop().map(|()| batch)));
        let (state, meta) = self.writer.replace_partition(date, self.objects.get(&date), merged).await?;
        self.states.insert(date, state);
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

/// A day that neither the ledger nor this run has made so comes from a writer that had lost the account. The next writer
/// sees to what it may have taken away.
async fn expect_no_others(writer: &Writer, partitions: &[PartitionObject]) -> Result<(), LakeError> {
    for object in partitions.iter().filter(|object| !writer.head.knows(object)) {
        let state = partition::state(&writer.lake, &object.meta).await?;
        if state.run_id.as_deref() != Some(writer.run_id.as_str()) {
            return Err(writer.replaced_by_another(object.meta.location.as_ref()));
        }
    }
    Ok(())
}

/// The objects that hold rows of a day, each with the number of its first row among them.
fn numbered(staged: &[Arc<StagedObject>], date: SessionDate) -> Vec<Numbered> {
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

fn proven_now(staged: &[Arc<StagedObject>]) -> Vec<(&str, TimeRange)> {
    let proofs = staged.iter().filter_map(|object| object.header.proof.as_ref());
    let proofs = proofs.filter(|proof| proof.whole && proof.covers);
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
