//! Reports on what became of contacts on their way, against numbers counted by hand.

use serde_json::{Value, json};

use super::lake::{Lake, answered, bot_session, conversation, entry, leg, segment, with};

#[expect(clippy::needless_pass_by_value, reason = "it is handed a fresh value everywhere")]
fn routed(id: &str, destinations: Value) -> Value {
    with(conversation(id), json!({"destinations": destinations}))
}

fn open(row: Value) -> Value {
    with(row, json!({"final_status": "ACTIVE"}))
}

fn abandoned(row: Value, end: &str) -> Value {
    with(row, json!({"final_status": "USER ABANDONED", "session_end_time": end}))
}

/// Abandons after 3 and 60 seconds and at an unknown time, two answers, and one of each other outcome; one contact that
/// left before any queue, one still open, one in a queue without a name.
fn queued() -> Lake {
    let nameless = json!({"destination_type": "QueueEntry", "queue_id": "q9", "enter_time": "2026-03-02T08:01:00Z"});
    Lake::of([
        abandoned(routed("01", json!([entry()])), "2026-03-02T08:01:03Z"),
        abandoned(routed("02", json!([entry()])), "2026-03-02T08:02:00Z"),
        abandoned(routed("03", json!([with(entry(), json!({"enter_time": null}))])), "2026-03-02T08:02:00Z"),
        routed("04", json!([answered(5)])),
        routed("05", json!([entry(), segment("a2", 15)])),
        routed("06", json!([with(entry(), json!({"callback_opted": true}))])),
        routed("07", json!([entry(), nameless])),
        with(routed("08", json!([entry()])), json!({"is_voicemail": true})),
        abandoned(conversation("09"), "2026-03-02T08:02:00Z"),
        open(routed("10", json!([entry()]))),
        abandoned(
            with(bot_session("11"), json!({"channel": "agentassist", "destinations": [entry()]})),
            "2026-03-02T08:02:00Z",
        ),
    ])
}

#[tokio::test]
async fn abandonment_counts_every_outcome_beside_the_share() {
    let columns = [
        "queue_id",
        "abandoned",
        "counted",
        "abandonment",
        "offered",
        "answered",
        "answered_after_reassignment",
        "callback",
        "moved_on",
        "voicemail",
        "unserved",
        "timed",
        "abandon_seconds",
        "mean_abandon_seconds",
        "open",
        "abandoned_before_queue",
    ];
    assert_eq!(
        queued().report("abandonment", &[], &columns).await,
        [
            "- 0 0 - 0 0 0 0 0 0 0 0 - - 0 1",
            "q9 0 0 - 1 0 0 0 0 0 1 0 - - 0 0",
            "q1 3 5 0.6 8 1 1 1 1 1 0 2 63.0 31.5 1 0",
        ]
    );
}

#[tokio::test]
async fn abandonment_has_its_variants() {
    let lake = queued();
    let asked = async |more: &[(&str, &str)]| {
        let params: Vec<_> = more.iter().copied().chain([("queue", "Sales")]).collect();
        lake.report("abandonment", &params, &["abandoned", "counted", "abandonment", "short_abandoned"]).await.join(";")
    };
    assert_eq!(asked(&[]).await, "3 5 0.6 0");
    assert_eq!(asked(&[("short_abandon_seconds", "3")]).await, "3 5 0.6 0");
    assert_eq!(asked(&[("short_abandon_seconds", "4")]).await, "2 4 0.5 1");
    assert_eq!(asked(&[("denominator", "offered")]).await, "3 8 0.375 0");
    let both = [("denominator", "offered"), ("short_abandon_seconds", "61")];
    assert_eq!(asked(&both).await, "1 6 0.16666666666666666 2");
}

#[tokio::test]
async fn missed_offers_count_each_offer_and_each_contact() {
    let offer = |agent: &str, more: Value| with(json!({"agent_id": agent, "name": format!("Agent {agent}")}), more);
    let rejected = || offer("a1", json!({"status": "Rejected", "non_response_event": "Ignored"}));
    let to = |id: &str, offers: Value| routed(id, json!([with(entry(), json!({"non_responding_agents": offers}))]));
    let lake = Lake::of([
        to("1", json!([rejected(), rejected(), offer("a1", json!({"non_response_event": "Supervisor Reassigned"}))])),
        to("2", json!([rejected(), offer("a1", json!({"status": "Answered"})), offer("a2", json!({}))])),
        to(
            "3",
            json!([offer("a1", json!({"accepted_time": "2026-03-02T08:01:09Z", "non_response_event": "Ignored"}))]),
        ),
        open(to("4", json!([rejected()]))),
    ]);
    let columns = ["agent_id", "queue_name", "event", "missed", "contacts", "supervisor_reassigned", "open"];
    assert_eq!(
        lake.report("missed_offers", &[], &columns).await,
        ["a1 Sales Ignored 3 2 0 1", "a1 Sales Supervisor Reassigned 0 0 1 0", "a2 Sales - 1 1 0 0"]
    );
    assert_eq!(lake.report("missed_offers", &[("agent", "a2")], &columns).await, ["a2 Sales - 1 1 0 0"]);
    assert_eq!(lake.report("missed_offers", &[("queue", "q2")], &columns).await, [""; 0]);
}

#[tokio::test]
async fn a_transfer_takes_an_acceptance_before_it() {
    let consulting = |agent: &str| {
        json!({"responding_agent": with(leg(agent, 5), json!({"consulting_agents": [
            {"agent_id": "c1"}, {"agent_id": "c2"},
        ]}))})
    };
    let outward = json!({"external_transfer_destination": "+1555"});
    let lake = Lake::of([
        routed("1", json!([answered(5)])),
        routed("2", json!([answered(5), segment("a2", 30)])),
        routed("3", json!([answered(5), entry()])),
        // Reassigned before anyone accepted, and moved on before anyone did.
        routed("4", json!([entry(), segment("a2", 30)])),
        routed("5", json!([entry(), answered(5)])),
        routed("6", json!([with(entry(), consulting("a1"))])),
        routed("7", json!([with(answered(5), outward.clone())])),
        routed("8", json!([with(entry(), with(outward, json!({"external_transfer_time": "2026-03-02T08:02:00Z"})))])),
        routed("9", json!([segment("a3", 5), entry()])),
        open(routed("10", json!([answered(5), entry()]))),
        routed("11", json!([entry()])),
    ]);
    let columns = [
        "queue_id",
        "handled",
        "transferred",
        "transfer_share",
        "consulted",
        "consultations",
        "external",
        "external_transfers",
        "external_not_handled",
        "open",
    ];
    assert_eq!(lake.report("transfers", &[], &columns).await, ["q1 8 3 0.375 1 2 1 1 1 1"]);
    assert_eq!(lake.report("transfers", &[("agent", "a3")], &columns).await, ["q1 1 1 1.0 0 0 0 0 0 0"]);
    let none = Lake::of([open(routed("1", json!([answered(5)])))]);
    assert_eq!(none.report("transfers", &[], &columns[..4]).await, ["q1 0 0 -"]);
}

#[tokio::test]
async fn callbacks_tell_who_opted_and_how_long_it_took_to_take_the_call() {
    let opted = |more: Value| {
        with(with(entry(), json!({"callback_opted": true, "callback_opted_time": "2026-03-02T08:02:00Z"})), more)
    };
    let taken =
        |seconds: u32| opted(json!({"user_callback_accept_time": format!("2026-03-02T08:02:{seconds:02}.500Z")}));
    let lake = Lake::of([
        routed("1", json!([taken(1)])),
        routed("2", json!([taken(2)])),
        routed("3", json!([with(taken(30), json!({"responding_agent": leg("a1", 90)}))])),
        routed("4", json!([with(taken(9), json!({"callback_opted_time": null}))])),
        routed("5", json!([opted(json!({"callback_initiated_time": "2026-03-02T08:03:00Z"}))])),
        open(routed("6", json!([taken(5)]))),
        routed("7", json!([with(taken(5), json!({"callback_opted": false}))])),
        open(routed("8", json!([with(taken(5), json!({"queue_id": "q2"}))]))),
    ]);
    let columns = [
        "queue_id",
        "opted",
        "accepted",
        "accepted_share",
        "initiated",
        "answered",
        "timed",
        "accept_seconds",
        "mean_accept_seconds",
        "p50_seconds",
        "p90_seconds",
        "max_seconds",
        "open",
    ];
    assert_eq!(
        lake.report("callbacks", &[], &columns).await,
        ["q1 5 4 0.8 1 1 3 34.5 11.5 2.5 30.5 30.5 1", "q2 0 0 - 0 0 0 - - - - - 1"]
    );
}
