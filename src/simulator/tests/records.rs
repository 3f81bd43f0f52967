use std::collections::HashSet;

use jiff::civil::Date;
use serde_json::Value;

use super::{data, day, generator, stream};
use crate::simulator::{Api, Field, Generator, GeneratorSettings, SimulatorError, View};

fn week(generator: &Generator, view: &View) -> Vec<Value> {
    let texts = generator.truth(stream(generator), day(0), day(7), view);
    texts.map(|text| serde_json::from_str(&text).unwrap()).collect()
}

fn fnv(hash: u64, text: &str) -> u64 {
    text.bytes().fold(hash, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

#[test]
fn the_same_settings_give_the_same_records_for_ever() {
    let generator = generator(40);
    let texts = generator.truth(stream(&generator), day(0), day(7), &View::whole(Api::V2));
    let hash = texts.fold(0xcbf2_9ce4_8422_2325, |hash, text| fnv(hash, &text));
    assert_eq!(format!("{} {hash:016x}", generator.rows()), "279 0010c27a022aa14b");
}

#[test]
fn another_seed_gives_other_records() {
    let other = Generator::new(GeneratorSettings { seed: 2, ..data(40) }).unwrap();
    let first = |generator: &Generator| {
        generator.truth(stream(generator), day(0), day(1), &View::whole(Api::V2)).next().unwrap()
    };
    assert_ne!(first(&generator(40)), first(&other));
}

fn text<'a>(record: &'a Value, key: &str) -> &'a str {
    record[key].as_str().unwrap_or_default()
}

fn list<'a>(record: &'a Value, key: &str) -> &'a [Value] {
    record[key].as_array().map_or(&[], Vec::as_slice)
}

fn any_entry(record: &Value, holds: impl Fn(&Value) -> bool) -> bool {
    list(record, "destinations").iter().any(holds)
}

fn any_missed(record: &Value, holds: impl Fn(&[Value]) -> bool) -> bool {
    any_entry(record, |entry| holds(list(entry, "nonRespondingAgents")))
}

/// Agents of the record who accepted, wherever they stand.
fn answered(record: &Value) -> impl Iterator<Item = &Value> {
    let entries = list(record, "destinations").iter();
    entries.map(|entry| entry.get("respondingAgent").unwrap_or(entry)).filter(|agent| agent["acceptedTime"].is_string())
}

fn answered_by(record: &Value, holds: impl Fn(&Value) -> bool) -> bool {
    answered(record).any(holds)
}

type Kind = (&'static str, fn(&Value) -> bool);

const KINDS: &[Kind] = &[
    ("resolved by the bot", |r| text(r, "finalStatus") == "BotResolved"),
    ("dropped", |r| text(r, "finalStatus") == "Dropped"),
    ("without a final status", |r| r.get("conversationId").is_none() && r.get("finalStatus").is_none()),
    ("side session", |r| {
        text(r, "channel").to_lowercase().starts_with("agentassist")
            && text(r, "channelSpecificUserId").contains("/agentassist/c-")
    }),
    ("no destination", |r| r["destinations"] == serde_json::json!([])),
    ("several queues", |r| {
        list(r, "destinations").iter().filter(|d| text(d, "destinationType") == "QueueEntry").count() > 1
    }),
    ("the same agent missed twice", |r| {
        any_missed(r, |missed| missed.windows(2).any(|pair| pair[0]["agentId"] == pair[1]["agentId"]))
    }),
    ("reassigned", |r| {
        any_missed(r, |missed| missed.iter().any(|agent| text(agent, "nonResponseEvent") == "Supervisor Reassigned"))
            && any_entry(r, |entry| text(entry, "destinationType") == "AgentSegment")
    }),
    ("direct", |r| {
        list(r, "destinations").len() == 1 && text(&r["destinations"][0], "destinationType") == "AgentSegment"
    }),
    ("answering agent listed as missed too", |r| {
        any_missed(r, |missed| missed.iter().any(|agent| text(agent, "status") == "Answered"))
    }),
    ("callback accepted", |r| any_entry(r, |e| text(e, "userCallbackAcceptTime").ends_with('Z'))),
    ("callback not accepted", |r| {
        any_entry(r, |e| e["CallbackOpted"] == true && e.get("userCallbackAcceptTime").is_none())
    }),
    ("callback initiated", |r| any_entry(r, |e| e["CallbackInitiatedTime"].is_string())),
    ("app id", |r| r["appId"].is_string()),
    ("voicemail", |r| text(r, "isVoicemail") == "YES"),
    ("voicemail as boolean", |r| r["isVoicemail"].is_boolean()),
    ("abandoned", |r| text(r, "finalStatus") == "USER ABANDONED" && answered(r).next().is_none()),
    ("abandoned with agent", |r| text(r, "smartStatus") == "ABANDONED WITH AGENT" && answered(r).next().is_some()),
    ("no agents", |r| ["reason", "Reason", "statusDetail"].iter().any(|key| text(r, key) == "NO AGENTS AVAILABLE")),
    ("active", |r| text(r, "finalStatus") == "ACTIVE"),
    ("open for a moment", |r| text(r, "finalStatus") == "TRANSIENT_OPEN"),
    ("no end", |r| r.get("sessionEndTime").is_none()),
    ("long e-mail", |r| answered_by(r, |agent| agent["interactionDuration"].as_i64() > Some(86_400))),
    ("consulted", |r| answered_by(r, |agent| !list(agent, "ConsultingAgents").is_empty())),
    ("joined", |r| answered_by(r, |agent| !list(agent, "JoinedUsers").is_empty())),
    ("held", |r| answered_by(r, |agent| agent["holdDuration"].as_i64() > Some(0))),
    ("translated", |r| answered_by(r, |agent| agent["agentChoseTranslate"] == true)),
    ("passed on", |r| any_entry(r, |entry| entry["ExternalTransferTime"].is_string())),
    ("quoted number", |r| answered_by(r, |agent| agent["interactionDuration"].is_string())),
    ("campaign", |r| r["campaigninfo"]["attempt"].is_i64()),
    ("campaign with an empty attempt", |r| r["campaigninfo"]["attempt"] == ""),
    ("outbound call", |r| {
        text(r, "Direction") == "Outbound" && text(r, "channel").trim().eq_ignore_ascii_case("voice")
    }),
    ("csat", |r| r["csatScore"].is_i64() && text(r, "surveyType") == "csat"),
    ("nps", |r| r["npsScore"].is_i64()),
    ("like", |r| !r["likeDislikeScore"].is_null()),
    ("score without a survey type", |r| !r["csatScore"].is_null() && r.get("surveyType").is_none()),
    ("remarks", |r| list(r, "dispositionRemarks").iter().any(|remark| remark.as_str().unwrap().len() > 20)),
    ("tones", |r| !list(&r["metaInfo"]["agentTransferConfig"], "dialog_tone").is_empty()),
    ("skills", |r| !list(r, "skills").is_empty()),
    ("user tags", |r| !list(r, "userleveltags").is_empty()),
    ("session tags", |r| !list(r, "sessionleveltags").is_empty()),
    ("custom data", |r| r["metaInfo"]["customData"].is_object()),
    ("key that no schema knows", |r| r["metaInfo"]["cart"].is_object() && r.get("interactionSource").is_none()),
    ("root key that no schema knows", |r| r["interactionSource"].is_object()),
    ("many identities", |r| list(&r["metaInfo"], "identities").len() > 30),
    ("channel that ends in a space", |r| text(r, "channel").ends_with(' ')),
    ("null address", |r| r.get("channelSpecificUserId") == Some(&Value::Null)),
    ("Cyrillic", |r| r.to_string().contains("Клиент")),
    ("Arabic", |r| r.to_string().contains("العميل")),
    ("Devanagari", |r| r.to_string().contains("ग्राहक")),
    ("Chinese", |r| r.to_string().contains("客户")),
    ("emoji", |r| r.to_string().contains('👍')),
    ("line break", |r| r.to_string().contains("\\n")),
    ("backslash", |r| r.to_string().contains("\\\\")),
];

#[test]
fn a_week_of_300_a_day_holds_every_kind_of_record() {
    let records = week(&generator(300), &View::whole(Api::V2));
    let missing: Vec<_> = KINDS.iter().filter(|(_, holds)| !records.iter().any(holds)).map(|(kind, _)| kind).collect();
    assert!(missing.is_empty(), "{missing:?}");
    for key in ["reason", "Reason", "statusDetail"] {
        assert!(records.iter().any(|record| !text(record, key).is_empty()), "{key}");
    }
}

#[test]
fn session_ids_carry_the_start_and_are_unique() {
    let generator = generator(500);
    let range = generator.range();
    assert_eq!((range.start, range.end), (day(0), day(7)));
    let rows: Vec<_> = generator.rows_between(stream(&generator), range.start, range.end).collect();
    assert_eq!(rows.len(), generator.rows());
    let mut seen = HashSet::new();
    for row in rows {
        let id = generator.session_id(row);
        assert_eq!(id.len(), 24);
        assert_eq!(i64::from_str_radix(&id[..8], 16).unwrap(), row.start().as_second());
        assert!(id.bytes().all(|byte| byte.is_ascii_hexdigit()) && seen.insert(id));
        assert!(generator.conversation_id(row).is_none_or(|id| seen.insert(id)));
    }
}

#[test]
fn a_side_session_names_a_conversation_at_the_end_of_its_address() {
    let generator = generator(300);
    let rows = generator.rows_between(stream(&generator), day(0), day(7));
    let known: HashSet<_> = rows.filter_map(|row| generator.conversation_id(row)).collect();
    let records = week(&generator, &View::whole(Api::V2));
    let addresses = records.iter().map(|record| text(record, "channelSpecificUserId"));
    let named: Vec<_> = addresses.filter_map(|address| address.split_once("/agentassist/")).collect();
    assert!(named.len() > 50);
    assert!(named.iter().filter(|(_, id)| known.contains(*id)).count() * 10 > named.len() * 9);
}

#[test]
fn ten_thousand_records_are_valid_json_of_two_to_three_kilobytes() {
    let generator = Generator::new(GeneratorSettings { days: 7, ..data(1_430) }).unwrap();
    let (mut count, mut bytes) = (0, 0);
    for text in generator.truth(stream(&generator), day(0), day(7), &View::whole(Api::V2)) {
        let record: Value = serde_json::from_str(&text).unwrap();
        assert!(record["sessionId"].is_string());
        count += 1;
        bytes += text.len();
    }
    assert!(count > 9_500, "{count}");
    assert!((2_000..3_000).contains(&(bytes / count)), "{}", bytes / count);
}

fn seconds(agent: &Value, key: &str) -> i64 {
    let time: jiff::civil::DateTime = text(agent, key).parse().unwrap();
    time.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp().as_second()
}

fn number(agent: &Value, key: &str) -> Option<i64> {
    agent[key].as_i64().or_else(|| agent[key].as_str()?.parse().ok())
}

#[test]
fn durations_agree_with_the_times_they_stand_for() {
    for record in week(&generator(300), &View::whole(Api::V2)) {
        let start = seconds(&record, "sessionStartTime");
        for agent in answered(&record) {
            let accepted = seconds(agent, "acceptedTime");
            assert!(accepted >= start);
            let Some(length) = number(agent, "interactionDuration") else { continue };
            assert_eq!(seconds(agent, "interactionEndTime") - accepted, length);
            assert!((0..=length).contains(&number(agent, "holdDuration").unwrap_or(0)));
            if let Some(wrap_up) = number(agent, "afterCallWorkDuration") {
                assert_eq!(seconds(agent, "afterCallWorkEndTime"), accepted + length + wrap_up);
            }
        }
    }
}

/// The members in which two forms of a record differ, as paths.
fn differing(path: &str, one: &Value, two: &Value, out: &mut HashSet<String>) {
    match (one, two) {
        (Value::Object(one), Value::Object(two)) => {
            for key in one.keys().chain(two.keys()).collect::<HashSet<_>>() {
                let (one, two) = (one.get(key).unwrap_or(&Value::Null), two.get(key).unwrap_or(&Value::Null));
                differing(&format!("{path}.{key}"), one, two, out);
            }
        }
        (Value::Array(one), Value::Array(two)) if one.len() == two.len() => {
            one.iter().zip(two).for_each(|(one, two)| differing(path, one, two, out));
        }
        _ if one == two => {}
        _ => {
            out.insert(path.to_owned());
        }
    }
}

#[test]
fn naive_times_follow_the_zone_and_absolute_ones_do_not() {
    let generator = generator(300);
    let utc = week(&generator, &View::whole(Api::V2));
    for offset in [-330, 300] {
        let local = week(&generator, &View { time_zone_offset: offset, ..View::whole(Api::V2) });
        let mut paths = HashSet::new();
        for (utc, local) in utc.iter().zip(&local) {
            assert_eq!(seconds(utc, "sessionStartTime"), seconds(local, "sessionStartTime") + i64::from(offset) * 60);
            differing("", utc, local, &mut paths);
        }
        assert!(
            paths.contains(".destinations.EnterTime") && paths.contains(".destinations.respondingAgent.acceptedTime")
        );
        for path in paths {
            let name = path.rsplit('.').next().unwrap();
            assert!(name.ends_with("Time") || name.ends_with("At") || name == "end", "{path}");
            assert!(
                !["CallbackOptedTime", "userCallbackAcceptTime", "CallbackInitiatedTime"].contains(&name),
                "{path}"
            );
        }
    }
}

#[test]
fn bot_only_rows_without_a_status_have_their_end_shifted_twice() {
    let generator = generator(300);
    let utc = week(&generator, &View::whole(Api::V2));
    let india = week(&generator, &View { time_zone_offset: -330, ..View::whole(Api::V2) });
    let mut shifted_twice = 0;
    for (utc, india) in utc.iter().zip(&india).filter(|(utc, _)| utc["sessionEndTime"].is_string()) {
        let shift = seconds(india, "sessionEndTime") - seconds(utc, "sessionEndTime");
        let fault = utc.get("conversationId").is_none() && utc.get("finalStatus").is_none();
        assert_eq!(shift, if fault { 2 * 330 * 60 } else { 330 * 60 });
        shifted_twice += i32::from(fault);
    }
    assert!(shifted_twice > 50);
}

#[test]
fn selectable_fields_are_absent_unless_asked_for() {
    let generator = generator(100);
    for asked in Field::ALL {
        for record in week(&generator, &View { fields: vec![asked], ..View::whole(Api::V2) }) {
            for field in Field::ALL {
                let present = record.get(field.as_str()).is_some();
                let rare = field == Field::CampaignInfo;
                assert!(present == (field == asked) || (rare && !present), "{field:?} {record}");
            }
        }
    }
}

#[test]
fn v1_is_v2_without_its_fields_and_with_the_direction_in_customerinfo() {
    const ONLY_V2: [&str; 10] = [
        "isVoicemail",
        "Direction",
        "smartStatus",
        "reason",
        "Reason",
        "statusDetail",
        "errorDetails",
        "campaigninfo",
        "ConsultingAgents",
        "JoinedUsers",
    ];
    let generator = generator(200);
    let (v1, v2) = (week(&generator, &View::whole(Api::V1)), week(&generator, &View::whole(Api::V2)));
    let mut paths = HashSet::new();
    for (v1, v2) in v1.iter().zip(&v2) {
        assert!(v1["customerinfo"]["Direction"].is_string() && v1.get("Direction").is_none());
        differing("", v1, v2, &mut paths);
    }
    for path in paths {
        let name = path.rsplit('.').next().unwrap();
        assert!(ONLY_V2.contains(&name), "{path}");
    }
}

#[test]
fn an_index_of_a_million_rows_is_built_and_searched() {
    let million = GeneratorSettings { days: 200, ..data(5_000) };
    let generator = Generator::new(million).unwrap();
    assert!((950_000..1_050_000).contains(&generator.rows()), "{}", generator.rows());
    assert!(generator.rows_between(stream(&generator), day(150), day(157)).count() > 30_000);
}

#[test]
fn streams_share_the_rows_without_overlap() {
    let streams = vec!["st-1".to_owned(), "st-2".to_owned()];
    let generator = Generator::new(GeneratorSettings { stream_ids: streams, ..data(200) }).unwrap();
    let count = |stream: &str| generator.rows_between(stream, day(0), day(7)).count();
    assert!(count("st-1") > 400 && count("st-2") > 400);
    assert_eq!(count("st-1") + count("st-2"), generator.rows());
    assert_eq!(count("st-3"), 0);
    let record = generator.truth("st-2", day(0), day(7), &View::whole(Api::V2)).next().unwrap();
    assert!(record.contains(r#""botId":"st-2""#));
}

#[test]
fn settings_that_cannot_be_met_are_refused() {
    for start in [Date::constant(2014, 12, 31), Date::constant(2099, 12, 30)] {
        let error = Generator::new(GeneratorSettings { start, ..data(1) }).unwrap_err();
        assert!(matches!(error, SimulatorError::Days { days: 7, .. }));
    }
    let error = Generator::new(GeneratorSettings { days: 3_000, ..data(1_000_000) }).unwrap_err();
    assert_eq!(error.to_string(), "expected at most 2,000,000,000 rows, found 3000 days of 1000000");
    assert!(matches!(
        Generator::new(GeneratorSettings { stream_ids: Vec::new(), ..data(1) }),
        Err(SimulatorError::NoStream)
    ));
}
