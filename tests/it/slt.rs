//! The `.slt` files under `tests/slt`: views, reports and nested access over lakes made of the records beside them. Each folder
//! is a lake, each `<account>.json` in it an answer of the API. `SLT=write` writes what the lake says into the files.
//!
//! `report NAME k=v …: column, …` in the place of a statement runs a report and shows those of its columns.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use arrow::datatypes::DataType;
use async_trait::async_trait;
use kore_lake::lake::Lake;
use kore_lake::pipeline::{ReplayRequest, Stop, Unwatched, replay};
use kore_lake::query::{Format, QueryError, Rows, Session, SessionSettings, render, report};
use kore_lake::source::BareDefaults;
use serde_json::{Map, Value};
use sqllogictest::{
    AsyncDB, DBOutput, DefaultColumnType, Runner, default_normalizer, default_validator, strict_column_validator,
};
use tempfile::TempDir;

use crate::centre::{MEMORY_BYTES, lake_in, run, whole};

/// A lake as the runner of `.slt` files asks it.
struct Asked(Session);

#[async_trait]
impl AsyncDB for Asked {
    type Error = QueryError;
    type ColumnType = DefaultColumnType;

    async fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, QueryError> {
        if let Some(asked) = sql.strip_prefix("report ") {
            return self.report(asked).await;
        }
        let statement = self.0.parse(sql)?.remove(0);
        let rows = self.0.run(&statement).await?;
        let columns: Vec<_> = rows.schema().fields().iter().map(|field| field.name().clone()).collect();
        output(rows, &columns).await
    }

    async fn shutdown(&mut self) {}

    fn engine_name(&self) -> &'static str {
        "kore-lake"
    }
}

impl Asked {
    async fn report(&self, asked: &str) -> Result<DBOutput<DefaultColumnType>, QueryError> {
        let (call, columns) = asked.split_once(": ").expect("`report NAME k=v …: column, …`");
        let mut words = call.split_whitespace();
        let report = report(words.next().unwrap())?;
        let given: BTreeMap<_, _> = words.map(|word| word.split_once('=').unwrap()).collect();
        let given = given.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let rows = self.0.report(report, &report.bind(&given)?).await?;
        let columns: Vec<_> = columns.split(',').map(|column| column.trim().to_owned()).collect();
        output(rows, &columns).await
    }
}

async fn output(rows: Rows, columns: &[String]) -> Result<DBOutput<DefaultColumnType>, QueryError> {
    let schema = rows.schema();
    let column_type = |name: &String| match schema.field_with_name(name).unwrap().data_type() {
        DataType::Utf8 | DataType::Utf8View => DefaultColumnType::Text,
        DataType::Int32 | DataType::Int64 => DefaultColumnType::Integer,
        DataType::Float64 => DefaultColumnType::FloatingPoint,
        _ => DefaultColumnType::Any,
    };
    let types = columns.iter().map(column_type).collect();
    let mut text = Vec::new();
    render(rows, Format::Json, &mut text).await?;
    let rows: Vec<Map<String, Value>> = serde_json::from_slice(&text).unwrap();
    let rows = rows.iter().map(|row| columns.iter().map(|column| cell(&row[column])).collect()).collect();
    Ok(DBOutput::Rows { types, rows })
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::String(text) if text.is_empty() => "(empty)".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The files of a folder that end so, in order.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = folder.read_dir().unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|found| found == ending)).collect();
    files.sort();
    files
}

/// Puts the answers of a folder into a lake.
async fn fill(lake: &Lake, folder: &Path) {
    for answer in files(folder, "json") {
        let account = answer.file_stem().unwrap().to_str().unwrap().parse().unwrap();
        let request = ReplayRequest {
            paths: vec![answer],
            bare: BareDefaults { account_id: Some(account), ..BareDefaults::default() },
            allow_downgrade: false,
            wait_lock: std::time::Duration::ZERO,
            memory_limit_bytes: MEMORY_BYTES,
            strict: false,
        };
        whole(replay(lake, &request, &Unwatched, Stop::never()).await);
    }
}

async fn asked(lake: &Lake) -> Result<Asked, QueryError> {
    let settings = SessionSettings { parallelism: Some(2), ..SessionSettings::default() };
    Session::open(lake.into(), settings).await.map(Asked)
}

/// Runs the files of a folder over its lake; how many there were.
async fn hold(folder: &str) -> usize {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/slt").join(folder);
    let root = TempDir::new().unwrap();
    let lake = lake_in(root.path());
    fill(&lake, &folder).await;
    let files = files(&folder, "slt");
    for file in &files {
        let mut runner = Runner::new(|| asked(&lake));
        runner.with_column_validator(strict_column_validator);
        if std::env::var_os("SLT").is_some_and(|value| value == "write") {
            let (validator, columns) = (default_validator, strict_column_validator);
            runner.update_test_file(file, "  ", validator, default_normalizer, columns).await.unwrap();
        } else {
            runner.run_file_async(file).await.unwrap_or_else(|error| panic!("{}", error.display(false)));
        }
    }
    files.len()
}

#[test]
fn views_reports_and_nested_values_of_edge_cases_are_as_the_files_say() {
    assert!(run(hold("edges")) >= 3);
}

#[test]
fn an_empty_lake_answers_as_the_files_say() {
    assert!(run(hold("empty")) >= 1);
}
