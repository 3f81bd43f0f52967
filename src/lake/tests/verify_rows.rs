//! What `verify` finds in one object and between two.

use std::fs;

use arrow::datatypes::{DataType, Field, Schema as ArrowSchema};
use serde_json::{Value, json};

use super::spoil::*;
use super::support::*;
use crate::lake::{FindingKind, FoundKey, Severity};
use crate::schema::Schema;

#[tokio::test]
async fn a_key_twice_in_a_day_is_found() {
    let lake = good_lake().await;
    spoil(&lake, MONDAY, |rows| rows.insert(0, rows[0].clone()));
    let finding = finding(&lake).await;
    assert_eq!(
        (finding.kind, finding.severity, finding.path.as_str()),
        (FindingKind::KeyTwice, Severity::Error, MONDAY)
    );
    assert_eq!(finding.session_date.unwrap().to_string(), "2026-03-02");
    let key = FoundKey { session_id: row(1, "a").session, conversation_id: Some("a".to_owned()) };
    assert_eq!(finding.keys, [key]);
}

#[tokio::test]
async fn a_key_in_two_days_is_found() {
    let lake = good_lake().await;
    let mut odd = rows_of(&lake, MONDAY).into_iter().find(|row| row["session_id"] == "odd").unwrap();
    odd["session_start_time"] = json!("2026-03-03T00:00:00Z");
    spoil(&lake, TUESDAY, |rows| rows.insert(0, odd));
    let finding = finding(&lake).await;
    assert_eq!((finding.kind, finding.path.as_str()), (FindingKind::KeyTwice, TUESDAY));
    assert_eq!((finding.keys[0].session_id.as_str(), finding.count), ("odd", 1));
    assert_eq!(finding.found, "1 that stand in 2026-03-02 too");
}

#[tokio::test]
async fn a_session_alone_beside_its_conversation_is_found() {
    let lake = good_lake().await;
    spoil(&lake, MONDAY, |rows| {
        let alone = Value::Object(
            rows[0].as_object().unwrap().clone().into_iter().filter(|(name, _)| name != "conversation_id").collect(),
        );
        rows.insert(0, alone);
    });
    let finding = finding(&lake).await;
    assert_eq!((finding.kind, finding.path.as_str()), (FindingKind::SupersededRow, MONDAY));
    assert_eq!(finding.keys, [FoundKey { session_id: row(1, "a").session, conversation_id: None }]);
}

#[tokio::test]
async fn a_session_alone_is_found_where_its_conversation_is_in_another_day() {
    let lake = good_lake().await;
    let mut odd = rows_of(&lake, MONDAY).into_iter().find(|row| row["session_id"] == "odd").unwrap();
    odd["session_start_time"] = json!("2026-03-03T00:00:00Z");
    odd["conversation_id"] = json!("");
    spoil(&lake, TUESDAY, |rows| rows.insert(0, odd));
    assert_eq!(
        found(&lake).await,
        (FindingKind::SupersededRow, TUESDAY.to_owned(), "1 that stand in 2026-03-02 too".to_owned())
    );
}

#[tokio::test]
async fn a_row_in_the_wrong_day_is_found_by_its_id_and_without_one_by_its_start() {
    for (session, start) in
        [(row(DAY, "z").session, "2026-03-02T00:00:00Z"), ("other".to_owned(), "2026-03-01T23:59:59Z")]
    {
        let lake = good_lake().await;
        spoil(&lake, MONDAY, |rows| {
            let mut row = rows[0].clone();
            row["session_id"] = json!(session);
            row["conversation_id"] = json!("z");
            row["session_start_time"] = json!(start);
            row["_flags"] = if session == "other" { json!([]) } else { json!(["start_differs"]) };
            rows.insert(0, row);
        });
        let report = verify(&lake).await;
        let finding = report.errors().next().unwrap();
        assert_eq!((finding.kind, finding.keys[0].session_id.as_str()), (FindingKind::WrongDay, session.as_str()));
        assert_eq!(report.errors().count(), 1);
    }
}

#[tokio::test]
async fn rows_out_of_order_are_found() {
    let lake = good_lake().await;
    spoil(&lake, MONDAY, |rows| rows.reverse());
    let (kind, path, text) = found(&lake).await;
    assert_eq!((kind, path.as_str()), (FindingKind::OutOfOrder, MONDAY));
    assert_eq!(text, "2 before which a greater one stands, the first of 2026-03-02T08:00:02Z");
}

#[tokio::test]
async fn clocks_that_disagree_are_told_of_and_fail_only_where_that_is_asked() {
    for (flag, start, end, offset) in [
        ("start_differs", "2026-03-02T08:00:04Z", "2026-03-02T08:00:04Z", 0),
        ("end_before_start", "2026-03-02T08:00:02Z", "2026-03-02T07:00:00Z", 0),
        ("end_shifted", "2026-03-02T08:00:02Z", "2026-03-02T13:30:02Z", -330),
    ] {
        let lake = good_lake().await;
        spoil(&lake, MONDAY, |rows| {
            rows.retain(|row| row["session_id"] != "odd");
            let alone = &mut rows[1];
            alone["session_start_time"] = json!(start);
            alone["session_end_time"] = json!(end);
            alone["_time_zone_offset"] = json!(offset);
            alone["_flags"] = json!([flag]);
            alone.as_object_mut().unwrap().remove("final_status");
        });
        let report = verify(&lake).await;
        assert_eq!(report.findings.len(), 1, "{flag}: {:#?}", report.findings);
        let finding = &report.findings[0];
        assert_eq!((finding.kind, finding.severity), (FindingKind::ClocksDisagree, Severity::Warning));
        assert_eq!((finding.found.as_str(), finding.count), (format!("1 rows flagged `{flag}`").as_str(), 1));
        assert!(!report.fails(false) && report.fails(true));
    }
}

#[tokio::test]
async fn a_flag_that_says_other_than_the_clocks_is_an_error() {
    let lake = good_lake().await;
    spoil(&lake, MONDAY, |rows| {
        rows.retain(|row| row["session_id"] != "odd");
        rows[1]["session_start_time"] = json!("2026-03-02T08:00:04Z");
    });
    let finding = finding(&lake).await;
    assert_eq!((finding.kind, finding.severity), (FindingKind::WrongFlag, Severity::Error));
    assert_eq!(finding.found, "1 rows where they say other, the first with none");
    spoil(&lake, MONDAY, |rows| {
        rows[1]["session_start_time"] = json!("2026-03-02T08:00:02Z");
        rows[1]["_flags"] = json!(["start_differs"]);
    });
    let kinds: Vec<_> = verify(&lake).await.findings.iter().map(|finding| finding.kind).collect();
    assert_eq!(kinds, [FindingKind::WrongFlag, FindingKind::ClocksDisagree]);
}

#[tokio::test]
async fn an_object_without_a_readable_footer_is_found_and_the_others_are_read() {
    let lake = good_lake().await;
    lake.write(MONDAY, b"PAR1 no parquet at all PAR1");
    let report = verify(&lake).await;
    let kinds: Vec<_> = report.findings.iter().map(|finding| (finding.kind, finding.path.as_str())).collect();
    assert_eq!(kinds, [(FindingKind::CorruptObject, MONDAY)]);
    assert_eq!((report.days, report.rows), (2, 2));
}

#[tokio::test]
async fn pages_that_do_not_decode_are_found() {
    let lake = good_lake().await;
    let mut bytes = fs::read(lake.folder.path().join(MONDAY)).unwrap();
    bytes[4..2_000].fill(0xff);
    lake.write(MONDAY, &bytes);
    acknowledge(&lake);
    assert_eq!(found(&lake).await.0, FindingKind::CorruptObject);
}

#[tokio::test]
async fn an_object_that_is_cut_off_is_found() {
    let lake = good_lake().await;
    let bytes = fs::read(lake.folder.path().join(MONDAY)).unwrap();
    lake.write(MONDAY, &bytes[2_000..]);
    acknowledge(&lake);
    assert_eq!(found(&lake).await.0, FindingKind::CorruptObject);
}

#[tokio::test]
async fn other_columns_are_found_and_named() {
    let ours = Schema::conversations_arrow();
    let with = |change: &dyn Fn(&mut Vec<Field>)| {
        let mut fields: Vec<_> = ours.fields().iter().map(|field| field.as_ref().clone()).collect();
        change(&mut fields);
        std::sync::Arc::new(ArrowSchema::new(fields))
    };
    let position = ours.index_of("channel").unwrap();
    for (schema, says) in [
        (with(&|fields| drop(fields.remove(position))), "no column `channel`"),
        (with(&|fields| fields.push(Field::new("more", DataType::Utf8, true))), "the unknown column `more`"),
        (
            with(&|fields| fields[position] = Field::new("channel", DataType::Int32, true)),
            "`channel` as Int32, not Utf8",
        ),
        (with(&|fields| fields.swap(position, position + 1)), "in the place of `channel`"),
    ] {
        let lake = good_lake().await;
        let mut rows = rows_of(&lake, MONDAY);
        for row in &mut rows {
            row.as_object_mut().unwrap().remove("channel");
        }
        write_rows(&lake, MONDAY, &decode(&schema, &rows), |_| {});
        acknowledge(&lake);
        let (kind, path, found) = found(&lake).await;
        assert_eq!((kind, path.as_str()), (FindingKind::OtherSchema, MONDAY));
        assert!(found.contains(says), "{found}");
    }
}

#[tokio::test]
async fn other_versions_in_a_footer_are_found_and_an_older_one_names_migrate() {
    for (key, version, action) in [
        ("kore_lake.schema_version", "0", "run `migrate`"),
        ("kore_lake.schema_version", "99", "use the kore-lake that wrote it, or a newer one"),
        ("kore_lake.content_hash_version", "99", FindingKind::OtherSchema.action()),
    ] {
        let lake = good_lake().await;
        let rows = decode(&Schema::conversations_arrow(), &rows_of(&lake, MONDAY));
        write_rows(&lake, MONDAY, &rows, |footer| {
            footer.iter_mut().find(|pair| pair.key == key).unwrap().value = Some(version.to_owned());
        });
        acknowledge(&lake);
        let finding = finding(&lake).await;
        assert_eq!((finding.kind, finding.action), (FindingKind::OtherSchema, action), "{finding}");
        assert!(finding.found.ends_with(&format!("version {version}")), "{finding}");
    }
}
