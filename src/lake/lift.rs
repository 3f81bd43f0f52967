use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::RecordBatch;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};

use super::partition::Partition;
use super::staged_file::{self, Footer};
use super::{DayState, Lake, LakeError, PartitionObject, Writer};
use crate::decode::{Lifted, lift};
use crate::schema::Schema;

impl Writer {
    /// Replaces a partition by the same rows under the present schema, in the same order; how many values
    /// were lifted out of `extra`.
    pub(super) async fn lift_partition(&self, object: &PartitionObject) -> Result<(DayState, u64), LakeError> {
        let values = Arc::new(AtomicU64::new(0));
        let batches = Partition::open_older(&self.lake, &object.meta).await?.stream(None)?;
        let (path, found) = (object.meta.location.clone(), Arc::clone(&values));
        let rows = batches.and_then(move |batch| {
            let (path, found) = (path.clone(), Arc::clone(&found));
            async move {
                let lifted = lifted(&path, batch).await?;
                found.fetch_add(lifted.values, Ordering::Relaxed);
                Ok(lifted.rows)
            }
        });
        let (state, _) = self.replace_partition(object.date, Some(&object.meta), rows.boxed()).await?;
        Ok((state, values.load(Ordering::Relaxed)))
    }
}

/// Whether the rows of a staged object are under the present schema.
pub(super) async fn is_staged_current(lake: &Lake, path: &Path) -> Result<bool, LakeError> {
    Ok(Footer::read(lake, path).await?.batches.schema.fields() == Schema::conversations_arrow().fields())
}

/// Replaces a staged object by the same batches under the present schema; what it says of itself stays.
pub(super) async fn lift_staged(lake: &Lake, path: &Path) -> Result<(), LakeError> {
    let Footer { metadata, batches } = Footer::read(lake, path).await?;
    let all: Vec<_> = (0..batches.len()).collect();
    let mut rows = Vec::new();
    for batch in batches.read(lake, path, &all, None).await? {
        rows.push(lifted(path, batch).await?.rows);
    }
    let encoding = tokio::task::spawn_blocking(move || staged_file::encode(&rows, metadata));
    let bytes = encoding.await.expect("encoding does not panic")?;
    let put = lake.store().put(path, PutPayload::from(bytes)).await;
    put.map(drop).map_err(|source| LakeError::store("write", path.to_string(), source))
}

async fn lifted(path: &Path, batch: RecordBatch) -> Result<Lifted, LakeError> {
    let lifting = tokio::task::spawn_blocking(move || lift(&batch));
    let lifted = lifting.await.expect("lifting does not panic");
    lifted.map_err(|source| LakeError::Lift { path: path.to_string(), source })
}
