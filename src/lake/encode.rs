use std::sync::Arc;

use arrow::array::RecordBatch;
use object_store::path::Path;
use object_store::{ObjectStore, PutResult};
use parquet::errors::ParquetError;

use super::LakeError;
use super::encoder::PartitionEncoder;
use super::upload::{Known, Upload};
use crate::schema::RunId;

/// Rows to one partition object, encoded off the async threads and sent on as row groups fill.
pub(super) struct PartitionWriter {
    encoder: PartitionEncoder,
    object: Upload,
}

impl PartitionWriter {
    /// Nothing is visible at `path` until [`finish`](Self::finish). `follows`: version of the day that the ledger knows.
    pub(super) fn new(
        store: Arc<dyn ObjectStore>,
        path: Path,
        run: &RunId,
        follows: Option<&str>,
    ) -> Result<Self, LakeError> {
        let encoder = PartitionEncoder::new(run, follows).map_err(LakeError::Encode)?;
        Ok(Self { encoder, object: Upload::new(store, path) })
    }

    pub(super) async fn write(self, batch: RecordBatch) -> Result<Self, LakeError> {
        let Self { mut encoder, object } = self;
        let work = encoding(move || {
            encoder.write(&batch)?;
            let bytes = encoder.take();
            Ok((encoder, bytes))
        });
        let ((encoder, bytes), object) = encoded(work.await, object).await?;
        Ok(Self { encoder, object: send(object, bytes).await? })
    }

    /// Ends the rows.
    pub(super) async fn end(self) -> Result<WholePartition, LakeError> {
        let Self { mut encoder, object } = self;
        let work = encoding(move || {
            let rows = encoder.finish()?;
            Ok((rows, encoder.take()))
        });
        let ((rows, bytes), object) = encoded(work.await, object).await?;
        Ok(WholePartition { rows, object: send(object, bytes).await? })
    }

    /// Gives the object up.
    pub(super) async fn abort(self) {
        self.object.abort().await;
    }
}

/// A partition object with all of its rows, not visible yet.
pub(super) struct WholePartition {
    pub rows: u64,
    object: Upload,
}

impl WholePartition {
    /// The object takes its place now, if the one there is still what is `known` of it.
    pub(super) async fn put(self, known: &Known) -> Result<PutResult, LakeError> {
        let path = self.object.path().clone();
        self.object.finish(known).await.map_err(|source| LakeError::store("write", path.to_string(), source))
    }

    /// Gives the object up.
    pub(super) async fn abort(self) {
        self.object.abort().await;
    }
}

/// Runs wholly on the threads of `rayon`'s pool: a row group's buffers would else lie in the heap of whichever blocking
/// thread began it, and each of those heaps stays as large as it once was.
fn encoding<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ParquetError> + Send + 'static,
) -> tokio::task::JoinHandle<Result<T, ParquetError>> {
    tokio::task::spawn_blocking(|| rayon::scope(|_| work()))
}

async fn send(object: Upload, bytes: Vec<u8>) -> Result<Upload, LakeError> {
    let path = object.path().clone();
    object.write(bytes.into()).await.map_err(|source| LakeError::store("write", path.to_string(), source))
}

/// What was encoded; where that failed, the object is given up.
async fn encoded<T>(
    done: Result<Result<T, ParquetError>, tokio::task::JoinError>,
    object: Upload,
) -> Result<(T, Upload), LakeError> {
    match done.map_err(|error| ParquetError::External(error.into())).flatten() {
        Ok(done) => Ok((done, object)),
        Err(error) => {
            object.abort().await;
            Err(LakeError::Encode(error))
        }
    }
}
