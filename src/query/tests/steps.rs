//! The steps of the views, computed in one pass over each list, against the same steps in SQL, over odd rows by chance.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use serde_json::{Map, Value, json};

use super::lake::{Lake, with};
use crate::query::views::steps_in_sql;
use crate::query::{Format, Session, render};

/// A text, an empty text or none.
fn text(values: &'static [&'static str]) -> impl Strategy<Value = Value> {
    prop_oneof![4 => prop::sample::select(values).prop_map(Value::from), 1 => Just(json!("")), 1 => Just(json!(null))]
}

fn time() -> impl Strategy<Value = Value> {
    // Quarters of a second add up to the same in any order.
    let time = (0..60u32, 0..4u32)
        .prop_map(|(seconds, part)| json!(format!("2026-03-02T08:01:{seconds:02}.{:02}Z", part * 25)));
    prop_oneof![3 => time, 1 => Just(json!(null))]
}

fn duration() -> impl Strategy<Value = Value> {
    option::of(0..500).prop_map(|seconds| json!(seconds))
}

fn list(element: impl Strategy<Value = Value>, most: usize) -> impl Strategy<Value = Value> {
    let element = prop_oneof![12 => element, 1 => Just(json!(null))];
    prop_oneof![6 => vec(element, 0..=most).prop_map(Value::from), 1 => Just(json!(null))]
}

fn agent() -> impl Strategy<Value = Value> {
    let who = (text(&["a1", "a2"]), text(&["Ann", "Bo"]), text(&["x@example.org"]), text(&["Answered", "Missed"]));
    let times = (time(), time(), time(), time(), duration(), duration(), duration(), duration());
    let parts = (who, times, text(&["Ignored", " supervisor reassigned "]), text(&["+1"]));
    parts.prop_map(|((id, name, email, status), times, event, transfer)| {
        let (assigned, accepted, ended, transferred, first, interaction, hold, after) = times;
        json!({
            "agent_id": id, "name": name, "email": email, "status": status, "assigned_at": assigned,
            "accepted_time": accepted, "interaction_end_time": ended, "external_transfer_time": transferred,
            "first_response_duration": first, "interaction_duration": interaction, "hold_duration": hold,
            "after_call_work_duration": after, "non_response_event": event, "external_transfer_destination": transfer,
        })
    })
}

fn destination() -> impl Strategy<Value = Value> {
    let shape = text(&["QueueEntry", "QueueEntry", "AgentSegment", "AgentSegment", "Third"]);
    let queue = (text(&["q1", "q2"]), text(&["Sales", "Care"]), time(), option::of(any::<bool>()));
    let leg = prop_oneof![3 => (agent(), list(agent(), 3)).prop_map(|(agent, consulted)| with(agent, json!({"consulting_agents": consulted}))), 1 => Just(json!(null))];
    let parts = (shape, queue, leg, list(agent(), 3), time(), text(&["+2"]));
    parts.prop_map(|(shape, (id, name, enter, callback), leg, offers, transferred, transfer)| {
        json!({
            "destination_type": shape, "queue_id": id, "queue_name": name, "enter_time": enter,
            "callback_opted": callback, "callback_opted_time": enter, "responding_agent": leg,
            "non_responding_agents": offers, "external_transfer_time": transferred,
            "external_transfer_destination": transfer,
        })
    })
}

fn row() -> impl Strategy<Value = Value> {
    let tone = (text(&["joy"]), option::of(-3..3), option::of(0..9)).prop_map(
        |(name, level, count)| json!({"tone_name": name, "level": level, "count": count, "total_level": level}),
    );
    let tag = (text(&["n"]), text(&["v", "w"])).prop_map(|(name, value)| json!({"name": name, "value": value}));
    let lists = (
        list(destination(), 6),
        list(text(&["c1", "c2", "c3"]), 5),
        list(tone, 3),
        list(tag, 3),
        list(text(&["start_differs", "end_shifted"]), 2),
    );
    let status = text(&["CLOSED", "ACTIVE", "USER ABANDONED", "BotResolved", "Dropped"]);
    let parts =
        (lists, status, text(&["c"]), option::of(any::<bool>()), text(&["Voice", "AgentAssist x"]), any::<bool>());
    parts.prop_map(|((destinations, codes, tones, tags, flags), status, conversation, voicemail, channel, bare)| {
        let meta = if bare { json!(null) } else { json!({"agent_transfer_config": {"dialog_tone": tones}}) };
        json!({
            "conversation_id": conversation, "channel": channel, "final_status": status, "is_voicemail": voicemail,
            "session_start_time": "2026-03-02T08:00:00Z", "session_end_time": "2026-03-02T08:10:00Z",
            "destinations": destinations, "dispositions": codes, "meta_info": meta, "session_level_tags": tags,
            "user_level_tags": tags, "_flags": flags,
        })
    })
}

async fn answer(session: &Session, sql: &str) -> Vec<Map<String, Value>> {
    let rows = session.run(&session.parse(sql).unwrap()[0]).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    let mut out = Vec::new();
    render(rows, Format::Json, &mut out).await.unwrap();
    serde_json::from_slice(&out).unwrap()
}

/// The rows with these columns alone, as sorted lines.
fn lines(rows: &[Map<String, Value>], columns: &[String]) -> Vec<String> {
    let line =
        |row: &Map<String, Value>| columns.iter().map(|name| row[name].to_string()).collect::<Vec<_>>().join(" ");
    let mut lines: Vec<String> = rows.iter().map(line).collect();
    lines.sort();
    lines
}

fn assert_same(found: &[String], expected: &[String], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    found.iter().zip(expected).for_each(|(found, expected)| assert_eq!(found, expected, "{what}"));
}

/// Columns of a step in both forms, of those that can be compared as text.
async fn columns(session: &Session, step: &str) -> Vec<String> {
    let names = async |table: &str| -> Vec<String> {
        let schema = session.columns(table).await.unwrap();
        schema
            .fields()
            .iter()
            .filter(|field| !field.data_type().is_nested())
            .map(|field| field.name().clone())
            .collect()
    };
    let in_sql = names(&format!("sql{step}")).await;
    names(step).await.into_iter().filter(|name| in_sql.contains(name)).collect()
}

async fn hold(lake: &Lake) {
    let session = lake.session().await;
    let steps = steps_in_sql("sql").unwrap();
    for step in &steps {
        session.run(step).await.unwrap();
    }
    let names: Vec<String> =
        steps.iter().filter_map(|step| step.creates()?.strip_prefix("sql").map(str::to_owned)).collect();
    let mut compared = 0;
    for name in names {
        if session.columns(&name).await.is_none() {
            continue;
        }
        compared += 1;
        let columns = columns(&session, &name).await;
        let all = columns.join(", ");
        let expected = answer(&session, &format!("SELECT {all} FROM sql{name}")).await;
        let whole = answer(&session, &format!("SELECT {all} FROM {name}")).await;
        assert_same(&lines(&whole, &columns), &lines(&expected, &columns), &format!("{name}: {all}"));
        // Each column by itself, from the leaves that it is said to need.
        for column in columns.chunks(1) {
            let alone = answer(&session, &format!("SELECT {} FROM {name}", column[0])).await;
            assert_same(&lines(&alone, column), &lines(&expected, column), &format!("{name}.{}", column[0]));
        }
        let open = expected.iter().filter(|row| row["is_open"] == json!(false) && !row["channel"].is_null()).count();
        let counted = format!("SELECT count(*) AS n FROM {name} WHERE NOT is_open AND channel IS NOT NULL");
        assert_eq!(answer(&session, &counted).await[0]["n"], json!(open), "{name}");
    }
    assert_eq!(compared, 10);
}

#[test]
fn each_step_is_the_same_in_one_pass_as_in_sql() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    // Many odd rows in one lake: to plan a statement takes longest.
    let rows = vec(row(), 600).new_tree(&mut runner).unwrap().current();
    let named = |(at, row): (usize, Value)| with(row, json!({"session_id": format!("s-{at}")}));
    let mut lake = Lake::of(rows.into_iter().enumerate().map(named));
    lake.day("acme", "2026-03-03", []);
    runtime.block_on(hold(&lake));
}

/// Bytes that a statement's scans asked for.
async fn scanned(session: &Session, sql: &str) -> f64 {
    let plan = answer(session, &format!("EXPLAIN ANALYZE {sql}")).await[0]["plan"].as_str().unwrap().to_owned();
    let bytes = |after: &str| {
        let text = after.split([',', ']']).next().unwrap().trim().to_owned();
        let (number, unit) = text.split_once(' ').unwrap_or((&text, ""));
        number.parse::<f64>().unwrap() * if unit.starts_with('K') { 1e3 } else { 1.0 }
    };
    plan.split("bytes_scanned=").skip(1).map(bytes).sum()
}

#[tokio::test]
async fn a_query_reads_the_leaves_of_its_columns_and_no_others() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let rows = vec(row(), 300).new_tree(&mut runner).unwrap().current();
    let named = |(at, row): (usize, Value)| with(row, json!({"session_id": format!("s-{at}")}));
    let lake = Lake::of(rows.into_iter().enumerate().map(named));
    let session = lake.session().await;
    let asked = [
        ("missed_offers", "agent_id"),
        ("consultations", "agent_name"),
        ("queue_entries", "queue_name"),
        ("agent_segments", "hold_duration"),
        ("contacts", "first_agent_name"),
        ("dialog_tones", "level"),
        ("dispositions", "first_queue_id"),
    ];
    let footer = scanned(&session, "SELECT count(*) AS n FROM conversations").await;
    for (view, column) in asked {
        let one = scanned(&session, &format!("SELECT {column} FROM {view}")).await - footer;
        let all = scanned(&session, &format!("SELECT * FROM {view}")).await - footer;
        assert!(one > 0.0 && one * 2.0 < all, "{view}.{column}: {one} of {all} bytes");
    }
}
