use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use arrow::array::RecordBatch;
use futures::{Stream, StreamExt, TryFutureExt, TryStreamExt, future, stream};
use object_store::ObjectMeta;
use tokio_util::sync::CancellationToken;

use super::coming::{Coming, Numbered};
use super::day::{DayKeys, DayRow};
use super::day_fates::DayFates;
use super::day_parts::{DayParts, parts_of};
use super::fate::Reads;
use super::kept::KeptValues;
use super::key::{KEY_COLUMNS, KeyColumns, KeyRow};
use super::merge::{MergeContext, merge_failed};
use super::moved::Placement;
use super::partition::{self, Partition};
use super::staging::StagedObject;
use super::turn::{Turn, first_turn};
use super::{DayChange, DayState, LakeError, PartitionObject, RowChange, SessionDate, Writer};
use crate::clock::TimeRange;
use crate::schema::{Schema, StreamId};

/// The partitions as they are after a commit.
pub(super) type DayStates = BTreeMap<SessionDate, DayState>;

/// Days that are under way at a time: one is decided, one encoded, one put in its place.
const DAYS_AT_ONCE: usize = 3;

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

/// What became of a day.
struct Committed {
    change: RowChange,
    /// Its object, where that was replaced.
    written: Option<ObjectMeta>,
    /// What the ledger keeps of the object, where this was found out.
    state: Option<DayState>,
}

impl<'a> DaysCommit<'a> {
    /// Commits the staged rows, day by day.
    pub(super) async fn run(
        writer: &'a Writer,
        staged: &'a [Arc<StagedObject>],
    ) -> Result<(Vec<DayChange>, DayStates), LakeError> {
        let mut commit = Self::new(writer, staged).await?;
        let mut changes = BTreeMap::new();
        let days = days_to_look_at(staged, &commit.objects, &commit.reads);
        commit.commit_all(days, true, &mut changes).await?;
        // Rows that moved leave their old day only now that the new one is written.
        let days = commit.placement.leaving.keys().copied().collect();
        commit.commit_all(days, false, &mut changes).await?;
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

    /// Commits some days, written in their order. Behind one that fails none is written but those that are encoded already.
    async fn commit_all(
        &mut self,
        days: BTreeSet<SessionDate>,
        coming: bool,
        changes: &mut BTreeMap<SessionDate, DayChange>,
    ) -> Result<(), LakeError> {
        let (mut committed, mut failed) = (Vec::new(), None);
        let has_failed = CancellationToken::new();
        let mut last = first_turn();
        let days = stream::iter(days).take_until(has_failed.cancelled());
        let under_way =
            days.map(|date| self.commit(date, coming, Turn::behind(&mut last)).map_ok(move |day| (date, day)));
        let mut under_way = Box::pin(under_way.buffered(DAYS_AT_ONCE));
        while let Some(day) = under_way.next().await {
            match day {
                Ok(day) => committed.push(day),
                Err(error) => {
                    has_failed.cancel();
                    failed.get_or_insert(error);
                }
            }
        }
        drop(under_way);
        if let Some(error) = failed {
            return Err(error);
        }
        for (date, Committed { change, written, state }) in committed {
            let is_written = written.is_some();
            self.objects.extend(written.map(|meta| (date, meta)));
            self.states.extend(state.map(|state| (date, state)));
            let (rows, bytes) = self.states.get(&date).map_or((0, 0), |state| (state.rows, state.bytes));
            let change = DayChange { date, written: is_written, change, rows, bytes };
            changes.entry(date).and_modify(|known| known.add(&change)).or_insert(change);
        }
        Ok(())
    }

    /// Commits one day: its staged rows (`coming`), or only those rows that leave it.
    async fn commit(&self, date: SessionDate, coming: bool, turn: Turn) -> Result<Committed, LakeError> {
        self.writer.check_stop()?;
        let staged = if coming { self.staged } else { &[] };
        let fates = self.decide(date, staged, coming).await?;
        let change = fates.change;
        if fates.changes_anything() {
            let (state, meta) = self.write(date, staged, Arc::new(fates), turn).await?;
            return Ok(Committed { change, written: Some(meta), state: Some(state) });
        }
        turn.taken().await?.done();
        let state = match self.objects.get(&date).filter(|_| !self.states.contains_key(&date)) {
            Some(object) => Some(partition::state(&self.writer.lake, object).await?),
            None => None,
        };
        Ok(Committed { change, written: None, state })
    }

    /// Pass over the keys: of the staged rows, then of the stored ones; all at once, or part by part where they are too
    /// many.
    async fn decide(
        &self,
        date: SessionDate,
        staged: &[Arc<StagedObject>],
        coming: bool,
    ) -> Result<DayFates, LakeError> {
        let staged_rows = staged.iter().map(|object| object.rows_of(date)).sum();
        let parts = parts_of(staged_rows, self.writer.memory_limit_bytes);
        let reads = self.reads.of_day(date, coming);
        if parts == 1 {
            let leaving = self.placement.leaving.get(&date).filter(|_| !coming).cloned();
            let (mut keys, mut fates) = (DayKeys::new(leaving.unwrap_or_default()), DayFates::default());
            self.each_staged(date, staged, |row| {
                keys.fold_staged(row);
                Ok(())
            })
            .await?;
            keys.supersede_staged();
            self.each_stored(date, &reads, |row| {
                keys.fold_stored(row, &mut fates);
                Ok(())
            })
            .await?;
            keys.decide(&mut fates);
            return Ok(fates);
        }
        let mut cut = DayParts::new(parts, self.writer.spill_folder.as_deref()).map_err(LakeError::Spill)?;
        self.each_staged(date, staged, |row| cut.add_staged(row)).await?;
        self.each_stored(date, &reads, |row| cut.add_stored(row)).await?;
        let decided = tokio::task::spawn_blocking(move || cut.decide()).await;
        decided.expect("deciding does not panic").map_err(LakeError::Spill)
    }

    /// The staged rows of a day, without those whose key belongs to another row.
    async fn each_staged(
        &self,
        date: SessionDate,
        staged: &[Arc<StagedObject>],
        mut visit: impl FnMut(&DayRow) -> io::Result<()>,
    ) -> Result<(), LakeError> {
        for (object, first) in numbered(staged, date) {
            let mut ordinals = first..;
            for (_, batch) in object.batches(&self.writer.lake, Some(date), Some(&KEY_COLUMNS)).await? {
                for (row, ordinal) in KeyColumns::of(&batch)?.rows().zip(&mut ordinals) {
                    let placed = self.placement.placed.get(&row.key);
                    if placed.is_none_or(|placed| (placed.date, placed.ordinal) == (date, ordinal)) {
                        let settled = placed.map(|placed| placed.fate);
                        visit(&DayRow { settled, ..day_row(&row, ordinal) }).map_err(LakeError::Spill)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// The stored rows of a day, each as late as the last proven read of its second.
    async fn each_stored(
        &self,
        date: SessionDate,
        reads: &Reads<'_>,
        mut visit: impl FnMut(&DayRow) -> io::Result<()>,
    ) -> Result<(), LakeError> {
        let Some(object) = self.objects.get(&date) else { return Ok(()) };
        let partition = Partition::open(&self.writer.lake, object).await?;
        let mut batches = Box::pin(partition.stream(Some(&KEY_COLUMNS))?);
        let mut ordinals = 0..;
        while let Some(batch) = batches.try_next().await? {
            for (row, ordinal) in KeyColumns::of(&batch)?.rows().zip(&mut ordinals) {
                let was_asked_for = reads.was_asked_for(&row) && !self.placement.placed.contains_key(&row.key);
                let row = DayRow { rank: reads.stored_rank(&row), was_asked_for, ..day_row(&row, ordinal) };
                visit(&row).map_err(LakeError::Spill)?;
            }
        }
        Ok(())
    }

    /// Second pass: the stored rows that stay, merged with the staged rows that come, to a new object.
    async fn write(
        &self,
        date: SessionDate,
        staged: &[Arc<StagedObject>],
        fates: Arc<DayFates>,
        turn: Turn,
    ) -> Result<(DayState, ObjectMeta), LakeError> {
        let lake = &self.writer.lake;
        let stored = self.objects.get(&date);
        let turn = turn.taken().await?;
        let kept = Arc::new(self.kept(date, staged, &fates).await?);
        let row_bytes = staged.iter().map(|object| object.row_bytes(date)).max().unwrap_or_default();
        let coming =
            Coming { lake: lake.clone(), date, fates: Arc::clone(&fates), kept, merge: Arc::clone(&self.merge) };
        let coming = coming.sorted(numbered(staged, date));
        let merged = match stored {
            Some(object) => {
                let stored = staying(Partition::open(lake, object).await?, fates)?;
                let merged = self.merge.merge(stored, coming, row_bytes).map_err(|error| merge_failed(date, error))?;
                merged.map_err(move |error| merge_failed(date, error)).boxed()
            }
            None => coming,
        };
        let stop = self.writer.stop.clone();
        let stopped = move || if stop.is_cancelled() { Err(LakeError::Stopped) } else { Ok(()) };
        let merged = merged.and_then(move |batch| future::ready(stopped().map(|()| batch))).boxed();
        let object = self.writer.encode_partition(date, merged).await?;
        turn.done();
        self.writer.put_partition(date, stored, object).await
    }

    /// Values to keep where the server refused a field by name.
    async fn kept(
        &self,
        date: SessionDate,
        staged: &[Arc<StagedObject>],
        fates: &DayFates,
    ) -> Result<KeptValues, LakeError> {
        let of_day = staged.iter().filter(|object| object.rows_of(date) > 0);
        let refused: BTreeSet<_> =
            of_day.flat_map(|object| &object.header.refused_columns).map(String::as_str).collect();
        match self.objects.get(&date).filter(|_| !refused.is_empty()) {
            Some(object) => KeptValues::read(Partition::open(&self.writer.lake, object).await?, &refused, fates).await,
            None => Ok(KeptValues::default()),
        }
    }
}

fn day_row(row: &KeyRow, ordinal: u64) -> DayRow {
    let KeyRow { key, session, rank, has_id_time, .. } = *row;
    DayRow { key, session, rank, ordinal, has_id_time, was_asked_for: false, settled: None }
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
    fates: Arc<DayFates>,
) -> Result<impl Stream<Item = Result<RecordBatch, LakeError>> + Send + 'static, LakeError> {
    let under_schema =
        |batch: RecordBatch| Ok(RecordBatch::try_new(Schema::conversations_arrow(), batch.columns().to_vec())?);
    let mut next = 0;
    let stays = move |batch: RecordBatch| {
        let first = next;
        next += u64::try_from(batch.num_rows()).unwrap_or_default();
        fates.staying(&batch, first)
    };
    Ok(partition.stream(None)?.map_ok(stays).map(move |batch| under_schema(batch??)))
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
