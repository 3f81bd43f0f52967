use std::fmt;
use std::sync::Arc;

use arrow::compute::cast;
use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::common::DataFusionError;
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
        batches: SendableRecordBatchStream,
        snapshot: Arc<Snapshot>,
    ) -> Result<Self, QueryError> {
        let schema = told(&batches.schema());
        let told = Arc::clone(&schema);
        let mut batches = batches.map(move |batch| as_told(&told, &batch?));
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

/// The schema that is told of an answer: texts are `Utf8`, though views of the lake have them as [`DataType::Utf8View`].
pub(super) fn told(schema: &SchemaRef) -> SchemaRef {
    let column = |field: &FieldRef| match field.data_type() {
        DataType::Utf8View => Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8)),
        _ => Arc::clone(field),
    };
    Arc::new(Schema::new(schema.fields().iter().map(column).collect::<Vec<_>>()))
}

fn as_told(schema: &SchemaRef, batch: &RecordBatch) -> Result<RecordBatch, DataFusionError> {
    let columns = batch.columns().iter().zip(schema.fields()).map(|(column, field)| cast(column, field.data_type()));
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns.collect::<Result<_, _>>()?, &options)?)
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows").field("schema", &self.schema).finish_non_exhaustive()
    }
}
