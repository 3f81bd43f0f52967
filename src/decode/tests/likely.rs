//! Keys are compared with the likely ones first: what a record says must not depend on what the records before it said.

use proptest::prelude::*;

use super::fixture::{SESSION, cell_of, decode_records, page, run};
use super::generate::{Generator, Manner};
use crate::decode::Decoder;

/// Records that teach the decoder which keys are likely, and one with `member` behind its session id.
fn behind_likely(member: &str) -> crate::decode::DecodedPage {
    let usual = format!(r#"{{{SESSION},"channel":"x"}}"#);
    let other = format!(r#"{{{SESSION},"botId":"x"}}"#);
    decode_records(&[usual.clone(), other, usual, format!("{{{SESSION},{member}}}")], 0)
}

#[test]
fn a_likely_key_is_known_in_every_spelling() {
    let usual = behind_likely(r#""channel":"x""#);
    for member in [
        r#" "channel":"x""#,
        "\"channel\" :\"x\"",
        "\"channel\"\r\n\t: \"x\"",
        r#""channel":"x" "#,
        r#""ch\u0061nnel":"x""#,
        r#""channel":null,"channel":"x""#,
    ] {
        let page = behind_likely(member);
        assert_eq!(page.rows, usual.rows, "{member}");
        assert_eq!(cell_of(&page, 3, "channel").as_deref(), Some("x"), "{member}");
    }
}

#[test]
fn a_key_that_only_begins_as_a_likely_one_is_another() {
    for key in
        ["", "c", "channe", "channel ", "channels", "channel:", "channel\\\"", "channel\\u0000", "channeé", "Channel"]
    {
        let page = behind_likely(&format!(r#""{key}":"x""#));
        assert_eq!(cell_of(&page, 3, "channel"), None, "{key}");
        assert_eq!(cell_of(&page, 3, "extra"), Some(format!(r#"{{"{key}":"x"}}"#)), "{key}");
    }
}

#[test]
fn a_text_that_ends_at_any_place_of_a_likely_key_is_cut() {
    let body = format!(r#"{{"data":[{{{SESSION},"channelSpecificUserId":"x","conversationId":"c"}}]}}"#);
    let mut decoder = Decoder::new();
    decoder.decode(&page(body.as_bytes(), 0), &run()).unwrap();
    for end in 0..body.len() {
        let cut = page(&body.as_bytes()[..end], 0);
        let error = decoder.decode(&cut, &run()).unwrap_err();
        assert_eq!(error, Decoder::new().decode(&cut, &run()).unwrap_err());
        assert!(error.to_string().ends_with("found the end"), "{end}: {error}");
    }
    assert_eq!(decoder.decode(&page(body.as_bytes(), 0), &run()).unwrap().rows.num_rows(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 100,
        rng_seed: proptest::test_runner::RngSeed::Fixed(7),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_decoder_that_saw_other_records_decodes_as_a_new_one(seed: u64, count in 1_usize..6) {
        let mut generator = Generator::new(seed, Manner { repeats: true, repeated_aliases: true, line_ends: true });
        let mut used = Decoder::new();
        for _ in 0..count {
            let record = generator.record();
            let body = format!(r#"{{"data":[{}]}}"#, generator.text(&record));
            let page = page(body.as_bytes(), -330);
            let (again, new) = (used.decode(&page, &run()).unwrap(), Decoder::new().decode(&page, &run()).unwrap());
            prop_assert_eq!(again.rows, new.rows, "{}", body);
        }
    }
}
