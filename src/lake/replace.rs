use std::sync::Arc;

use arrow::array::RecordBatch;
use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::{Error, ObjectMeta, ObjectStoreExt};

use super::encode::{PartitionWriter, WholePartition};
use super::merge::ahead;
use super::upload::Known;
use super::{DayState, LakeError, SessionDate, Writer, layout};

impl Writer {
    /// Replaces the object of a day by these rows, which are in its order. `read` is the version that they were made
    /// from; none where there was no object. Returns what the ledger keeps of the new one, and how a listing shows it.
    pub(super) async fn replace_partition(
        &self,
        date: SessionDate,
        read: Option<&ObjectMeta>,
        rows: BoxStream<'static, Result<RecordBatch, LakeError>>,
    ) -> Result<(DayState, ObjectMeta), LakeError> {
        let object = self.encode_partition(date, rows).await?;
        self.put_partition(date, read, object).await
    }

    /// The first half of it: nothing is visible yet.
    pub(super) async fn encode_partition(
        &self,
        date: SessionDate,
        rows: BoxStream<'static, Result<RecordBatch, LakeError>>,
    ) -> Result<WholePartition, LakeError> {
        let follows = self.head.days.get(&date).and_then(|known| known.etag.as_deref());
        let (store, path) = (Arc::clone(self.lake.store()), layout::partition(&self.account, date));
        let object = PartitionWriter::new(store, path, &self.run_id, follows)?;
        fill(object, ahead(date, rows)).await?.end().await
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

async fn fill(
    mut object: PartitionWriter,
    mut rows: BoxStream<'_, Result<RecordBatch, LakeError>>,
) -> Result<PartitionWriter, LakeError> {
    while let Some(batch) = rows.next().await {
        object = match batch {
            Ok(batch) => object.write(batch).await?,
            Err(error) => {
                object.abort().await;
                return Err(error);
            }
        };
    }
    Ok(object)
}
