//! The programs in `examples/` run and say what `query` says.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::binary::{example, kore_lake, python, succeed};
use crate::record::normal;

/// The question that three of the examples answer.
const BY_DAY: &str = "
    WITH legs AS (
        SELECT session_date, unnest(destinations)['responding_agent']['accepted_time'] AS accepted_time FROM conversations
    ), answered AS (SELECT session_date, count(accepted_time) AS legs FROM legs GROUP BY session_date)
    SELECT session_date, count(*), coalesce(max(legs), 0) FROM conversations LEFT JOIN answered USING (session_date)
    GROUP BY session_date ORDER BY session_date";

fn run_example(name: &str, argument: &Path) -> String {
    succeed(Command::new(example(name)).arg(argument))
}

#[test]
fn the_examples_load_a_lake_and_all_engines_answer_alike() {
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().join("lake");
    let shown = run_example("load_into_folder", &lake);
    let rows =
        kore_lake(folder.path(), &["query", "-c", "SELECT count(*) AS n FROM conversations", "--format", "ndjson"]);
    let rows: Value = serde_json::from_str(&rows).unwrap();
    assert!(shown.contains(&format!("{} rows new, 0 unchanged", rows["n"])), "{shown}");

    let answer = kore_lake(folder.path(), &["query", "-c", BY_DAY, "--format", "csv"]);
    let (_, answer) = answer.split_once('\n').unwrap();
    assert_eq!(answer.lines().count(), 2);
    assert_eq!(run_example("query_lake", &lake), answer);
    assert_eq!(python("examples/read_with_duckdb.py", &[&lake]), answer);
    assert_eq!(python("examples/read_with_spark.py", &[&lake]), answer);
}

#[test]
fn a_page_is_decoded_and_written_back() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("page.json");
    let record = json!({
        "sessionId": "69a4d400aabbccddeeff0011", "channel": "voice", "sessionStartTime": "2026-03-02T00:00:00",
        "newKey": [1], "destinations": [],
    });
    fs::write(&file, json!({ "numResults": 2, "data": [record, "no record"] }).to_string()).unwrap();
    let shown = run_example("decode_page", &file);
    assert!(shown.starts_with("1 rows of "), "{shown}");
    assert!(shown.contains("1 rejects") && shown.contains("| 69a4d400aabbccddeeff0011 |"), "{shown}");
    let back: Value = serde_json::from_str(shown.lines().last().unwrap()).unwrap();
    assert_eq!(normal(&back, 0), normal(&record, 0));
}
