use std::collections::BTreeSet;

use arrow::datatypes::{DataType, TimeUnit};

use super::{AccountId, ApiVersion, Column, Kind, RunId, Schema, SchemaFormat, StreamId};

/// Every column of the schema with the path of names that leads to it.
fn walk<'a>(path: &str, columns: &'a [Column], visit: &mut dyn FnMut(&str, &'a Column, &'a [Column])) {
    for column in columns {
        let path = format!("{path}{}", column.name);
        visit(&path, column, columns);
        let mut kind = &column.kind;
        while let Kind::List(element) = kind {
            kind = element;
        }
        if let Kind::Struct(members) = kind {
            walk(&format!("{path}."), members, visit);
        }
    }
}

fn for_each(mut visit: impl FnMut(&str, &Column, &[Column])) {
    walk("", &Schema::conversations().columns, &mut visit);
}

/// The rule of the names: `_` between a lower-case letter or digit and an upper-case letter, then
/// lower case, but for the complete list of exceptions.
fn snake(key: &str) -> String {
    let exception = match key {
        "customerinfo" | "customerInfo" => "customer_info",
        "userleveltags" => "user_level_tags",
        "sessionleveltags" => "session_level_tags",
        "workinghours" => "working_hours",
        "campaigninfo" => "campaign_info",
        "snoozeinfo" => "snooze_info",
        "_id" => "id",
        "automationBotIDs" => "automation_bot_ids",
        "lastIntentuserInput" => "last_intent_user_input",
        _ => "",
    };
    if !exception.is_empty() {
        return exception.to_owned();
    }
    let mut name = String::new();
    let mut last = ' ';
    for letter in key.chars() {
        if letter.is_ascii_uppercase() && (last.is_ascii_lowercase() || last.is_ascii_digit()) {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
        last = letter;
    }
    name
}

#[test]
fn names_follow_from_keys() {
    for_each(|path, column, _| {
        if let Some(key) = &column.key {
            assert_eq!(column.name, snake(key), "{path}");
        }
    });
}

#[test]
fn types_follow_from_keys() {
    for_each(|path, column, _| {
        let Some(key) = &column.key else { return };
        let lower = key.to_ascii_lowercase();
        let time = lower.ends_with("time")
            || key.ends_with("At")
            || key == "campaignRunDate"
            || path == "destinations.responding_agent.joined_users.end"
            || path == "destinations.non_responding_agents.joined_users.end";
        assert_eq!(column.kind == Kind::Timestamp, time, "{path}");
        let integer = key.ends_with("Duration")
            || ["csatScore", "npsScore", "likeDislikeScore", "attempt", "count"].contains(&key.as_str());
        assert_eq!(column.kind == Kind::Int32, integer, "{path}");
        assert_eq!(column.kind == Kind::Float64, ["level", "totalLevel"].contains(&key.as_str()), "{path}");
    });
}

#[test]
fn every_object_ends_in_extra() {
    let ours = Schema::conversations().columns.iter().filter(|column| column.name.starts_with('_')).count();
    assert_eq!(ours, 7);
    for_each(|path, column, siblings| {
        let root = siblings.len() == Schema::conversations().columns.len();
        let last = siblings.len() - 1 - if root { ours } else { 0 };
        assert!(siblings[last].is_extra(), "{path}");
        assert_eq!(column.is_extra(), column.name == "extra", "{path}");
    });
}

#[test]
fn only_the_session_id_is_never_null() {
    for_each(|path, column, _| assert_eq!(column.nullable, path != "session_id", "{path}"));
}

#[test]
fn keys_of_an_object_are_distinct_and_every_column_is_described() {
    for_each(|path, column, siblings| {
        let keys: Vec<_> = siblings.iter().flat_map(Column::keys).collect();
        assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len(), "{path}");
        assert!(!column.description.is_empty() && !column.fact.is_empty(), "{path}");
        assert!(["observed", "documented", "public", "decided"].contains(&column.source.as_str()), "{path}");
    });
}

#[test]
fn arrow_types_are_those_every_engine_reads() {
    let arrow = Schema::conversations_arrow();
    let start = arrow.field_with_name("session_start_time").unwrap();
    assert_eq!(start.data_type(), &DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())));
    let DataType::List(element) = arrow.field_with_name("destinations").unwrap().data_type() else { panic!() };
    assert_eq!(element.name(), "element");
    assert!(arrow.field_with_name("extra").unwrap().try_extension_type::<arrow_schema::extension::Json>().is_ok());
}

#[test]
fn ids_that_could_form_a_path_are_refused() {
    for good in ["a", "st-0149c76", "A.b_c-1"] {
        assert!(good.parse::<StreamId>().is_ok(), "{good}");
    }
    for bad in ["", ".", "..", "-a", "a/b", "a b", "é", &"a".repeat(129)] {
        assert!(bad.parse::<AccountId>().is_err(), "{bad}");
    }
    assert!("v3".parse::<ApiVersion>().is_err());
    assert!(RunId::generate() < RunId::generate());
}

#[test]
fn open_statuses_are_known_in_any_case() {
    assert!(Schema::conversations().is_open_status("Transient_Open"));
    assert!(!Schema::conversations().is_open_status("CLOSED"));
}

#[test]
fn the_rendering_beside_the_document_has_not_drifted() {
    let kept = include_str!("../../schemas/conversations.md");
    let rendered = Schema::conversations().render(SchemaFormat::Markdown, "");
    assert_eq!(kept, rendered, "run `cargo run -- schema --format markdown > schemas/conversations.md`");
}

#[test]
fn every_column_stands_in_every_rendering() {
    let schema = Schema::conversations();
    for format in
        [SchemaFormat::Tree, SchemaFormat::Json, SchemaFormat::Markdown, SchemaFormat::Spark, SchemaFormat::Duckdb]
    {
        let text = schema.render(format, "./lake");
        for_each(|path, column, _| assert!(text.contains(&column.name), "{path} in {format:?}"));
        assert!(text.contains("account_id") && text.contains("session_date"), "{format:?}");
    }
}
