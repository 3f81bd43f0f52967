use super::fixture::{SESSION, decode, decode_records, page, run};
use crate::decode::{Decoder, GroupCounts, RejectReason, RowKey};

fn error(body: &str) -> String {
    decode(body.as_bytes(), 0).unwrap_err().to_string()
}

#[test]
fn what_is_no_page_is_named() {
    for (body, expected) in [
        ("", "expected a value at byte 0, found the end"),
        ("<html>", "expected a value at byte 0, found `<`"),
        ("[]", "expected an object with a `data` array, found an array"),
        ("\"x\"", "expected an object with a `data` array, found a string"),
        ("{}", "expected an object with a `data` array, found none among its keys: "),
        (r#"{"a":1,"b":2}"#, "expected an object with a `data` array, found none among its keys: `a`, `b`"),
        (r#"{"data":null}"#, "expected `data` to be an array, found null"),
        (r#"{"data":{}}"#, "expected `data` to be an array, found an object"),
        (r#"{"data":[],"data":[]}"#, "expected one `data`, found another at byte 18"),
        (
            r#"{"errors":[{"msg":"Invalid JWT token","code":4002}]}"#,
            r#"expected no `errors`, found `[{"msg":"Invalid JWT token","code":4002}]`"#,
        ),
        (r#"{"data":[],"errors":["x"]}"#, r#"expected no `errors`, found `["x"]`"#),
        (r#"{"data":[]"#, "expected `,` or `}` at byte 10, found the end"),
        (r#"{"data":[]} x"#, "expected the end at byte 12, found `x`"),
        (r#"{"data":[1,]}"#, "expected a value at byte 11, found `]`"),
        (r#"{"data":[{"a":1,}]}"#, "expected a key at byte 16, found `}`"),
        (r#"{"data":[{"a" 1}]}"#, "expected `:` at byte 14, found `1`"),
        (r#"{"data":[01]}"#, "expected `,` or `]` at byte 10, found `1`"),
        (r#"{"data":[1.]}"#, "expected a digit at byte 11, found `]`"),
        (r#"{"data":[nul]}"#, "expected a value at byte 9, found `n`"),
        (r#"{"data":["\x"]}"#, "expected an escape at byte 11, found `x`"),
        (r#"{"data":["\u12g4"]}"#, "expected `\\u` and four hex digits at byte 10, found `\\`"),
        ("{\"data\":[\"a\nb\"]}", "expected no bare control character in a string at byte 11, found U+000A"),
        (r#"{"data":["abc"#, "expected the end of a string at byte 13, found the end"),
    ] {
        assert_eq!(error(body), expected, "{body}");
    }
}

#[test]
fn a_page_that_is_not_utf8_is_an_error_as_a_whole() {
    let error = decode(b"{\"data\":[\"\xff\"]}", 0).unwrap_err();
    assert_eq!(error.to_string(), "expected UTF-8, found an invalid sequence at byte 10");
}

#[test]
fn errors_that_say_nothing_are_none() {
    assert!(decode(br#"{"data":[],"errors":null}"#, 0).is_ok());
    assert!(decode(br#"{"data":[],"errors":[]}"#, 0).is_ok());
}

#[test]
fn nesting_is_bounded_without_a_stack_overflow() {
    let nested = |levels: usize| format!(r#"{{"data":[{}{}]}}"#, "[".repeat(levels), "]".repeat(levels));
    assert_eq!(decode(nested(126).as_bytes(), 0).unwrap().rejects.len(), 1);
    assert_eq!(error(&nested(127)), "expected values nested at most 128 deep, found more at byte 135");
    assert!(error(&"{\"data\":[".repeat(100_000)).contains("nested at most 128 deep"));
}

#[test]
fn the_total_is_noted_where_it_is_an_integer() {
    for (value, expected) in [("14", Some(14)), ("14.0", Some(14)), ("\"14\"", None), ("null", None), ("1.5", None)] {
        let page = decode(format!(r#"{{"numResults":{value},"data":[]}}"#).as_bytes(), 0).unwrap();
        assert_eq!(page.num_results, expected, "{value}");
    }
}

#[test]
fn records_that_cannot_be_keyed_or_placed_are_rejects() {
    use RejectReason::{ConversationId, NoTime, NotAnObject, SessionId};
    let id = r#""sessionId":"68dc8d9c""#;
    let start = r#""sessionStartTime":"2025-10-01T02:10:36""#;
    for (record, reason) in [
        ("null".to_owned(), NotAnObject),
        ("5".to_owned(), NotAnObject),
        ("[{}]".to_owned(), NotAnObject),
        ("{}".to_owned(), SessionId),
        (format!(r#"{{"sessionId":null,{start}}}"#), SessionId),
        (format!(r#"{{"sessionId":"",{start}}}"#), SessionId),
        (format!(r#"{{"sessionId":5,{start}}}"#), SessionId),
        (format!(r#"{{"sessionId":"68dc8d9c\udc00",{start}}}"#), SessionId),
        (format!(r#"{{"sessionId":5,{id}}}"#), SessionId),
        (format!(r#"{{{id},"conversationId":5}}"#), ConversationId),
        (format!(r#"{{{id},"conversationId":"\ud800"}}"#), ConversationId),
        (r#"{"sessionId":"x"}"#.to_owned(), NoTime),
        (r#"{"sessionId":"x","sessionStartTime":"2025-10-01"}"#.to_owned(), NoTime),
    ] {
        let page = decode_records(&[format!("{{{id}}}"), record.clone(), format!("{{{id}}}")], 0);
        assert_eq!(page.rows.num_rows(), 2, "{record}");
        let reject = &page.rejects[0];
        assert_eq!((reject.position, reject.reason, &reject.text), (2, reason, &record));
        assert_eq!(reject.text_hash, xxhash_rust::xxh3::xxh3_64(record.as_bytes()).cast_signed());
        assert_eq!(page.record_count(), 3);
    }
}

#[test]
fn a_reject_leaves_no_trace_in_the_rows() {
    let reject = r#"{"channel":"x","destinations":[{"queueId":"q"}],"new":1,"customerinfo":{}}"#.to_owned();
    let good = format!(r#"{{{SESSION},"botId":"b","destinations":[{{"queueName":"n"}}]}}"#);
    let with = decode_records(&[reject.clone(), good.clone(), reject], 0);
    assert_eq!(with.rows, decode_records(&[good], 0).rows);
    assert_eq!(with.rejects.len(), 2);
}

#[test]
fn a_day_is_that_of_the_session_id_else_of_the_start() {
    let page = decode_records(
        &[
            r#"{"sessionId":"68dc8d9c","sessionStartTime":"2025-12-01T00:00:00"}"#.to_owned(),
            r#"{"sessionId":"x","sessionStartTime":"1970-01-02T04:00:00"}"#.to_owned(),
            r#"{"sessionId":"x","sessionStartTime":"1970-01-02T08:00:00"}"#.to_owned(),
        ],
        -330,
    );
    assert_eq!(page.session_dates, [20362, 0, 1]);
}

#[test]
fn paging_gets_keys_and_groups() {
    let members = ["", r#","conversationId":"""#, r#","conversationId":"c-1""#];
    let page = decode_records(&members.map(|members| format!(r#"{{"sessionId":"68dc8d9c"{members}}}"#)), 0);
    let key = |conversation_id| RowKey { session_id: "68dc8d9c", conversation_id };
    assert_eq!(page.keys().collect::<Vec<_>>(), [key(None), key(None), key(Some("c-1"))]);
    assert_eq!(page.group_counts(), GroupCounts { bot_only: 2, conversations: 1 });
}

#[test]
fn a_decoder_goes_on_after_a_broken_page() {
    let mut decoder = Decoder::new();
    let good = page(format!(r#"{{"data":[{{{SESSION},"a":1}}]}}"#).as_bytes(), 0);
    let broken =
        page(format!(r#"{{"data":[{{{SESSION}}},5,{{{SESSION},"a":1,"channel":"x","skills":[{{"id"#).as_bytes(), 0);
    let expected = decoder.decode(&good, &run()).unwrap();
    decoder.decode(&broken, &run()).unwrap_err();
    let again = decoder.decode(&good, &run()).unwrap();
    assert_eq!(again.rows, expected.rows);
    assert_eq!(again.rejects, []);
    assert_eq!(again.session_dates.len(), 1);
}
