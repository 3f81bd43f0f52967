use std::time::Duration;

use arrow::array::{Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use futures::TryStreamExt;
use object_store::{ObjectMeta, ObjectStoreExt};
use serde::Serialize;

use super::coverage::whole_second;
use super::key::column;
use super::partition::Partition;
use super::{AccountHead, Lake, LakeError, SessionDate};
use crate::clock::{TimeRange, UtcTime, object_id_time};
use crate::schema::{AccountId, Schema, StreamId};

/// How long before its end a session can have started: email conversations stay open up to 30 days (F19).
const LONGEST_SESSION: Duration = Duration::from_hours(31 * 24);

/// Which time of a session the server filters by (F17).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionTime {
    /// Its start.
    Start,
    /// Its end.
    End,
}

/// A row that was open when it was last read, or had ended of late.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OpenRow {
    /// Stream that it was read of; none where a replayed file named none.
    pub stream: Option<StreamId>,
    /// Second in which it started: by the record, else by its session id (F15).
    pub start: UtcTime,
    /// When it ended; none of an open row, whose end time says nothing (F22).
    pub end: Option<UtcTime>,
    /// When it was last read: the later of its fetch and the last proven read of its second.
    pub last_read: UtcTime,
    /// Its partition.
    pub session_date: SessionDate,
    /// Its session.
    pub session_id: String,
    /// Its conversation.
    pub conversation_id: Option<String>,
}

impl Lake {
    /// Seconds (since 1970-01-01, in order, one a row) in which the sessions of a stream that are in the lake started
    /// or ended, of those within `range`: what tells how full a window will be. Rows without that time are left out.
    ///
    /// Takes 8 bytes a row; of the partitions that can hold such rows two columns are read. By their ends these are
    /// the partitions of 31 days more: a session that took longer is left out.
    ///
    /// # Errors
    /// [`LakeError::Store`]: a retry can help. [`LakeError::CorruptPartition`], [`LakeError::OtherSchema`].
    pub async fn session_seconds(
        &self,
        account: &AccountId,
        stream: &StreamId,
        range: TimeRange,
        by: SessionTime,
    ) -> Result<Vec<i64>, LakeError> {
        let (name, earliest) = match by {
            SessionTime::Start => ("session_start_time", range.from()),
            SessionTime::End => ("session_end_time", range.from().minus(LONGEST_SESSION)),
        };
        let mut seconds = Vec::new();
        let columns = ["_stream_id", name];
        for (_, meta) in self.partitions_of(account, earliest, Some(range.to())).await? {
            let found = self.gather(&meta, &columns, |batch, found: &mut Vec<i64>| {
                let (streams, times) = (texts(batch, "_stream_id")?, times(batch, name)?);
                let of_stream = (0..batch.num_rows()).filter(|row| text(streams, *row) == Some(stream.as_str()));
                let in_range = of_stream.filter_map(|row| time(times, row)).filter(|time| range.contains(*time));
                found.extend(in_range.map(UtcTime::seconds));
                Ok(())
            });
            seconds.extend(found.await?);
        }
        seconds.sort_unstable();
        Ok(seconds)
    }

    /// Rows that are open by their status and started at or after `since`, of a stream or of all, oldest first.
    ///
    /// # Errors
    /// As [`session_seconds`](Self::session_seconds), and [`LakeError::CorruptLedger`].
    pub async fn open_rows(
        &self,
        account: &AccountId,
        stream: Option<&StreamId>,
        since: UtcTime,
    ) -> Result<Vec<OpenRow>, LakeError> {
        self.long_rows(account, stream, since, Duration::MAX).await
    }

    /// The same, with rows that have ended and took longer than `longer_than`: what looks back from their end finds
    /// what came after it (F19), and what looks back from their start does not.
    ///
    /// # Errors
    /// As [`open_rows`](Self::open_rows).
    pub async fn long_rows(
        &self,
        account: &AccountId,
        stream: Option<&StreamId>,
        since: UtcTime,
        longer_than: Duration,
    ) -> Result<Vec<OpenRow>, LakeError> {
        let head = self.head(account).await?;
        let mut rows = Vec::new();
        for (date, meta) in self.partitions_of(account, since, None).await? {
            let found = self.gather(&meta, &OPEN_COLUMNS, |batch, found: &mut Vec<OpenRow>| {
                let open = OpenColumns::of(batch)?;
                let rows = (0..batch.num_rows()).filter_map(|row| open.row(row, date, longer_than, head.as_ref()));
                let of_stream = |row: &OpenRow| stream.is_none() || row.stream.as_ref() == stream;
                found.extend(rows.filter(|row| row.start >= since && of_stream(row)));
                Ok(())
            });
            rows.extend(found.await?);
        }
        rows.sort_by_key(|row| row.start);
        Ok(rows)
    }

    /// Partitions that can hold rows of `from` to `to`: one day more at either side, since a row stands where its
    /// session id says and can have started a little earlier or later.
    async fn partitions_of(
        &self,
        account: &AccountId,
        from: UtcTime,
        to: Option<UtcTime>,
    ) -> Result<Vec<(SessionDate, ObjectMeta)>, LakeError> {
        let (first, last) = (from.days().saturating_sub(1), to.map_or(i32::MAX, |to| to.days().saturating_add(1)));
        let partitions = self.account_partitions(account).await?.into_iter();
        let near = partitions.filter(|partition| (first..=last).contains(&partition.date.days()));
        Ok(near.map(|partition| (partition.date, partition.meta)).collect())
    }

    /// Streams some columns of a partition, from the start again where a writer replaced it meanwhile.
    pub(super) async fn gather<T>(
        &self,
        meta: &ObjectMeta,
        columns: &[&str],
        take: impl Fn(&RecordBatch, &mut Vec<T>) -> Result<(), LakeError>,
    ) -> Result<Vec<T>, LakeError> {
        let mut meta = meta.clone();
        loop {
            match self.gather_once(&meta, columns, &take).await {
                Ok(found) => return Ok(found),
                Err(error) => meta = self.replaced(&meta, error).await?,
            }
        }
    }

    /// The object that has taken the place of the one whose read failed, where that is why it failed.
    pub(super) async fn replaced(&self, meta: &ObjectMeta, error: LakeError) -> Result<ObjectMeta, LakeError> {
        let LakeError::Store { source: object_store::Error::Precondition { .. }, .. } = error else {
            return Err(error);
        };
        let path = &meta.location;
        let found = self.store().head(path).await;
        let found = found.map_err(|source| LakeError::store("read", path.to_string(), source))?;
        if found.e_tag == meta.e_tag { Err(error) } else { Ok(found) }
    }

    async fn gather_once<T>(
        &self,
        meta: &ObjectMeta,
        columns: &[&str],
        take: &impl Fn(&RecordBatch, &mut Vec<T>) -> Result<(), LakeError>,
    ) -> Result<Vec<T>, LakeError> {
        let mut found = Vec::new();
        let mut batches = Box::pin(Partition::open(self, meta).await?.stream(Some(columns))?);
        while let Some(batch) = batches.try_next().await? {
            take(&batch, &mut found)?;
        }
        Ok(found)
    }
}

/// Columns that tell an open row.
const OPEN_COLUMNS: [&str; 7] = [
    "session_id",
    "conversation_id",
    "session_start_time",
    "session_end_time",
    "final_status",
    "_fetched_at",
    "_stream_id",
];

struct OpenColumns<'a> {
    session: &'a StringArray,
    conversation: &'a StringArray,
    start: &'a TimestampMicrosecondArray,
    end: &'a TimestampMicrosecondArray,
    status: &'a StringArray,
    fetched_at: &'a TimestampMicrosecondArray,
    stream: &'a StringArray,
}

impl<'a> OpenColumns<'a> {
    fn of(batch: &'a RecordBatch) -> Result<Self, LakeError> {
        Ok(Self {
            session: texts(batch, "session_id")?,
            conversation: texts(batch, "conversation_id")?,
            start: times(batch, "session_start_time")?,
            end: times(batch, "session_end_time")?,
            status: texts(batch, "final_status")?,
            fetched_at: times(batch, "_fetched_at")?,
            stream: texts(batch, "_stream_id")?,
        })
    }

    /// The row if it is open or took longer than `longer_than`.
    fn row(&self, row: usize, date: SessionDate, longer_than: Duration, head: Option<&AccountHead>) -> Option<OpenRow> {
        let is_open = text(self.status, row).is_some_and(|text| Schema::conversations().is_open_status(text.trim()));
        let end = time(self.end, row).filter(|_| !is_open);
        if !is_open && end.is_none() {
            return None;
        }
        let session_id = self.session.value(row);
        // The second that the server would be asked for: what the record says, before what its id says.
        let start = whole_second(time(self.start, row).or_else(|| object_id_time(session_id))?);
        if end.is_some_and(|end| end.since(start) <= longer_than) {
            return None;
        }
        let stream: Option<StreamId> = text(self.stream, row).and_then(|stream| stream.parse().ok());
        let read = head.and_then(|head| head.stream(stream.as_ref())?.coverage.last_read(start));
        let fetched_at = UtcTime::from_micros(self.fetched_at.value(row));
        Some(OpenRow {
            stream,
            start,
            end,
            last_read: read.map_or(fetched_at, |read| read.max(fetched_at)),
            session_date: date,
            session_id: session_id.to_owned(),
            conversation_id: text(self.conversation, row).filter(|id| !id.is_empty()).map(str::to_owned),
        })
    }
}

fn texts<'a>(batch: &'a RecordBatch, name: &'static str) -> Result<&'a StringArray, LakeError> {
    column(batch, name)
}

fn times<'a>(batch: &'a RecordBatch, name: &'static str) -> Result<&'a TimestampMicrosecondArray, LakeError> {
    column(batch, name)
}

fn text(texts: &StringArray, row: usize) -> Option<&str> {
    texts.is_valid(row).then(|| texts.value(row))
}

fn time(times: &TimestampMicrosecondArray, row: usize) -> Option<UtcTime> {
    times.is_valid(row).then(|| UtcTime::from_micros(times.value(row)))
}
