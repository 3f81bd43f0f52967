use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::execution::SendableRecordBatchStream;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt, TryStreamExt, stream};

use super::QueryError;
use super::files::Snapshot;

/// The answer to a statement: a schema and a stream of batches, computed as they are taken.
pub struct Rows {
    schema: SchemaRef,
    batches: BoxStream<'static, Result<RecordBatch, QueryError>>,
}

impl Rows {
    /// Rows that come from elsewhere.
    pub fn new(
        schema: SchemaRef,
        batches: impl Stream<Item = Result<RecordBatch, QueryError>> + Send + 'static,
    ) -> Self {
        Self { schema, batches: batches.boxed() }
    }

    /// Starts the engine's stream and waits for its first batch: until then a statement can be planned again.
    pub(super) async fn begin(
        number: usize,
        mut batches: SendableRecordBatchStream,
        snapshot: Arc<Snapshot>,
    ) -> Result<Self, QueryError> {
        let schema = batches.schema();
        let first = batches.next().await.transpose();
        let first = first.map_err(|error| QueryError::of_statement(number, error, &snapshot))?;
        let rest = batches.map_err(move |error| QueryError::of_statement(number, error, &snapshot));
        Ok(Self::new(schema, stream::iter(first.map(Ok)).chain(rest)))
    }

    /// Columns of the answer; none for a statement that answers nothing, as `CREATE VIEW`.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// The next batch, none at the end.
    ///
    /// # Errors
    /// The statement failed while it ran, or the lake could not be read: see [`QueryError::kind`].
    pub async fn next(&mut self) -> Result<Option<RecordBatch>, QueryError> {
        self.batches.try_next().await
    }

    /// All batches, in memory.
    ///
    /// # Errors
    /// As [`Rows::next`].
    pub async fn collect(self) -> Result<Vec<RecordBatch>, QueryError> {
        self.batches.try_collect().await
    }
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows").field("schema", &self.schema).finish_non_exhaustive()
    }
}
