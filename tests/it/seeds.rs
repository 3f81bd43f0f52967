//! The documents' own samples (21 rows), replayed by the program.

use std::fs;
use std::path::{Path, PathBuf};

use kore_lake::clock::{UtcTime, object_id_time};
use kore_lake::schema::{Column, Kind, Schema};
use serde_json::{Map, Value, json};

use crate::binary::kore_lake;
use crate::record::{column_of, columns_of, is_agent_segment, normal};

/// A document, the version of the API it describes, the offset its sample was asked with, its rows.
struct Sample {
    document: &'static str,
    api: &'static str,
    offset: i32,
    rows: usize,
    /// Closers that the document writes wrongly.
    repairs: usize,
}

const SAMPLES: [Sample; 4] = [
    Sample { document: "000", api: "v1", offset: -330, rows: 7, repairs: 0 },
    Sample { document: "001", api: "v2", offset: 0, rows: 3, repairs: 0 },
    Sample { document: "002", api: "v2", offset: -330, rows: 6, repairs: 0 },
    Sample { document: "003", api: "v2", offset: -330, rows: 5, repairs: 1 },
];

impl Sample {
    /// The sample's text: the value around `numResults`, each bracket closed as it was opened.
    fn text(&self) -> String {
        let document = self.read();
        let key = document.find("\"numResults\"").expect("a document has a sample");
        let start = document[..key].rfind('{').unwrap();
        let (text, repairs) = closed(&document[start..]);
        assert_eq!(repairs, self.repairs, "{}", self.document);
        text
    }

    fn read(&self) -> String {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/seeds");
        let mut files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let is_it = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with(self.document);
        fs::read_to_string(files.find(is_it).expect("the document is there")).unwrap()
    }

    fn records(&self) -> Vec<Value> {
        let answer: Value = serde_json::from_str(&self.text()).unwrap();
        answer["data"].as_array().unwrap().clone()
    }
}

/// The first value of a text, and how many of its closers had to be put right.
fn closed(text: &str) -> (String, usize) {
    let (mut whole, mut open, mut repairs) = (String::new(), Vec::new(), 0);
    let (mut in_string, mut escaped) = (false, false);
    for letter in text.chars() {
        let mut written = letter;
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = in_string,
            '"' => in_string = !in_string,
            '{' if !in_string => open.push('}'),
            '[' if !in_string => open.push(']'),
            '}' | ']' if !in_string => {
                written = open.pop().unwrap();
                repairs += usize::from(written != letter);
            }
            _ => {}
        }
        whole.push(written);
        if open.is_empty() {
            break;
        }
    }
    (whole, repairs)
}

/// A lake of one sample.
struct Replayed {
    folder: tempfile::TempDir,
    summary: Value,
}

impl Replayed {
    fn new(sample: &Sample) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("pages")).unwrap();
        fs::write(folder.path().join("pages/answer.json"), sample.text()).unwrap();
        let offset = sample.offset.to_string();
        let arguments = ["replay", "pages", "--account-id", "0012", "--api", sample.api, "--output", "json"];
        let summary = kore_lake(folder.path(), &[&arguments[..], &["--time-zone-offset", &offset]].concat());
        Self { summary: serde_json::from_str(&summary).unwrap(), folder }
    }

    fn query(&self, sql: &str, arguments: &[&str]) -> Vec<Value> {
        let query = ["query", "-c", sql, "--format", "ndjson"];
        let lines = kore_lake(self.folder.path(), &[&query[..], arguments].concat());
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// Records of a sample with the row of each.
fn pairs(sample: &Sample) -> Vec<(Value, Value)> {
    let rows = Replayed::new(sample).query("SELECT * FROM conversations", &[]);
    let of = |record: &Value| {
        let found = rows
            .iter()
            .find(|row| row["session_id"] == record["sessionId"] && row["conversation_id"] == record["conversationId"]);
        found.unwrap_or_else(|| panic!("no row of {}", record["sessionId"])).clone()
    };
    sample.records().into_iter().map(|record| (of(&record), record)).map(|(row, record)| (record, row)).collect()
}

#[test]
#[cfg_attr(not(seeds), ignore = "needs the API's documents in ../shared/seeds")]
fn every_record_is_a_row_and_comes_back() {
    let mut total = 0;
    for sample in &SAMPLES {
        let replayed = Replayed::new(sample);
        let (rows, rejects) = (&replayed.summary["rows"]["new"], &replayed.summary["rejects"]["distinct"]);
        assert_eq!((rows, rejects), (&json!(sample.rows), &json!(0)), "{}", sample.document);
        let back = replayed.query("SELECT * FROM conversations", &["--as-api"]);
        let normal = |records: &[Value], offset| {
            let mut normal: Vec<_> = records.iter().map(|record| normal(record, offset).to_string()).collect();
            normal.sort();
            normal
        };
        assert_eq!(normal(&sample.records(), sample.offset), normal(&back, 0), "{}", sample.document);
        total += back.len();
    }
    assert_eq!(total, 21);
}

/// Goes through an object and demands each of its values in its column, or in `extra` where it has none.
fn assert_found(path: &str, members: &Map<String, Value>, columns: &[Column], row: &Value) {
    let of_agent = columns_of(members, columns).split_off(columns.len());
    let is_agents = |key: &str| is_agent_segment(members) && column_of(columns, key).is_none();
    for (key, value) in members.iter().filter(|(_, value)| !value.is_null()) {
        let path = format!("{path}.{key}");
        let (columns, row) = if is_agents(key) { (&of_agent[..], &row["responding_agent"]) } else { (columns, row) };
        match column_of(columns, key) {
            Some(column) if !row[&column.name].is_null() => {
                assert_value(&path, value, &column.kind, &row[&column.name]);
            }
            _ => {
                let extra = row["extra"].as_str().unwrap_or_else(|| panic!("{path} is nowhere in {row}"));
                assert_eq!(&serde_json::from_str::<Value>(extra).unwrap()[key], value, "{path}");
            }
        }
    }
}

fn assert_value(path: &str, value: &Value, kind: &Kind, cell: &Value) {
    match (kind, value) {
        (Kind::Struct(columns), Value::Object(members)) => assert_found(path, members, columns, cell),
        (Kind::List(element), Value::Array(elements)) => {
            assert_eq!(elements.len(), cell.as_array().unwrap().len(), "{path}");
            for (value, cell) in elements.iter().zip(cell.as_array().unwrap()) {
                assert_value(path, value, element, cell);
            }
        }
        (Kind::Json, value) => {
            assert_eq!(&serde_json::from_str::<Value>(cell.as_str().unwrap()).unwrap(), value, "{path}");
        }
        (Kind::Timestamp, _) => assert!(cell.as_str().unwrap().ends_with('Z'), "{path}: {cell}"),
        (Kind::Boolean, value) => assert!(cell.is_boolean() && (value == cell || value.is_string()), "{path}"),
        (Kind::Int32 | Kind::Float64, value) => {
            assert!(cell.as_f64() == value.as_f64() || value.is_string(), "{path}: {value}, {cell}");
        }
        _ => assert_eq!(value, cell, "{path}"),
    }
}

#[test]
#[cfg_attr(not(seeds), ignore = "needs the API's documents in ../shared/seeds")]
fn every_value_is_in_its_column_or_in_extra() {
    for sample in &SAMPLES {
        for (record, row) in pairs(sample) {
            assert_found(sample.document, record.as_object().unwrap(), &Schema::conversations().columns, &row);
        }
    }
}

#[test]
#[cfg_attr(not(seeds), ignore = "needs the API's documents in ../shared/seeds")]
fn every_session_starts_in_utc_when_its_id_says() {
    for sample in &SAMPLES {
        for (_, row) in pairs(sample) {
            let start: UtcTime = row["session_start_time"].as_str().unwrap().parse().unwrap();
            assert_eq!(object_id_time(row["session_id"].as_str().unwrap()), Some(start), "{}", sample.document);
            assert_eq!(row["session_date"], start.date().to_string());
            assert_eq!((&row["_time_zone_offset"], &row["_api_version"]), (&json!(sample.offset), &json!(sample.api)));
        }
    }
}

#[test]
#[cfg_attr(not(seeds), ignore = "needs the API's documents in ../shared/seeds")]
fn only_the_two_ends_that_the_api_shifted_are_flagged() {
    let mut flagged = Vec::new();
    for sample in &SAMPLES {
        let sql = "SELECT session_id, _flags FROM conversations WHERE cardinality(_flags) > 0 ORDER BY session_id";
        flagged.extend(Replayed::new(sample).query(sql, &[]).into_iter().map(|row| (sample.document, row)));
    }
    let shifted = |session: &str| ("003", json!({"session_id": session, "_flags": ["end_shifted"]}));
    assert_eq!(flagged, [shifted("66f55f1caca47e4a408axxxx"), shifted("66f55f81aca47e4a408axxxx")]);
}

#[test]
#[cfg_attr(not(seeds), ignore = "needs the API's documents in ../shared/seeds")]
fn what_no_column_takes_is_asked_for_through_extra() {
    let folder = tempfile::tempdir().unwrap();
    let mut answer: Value = serde_json::from_str(&SAMPLES[1].text()).unwrap();
    let places = ["", "/metaInfo", "/destinations/0", "/destinations/0/respondingAgent"];
    let records = answer["data"].as_array_mut().unwrap();
    let complete = |record: &&mut Value| places.iter().all(|place| record.pointer(place).is_some_and(Value::is_object));
    let record = records.iter_mut().find(complete).expect("a record has them all");
    for place in places {
        record.pointer_mut(place).unwrap()["brand new"] = json!({ "of": place, "levels": [1, 2.50] });
    }
    fs::write(folder.path().join("answer.json"), answer.to_string()).unwrap();
    kore_lake(folder.path(), &["replay", "answer.json", "--account-id", "a"]);
    let member = |extra: &str| format!("json_value({extra}, '$[''brand new''].of')");
    let sql = format!(
        "SELECT {}, {}, {}, {}, json_get_json(extra, 'brand new') FROM conversations WHERE extra IS NOT NULL",
        member("extra"),
        member("meta_info.extra"),
        member("destinations[1]['extra']"),
        member("destinations[1]['responding_agent']['extra']"),
    );
    let cells = kore_lake(folder.path(), &["query", "-c", &sql, "--format", "tsv"]);
    let cells = cells.lines().nth(1).unwrap();
    assert!(cells.starts_with("\t/metaInfo\t/destinations/0\t/destinations/0/respondingAgent\t"), "{cells}");
    assert!(cells.contains("2.5"), "{cells}");
}
