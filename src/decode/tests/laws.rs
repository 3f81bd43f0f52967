use arrow::array::Array;
use proptest::prelude::*;

use super::fixture::{decode, decode_records};
use super::generate::{Generator, Manner};
use super::json::Json;
use super::{hash, normal};
use crate::decode::{DecodedPage, RecordWriter};

const PLAIN: Manner = Manner { repeats: false, repeated_aliases: false, line_ends: false };
const WILD: Manner = Manner { repeats: true, repeated_aliases: true, line_ends: true };

fn written(page: &DecodedPage, row: usize) -> String {
    let mut out = Vec::new();
    RecordWriter::new(&page.rows).unwrap().write(row, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn hash_of(page: &DecodedPage, row: usize) -> i64 {
    use arrow::array::AsArray;
    let hashes = page.rows.column_by_name("_content_hash").unwrap();
    hashes.as_primitive::<arrow::datatypes::Int64Type>().value(row)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 300,
        rng_seed: proptest::test_runner::RngSeed::Fixed(7),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn json_to_row_to_json_gives_back_the_record(seed: u64, repeats: bool, offset in prop::sample::select(vec![0, -330, 300])) {
        // A later value of an alias stands alone once the first has taken the main key: a sum of two exceptions.
        let mut generator = Generator::new(seed, Manner { repeats, repeated_aliases: false, line_ends: true });
        let record = generator.record();
        let text = generator.text(&record);
        let page = decode_records(std::slice::from_ref(&text), offset);
        prop_assert_eq!(&page.rejects, &[]);
        let back = written(&page, 0);
        prop_assert!(!back.contains(['\n', '\r']));
        let (before, after) = (normal::record(&record, offset), normal::record(&Json::parse(&back), 0));
        prop_assert_eq!(before.to_string(), after.to_string(), "{}\n{}", text, back);
    }

    #[test]
    fn row_to_json_to_row_gives_back_the_row(seed: u64, repeats: bool) {
        let mut generator = Generator::new(seed, Manner { repeats, repeated_aliases: repeats, line_ends: false });
        let record = generator.record();
        let text = generator.text(&record);
        let page = decode_records(std::slice::from_ref(&text), 0);
        let back = written(&page, 0);
        let again = decode_records(std::slice::from_ref(&back), 0);
        for (field, (before, after)) in
            page.rows.schema().fields().iter().zip(page.rows.columns().iter().zip(again.rows.columns()))
        {
            // The hash is of the record as it came, quoted numbers and all.
            if field.name() != "_content_hash" {
                prop_assert_eq!(before.to_data(), after.to_data(), "{}\n{}\n{}", field.name(), text, back);
            }
        }
        prop_assert_eq!(&written(&again, 0), &back);
    }

    #[test]
    fn the_hash_is_that_of_the_definition(seed: u64, repeats: bool, offset in prop::sample::select(vec![0, -330])) {
        let mut generator = Generator::new(seed, Manner { repeats, ..WILD });
        let record = generator.record();
        let page = decode_records(&[generator.text(&record)], offset);
        prop_assert_eq!(hash_of(&page, 0), hash::defined(&record, offset).cast_signed());
    }

    #[test]
    fn neither_order_of_keys_nor_nulls_nor_spelling_change_the_hash(seed: u64) {
        let mut generator = Generator::new(seed, PLAIN);
        let record = generator.record();
        let shuffled = shuffled(&record, &mut generator);
        let page = decode_records(&[generator.text(&record), generator.text(&shuffled)], 0);
        prop_assert_eq!(hash_of(&page, 0), hash_of(&page, 1));
    }

    #[test]
    fn rows_and_rejects_are_all_records(seed: u64, count in 0_usize..8) {
        let mut generator = Generator::new(seed, WILD);
        let mut record = || { let tree = generator.any_record(); generator.text(&tree) };
        let records: Vec<String> = (0..count).map(|_| record()).collect();
        let page = decode_records(&records, -330);
        prop_assert_eq!(page.record_count(), count);
        prop_assert_eq!(page.session_dates.len(), page.rows.num_rows());
        let kept: Vec<String> = records.iter().enumerate()
            .filter(|(index, _)| page.rejects.iter().all(|reject| reject.position as usize != index + 1))
            .map(|(_, text)| text.clone()).collect();
        prop_assert_eq!(&decode_records(&kept, -330).rows, &page.rows);
        for reject in &page.rejects {
            prop_assert_eq!(reject.text.as_str(), records[reject.position as usize - 1].trim());
        }
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode(&bytes, 0);
    }

    #[test]
    fn no_tokens_panic(tokens in prop::collection::vec(prop::sample::select(vec![
        "{", "}", "[", "]", ",", ":", "\"", "\\", "\"data\":[", "\"a\"", "null", "1", "-", "e", "\\ud800", "é", " ", "\"sessionId\":\"68dc8d9c\"",
        "\"destinations\":[", "\"respondingAgent\":", "\"destinationType\":\"AgentSegment\"", "\"reason\":\"x\"",
    ]), 0..40)) {
        let _ = decode(format!("{{\"data\":[{}", tokens.concat()).as_bytes(), 0);
        let _ = decode(format!("{{\"data\":[{{{}}}]}}", tokens.join(",")).as_bytes(), 0);
    }

    #[test]
    fn no_damage_to_a_page_panics(seed: u64, edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..3), 1..4)) {
        let mut generator = Generator::new(seed, WILD);
        let record = generator.record();
        let mut bytes = format!(r#"{{"numResults":1,"data":[{0},{0}]}}"#, generator.text(&record)).into_bytes();
        for (index, byte, edit) in edits {
            let at = index.index(bytes.len());
            match edit {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, b"\"\\{}[],:0n"[usize::from(byte) % 10]),
                _ => { bytes.remove(at); }
            }
        }
        if let Ok(page) = decode(&bytes, 0) {
            for row in 0..page.rows.num_rows() {
                written(&page, row);
            }
        }
    }
}

/// The same record with its members in another order and null ones added.
fn shuffled(tree: &Json, generator: &mut Generator) -> Json {
    match tree {
        Json::List(elements) => Json::List(elements.iter().map(|element| shuffled(element, generator)).collect()),
        Json::Object(members) => {
            let mut members: Vec<_> =
                members.iter().map(|(key, value)| (key.clone(), shuffled(value, generator))).collect();
            members.push(("never seen".to_owned(), Json::Null));
            generator.rng.shuffle(&mut members);
            Json::Object(members)
        }
        other => other.clone(),
    }
}
