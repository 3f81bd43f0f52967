//! The words of the KPI definitions.

use serde_json::{Value, json};

use super::lake::{Lake, answered, bot_session, conversation, entry, leg, segment, with};

#[expect(clippy::needless_pass_by_value, reason = "it is handed a fresh value everywhere")]
fn contact(id: &str, destinations: Value, more: Value) -> Value {
    with(with(conversation(id), json!({"destinations": destinations})), more)
}

#[tokio::test]
async fn outcome_of_a_queue_entry_is_the_first_that_holds() {
    let abandoned = || json!({"final_status": "USER ABANDONED"});
    let unanswered_leg = with(entry(), json!({"responding_agent": {"agent_id": "a1", "status": "Answered"}}));
    let callback = |more: Value| with(with(entry(), json!({"callback_opted": true})), more);
    let cases: Vec<(&str, Value, &str)> = vec![
        (
            "callback-even-if-answered",
            contact("01", json!([callback(json!({"responding_agent": leg("a1", 9)}))]), json!({})),
            "callback",
        ),
        ("callback-not-answered", contact("02", json!([callback(json!({}))]), abandoned()), "callback"),
        ("answered", contact("03", json!([answered(5)]), json!({})), "answered"),
        ("F22-abandoned-with-agent", contact("04", json!([answered(5)]), abandoned()), "answered"),
        ("F22-status-says-answered", contact("05", json!([unanswered_leg]), json!({})), "unserved"),
        ("F22-closed-without-answer", contact("06", json!([entry()]), json!({})), "unserved"),
        ("reassigned", contact("07", json!([entry(), segment("a2", 30)]), abandoned()), "answered after reassignment"),
        ("moved-on", contact("08", json!([entry(), answered(9)]), json!({})), "moved on,answered"),
        (
            "reassigned-then-next",
            contact("09", json!([entry(), segment("a2", 30), entry()]), abandoned()),
            "answered after reassignment,abandoned",
        ),
        (
            "segment-of-the-next-entry",
            contact("10", json!([entry(), entry(), segment("a2", 30)]), json!({})),
            "moved on,answered after reassignment",
        ),
        ("open", contact("11", json!([entry()]), json!({"final_status": "active"})), "open"),
        (
            "open-status-with-end",
            contact("12", json!([entry()]), json!({"final_status": "Transient_Open", "is_voicemail": true})),
            "open",
        ),
        (
            "voicemail",
            contact("13", json!([entry()]), json!({"final_status": "USER ABANDONED", "is_voicemail": true})),
            "voicemail",
        ),
        ("abandoned", contact("14", json!([entry()]), abandoned()), "abandoned"),
        (
            "no-type-is-an-entry",
            contact("15", json!([with(entry(), json!({"destination_type": null}))]), abandoned()),
            "abandoned",
        ),
        ("direct-leg-is-no-entry", contact("16", json!([segment("a1", 9)]), json!({})), ""),
        ("null-list", contact("17", json!(null), json!({})), ""),
        ("empty-list", contact("18", json!([]), json!({})), ""),
    ];
    let lake = Lake::of(cases.iter().map(|(_, row, _)| row.clone()));
    let answer = lake.ask("SELECT session_id, destination_position, outcome FROM queue_entries ORDER BY 1, 2").await;
    for (at, (name, _, expected)) in cases.iter().enumerate() {
        let prefix = format!("s-{:02},", at + 1);
        let found: Vec<_> = answer
            .lines()
            .filter(|line| line.starts_with(&prefix))
            .map(|line| line.rsplit(',').next().unwrap())
            .collect();
        assert_eq!(found.join(","), *expected, "{name}");
    }
}

#[tokio::test]
async fn wait_runs_to_the_acceptance_and_abandon_time_to_the_end_of_the_session() {
    let lake = Lake::of([
        contact("1", json!([answered(5)]), json!({})),
        contact("2", json!([entry(), segment("a2", 90), segment("a3", 30)]), json!({})),
        contact("3", json!([entry()]), json!({"final_status": "USER ABANDONED"})),
    ]);
    let answer = lake.ask("SELECT session_id, wait_seconds, abandon_seconds FROM queue_entries ORDER BY 1").await;
    insta::assert_snapshot!(answer, @r"
    session_id,wait_seconds,abandon_seconds
    s-1,5.0,
    s-2,30.0,
    s-3,,540.0
    ");
}

#[tokio::test]
async fn outcome_of_a_contact_is_that_of_its_last_entry_else_of_the_session() {
    let status = |status: Value| json!({"final_status": status});
    let cases: Vec<(Value, &str)> = vec![
        (contact("01", json!([entry(), answered(9)]), json!({})), "answered"),
        (contact("02", json!([answered(9), entry()]), status(json!("USER ABANDONED"))), "abandoned"),
        (contact("03", json!([segment("a1", 9)]), status(json!("USER ABANDONED"))), "direct"),
        (contact("04", json!([]), status(json!("USER ABANDONED"))), "abandoned before queue"),
        (contact("05", json!(null), status(json!("IDLE"))), "open"),
        (contact("06", json!(null), json!({})), "unserved"),
        (bot_session("07"), "completed"),
        (with(bot_session("08"), status(json!("Dropped"))), "dropped off"),
        (with(bot_session("09"), status(json!(null))), "unknown"),
        (with(bot_session("10"), status(json!("OPEN"))), "open"),
        (with(bot_session("11"), json!({"conversation_id": ""})), "completed"),
    ];
    let lake = Lake::of(cases.iter().map(|(row, _)| row.clone()));
    let answer = lake.ask("SELECT session_id, outcome FROM contacts ORDER BY 1").await;
    let expected = cases.iter().enumerate().map(|(at, (_, outcome))| format!("s-{:02},{outcome}\n", at + 1));
    assert_eq!(answer, format!("session_id,outcome\n{}", expected.collect::<String>()));
}

#[tokio::test]
async fn a_side_session_is_bot_only_and_its_channel_begins_with_agentassist() {
    let channel = |row, channel| with(row, json!({"channel": channel}));
    let lake = Lake::of([
        channel(bot_session("1"), " AgentAssist voice "),
        channel(conversation("2"), "agentassist"),
        channel(bot_session("3"), "voice"),
        with(bot_session("4"), json!({"channel": null})),
    ]);
    let answer = lake.ask("SELECT session_id, is_side_session FROM contacts ORDER BY 1").await;
    assert_eq!(answer, "session_id,is_side_session\ns-1,true\ns-2,false\ns-3,false\ns-4,false\n");
}

#[tokio::test]
async fn direction_is_the_roots_else_the_customers_in_lower_case() {
    let lake = Lake::of([
        with(conversation("1"), json!({"direction": "OutBound", "customer_info": {"direction": "Inbound"}})),
        with(conversation("2"), json!({"direction": "", "customer_info": {"direction": "Inbound"}})),
        with(conversation("3"), json!({"direction": null})),
    ]);
    let answer = lake.ask("SELECT session_id, direction FROM contacts ORDER BY 1").await;
    assert_eq!(answer, "session_id,direction\ns-1,outbound\ns-2,inbound\ns-3,\n");
}

#[tokio::test]
async fn a_customer_is_the_digits_of_the_phone_else_the_mail_else_the_user() {
    let customer = |id: &str, phone: &str, email: &str| {
        let info = json!({"customer_phone": phone, "customer_email": email});
        with(conversation(id), json!({"user_id": "u-1", "customer_info": info}))
    };
    let lake = Lake::of([
        customer("1", "+1 (505) 515-0001", "x@example.com"),
        customer("2", "anonymous", "X@example.com"),
        customer("3", "+266696687", ""),
        customer("4", "000", ""),
        with(conversation("5"), json!({"user_id": ""})),
    ]);
    let answer = lake.ask("SELECT customer_key FROM contacts ORDER BY session_id").await;
    assert_eq!(answer, "customer_key\n15055150001\nx@example.com\nu-1\nu-1\n\"\"\n");
}

#[tokio::test]
async fn legs_keep_positions_and_take_the_queue_of_the_entry_before_them() {
    let lake = Lake::of([contact("1", json!([segment("a0", 1), answered(5), segment("a2", 30)]), json!({}))]);
    let sql = "SELECT destination_position, leg_position, agent_id, queue_id, is_direct, is_answered FROM agent_segments ORDER BY 1";
    insta::assert_snapshot!(lake.ask(sql).await, @r"
    destination_position,leg_position,agent_id,queue_id,is_direct,is_answered
    1,1,a0,,true,true
    2,1,a1,q1,false,true
    3,1,a2,q1,false,true
    ");
    let contact =
        lake.ask("SELECT first_agent_id, first_queue_name, answered_leg_count, is_handled FROM contacts").await;
    assert_eq!(contact, "first_agent_id,first_queue_name,answered_leg_count,is_handled\na0,Sales,3,true\n");
}

#[tokio::test]
async fn a_leg_without_anything_of_an_agent_is_none() {
    let lake = Lake::of([contact("1", json!([with(entry(), json!({"responding_agent": {}}))]), json!({}))]);
    assert_eq!(lake.ask("SELECT count(*) AS n FROM agent_segments").await, "n\n0\n");
}

#[tokio::test]
async fn an_offer_that_was_answered_is_not_missed() {
    let offers = json!([
        {"agent_id": "a1", "status": "Ignored", "non_response_event": "Ignored"},
        {"agent_id": "a2", "status": "Answered"},
        {"agent_id": "a1", "status": null, "non_response_event": "Supervisor Reassigned"},
        {"agent_id": "a3", "status": "Ignored", "accepted_time": "2026-03-02T08:02:00Z"},
    ]);
    let lake =
        Lake::of([contact("1", json!([entry(), with(entry(), json!({"non_responding_agents": offers}))]), json!({}))]);
    let sql = "SELECT destination_position, offer_position, agent_id, is_supervisor_reassigned FROM missed_offers ORDER BY 1, 2";
    insta::assert_snapshot!(lake.ask(sql).await, @r"
    destination_position,offer_position,agent_id,is_supervisor_reassigned
    2,1,a1,false
    2,3,a1,true
    ");
}

#[tokio::test]
async fn every_view_carries_the_keys_and_int32_positions() {
    let session = Lake::new().session().await;
    for (view, positions) in [
        ("contacts", vec![]),
        ("queue_entries", vec!["destination_position"]),
        ("agent_segments", vec!["destination_position", "leg_position"]),
        ("missed_offers", vec!["destination_position", "offer_position"]),
    ] {
        let schema = session.columns(view).await.unwrap();
        for key in ["account_id", "session_id", "conversation_id"] {
            assert_eq!(schema.field_with_name(key).unwrap().data_type().to_string(), "Utf8", "{view}.{key}");
        }
        assert_eq!(schema.field_with_name("session_date").unwrap().data_type().to_string(), "Date32", "{view}");
        for position in positions {
            assert_eq!(schema.field_with_name(position).unwrap().data_type().to_string(), "Int32", "{view}.{position}");
        }
    }
}
