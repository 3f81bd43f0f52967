use std::collections::BTreeMap;

use serde_json::json;

use super::lake::{Lake, answered, conversation, with};
use crate::query::{Engine, ParamType, QueryError, QueryErrorKind, Statement, report, report_sql, reports};

#[tokio::test]
async fn statements_are_split_by_the_grammar() {
    let lake = Lake::new();
    let session = lake.session().await;
    let statements = session.parse("SELECT ';' AS a; -- no; end\nSELECT 2 AS b;").unwrap();
    assert_eq!(statements.iter().map(Statement::sql).collect::<Vec<_>>(), ["SELECT ';' AS a", "SELECT 2 AS b"]);
    assert_eq!(statements[1].number(), 2);
}

#[tokio::test]
async fn a_text_without_a_statement_or_with_one_that_writes_runs_nothing() {
    let lake = Lake::new();
    let session = lake.session().await;
    let nothing = session.parse(" ; -- nothing").unwrap_err();
    insta::assert_snapshot!(nothing, @"cannot parse the SQL: expected an SQL statement, found none");
    let writes = session.parse("SELECT 1; INSERT INTO conversations SELECT * FROM conversations").unwrap_err();
    assert!(matches!(writes, QueryError::Refused { number: 2, .. }), "{writes}");
}

#[tokio::test]
async fn a_failing_statement_is_named_by_number_and_stops() {
    let lake = Lake::of([conversation("1")]);
    let error =
        lake.try_ask("SELECT 1 AS one; SELECT CAST(channel AS INT) FROM conversations; SELECT 3 AS three").await;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), QueryErrorKind::Usage);
    insta::assert_snapshot!(error, @"statement 2: Cast error: Cannot cast string 'Voice' to value of Int32 type");
}

#[tokio::test]
async fn text_that_is_no_sql_runs_nothing() {
    let error = Lake::new().try_ask("SELECT 1; SELEC 2").await.unwrap_err();
    insta::assert_snapshot!(error, @"cannot parse the SQL: expected an SQL statement, found SELEC at line 1, column 11");
}

#[tokio::test]
async fn what_writes_is_refused() {
    let lake = Lake::of([conversation("1")]);
    let target = lake.path().join("out.csv");
    let target = target.to_str().unwrap();
    for sql in [
        format!("COPY (SELECT 1) TO '{target}'"),
        format!("EXPLAIN ANALYZE COPY (SELECT 1) TO '{target}'"),
        format!("CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '{target}'"),
        "INSERT INTO conversations SELECT * FROM conversations".to_owned(),
        "EXPLAIN ANALYZE INSERT INTO conversations SELECT * FROM conversations".to_owned(),
        "DELETE FROM conversations".to_owned(),
        "UPDATE conversations SET channel = 'x'".to_owned(),
        "CREATE TABLE t AS SELECT 1".to_owned(),
        "DROP VIEW contacts".to_owned(),
        "SET datafusion.execution.time_zone = '+01:00'".to_owned(),
    ] {
        let error = lake.try_ask(&sql).await.unwrap_err();
        assert!(matches!(error, QueryError::Refused { .. }), "{sql}: {error:?}");
    }
    assert!(!std::path::Path::new(target).exists());
    let error = lake.try_ask("SELECT 1; drop table conversations").await.unwrap_err();
    insta::assert_snapshot!(error, @"statement 2: expected a statement that reads (`SELECT`, `WITH`, `VALUES`, `EXPLAIN`, `SHOW`, `DESCRIBE`) or `CREATE VIEW`, found `DROP TABLE`");
}

#[tokio::test]
async fn files_of_the_machine_are_no_tables() {
    let lake = Lake::of([conversation("1")]);
    let object = lake.object("acme", "2026-03-02");
    assert!(lake.try_ask(&format!("SELECT * FROM '{}'", object.display())).await.is_err());
}

#[tokio::test]
async fn what_reads_is_allowed() {
    let lake = Lake::of([conversation("1")]);
    for sql in [
        "VALUES (1), (2)",
        "WITH a AS (SELECT 1 AS x) SELECT x FROM a",
        "EXPLAIN SELECT * FROM contacts",
        "EXPLAIN ANALYZE SELECT count(*) FROM contacts",
        "SHOW TABLES",
        "SHOW COLUMNS FROM contacts",
        "DESCRIBE contacts",
        "CREATE VIEW mine AS SELECT 1 AS x; SELECT x FROM mine",
    ] {
        assert!(!lake.ask(sql).await.is_empty(), "{sql}");
    }
}

#[tokio::test]
async fn unknown_tables_and_columns_name_the_near_ones() {
    let lake = Lake::new();
    insta::assert_snapshot!(lake.try_ask("SELECT * FROM contact").await.unwrap_err(), @"statement 1: unknown table `contact`; did you mean `contacts`?");
    insta::assert_snapshot!(lake.try_ask("SELECT chanel FROM contacts").await.unwrap_err(), @"statement 1: unknown column `chanel`; did you mean `channel`?");
}

#[tokio::test]
async fn a_function_says_what_it_takes_on_one_line() {
    let lake = Lake::new();
    let error = async |sql| lake.try_ask(sql).await.unwrap_err().to_string();
    insta::assert_snapshot!(error("SELECT bucket(DATE '2026-03-02')").await, @"statement 1: `bucket` takes 2 arguments, found 1");
    insta::assert_snapshot!(error("SELECT local_time('x', 'UTC')").await, @"statement 1: argument 1 of `local_time`: expected a timestamp or date, found Utf8");
    insta::assert_snapshot!(error("SELECT bukket(1)").await, @"statement 1: unknown function `bukket`; did you mean `bucket`?");
}

#[test]
fn unknown_reports_and_parameters_name_the_near_ones() {
    insta::assert_snapshot!(report("volumes").unwrap_err(), @"unknown report `volumes`; did you mean `volume`?");
    insta::assert_snapshot!(report("xyz").unwrap_err(), @"unknown report `xyz`; expected one of `volume`, `containment`, `service_level`, `queue_wait`, `abandonment`, `agent_performance`, `missed_offers`, `transfers`, `callbacks`, `satisfaction`, `dispositions`, `intents`, `tones`, `repeat_contacts`, `changes`, `data_quality`");
    let refused = |name: &str, value: &str| {
        let given = BTreeMap::from([(name.to_owned(), value.to_owned())]);
        report("service_level").unwrap().bind(&given).unwrap_err().to_string()
    };
    insta::assert_snapshot!(refused("treshold", "9"), @"report `service_level` has no parameter `treshold`; did you mean `threshold_seconds`?");
    insta::assert_snapshot!(refused("threshold_seconds", "20s"), @"parameter `threshold_seconds` of report `service_level`: expected a whole number from 0 to 100000 (default `20`), found `20s`");
    insta::assert_snapshot!(refused("abandons", "all"), @"parameter `abandons` of report `service_level`: expected one of `count`, `exclude`, `met_within_threshold` (default `count`), found `all`");
    insta::assert_snapshot!(refused("from", "2026-02-30"), @"parameter `from` of report `service_level`: expected a date as `2026-01-31` (default none), found `2026-02-30`");
    assert!(refused("threshold_seconds", "100001").contains("from 0 to 100000"));
    assert!(refused("time_zone", "Factory").contains("an IANA time zone"));
    insta::assert_snapshot!(refused("time_zone", "America/New_Yrok"), @"parameter `time_zone` of report `service_level`: expected an IANA time zone as `America/New_York` (default `UTC`), found `America/New_Yrok`");
}

#[test]
fn a_zone_in_another_case_is_given_on_as_the_zone_database_spells_it() {
    let report = report("volume").unwrap();
    let given = BTreeMap::from([("time_zone".to_owned(), "america/new_york".to_owned())]);
    let sql = report_sql(Engine::Spark, report, &report.bind(&given).unwrap()).unwrap();
    assert!(sql.contains("'America/New_York'") && !sql.contains("america/new_york"), "{sql}");
}

#[test]
fn a_range_the_wrong_way_round_is_refused() {
    let given = [("from", "2026-03-02"), ("to", "2026-03-02")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let error = report("volume").unwrap().bind(&BTreeMap::from(given)).unwrap_err();
    insta::assert_snapshot!(error, @"parameter `to` of report `volume`: expected a date after `from`, `2026-03-02` (default none), found `2026-03-02`");
}

#[test]
fn every_report_says_what_it_takes_and_gives() {
    for report in reports() {
        assert!(report.purpose.ends_with('.') && !report.columns.is_empty(), "{}", report.name);
        for name in ["from", "to", "time_zone", "account"] {
            assert!(report.params.iter().any(|param| param.name == name), "{}: {name}", report.name);
        }
        for param in &report.params {
            assert!(report.sql.contains(&format!("${}", param.name)), "{}: ${}", report.name, param.name);
            if let ParamType::OneOf(words) = &param.param_type {
                assert!(words.contains(&param.default.unwrap()), "{}: {}", report.name, param.name);
            }
        }
        report.bind(&BTreeMap::new()).unwrap();
    }
}

#[tokio::test]
async fn null_and_empty_lists_have_no_elements() {
    let lake = Lake::of([
        with(conversation("1"), json!({"dispositions": null})),
        with(conversation("2"), json!({"dispositions": []})),
        with(conversation("3"), json!({"dispositions": ["Sold", null]})),
    ]);
    let answer = lake.ask("SELECT session_id, unnest(dispositions) AS code FROM conversations").await;
    assert_eq!(answer, "session_id,code\ns-3,Sold\ns-3,\n");
}

#[tokio::test]
async fn nested_fields_are_reached_by_name() {
    let lake = Lake::of([with(conversation("1"), json!({"destinations": [answered(5)]}))]);
    let answer = lake.ask("SELECT d['responding_agent']['agent_id'] AS agent FROM (SELECT unnest(destinations) AS d FROM conversations)").await;
    assert_eq!(answer, "agent\na1\n");
}

#[tokio::test]
async fn a_filter_on_partition_columns_opens_those_days_only() {
    let mut lake = Lake::new();
    for day in 1..=9 {
        lake.day("acme", &format!("2026-03-0{day}"), [conversation("1")]);
        lake.day("other", &format!("2026-03-0{day}"), [conversation("1")]);
    }
    let plan = lake
        .ask("EXPLAIN SELECT count(*) FROM conversations WHERE account_id = 'acme' AND session_date >= '2026-03-08'")
        .await;
    assert_eq!(plan.matches("conversations.parquet").count(), 2, "{plan}");
}

#[tokio::test]
async fn a_date_from_a_subquery_chooses_rows_too() {
    let mut lake = Lake::of([conversation("1")]);
    lake.day("acme", "2026-03-03", [conversation("2"), conversation("3")]);
    let sql =
        "SELECT count(*) AS n FROM conversations WHERE session_date = (SELECT max(session_date) FROM conversations)";
    assert_eq!(lake.ask(sql).await, "n\n2\n");
    assert_eq!(lake.ask("SELECT count(*) AS n FROM conversations WHERE false").await, "n\n0\n");
}
