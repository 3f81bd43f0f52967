use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::ops::ControlFlow;

use datafusion::scalar::ScalarValue;
use datafusion::sql::parser::Statement as SqlStatement;
use datafusion::sql::sqlparser::ast::{Expr, Statement as Ast, Value, visit_expressions_mut};
use futures::TryStreamExt;

use super::engine::Engine;
use super::error::internal;
use super::files::{LakeFiles, Snapshot};
use super::report::{Params, Report};
use super::{QueryError, script, views};
use crate::schema::{LedgerTableSchema, Schema, SchemaFormat};

const DATAFUSION: &str = include_str!("../../sql/prelude/datafusion.sql");
const DUCKDB: &str = include_str!("../../sql/prelude/duckdb.sql");
const SPARK: &str = include_str!("../../sql/prelude/spark.sql");

/// A lake as another engine is told of it: where it lies, and which of its tables have objects.
///
/// An engine that reads files fails where there are none, so a table without objects is declared empty instead.
#[derive(Debug, Clone)]
pub struct LakeOutline {
    url: String,
    with_objects: BTreeSet<&'static str>,
}

impl LakeOutline {
    /// A lake that is not there: all its tables are empty. `url` is the lake as the engine takes it.
    pub fn of_nothing(url: &str) -> Self {
        Self { url: url.trim_end_matches('/').to_owned(), with_objects: BTreeSet::new() }
    }

    /// Looks which tables have objects.
    ///
    /// # Errors
    /// [`QueryError::Store`] where the lake cannot be listed; a retry can help.
    pub async fn of(url: &str, files: &LakeFiles) -> Result<Self, QueryError> {
        let mut outline = Self::of_nothing(url);
        if !Snapshot::new(files.clone()).days().await?.is_empty() {
            outline.with_objects.insert("conversations");
        }
        for table in LedgerTableSchema::all() {
            let folder = table.folder().split('/').fold(files.root.clone(), object_store::path::Path::join);
            let first = files.store.list(Some(&folder)).try_next().await;
            if first.map_err(|source| QueryError::Store { doing: "list", source })?.is_some() {
                outline.with_objects.insert(&table.name);
            }
        }
        Ok(outline)
    }

    /// Whether it has no object at all: an engine is then told of empty tables.
    pub fn is_empty(&self) -> bool {
        self.with_objects.is_empty()
    }

    fn has(&self, table: &str) -> bool {
        self.with_objects.contains(table)
    }
}

/// What an engine runs first: the functions of the prelude, the tables over the lake, the flat views. Statements end in
/// `;` at the end of a line. For DataFusion a comment: all of it is built in.
pub fn setup(engine: Engine, lake: &LakeOutline) -> String {
    let (prelude, format) = match engine {
        Engine::Datafusion => return DATAFUSION.to_owned(),
        Engine::Duckdb => (DUCKDB, SchemaFormat::Duckdb),
        Engine::Spark => (SPARK, SchemaFormat::Spark),
    };
    let mut out = prelude.to_owned();
    if !lake.has("conversations") {
        // As a string of Rust's: nothing in it ends the comment.
        let _ = writeln!(
            out,
            "\n-- No days at {:?}: its tables are empty. Print this again once there are some.",
            lake.url
        );
    }
    out += "\n";
    let url = lake.has("conversations").then_some(lake.url.as_str());
    out += &Schema::conversations().declare(format, url);
    for table in LedgerTableSchema::all() {
        let url = lake.has(&table.name).then_some(lake.url.as_str());
        let _ = write!(out, "\n-- {}.\n{}", table.description, table.declare(format, url));
    }
    let _ = write!(out, "\n{}", views::flat(engine));
    out
}

/// The report as one statement of an engine, with its parameters as literals.
///
/// # Errors
/// [`QueryError::Internal`] on a bundled report that is no SQL.
pub fn report_sql(engine: Engine, report: &Report, params: &Params) -> Result<String, QueryError> {
    let statement = script::parse(report.sql)?.pop();
    let Some(SqlStatement::Statement(mut ast)) = statement.map(|statement| statement.parsed) else {
        return Err(internal(format!("report `{}` has no statement", report.name)));
    };
    place(engine, &mut ast, params);
    Ok(format!("-- {}: {}\n{ast:#};\n", report.name, report.purpose))
}

/// Puts a literal into the syntax tree wherever a parameter stands.
fn place(engine: Engine, ast: &mut Ast, params: &Params) {
    let values = params.values();
    let _ = visit_expressions_mut(ast, |expression| {
        if let Expr::Value(value) = expression
            && let Value::Placeholder(text) = &mut value.value
            && let Some((_, found)) = values.iter().find(|(name, _)| text.strip_prefix('$') == Some(*name))
        {
            // Not as a string of the tree: it takes a quote behind a backslash for escaped when it is printed.
            *text = literal(engine, found);
        }
        ControlFlow::<()>::Continue(())
    });
}

/// A value as an engine's typed literal.
fn literal(engine: Engine, value: &ScalarValue) -> String {
    match value {
        ScalarValue::Utf8(Some(text)) => quoted(engine, text),
        ScalarValue::Utf8(None) => "CAST(NULL AS STRING)".to_owned(),
        ScalarValue::Date32(None) => "CAST(NULL AS DATE)".to_owned(),
        ScalarValue::Date32(Some(_)) => format!("CAST('{value}' AS DATE)"),
        ScalarValue::Int64(None) => "CAST(NULL AS INT)".to_owned(),
        ScalarValue::Float64(None) => "CAST(NULL AS DOUBLE)".to_owned(),
        other => other.to_string(),
    }
}

/// A text as an engine's string literal.
fn quoted(engine: Engine, text: &str) -> String {
    match engine {
        Engine::Datafusion | Engine::Duckdb => format!("'{}'", text.replace('\'', "''")),
        Engine::Spark => format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'")),
    }
}
