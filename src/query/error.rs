use std::fmt;

use arrow::error::ArrowError;
use datafusion::common::{DataFusionError, SchemaError, TableReference};
use datafusion::parquet::errors::ParquetError;
use object_store::path::Path;

use super::engine::Engine;
use super::files::{Fault, Snapshot};
use super::said::{plain, unknown_field};
use super::suggest::{did_you_mean, near, quoted};
use crate::schema::{Column, Kind, Schema};

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The text is no SQL; nothing of it was run.
    #[error("cannot parse the SQL: {message}")]
    Syntax {
        /// What the parser says, with line and column.
        message: String,
        /// The line of the text that the parser stopped in, and below it a `^` at the place; none where it names no
        /// place in the text.
        excerpt: Option<String>,
    },
    /// A statement that would write, or change the session's settings; nothing of it was run.
    #[error(
        "statement {number}: expected a statement that reads (`SELECT`, `WITH`, `VALUES`, `EXPLAIN`, `SHOW`, `DESCRIBE`) or `CREATE VIEW`, found `{found}`"
    )]
    Refused {
        /// Position of the statement in the text, from 1.
        number: usize,
        /// First words of the statement.
        found: String,
    },
    /// A table that the session does not have.
    #[error("{}unknown table `{name}`{}", statement(*number), did_you_mean(near))]
    UnknownTable {
        /// Position of the statement in the text, from 1; 0 where no statement asked.
        number: usize,
        /// The table named.
        name: String,
        /// Tables of nearly that name.
        near: Vec<String>,
    },
    /// A column that the statement's tables do not have.
    #[error("statement {number}: unknown column `{name}`{}", did_you_mean(near))]
    UnknownColumn {
        /// Position of the statement in the text, from 1.
        number: usize,
        /// The column named.
        name: String,
        /// Columns of nearly that name.
        near: Vec<String>,
        /// Tables and views that have a column of that very name.
        elsewhere: Vec<String>,
    },
    /// A function that there is not.
    #[error("statement {number}: unknown function `{name}`{}", did_you_mean(near))]
    UnknownFunction {
        /// Position of the statement in the text, from 1.
        number: usize,
        /// The function named.
        name: String,
        /// Functions of nearly that name.
        near: Vec<String>,
    },
    /// The statement cannot be planned, or failed while it ran. The same statement fails again.
    #[error("statement {number}: {message}")]
    Statement {
        /// Position of the statement in the text, from 1.
        number: usize,
        /// What the engine says.
        message: String,
    },
    /// A report that does not exist.
    #[error("unknown report `{name}`{}", did_you_mean(near))]
    UnknownReport {
        /// The report named.
        name: String,
        /// Reports of nearly that name.
        near: Vec<String>,
    },
    /// A parameter that the report does not take.
    #[error("report `{report}` has no parameter `{name}`{}", did_you_mean(near))]
    UnknownParam {
        /// The report.
        report: &'static str,
        /// The parameter named.
        name: String,
        /// Parameters of nearly that name, else all.
        near: Vec<String>,
    },
    /// A parameter that no report of several takes.
    #[error("no report on the page takes a parameter `{name}`{}", did_you_mean(near))]
    UnknownPageParam {
        /// The parameter named.
        name: String,
        /// Parameters that some report takes.
        near: Vec<String>,
    },
    /// A parameter's value that cannot be taken.
    #[error("parameter `{param}` of report `{report}`: expected {expected} (default {default}), found `{found}`")]
    ParamValue {
        /// The report.
        report: &'static str,
        /// The parameter.
        param: &'static str,
        /// Type, or the values it may have.
        expected: String,
        /// Default, `none` where it has none.
        default: String,
        /// What was given.
        found: String,
    },
    /// A format that does not exist.
    #[error("expected a format, one of {}, found `{found}`", quoted(formats, ", "))]
    UnknownFormat {
        /// What was given.
        found: String,
        /// The formats.
        formats: Vec<&'static str>,
    },
    /// An engine that views and reports are not written for.
    #[error("expected an engine, one of {}, found `{found}`", quoted(&Engine::ALL.map(Engine::name), ", "))]
    UnknownEngine {
        /// What was given.
        found: String,
    },
    /// A day was replaced while it was read, after rows had been handed out. A new run reads the new one.
    #[error("the day was replaced while it was read; run again: `{object}`")]
    Replaced {
        /// The object.
        object: String,
    },
    /// An object is no Parquet file of ours.
    #[error("expected a readable Parquet object, found `{object}`: {message}")]
    Corrupt {
        /// The object, or how many objects the statement could have met it in.
        object: String,
        /// What the reader says.
        message: String,
    },
    /// An object of the ledger whose lines are not what is declared.
    #[error("expected lines as `schemas/ledger.json` declares them in `{object}`: {message}")]
    CorruptLines {
        /// The object.
        object: String,
        /// What the reader says.
        message: String,
    },
    /// An object of a schema version that this program does not know.
    #[error(
        "expected schema version {expected} or an older one in `{object}`, found {found}: it was written by a newer version of the program"
    )]
    NewerSchema {
        /// The object.
        object: String,
        /// Version found.
        found: u32,
        /// Version of this program.
        expected: u32,
    },
    /// The lake's store does not answer. A retry can help.
    #[error("cannot {doing} the lake's objects")]
    Store {
        /// What was tried.
        doing: &'static str,
        /// What the store says.
        source: object_store::Error,
    },
    /// The lake's store failed while a statement ran. A retry can help.
    #[error("cannot read the lake: {message}")]
    Read {
        /// What the store says.
        message: String,
    },
    /// The statement needs more memory, or disk to spill to, than it may have.
    #[error("statement {number}: out of memory: {message}")]
    Memory {
        /// Position of the statement in the text, from 1.
        number: usize,
        /// What the engine says.
        message: String,
    },
    /// The output cannot be written.
    #[error("cannot write the output")]
    Output(#[source] std::io::Error),
    /// A broken promise of this program or its engine.
    #[error("unexpected: {message}")]
    Internal {
        /// What happened.
        message: String,
    },
}

/// Whose fault a [`QueryError`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueryErrorKind {
    /// The statement, report, parameter or format; a retry fails again.
    Usage,
    /// The lake: unavailable, corrupt, or replaced while it was read.
    Lake,
    /// Where the output goes.
    Output,
    /// Memory, or a broken promise.
    Unexpected,
}

impl QueryError {
    /// Whose fault it is.
    pub fn kind(&self) -> QueryErrorKind {
        match self {
            Self::Syntax { .. }
            | Self::Refused { .. }
            | Self::UnknownTable { .. }
            | Self::UnknownColumn { .. }
            | Self::UnknownFunction { .. }
            | Self::Statement { .. }
            | Self::UnknownReport { .. }
            | Self::UnknownParam { .. }
            | Self::UnknownPageParam { .. }
            | Self::ParamValue { .. }
            | Self::UnknownFormat { .. }
            | Self::UnknownEngine { .. } => QueryErrorKind::Usage,
            Self::Replaced { .. }
            | Self::Corrupt { .. }
            | Self::CorruptLines { .. }
            | Self::NewerSchema { .. }
            | Self::Store { .. }
            | Self::Read { .. } => QueryErrorKind::Lake,
            Self::Output(_) => QueryErrorKind::Output,
            Self::Memory { .. } | Self::Internal { .. } => QueryErrorKind::Unexpected,
        }
    }

    /// The place in the text that the failure is about: a line of it, and below it a `^`.
    pub fn excerpt(&self) -> Option<&str> {
        match self {
            Self::Syntax { excerpt, .. } => excerpt.as_deref(),
            _ => None,
        }
    }

    /// What the user can do, where more can be said than the message says.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Corrupt { .. } => "move the object away or restore it, then load its day again".to_owned(),
            Self::Memory { .. } => "give it more with --memory-limit, or let it read fewer days or columns".to_owned(),
            Self::UnknownColumn { name, elsewhere, .. } if !elsewhere.is_empty() => {
                format!("`{name}` is a column of {}", quoted(elsewhere, ", "))
            }
            Self::UnknownColumn { near, .. } if near.is_empty() => {
                "`DESCRIBE contacts` lists the columns of a table or view, `SHOW TABLES` what there is".to_owned()
            }
            Self::UnknownFunction { near, .. } if near.is_empty() => "`SHOW FUNCTIONS` lists them".to_owned(),
            Self::UnknownReport { .. } => "`kore-lake report list` says what each report tells".to_owned(),
            Self::UnknownParam { report, .. } | Self::ParamValue { report, .. } => {
                format!("`kore-lake report {report} --help` explains its parameters")
            }
            _ => return None,
        };
        Some(hint)
    }

    /// What a failure of statement `number` means, by what the engine says and what the snapshot noted.
    pub(super) fn of_statement(number: usize, error: DataFusionError, snapshot: &Snapshot) -> Self {
        if let Some(fault) = snapshot.fault() {
            return fault.into();
        }
        let error = match own(error) {
            Ok(own) => return own,
            Err(error) => error,
        };
        let message = plain(&error);
        if is_of_parquet(&error) {
            return Self::Corrupt { object: suspects(snapshot), message };
        }
        match error.find_root() {
            DataFusionError::SchemaError(schema, _) => Self::of_schema(number, schema, message),
            DataFusionError::ResourcesExhausted(_) => Self::Memory { number, message },
            DataFusionError::Internal(_) => Self::Internal { message },
            _ => match unknown_field(&message) {
                Some(name) => {
                    let near = near(&name, names_below(&Schema::conversations().columns));
                    Self::UnknownColumn { number, name, near, elsewhere: Vec::new() }
                }
                None => Self::Statement { number, message },
            },
        }
    }

    fn of_schema(number: usize, error: &SchemaError, message: String) -> Self {
        let SchemaError::FieldNotFound { field, valid_fields } = error else {
            return Self::Statement { number, message };
        };
        let near_columns = || near(&field.name, valid_fields.iter().map(|field| field.name.as_str()));
        let Some(table) = &field.relation else {
            return Self::UnknownColumn {
                number,
                name: field.name.clone(),
                near: near_columns(),
                elsewhere: Vec::new(),
            };
        };
        let tables = || valid_fields.iter().filter_map(|field| field.relation.as_ref()).map(TableReference::table);
        if tables().any(|name| name == table.table()) {
            return Self::UnknownColumn {
                number,
                name: field.flat_name(),
                near: near_columns(),
                elsewhere: Vec::new(),
            };
        }
        Self::UnknownTable { number, name: table.to_string(), near: near(table.table(), tables()) }
    }
}

impl From<Fault> for QueryError {
    fn from(fault: Fault) -> Self {
        let name = |path: &Path| path.to_string();
        match fault {
            Fault::Replaced(object) => Self::Replaced { object: name(&object) },
            Fault::Corrupt(object, message) => Self::Corrupt { object: name(&object), message },
            Fault::Newer { object, found } => {
                Self::NewerSchema { object: name(&object), found, expected: Schema::conversations().version }
            }
            Fault::Store(message) => Self::Read { message },
        }
    }
}

/// Which statement, where one asked.
fn statement(number: usize) -> String {
    if number == 0 { String::new() } else { format!("statement {number}: ") }
}

/// Our own error, where the engine only carried it.
fn own(error: DataFusionError) -> Result<QueryError, DataFusionError> {
    match error {
        DataFusionError::External(inner) => match inner.downcast::<QueryError>() {
            Ok(own) => Ok(*own),
            Err(inner) => Err(DataFusionError::External(inner)),
        },
        DataFusionError::Context(text, inner) => {
            own(*inner).map_err(|inner| DataFusionError::Context(text, Box::new(inner)))
        }
        other => Err(other),
    }
}

/// The names of columns, and of those within them.
fn names_below(columns: &[Column]) -> Vec<&str> {
    let mut names = Vec::new();
    for column in columns {
        names.push(column.name.as_str());
        let mut kind = &column.kind;
        while let Kind::List(element) = kind {
            kind = element;
        }
        if let Kind::Struct(fields) = kind {
            names.extend(names_below(fields));
        }
    }
    names
}

/// Whether the cause lies in the bytes of an object, wherever in the chain that is said.
fn is_of_parquet(error: &DataFusionError) -> bool {
    let mut link: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = link {
        let of_parquet = error.is::<ParquetError>()
            || matches!(error.downcast_ref(), Some(DataFusionError::ParquetError(_)))
            || matches!(error.downcast_ref(), Some(ArrowError::ParquetError(_)));
        if of_parquet {
            return true;
        }
        link = error.source();
    }
    false
}

/// A page that cannot be decoded is met far from the object it came from.
fn suspects(snapshot: &Snapshot) -> String {
    match snapshot.read_objects().as_slice() {
        [object] => object.to_string(),
        objects => format!("one of {} objects read", objects.len()),
    }
}

/// A failure while the session was made, when no statement has been given yet.
pub(super) fn internal(error: impl fmt::Display) -> QueryError {
    QueryError::Internal { message: error.to_string() }
}
