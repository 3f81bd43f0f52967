use datafusion::common::ParamValues;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::logical_expr::{DdlStatement, LogicalPlan};
use datafusion::sql::parser::{DFParserBuilder, Statement as SqlStatement};
use datafusion::sql::sqlparser::ast::Statement as Ast;
use datafusion::sql::sqlparser::dialect::GenericDialect;

use super::QueryError;
use super::error::syntax;

/// One statement of a text, parsed but not yet planned: it sees the views that those before it made.
#[derive(Debug, Clone)]
pub struct Statement {
    pub(super) number: usize,
    pub(super) parsed: SqlStatement,
    pub(super) params: Option<ParamValues>,
}

impl Statement {
    /// Position in the text, from 1.
    pub fn number(&self) -> usize {
        self.number
    }

    /// The statement's SQL, as the parser writes it.
    pub fn sql(&self) -> String {
        self.parsed.to_string()
    }

    pub(super) fn refused(&self) -> QueryError {
        let words: Vec<_> = self.sql().split_whitespace().take(2).map(str::to_uppercase).collect();
        QueryError::Refused { number: self.number, found: words.join(" ") }
    }

    /// Refuses by syntax what must not even be planned: planning some of these touches files.
    fn check_syntax(&self) -> Result<(), QueryError> {
        if reads(&self.parsed) { Ok(()) } else { Err(self.refused()) }
    }

    /// Refuses a plan in which anything writes, under `EXPLAIN ANALYZE` too.
    pub(super) fn check_plan(&self, plan: &LogicalPlan) -> Result<(), QueryError> {
        let mut refused = false;
        let visit = |node: &LogicalPlan| {
            refused |= writes(node);
            Ok(TreeNodeRecursion::Continue)
        };
        plan.apply_with_subqueries(visit).map_err(super::error::internal)?;
        if refused { Err(self.refused()) } else { Ok(()) }
    }
}

/// The statements of a text, in order: one at least, and each may be run. A `;` inside a string or comment separates
/// nothing.
pub(super) fn parse(sql: &str) -> Result<Vec<Statement>, QueryError> {
    let dialect = GenericDialect {};
    let mut parser = DFParserBuilder::new(sql).with_dialect(&dialect).build().map_err(|error| syntax(&error))?;
    let parsed = parser.parse_statements().map_err(|error| syntax(&error))?;
    let statement = |(at, parsed)| Statement { number: at + 1, parsed, params: None };
    let statements: Vec<Statement> = parsed.into_iter().enumerate().map(statement).collect();
    if statements.is_empty() {
        return Err(QueryError::Syntax { message: "expected an SQL statement, found none".to_owned() });
    }
    statements.iter().try_for_each(Statement::check_syntax)?;
    Ok(statements)
}

fn reads(statement: &SqlStatement) -> bool {
    match statement {
        SqlStatement::Explain(explain) => reads(&explain.statement),
        SqlStatement::Statement(ast) => matches!(
            ast.as_ref(),
            Ast::Query(_)
                | Ast::Explain { .. }
                | Ast::ExplainTable { .. }
                | Ast::CreateView { .. }
                | Ast::ShowTables { .. }
                | Ast::ShowColumns { .. }
                | Ast::ShowVariable { .. }
                | Ast::ShowVariables { .. }
                | Ast::ShowFunctions { .. }
                | Ast::ShowCreate { .. }
        ),
        _ => false,
    }
}

fn writes(node: &LogicalPlan) -> bool {
    match node {
        LogicalPlan::Ddl(DdlStatement::CreateView(_)) => false,
        LogicalPlan::Ddl(_) | LogicalPlan::Dml(_) | LogicalPlan::Copy(_) | LogicalPlan::Statement(_) => true,
        _ => false,
    }
}
