//! Reports on what contacts were about and what customers made of them, against numbers counted by hand.

use serde_json::{Value, json};

use super::lake::{Lake, answered, bot_session, conversation, entry, leg, with};
use super::ledger_reports::{read, windows};

fn handled(id: &str, more: Value) -> Value {
    with(with(conversation(id), json!({"destinations": [answered(5)]})), more)
}

fn open(row: Value) -> Value {
    with(row, json!({"final_status": "ACTIVE"}))
}

#[tokio::test]
async fn a_score_counts_by_its_survey_type_or_by_itself_where_that_is_missing() {
    let lake = Lake::of([
        handled("01", json!({"csat_score": 5, "survey_type": "csat"})),
        handled("02", json!({"csat_score": 4})),
        handled("03", json!({"csat_score": 1, "survey_type": ""})),
        // Another kind's survey: the score says nothing.
        handled("04", json!({"csat_score": 1, "nps_score": 9, "survey_type": "nps"})),
        handled("05", json!({"nps_score": 7})),
        handled("06", json!({"nps_score": 0, "survey_type": "NPS"})),
        handled("07", json!({"like_dislike_score": 1, "survey_type": "likeDislike"})),
        handled("08", json!({"like_dislike_score": 0})),
        // Out of scale.
        handled("09", json!({"csat_score": 0, "survey_type": "csat"})),
        handled("10", json!({"csat_score": 6})),
        handled("11", json!({"nps_score": 11})),
        handled("12", json!({"like_dislike_score": 2})),
        handled("13", json!({})),
        open(handled("14", json!({"csat_score": 1}))),
        with(bot_session("15"), json!({"channel": "agentassist", "csat_score": 1})),
    ]);
    let csat = ["csat", "csat_satisfied", "csat_sum", "csat_answers", "csat_out_of_scale"];
    assert_eq!(lake.report("satisfaction", &[], &csat).await, ["0.6666666666666666 2 10 3 2"]);
    assert_eq!(lake.report("satisfaction", &[("csat", "mean")], &csat[..1]).await, ["3.3333333333333335"]);
    let nps = ["nps", "nps_promoters", "nps_passives", "nps_detractors", "nps_answers", "nps_out_of_scale"];
    assert_eq!(lake.report("satisfaction", &[], &nps).await, ["0.0 1 1 1 3 1"]);
    let likes = ["like_share", "likes", "dislikes", "like_answers", "like_out_of_scale"];
    assert_eq!(lake.report("satisfaction", &[], &likes).await, ["0.5 1 1 2 1"]);
    let answers = ["answer_share", "handled_with_answer", "handled", "open"];
    assert_eq!(lake.report("satisfaction", &[], &answers).await, ["0.6153846153846154 8 13 1"]);
}

#[tokio::test]
async fn satisfaction_without_answers_is_null() {
    let lake = Lake::of([open(handled("1", json!({}))), with(bot_session("2"), json!({"csat_score": 9}))]);
    let columns = ["queue_id", "csat", "csat_out_of_scale", "nps", "like_share", "answer_share", "handled", "open"];
    assert_eq!(lake.report("satisfaction", &[], &columns).await, ["- - 1 - - - 0 0", "q1 - 0 - - - 0 1"]);
}

#[tokio::test]
async fn a_contact_counts_once_for_each_disposition() {
    let timed = |id: &str, interaction: u32, codes: Value| {
        let leg = with(leg("a1", 5), json!({"interaction_duration": interaction, "after_call_work_duration": 10}));
        let entry = with(entry(), json!({"responding_agent": leg}));
        with(conversation(id), json!({"destinations": [entry], "dispositions": codes}))
    };
    let lake = Lake::of([
        timed("1", 100, json!(["sold", "sold", "follow-up"])),
        timed("2", 50, json!(["sold", ""])),
        with(conversation("3"), json!({"dispositions": ["lost"]})),
        timed("4", 999, json!([""])),
        timed("5", 999, json!([])),
        open(timed("6", 999, json!(["sold"]))),
    ]);
    let columns = ["code", "contacts", "disposed", "share", "handled_legs", "handle_seconds", "aht_seconds", "open"];
    assert_eq!(
        lake.report("dispositions", &[], &columns).await,
        [
            "sold 2 3 0.6666666666666666 2 170.0 85.0 1",
            "follow-up 1 3 0.3333333333333333 1 110.0 110.0 0",
            "lost 1 3 0.3333333333333333 0 - - 0",
        ]
    );
    let undecided = Lake::of([open(timed("1", 1, json!(["sold"])))]);
    assert_eq!(undecided.report("dispositions", &[], &columns).await, ["sold 0 0 - 0 - - 1"]);
}

#[tokio::test]
async fn intents_tell_what_became_of_conversations() {
    let intent = |name: Value| json!({"meta_info": {"agent_transfer_config": {"last_intent_name": name}}});
    let unknown_wait = with(answered(5), json!({"enter_time": null}));
    let lake = Lake::of([
        handled("1", intent(json!("Pay"))),
        with(conversation("2"), with(intent(json!("Pay")), json!({"destinations": [answered(15), unknown_wait]}))),
        with(conversation("3"), with(intent(json!("Pay")), json!({"destinations": [entry()]}))),
        open(handled("4", intent(json!("Pay")))),
        with(conversation("5"), intent(json!(""))),
        conversation("6"),
        with(bot_session("7"), intent(json!("Pay"))),
    ]);
    let columns = [
        "intent",
        "contacts",
        "handled",
        "handled_share",
        "answered",
        "unserved",
        "waits",
        "wait_seconds",
        "asa_seconds",
        "handled_legs",
        "open",
    ];
    assert_eq!(
        lake.report("intents", &[], &columns).await,
        ["Pay 3 2 0.6666666666666666 2 1 2 20.0 10.0 3 1", "- 2 0 0.0 0 2 0 - - 0 0"]
    );
}

#[tokio::test]
async fn tones_are_put_down_to_the_first_queue_and_agent() {
    let toned = |tones: Value| json!({"meta_info": {"agent_transfer_config": {"dialog_tone": tones}}});
    let tone =
        |name: &str, count: Value, total: Value| json!({"tone_name": name, "count": count, "total_level": total});
    let lake = Lake::of([
        handled("1", toned(json!([tone("angry", json!(3), json!(6.0)), tone("sad", json!(0), json!(0.0))]))),
        handled("2", toned(json!([tone("angry", json!(1), json!(-3.0)), tone("angry", json!(null), json!(9.0))]))),
        open(handled("3", toned(json!([tone("angry", json!(5), json!(5.0))])))),
    ]);
    let columns = [
        "queue_id",
        "agent_id",
        "tone_name",
        "contacts",
        "detections",
        "total_level",
        "mean_level",
        "incomplete",
        "open",
    ];
    assert_eq!(lake.report("tones", &[], &columns).await, ["q1 a1 angry 2 4 3.0 0.75 1 1", "q1 a1 sad 1 0 0.0 - 0 0"]);
    assert_eq!(lake.report("tones", &[("agent", "a2")], &columns).await, [""; 0]);
}

fn caller(id: &str, phone: &str, start: &str) -> Value {
    with(conversation(id), json!({"session_start_time": start, "customer_info": {"customer_phone": phone}}))
}

/// One customer on the 1st, 2nd, 9th (168 hours after the 2nd) and 20th; another twice in one moment; one nobody knows.
fn callers() -> Lake {
    let mut lake = Lake::new();
    let days = [
        ("2026-03-01", caller("1", "+1 (555) 01", "2026-03-01T10:00:00Z")),
        ("2026-03-02", caller("2", "155501", "2026-03-02T10:00:00Z")),
        ("2026-03-09", with(caller("3", "1-555-01", "2026-03-09T10:00:00Z"), json!({"channel": "chat"}))),
        ("2026-03-20", open(caller("4", "155501", "2026-03-20T10:00:00Z"))),
    ];
    for (date, row) in days {
        lake.day("acme", date, [row]);
    }
    lake.day(
        "acme",
        "2026-03-03",
        ["5", "6"]
            .map(|id| caller(id, "777", "2026-03-03T10:00:00Z"))
            .into_iter()
            .chain([caller("7", "000", "2026-03-03T10:00:00Z"), caller("8", "266696687", "2026-03-03T11:00:00Z")])
            .chain([with(caller("9", "777", "2026-03-03T12:00:00Z"), json!({"direction": "Outbound"}))])
            .chain([with(caller("10", "777", "2026-03-03T12:00:00Z"), json!({"direction": null}))]),
    );
    lake.day("other", "2026-03-03", [caller("1", "777", "2026-03-03T13:00:00Z")]);
    lake
}

const REPEATS: [&str; 9] =
    ["channel", "contacts", "repeated", "resolved", "rate", "pending", "no_customer", "no_direction", "open"];

#[tokio::test]
async fn the_earlier_contact_fails_where_the_customer_comes_again() {
    let lake = callers();
    let acme = ("account", "acme");
    assert_eq!(
        lake.report("repeat_contacts", &[acme], &REPEATS).await,
        ["Voice 4 2 2 0.5 2 2 1 1", "chat 1 0 1 0.0 1 0 0 0"]
    );
    // A week and a day later is too late by a second less.
    assert_eq!(
        lake.report("repeat_contacts", &[acme, ("repeat_days", "6")], &REPEATS[..5]).await,
        ["Voice 4 1 3 0.25", "chat 1 0 1 0.0"]
    );
    assert_eq!(
        lake.report("repeat_contacts", &[acme, ("repeat_days", "11"), ("fcr", "true")], &REPEATS[..5]).await,
        ["Voice 4 2 2 0.5", "chat 1 1 0 0.0"]
    );
    assert_eq!(lake.report("repeat_contacts", &[("account", "other")], &REPEATS[..4]).await, ["Voice 1 0 1"]);
}

#[tokio::test]
async fn repeats_are_looked_for_behind_the_range_and_by_any_channel() {
    let lake = callers();
    let range = [("from", "2026-03-02"), ("to", "2026-03-03"), ("channel", "Voice")];
    assert_eq!(lake.report("repeat_contacts", &range, &REPEATS[..5]).await, ["Voice 1 1 0 1.0"]);
}

#[tokio::test]
async fn a_contact_is_pending_until_the_lake_reaches_beyond_its_days() {
    let lake = callers();
    windows(&lake, "acme", &[read("2026-03-01T00:00:00Z", "2026-03-10T10:00:00Z", true)]);
    let columns = ["channel", "resolved", "pending", "reaches_to"];
    let asked = [("account", "acme")];
    assert_eq!(
        lake.report("repeat_contacts", &asked, &columns).await,
        ["Voice 2 2 2026-03-10T10:00:00Z", "chat 1 1 2026-03-10T10:00:00Z"]
    );
    windows(&lake, "acme", &[read("2026-03-01T00:00:00Z", "2026-03-10T10:00:01Z", true)]);
    assert_eq!(
        lake.report("repeat_contacts", &asked, &columns).await,
        ["Voice 2 0 2026-03-10T10:00:01Z", "chat 1 1 2026-03-10T10:00:01Z"]
    );
    // What was not read whole reaches nowhere.
    windows(&lake, "acme", &[read("2026-03-01T00:00:00Z", "2026-03-30T00:00:00Z", false)]);
    assert_eq!(lake.report("repeat_contacts", &asked, &columns).await, ["Voice 2 2 -", "chat 1 1 -"]);
}
