use std::sync::Arc;

use arrow::array::RecordBatch;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt};
use object_store::{Error, ObjectMeta, ObjectStoreExt};

use super::encode::{PartitionWriter, WholePartition};
use super::upload::Known;
use super::{DayState, LakeError, SessionDate, Writer, layout};

impl Writer {
    /// Replaces the object of a day by these rows, which are in its order. `read` is the version that they were made
    /// from; none where there was no object. Returns what the ledger keeps of the new one, and how a listing shows it.
    pub(super) async fn replace_partition(
        &self,
        date: SessionDate,
        read: Option<&ObjectMeta>,
        rows: impl Stream<Item = Result<RecordBatch, LakeError>> + Send,
    ) -> Result<(DayState, ObjectMeta), LakeError> {
        let object = self.encode_partition(date, rows).await?;
        self.put_partition(date, read, object).await
    }

    /// The first half of it: nothing is visible yet.
    pub(super) async fn encode_partition(
        &self,
        date: SessionDate,
        rows: impl Stream<Item = Result<RecordBatch, LakeError>> + Send,
    ) -> Result<WholePartition, LakeError> {
        let follows = self.head.days.get(&date).and_then(|known| known.etag.as_deref());
        let (store, path) = (Arc::clone(self.lake.store()), layout::partition(&self.account, date));
        let object = PartitionWriter::new(store, path, &self.run_id, follows)?;
        fill(object, rows.boxed()).await?.end().await
    }

    /// The second half.
    pub(super) async fn put_partition(
        &self,
        date: SessionDate,
        read: Option<&ObjectMeta>,
        object: WholePartition,
    ) -> Result<(DayState, ObjectMeta), LakeError> {
        if let Err(lost) = self.lock.check().await {
            object.abort().await;
            return Err(lost);
        }
        let known = read.map_or(Known::Absent, |meta| Known::of(meta.e_tag.as_ref()));
        let rows = object.rows;
        let put = object.put(&known).await.map_err(|error| self.refused(error))?;
        self.lock.check().await?;
        let path = &layout::partition(&self.account, date);
        let meta = self.lake.store().head(path).await;
        let meta = meta.map_err(|source| LakeError::store("read", path.to_string(), source))?;
        // The ETag of what was put, not of what lies there by now.
        let etag = put.e_tag.or_else(|| meta.e_tag.clone());
        Ok((DayState { etag, rows, bytes: meta.size, run_id: Some(self.run_id.to_string()) }, meta))
    }

    /// A write that was refused since the object is not what this writer read: another one is at work.
    pub(super) fn refused(&self, error: LakeError) -> LakeError {
        match error {
            LakeError::Store { source: Error::Precondition { .. } | Error::AlreadyExists { .. }, path, .. } => {
                self.replaced_by_another(&path)
            }
            error => error,
        }
    }

    pub(super) fn replaced_by_another(&self, path: &str) -> LakeError {
        let reason = format!("another writer has replaced `{path}` meanwhile");
        LakeError::LockLost { account: self.account.clone(), reason }
    }
}

/// Encodes the rows; while some are encoded, the next ones are merged.
async fn fill(
    mut object: PartitionWriter,
    mut rows: BoxStream<'_, Result<RecordBatch, LakeError>>,
) -> Result<PartitionWriter, LakeError> {
    let mut next = rows.next().await;
    while let Some(batch) = next {
        object = match batch {
            Ok(batch) => {
                let (written, following) = futures::join!(object.write(batch), rows.next());
                next = following;
                written?
            }
            Err(error) => {
                object.abort().await;
                return Err(error);
            }
        };
    }
    Ok(object)
}
