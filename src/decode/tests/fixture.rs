use arrow::array::{Array, ArrayRef, AsArray};
use arrow::util::display::array_value_to_string;
use bytes::Bytes;

use crate::clock::UtcTime;
use crate::decode::{DecodeError, DecodedPage, Decoder};
use crate::schema::{ApiVersion, RunId};
use crate::source::{Page, PageRequest, RequestBody};

/// `68dc8d9c` is 2025-10-01T02:10:36Z.
pub const SESSION: &str = r#""sessionId":"68dc8d9c4afb07c72ac5xxxx""#;

pub fn page(body: &[u8], time_zone_offset: i32) -> Page {
    let request = PageRequest {
        api: ApiVersion::V2,
        account_id: "acct".parse().unwrap(),
        stream_id: Some("st-1".parse().unwrap()),
        offset: None,
        limit: None,
        body: RequestBody { time_zone_offset, ..RequestBody::default() },
    };
    let fetched_at = "2026-01-31T08:00:00Z".parse::<UtcTime>().unwrap();
    Page { request, fetched_at, body: Bytes::copy_from_slice(body) }
}

pub fn run() -> RunId {
    "run-1".parse().unwrap()
}

pub fn decode(body: &[u8], time_zone_offset: i32) -> Result<DecodedPage, DecodeError> {
    Decoder::new().decode(&page(body, time_zone_offset), &run())
}

pub fn decode_records(records: &[String], time_zone_offset: i32) -> DecodedPage {
    decode(format!(r#"{{"data":[{}]}}"#, records.join(",")).as_bytes(), time_zone_offset).unwrap()
}

/// The row of a record with these members and a session id.
pub fn row(members: &str) -> DecodedPage {
    let page = decode_records(&[format!("{{{SESSION},{members}}}")], 0);
    assert_eq!(page.rejects, [], "{members}");
    page
}

/// What stands in the first row at a path such as `destinations.0.queue_id`; none where it is null.
pub fn cell(page: &DecodedPage, path: &str) -> Option<String> {
    cell_of(page, 0, path)
}

pub fn cell_of(page: &DecodedPage, row: usize, path: &str) -> Option<String> {
    let (root, rest) = path.split_once('.').unwrap_or((path, ""));
    let column = page.rows.column_by_name(root).unwrap_or_else(|| panic!("no column {root}"));
    inner(column, row, rest)
}

fn inner(array: &ArrayRef, row: usize, path: &str) -> Option<String> {
    if array.is_null(row) {
        return None;
    }
    if path.is_empty() {
        return Some(array_value_to_string(array, row).unwrap());
    }
    let (step, rest) = path.split_once('.').unwrap_or((path, ""));
    match step.parse::<usize>() {
        Ok(index) => inner(&array.as_list::<i32>().value(row), index, rest),
        Err(_) => inner(array.as_struct().column_by_name(step).unwrap_or_else(|| panic!("no {step}")), row, rest),
    }
}
