//! DuckDB, pyarrow and Spark read the lake as `query` does: every column of every row.

use std::fs;
use std::path::Path;

use kore_lake::lake::Lake;
use kore_lake::pipeline::{ReplayRequest, Stop, Unwatched, replay};
use kore_lake::schema::ApiVersion;
use kore_lake::simulator::GeneratorSettings;
use kore_lake::source::BareDefaults;
use serde_json::{Value, json};

use crate::binary::{kore_lake, python, python_command};
use crate::centre::{Centre, MEMORY_BYTES, lake_in, run, whole};

/// Accounts whose ids an engine that guesses types would take for a number and for a date.
pub const ACCOUNTS: [&str; 2] = ["0012", "2026-03-02"];

/// Two accounts of two days, and records as the simulator has none.
async fn fill(lake: &Lake, folder: &Path) {
    for (account, seed) in ACCOUNTS.into_iter().zip(1..) {
        let centre = Centre::open(GeneratorSettings {
            account_id: account.to_owned(),
            seed,
            days: 2,
            conversations_per_day: 200,
            ..GeneratorSettings::default()
        });
        let centre = centre.await;
        centre.load(lake, &centre.request(ApiVersion::V2)).await;
    }
    replay_odd(lake, folder).await;
}

/// Records as the simulator has none, in the first account.
pub async fn replay_odd(lake: &Lake, folder: &Path) {
    fs::write(folder.join("odd.json"), json!({ "data": odd_records() }).to_string()).unwrap();
    let request = ReplayRequest {
        paths: vec![folder.join("odd.json")],
        bare: BareDefaults { account_id: Some(ACCOUNTS[0].parse().unwrap()), ..BareDefaults::default() },
        allow_downgrade: true,
        wait_lock: std::time::Duration::ZERO,
        memory_limit_bytes: MEMORY_BYTES,
        strict: false,
    };
    whole(replay(lake, &request, &Unwatched, Stop::never()).await);
}

/// Fractions of seconds, days long past, empty and null things, unknown keys at every depth.
fn odd_records() -> Vec<Value> {
    let unknown = json!({ "deep": [null, { "a\"b": "\u{1F980}\n" }], "time": "2026-03-02T00:00:00Z" });
    let agent = json!({
        "agentId": "a", "acceptedTime": "2026-03-02 1:02:03.123456789", "interactionDuration": 0, "unknown": unknown,
        "JoinedUsers": [{ "end": "1969-12-31T23:59:59.999999" }, {}],
    });
    let direct =
        json!({ "destinationType": "AgentSegment", "agentId": "b", "assignedAt": "2026-03-02T00:00:00.000001Z" });
    // Blanks and letters that engines trim and lower each in its own way.
    let spoken = |id: &str, channel: &str, direction: &str, email: &str, survey: &str| {
        json!({
            "sessionId": id, "conversationId": null, "channel": channel, "Direction": direction, "surveyType": survey,
            "npsScore": 9, "sessionStartTime": "2026-11-01T12:00:00Z", "finalStatus": "Dropped",
            "customerinfo": { "CustomerEmail": email, "Direction": "Outbound" },
            "destinations": [{
                "destinationType": "", "queueId": "q", "queueName": "",
                "respondingAgent": { "agentId": "", "name": "" },
                "nonRespondingAgents": [{ "agentId": "a", "status": "No", "nonResponseEvent": "Supervisor Reassigned\u{a0}" }],
            }, { "destinationType": "Bot", "respondingAgent": { "agentId": "b", "acceptedTime": "2026-11-01T12:00:09Z" } }],
        })
    };
    vec![
        spoken("blank", "\u{a0}AgentAssist", "Inbound\u{a0}", "bob@x.com\u{a0}", "csat\u{a0}"),
        spoken("letters", "AGENTASS\u{130}ST", "\u{3000}", "\u{39d}\u{399}\u{39a}\u{39f}\u{3a3}@X.GR", "NPS "),
        json!({ "sessionId": "only an id and a time", "sessionStartTime": "1900-01-01T00:00:00" }),
        json!({
            "sessionId": "69a4d400", "conversationId": "", "sessionEndTime": "9999-12-31T23:59:59.999999Z",
            "metaInfo": {}, "destinations": [], "dispositions": [""], "skills": [{}], "unknown": unknown,
        }),
        json!({
            "sessionId": "69a4d401", "conversationId": "c-\u{0}", "channel": " Voice ", "isVoicemail": "YES",
            "metaInfo": { "customData": unknown, "dialog_tone": [{ "level": -2.5, "totalLevel": 1e300 }] },
            "destinations": [
                { "destinationType": "QueueEntry", "respondingAgent": agent, "nonRespondingAgents": [agent, {}] },
                direct, {},
            ],
        }),
    ]
}

#[test]
fn duckdb_pyarrow_and_spark_agree_with_query() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().to_owned();
    run(async move { fill(&lake_in(&root.join("lake")), &root).await });
    let write = |name: &str, arguments: &[&str]| {
        fs::write(folder.path().join(name), kore_lake(folder.path(), arguments)).unwrap();
    };
    let lake = folder.path().join("lake");
    let lake = lake.to_str().unwrap();
    write("rows.ndjson", &["query", "-c", "SELECT * FROM conversations", "--format", "ndjson", "--lake", lake]);
    write("duckdb.sql", &["schema", "--format", "duckdb", "--lake", lake]);
    write("spark.sql", &["schema", "--format", "spark", "--lake", lake]);
    let files = ["lake", "rows.ndjson", "duckdb.sql", "spark.sql"].map(|name| folder.path().join(name));
    let agreed = python("tests/readers/compare.py", &files);
    let rows = fs::read_to_string(&files[1]).unwrap().lines().count();
    assert!(rows > 500, "{rows}");
    let expected: String =
        ["duckdb", "pyarrow", "spark"].map(|engine| format!("{engine}: {rows} rows agree\n")).concat();
    assert_eq!(agreed, expected);

    // The comparison itself: one nested time that is a second off is noticed.
    let text = fs::read_to_string(&files[1]).unwrap();
    let odd = text.replacen("2026-03-02T01:02:03.123456Z", "2026-03-02T01:02:04.123456Z", 1);
    assert_ne!(odd, text);
    fs::write(&files[1], odd).unwrap();
    let refused = python_command("tests/readers/compare.py", &files).output().unwrap();
    let complaint = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && complaint.contains("column destinations: expected"), "{complaint}");
}
