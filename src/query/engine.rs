use std::fmt;
use std::str::FromStr;

use super::QueryError;
use super::functions::LOWER_ASCII;

/// An engine that views and reports are written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// The one of this program.
    Datafusion,
    /// DuckDB 1.5 or newer.
    Duckdb,
    /// Spark 4 or newer.
    Spark,
}

impl Engine {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Datafusion, Self::Duckdb, Self::Spark];

    /// Name, as users write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Datafusion => "datafusion",
            Self::Duckdb => "duckdb",
            Self::Spark => "spark",
        }
    }

    /// How a statement begins that makes a view.
    pub(super) const fn create_view(self) -> &'static str {
        match self {
            Self::Datafusion => "CREATE VIEW",
            Self::Duckdb => "CREATE OR REPLACE VIEW",
            Self::Spark => "CREATE OR REPLACE TEMPORARY VIEW",
        }
    }

    /// Columns of a `SELECT` that makes a row of each element of a list, with its index from 0.
    ///
    /// Two lists unnested side by side are zipped by DataFusion and DuckDB; Spark would multiply them.
    pub(super) fn each(self, list: &str, name: &str) -> String {
        match self {
            Self::Datafusion => format!(
                "unnest({list}) AS {name}, unnest(range(0, CAST(cardinality({list}) AS BIGINT))) AS {name}_index"
            ),
            Self::Duckdb => format!("unnest({list}) AS {name}, unnest(range(0, len({list}))) AS {name}_index"),
            Self::Spark => format!("posexplode({list}) AS ({name}_index, {name})"),
        }
    }

    /// A column of a `SELECT` that makes a row of each element of a list.
    pub(super) fn element(self, list: &str, name: &str) -> String {
        match self {
            Self::Datafusion | Self::Duckdb => format!("unnest({list}) AS {name}"),
            Self::Spark => format!("explode({list}) AS {name}"),
        }
    }

    /// A text with A to Z in lower case, and no other letters.
    pub(super) fn lower(self, text: &str) -> String {
        match self {
            Self::Datafusion => format!("{LOWER_ASCII}({text})"),
            Self::Duckdb | Self::Spark => {
                format!("translate({text}, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')")
            }
        }
    }

    /// The greatest element of a list, by the order of its values.
    pub(super) fn greatest_of(self, list: &str) -> String {
        match self {
            Self::Datafusion | Self::Spark => format!("array_max({list})"),
            Self::Duckdb => format!("list_max({list})"),
        }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Engine {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, QueryError> {
        let found = Self::ALL.into_iter().find(|engine| engine.name() == text);
        found.ok_or_else(|| QueryError::UnknownEngine { found: text.to_owned() })
    }
}
