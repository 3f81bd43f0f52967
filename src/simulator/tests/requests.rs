use std::collections::HashSet;

use axum::body::Bytes;
use axum::http::{Request, header::RETRY_AFTER};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use super::{Call, data, day, id, now, simulator, stream, token};
use crate::simulator::{Api, Behaviour, Simulator, SimulatorSettings, View};

#[test]
fn pages_partition_the_window_and_equal_the_truth() {
    let simulator = simulator(150);
    let rows = Call::v2(&simulator).rows(&simulator);
    let generator = simulator.generator();
    let fields = Vec::new();
    let view = View { fields, ..View::whole(Api::V2) };
    let truth: Vec<Value> = generator
        .truth(stream(generator), day(0), day(7), &view)
        .map(|text| serde_json::from_str(&text).unwrap())
        .collect();
    let known: HashSet<_> = rows.iter().map(id).collect();
    assert_eq!((rows.len(), known.len()), (truth.len(), truth.len()));
    for record in truth {
        assert!(rows.contains(&record), "{record}");
    }
}

#[test]
fn bot_only_rows_come_first_ascending_then_conversations_descending() {
    let simulator = simulator(100);
    let rows = Call::v2(&simulator).rows(&simulator);
    let sessions = rows.iter().take_while(|row| row.get("conversationId").is_none()).count();
    let starts: Vec<&str> = rows.iter().map(|row| row["sessionStartTime"].as_str().unwrap()).collect();
    assert!(sessions > 100 && rows[sessions..].iter().all(|row| row.get("conversationId").is_some()));
    assert!(starts[..sessions].is_sorted() && starts[sessions..].iter().rev().is_sorted());
}

#[test]
fn a_page_past_the_end_is_empty_and_the_total_stays() {
    let simulator = simulator(50);
    let (rows, total) = Call::v2(&simulator).query("limit=37&offset=1").page(&simulator);
    assert_eq!((rows.len(), total), (37, simulator.generator().rows() as u64));
    assert_eq!(Call::v2(&simulator).query("offset=10").page(&simulator), (Vec::new(), total));
    assert_eq!(Call::v2(&simulator).query("limit=5000").page(&simulator).0.len(), 100);
}

#[test]
fn the_last_second_belongs_to_the_window_or_not() {
    let settings = SimulatorSettings { data: data(50), ..SimulatorSettings::default() };
    let included = Simulator::new(settings.clone()).unwrap();
    let behaviour = Behaviour { last_second_included: false, ..Behaviour::default() };
    let excluded = Simulator::new(SimulatorSettings { behaviour, ..settings }).unwrap();
    let generator = included.generator();
    let row = generator.rows_between(stream(generator), day(2), day(3)).next().unwrap();
    let second = row.start().strftime("%Y-%m-%d %H:%M:%S").to_string();
    let call = Call::v2(&included).with("startDate", json!(second)).with("endDate", json!(second));
    assert_eq!(call.page(&included).1, 1);
    assert_eq!(call.page(&excluded).1, 0);
}

#[test]
fn a_window_is_read_in_the_zone_asked_for() {
    let simulator = simulator(100);
    let call = Call::v2(&simulator)
        .with("startDate", json!("2026-03-04"))
        .with("endDate", json!("2026-03-04"))
        .with("timeZoneOffset", json!(-330));
    let generator = simulator.generator();
    let from = "2026-03-03T18:30:00Z".parse().unwrap();
    let to = "2026-03-04T18:30:00Z".parse().unwrap();
    assert_eq!(call.page(&simulator).1, generator.rows_between(stream(generator), from, to).count() as u64);
    for row in call.rows(&simulator) {
        assert!(row["sessionStartTime"].as_str().unwrap().starts_with("2026-03-04T"));
    }
}

#[test]
fn both_versions_answer_under_all_their_paths() {
    let simulator = simulator(30);
    let total = simulator.generator().rows() as u64;
    for path in ["calldetails", "v2/interactionDetails", "v2/interactiondetails", "v2/calldetails"] {
        let (rows, found) = Call::to(&simulator, path).page(&simulator);
        assert_eq!(found, total);
        assert_eq!(rows[0].get("smartStatus").is_some(), path.starts_with("v2"));
    }
    assert_eq!(Call::to(&simulator, "v3/calldetails").refusal(&simulator).0, 404);
}

#[test]
fn filters_keep_what_they_name() {
    let simulator = simulator(100);
    let all = Call::v2(&simulator).rows(&simulator);
    let filtered = |key: &str, value: Value| Call::v2(&simulator).with(key, value).rows(&simulator);
    let count = |holds: &dyn Fn(&Value) -> bool| all.iter().filter(|row| holds(row)).count();

    let bot_only = |row: &Value| row.get("conversationId").is_none();
    assert_eq!(filtered("isAutomation", json!(true)).len(), count(&bot_only));
    assert_eq!(filtered("isAutomation", json!(false)).len(), all.len() - count(&bot_only));

    let outbound = |row: &Value| row["Direction"] == "Outbound";
    assert_eq!(filtered("direction", json!("Outbound")).len(), count(&outbound));
    assert_eq!(filtered("direction", json!("Inbound")).len(), all.len() - count(&outbound));
    assert_eq!(filtered("direction", json!("Both")).len(), all.len());

    let voice = |row: &Value| row["channel"].as_str().unwrap().trim().eq_ignore_ascii_case("voice");
    let system_mail = |row: &Value| ["System Mail", "email"].contains(&row["channel"].as_str().unwrap());
    assert_eq!(filtered("channels", json!(["voice"])).len(), count(&voice));
    assert_eq!(filtered("channels", json!(["VOICE", "email"])).len(), count(&voice) + count(&system_mail));

    let queue = &all.iter().find_map(|row| row["destinations"][0]["queueId"].as_str()).unwrap();
    let met = |row: &Value| {
        row["destinations"].as_array().is_some_and(|list| list.iter().any(|entry| entry["queueId"] == **queue))
    };
    assert_eq!(filtered("queues", json!([queue])).len(), count(&met));

    let bot = &all.iter().find_map(|row| row["automationBotIDs"][0].as_str()).unwrap();
    assert_eq!(filtered("bots", json!([bot])).len(), count(&|row| row["automationBotIDs"][0] == **bot));
    assert_eq!(filtered("bots", json!([stream(simulator.generator())])).len(), all.len());
    assert_eq!(filtered("queues", json!([])).len(), all.len());
}

#[test]
fn bodies_that_cannot_be_read_are_refused_by_name() {
    let simulator = simulator(5);
    let week = "The date range cannot be more than 7 days";
    let cases: &[(&str, Value, &str)] = &[
        ("startDate", Value::Null, "startDate is required"),
        ("endDate", Value::Null, "endDate is required"),
        ("startDate", json!("2026-03-02T00:00:00"), "startDate must have the format yyyy-mm-dd HH:MM:SS"),
        ("startDate", json!("2026-02-30"), "startDate must have the format yyyy-mm-dd HH:MM:SS"),
        ("endDate", json!(20_260_302), "endDate must have the format yyyy-mm-dd HH:MM:SS"),
        ("endDate", json!("2026-03-02 9:00:00"), "endDate must have the format yyyy-mm-dd HH:MM:SS"),
        ("endDate", json!("2026-03-01 23:59:59"), "endDate must not be before startDate"),
        ("endDate", json!("2026-03-09 00:00:01"), week),
        ("endDate", json!("2026-03-09"), week),
        ("timeZoneOffset", Value::Null, "timeZoneOffset is required"),
        ("timeZoneOffset", json!("0"), "timeZoneOffset must be a number"),
        ("timeZoneOffset", json!(841), "timeZoneOffset must be between -840 and 840"),
        ("selectedFields", json!([["skills"]]), "selectedFields must be an array of strings"),
        ("selectedFields", json!(["moods"]), "selectedFields does not allow \"moods\""),
        ("channels", json!("rtm"), "channels must be an array of strings"),
        ("queues", json!([1]), "queues must be an array of strings"),
        ("bots", json!({}), "bots must be an array of strings"),
        ("direction", json!("inbound"), "direction must be one of Inbound, Outbound, Both"),
        ("isAutomation", json!("false"), "isAutomation must be a boolean"),
    ];
    for (key, value, message) in cases {
        let refusal = Call::v2(&simulator).with(key, value.clone()).refusal(&simulator);
        assert_eq!(refusal, (400, 400, (*message).to_owned()), "{key} {value}");
    }
    let exact = Call::v2(&simulator).with("endDate", json!("2026-03-09 00:00:00"));
    assert_eq!(exact.send(&simulator).0, 200);
    let v1 = Call::to(&simulator, "calldetails").with("bots", json!([]));
    assert_eq!(v1.refusal(&simulator).2, "bots is not allowed");
    let list = Call { body: json!([]), ..Call::v2(&simulator) };
    assert_eq!(list.refusal(&simulator).2, "the body must be a JSON object");
}

#[test]
fn queries_that_cannot_be_met_are_refused() {
    let simulator = simulator(5);
    let refusal = |query| Call::v2(&simulator).query(query).refusal(&simulator);
    assert_eq!(refusal("offset=11"), (400, 400, "offset must not exceed 10".to_owned()));
    assert_eq!(refusal("limit=0"), (400, 400, "limit must be between 1 and 100".to_owned()));
    assert_eq!(refusal("limit=ten"), (400, 400, "limit must be a whole number".to_owned()));
}

#[test]
fn a_login_that_is_wrong_in_any_part_is_refused() {
    let simulator = simulator(5);
    let settings = simulator.settings();
    let claims = json!({"sub": "test", "appId": settings.client_id});
    let with = |key: &str, value: Value| {
        let mut claims = claims.clone();
        claims[key] = value;
        token(&claims, &settings.client_secret, Algorithm::HS256)
    };
    let cases = [
        ("Invalid JWT token", "no token".to_owned()),
        ("Invalid JWT token", format!("Bearer {}", settings.token())),
        ("Invalid JWT token", token(&claims, "another secret", Algorithm::HS256)),
        ("Invalid JWT token", token(&claims, &settings.client_secret, Algorithm::HS384)),
        ("Invalid JWT token", with("exp", json!(now() - 120))),
        ("Invalid JWT token", with("iat", json!(now() + 3_600))),
        ("Invalid SDK credentials", with("appId", json!("cs-other"))),
        ("Invalid SDK credentials", with("appId", Value::Null)),
    ];
    for (message, token) in cases {
        let refusal = Call::v2(&simulator).header("auth", &token).refusal(&simulator);
        assert_eq!(refusal, (401, 4002, message.to_owned()));
    }
    assert_eq!(Call::v2(&simulator).without_header("auth").refusal(&simulator).2, "Invalid JWT token");
    let strong = token(&claims, &settings.client_secret, Algorithm::HS512);
    assert_eq!(Call::v2(&simulator).header("auth", &strong).send(&simulator).0, 200);
    assert_eq!(Call::v2(&simulator).header("auth", &with("exp", json!(now() + 60))).send(&simulator).0, 200);
}

#[test]
fn account_stream_and_content_type_must_be_right() {
    let simulator = simulator(5);
    let refusal = |call: Call| call.refusal(&simulator);
    let v2 = || Call::v2(&simulator);
    assert_eq!(
        refusal(v2().header("iId", "st-other")),
        (401, 4002, "Permission denied. Scope is incorrect!".to_owned())
    );
    assert_eq!(refusal(v2().without_header("iId")), (400, 400, "iId header is required".to_owned()));
    assert_eq!(refusal(v2().without_header("accountId")), (400, 400, "accountId header is required".to_owned()));
    assert_eq!(
        refusal(v2().header("accountId", "x")),
        (400, 400, "accountId header does not match the path".to_owned())
    );
    assert_eq!(
        refusal(v2().header("content-type", "text/plain")),
        (400, 400, "content-type must be application/json".to_owned())
    );
    let other = Call { path: v2().path.replace(&simulator.settings().data.account_id, "x"), ..v2() };
    assert_eq!(
        refusal(other.header("accountId", "x")),
        (403, 4003, "Permission denied. Account is not accessible".to_owned())
    );
}

#[test]
fn a_token_with_a_jti_passes_once() {
    let settings = SimulatorSettings { data: data(5), require_jti: true, ..SimulatorSettings::default() };
    let simulator = Simulator::new(settings).unwrap();
    let settings = simulator.settings();
    let send = |jti: Value, life: u64| {
        let claims = json!({"appId": settings.client_id, "jti": jti, "exp": now() + life});
        let token = token(&claims, &settings.client_secret, Algorithm::HS256);
        Call::v2(&simulator).header("auth", &token).send(&simulator).0.as_u16()
    };
    assert_eq!(Call::v2(&simulator).refusal(&simulator), (401, 4002, "Invalid JWT token".to_owned()));
    assert_eq!((send(json!("a"), 600), send(json!("a"), 600), send(json!("b"), 600)), (200, 401, 200));
    assert_eq!((send(json!("c"), 7_200), send(Value::Null, 600)), (401, 401));
}

#[test]
fn a_request_above_the_rate_is_told_when_to_come_back() {
    let settings = SimulatorSettings { data: data(5), rate_per_minute: Some(2), ..SimulatorSettings::default() };
    let simulator = Simulator::new(settings).unwrap();
    let call = Call::v2(&simulator);
    assert_eq!((call.send(&simulator).0, call.send(&simulator).0), (200.try_into().unwrap(), 200.try_into().unwrap()));
    assert_eq!(call.refusal(&simulator), (429, 429, "Too many requests".to_owned()));
    let mut request = Request::post(&call.path);
    for (name, value) in &call.headers {
        request = request.header(*name, value);
    }
    let answer = simulator.answer(request.body(Bytes::new()).unwrap());
    let seconds: u64 = answer.headers()[RETRY_AFTER].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds));
    assert_eq!(simulator.requests(), 4);
}

#[test]
fn secrets_stay_out_of_debug_output() {
    let simulator = simulator(1);
    assert!(!format!("{simulator:?}").contains(&simulator.settings().client_secret));
}
