use std::sync::Arc;

use arrow::array::RecordBatch;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt, TryStreamExt, stream};

use super::day_fates::DayFates;
use super::kept::KeptValues;
use super::merge::{MergeContext, merge_failed};
use super::order::{Sorter, rows_before, starts};
use super::staging::StagedObject;
use super::{Lake, LakeError, SessionDate};

/// Rows that are worth a batch: objects of fewer are put together.
const FEW_ROWS: u64 = 2_048;

/// Of the memory, one part in so many is for rows that are sorted at a time.
const SORTED_ONE_IN: u64 = 4;

/// The staged rows of one day that come to the lake.
#[derive(Clone)]
pub(super) struct Coming {
    pub lake: Lake,
    pub date: SessionDate,
    pub fates: Arc<DayFates>,
    pub kept: Arc<KeptValues>,
    pub merge: Arc<MergeContext>,
}

/// A staged object with the number of its first row among those of its day.
pub(super) type Numbered = (Arc<StagedObject>, u64);

type Rows = BoxStream<'static, Result<RecordBatch, LakeError>>;

/// Objects that are sorted together.
struct Group {
    objects: Vec<Numbered>,
    rows: u64,
    bytes: u64,
    /// Last start of its rows, at which the next group begins, if it begins there: windows share their edge.
    shared: Option<i64>,
}

impl Coming {
    /// The rows in the order of an object. What is staged is sorted within each object, and objects of different times
    /// follow each other; only those whose times overlap are sorted together.
    pub(super) fn sorted(self, staged: Vec<Numbered>) -> Rows {
        let room_bytes = self.merge.memory_bytes() / SORTED_ONE_IN;
        let groups = groups(staged, self.date, room_bytes).into_iter();
        let next = move |(mut groups, edge): (std::vec::IntoIter<Group>, Vec<RecordBatch>)| {
            let coming = self.clone();
            async move {
                let Some(group) = groups.next() else { return Ok::<_, LakeError>(None) };
                let (rows, edge) = coming.group(group, edge, room_bytes).await?;
                Ok(Some((rows, (groups, edge))))
            }
        };
        stream::try_unfold((groups, Vec::new()), next).try_flatten().boxed()
    }

    /// The rows of a group, behind those at the edge of the one before; then those at its own edge, which wait for the
    /// next.
    async fn group(
        self,
        group: Group,
        mut before: Vec<RecordBatch>,
        room_bytes: u64,
    ) -> Result<(Rows, Vec<RecordBatch>), LakeError> {
        let is_sorted = group.objects.len() == 1 && group.objects[0].0.is_sorted();
        if group.bytes > room_bytes && !is_sorted {
            return Ok((self.spilled(group, before)?, Vec::new()));
        }
        let shared = group.shared;
        let mut behind = self.unsorted(group.objects).try_collect::<Vec<_>>().await?;
        if !is_sorted {
            before.append(&mut behind);
        } else if let Some(edge) = before.first() {
            // Of rows that are in order, only those that begin with the edge are to be sorted with it.
            let (_, last) = starts(edge)?;
            let rest = split_edge(&mut behind, last.map_or(i64::MIN, |last| last.saturating_add(1)))?;
            before.append(&mut behind);
            behind = rest;
        }
        let sorter = Sorter::new(&before)?;
        let mut rows = sorter.sorted(sorter.rows())?;
        rows.append(&mut behind);
        let edge = shared.map_or_else(|| Ok(Vec::new()), |start| split_edge(&mut rows, start))?;
        Ok((stream::iter(rows.into_iter().map(Ok)).boxed(), edge))
    }

    fn spilled(self, group: Group, before: Vec<RecordBatch>) -> Result<Rows, LakeError> {
        let row_bytes = group.objects.iter().map(|(object, _)| object.row_bytes(self.date)).max().unwrap_or_default();
        let (merge, date) = (Arc::clone(&self.merge), self.date);
        let rows = stream::iter(before.into_iter().map(Ok)).chain(self.unsorted(group.objects));
        let sorted = merge.sort(rows, row_bytes).map_err(|error| merge_failed(date, error))?;
        Ok(sorted.map_err(move |error| merge_failed(date, error)).boxed())
    }

    /// The rows as they lie in the objects.
    fn unsorted(self, group: Vec<Numbered>) -> impl Stream<Item = Result<RecordBatch, LakeError>> + Send + 'static {
        let rows = move |(object, first): Numbered| self.clone().of_object(object, first);
        stream::iter(group).then(rows).map_ok(|rows| stream::iter(rows.into_iter().map(Ok))).try_flatten()
    }

    async fn of_object(self, object: Arc<StagedObject>, first: u64) -> Result<Vec<RecordBatch>, LakeError> {
        let mut ordinal = first;
        let mut coming = Vec::new();
        for (_, batch) in object.batches(&self.lake, Some(self.date), None).await? {
            let rows = self.fates.coming(&batch, ordinal)?;
            coming.push(self.kept.restore(rows, &object.header.refused_columns)?);
            ordinal += u64::try_from(batch.num_rows()).unwrap_or_default();
        }
        Ok(coming)
    }
}

/// The objects by their first start, cut where one begins no earlier than all before it have ended and there are rows
/// enough. A group too large for the memory, whose rows pass by but once, ends before the next begins.
fn groups(mut staged: Vec<Numbered>, date: SessionDate, room_bytes: u64) -> Vec<Group> {
    staged.sort_by_key(|(object, _)| object.starts_of(date));
    let mut groups: Vec<Group> = Vec::new();
    let mut until = None;
    for (object, first) in staged {
        let (begin, end) = object.starts_of(date);
        let (rows, bytes) = (object.rows_of(date), object.bytes_of(date));
        match groups.last_mut() {
            Some(group) if !group.ends(begin, until, bytes, room_bytes) => {
                group.objects.push((object, first));
                group.rows += rows;
                group.bytes += bytes;
            }
            last => {
                if let Some(group) = last.filter(|_| begin == until) {
                    group.shared = begin;
                }
                groups.push(Group { objects: vec![(object, first)], rows, bytes, shared: None });
            }
        }
        until = until.max(end);
    }
    groups
}

impl Group {
    /// Whether the next object, which begins at `begin`, is in another group.
    fn ends(&self, begin: Option<i64>, until: Option<i64>, bytes: u64, room_bytes: u64) -> bool {
        let is_full = self.rows >= FEW_ROWS || self.bytes + bytes > room_bytes;
        let is_apart = begin > until || (begin == until && begin.is_some() && self.bytes <= room_bytes);
        is_full && is_apart
    }
}

/// Takes the rows that begin at `start` off the end of rows that are in order.
fn split_edge(rows: &mut Vec<RecordBatch>, start: i64) -> Result<Vec<RecordBatch>, LakeError> {
    let mut edge = Vec::new();
    while let Some(batch) = rows.pop() {
        let behind = rows_before(&batch, start)?;
        if behind < batch.num_rows() {
            edge.push(batch.slice(behind, batch.num_rows() - behind));
        }
        if behind > 0 {
            rows.push(batch.slice(0, behind));
            break;
        }
    }
    edge.reverse();
    Ok(edge)
}
