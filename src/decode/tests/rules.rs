use super::fixture::{SESSION, cell, decode, decode_records, row};
use crate::schema::Schema;

/// Value of `key` in a record, what its column then holds, what `extra` holds.
type Case = (&'static str, Option<&'static str>);

fn assert_cases(key: &str, column: &str, cases: &[Case]) {
    for (value, expected) in cases {
        let page = row(&format!(r#""{key}":{value}"#));
        assert_eq!(cell(&page, column).as_deref(), *expected, "{key}: {value}");
        let extra = expected.is_none().then(|| format!(r#"{{"{key}":{value}}}"#));
        assert_eq!(cell(&page, "extra"), extra, "{key}: {value}");
    }
}

#[test]
fn the_batch_has_the_schema() {
    let page = row(r#""channel":"x""#);
    assert_eq!(page.rows.schema(), Schema::conversations_arrow());
    assert_eq!(decode(br#"{"data":[]}"#, 0).unwrap().rows.num_rows(), 0);
}

#[test]
fn integers_take_integral_numbers_and_plain_strings_in_range() {
    assert_cases(
        "csatScore",
        "csat_score",
        &[
            ("5", Some("5")),
            ("-0", Some("0")),
            ("4.0", Some("4")),
            ("40e-1", Some("4")),
            ("0.4E+1", Some("4")),
            ("0e999999999999999999999", Some("0")),
            ("2147483647", Some("2147483647")),
            ("-2147483648", Some("-2147483648")),
            ("2147483647.000", Some("2147483647")),
            ("\"-12\"", Some("-12")),
            ("\"0\"", Some("0")),
            ("\"\\u0035\"", Some("5")),
            ("2147483648", None),
            ("2147483647.0000000000000000001", None),
            ("4.5", None),
            ("1e99999999999999999999", None),
            ("\"2147483648\"", None),
            ("\"05\"", None),
            ("\"+5\"", None),
            ("\"5.0\"", None),
            ("\" 5\"", None),
            ("\"-\"", None),
            ("\"\"", None),
            ("true", None),
            ("[5]", None),
            ("{\"a\" : 5}", None),
        ],
    );
}

#[test]
fn floats_take_finite_numbers_and_strings_of_them() {
    let cases = [
        ("2.5", Some("2.5")),
        ("-3", Some("-3.0")),
        ("\"2.5\"", Some("2.5")),
        ("\"-3e1\"", Some("-30.0")),
        ("1e400", None),
        ("\"1e400\"", None),
        ("\"NaN\"", None),
        ("\"inf\"", None),
        ("\".5\"", None),
        ("\"5.\"", None),
        ("\"\"", None),
        ("false", None),
    ];
    for (value, expected) in cases {
        let tone = "meta_info.agent_transfer_config.dialog_tone.0";
        let page = row(&format!(r#""metaInfo":{{"agentTransferConfig":{{"dialog_tone":[{{"level":{value}}}]}}}}"#));
        assert_eq!(cell(&page, &format!("{tone}.level")).as_deref(), expected, "{value}");
        let extra = expected.is_none().then(|| format!(r#"{{"level":{value}}}"#));
        assert_eq!(cell(&page, &format!("{tone}.extra")), extra, "{value}");
    }
}

#[test]
fn booleans_take_yes_no_true_false_in_any_case() {
    assert_cases(
        "isVoicemail",
        "is_voicemail",
        &[
            ("true", Some("true")),
            ("false", Some("false")),
            ("\"NO\"", Some("false")),
            ("\"yes\"", Some("true")),
            ("\"True\"", Some("true")),
            ("\"fAlse\"", Some("false")),
            ("\"Y\"", None),
            ("\"\"", None),
            ("1", None),
        ],
    );
}

#[test]
fn times_are_read_in_the_grammar_and_nothing_else() {
    assert_cases(
        "sessionEndTime",
        "session_end_time",
        &[
            ("\"2025-10-01T07:40:36\"", Some("2025-10-01T07:40:36Z")),
            ("\"2025/10/01 7:40:36.5\"", Some("2025-10-01T07:40:36.500Z")),
            ("\"2025\\/10\\/01 07:40:36\"", Some("2025-10-01T07:40:36Z")),
            ("\"2025-10-01T07:40:36+05:30\"", Some("2025-10-01T02:10:36Z")),
            ("\"2025-10-01\"", None),
            ("\"\"", None),
            ("1759297236000", None),
        ],
    );
}

#[test]
fn naive_times_are_local_to_the_request_and_absolute_ones_are_not() {
    let record = format!(
        r#"{{{SESSION},"sessionStartTime":"2025-10-01T07:40:36","destinations":[{{"CallbackOptedTime":"2025-10-01T02:10:57.780Z"}}]}}"#
    );
    let page = decode_records(&[record], -330);
    assert_eq!(cell(&page, "session_start_time").as_deref(), Some("2025-10-01T02:10:36Z"));
    assert_eq!(cell(&page, "destinations.0.callback_opted_time").as_deref(), Some("2025-10-01T02:10:57.780Z"));
    assert_eq!(cell(&page, "_flags").as_deref(), Some("[]"));
}

#[test]
fn text_takes_strings_only_and_keeps_them_as_they_are() {
    assert_cases(
        "channel",
        "channel",
        &[
            ("\"\"", Some("")),
            ("\"Jones \"", Some("Jones ")),
            (r#""a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00é""#, Some("a\"\\/\u{8}\u{c}\n\r\té😀é")),
            ("\"\\u0000\"", Some("\0")),
            ("5", None),
            ("true", None),
            ("[]", None),
            (r#""\ud800""#, None),
            (r#""x\udc00\ud800y""#, None),
            (r#""\ud800\u0041""#, None),
        ],
    );
}

#[test]
fn null_is_absent_for_known_keys_and_kept_for_unknown_ones() {
    let page = row(r#""channel":null,"destinations":null,"metaInfo":null,"new" : null"#);
    for column in ["channel", "destinations", "meta_info"] {
        assert_eq!(cell(&page, column), None);
    }
    assert_eq!(cell(&page, "extra").as_deref(), Some(r#"{"new":null}"#));
}

#[test]
fn empty_values_stay_what_they_are() {
    let page = row(r#""dispositions":[],"metaInfo":{},"destinations":[],"csatFeedback":"""#);
    assert_eq!(cell(&page, "dispositions").as_deref(), Some("[]"));
    assert_eq!(cell(&page, "destinations").as_deref(), Some("[]"));
    assert_eq!(cell(&page, "csat_feedback").as_deref(), Some(""));
    assert!(cell(&page, "meta_info").is_some());
    assert_eq!(cell(&page, "meta_info.extra"), None);
    assert_eq!(cell(&page, "extra"), None);
}

#[test]
fn of_a_repeated_key_the_first_counts() {
    let page = row(r#""botId":"a","x":1,"botId":"b","x":2,"botId":null"#);
    assert_eq!(cell(&page, "bot_id").as_deref(), Some("a"));
    assert_eq!(cell(&page, "extra").as_deref(), Some(r#"{"x":1,"botId":"b","x":2}"#));
    let misfit = row(r#""csatScore":"x","csatScore":5"#);
    assert_eq!(cell(&misfit, "csat_score"), None);
    assert_eq!(cell(&misfit, "extra").as_deref(), Some(r#"{"csatScore":"x","csatScore":5}"#));
    assert_eq!(cell(&row(r#""botId":null,"botId":"b""#), "bot_id").as_deref(), Some("b"));
}

#[test]
fn keys_may_be_written_with_escapes() {
    let page = row(r#""bot\u0049d":"a","\ud800":1"#);
    assert_eq!(cell(&page, "bot_id").as_deref(), Some("a"));
    assert_eq!(cell(&page, "extra").as_deref(), Some(r#"{"\ud800":1}"#));
}

#[test]
fn extra_keeps_the_text_of_keys_and_values() {
    let page = row(r#""n\u0065w" : [ 1.50, {"a" :"\/"} ] , "customerinfo" : 7"#);
    assert_eq!(cell(&page, "extra").as_deref(), Some(r#"{"n\u0065w":[ 1.50, {"a" :"\/"} ],"customerinfo":7}"#));
}

#[test]
fn every_struct_has_its_own_extra() {
    let members = r#""z":0,"skills":[{"z":1}],"userleveltags":[{"z":2}],"customerinfo":{"z":3},"campaigninfo":{"attempt":""},
        "metaInfo":{"z":4,"workinghours":{"z":5},"identities":[{"z":6}],"transcribeConfig":{"z":7},"agentTransferConfig":
        {"z":8,"assistEvents":{"z":9,"startEvent":{"startEvent":10}},"dialog_tone":[{"z":11}]}},
        "destinations":[{"z":12,"respondingAgent":{"z":13,"ConsultingAgents":[{"z":14}],"JoinedUsers":[{"z":15}]},
        "nonRespondingAgents":[{"z":16}]}]"#;
    let page = row(members);
    let transfer = "meta_info.agent_transfer_config";
    let agent = "destinations.0.responding_agent";
    for (path, expected) in [
        ("", r#"{"z":0}"#),
        ("skills.0.", r#"{"z":1}"#),
        ("user_level_tags.0.", r#"{"z":2}"#),
        ("customer_info.", r#"{"z":3}"#),
        ("campaign_info.", r#"{"attempt":""}"#),
        ("meta_info.", r#"{"z":4}"#),
        ("meta_info.working_hours.", r#"{"z":5}"#),
        ("meta_info.identities.0.", r#"{"z":6}"#),
        ("meta_info.transcribe_config.", r#"{"z":7}"#),
        (&format!("{transfer}."), r#"{"z":8}"#),
        (&format!("{transfer}.assist_events."), r#"{"z":9}"#),
        (&format!("{transfer}.assist_events.start_event."), r#"{"startEvent":10}"#),
        (&format!("{transfer}.dialog_tone.0."), r#"{"z":11}"#),
        ("destinations.0.", r#"{"z":12}"#),
        (&format!("{agent}."), r#"{"z":13}"#),
        (&format!("{agent}.consulting_agents.0."), r#"{"z":14}"#),
        (&format!("{agent}.joined_users.0."), r#"{"z":15}"#),
        ("destinations.0.non_responding_agents.0.", r#"{"z":16}"#),
    ] {
        assert_eq!(cell(&page, &format!("{path}extra")).as_deref(), Some(expected), "{path}");
    }
}

#[test]
fn a_list_with_one_element_that_does_not_fit_goes_whole() {
    let page = row(r#""dispositions":["a",5,"b"],"skills":[{"id":"1"},"x"]"#);
    assert_eq!(cell(&page, "dispositions"), None);
    assert_eq!(cell(&page, "skills"), None);
    let extra = r#"{"dispositions":["a",5,"b"],"skills":[{"id":"1"},"x"]}"#;
    assert_eq!(cell(&page, "extra").as_deref(), Some(extra));
    let surrogate = row(r#""dispositions":["\ud800"]"#);
    assert_eq!(cell(&surrogate, "extra").as_deref(), Some(r#"{"dispositions":["\ud800"]}"#));
}

#[test]
fn a_list_that_was_taken_back_leaves_no_trace_in_other_rows() {
    let records = [r#""skills":[{"id":"1"},5]"#, r#""skills":[{"name":"n"}],"dispositions":["a"]"#];
    let page = decode_records(&records.map(|members| format!("{{{SESSION},{members}}}")), 0);
    assert_eq!(super::fixture::cell_of(&page, 0, "skills"), None);
    assert_eq!(super::fixture::cell_of(&page, 1, "skills.0.name").as_deref(), Some("n"));
    assert_eq!(super::fixture::cell_of(&page, 1, "skills.0.id"), None);
}

#[test]
fn elements_of_a_list_may_be_null() {
    let page = row(r#""dispositions":[null,"a"],"destinations":[null,{"queueId":"q"}]"#);
    assert_eq!(cell(&page, "dispositions.0"), None);
    assert_eq!(cell(&page, "dispositions.1").as_deref(), Some("a"));
    assert_eq!(cell(&page, "destinations.0"), None);
    assert_eq!(cell(&page, "destinations.1.queue_id").as_deref(), Some("q"));
}

#[test]
fn json_columns_hold_the_text_of_any_value() {
    for value in [r#"{ "a" : [1, null] }"#, "[]", "5", r#""""#, r#""\ud800""#, "false"] {
        let page = row(&format!(r#""metaInfo":{{"customData":{value}}}"#));
        assert_eq!(cell(&page, "meta_info.custom_data").as_deref(), Some(value));
        assert_eq!(cell(&page, "meta_info.extra"), None);
    }
    assert_eq!(cell(&row(r#""metaInfo":{"customData":null}"#), "meta_info.custom_data"), None);
}

#[test]
fn reason_is_the_first_that_is_not_empty() {
    for (members, reason, extra) in [
        (r#""Reason":"a""#, Some("a"), None),
        (r#""statusDetail":"a""#, Some("a"), None),
        (r#""statusDetail":"b","reason":"a""#, Some("a"), Some(r#"{"statusDetail":"b"}"#)),
        (r#""statusDetail":"b","Reason":"c","reason":"""#, Some("c"), Some(r#"{"statusDetail":"b"}"#)),
        (r#""Reason":"a","reason":"a""#, Some("a"), None),
        (r#""Reason":"\u0061","reason":"a""#, Some("a"), None),
        (r#""reason":"","Reason":"""#, Some(""), None),
        (r#""reason":null,"Reason":"a""#, Some("a"), None),
        (r#""reason":5,"Reason":"a""#, Some("a"), Some(r#"{"reason":5}"#)),
        (r#""reason":"a","Reason":5"#, Some("a"), Some(r#"{"Reason":5}"#)),
        (r#""reason":"\ud800","Reason":"a""#, Some("a"), Some(r#"{"reason":"\ud800"}"#)),
        (r#""reason":5"#, None, Some(r#"{"reason":5}"#)),
        (r#""reason":"a","reason":"b""#, Some("a"), Some(r#"{"reason":"b"}"#)),
    ] {
        let page = row(members);
        assert_eq!(cell(&page, "reason").as_deref(), reason, "{members}");
        assert_eq!(cell(&page, "extra").as_deref(), extra, "{members}");
    }
}

#[test]
fn of_the_two_spellings_of_customer_info_the_first_counts() {
    for (members, phone, extra) in [
        (r#""customerInfo":{"CustomerPhone":"1"}"#, Some("1"), None),
        (
            r#""customerInfo":{"CustomerPhone":"1"},"customerinfo":{"CustomerPhone":"2"}"#,
            Some("1"),
            Some(r#"{"customerinfo":{"CustomerPhone":"2"}}"#),
        ),
        (r#""customerinfo":null,"customerInfo":{"CustomerPhone":"1"}"#, Some("1"), None),
    ] {
        let page = row(members);
        assert_eq!(cell(&page, "customer_info.customer_phone").as_deref(), phone, "{members}");
        assert_eq!(cell(&page, "extra").as_deref(), extra, "{members}");
    }
}

fn destination(members: &str) -> crate::decode::DecodedPage {
    row(&format!(r#""destinations":[{{{members}}}]"#))
}

fn in_destination(page: &crate::decode::DecodedPage, path: &str) -> Option<String> {
    cell(page, &format!("destinations.0.{path}"))
}

#[test]
fn a_queue_entry_keeps_its_agents_apart() {
    let page = destination(
        r#""agentId":"x","destinationType":"QueueEntry","respondingAgent":{"agentId":"a","destinationType":"AgentSegment"},
           "nonRespondingAgents":[{"agentId":"b"},{"agentId":"b"}]"#,
    );
    assert_eq!(in_destination(&page, "responding_agent.agent_id").as_deref(), Some("a"));
    assert_eq!(in_destination(&page, "responding_agent.destination_type").as_deref(), Some("AgentSegment"));
    assert_eq!(in_destination(&page, "non_responding_agents.1.agent_id").as_deref(), Some("b"));
    assert_eq!(in_destination(&page, "extra").as_deref(), Some(r#"{"agentId":"x"}"#));
    assert_eq!(in_destination(&destination(r#""name":"x""#), "extra").as_deref(), Some(r#"{"name":"x"}"#));
}

#[test]
fn the_fields_of_an_agent_segment_move_to_its_agent_wherever_the_type_stands() {
    let kind = r#""destinationType":"AgentSegment""#;
    let members = r#""agentId":"a","new":1,"acceptedTime":"","ExternalTransferDestination":"x","EnterTime":5"#;
    for members in [format!("{kind},{members}"), format!("{members},{kind}")] {
        let page = destination(&members);
        assert_eq!(in_destination(&page, "destination_type").as_deref(), Some("AgentSegment"));
        assert_eq!(in_destination(&page, "external_transfer_destination").as_deref(), Some("x"));
        assert_eq!(in_destination(&page, "extra").as_deref(), Some(r#"{"EnterTime":5}"#));
        assert_eq!(in_destination(&page, "responding_agent.agent_id").as_deref(), Some("a"));
        assert_eq!(in_destination(&page, "responding_agent.destination_type"), None);
        assert_eq!(in_destination(&page, "responding_agent.external_transfer_destination"), None);
        let extra = r#"{"new":1,"acceptedTime":""}"#;
        assert_eq!(in_destination(&page, "responding_agent.extra").as_deref(), Some(extra));
    }
}

#[test]
fn a_responding_agent_beside_an_agent_segments_own_fields_goes_to_extra() {
    let agent = r#""respondingAgent":{"agentId":"b"}"#;
    let kind = r#""destinationType":"AgentSegment""#;
    for members in [format!(r#"{agent},"agentId":"a",{kind}"#), format!(r#"{kind},"agentId":"a",{agent}"#)] {
        let page = destination(&members);
        assert_eq!(in_destination(&page, "responding_agent.agent_id").as_deref(), Some("a"));
        assert_eq!(in_destination(&page, "extra"), Some(format!("{{{agent}}}")));
    }
    for alone in [format!("{kind},{agent}"), format!(r#"{kind},"agentId":null,{agent}"#)] {
        let page = destination(&alone);
        assert_eq!(in_destination(&page, "responding_agent.agent_id").as_deref(), Some("b"));
        assert_eq!(in_destination(&page, "extra"), None);
    }
    assert_eq!(in_destination(&destination(kind), "responding_agent"), None);
}

#[test]
fn clocks_that_disagree_are_flagged_in_order() {
    let flags = |members: &str, offset: i32| {
        let page = decode_records(&[format!("{{{SESSION},{members}}}")], offset);
        cell(&page, "_flags").unwrap()
    };
    let start = r#""sessionStartTime":"2025-10-01T02:10:36Z""#;
    let ended = |end: &str| format!(r#"{start},"sessionEndTime":"{end}Z""#);
    assert_eq!(flags(start, 0), "[]");
    assert_eq!(flags(r#""sessionStartTime":"2025-10-01T02:10:37Z""#, 0), "[]");
    assert_eq!(flags(r#""sessionStartTime":"2025-10-01T02:10:37.000001Z""#, 0), "[start_differs]");
    assert_eq!(flags(r#""sessionStartTime":"2025-10-01T02:10:34Z""#, 0), "[start_differs]");
    assert_eq!(flags(&ended("2025-10-01T02:10:35"), 0), "[end_before_start]");
    assert_eq!(flags(&ended("2025-10-01T07:40:36"), -330), "[end_shifted]");
    assert_eq!(flags(&ended("2025-10-01T07:40:35"), -330), "[]");
    assert_eq!(flags(&ended("2025-10-01T07:40:36"), 330), "[end_shifted]");
    assert_eq!(flags(&ended("2025-10-01T07:40:36"), 0), "[]");
    assert_eq!(flags(&format!(r#"{},"finalStatus":"Dropped""#, ended("2025-10-01T07:40:36")), -330), "[]");
    assert_eq!(flags(&format!(r#"{},"conversationId":"c-1""#, ended("2025-10-01T07:40:36")), -330), "[]");
    assert_eq!(flags(&format!(r#"{},"conversationId":"""#, ended("2025-10-01T07:40:36")), -330), "[end_shifted]");
    let both = r#""sessionStartTime":"2025-10-02T00:00:00Z","sessionEndTime":"2025-10-01T00:00:00Z""#;
    assert_eq!(flags(both, 0), "[start_differs, end_before_start]");
}

#[test]
fn our_columns_say_how_a_row_came_here() {
    let page = decode_records(&[format!("{{{SESSION}}}")], -330);
    for (column, expected) in [
        ("_fetched_at", "2026-01-31T08:00:00Z"),
        ("_api_version", "v2"),
        ("_run_id", "run-1"),
        ("_stream_id", "st-1"),
        ("_time_zone_offset", "-330"),
        ("_flags", "[]"),
    ] {
        assert_eq!(cell(&page, column).as_deref(), Some(expected), "{column}");
    }
    let mut named = super::fixture::page(format!(r#"{{"data":[{{{SESSION}}}]}}"#).as_bytes(), 0);
    named.request.stream_id = None;
    let page = crate::decode::Decoder::new().decode(&named, &super::fixture::run()).unwrap();
    assert_eq!(cell(&page, "_stream_id"), None);
}
