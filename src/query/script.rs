use datafusion::common::ParamValues;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::logical_expr::{DdlStatement, LogicalPlan};
use datafusion::sql::parser::{DFParserBuilder, Statement as SqlStatement};
use datafusion::sql::sqlparser::ast::Statement as Ast;
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use super::QueryError;
use super::said::syntax;

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

    /// Whether it answers with rows, and is no `CREATE VIEW`.
    pub fn answers(&self) -> bool {
        !matches!(&self.parsed, SqlStatement::Statement(ast) if matches!(ast.as_ref(), Ast::CreateView { .. }))
    }

    /// The view that it makes.
    pub(super) fn creates(&self) -> Option<String> {
        let SqlStatement::Statement(ast) = &self.parsed else { return None };
        if let Ast::CreateView(view) = ast.as_ref() { Some(view.name.to_string()) } else { None }
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
    parse_after(sql, 0)
}

/// The statements of a text that comes after others.
pub(super) fn parse_after(sql: &str, before: usize) -> Result<Vec<Statement>, QueryError> {
    let dialect = GenericDialect {};
    let mut parser = DFParserBuilder::new(sql).with_dialect(&dialect).build().map_err(|error| syntax(&error, sql))?;
    let parsed = parser.parse_statements().map_err(|error| syntax(&error, sql))?;
    let statement = |(at, parsed)| Statement { number: before + at + 1, parsed, params: None };
    let statements: Vec<Statement> = parsed.into_iter().enumerate().map(statement).collect();
    if statements.is_empty() {
        return Err(QueryError::Syntax { message: "expected an SQL statement, found none".to_owned(), excerpt: None });
    }
    statements.iter().try_for_each(Statement::check_syntax)?;
    Ok(statements)
}

/// Whether a text that is being typed ends with the `;` of a statement. One inside a string or comment ends nothing.
pub fn is_complete(sql: &str) -> bool {
    let Ok(tokens) = Tokenizer::new(&GenericDialect {}, sql).tokenize() else { return false };
    tokens.iter().rfind(|token| !matches!(token, Token::Whitespace(_))) == Some(&Token::SemiColon)
}

/// The statement that tells how another is run; with `analyze` it runs it, and tells how that went.
pub(super) fn explained(statement: &Statement, analyze: bool) -> Result<Statement, QueryError> {
    if matches!(statement.parsed, SqlStatement::Explain(_)) || !statement.answers() {
        return Ok(statement.clone());
    }
    let words = if analyze { "EXPLAIN ANALYZE" } else { "EXPLAIN" };
    let mut explained = parse(&format!("{words} {}", statement.sql()))?;
    let explained = explained.pop().ok_or_else(|| super::error::internal("nothing to explain"))?;
    Ok(Statement { number: statement.number, params: statement.params.clone(), ..explained })
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
