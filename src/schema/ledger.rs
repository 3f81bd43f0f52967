use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Schema as ArrowSchema, SchemaRef};
use serde::Deserialize;

use super::column::Kind;

/// The text of `schemas/ledger.json`.
const DOCUMENT: &str = include_str!("../../schemas/ledger.json");

/// A table of the ledger: NDJSON, one object a line, times as RFC 3339 UTC text.
#[derive(Debug, Deserialize)]
pub struct LedgerTableSchema {
    /// Name: `runs`, `days`, `windows` or `rejects`.
    pub name: String,
    path: String,
    /// What a line stands for.
    pub description: String,
    /// Members of a line, in order; `account_id` stands in the path and comes before them.
    pub columns: Vec<LedgerColumn>,
}

/// A member of a line.
#[derive(Debug, Deserialize)]
pub struct LedgerColumn {
    /// Name.
    pub name: String,
    #[serde(rename = "type")]
    type_name: String,
    /// Whether it may be null.
    pub nullable: bool,
    /// What it holds.
    pub description: String,
}

/// Type of a column of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LedgerType {
    /// Text, JSON text too.
    Text,
    /// 32-bit integer.
    Int32,
    /// 64-bit integer.
    Int64,
    /// Boolean.
    Boolean,
    /// Date.
    Date,
    /// Microseconds since 1970-01-01, UTC.
    Timestamp,
}

impl LedgerTableSchema {
    /// All tables, read from the compiled-in document.
    ///
    /// # Panics
    /// Never in a build whose tests passed: they read the same document.
    pub fn all() -> &'static [Self] {
        static TABLES: LazyLock<Document> =
            LazyLock::new(|| serde_json::from_str(DOCUMENT).expect("schemas/ledger.json is valid, its tests say so"));
        &TABLES.tables
    }

    /// Folder of the table in the lake; in it `account_id=…/….ndjson`.
    pub fn folder(&self) -> &str {
        self.path.split("/account_id=").next().unwrap_or_default()
    }

    /// The Arrow schema of the lines, without `account_id`.
    pub fn arrow(&self) -> SchemaRef {
        let field = |column: &LedgerColumn| Field::new(&column.name, column.kind().arrow(), column.nullable);
        Arc::new(ArrowSchema::new(self.columns.iter().map(field).collect::<Vec<_>>()))
    }
}

impl LedgerColumn {
    /// Type of its values.
    ///
    /// # Panics
    /// On a type that the document alone knows; its tests say that there is none.
    pub fn kind(&self) -> LedgerType {
        match self.type_name.as_str() {
            "string" | "json" => LedgerType::Text,
            "int32" => LedgerType::Int32,
            "int64" => LedgerType::Int64,
            "boolean" => LedgerType::Boolean,
            "date" => LedgerType::Date,
            "timestamp" => LedgerType::Timestamp,
            other => panic!("`{}` has a type that no column of a ledger has: `{other}`", self.name),
        }
    }
}

impl LedgerColumn {
    /// Type of its values as JSON has them: times and dates are text.
    pub(super) fn kind_in_line(&self) -> LedgerType {
        match self.kind() {
            LedgerType::Date | LedgerType::Timestamp => LedgerType::Text,
            other => other,
        }
    }
}

impl LedgerType {
    /// The Arrow type.
    pub fn arrow(self) -> DataType {
        match self {
            Self::Text => Kind::Utf8.arrow(),
            Self::Int32 => Kind::Int32.arrow(),
            Self::Int64 => Kind::Int64.arrow(),
            Self::Boolean => Kind::Boolean.arrow(),
            Self::Date => DataType::Date32,
            Self::Timestamp => Kind::Timestamp.arrow(),
        }
    }
}

#[derive(Debug, Deserialize)]
struct Document {
    tables: Vec<LedgerTableSchema>,
}
