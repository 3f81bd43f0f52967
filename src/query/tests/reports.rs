//! Each report against numbers counted by hand.

use serde_json::{Value, json};

use super::lake::{Lake, answered, bot_session, conversation, entry, leg, segment, with};
use crate::query::{Session, SessionSettings};

fn started(row: Value, time: &str) -> Value {
    with(row, json!({"session_start_time": time}))
}

#[expect(clippy::needless_pass_by_value, reason = "it is handed a fresh value everywhere")]
fn routed(id: &str, destinations: Value) -> Value {
    with(conversation(id), json!({"destinations": destinations}))
}

fn abandoned(id: &str, seconds: u32) -> Value {
    let end = format!("2026-03-02T08:{:02}:{:02}Z", 1 + seconds / 60, seconds % 60);
    with(routed(id, json!([entry()])), json!({"final_status": "USER ABANDONED", "session_end_time": end}))
}

fn open(row: Value) -> Value {
    with(row, json!({"final_status": "ACTIVE"}))
}

#[tokio::test]
async fn volume_counts_contacts_by_day_channel_and_direction() {
    let side = with(bot_session("side"), json!({"channel": "agentassist"}));
    let mut lake = Lake::of([
        conversation("1"),
        open(with(conversation("2"), json!({"direction": "Outbound"}))),
        with(bot_session("3"), json!({"direction": null})),
        with(conversation("4"), json!({"channel": "chat", "direction": "Both"})),
        started(conversation("5"), "2026-03-09T08:00:00Z"),
        side,
    ]);
    lake.day("other", "2026-03-03", [started(conversation("1"), "2026-03-03T08:00:00Z")]);
    let columns =
        ["interval_start", "channel", "contacts", "inbound", "outbound", "other_direction", "no_direction", "open"];
    assert_eq!(
        lake.report("volume", &[], &columns).await,
        [
            "2026-03-02T00:00:00 Voice 3 1 1 0 1 1",
            "2026-03-02T00:00:00 chat 1 0 0 1 0 0",
            "2026-03-03T00:00:00 Voice 1 1 0 0 0 0",
        ]
    );
    let columns = ["interval_start", "contacts"];
    assert_eq!(lake.report("volume", &[("channel", "chat")], &columns).await, ["2026-03-02T00:00:00 1"]);
    assert_eq!(lake.report("volume", &[("account", "other")], &columns).await, ["2026-03-03T00:00:00 1"]);
    assert_eq!(lake.report("volume", &[("account", "none")], &columns).await, [""; 0]);
    let columns = ["interval_start", "weekday", "hour", "channel", "contacts"];
    let weekly = lake.report("volume", &[("interval", "weekday_hour"), ("account", "acme")], &columns).await;
    assert_eq!(weekly, ["- 1 8 Voice 3", "- 1 8 chat 1"]);
}

#[tokio::test]
async fn the_doubled_hour_stays_two() {
    let mut lake = Lake::new();
    let times = ["2026-11-01T04:30:00Z", "2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z", "2026-11-01T06:50:00Z"];
    lake.day("acme", "2026-11-01", times.map(|time| started(conversation(time), time)));
    let params = [("interval", "60m"), ("time_zone", "America/New_York")];
    let columns = ["interval_start", "utc_offset_minutes", "contacts"];
    assert_eq!(
        lake.report("volume", &params, &columns).await,
        ["2026-11-01T00:00:00 -240 1", "2026-11-01T01:00:00 -240 1", "2026-11-01T01:00:00 -300 2",]
    );
    let day = [("time_zone", "America/New_York")];
    assert_eq!(lake.report("volume", &day, &columns).await, ["2026-11-01T00:00:00 - 4"]);
}

#[tokio::test]
async fn from_and_to_are_days_of_the_zone_and_half_open() {
    let mut lake = Lake::new();
    let days = [
        ("2026-03-01", ["2026-03-01T04:59:59Z", "2026-03-01T05:00:00Z"]),
        ("2026-03-02", ["2026-03-02T04:59:59Z", "2026-03-02T05:00:00Z"]),
    ];
    for (date, times) in days {
        lake.day("acme", date, times.map(|time| started(conversation(time), time)));
    }
    let params = [("from", "2026-03-01"), ("to", "2026-03-02"), ("time_zone", "America/New_York")];
    assert_eq!(lake.report("volume", &params, &["interval_start", "contacts"]).await, ["2026-03-01T00:00:00 2"]);
}

#[tokio::test]
async fn reports_open_the_days_asked_for_and_few_beside_them() {
    let mut lake = Lake::new();
    for day in 1..=15 {
        lake.day("acme", &format!("2026-03-{day:02}"), [conversation("1")]);
        lake.day("other", &format!("2026-03-{day:02}"), [conversation("1")]);
    }
    // A plan names the first five objects of each partition only.
    let settings = SessionSettings { parallelism: Some(4), ..SessionSettings::default() };
    let session = Session::open(lake.files(), settings).await.unwrap();
    for report in crate::query::reports() {
        // Days of the zone may begin a day earlier or later than those of the lake, by which the last two go.
        let days = match report.name {
            "changes" => 0..=0,
            "data_quality" => 4..=4,
            // Seven days more, to look for repeats.
            "repeat_contacts" => 3..=13,
            _ => 3..=6,
        };
        let given = [("from", "2026-03-04"), ("to", "2026-03-05"), ("account", "acme")];
        let given = given.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let explain: &'static str = Box::leak(format!("EXPLAIN {}", report.sql).into_boxed_str());
        let explained = crate::query::Report { sql: explain, ..report.clone() };
        let batches = session.report(&explained, &report.bind(&given).unwrap()).await.unwrap().collect().await.unwrap();
        let plan = arrow::util::pretty::pretty_format_batches(&batches).unwrap().to_string();
        for day in 1..=15 {
            let opened = plan.contains(&format!("account_id=acme/session_date=2026-03-{day:02}/"));
            assert_eq!(opened, days.contains(&day), "{} day {day}\n{plan}", report.name);
        }
        assert!(!plan.contains("account_id=other"), "{}", report.name);
    }
}

#[tokio::test]
async fn containment_has_four_parts_and_leaves_open_and_undirected_sessions_apart() {
    let status = |row, status: Value| with(row, json!({"final_status": status}));
    let undirected = |row| with(row, json!({"direction": null}));
    let lake = Lake::of([
        bot_session("1"),
        bot_session("2"),
        status(bot_session("3"), json!("Dropped")),
        conversation("4"),
        status(bot_session("5"), json!(null)),
        open(bot_session("6")),
        with(conversation("7"), json!({"direction": "Outbound"})),
        undirected(bot_session("8")),
        undirected(conversation("9")),
        with(bot_session("10"), json!({"channel": "agentassist"})),
    ]);
    let parts = ["sessions", "completed", "dropped_off", "handed_over", "unknown", "completed_share", "open"];
    assert_eq!(lake.report("containment", &[], &parts).await, ["5 2 1 1 1 0.4 1"]);
    let apart = [
        "no_direction",
        "no_direction_completed",
        "no_direction_dropped_off",
        "no_direction_handed_over",
        "no_direction_unknown",
    ];
    assert_eq!(lake.report("containment", &[], &apart).await, ["2 1 0 1 0"]);
}

#[tokio::test]
async fn a_zero_denominator_gives_null() {
    let lake = Lake::of([open(routed("1", json!([entry()]))), open(bot_session("2"))]);
    let shares = ["sessions", "completed_share", "dropped_off_share", "handed_over_share", "unknown_share", "open"];
    assert_eq!(lake.report("containment", &[], &shares).await, ["0 - - - - 2"]);
    assert_eq!(lake.report("service_level", &[], &["met", "counted", "service_level", "open"]).await, ["0 0 - 1"]);
    assert_eq!(
        lake.report("queue_wait", &[], &["answered", "wait_seconds", "asa_seconds", "p50_seconds", "open"]).await,
        ["0 - - - 1"]
    );
}

/// Waits 5 and 30, a reassignment after 15; abandons after 3, 10 and 60; one callback answered after 8, one not; one of
/// every other outcome, and an answered entry of an open conversation.
fn service() -> Lake {
    let callback = |more: Value| with(with(entry(), json!({"callback_opted": true})), more);
    Lake::of([
        routed("01", json!([answered(5)])),
        routed("02", json!([answered(30)])),
        routed("03", json!([entry(), segment("a2", 15)])),
        abandoned("04", 3),
        abandoned("05", 10),
        abandoned("06", 60),
        routed("07", json!([callback(json!({"responding_agent": leg("a1", 8)}))])),
        routed("08", json!([callback(json!({}))])),
        routed("09", json!([entry(), with(answered(1), json!({"queue_id": "q2", "queue_name": "Care"}))])),
        with(routed("10", json!([entry()])), json!({"is_voicemail": true})),
        routed("11", json!([entry()])),
        open(routed("12", json!([answered(5)]))),
        with(bot_session("13"), json!({"channel": "agentassist", "destinations": [answered(5)]})),
    ])
}

async fn level(lake: &Lake, params: &[(&str, &str)]) -> String {
    let params: Vec<_> = params.iter().copied().chain([("queue", "Sales")]).collect();
    lake.report("service_level", &params, &["met", "counted", "service_level"]).await.join(";")
}

#[tokio::test]
async fn service_level_counts_every_outcome_beside_the_ratio() {
    let columns = [
        "queue_name",
        "offered",
        "answered",
        "answered_after_reassignment",
        "abandoned",
        "callback",
        "moved_on",
        "voicemail",
        "unserved",
        "open",
        "answered_within_threshold",
        "abandoned_within_threshold",
    ];
    assert_eq!(
        service().report("service_level", &[], &columns).await,
        ["Care 1 1 0 0 0 0 0 0 0 1 0", "Sales 12 2 1 3 2 1 1 1 1 2 2"]
    );
}

#[tokio::test]
async fn service_level_has_its_variants() {
    let lake = service();
    assert_eq!(level(&lake, &[]).await, "2 6 0.3333333333333333");
    assert_eq!(level(&lake, &[("threshold_seconds", "30")]).await, "3 6 0.5");
    assert_eq!(level(&lake, &[("short_abandon_seconds", "5")]).await, "2 5 0.4");
    assert_eq!(level(&lake, &[("abandons", "exclude")]).await, "2 3 0.6666666666666666");
    assert_eq!(level(&lake, &[("abandons", "met_within_threshold")]).await, "4 6 0.6666666666666666");
    assert_eq!(level(&lake, &[("abandons", "met_within_threshold"), ("short_abandon_seconds", "5")]).await, "3 5 0.6");
    assert_eq!(level(&lake, &[("callbacks", "include")]).await, "3 8 0.375");
    assert_eq!(lake.report("service_level", &[("queue", "q2")], &["queue_id", "met", "counted"]).await, ["q2 1 1"]);
}

#[tokio::test]
async fn service_level_goes_by_enter_time_and_keeps_entries_after_the_range() {
    let after = with(answered(5), json!({"enter_time": "2026-03-03T00:10:00Z"}));
    let unknown = with(answered(5), json!({"enter_time": null}));
    let lake = Lake::of([routed("1", json!([after])), routed("2", json!([unknown]))]);
    let params = [("from", "2026-03-02"), ("to", "2026-03-03"), ("interval", "30m")];
    let columns = ["interval_start", "utc_offset_minutes", "answered", "counted", "no_enter_time"];
    assert_eq!(
        lake.report("service_level", &params, &columns).await,
        ["2026-03-02T08:00:00 0 1 1 1", "2026-03-03T00:00:00 0 1 1 0"]
    );
}

#[tokio::test]
async fn queue_wait_takes_nearest_ranks() {
    let lake = Lake::of((1..=20).map(|at| routed(&format!("{at:02}"), json!([answered(at)]))));
    let columns =
        ["answered", "wait_seconds", "asa_seconds", "p50_seconds", "p90_seconds", "p95_seconds", "max_seconds"];
    assert_eq!(lake.report("queue_wait", &[], &columns).await, ["20 210.0 10.5 10.0 18.0 19.0 20.0"]);
}

#[tokio::test]
async fn queue_wait_keeps_callbacks_apart_unless_asked() {
    let columns =
        ["answered", "wait_seconds", "p50_seconds", "callbacks", "callbacks_answered", "callback_wait_seconds", "open"];
    let sales = [("queue", "q1")];
    assert_eq!(service().report("queue_wait", &sales, &columns).await, ["3 50.0 15.0 2 1 8.0 1"]);
    let with_callbacks = [("queue", "q1"), ("callbacks", "include")];
    assert_eq!(service().report("queue_wait", &with_callbacks, &columns).await, ["4 58.0 8.0 2 1 8.0 1"]);
}

fn performance() -> Lake {
    let timed = |agent: &str, interaction: u32, hold: u32, after: u32| {
        let times =
            json!({"interaction_duration": interaction, "hold_duration": hold, "after_call_work_duration": after});
        with(entry(), json!({"responding_agent": with(leg(agent, 5), times)}))
    };
    let unended = with(leg("a1", 5), json!({"interaction_end_time": null, "interaction_duration": 999}));
    let unaccepted = json!({"agent_id": "a1", "name": "Agent a1", "assigned_at": "2026-03-02T08:01:00Z"});
    let offers = json!([
        {"agent_id": "a1", "name": "Agent a1", "status": "Ignored"},
        {"agent_id": "a1", "name": "Agent a1", "status": "Ignored"},
        {"agent_id": "a1", "name": "Agent a1", "status": "Ignored", "non_response_event": "Supervisor Reassigned"},
        {"agent_id": "a1", "name": "Agent a1", "status": "Answered"},
    ]);
    Lake::of([
        routed("1", json!([timed("a1", 34, 15, 10)])),
        with(routed("2", json!([timed("a1", 66, 0, 0)])), json!({"channel": "chat"})),
        routed("3", json!([segment("a1", 60)])),
        routed("4", json!([with(entry(), json!({"responding_agent": unended}))])),
        routed("5", json!([with(entry(), json!({"responding_agent": unaccepted, "non_responding_agents": offers}))])),
        open(routed("6", json!([timed("a1", 1000, 0, 0)]))),
        routed("7", json!([with(timed("a2", 0, 0, 4), json!({"queue_id": "q2"}))])),
    ])
}

#[tokio::test]
async fn agent_performance_counts_offers_and_handle_time() {
    let lake = performance();
    let columns = [
        "agent_id",
        "channel",
        "offered",
        "answered",
        "not_accepted",
        "missed",
        "supervisor_reassigned",
        "handled",
        "open",
    ];
    assert_eq!(
        lake.report("agent_performance", &[], &columns).await,
        ["a1 Voice 7 3 1 2 1 2 1", "a1 chat 1 1 0 0 0 1 0", "a2 Voice 1 1 0 0 0 1 0"]
    );
    let times =
        ["handle_seconds", "aht_seconds", "interaction_seconds", "talk_seconds", "hold_seconds", "after_call_seconds"];
    // Leg 3 has no duration: 08:02:00 to 08:09:00.
    assert_eq!(
        lake.report("agent_performance", &[], &times).await,
        ["464.0 232.0 454.0 439.0 15.0 10.0", "66.0 66.0 66.0 66.0 0.0 0.0", "4.0 4.0 0.0 0.0 0.0 4.0"]
    );
}

#[tokio::test]
async fn agent_performance_has_its_variants() {
    let lake = performance();
    let columns = ["agent_id", "channel", "handle_seconds", "aht_seconds"];
    let exclude = [("after_call_work", "exclude"), ("channel", "Voice")];
    assert_eq!(
        lake.report("agent_performance", &exclude, &columns).await,
        ["a1 Voice 454.0 227.0", "a2 Voice 0.0 0.0"]
    );
    assert_eq!(lake.report("agent_performance", &[("agent", "a2")], &columns).await, ["a2 Voice 4.0 4.0"]);
    assert_eq!(lake.report("agent_performance", &[("queue", "q2")], &columns).await, ["a2 Voice 4.0 4.0"]);
}

#[tokio::test]
async fn reports_over_an_empty_lake_have_no_rows() {
    for report in crate::query::reports() {
        assert_eq!(Lake::new().report(report.name, &[], &[]).await, [""; 0], "{}", report.name);
    }
}
