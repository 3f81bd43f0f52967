//! What holds of any bytes: the bodies of the fuzz targets, and of the test that replays their corpus.
#![allow(dead_code, reason = "each target uses one of them")]

use std::fs;
use std::path::PathBuf;

use arrow::array::{Array, RecordBatch};
use arrow::util::display::array_value_to_string;
use bytes::Bytes;
use kore_lake::clock::{UtcTime, object_id_time, parse_api_time};
use kore_lake::decode::{DecodedPage, Decoder, RecordWriter};
use kore_lake::schema::ApiVersion;
use kore_lake::source::{BareDefaults, Page, PageRequest, RequestBody, saved as pages};
use serde::de::IgnoredAny;

/// Bytes as the answer to a request, and as one record of an answer.
pub fn decode(data: &[u8]) {
    if gives_back_its_rows(&answer(data.to_vec())) {
        assert!(serde_json::from_slice::<IgnoredAny>(data).is_ok(), "took what is no JSON");
    }
    gives_back_its_rows(&answer([br#"{"data":["#, data, b"]}"].concat()));
}

/// Bytes as a time of the API, and as an id that may hold one.
pub fn time(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    // That it does not panic is all there is to an id.
    let _ = object_id_time(text);
    let _ = text.parse::<UtcTime>();
    let Some(time) = parse_api_time(text, 0) else {
        assert_eq!(parse_api_time(text, 330), None, "the zone decides whether it is a time");
        return;
    };
    let Some(moved) = parse_api_time(text, -330) else {
        let date = time.to_string();
        assert!(["0000-01-01", "9999-12-31"].iter().any(|end| date.starts_with(end)), "{text}: no time in some zone");
        return;
    };
    let naive = time.micros() - moved.micros() == 330 * 60 * 1_000_000;
    assert!(naive || moved == time, "{text}: {time}, {moved}");
    assert_eq!(parse_api_time(&time.to_string(), 60), Some(time), "{text}");
    assert_eq!(time.to_string().parse::<UtcTime>().ok(), Some(time), "{text}");
}

/// Bytes as a file that is to be replayed.
pub fn saved(data: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("page.json");
    fs::write(&path, data).expect("a file");
    let bare = BareDefaults { account_id: Some("acc-1".parse().expect("an id")), ..BareDefaults::default() };
    // Which time a bare answer was fetched at is the file's; everything else must come back.
    let Ok(page) = pages::read(&path, &bare) else { return };
    // A file's name has the digits of its window, and no request of ours has so many.
    let dates = [&page.request.body.start_date, &page.request.body.end_date];
    if dates.into_iter().flatten().any(|date| date.len() > 30) {
        return;
    }
    let copy: PathBuf = pages::write(&folder.path().join("saved"), &page).expect("a page can be saved");
    let again = pages::read(&copy, &BareDefaults::default()).expect("what was saved can be read");
    assert_eq!((again.request, again.fetched_at), (page.request.clone(), page.fetched_at));
    // What stands around the body is no part of it.
    assert_eq!(again.body, page.body.trim_ascii());
    gives_back_its_rows(&page);
}

fn answer(body: Vec<u8>) -> Page {
    let request = PageRequest {
        api: ApiVersion::V2,
        account_id: "acc-1".parse().expect("an id"),
        stream_id: None,
        offset: Some(0),
        limit: Some(100),
        body: RequestBody::default(),
    };
    Page { request, fetched_at: UtcTime::from_seconds(0), body: Bytes::from(body) }
}

fn decoded(page: &Page) -> Option<DecodedPage> {
    Decoder::new().decode(page, &"run-1".parse().expect("an id")).ok()
}

/// Row → JSON → row changes nothing but the hash, which is of the record as it came, and the line breaks of what is kept
/// as it came: a record is written on one line. False where the page is none.
fn gives_back_its_rows(page: &Page) -> bool {
    let Some(decoded_page) = decoded(page) else { return false };
    let on_one_line = page.body.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte });
    let on_one_line = Page { body: on_one_line.collect(), ..page.clone() };
    let expected = decoded(&on_one_line).expect("a line break means what a space means").rows;
    let rows = &decoded_page.rows;
    assert_eq!(decoded_page.session_dates.len(), rows.num_rows());
    let writer = RecordWriter::new(rows).expect("rows under the schema");
    for row in 0..rows.num_rows() {
        let mut record = br#"{"data":["#.to_vec();
        writer.write(row, &mut record).expect("a row can be written");
        record.extend_from_slice(b"]}");
        let text = String::from_utf8_lossy(&record).into_owned();
        let again = decoded(&answer(record)).unwrap_or_else(|| panic!("wrote what it cannot read: {text}"));
        assert_eq!((again.rows.num_rows(), again.rejects.len()), (1, 0), "{text}");
        is_alike(&expected.slice(row, 1), &again.rows, &text);
    }
    true
}

/// Columns of ours tell how a record was fetched, not what it says.
fn is_alike(before: &RecordBatch, after: &RecordBatch, text: &str) {
    for (index, field) in before.schema().fields().iter().enumerate() {
        if !field.name().starts_with('_') {
            let (before, after) = (before.column(index), after.column(index));
            let alike = before.to_data() == after.to_data();
            assert!(alike, "{}: {} and {} of {text}", field.name(), cell(before), cell(after));
        }
    }
}

fn cell(column: &dyn Array) -> String {
    array_value_to_string(column, 0).expect("a row of one cell")
}
