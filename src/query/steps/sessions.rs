use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::datatypes::{FieldRef, SchemaRef};
use datafusion::common::{Column, Result, internal_datafusion_err, internal_err};
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{DdlStatement, Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::prelude::SessionContext;
use datafusion::scalar::ScalarValue;
use datafusion::sql::parser::Statement as SqlStatement;

use crate::query::leaves::Leaves;
use crate::query::table::Conversations;

/// The list that routing is told by: a column of `_sessions`.
pub(super) const DESTINATIONS: &str = "destinations";
/// A column that tells which rows pass the filters, beside those of `_sessions`.
pub(super) const KEPT: &str = "_kept";
/// Filters by these are for the scan, which leaves out objects and pages by them.
const KEYS: [&str; 4] = ["account_id", "session_date", "session_id", "conversation_id"];
/// The table that the expressions of `_sessions` name.
const TABLE: &str = "conversations";

/// `_sessions`: a row of `conversations` with what is known of it without its destinations.
#[derive(Debug)]
pub(super) struct Sessions {
    /// Names and types of its columns.
    pub(super) schema: SchemaRef,
    expressions: BTreeMap<String, Expr>,
}

/// Columns of `_sessions` that are wanted, and of structs and lists among them the paths below; the empty path is all.
#[derive(Debug, Default)]
pub(super) struct Wanted(BTreeMap<String, BTreeSet<String>>);

impl Wanted {
    pub(super) fn add(&mut self, column: &str, path: &str) {
        self.0.entry(column.to_owned()).or_default().insert(path.to_owned());
    }

    /// Leaves below `destinations`, and whole columns.
    pub(super) fn add_routed(&mut self, leaves: &[&str], columns: &[&str]) {
        for leaf in leaves {
            self.add(DESTINATIONS, leaf);
        }
        for column in columns {
            self.add(column, "");
        }
    }

    fn has(&self, column: &str) -> bool {
        self.0.contains_key(column)
    }
}

impl Sessions {
    /// Reads the statement that makes the view for other engines.
    pub(super) async fn read(context: &SessionContext, view: &SqlStatement) -> Result<Self> {
        let state = context.state();
        let LogicalPlan::Ddl(DdlStatement::CreateView(view)) = state.statement_to_plan(view.clone()).await? else {
            return internal_err!("`_sessions` is no view");
        };
        let LogicalPlan::Projection(projection) = view.input.as_ref() else {
            return internal_err!("`_sessions` is no projection of `{TABLE}`");
        };
        let named = |expr: &Expr| (expr.qualified_name().1, expr.clone().unalias());
        let expressions: BTreeMap<_, _> = projection.expr.iter().map(named).collect();
        let rows = scan(Conversations::viewed())?;
        let plan = LogicalPlanBuilder::from(rows).project(projection.expr.clone())?.build()?;
        let plan = state.analyzer().execute_and_check(plan, state.config_options(), |_, _| {})?;
        Ok(Self { schema: Arc::clone(plan.schema().inner()), expressions })
    }

    pub(super) fn field(&self, name: &str) -> Result<&FieldRef> {
        let field = self.schema.fields().iter().find(|field| field.name() == name);
        field.ok_or_else(|| internal_datafusion_err!("`_sessions` has no column `{name}`"))
    }

    /// Rows with those columns of `_sessions` that are wanted, in their order. Nothing else is read, nor leaves that are not.
    ///
    /// Filters name columns of `_sessions`. Rows that do not pass are left out, or, where lists `follow`, marked as not
    /// [`KEPT`]: to copy what is kept of a list costs more than to step over what is not.
    pub(super) fn plan(&self, wanted: &Wanted, filters: &[Expr], follow: bool) -> Result<LogicalPlan> {
        let filtered: BTreeSet<&String> =
            filters.iter().flat_map(Expr::column_refs).map(|column| &column.name).collect();
        let mut leaves = Leaves::new();
        for (column, paths) in &wanted.0 {
            self.collect(column, paths.iter().map(String::as_str), &mut leaves)?;
        }
        for column in &filtered {
            self.collect(column, [""].into_iter(), &mut leaves)?;
        }
        let rows = LogicalPlanBuilder::from(scan(Conversations::of(&leaves))?);
        let names = || self.schema.fields().iter().map(|field| field.name());
        let read = names().filter(|name| wanted.has(name) || filtered.contains(name));
        let rows = rows.project(read.map(|name| self.expression(name)).collect::<Result<Vec<_>>>()?)?;
        let (marks, others): (Vec<_>, Vec<_>) =
            filters.iter().cloned().partition(|filter| follow && !is_of_keys(filter));
        let rows = match conjunction(others) {
            Some(filter) => rows.filter(filter)?,
            None => rows,
        };
        let columns = names().filter(|name| wanted.has(name)).map(|name| Expr::Column(Column::from_name(name)));
        rows.project(columns.chain(conjunction(marks).map(|mark| mark.alias(KEPT))))?.build()
    }

    fn expression(&self, name: &str) -> Result<Expr> {
        let expression = self.expressions.get(name);
        let expression = expression.ok_or_else(|| internal_datafusion_err!("`_sessions` has no column `{name}`"))?;
        Ok(expression.clone().alias(name))
    }

    /// The leaves of `conversations` that a column rests on.
    fn collect<'a>(&self, column: &str, paths: impl Iterator<Item = &'a str>, leaves: &mut Leaves) -> Result<()> {
        let expression = self.expression(column)?.unalias();
        match path(&expression) {
            Some(base) => {
                leaves.extend(paths.map(|path| if path.is_empty() { base.clone() } else { format!("{base}.{path}") }));
            }
            None => collect(&expression, leaves),
        }
        Ok(())
    }
}

fn scan(rows: Conversations) -> Result<LogicalPlan> {
    LogicalPlanBuilder::scan(TABLE, provider_as_source(Arc::new(rows)), None)?.build()
}

fn is_of_keys(filter: &Expr) -> bool {
    filter.column_refs().iter().all(|column| KEYS.contains(&column.name.as_str()))
}

/// The paths that an expression rests on.
fn collect(expression: &Expr, leaves: &mut Leaves) {
    use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
    let visited = expression.apply(|part| {
        Ok(match path(part) {
            Some(path) => {
                leaves.insert(path);
                TreeNodeRecursion::Jump
            }
            None => TreeNodeRecursion::Continue,
        })
    });
    visited.expect("nothing in it fails");
}

/// The path of names that an expression is; none where it is anything else.
fn path(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Column(column) => Some(column.name.clone()),
        Expr::ScalarFunction(ScalarFunction { func, args }) if func.name() == "get_field" => {
            let (base, names) = args.split_first()?;
            names.iter().try_fold(path(base)?, |path, name| match name {
                Expr::Literal(ScalarValue::Utf8(Some(name)), _) => Some(format!("{path}.{name}")),
                _ => None,
            })
        }
        _ => None,
    }
}
