use std::sync::Arc;

use arrow::array::RecordBatch;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt, TryStreamExt, stream};

use super::day_fates::DayFates;
use super::kept::KeptValues;
use super::merge::{MergeContext, merge_failed};
use super::order::Sorter;
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

impl Coming {
    /// The rows in the order of an object. What is staged is sorted within each object, and objects of different times
    /// follow each other; only those whose times overlap are sorted together.
    pub(super) fn sorted(self, staged: Vec<Numbered>) -> Rows {
        let room_bytes = self.merge.memory_bytes() / SORTED_ONE_IN;
        let groups = self.groups(staged, room_bytes);
        let rows = move |group: Vec<Numbered>| self.clone().group(group, room_bytes);
        stream::iter(groups).then(rows).try_flatten().boxed()
    }

    /// The objects, cut where one begins after all others have ended and there are rows enough.
    fn groups(&self, mut staged: Vec<Numbered>, room_bytes: u64) -> Vec<Vec<Numbered>> {
        staged.sort_by_key(|(object, _)| object.starts_of(self.date));
        let mut groups: Vec<Vec<Numbered>> = Vec::new();
        let (mut until, mut rows, mut bytes) = (None, 0, 0);
        for (object, first) in staged {
            let (begin, end) = object.starts_of(self.date);
            let is_apart = begin > until && (rows >= FEW_ROWS || bytes + object.bytes_of(self.date) > room_bytes);
            if groups.is_empty() || is_apart {
                groups.push(Vec::new());
                (rows, bytes) = (0, 0);
            }
            until = until.max(end);
            rows += object.rows_of(self.date);
            bytes += object.bytes_of(self.date);
            groups.last_mut().expect("one was pushed").push((object, first));
        }
        groups
    }

    async fn group(self, group: Vec<Numbered>, room_bytes: u64) -> Result<Rows, LakeError> {
        if let [(object, _)] = &group[..]
            && object.is_sorted()
        {
            return Ok(self.unsorted(group).boxed());
        }
        let bytes: u64 = group.iter().map(|(object, _)| object.bytes_of(self.date)).sum();
        if bytes <= room_bytes {
            let rows: Vec<_> = self.unsorted(group).try_collect().await?;
            let sorter = Sorter::new(&rows)?;
            return Ok(stream::iter(sorter.sorted(sorter.rows())?.into_iter().map(Ok)).boxed());
        }
        let row_bytes = group.iter().map(|(object, _)| object.row_bytes(self.date)).max().unwrap_or_default();
        let (merge, date) = (Arc::clone(&self.merge), self.date);
        let sorted = merge.sort(self.unsorted(group), row_bytes).map_err(|error| merge_failed(date, error))?;
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
