//! Lakes spoiled by hand, each in one way.

use std::fs;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use serde_json::{Value, json};

use super::support::*;
use crate::clock::UtcTime;
use crate::lake::{Clock, Finding, FindingKind, VerifyReport};
use crate::schema::Schema;

pub const HEAD: &str = "_kore_lake/ledger/accounts/account_id=acc-1/head.json";
pub const MONDAY: &str = "conversations/account_id=acc-1/session_date=2026-03-02/conversations.parquet";
pub const TUESDAY: &str = "conversations/account_id=acc-1/session_date=2026-03-03/conversations.parquet";

/// Two days with what a lake can have: a session alone, an id without a time, a reject, a window proven.
pub async fn good_lake() -> TestLake {
    let lake = TestLake::new();
    let mut window = proven(&[row(1, "a"), row(2, "b").alone(), row(3, "c").without_time("odd")], 0, 60, 0);
    window.rejects.push(reject("{}", 7));
    lake.run(vec![window, proven(&[row(DAY, "d"), row(DAY + 1, "e")], DAY, DAY + 60, 0)]).await;
    lake
}

pub fn clock() -> Clock {
    Arc::new(UtcTime::now)
}

pub async fn verify(lake: &TestLake) -> VerifyReport {
    lake.lake.verify(Some(&account()), &clock()).await.unwrap()
}

/// The one finding of a lake that was spoiled in one way.
pub async fn finding(lake: &TestLake) -> Finding {
    let mut findings = verify(lake).await.findings;
    assert_eq!(findings.len(), 1, "{findings:#?}");
    findings.remove(0)
}

/// Kind, path, and what was found.
pub async fn found(lake: &TestLake) -> (FindingKind, String, String) {
    let finding = finding(lake).await;
    (finding.kind, finding.path, finding.found)
}

/// The first rows of an object, as they stand there, changed and written back; the ledger takes it for its own.
pub fn spoil(lake: &TestLake, path: &str, change: impl FnOnce(&mut Vec<Value>)) {
    let mut rows = rows_of(lake, path);
    change(&mut rows);
    let schema = Schema::conversations_arrow();
    write_rows(lake, path, &decode(&schema, &rows), |_| {});
    acknowledge(lake);
}

pub fn rows_of(lake: &TestLake, path: &str) -> Vec<Value> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(lake.open(path)).unwrap().build().unwrap();
    let mut text = Vec::new();
    for batch in reader {
        arrow::json::LineDelimitedWriter::new(&mut text).write(&batch.unwrap()).unwrap();
    }
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
}

pub fn decode(schema: &SchemaRef, rows: &[Value]) -> RecordBatch {
    let mut decoder = arrow::json::ReaderBuilder::new(Arc::clone(schema)).build_decoder().unwrap();
    decoder.serialize(rows).unwrap();
    decoder.flush().unwrap().unwrap_or_else(|| RecordBatch::new_empty(Arc::clone(schema)))
}

/// Replaces an object by these rows, under its own footer but for `change`.
pub fn write_rows(lake: &TestLake, path: &str, rows: &RecordBatch, change: impl FnOnce(&mut Vec<KeyValue>)) {
    let reader = ParquetRecordBatchReaderBuilder::try_new(lake.open(path)).unwrap();
    let mut footer = reader.metadata().file_metadata().key_value_metadata().unwrap().clone();
    change(&mut footer);
    let properties = WriterProperties::builder().set_key_value_metadata(Some(footer)).build();
    let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
    let mut writer = ArrowWriter::try_new_with_options(Vec::new(), rows.schema(), options).unwrap();
    writer.write(rows).unwrap();
    lake.write(path, &writer.into_inner().unwrap());
}

/// Lets the ledger take every object for the one it knows.
pub fn acknowledge(lake: &TestLake) {
    let object = |path: &str| {
        let bytes = fs::metadata(lake.folder.path().join(path)).unwrap().len();
        let reader = ParquetRecordBatchReaderBuilder::try_new(lake.open(path));
        (bytes, reader.map(|reader| reader.metadata().file_metadata().num_rows()).ok())
    };
    change_head(lake, |head| {
        for (date, day) in head["days"].as_object_mut().unwrap() {
            let path = format!("conversations/account_id=acc-1/session_date={date}/conversations.parquet");
            let (bytes, rows) = object(&path);
            day["bytes"] = json!(bytes);
            day["etag"] = json!(etag(lake, &path));
            day["rows"] = rows.map_or(day["rows"].clone(), |rows| json!(rows));
        }
    });
}

pub fn change_head(lake: &TestLake, change: impl FnOnce(&mut Value)) {
    let mut head: Value = serde_json::from_slice(&fs::read(lake.folder.path().join(HEAD)).unwrap()).unwrap();
    change(&mut head);
    lake.write(HEAD, head.to_string().as_bytes());
}

fn etag(lake: &TestLake, path: &str) -> Option<String> {
    use object_store::{ObjectStoreExt, path::Path};
    futures::executor::block_on(async { lake.lake.store().head(&Path::from(path)).await.unwrap().e_tag })
}
