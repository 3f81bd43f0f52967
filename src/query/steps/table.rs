use std::sync::Arc;

use arrow::datatypes::{Field, Schema as ArrowSchema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result;
use datafusion::datasource::TableType;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::Statement as SqlStatement;

use super::columns::{STEPS, Source, Step};
use super::exec::UnfoldExec;
use super::sessions::{Sessions, Wanted};
use super::unfold::Unfolding;

/// Read of destinations of which no leaf is wanted, for their number.
const ANCHOR: &str = "destination_type";

/// The tables of all steps, by name. `view`: the statement that makes `_sessions` for other engines.
pub(in crate::query) async fn tables(
    context: &SessionContext,
    view: &SqlStatement,
) -> Result<Vec<(&'static str, Arc<dyn TableProvider>)>> {
    let sessions = Arc::new(Sessions::read(context, view).await?);
    let table = |step: &'static Step| {
        (step.name, Arc::new(StepTable::of(step, Arc::clone(&sessions))) as Arc<dyn TableProvider>)
    };
    Ok(STEPS.iter().map(table).collect())
}

/// The rows of a step. Each scan is planned for the columns that it is asked for.
#[derive(Debug)]
struct StepTable {
    step: &'static Step,
    sessions: Arc<Sessions>,
    schema: SchemaRef,
    sources: Vec<Source>,
}

impl StepTable {
    fn of(step: &'static Step, sessions: Arc<Sessions>) -> Self {
        let of_sessions = sessions.schema.fields().iter().map(|field| (Arc::clone(field), Source::Session));
        let type_of = |name: &str| sessions.field(name).expect("a column of `_sessions`").data_type().clone();
        let own = step.columns(type_of).into_iter();
        let own = own.map(|(name, data_type, source)| (Arc::new(Field::new(name, data_type, true)), source));
        let (fields, sources): (Vec<_>, _) = of_sessions.chain(own).unzip();
        Self { step, schema: Arc::new(ArrowSchema::new(fields)), sources, sessions }
    }

    fn is_of_sessions(&self, filter: &Expr) -> bool {
        filter.column_refs().iter().all(|column| self.sessions.field(&column.name).is_ok())
    }

    /// What columns at these places need of `_sessions`.
    fn wanted(&self, columns: &[usize]) -> Wanted {
        let mut wanted = Wanted::default();
        if let Some(unfolds) = &self.step.unfolds {
            wanted.add(unfolds.list.place().0, &unfolds.leaf_path(unfolds.leaves.first().unwrap_or(&ANCHOR)));
        }
        for &at in columns {
            match (self.sources[at], &self.step.unfolds) {
                (Source::Session, _) => wanted.add(self.schema.field(at).name(), ""),
                (Source::Contact(fact), _) => wanted.add_routed(fact.leaves(), fact.sessions()),
                (Source::Destination(fact), _) => wanted.add_routed(&fact.leaves(), fact.sessions()),
                (Source::Element(leaf), Some(unfolds)) => wanted.add(unfolds.list.place().0, &unfolds.leaf_path(leaf)),
                (Source::Element(_) | Source::Position | Source::FirstOfEqual | Source::FirstOfGreatest, _) => {}
            }
        }
        wanted
    }
}

#[async_trait]
impl TableProvider for StepTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    /// What is known of a row as a whole is looked at before its lists are.
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let support = |filter: &&Expr| {
            if self.is_of_sessions(filter) {
                TableProviderFilterPushDown::Exact
            } else {
                TableProviderFilterPushDown::Unsupported
            }
        };
        Ok(filters.iter().map(support).collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let all = || (0..self.schema.fields().len()).collect();
        let columns = projection.cloned().unwrap_or_else(all);
        let is_routed = |at: &usize| matches!(self.sources[*at], Source::Contact(_));
        let follow = self.step.unfolds.is_some() || columns.iter().any(is_routed);
        let plan = self.sessions.plan(&self.wanted(&columns), filters, follow)?;
        let rows = state.create_physical_plan(&plan).await?;
        let unfolding = Unfolding {
            list: self.step.unfolds.as_ref().map(|unfolds| unfolds.list),
            schema: Arc::new(self.schema.project(&columns)?),
            sources: columns.iter().map(|at| self.sources[*at]).collect(),
        };
        if rows.schema() == unfolding.schema && !follow {
            return Ok(rows);
        }
        Ok(Arc::new(UnfoldExec::new(rows, self.step.name, Arc::new(unfolding))))
    }
}
