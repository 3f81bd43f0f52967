//! What a lake holds: rows as `query` gives them, and the files below `conversations/`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use kore_lake::decode::RecordWriter;
use kore_lake::lake::Lake;
use kore_lake::query::{Format, Rows, Session, SessionSettings, render};
use serde_json::{Map, Value};

/// A row of `conversations`.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredRow {
    /// Every column, as `--format ndjson` prints it.
    pub columns: Map<String, Value>,
    /// The record, as `--as-api` prints it.
    pub record: Value,
}

impl StoredRow {
    pub fn text(&self, column: &str) -> &str {
        self.columns[column].as_str().unwrap_or_else(|| panic!("`{column}` is {}", self.columns[column]))
    }

    /// The row without some of its columns.
    pub fn without(mut self, columns: &[&str]) -> Self {
        self.columns.retain(|name, _| !columns.contains(&name.as_str()));
        self
    }
}

const EVERYTHING: &str = "SELECT * FROM conversations ORDER BY account_id, session_id, conversation_id";

/// All rows of a lake, ordered by key; a key that stands twice fails.
pub async fn rows(lake: &Lake) -> Vec<StoredRow> {
    let session = Session::open(lake.into(), SessionSettings::default()).await.unwrap();
    let mut text = Vec::new();
    render(ask(&session).await, Format::Ndjson, &mut text).await.unwrap();
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let columns = lines.map(|line| serde_json::from_slice::<Map<String, Value>>(line).unwrap());
    let records = records(ask(&session).await).await;
    let rows: Vec<_> =
        columns.zip(&records).map(|(columns, record)| StoredRow { columns, record: record.clone() }).collect();
    assert_eq!(rows.len(), records.len());
    let key = |row: &StoredRow| ["account_id", "session_id", "conversation_id"].map(|name| row.columns[name].clone());
    assert!(rows.windows(2).all(|pair| key(&pair[0]) != key(&pair[1])), "a key stands twice");
    rows
}

/// The records of a lake, in no order.
pub async fn records_of(lake: &Lake) -> Vec<Value> {
    let session = Session::open(lake.into(), SessionSettings::default()).await.unwrap();
    records(ask(&session).await).await
}

async fn ask(session: &Session) -> Rows {
    let statements = session.parse(EVERYTHING).unwrap();
    session.run(&statements[0]).await.unwrap()
}

async fn records(rows: Rows) -> Vec<Value> {
    let mut records = Vec::new();
    for batch in rows.collect().await.unwrap() {
        let writer = RecordWriter::new(&batch).unwrap();
        for row in 0..batch.num_rows() {
            let mut text = Vec::new();
            writer.write(row, &mut text).unwrap();
            records.push(serde_json::from_slice(&text).unwrap());
        }
    }
    records
}

/// The files below `conversations/`, with what they hold and when they were written.
pub fn objects(lake: &Path) -> BTreeMap<PathBuf, (Vec<u8>, SystemTime)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![lake.join("conversations")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let modified = fs::metadata(&path).unwrap().modified().unwrap();
                found.insert(path.strip_prefix(lake).unwrap().to_owned(), (fs::read(&path).unwrap(), modified));
            }
        }
    }
    assert!(!found.is_empty());
    found
}
