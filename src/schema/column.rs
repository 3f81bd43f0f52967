use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// The text of `schemas/conversations.json`.
pub(super) const DOCUMENT: &str = include_str!("../../schemas/conversations.json");

/// The fixed schema of `conversations`.
#[derive(Debug)]
pub struct Schema {
    /// Version of the schema, written into the footer of every object.
    pub version: u32,
    /// Version of the rule by which `_content_hash` is taken.
    pub content_hash_version: u32,
    /// Values of `finalStatus` (any case) that mean that a conversation is open (F19).
    pub open_statuses: Vec<String>,
    /// Columns that stand in the path of an object, not in it.
    pub partition_columns: Vec<PartitionColumn>,
    /// Columns of the root, in order.
    pub columns: Vec<Column>,
}

/// A column that stands in the path of an object.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct PartitionColumn {
    /// Column name.
    pub name: String,
    /// `string` or `date`.
    #[serde(rename = "type")]
    pub type_name: String,
    /// What the column holds.
    pub description: String,
}

/// One column, of the root or of a struct.
#[derive(Debug, Clone)]
pub struct Column {
    /// Column name, `snake_case`.
    pub name: String,
    /// The API's key; none for `extra` and for the columns that kore-lake adds.
    pub key: Option<String>,
    /// Further keys under which the API sends the same value, in order of precedence.
    pub aliases: Vec<String>,
    /// Type.
    pub kind: Kind,
    /// Whether the column may be null.
    pub nullable: bool,
    /// Unit of the values, where they have one.
    pub unit: Option<String>,
    /// What the column holds.
    pub description: String,
    /// The fact of `api.md` that the column rests on.
    pub fact: String,
    /// How that is known: `observed`, `documented`, `public` or `decided`.
    pub source: String,
}

/// Type of a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// UTF-8 text.
    Utf8,
    /// JSON text of a whole value (Utf8, annotated as JSON).
    Json,
    /// 32-bit integer.
    Int32,
    /// 64-bit integer.
    Int64,
    /// 64-bit float.
    Float64,
    /// Boolean.
    Boolean,
    /// Microseconds since 1970-01-01, UTC.
    Timestamp,
    /// A JSON object of known keys.
    Struct(Vec<Column>),
    /// A JSON array.
    List(Box<Kind>),
}

impl PartialEq for Column {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.kind == other.kind
    }
}

impl Schema {
    /// The schema of `conversations`, read from the compiled-in document.
    ///
    /// # Panics
    /// Never in a build whose tests passed: they read the same document.
    pub fn conversations() -> &'static Schema {
        static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
            let document: Document =
                serde_json::from_str(DOCUMENT).expect("schemas/conversations.json is valid, its tests say so");
            document.resolve()
        });
        &SCHEMA
    }

    /// Whether `status` (any case) is one of the statuses of an open conversation (F19).
    pub fn is_open_status(&self, status: &str) -> bool {
        self.open_statuses.iter().any(|open| open.eq_ignore_ascii_case(status))
    }
}

impl Column {
    /// Whether this is the column of an object that takes what no other column takes.
    pub fn is_extra(&self) -> bool {
        self.key.is_none() && self.name == "extra"
    }

    /// All keys of the column, in order of precedence.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.key.iter().chain(&self.aliases).map(String::as_str)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(rename = "name")]
    _name: String,
    schema_version: u32,
    content_hash_version: u32,
    open_statuses: Vec<String>,
    partition_columns: Vec<PartitionColumn>,
    columns: Vec<Entry>,
    structs: BTreeMap<String, Vec<Entry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    key: Option<String>,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(rename = "type")]
    type_name: String,
    element: Option<String>,
    #[serde(rename = "struct")]
    struct_name: Option<String>,
    #[serde(default = "nullable_unless_said")]
    nullable: bool,
    unit: Option<String>,
    description: String,
    /// Kinds of record that carry it (B, C, O), for readers of the document.
    #[serde(rename = "kinds")]
    _kinds: Option<String>,
    fact: String,
    source: String,
}

fn nullable_unless_said() -> bool {
    true
}

impl Document {
    fn resolve(self) -> Schema {
        Schema {
            version: self.schema_version,
            content_hash_version: self.content_hash_version,
            columns: self.columns.iter().map(|entry| self.column(entry)).collect(),
            open_statuses: self.open_statuses,
            partition_columns: self.partition_columns,
        }
    }

    fn column(&self, entry: &Entry) -> Column {
        Column {
            name: entry.name.clone(),
            key: entry.key.clone(),
            aliases: entry.aliases.clone(),
            kind: self.kind(&entry.type_name, entry),
            nullable: entry.nullable,
            unit: entry.unit.clone(),
            description: entry.description.clone(),
            fact: entry.fact.clone(),
            source: entry.source.clone(),
        }
    }

    fn kind(&self, type_name: &str, entry: &Entry) -> Kind {
        match type_name {
            "string" => Kind::Utf8,
            "json" => Kind::Json,
            "int32" => Kind::Int32,
            "int64" => Kind::Int64,
            "float64" => Kind::Float64,
            "boolean" => Kind::Boolean,
            "timestamp" => Kind::Timestamp,
            "list" => Kind::List(Box::new(self.kind(named(entry.element.as_ref(), entry), entry))),
            "struct" => {
                let members = &self.structs[named(entry.struct_name.as_ref(), entry)];
                Kind::Struct(members.iter().map(|member| self.column(member)).collect())
            }
            other => panic!("schemas/conversations.json: column `{}` has the unknown type `{other}`", entry.name),
        }
    }
}

fn named<'a>(name: Option<&'a String>, entry: &Entry) -> &'a str {
    name.unwrap_or_else(|| panic!("schemas/conversations.json: column `{}` names no element or struct", entry.name))
}
