use std::fmt;
use std::path::Path as FsPath;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{RecordBatch, UInt64Array};
use arrow::compute::{SortOptions, take_record_batch};
use arrow::datatypes::SchemaRef;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::expressions::col;
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;
use datafusion::physical_plan::stream::{RecordBatchReceiverStream, RecordBatchStreamAdapter};
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use datafusion::physical_plan::union::UnionExec;
use datafusion::physical_plan::{EmptyRecordBatchStream, ExecutionPlan};
use datafusion::prelude::SessionConfig;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt, TryStreamExt, stream};

use super::LakeError;
use super::partition::{SORTED_BY, rows_of_bytes};
use crate::schema::Schema;

/// DataFusion's own reservation for merging spilled runs.
const SPILL_RESERVATION_BYTES: usize = 10 << 20;

/// A batch takes one part in so many of the memory: what was spilled is merged by several batches at a time.
const BATCH_ONE_IN: u64 = 16;

/// Batches that are merged ahead of the one that is encoded.
const BATCHES_AHEAD: usize = 2;

/// Memory of a merge and where it spills to.
#[derive(Debug)]
pub(super) struct MergeContext {
    runtime: Arc<RuntimeEnv>,
    memory_bytes: usize,
}

impl MergeContext {
    pub(super) fn new(memory_bytes: usize, spill_folder: Option<&FsPath>) -> Result<Self> {
        let mut runtime = RuntimeEnvBuilder::new().with_memory_pool(Arc::new(FairSpillPool::new(memory_bytes)));
        if let Some(folder) = spill_folder {
            runtime = runtime.with_temp_file_path(folder);
        }
        Ok(Self { runtime: runtime.build_arc()?, memory_bytes })
    }

    /// Plans run in batches of so many rows.
    fn task(&self, batch_rows: usize) -> Arc<TaskContext> {
        let config = SessionConfig::new()
            .with_batch_size(batch_rows)
            .with_sort_spill_reservation_bytes(SPILL_RESERVATION_BYTES.min(self.memory_bytes / 4));
        Arc::new(TaskContext::default().with_session_config(config).with_runtime(Arc::clone(&self.runtime)))
    }

    pub(super) fn memory_bytes(&self) -> u64 {
        u64::try_from(self.memory_bytes).expect("a size in memory fits 64 bits")
    }

    /// Sorts rows of about `row_bytes` each, spilling beyond the memory.
    pub(super) fn sort(
        &self,
        rows: impl Stream<Item = Result<RecordBatch, LakeError>> + Send + 'static,
        row_bytes: u64,
    ) -> Result<SendableRecordBatchStream> {
        let batch_rows = self.batch_rows(row_bytes);
        let rows = rows.flat_map(move |batch| stream::iter(pieces(batch, batch_rows)));
        SortExec::new(order()?, source(rows, None)?).execute(0, self.task(batch_rows))
    }

    /// Merges rows of about `row_bytes` each that are in order with others that are.
    pub(super) fn merge(
        &self,
        stored: impl Stream<Item = Result<RecordBatch, LakeError>> + Send + 'static,
        coming: impl Stream<Item = Result<RecordBatch, LakeError>> + Send + 'static,
        row_bytes: u64,
    ) -> Result<SendableRecordBatchStream> {
        let order = order()?;
        let (stored, coming) = (source(stored, Some(order.clone()))?, source(coming, Some(order.clone()))?);
        let both = UnionExec::try_new(vec![stored, coming])?;
        SortPreservingMergeExec::new(order, both).execute(0, self.task(self.batch_rows(row_bytes)))
    }

    fn batch_rows(&self, row_bytes: u64) -> usize {
        rows_of_bytes(self.memory_bytes() / BATCH_ONE_IN, row_bytes)
    }
}

/// A batch in pieces of at most so many rows. Each is a copy: a slice counts as much memory as the whole.
fn pieces(batch: Result<RecordBatch, LakeError>, rows: usize) -> Vec<Result<RecordBatch, LakeError>> {
    let batch = match batch {
        Ok(batch) if batch.num_rows() > rows => batch,
        other => return vec![other],
    };
    let all: Vec<_> = (0..).take(batch.num_rows()).collect();
    let piece = |rows: &[u64]| Ok(take_record_batch(&batch, &UInt64Array::from(rows.to_vec()))?);
    all.chunks(rows).map(piece).collect()
}

/// What a merge failed of: the lake's own error where a source failed.
pub(super) fn merge_failed(date: super::SessionDate, error: DataFusionError) -> LakeError {
    let ours = |error: DataFusionError| match error {
        DataFusionError::External(cause) => cause.downcast::<LakeError>().map_err(DataFusionError::External),
        other => Err(other),
    };
    match ours(error) {
        Ok(ours) => *ours,
        Err(source) => LakeError::Merge { date, source },
    }
}

/// The same rows, worked out on a task of their own, some batches ahead of who takes them.
pub(super) fn ahead(
    date: super::SessionDate,
    mut rows: BoxStream<'static, Result<RecordBatch, LakeError>>,
) -> BoxStream<'static, Result<RecordBatch, LakeError>> {
    let mut taken = RecordBatchReceiverStream::builder(Schema::conversations_arrow(), BATCHES_AHEAD);
    let sender = taken.tx();
    taken.spawn(async move {
        while let Some(batch) = rows.next().await {
            let batch = batch.map_err(|error| DataFusionError::External(error.into()));
            if sender.send(batch).await.is_err() {
                break;
            }
        }
        Ok(())
    });
    // Where the task panics, so does who takes the rows: they never end early.
    taken.build().map_err(move |error| merge_failed(date, error)).boxed()
}

fn order() -> Result<LexOrdering> {
    let schema = Schema::conversations_arrow();
    let options = SortOptions { descending: false, nulls_first: true };
    let columns = SORTED_BY.map(|name| Ok(PhysicalSortExpr::new(col(name, &schema)?, options)));
    let columns = columns.into_iter().collect::<Result<Vec<_>>>()?;
    Ok(LexOrdering::new(columns).expect("the order has columns"))
}

fn source(
    rows: impl Stream<Item = Result<RecordBatch, LakeError>> + Send + 'static,
    order: Option<LexOrdering>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let schema = Schema::conversations_arrow();
    let rows = rows.map(|batch| batch.map_err(|error| DataFusionError::External(error.into())));
    let stream: SendableRecordBatchStream = Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&schema), rows));
    let once = Arc::new(Once { schema: Arc::clone(&schema), stream: Mutex::new(Some(stream)) });
    Ok(Arc::new(StreamingTableExec::try_new(schema, vec![once], None, order, false, None)?))
}

/// A stream as the one partition of a plan that runs once.
struct Once {
    schema: SchemaRef,
    stream: Mutex<Option<SendableRecordBatchStream>>,
}

impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("rows")
    }
}

impl PartitionStream for Once {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner).take();
        stream.unwrap_or_else(|| Box::pin(EmptyRecordBatchStream::new(Arc::clone(&self.schema))))
    }
}
