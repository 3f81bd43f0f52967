use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Date32Array, RecordBatch, StringArray};
use arrow::datatypes::{FieldRef, Schema as ArrowSchema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::cast::as_boolean_array;
use datafusion::common::{DFSchema, DataFusionError, Result, internal_datafusion_err, project_schema};
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::listing::helpers::expr_applicable_for_cols;
use datafusion::datasource::object_store::ObjectStoreUrl;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;

use super::files::{DayObject, Snapshot};
use super::leaves::{Leaves, extras, only, viewed};
use super::older::OlderObjects;
use super::reader::{ReaderFactory, Texts};
use crate::schema::Schema;

/// URL under which a statement's pinned store is known to the engine.
pub(super) const STORE_URL: &str = "kore-lake://lake";

/// Columns that tell few rows from all others.
const KEYS: [&str; 2] = ["session_id", "conversation_id"];

/// The base table `conversations`: the lake's days under the declared schema.
///
/// It holds no files itself: each scan takes those of the statement's [`Snapshot`], so that a view made
/// earlier in the session sees the present lake, and all scans of one statement see the same one.
#[derive(Debug)]
pub(super) struct Conversations {
    stored: SchemaRef,
    partitions: Vec<FieldRef>,
    full: SchemaRef,
    texts: Texts,
}

impl Conversations {
    /// The table under the declared schema.
    pub(super) fn declared() -> Self {
        Self::new(Schema::conversations_arrow(), Texts::AsStored)
    }

    /// The same rows with these leaves, and no others.
    pub(super) fn of(leaves: &Leaves) -> Self {
        Self::new(only(&Schema::conversations_arrow(), leaves), Texts::AsViews)
    }

    /// The same rows, as the steps of the views read them.
    pub(super) fn viewed() -> Self {
        Self::new(viewed(&Schema::conversations_arrow()), Texts::AsViews)
    }

    /// The same rows with their key and what was kept in `extra`, at any depth.
    pub(super) fn extras() -> Self {
        Self::new(extras(&Schema::conversations_arrow()), Texts::AsViews)
    }

    fn new(stored: SchemaRef, texts: Texts) -> Self {
        let partitions: Vec<FieldRef> =
            Schema::conversations().arrow_partition_fields().into_iter().map(Arc::new).collect();
        let fields: Vec<FieldRef> = stored.fields().iter().chain(&partitions).cloned().collect();
        Self { stored, partitions, full: Arc::new(ArrowSchema::new(fields)), texts }
    }

    /// Whether a filter needs the partition columns alone: then the choice of objects answers it.
    fn is_partition_filter(&self, filter: &Expr) -> bool {
        let names: Vec<_> = self.partitions.iter().map(|field| field.name().as_str()).collect();
        expr_applicable_for_cols(&names, filter)
    }

    fn kept<'a>(&self, state: &dyn Session, days: &'a [DayObject], filters: &[Expr]) -> Result<Vec<&'a DayObject>> {
        let filters = filters.iter().filter(|filter| self.is_partition_filter(filter)).cloned();
        let Some(predicate) = conjunction(filters) else { return Ok(days.iter().collect()) };
        let schema = Arc::new(ArrowSchema::new(self.partitions.clone()));
        let batch = RecordBatch::try_new(Arc::clone(&schema), partition_columns(days))?;
        let predicate = state.create_physical_expr(predicate, &DFSchema::try_from(schema)?)?;
        let keep = predicate.evaluate(&batch)?.into_array(days.len())?;
        let keep: &BooleanArray = as_boolean_array(&keep)?;
        Ok(days.iter().zip(keep).filter(|(_, keep)| *keep == Some(true)).map(|(day, _)| day).collect())
    }
}

/// Whether few rows pass: then nothing of the others is decoded but what the filter needs.
fn is_look_up(filter: &Expr) -> bool {
    let is_key = |side: &Expr| match side {
        Expr::Column(column) => KEYS.contains(&column.name.as_str()),
        // `''` is no conversation in the views.
        Expr::ScalarFunction(call) if call.func.name() == "nullif" => {
            matches!(&call.args[0], Expr::Column(column) if KEYS.contains(&column.name.as_str()))
        }
        _ => false,
    };
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => is_key(left) || is_key(right),
        Expr::InList(list) => !list.negated && is_key(&list.expr),
        _ => false,
    }
}

fn partition_columns(days: &[DayObject]) -> Vec<ArrayRef> {
    let accounts = StringArray::from_iter_values(days.iter().map(|day| &day.account_id));
    let dates = Date32Array::from_iter_values(days.iter().map(|day| day.session_date));
    vec![Arc::new(accounts), Arc::new(dates)]
}

fn file_groups(days: &[&DayObject], target: usize) -> Vec<FileGroup> {
    let file = |day: &&DayObject| {
        PartitionedFile::new_from_meta(day.meta.clone()).with_partition_values(day.partition_values())
    };
    FileGroup::new(days.iter().map(file).collect()).split_files(target)
}

#[async_trait]
impl TableProvider for Conversations {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.full)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let support = |filter: &&Expr| {
            if self.is_partition_filter(filter) {
                TableProviderFilterPushDown::Exact
            } else {
                TableProviderFilterPushDown::Inexact
            }
        };
        Ok(filters.iter().map(support).collect())
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
            .ok_or_else(|| internal_datafusion_err!("a scan of `conversations` outside a statement"))?;
        let days = snapshot.days().await.map_err(|error| DataFusionError::External(Box::new(error)))?;
        let days = self.kept(state, days, filters)?;
        if days.is_empty() {
            return Ok(Arc::new(EmptyExec::new(project_schema(&self.full, projection)?)));
        }
        let schema =
            TableSchema::builder(Arc::clone(&self.stored)).with_table_partition_cols(self.partitions.clone()).build();
        let source = ParquetSource::new(schema)
            .with_table_parquet_options(state.table_options().parquet.clone())
            .with_pushdown_filters(filters.iter().any(is_look_up))
            .with_parquet_file_reader_factory(Arc::new(ReaderFactory::new(Arc::clone(&snapshot), self.texts)));
        let config = FileScanConfigBuilder::new(ObjectStoreUrl::parse(STORE_URL)?, Arc::new(source))
            .with_file_groups(file_groups(&days, state.config().target_partitions()))
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .with_expr_adapter(Some(Arc::new(OlderObjects)))
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}
