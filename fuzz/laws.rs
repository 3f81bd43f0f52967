//! What holds of any bytes: the bodies of the fuzz targets, and of the test that replays their corpus.
#![allow(dead_code, reason = "each target uses one of them")]

use std::fs;
use std::path::PathBuf;

use arrow::array::{Array, RecordBatch};
use bytes::Bytes;
use kore_lake::clock::{UtcTime, object_id_time, parse_api_time};
use kore_lake::decode::{DecodedPage, Decoder, RecordWriter};
use kore_lake::schema::{ApiVersion, RunId};
use kore_lake::source::{BareDefaults, Page, PageRequest, RequestBody, saved as pages};
use serde::de::IgnoredAny;

/// Bytes as the answer to a request, and as one record of an answer.
pub fn decode(data: &[u8]) {
    if let Some(page) = decoded(data.to_vec()) {
        assert!(serde_json::from_slice::<IgnoredAny>(data).is_ok(), "took what is no JSON");
        gives_back_its_rows(&page);
    }
    let record = [br#"{"data":["#, data, b"]}"].concat();
    if let Some(page) = decoded(record) {
        gives_back_its_rows(&page);
    }
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
    let moved = parse_api_time(text, -330).expect("a time in any zone");
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
    assert_eq!(again.body, page.body);
    if let Ok(page) = Decoder::new().decode(&page, &run()) {
        gives_back_its_rows(&page);
    }
}

fn run() -> RunId {
    "run-1".parse().expect("an id")
}

fn decoded(body: Vec<u8>) -> Option<DecodedPage> {
    let request = PageRequest {
        api: ApiVersion::V2,
        account_id: "acc-1".parse().expect("an id"),
        stream_id: None,
        offset: Some(0),
        limit: Some(100),
        body: RequestBody::default(),
    };
    let page = Page { request, fetched_at: UtcTime::from_seconds(0), body: Bytes::from(body) };
    Decoder::new().decode(&page, &run()).ok()
}

/// Row → JSON → row changes nothing but the hash, which is of the record as it came.
fn gives_back_its_rows(page: &DecodedPage) {
    assert_eq!(page.session_dates.len(), page.rows.num_rows());
    let writer = RecordWriter::new(&page.rows).expect("rows under the schema");
    for row in 0..page.rows.num_rows() {
        let mut record = br#"{"data":["#.to_vec();
        writer.write(row, &mut record).expect("a row can be written");
        record.extend_from_slice(b"]}");
        let text = String::from_utf8_lossy(&record).into_owned();
        let again = decoded(record).unwrap_or_else(|| panic!("wrote what it cannot read: {text}"));
        assert_eq!((again.rows.num_rows(), again.rejects.len()), (1, 0), "{text}");
        is_alike(&page.rows.slice(row, 1), &again.rows, &text);
    }
}

/// Columns of ours tell how a record was fetched, not what it says.
fn is_alike(before: &RecordBatch, after: &RecordBatch, text: &str) {
    for (index, field) in before.schema().fields().iter().enumerate() {
        if !field.name().starts_with('_') {
            let (before, after) = (before.column(index), after.column(index));
            assert_eq!(before.to_data(), after.to_data(), "{}: {text}", field.name());
        }
    }
}
