//! Days of other schema versions beside present ones.

use std::fs;

use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::file::metadata::KeyValue;
use datafusion::parquet::file::properties::WriterProperties;
use serde_json::{Value, json};

use super::lake::{Lake, answered, conversation, leg, schema_without, segment, with};
use crate::decode::older;
use crate::query::{Format, QueryErrorKind, Session, render, reports};
use crate::schema::Schema;

fn rows(day: &str) -> Vec<Value> {
    let offers = json!([with(leg("a2", 5), json!({"accepted_time": null, "status": "Missed"}))]);
    let destinations = json!([with(answered(30), json!({"non_responding_agents": offers})), segment("a3", 60)]);
    let full = json!({
        "destinations": destinations, "csat_score": 4, "disposition_remarks": ["fine"],
        "customer_info": {"customer_email": "x@example.org", "customer_phone": "+1 2"},
        "meta_info": {"caller": "+1", "agent_transfer_config": {"last_intent_name": "pay"}},
        "session_level_tags": [{"name": "n", "value": "v"}], "extra": "{\"k\":1}",
    });
    vec![with(conversation(&format!("full-{day}")), full), conversation(&format!("bare-{day}"))]
}

/// The row as it reads where its object lacks the column at that path.
fn strip(value: &mut Value, path: &str) {
    let (name, rest) = path.split_once('.').unwrap_or((path, ""));
    match value {
        Value::Array(elements) => elements.iter_mut().for_each(|element| strip(element, path)),
        Value::Object(members) if rest.is_empty() => drop(members.remove(name)),
        Value::Object(members) => members.get_mut(name).into_iter().for_each(|member| strip(member, rest)),
        _ => {}
    }
}

async fn answer(session: &Session, sql: &str) -> Vec<String> {
    let rows = session.run(&session.parse(sql).unwrap()[0]).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    lines(rows).await
}

async fn lines(rows: crate::query::Rows) -> Vec<String> {
    let mut out = Vec::new();
    render(rows, Format::Ndjson, &mut out).await.unwrap();
    let mut lines: Vec<_> = String::from_utf8(out).unwrap().lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

const FILTERED: [&str; 6] = [
    "SELECT session_id FROM conversations WHERE csat_score = 4",
    "SELECT session_id FROM conversations WHERE csat_score IS NULL",
    "SELECT session_id FROM conversations WHERE customer_info['customer_email'] LIKE 'x%'",
    "SELECT session_id FROM conversations WHERE meta_info['agent_transfer_config']['last_intent_name'] IS NULL",
    "SELECT session_id FROM conversations WHERE destinations[1]['queue_name'] = 'Sales'",
    "SELECT count(*) AS n FROM conversations WHERE destinations IS NOT NULL AND session_date = '2026-03-03'",
];

#[tokio::test]
async fn what_an_older_day_lacks_at_any_depth_reads_as_null_in_tables_views_and_reports() {
    let all = older::paths();
    let every_other =
        |at: usize| all.iter().skip(at).step_by(2).filter(|path| !is_struct(path, &all)).map(String::as_str);
    let whole = ["destinations.responding_agent", "destinations.non_responding_agents", "customer_info", "skills"];
    let inner = ["destinations", "meta_info.agent_transfer_config", "session_level_tags"];
    let mut full = Lake::new();
    full.day("acme", "2026-03-03", rows("old"));
    let full = answer(&full.session().await, "SELECT * FROM conversations").await;
    let lacking: [Vec<&str>; 4] = [every_other(0).collect(), whole.to_vec(), every_other(1).collect(), inner.to_vec()];
    for (at, lacking) in lacking.into_iter().enumerate() {
        let (mut mixed, mut expected) = (Lake::of(rows("new")), Lake::of(rows("new")));
        mixed.day_under(schema_without(&lacking), "acme", "2026-03-03", rows("old"));
        let mut stripped = rows("old");
        for row in &mut stripped {
            for path in &lacking {
                strip(row, path);
            }
        }
        expected.day("acme", "2026-03-03", stripped);
        let (mixed, expected) = (mixed.session().await, expected.session().await);
        for sql in
            mixed.tables().iter().map(|table| format!("SELECT * FROM {table}")).chain(FILTERED.map(str::to_owned))
        {
            assert_eq!(answer(&mixed, &sql).await, answer(&expected, &sql).await, "{sql} without {lacking:?}");
        }
        let older = answer(&mixed, "SELECT * FROM conversations WHERE session_date = '2026-03-03'").await;
        assert!(older.len() == 2 && older != full, "{lacking:?}");
        // They read the same views: half of the cases is enough.
        for report in reports().iter().filter(|_| at < 2) {
            let params = report.bind(&[].into()).unwrap();
            let of_expected = lines(expected.report(report, &params).await.unwrap()).await;
            assert_eq!(lines(mixed.report(report, &params).await.unwrap()).await, of_expected, "{}", report.name);
        }
    }
}

fn is_struct(path: &str, all: &[String]) -> bool {
    all.iter().any(|other| other.starts_with(&format!("{path}.")))
}

#[tokio::test]
async fn a_day_of_a_newer_schema_version_is_an_error_of_the_lake() {
    let mut lake = Lake::of([conversation("1")]);
    let schema = Schema::conversations_arrow();
    lake.day("acme", "2026-03-03", []);
    let pair = KeyValue::new("kore_lake.schema_version".to_owned(), "2".to_owned());
    let properties = WriterProperties::builder().set_key_value_metadata(Some(vec![pair])).build();
    let writer = ArrowWriter::try_new(Vec::new(), schema, Some(properties)).unwrap();
    fs::write(lake.object("acme", "2026-03-03"), writer.into_inner().unwrap()).unwrap();
    for sql in ["SELECT count(*) AS n FROM conversations", "SELECT * FROM contacts"] {
        let error = lake.try_ask(sql).await.unwrap_err();
        assert_eq!(error.kind(), QueryErrorKind::Lake);
        insta::allow_duplicates! {
            insta::assert_snapshot!(error, @"expected schema version 1 or an older one in `conversations/account_id=acme/session_date=2026-03-03/conversations.parquet`, found 2: it was written by a newer version of the program");
        }
    }
    let other_day = "SELECT count(*) AS n FROM conversations WHERE session_date = '2026-03-02'";
    assert_eq!(lake.ask(other_day).await, "n\n1\n");
}
