//! The flat views as a whole: what each shows of one small lake.

use std::collections::BTreeSet;

use serde_json::json;

use super::lake::{Lake, conversation, with};
use crate::query::{Engine, Report, report_sql, reports};

#[tokio::test]
async fn every_view_can_be_asked_of_an_empty_lake() {
    let lake = Lake::new();
    let session = lake.session().await;
    for table in session.tables() {
        let answer = lake.ask(&format!("SELECT count(*) AS n FROM {table}")).await;
        assert_eq!(answer, "n\n0\n", "{table}");
    }
}

#[tokio::test]
async fn values_kept_in_extra_are_counted_by_path_and_kind_at_any_depth() {
    let lake = Lake::of([with(
        conversation("1"),
        json!({
            "extra": r#"{"a":"","b":1,"c":null}"#,
            "meta_info": {"extra": r#"{"x y":{}}"#, "identities": [{"extra": r#"{"t":[]}"#}, {"extra": r#"{"t":[1]}"#}]},
            "destinations": [{"responding_agent": {"consulting_agents": [{"extra": r#"{"deep":true}"#}]}}],
        }),
    )]);
    let answer = lake.ask("SELECT path, kind, count FROM extra_values ORDER BY 1, 2").await;
    insta::assert_snapshot!(answer, @r"
    path,kind,count
    a,empty text,1
    b,number,1
    c,null,1
    destinations.responding_agent.consulting_agents.deep,boolean,1
    meta_info.identities.t,list,2
    meta_info.x y,object,1
    ");
}

/// The days whose objects a plan names, without doubles.
async fn days_read(lake: &Lake, sql: &str) -> BTreeSet<String> {
    let plan = lake.ask(&format!("EXPLAIN {sql}")).await;
    let days = plan.split("session_date=").skip(1).filter_map(|rest| rest.get(..10));
    days.filter(|day| day.starts_with("2026-")).map(str::to_owned).collect()
}

fn takes(report: &Report, name: &str) -> bool {
    report.params.iter().any(|param| param.name == name)
}

#[tokio::test]
async fn a_report_reads_the_days_from_the_one_before_to_the_one_behind() {
    let mut lake = Lake::new();
    let day = |day: i8| format!("2026-03-{day:02}");
    for number in 1..=31 {
        lake.day("acme", &day(number), [conversation(&number.to_string())]);
    }
    for report in reports().iter().filter(|report| ["from", "to"].iter().all(|name| takes(report, name))) {
        let given = [("from", "2026-03-10"), ("to", "2026-03-12")];
        let given = given.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let sql = report_sql(Engine::Datafusion, report, &report.bind(&given).unwrap()).unwrap();
        let (_, statement) = sql.split_once('\n').unwrap();
        // A contact that came again is looked for up to `repeat_days` later.
        let last = if takes(report, "repeat_days") { 20 } else { 13 };
        let read = days_read(&lake, statement).await;
        // What is known of runs alone reads no days.
        let expected = (9..=last).map(day).collect();
        assert!(read.is_empty() && report.name == "changes" || read == expected, "{}: {read:?}", report.name);
    }
}
