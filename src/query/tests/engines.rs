//! The flat views as a whole: what each shows of one small lake.

use serde_json::json;

use super::lake::{Lake, conversation, with};

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
