//! Rows of an older schema become what the present one makes of the same record.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::datatypes::{DataType, Field, Schema as ArrowSchema};
use arrow::record_batch::RecordBatch;
use proptest::prelude::*;

use super::fixture::{SESSION, cell, decode_records};
use super::generate::{Generator, Manner};
use super::older::{columns_without, decoded, paths, with_ours};
use crate::decode::{DecodedPage, LiftError, RecordWriter, lift};

/// A record read under an older schema and lifted, and the same record read under the present one.
fn both_ways(record: &str, dropped: &[&str], offset_minutes: i32) -> (DecodedPage, DecodedPage, u64) {
    let present = decode_records(&[record.to_owned()], offset_minutes);
    let older: ArrayRef = Arc::new(decoded(record, &columns_without(dropped), offset_minutes));
    let lifted = lift(&with_ours(&older, &present.rows)).unwrap();
    (DecodedPage { rows: lifted.rows, ..present.clone() }, present, lifted.values)
}

fn lifted(members: &str, dropped: &[&str]) -> (DecodedPage, u64) {
    let (lifted, present, values) = both_ways(&format!("{{{SESSION},{members}}}"), dropped, 0);
    assert_eq!(lifted.rows, present.rows, "{members}");
    (lifted, values)
}

fn text_of(rows: &RecordBatch) -> String {
    let mut out = Vec::new();
    RecordWriter::new(rows).unwrap().write(0, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        rng_seed: proptest::test_runner::RngSeed::Fixed(11),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn lifting_a_row_is_reading_its_record_again(seed: u64, repeats: bool, offset in prop::sample::select(vec![0, -330, 300])) {
        let mut generator = Generator::new(seed, Manner { repeats, repeated_aliases: repeats, line_ends: true });
        let record = generator.record();
        let text = generator.text(&record);
        let all: Vec<_> = paths().into_iter().filter(|path| !is_destinations_own(path)).collect();
        let dropped: Vec<&str> = (0..generator.rng.usize(..12)).map(|_| &*all[generator.rng.usize(..all.len())]).collect();
        let dropped = outermost(dropped);
        let (lifted, present, _) = both_ways(&text, &dropped, offset);
        for (field, (lifted, present)) in
            present.rows.schema().fields().iter().zip(lifted.rows.columns().iter().zip(present.rows.columns()))
        {
            prop_assert_eq!(lifted.to_data(), present.to_data(), "{} without {:?}\n{}", field.name(), dropped, text);
        }
        prop_assert_eq!(text_of(&lifted.rows), text_of(&present.rows));
    }
}

/// A nested agent of an agent segment and a flat one are the same row: see the test below.
fn is_destinations_own(path: &str) -> bool {
    path.strip_prefix("destinations.").is_some_and(|name| !name.contains('.'))
}

/// Each path once, without those that lie below another.
fn outermost(mut paths: Vec<&str>) -> Vec<&str> {
    paths.sort_unstable();
    paths.dedup();
    let all = paths.clone();
    paths.retain(|path| !all.iter().any(|other| path.starts_with(&format!("{other}."))));
    paths
}

#[test]
fn a_value_goes_from_extra_to_its_column_at_any_depth() {
    let members = r#""userId":"u","unknown":1,"destinations":[{"destinationType":"QueueEntry","respondingAgent":{"agentId":"a","holdDuration":"7","more":2}},
        {"destinationType":"AgentSegment","agentId":"b","holdDuration":9,"queueName":"q"}]"#;
    let dropped = ["user_id", "destinations.responding_agent.hold_duration", "destinations.queue_name"];
    let (page, values) = lifted(members, &dropped);
    assert_eq!(values, 4);
    for (path, value) in [
        ("user_id", Some("u")),
        ("extra", Some(r#"{"unknown":1}"#)),
        ("destinations.0.responding_agent.hold_duration", Some("7")),
        ("destinations.0.responding_agent.extra", Some(r#"{"more":2}"#)),
        ("destinations.1.responding_agent.hold_duration", Some("9")),
        ("destinations.1.responding_agent.extra", None),
        ("destinations.1.queue_name", Some("q")),
    ] {
        assert_eq!(cell(&page, path).as_deref(), value, "{path}");
    }
}

#[test]
fn what_an_agent_segment_had_for_the_destination_goes_there() {
    // Under the older schema the nested shape and the flat one were the same row; the API sends the flat one.
    let record =
        |agent: &str| format!(r#"{{{SESSION},"destinations":[{{"destinationType":"AgentSegment",{agent}}}]}}"#);
    let flat = record(r#""agentId":"b","queueName":"q""#);
    let (_, present, _) = both_ways(&flat, &["destinations.queue_name"], 0);
    for record in [flat, record(r#""respondingAgent":{"agentId":"b","queueName":"q"}"#)] {
        let (lifted, ..) = both_ways(&record, &["destinations.queue_name"], 0);
        let destinations = |page: &DecodedPage| page.rows.column_by_name("destinations").unwrap().clone();
        assert_eq!(&destinations(&lifted), &destinations(&present), "{record}");
        assert_eq!(cell(&lifted, "destinations.0.queue_name").as_deref(), Some("q"));
    }
}

#[test]
fn a_value_that_does_not_fit_stays_in_extra() {
    let (page, values) = lifted(r#""csatScore":"good","npsScore":null"#, &["csat_score", "nps_score"]);
    assert_eq!((cell(&page, "csat_score"), cell(&page, "extra").as_deref()), (None, Some(r#"{"csatScore":"good"}"#)));
    assert_eq!(values, 0);
}

#[test]
fn repeated_texts_of_a_column_with_several_keys_stay_where_they_are() {
    for (members, left) in [
        (r#""Reason":"x","Reason":"","userId":"u""#, r#"{"Reason":""}"#),
        (r#""Reason":"x","Reason":"x","userId":"u""#, r#"{"Reason":"x"}"#),
        (r#""Reason":"","Reason":"y","userId":"u""#, r#"{"Reason":"y"}"#),
        (r#""reason":"","reason":"y","Reason":"x","userId":"u""#, r#"{"reason":"y"}"#),
    ] {
        let (page, _) = lifted(members, &["user_id"]);
        assert_eq!(cell(&page, "extra").as_deref(), Some(left), "{members}");
    }
}

#[test]
fn a_naive_time_in_extra_is_of_the_offset_asked_with() {
    let record =
        format!(r#"{{{SESSION},"sessionStartTime":"2025-10-01T07:40:36","sessionEndTime":"2025-10-01T07:50:36"}}"#);
    let (lifted, present, _) = both_ways(&record, &["session_end_time"], -330);
    assert_eq!(cell(&lifted, "session_end_time"), cell(&present, "session_end_time"));
    assert_eq!(cell(&lifted, "session_start_time"), cell(&present, "session_start_time"));
}

#[test]
fn a_whole_struct_or_list_is_lifted() {
    let members =
        r#""metaInfo":{"caller":"c","new":[1]},"destinations":[{"destinationType":"AgentSegment","agentId":"b"}]"#;
    let (page, values) = lifted(members, &["meta_info", "destinations"]);
    assert_eq!((cell(&page, "meta_info.caller").as_deref(), values), (Some("c"), 2));
}

#[test]
fn rows_under_the_present_schema_stay_as_they_are() {
    let page = decode_records(&[format!(r#"{{{SESSION},"customData":{{"a" : 1}},"x":[ 1 ]}}"#)], 0);
    let lifted = lift(&page.rows).unwrap();
    assert_eq!((lifted.rows, lifted.values), (page.rows, 0));
}

#[test]
fn a_column_that_the_schema_lacks_is_refused() {
    let page = decode_records(&[format!("{{{SESSION}}}")], 0);
    let mut fields = page.rows.schema().fields().to_vec();
    fields.push(Arc::new(Field::new("later", DataType::Utf8, true)));
    let mut columns = page.rows.columns().to_vec();
    columns.push(Arc::new(StringArray::from(vec![Some("x")])));
    let batch = RecordBatch::try_new(Arc::new(ArrowSchema::new(fields)), columns).unwrap();
    let error = lift(&batch).unwrap_err();
    assert_eq!(error.to_string(), "expected columns of schema version 1, found `later`");
}

#[test]
fn a_row_that_would_move_is_refused() {
    let page = decode_records(&[format!("{{{SESSION}}}")], 0);
    let extra = page.rows.schema().index_of("extra").unwrap();
    let mut columns = page.rows.columns().to_vec();
    columns[extra] = Arc::new(StringArray::from(vec![Some(r#"{"conversationId":"c"}"#)]));
    let batch = RecordBatch::try_new(page.rows.schema(), columns).unwrap();
    assert!(batch.column_by_name("conversation_id").unwrap().as_string::<i32>().is_null(0));
    assert!(matches!(lift(&batch), Err(LiftError::Moved { row: 0, column: "conversation_id" })));
}
