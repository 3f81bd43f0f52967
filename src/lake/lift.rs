use std::sync::Arc;

use arrow::array::RecordBatch;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};

use super::encode::PartitionWriter;
use super::partition::Partition;
use super::{DayState, Lake, LakeError, PartitionObject, Writer, staging};
use crate::decode::{Lifted, lift};
use crate::schema::Schema;

impl Writer {
    /// Replaces a partition by the same rows under the present schema, in the same order; how many values
    /// were lifted out of `extra`.
    pub(super) async fn lift_partition(&self, object: &PartitionObject) -> Result<(DayState, u64), LakeError> {
        let Self { lake, run_id, lock, .. } = self;
        let path = &object.meta.location;
        let mut batches = Box::pin(Partition::open_older(lake, &object.meta).await?.stream(None)?);
        let mut written = PartitionWriter::new(Arc::clone(lake.store()), path.clone(), run_id)?;
        let mut values = 0;
        while let Some(batch) = batches.try_next().await? {
            let lifted = lifted(path, batch).await?;
            values += lifted.values;
            written = written.write(lifted.rows).await?;
        }
        lock.check().await?;
        let rows = written.finish().await?;
        lock.check().await?;
        let meta = lake.store().head(path).await;
        let meta = meta.map_err(|source| LakeError::store("read", path.to_string(), source))?;
        let run_id = Some(run_id.to_string());
        Ok((DayState { etag: meta.e_tag, rows, bytes: meta.size, run_id }, values))
    }
}

/// Whether the rows of a staged object are under the present schema.
pub(super) async fn is_staged_current(lake: &Lake, path: &Path) -> Result<bool, LakeError> {
    let reader = staging::read(lake, path, None).await?;
    Ok(reader.schema().fields() == Schema::conversations_arrow().fields())
}

/// Replaces a staged object by the same batches under the present schema; what it says of itself stays.
pub(super) async fn lift_staged(lake: &Lake, path: &Path) -> Result<(), LakeError> {
    let reader = staging::read(lake, path, None).await?;
    let metadata = reader.custom_metadata().clone();
    let mut batches = Vec::new();
    for batch in reader {
        let batch = batch.map_err(|error| staging::corrupt(path, error.to_string()))?;
        batches.push(lifted(path, batch).await?.rows);
    }
    let encoding = tokio::task::spawn_blocking(move || staging::encode(&batches, metadata));
    let bytes = encoding.await.expect("encoding does not panic")?;
    let put = lake.store().put(path, PutPayload::from(bytes)).await;
    put.map(drop).map_err(|source| LakeError::store("write", path.to_string(), source))
}

async fn lifted(path: &Path, batch: RecordBatch) -> Result<Lifted, LakeError> {
    let lifting = tokio::task::spawn_blocking(move || lift(&batch));
    let lifted = lifting.await.expect("lifting does not panic");
    lifted.map_err(|source| LakeError::Lift { path: path.to_string(), source })
}
