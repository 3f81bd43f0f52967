use std::io::BufReader;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Schema as ArrowSchema, SchemaRef};
use arrow::error::ArrowError;
use arrow::json::ReaderBuilder;
use async_trait::async_trait;
use bytes::{Buf, Bytes};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DataFusionError, Result, internal_datafusion_err};
use datafusion::datasource::{MemTable, TableType};
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::ExecutionPlan;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStoreExt};

use super::QueryError;
use super::files::{LakeFiles, Snapshot};
use crate::schema::LedgerTableSchema;

/// Objects read side by side.
const CONCURRENCY: usize = 16;

/// A table of the ledger: `account_id`, from the path, and the members of its lines. What is not there has no lines.
///
/// A statement reads it once, at its first scan, and holds it: a line a run, day, window or reject is little beside the
/// conversations they tell of.
#[derive(Debug)]
pub(super) struct LedgerLines {
    table: &'static LedgerTableSchema,
    schema: SchemaRef,
}

impl LedgerLines {
    pub(super) fn of(table: &'static LedgerTableSchema) -> Self {
        Self { table, schema: schema(table) }
    }
}

fn schema(table: &LedgerTableSchema) -> SchemaRef {
    let account = Arc::new(Field::new("account_id", DataType::Utf8, false));
    let lines = table.arrow();
    let fields: Vec<_> = std::iter::once(account).chain(lines.fields().iter().cloned()).collect();
    Arc::new(ArrowSchema::new(fields))
}

#[async_trait]
impl TableProvider for LedgerLines {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let snapshot = state
            .config()
            .get_extension::<Snapshot>()
            .ok_or_else(|| internal_datafusion_err!("a scan of `{}` outside a statement", self.table.name))?;
        let lines = snapshot.ledger(self.table).await.map_err(|error| DataFusionError::External(Box::new(error)))?;
        MemTable::try_new(self.schema(), vec![vec![lines]])?.scan(state, projection, filters, limit).await
    }
}

/// All lines of a table, of all accounts.
pub(super) async fn read(files: &LakeFiles, table: &LedgerTableSchema) -> Result<RecordBatch, QueryError> {
    let folder = table.folder().split('/').fold(files.root.clone(), Path::join);
    let listed: Vec<ObjectMeta> =
        files.store.list(Some(&folder)).try_collect().await.map_err(|error| failed("list", error))?;
    let mut objects: Vec<_> = listed.into_iter().filter_map(|meta| lines_object(&folder, meta.location)).collect();
    objects.sort();
    let parts: Vec<RecordBatch> = stream::iter(objects)
        .map(async |(object, account)| {
            let bytes = files.store.get(&object).await.map_err(|error| failed("read", error))?.bytes().await;
            let bytes = bytes.map_err(|error| failed("read", error))?;
            let corrupt =
                |error: ArrowError| QueryError::CorruptLines { object: object.to_string(), message: error.to_string() };
            decode(table, &account, bytes).map_err(corrupt)
        })
        .buffered(CONCURRENCY)
        .try_collect()
        .await?;
    concat_batches(&schema(table), &parts).map_err(super::error::internal)
}

fn failed(doing: &'static str, source: object_store::Error) -> QueryError {
    QueryError::Store { doing, source }
}

/// Only `account_id=…/….ndjson` counts; with it the account.
fn lines_object(folder: &Path, location: Path) -> Option<(Path, String)> {
    let parts: Vec<_> = location.prefix_match(folder)?.collect();
    let [account, file] = parts.as_slice() else { return None };
    let account = account.as_ref().strip_prefix("account_id=")?.to_owned();
    file.as_ref().ends_with(".ndjson").then_some((location, account))
}

fn decode(table: &LedgerTableSchema, account: &str, bytes: Bytes) -> Result<RecordBatch, ArrowError> {
    let reader = ReaderBuilder::new(table.arrow()).build(BufReader::new(bytes.reader()))?;
    let batches: Vec<RecordBatch> = reader.collect::<Result<_, _>>()?;
    let lines = concat_batches(&table.arrow(), &batches)?;
    let accounts: ArrayRef = Arc::new(StringArray::from(vec![account; lines.num_rows()]));
    let columns = std::iter::once(accounts).chain(lines.columns().iter().cloned()).collect();
    RecordBatch::try_new(schema(table), columns)
}
