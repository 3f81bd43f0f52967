//! Rows as a program of an older schema version would have made them: its schema had some columns less.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, StructArray};
use arrow::datatypes::Schema as ArrowSchema;
use arrow::record_batch::RecordBatch;

use crate::decode::RecordWriter;
use crate::decode::column::ColumnDecoder;
use crate::decode::object::ObjectDecoder;
use crate::decode::scan::Scan;
use crate::schema::{Column, Kind, Schema};

/// The present columns without those at these paths, such as `destinations.queue_id`.
pub fn columns_without(paths: &[&str]) -> Vec<Column> {
    let columns = &Schema::conversations().columns;
    for path in paths {
        assert!(has(columns, path), "{path}");
    }
    without("", columns, paths)
}

fn has(columns: &[Column], path: &str) -> bool {
    let (name, rest) = path.split_once('.').unwrap_or((path, ""));
    let Some(column) = columns.iter().find(|column| column.name == name) else { return false };
    rest.is_empty() || members(&column.kind).is_some_and(|columns| has(columns, rest))
}

/// Paths of all columns that an older schema may have lacked.
pub fn paths() -> Vec<String> {
    let mut paths = Vec::new();
    walk("", &Schema::conversations().columns, &mut paths);
    paths
}

/// The record as those columns take it; all columns but ours.
pub fn decoded(record: &str, columns: &[Column], offset_minutes: i32) -> StructArray {
    let mut decoder = ObjectDecoder::new(columns);
    assert!(decoder.decode(0, &mut Scan::new(record, offset_minutes)).is_ok(), "{record}");
    decoder.finish(1).as_struct().clone()
}

/// Rows under the present schema as rows under these columns; those of ours stay.
pub fn aged(batch: &RecordBatch, columns: &[Column]) -> RecordBatch {
    let writer = RecordWriter::new(batch).unwrap();
    let mut decoder = ObjectDecoder::new(columns);
    for row in 0..batch.num_rows() {
        let mut record = Vec::new();
        writer.write(row, &mut record).unwrap();
        let record = String::from_utf8(record).unwrap();
        assert!(decoder.decode(row, &mut Scan::new(&record, 0)).is_ok(), "{record}");
    }
    with_ours(&decoder.finish(batch.num_rows()), batch)
}

/// These columns, and behind them those of ours that `batch` has.
pub fn with_ours(record: &ArrayRef, batch: &RecordBatch) -> RecordBatch {
    let record = record.as_struct();
    let schema = batch.schema();
    let ours = schema.fields().iter().zip(batch.columns()).filter(|(field, _)| field.name().starts_with('_'));
    let fields = record.fields().iter().cloned().chain(ours.clone().map(|(field, _)| Arc::clone(field)));
    let columns = record.columns().iter().cloned().chain(ours.map(|(_, column)| Arc::clone(column)));
    RecordBatch::try_new(Arc::new(ArrowSchema::new(fields.collect::<Vec<_>>())), columns.collect()).unwrap()
}

fn without(prefix: &str, columns: &[Column], paths: &[&str]) -> Vec<Column> {
    let stays = |column: &&Column| !paths.contains(&format!("{prefix}{}", column.name).as_str());
    let pruned = |column: &Column| {
        let prefix = format!("{prefix}{}.", column.name);
        Column { kind: pruned(&prefix, &column.kind, paths), ..column.clone() }
    };
    columns.iter().filter(stays).map(pruned).collect()
}

fn pruned(prefix: &str, kind: &Kind, paths: &[&str]) -> Kind {
    match kind {
        Kind::Struct(columns) => Kind::Struct(without(prefix, columns, paths)),
        Kind::List(element) => Kind::List(Box::new(pruned(prefix, element, paths))),
        other => other.clone(),
    }
}

/// What the decoder itself, and the place of a row, cannot do without.
const NEEDED: [&str; 6] = [
    "session_id",
    "conversation_id",
    "session_start_time",
    "final_status",
    "destinations.destination_type",
    "destinations.responding_agent",
];

fn walk(prefix: &str, columns: &[Column], paths: &mut Vec<String>) {
    for (index, column) in columns.iter().filter(|column| column.key.is_some()).enumerate() {
        let path = format!("{prefix}{}", column.name);
        if let Some(members) = members(&column.kind) {
            walk(&format!("{path}."), members, paths);
        }
        // A struct without any column was in no schema.
        if index > 0 && !NEEDED.contains(&path.as_str()) {
            paths.push(path);
        }
    }
}

fn members(kind: &Kind) -> Option<&[Column]> {
    match kind {
        Kind::Struct(columns) => Some(columns),
        Kind::List(element) => members(element),
        _ => None,
    }
}
