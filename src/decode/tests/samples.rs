//! The documents' own samples (21 rows): `../shared/seeds` beside the crate.

use std::path::Path;

use super::fixture::{cell_of, decode};
use super::json::Json;
use super::normal;
use crate::decode::{DecodedPage, RecordWriter};

/// Documents and the offset that their samples were asked with.
const SAMPLES: [(&str, i32); 4] = [("000", -330), ("001", 0), ("002", -330), ("003", -330)];

fn sample(number: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/seeds");
    let mut files = std::fs::read_dir(&folder).expect("the documents lie in ../shared/seeds").map(Result::unwrap);
    let file =
        files.find(|file| file.file_name().to_string_lossy().starts_with(number)).expect("the document is there");
    let document = std::fs::read_to_string(file.path()).unwrap();
    let key = document.find("\"numResults\"").expect("a document has a sample");
    let start = document[..key].rfind('{').unwrap();
    let closers = closers(&document[start..]);
    let mut sample = document[start..=start + closers[closers.len() - 1]].to_owned();
    if number == "003" {
        let last_but_one = closers[closers.len() - 2];
        assert_eq!(&sample[last_but_one..=last_but_one], "}", "003 is as broken as it was");
        sample.replace_range(last_but_one..=last_but_one, "]");
    }
    sample
}

/// Places of all closing brackets of the first value.
fn closers(text: &str) -> Vec<usize> {
    let (mut depth, mut in_string, mut escaped, mut found) = (0, false, false, Vec::new());
    for (place, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_string,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => depth += 1,
            b'}' | b']' if !in_string => {
                depth -= 1;
                found.push(place);
                if depth == 0 {
                    break;
                }
            }
            _ => {}
        }
    }
    found
}

fn pages() -> Vec<(&'static str, i32, String, DecodedPage)> {
    let page = |(number, offset)| {
        let text = sample(number);
        let page = decode(text.as_bytes(), offset).unwrap_or_else(|error| panic!("{number}: {error}"));
        (number, offset, text, page)
    };
    SAMPLES.into_iter().map(page).collect()
}

#[test]
#[cfg_attr(not(seeds), ignore = "needs the API's documents in ../shared/seeds")]
fn every_sample_is_read_whole() {
    let pages = pages();
    assert_eq!(pages.iter().map(|(.., page)| page.rows.num_rows()).sum::<usize>(), 21);
    assert!(pages.iter().all(|(.., page)| page.rejects.is_empty()));
    let totals: Vec<_> = pages.iter().map(|(.., page)| page.num_results.unwrap()).collect();
    assert_eq!(totals, [14, 3, 10, 38]);
}

#[test]
#[cfg_attr(not(seeds), ignore = "needs the API's documents in ../shared/seeds")]
fn every_sample_comes_back() {
    for (number, offset, text, page) in pages() {
        let Json::Object(answer) = Json::parse(&text) else { panic!("{number}") };
        let Some((_, Json::List(records))) = answer.into_iter().find(|(key, _)| key == "data") else {
            panic!("{number}")
        };
        let writer = RecordWriter::new(&page.rows).unwrap();
        for (row, record) in records.iter().enumerate() {
            let mut out = Vec::new();
            writer.write(row, &mut out).unwrap();
            let back = Json::parse(std::str::from_utf8(&out).unwrap());
            let (before, after) = (normal::record(record, offset), normal::record(&back, 0));
            assert_eq!(before.to_string(), after.to_string(), "{number}, row {row}");
        }
    }
}

#[test]
#[cfg_attr(not(seeds), ignore = "needs the API's documents in ../shared/seeds")]
fn every_samples_clock_agrees_but_for_two_shifted_ends() {
    let mut flagged = Vec::new();
    for (number, _, _, page) in pages() {
        for row in 0..page.rows.num_rows() {
            let session = cell_of(&page, row, "session_id").unwrap();
            let start = cell_of(&page, row, "session_start_time").unwrap();
            let of_id = crate::clock::object_id_time(&session).unwrap().to_string();
            assert_eq!(start, of_id, "{number}, row {row}");
            let flags = cell_of(&page, row, "_flags").unwrap();
            if flags != "[]" {
                flagged.push((number, session, flags));
            }
        }
    }
    let shifted = |session: &str| ("003", session.to_owned(), "[end_shifted]".to_owned());
    assert_eq!(flagged, [shifted("66f55f1caca47e4a408axxxx"), shifted("66f55f81aca47e4a408axxxx")]);
}

#[test]
#[cfg_attr(not(seeds), ignore = "needs the API's documents in ../shared/seeds")]
fn what_the_samples_hold_has_a_column() {
    for (number, _, _, page) in pages() {
        for row in 0..page.rows.num_rows() {
            assert_eq!(cell_of(&page, row, "extra"), None, "{number}, row {row}");
        }
    }
}
