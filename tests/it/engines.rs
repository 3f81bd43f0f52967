//! Every view and every report gives the same columns, types and cells on DataFusion, DuckDB and Spark, as a reader
//! pastes them: what `schema --format` and `report --sql` print is what the engines run.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use jiff::civil::date;
use kore_lake::lake::Lake;
use kore_lake::query::{
    Engine, Format, Param, ParamType, Report, Rows, Session, SessionSettings, render, report_sql, reports,
};
use kore_lake::schema::ApiVersion;
use kore_lake::simulator::GeneratorSettings;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::binary::{kore_lake, python_command};
use crate::centre::{Centre, lake_in, run};
use crate::readers::{ACCOUNTS, replay_odd};

const OTHERS: [Engine; 2] = [Engine::Duckdb, Engine::Spark];

/// Texts that are none in the lake and end a literal where they are pasted.
const HOSTILE: [&str; 2] = ["O'Neil \\' OR 'a' = 'a", "\\"];

type Given = BTreeMap<String, String>;

/// The night of the doubled hour in two accounts, and records as the simulator has none.
async fn fill(lake: &Lake, folder: &Path) {
    for (account, seed) in ACCOUNTS.into_iter().zip(11..) {
        let centre = Centre::open(GeneratorSettings {
            account_id: account.to_owned(),
            seed,
            start: date(2026, 10, 31),
            days: 3,
            conversations_per_day: 80,
            ..GeneratorSettings::default()
        });
        let centre = centre.await;
        centre.load(lake, &centre.request(ApiVersion::V2)).await;
    }
    replay_odd(lake, folder).await;
}

/// What the scripts are handed: `cases` of one lake.
struct Cases {
    lake: &'static str,
    session: Session,
    found: Vec<Value>,
}

impl Cases {
    async fn of(name: &'static str, lake: &Lake) -> Self {
        let settings = SessionSettings { parallelism: Some(2), ..SessionSettings::default() };
        Self { lake: name, session: Session::open(lake.into(), settings).await.unwrap(), found: Vec::new() }
    }

    /// Every table and view but `conversations`, whose nested columns `readers` compares.
    async fn views(&mut self) {
        for table in self.session.tables().into_iter().filter(|table| table != "conversations") {
            let sql = format!("SELECT * FROM {table}");
            let rows = self.session.run(&self.session.parse(&sql).unwrap()[0]).await.unwrap();
            self.add(&table, rows, false, |_| sql.clone()).await;
        }
    }

    async fn report(&mut self, report: &Report, given: &Given) {
        let params = report.bind(given).unwrap();
        let label = format!("{} {given:?}", report.name);
        let rows = self.session.report(report, &params).await.unwrap_or_else(|error| panic!("{label}: {error}"));
        self.add(&label, rows, true, |engine| report_sql(engine, report, &params).unwrap()).await;
    }

    async fn add(&mut self, label: &str, rows: Rows, ordered: bool, sql: impl Fn(Engine) -> String) {
        let columns: Vec<(String, String)> =
            rows.schema().fields().iter().map(|field| (field.name().clone(), field.data_type().to_string())).collect();
        let sql: Map<_, _> = OTHERS.map(|engine| (engine.name().to_owned(), json!(sql(engine)))).into_iter().collect();
        let mut text = Vec::new();
        render(rows, Format::Json, &mut text).await.unwrap();
        let objects: Vec<Map<String, Value>> = serde_json::from_slice(&text).unwrap();
        let row = |object: &Map<String, Value>| columns.iter().map(|(name, _)| object[name].clone()).collect();
        let rows: Vec<Vec<Value>> = objects.iter().map(row).collect();
        self.found.push(json!({
            "lake": self.lake, "label": label, "sql": sql, "ordered": ordered, "columns": columns, "rows": rows,
        }));
    }

    /// A value of the lake for a parameter that takes any text.
    async fn value(&self, param: &str) -> String {
        let sql = match param {
            "channel" => "SELECT max(channel) AS value FROM contacts WHERE answered_leg_count > 0",
            "queue" => "SELECT max(queue_name) AS value FROM queue_entries",
            "agent" => "SELECT max(agent_id) AS value FROM agent_segments",
            "account" => "SELECT min(account_id) AS value FROM contacts",
            other => panic!("parameter `{other}` takes any text: say here what it is to be tried with"),
        };
        let rows = self.session.run(&self.session.parse(sql).unwrap()[0]).await.unwrap();
        let mut text = Vec::new();
        render(rows, Format::Json, &mut text).await.unwrap();
        let rows: Value = serde_json::from_slice(&text).unwrap();
        rows[0]["value"].as_str().unwrap().to_owned()
    }
}

fn given(pairs: &[(&str, &str)]) -> Given {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// A report as it comes; with each value of each parameter, those of several parameters at a time; with each filter by
/// itself; and by the half hour in the night in which clocks go back.
async fn variants(cases: &Cases, report: &Report) -> Vec<Given> {
    let mut variants = vec![Given::new()];
    let mut chosen = Vec::new();
    let is_text = |param: &&Param| param.param_type == ParamType::Text;
    for param in report.params.iter().filter(|param| !is_text(param) && param.param_type != ParamType::Date) {
        chosen.push((param.name, values(param)));
    }
    for at in 0..chosen.iter().map(|(_, values)| values.len()).max().unwrap_or(0) {
        let pick = |(name, values): &(&str, Vec<String>)| ((*name).to_owned(), values[at % values.len()].clone());
        variants.push(chosen.iter().map(pick).collect());
    }
    for param in report.params.iter().filter(is_text) {
        variants.push(given(&[(param.name, &cases.value(param.name).await)]));
    }
    for text in HOSTILE {
        variants
            .push(report.params.iter().filter(is_text).map(|param| (param.name.to_owned(), text.to_owned())).collect());
    }
    let takes = |name: &str| report.params.iter().any(|param| param.name == name);
    if takes("from") && takes("to") && takes("time_zone") {
        let night = [("from", "2026-11-01"), ("to", "2026-11-02")];
        for zone in ["America/New_York", "Asia/Kathmandu"] {
            let mut night = given(&[&night[..], &[("time_zone", zone)]].concat());
            if takes("interval") {
                night.insert("interval".to_owned(), "30m".to_owned());
            }
            variants.push(night);
        }
    }
    variants.sort();
    variants.dedup();
    variants
}

/// Values that a parameter is tried with.
fn values(param: &Param) -> Vec<String> {
    let texts = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
    match &param.param_type {
        ParamType::Integer => texts(&["45"]),
        ParamType::Zone => texts(&["America/New_York", "Asia/Kolkata"]),
        ParamType::OneOf(words) => {
            texts(&words.iter().copied().filter(|word| param.default != Some(word)).collect::<Vec<_>>())
        }
        ParamType::Share => texts(&["0.5"]),
        ParamType::Date | ParamType::Text => panic!("`{}` is tried by itself", param.name),
    }
}

/// What a reader of a lake pastes into each engine, of which `report --sql` is the beginning.
fn setups(folder: &Path, lake: &Path) -> Value {
    let lake = lake.to_str().unwrap();
    let setup = |engine: Engine| {
        let setup = kore_lake(folder, &["schema", "--format", engine.name(), "--lake", lake]);
        let names: Vec<_> = reports().iter().map(|report| report.name).collect();
        let printed = [&["report"][..], &names, &["--sql", "--engine", engine.name(), "--lake", lake]].concat();
        let mut whole = setup.clone();
        for report in reports() {
            let params = report.bind(&Given::new()).unwrap();
            whole.extend(["\n", &report_sql(engine, report, &params).unwrap()]);
        }
        assert_eq!(kore_lake(folder, &printed), whole);
        (engine.name().to_owned(), json!(setup))
    };
    Value::Object(OTHERS.into_iter().map(setup).collect())
}

fn compared(folder: &Path, document: &Value) -> (bool, String, String) {
    let file = folder.join("cases.json");
    fs::write(&file, document.to_string()).unwrap();
    let ran = python_command("tests/readers/engines.py", &[file]).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (ran.status.success(), text(ran.stdout), text(ran.stderr))
}

#[test]
fn views_and_reports_say_the_same_on_datafusion_duckdb_and_spark() {
    let folder = TempDir::new().unwrap();
    let root = folder.path().to_owned();
    // What stands in a lake's name is no pattern and ends no literal.
    let (full, empty) = (root.join("it's [a] {lake}"), root.join("empty"));
    let (lake, none) = (lake_in(&full), lake_in(&empty));
    let mut cases = run(async move {
        fill(&lake, &root).await;
        let mut cases = Cases::of("full", &lake).await;
        cases.views().await;
        for report in reports() {
            for given in variants(&cases, report).await {
                cases.report(report, &given).await;
            }
        }
        let mut without = Cases::of("empty", &none).await;
        without.views().await;
        for report in reports() {
            without.report(report, &Given::new()).await;
        }
        cases.found.extend(without.found);
        cases.found
    });
    let setups = json!({"full": setups(folder.path(), &full), "empty": setups(folder.path(), &empty)});
    let (agreed, said, complaint) = compared(folder.path(), &json!({"setups": setups, "cases": cases}));
    assert!(agreed, "{complaint}");
    let rows: usize = cases.iter().map(|case| case["rows"].as_array().unwrap().len()).sum();
    for line in said.lines() {
        assert!(line.contains(&format!("{} answers, {rows} rows", cases.len())), "{line}");
    }
    assert!(rows > 3_000, "{rows}");

    // The comparison itself: a cell, a row and a type that differ are named.
    let of = |label: &str| cases.iter().position(|case| case["lake"] == "full" && case["label"] == label).unwrap();
    let (cell, row, kind) = (of("contacts"), of("runs"), of("days"));
    let chosen = json!([cases[cell].clone(), cases[row].clone(), cases[kind].clone()]);
    let mut spoiled = json!({"setups": {"full": setups["full"]}, "cases": chosen});
    let position = cases[cell]["columns"].as_array().unwrap().iter().position(|column| column[0] == "session_end_time");
    spoiled["cases"][0]["rows"][0][position.unwrap()] = json!("2026-11-01T00:00:00.000001Z");
    spoiled["cases"][1]["rows"].as_array_mut().unwrap().pop();
    spoiled["cases"][2]["columns"][1][1] = json!("Int32");
    cases.clear();
    let (agreed, _, complaint) = compared(folder.path(), &spoiled);
    assert!(!agreed);
    for engine in ["duckdb", "spark"] {
        for named in ["contacts: row", "runs: rows: expected", "days: columns: "] {
            assert!(complaint.contains(&format!("{engine}, full, {named}")), "{named}: {complaint}");
        }
    }
}
