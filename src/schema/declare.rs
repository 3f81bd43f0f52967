use super::column::{Kind, Schema};
use super::ledger::{LedgerColumn, LedgerTableSchema, LedgerType};
use super::render::SchemaFormat;

/// A column as an engine names and types it.
struct Declared {
    name: String,
    type_name: String,
}

impl Schema {
    /// SQL that declares `conversations` over the lake at `lake`; without one, empty. For DuckDB, or else for Spark.
    ///
    /// Views rather than tables: they need no catalogue. Partition columns are declared, since left to guess, Spark reads
    /// `account_id=0012` as 12.
    pub fn declare(&self, format: SchemaFormat, lake: Option<&str>) -> String {
        let partitions = self.partition_columns.iter();
        let partitions: Vec<_> = partitions.map(|column| (&column.name, column.type_name == "date")).collect();
        let partition = |(name, is_date): &(&String, bool)| {
            let kind = if *is_date { LedgerType::Date } else { LedgerType::Text };
            Declared { name: (*name).clone(), type_name: ledger_type(format, kind).to_owned() }
        };
        let columns = self
            .columns
            .iter()
            .map(|column| Declared { name: column.name.clone(), type_name: column_type(format, &column.kind) });
        let columns: Vec<_> = columns.chain(partitions.iter().map(partition)).collect();
        match (format, lake) {
            (_, None) => empty(format, "conversations", &columns),
            (SchemaFormat::Duckdb, Some(lake)) => {
                let types: Vec<_> =
                    columns[self.columns.len()..].iter().map(|c| format!("'{}': {}", c.name, c.type_name)).collect();
                format!(
                    "CREATE OR REPLACE VIEW conversations AS\nSELECT\n{}\nFROM read_parquet(\n  {}, union_by_name = true,\n  hive_partitioning = true, hive_types = {{{}}}\n);\n",
                    casts(format, &columns),
                    duckdb_glob(lake, "conversations/*/*/conversations.parquet"),
                    types.join(", ")
                )
            }
            (_, Some(lake)) => spark_files("conversations", &columns, "parquet", lake, "conversations"),
        }
    }
}

impl LedgerTableSchema {
    /// SQL that declares the table over the lake at `lake`; without one, empty. For DuckDB, or else for Spark.
    pub fn declare(&self, format: SchemaFormat, lake: Option<&str>) -> String {
        let account =
            Declared { name: "account_id".to_owned(), type_name: ledger_type(format, LedgerType::Text).to_owned() };
        let declared = |kind: fn(&LedgerColumn) -> LedgerType| {
            move |column: &LedgerColumn| Declared {
                name: column.name.clone(),
                type_name: ledger_type(format, kind(column)).to_owned(),
            }
        };
        let columns: Vec<_> =
            std::iter::once(account).chain(self.columns.iter().map(declared(LedgerColumn::kind))).collect();
        // As the lines have them: times and dates are text.
        let lines: Vec<_> = self.columns.iter().map(declared(LedgerColumn::kind_in_line)).collect();
        let name = &self.name;
        match (format, lake) {
            (_, None) => empty(format, name, &columns),
            (SchemaFormat::Duckdb, Some(lake)) => {
                let lines: Vec<_> = lines
                    .iter()
                    .map(|line| format!("{}: '{}'", identifier(format, &line.name), line.type_name))
                    .collect();
                format!(
                    "CREATE OR REPLACE VIEW {name} AS\nSELECT\n{}\nFROM read_json(\n  {}, format = 'newline_delimited',\n  columns = {{{}}},\n  hive_partitioning = true, hive_types = {{'account_id': VARCHAR}}\n);\n",
                    casts(format, &columns),
                    duckdb_glob(lake, &format!("{}/*/*.ndjson", self.folder())),
                    lines.join(", ")
                )
            }
            (_, Some(lake)) => {
                let account = Declared { name: "account_id".to_owned(), type_name: "STRING".to_owned() };
                let lines: Vec<_> = lines.into_iter().chain([account]).collect();
                format!(
                    "{}\nCREATE OR REPLACE TEMPORARY VIEW {name} AS\nSELECT\n{}\nFROM _{name};\n",
                    spark_files(&format!("_{name}"), &lines, "json", lake, self.folder()),
                    casts(format, &columns),
                )
            }
        }
    }
}

/// A view without rows: engines fail on a lake's files where there are none.
fn empty(format: SchemaFormat, name: &str, columns: &[Declared]) -> String {
    let create =
        if format == SchemaFormat::Duckdb { "CREATE OR REPLACE VIEW" } else { "CREATE OR REPLACE TEMPORARY VIEW" };
    let null =
        |column: &Declared| format!("  CAST(NULL AS {}) AS {}", column.type_name, identifier(format, &column.name));
    let columns: Vec<_> = columns.iter().map(null).collect();
    format!("{create} {name} AS\nSELECT\n{}\nWHERE false;\n", columns.join(",\n"))
}

fn casts(format: SchemaFormat, columns: &[Declared]) -> String {
    let cast = |column: &Declared| {
        let name = identifier(format, &column.name);
        format!("  CAST({name} AS {}) AS {name}", column.type_name)
    };
    columns.iter().map(cast).collect::<Vec<_>>().join(",\n")
}

fn spark_files(name: &str, columns: &[Declared], files: &str, lake: &str, folder: &str) -> String {
    let column = |column: &Declared| format!("  `{}` {}", column.name, column.type_name);
    let columns: Vec<_> = columns.iter().map(column).collect();
    let path = format!("{}/{folder}", escaped(lake.trim_end_matches('/'), "\\{}[]*?", |c| format!("\\{c}")));
    let path = path.replace('\\', "\\\\").replace('\'', "\\'");
    format!(
        "CREATE OR REPLACE TEMPORARY VIEW {name} (\n{}\n) USING {files} OPTIONS (path '{path}');\n",
        columns.join(",\n")
    )
}

/// Files of the lake as a pattern of DuckDB's, in quotes.
fn duckdb_glob(lake: &str, files: &str) -> String {
    let lake = escaped(lake.trim_end_matches('/'), "[*?", |c| format!("[{c}]"));
    format!("'{}/{files}'", lake.replace('\'', "''"))
}

/// A path in which characters that would make a pattern of it stand for themselves.
fn escaped(path: &str, special: &str, escape: fn(char) -> String) -> String {
    path.chars().map(|c| if special.contains(c) { escape(c) } else { c.to_string() }).collect()
}

fn identifier(format: SchemaFormat, name: &str) -> String {
    if format == SchemaFormat::Duckdb { format!("\"{name}\"") } else { format!("`{name}`") }
}

fn ledger_type(format: SchemaFormat, kind: LedgerType) -> &'static str {
    match (kind, format == SchemaFormat::Duckdb) {
        (LedgerType::Text, true) => "VARCHAR",
        (LedgerType::Text, false) => "STRING",
        (LedgerType::Int32, true) => "INTEGER",
        (LedgerType::Int32, false) => "INT",
        (LedgerType::Int64, _) => "BIGINT",
        (LedgerType::Boolean, _) => "BOOLEAN",
        (LedgerType::Date, _) => "DATE",
        (LedgerType::Timestamp, true) => "TIMESTAMPTZ",
        (LedgerType::Timestamp, false) => "TIMESTAMP",
    }
}

fn column_type(format: SchemaFormat, kind: &Kind) -> String {
    if format == SchemaFormat::Duckdb { duckdb_type(kind) } else { spark_type(kind) }
}
fn spark_type(kind: &Kind) -> String {
    match kind {
        Kind::Utf8 | Kind::Json => "STRING".to_owned(),
        Kind::Int32 => "INT".to_owned(),
        Kind::Int64 => "BIGINT".to_owned(),
        Kind::Float64 => "DOUBLE".to_owned(),
        Kind::Boolean => "BOOLEAN".to_owned(),
        Kind::Timestamp => "TIMESTAMP".to_owned(),
        Kind::Struct(members) => {
            let members: Vec<_> = members.iter().map(|m| format!("`{}`: {}", m.name, spark_type(&m.kind))).collect();
            format!("STRUCT<{}>", members.join(", "))
        }
        Kind::List(element) => format!("ARRAY<{}>", spark_type(element)),
    }
}

fn duckdb_type(kind: &Kind) -> String {
    match kind {
        Kind::Utf8 => "VARCHAR".to_owned(),
        Kind::Json => "JSON".to_owned(),
        Kind::Int32 => "INTEGER".to_owned(),
        Kind::Int64 => "BIGINT".to_owned(),
        Kind::Float64 => "DOUBLE".to_owned(),
        Kind::Boolean => "BOOLEAN".to_owned(),
        Kind::Timestamp => "TIMESTAMPTZ".to_owned(),
        Kind::Struct(members) => {
            let members: Vec<_> = members.iter().map(|m| format!("\"{}\" {}", m.name, duckdb_type(&m.kind))).collect();
            format!("STRUCT({})", members.join(", "))
        }
        Kind::List(element) => format!("{}[]", duckdb_type(element)),
    }
}
