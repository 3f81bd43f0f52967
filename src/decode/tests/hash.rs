use serde::Deserialize;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::fixture::{cell, decode_records};
use super::json::Json;
use crate::clock::parse_api_time;
use crate::schema::Schema;

/// The hash by its definition, over a tree.
pub fn defined(value: &Json, offset: i32) -> u64 {
    let kind = |kind: &[u8], bytes: &[u8]| xxh3_64(&[kind, bytes].concat());
    match value {
        Json::Null => xxh3_64(b"n"),
        Json::Raw(raw) if raw == "true" => xxh3_64(b"t"),
        Json::Raw(raw) if raw == "false" => xxh3_64(b"f"),
        // The one such string that is generated: U+D83D, `x`, U+DC00 as WTF-8.
        Json::Raw(raw) if raw.starts_with('"') => kind(b"\"", b"\xED\xA0\xBDx\xED\xB0\x80"),
        Json::Raw(number) => kind(b"#", number.as_bytes()),
        Json::Text(text) => match parse_api_time(text, offset) {
            Some(time) => kind(b"@", &time.micros().to_le_bytes()),
            None => kind(b"\"", text.as_bytes()),
        },
        Json::List(elements) => elements
            .iter()
            .fold(xxh3_64(b"["), |hash, element| xxh3_64_with_seed(&defined(element, offset).to_le_bytes(), hash)),
        Json::Object(members) => {
            let mut sum = 0_u64;
            let mut seen: Vec<&str> = Vec::new();
            for (key, value) in members.iter().filter(|(_, value)| *value != Json::Null) {
                if !seen.contains(&key.as_str()) {
                    seen.push(key);
                    sum = sum.wrapping_add(xxh3_64_with_seed(key.as_bytes(), defined(value, offset)));
                }
            }
            xxh3_64(&sum.to_le_bytes())
        }
    }
}

#[derive(Deserialize)]
struct Document {
    content_hash_version: u32,
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    record: String,
    time_zone_offset: i32,
    content_hash: String,
}

#[test]
fn the_test_vectors_hold() {
    let document: Document = serde_json::from_str(include_str!("../../../schemas/content_hash.json")).unwrap();
    assert_eq!(document.content_hash_version, Schema::conversations().content_hash_version);
    for vector in document.vectors {
        let page = decode_records(std::slice::from_ref(&vector.record), vector.time_zone_offset);
        assert_eq!(cell(&page, "_content_hash").unwrap(), vector.content_hash, "{}", vector.record);
        let by_definition = defined(&Json::parse(&vector.record), vector.time_zone_offset).cast_signed();
        assert_eq!(by_definition.to_string(), vector.content_hash, "{}", vector.record);
    }
}

#[test]
fn what_means_the_same_has_one_hash_and_what_differs_has_another() {
    let hash = |members: &str, offset: i32| {
        let page = decode_records(&[format!(r#"{{"sessionId":"68dc8d9c",{members}}}"#)], offset);
        cell(&page, "_content_hash").unwrap()
    };
    for (one, other) in [
        (r#""a":1,"b":2"#, r#""b":2,"a":1"#),
        (r#""a":1"#, r#""a":1,"b":null,"botId":null"#),
        (r#""a":"2025-10-01T07:40:36""#, r#""a":"2025/10/01 7:40:36.000Z""#),
        (r#""sessionEndTime":"2025-10-01T07:40:36""#, r#""sessionEndTime":"2025-10-01 07:40:36+00:00""#),
        (r#""a":"é""#, r#""\u0061" : "\u00e9""#),
        (r#""a":1,"a":2,"botId":"x","botId":"y""#, r#""botId":"x","a":1"#),
        (r#""customerinfo":{"z":1,"Direction":"x"}"#, r#""customerinfo":{"Direction":"x","z":1}"#),
    ] {
        assert_eq!(hash(one, 0), hash(other, 0), "{one} {other}");
    }
    for (one, other) in [
        (r#""a":1"#, r#""a":"1""#),
        (r#""a":1"#, r#""a":1.0"#),
        (r#""a":[]"#, r#""a":{}"#),
        (r#""a":[1,2]"#, r#""a":[2,1]"#),
        (r#""a":[null]"#, r#""a":[]"#),
        (r#""a":"""#, r#""a":null"#),
        (r#""a":true"#, r#""a":false"#),
        (r#""a":{"b":1}"#, r#""b":{"a":1}"#),
        (r#""reason":"x""#, r#""Reason":"x""#),
    ] {
        assert_ne!(hash(one, 0), hash(other, 0), "{one} {other}");
    }
    let local = hash(r#""a":"2025-10-01T07:40:36""#, -330);
    assert_eq!(local, hash(r#""a":"2025-10-01T02:10:36Z""#, 300));
}
