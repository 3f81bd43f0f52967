use std::fmt::{self, Write as _};

use serde_json::{Map, Value, json};

use super::column::{Column, Kind, Schema};

/// What the schema can be written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchemaFormat {
    /// An indented tree, for reading.
    Tree,
    /// A JSON document with nested columns, for programs.
    Json,
    /// A Markdown table, one row a column, nested ones by their path.
    Markdown,
    /// Spark SQL that declares the table over a lake.
    Spark,
    /// DuckDB SQL that declares the table over a lake.
    Duckdb,
}

impl Schema {
    /// Writes the schema as `format`. `lake` is the URL or path that the DDLs point at.
    pub fn render(&self, format: SchemaFormat, lake: &str) -> String {
        let rendered = match format {
            SchemaFormat::Tree => self.tree(),
            SchemaFormat::Json => Ok(format!("{:#}\n", self.json())),
            SchemaFormat::Markdown => self.markdown(),
            SchemaFormat::Spark | SchemaFormat::Duckdb => Ok(self.declare(format, Some(lake))),
        };
        rendered.expect("writing to a string does not fail")
    }

    fn tree(&self) -> Result<String, fmt::Error> {
        let mut out = format!("conversations (schema version {})\n", self.version);
        for column in &self.partition_columns {
            writeln!(out, "├─ {}: {} (partition) – {}", column.name, column.type_name, column.description)?;
        }
        tree_columns(&mut out, "", &self.columns)?;
        Ok(out)
    }

    fn json(&self) -> Value {
        json!({
            "name": "conversations",
            "schema_version": self.version,
            "content_hash_version": self.content_hash_version,
            "open_statuses": self.open_statuses,
            "partition_columns": self.partition_columns,
            "columns": json_columns(&self.columns),
        })
    }

    fn markdown(&self) -> Result<String, fmt::Error> {
        let mut out = format!(
            "# Columns of `conversations`, schema version {}\n\n\
             | column | type | API key | unit | description | rests on |\n| --- | --- | --- | --- | --- | --- |\n",
            self.version
        );
        for column in &self.partition_columns {
            let (name, kind, text) = (&column.name, &column.type_name, &column.description);
            writeln!(out, "| `{name}` | {kind} | | | {text} (partition column, stands in the path) | decided |")?;
        }
        markdown_columns(&mut out, "", &self.columns)?;
        Ok(out)
    }
}

/// The columns of the object that `kind` holds, directly or as elements of a list.
fn members(kind: &Kind) -> Option<&[Column]> {
    match kind {
        Kind::Struct(members) => Some(members),
        Kind::List(element) => members(element),
        _ => None,
    }
}

/// Short name of a type; of a struct without its members.
fn type_name(kind: &Kind) -> String {
    match kind {
        Kind::Utf8 => "string".to_owned(),
        Kind::Json => "json".to_owned(),
        Kind::Int32 => "int32".to_owned(),
        Kind::Int64 => "int64".to_owned(),
        Kind::Float64 => "float64".to_owned(),
        Kind::Boolean => "boolean".to_owned(),
        Kind::Timestamp => "timestamp".to_owned(),
        Kind::Struct(_) => "struct".to_owned(),
        Kind::List(element) => format!("list<{}>", type_name(element)),
    }
}

fn tree_columns(out: &mut String, indent: &str, columns: &[Column]) -> fmt::Result {
    for (position, column) in columns.iter().enumerate() {
        let last = position + 1 == columns.len();
        let (branch, below) = if last { ("└─", "   ") } else { ("├─", "│  ") };
        let null = if column.nullable { "" } else { " not null" };
        let unit = column.unit.as_ref().map(|unit| format!(" [{unit}]")).unwrap_or_default();
        writeln!(
            out,
            "{indent}{branch} {}: {}{null}{unit} – {}",
            column.name,
            type_name(&column.kind),
            column.description
        )?;
        if let Some(members) = members(&column.kind) {
            tree_columns(out, &format!("{indent}{below}"), members)?;
        }
    }
    Ok(())
}

fn json_columns(columns: &[Column]) -> Vec<Value> {
    let json = |column: &Column| {
        let mut entry = Map::new();
        let mut put = |name: &str, value: Value| entry.insert(name.to_owned(), value);
        put("name", json!(column.name));
        put("key", json!(column.key));
        put("aliases", json!(column.aliases));
        put("type", json!(type_name(&column.kind)));
        if let Some(members) = members(&column.kind) {
            put("fields", Value::Array(json_columns(members)));
        }
        put("nullable", json!(column.nullable));
        put("unit", json!(column.unit));
        put("description", json!(column.description));
        put("fact", json!(column.fact));
        put("source", json!(column.source));
        Value::Object(entry)
    };
    columns.iter().map(json).collect()
}

fn markdown_columns(out: &mut String, path: &str, columns: &[Column]) -> fmt::Result {
    for column in columns {
        let path = format!("{path}{}", column.name);
        let keys: Vec<_> = column.keys().map(|key| format!("`{key}`")).collect();
        let (unit, description) = (column.unit.as_deref().unwrap_or(""), column.description.replace('|', "\\|"));
        let kind = type_name(&column.kind).replace('<', "&lt;").replace('>', "&gt;");
        let (fact, source) = (&column.fact, &column.source);
        writeln!(out, "| `{path}` | {kind} | {} | {unit} | {description} | {fact}, {source} |", keys.join(", "))?;
        if let Some(members) = members(&column.kind) {
            markdown_columns(out, &format!("{path}."), members)?;
        }
    }
    Ok(())
}
