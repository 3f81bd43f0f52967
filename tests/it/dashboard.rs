//! The dashboard in a browser: what `report --html` writes is opened in headless Chromium.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::binary::python;
use crate::loaded::Loaded;
use crate::program::Program;

const HOSTILE: &str = "<script>alert('planted')</script><img src=x onerror=alert(1)>]]>{{data}}";

/// Contacts whose every text is hostile, on the last day of the lake and one that it has not.
fn plant(loaded: &Loaded) {
    let leg = |accepted: &str| {
        json!({
            "agentId": HOSTILE, "name": HOSTILE, "agentNotes": [HOSTILE], "acceptedTime": accepted,
            "assignedAt": accepted, "interactionEndTime": "2026-03-03T12:09:00Z", "interactionDuration": 480,
        })
    };
    let contact = |id: &str, queue: Value| {
        json!({
            "sessionId": id, "conversationId": id, "channel": HOSTILE, "Direction": "Inbound", "finalStatus": "CLOSED",
            "sessionStartTime": "2026-03-03T12:00:00Z", "sessionEndTime": "2026-03-03T12:10:00Z",
            "dispositions": [HOSTILE], "csatScore": 5, "surveyType": "csat",
            "destinations": [{
                "destinationType": "QueueEntry", "queueId": HOSTILE, "queueName": queue, "EnterTime": "2026-03-03T12:00:30Z",
                "CallbackOpted": false, "respondingAgent": leg("2026-03-03T12:01:00Z"),
            }],
        })
    };
    let page = json!({"data": [contact("planted-1", json!(HOSTILE)), contact("planted-2", Value::Null)]});
    fs::write(loaded.path().join("planted.json"), page.to_string()).unwrap();
    let line = format!("replay planted.json -q --allow-downgrade --account-id {}", loaded.account_id());
    assert_eq!(loaded.program(&line).run().code, 0);
}

/// What the browser tells of a page.
struct Seen(Value);

impl Seen {
    fn of(folder: &Path, page: &str) -> Self {
        let page = folder.join(page);
        let arguments = [page.to_str().unwrap(), "--expect-text", HOSTILE];
        Self(serde_json::from_str(&python("tests/readers/dashboard.py", &arguments)).unwrap())
    }

    fn modes(&self) -> BTreeMap<&str, &Value> {
        self.0["modes"].as_object().unwrap().iter().map(|(name, mode)| (name.as_str(), mode)).collect()
    }

    /// Demands what holds of every page in light and dark, on a phone and on paper.
    fn is_well(&self) {
        let modes = self.modes();
        assert_eq!(modes.keys().copied().collect::<Vec<_>>(), ["dark", "light", "phone", "print"]);
        for (name, mode) in modes {
            for nothing in ["console", "page_errors", "requests", "dialogs", "violations"] {
                assert_eq!(mode[nothing], json!([]), "{name}: {nothing}");
            }
            assert_eq!((&mode["overflow_px"], &mode["overflow_open_px"]), (&json!(0), &json!(0)), "{name}");
            assert_eq!(mode["scripts"], 3, "{name}: a script of the data");
            for (chart, drawn) in mode["charts"].as_object().unwrap() {
                assert!(drawn["drawn"].as_u64().unwrap() > 5 && drawn["clipped_px"] == 0, "{name}: {chart}: {drawn}");
            }
        }
        assert!(self.0["no_script"].as_str().unwrap().contains("JavaScript"));
    }

    fn light(&self) -> &Value {
        self.modes()["light"]
    }

    fn tile(&self, name: &str) -> &str {
        self.light()["tiles"][name]["value"].as_str().unwrap()
    }
}

/// The sums of columns of a report, by the program.
fn sums(loaded: &Loaded, report: &str, columns: &[&str]) -> Vec<f64> {
    let line = format!("report {report} --format json --param from=2026-03-02 --param to=2026-03-04");
    let rows: Vec<Value> = serde_json::from_str(&loaded.program(&line).run().output()).unwrap();
    columns.iter().map(|column| rows.iter().filter_map(|row| row[*column].as_f64()).sum()).collect()
}

#[test]
fn the_page_shows_what_the_reports_say_and_runs_nothing_of_the_data() {
    let loaded = Loaded::new();
    plant(&loaded);
    assert_eq!(
        loaded.program("report --html page.html --param from=2026-03-02 --param to=2026-03-04").run().output(),
        ""
    );
    let seen = Seen::of(loaded.path(), "page.html");
    seen.is_well();
    for (mode, found) in seen.modes() {
        assert_eq!(found["expected"][HOSTILE], true, "{mode}: what was planted stands as text");
    }
    let charts = seen.light()["charts"].as_object().unwrap();
    let expected = [
        "abandonment",
        "agents",
        "callbacks",
        "containment",
        "csat",
        "dispositions",
        "level",
        "nps",
        "volume",
        "wait",
        "week",
    ];
    let mut found: Vec<_> = charts.keys().map(|id| id.strip_prefix("chart-").unwrap()).collect();
    found.sort_unstable();
    assert_eq!(found, expected);

    let contacts = sums(&loaded, "volume", &["contacts"])[0];
    assert_eq!(seen.tile("Contacts").replace(',', "").parse(), Ok(contacts));
    let percent = |of: &[f64]| format!("{:.1}%", 100.0 * of[0] / of[1]);
    assert_eq!(seen.tile("Service level"), percent(&sums(&loaded, "service_level", &["met", "counted"])));
    assert_eq!(seen.tile("Abandonment"), percent(&sums(&loaded, "abandonment", &["abandoned", "counted"])));
    assert_eq!(seen.tile("Containment"), percent(&sums(&loaded, "containment", &["completed", "sessions"])));
    assert_eq!(seen.tile("CSAT"), percent(&sums(&loaded, "satisfaction", &["csat_satisfied", "csat_answers"])));
}

#[test]
fn a_page_of_an_empty_lake_says_so() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("nothing.json"), r#"{"data": []}"#).unwrap();
    assert_eq!(Program::new(folder.path(), "replay nothing.json -q --account-id acme").run().code, 0);
    assert_eq!(Program::new(folder.path(), "report --html page.html").run().output(), "");
    let seen = Seen::of(folder.path(), "page.html");
    seen.is_well();
    assert_eq!(seen.light()["charts"], json!({}));
    assert_eq!(seen.tile("Contacts"), "0");
}

/// The data in a page.
fn data_of(loaded: &Loaded, arguments: &str) -> Value {
    assert_eq!(loaded.program(&format!("report --html page.html {arguments}")).run().output(), "");
    let page = fs::read_to_string(loaded.path().join("page.html")).unwrap();
    let (_, rest) = page.split_once(r#"<script type="application/json" id="data">"#).unwrap();
    serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
}

#[test]
fn the_last_week_of_the_lake_is_shown_unless_days_are_named() {
    let loaded = Loaded::new();
    let data = data_of(&loaded, "");
    assert_eq!((&data["from"], &data["to"]), (&json!("2026-03-02"), &json!("2026-03-04")));
    assert_eq!(data["target"], 0.8);
    let asked_by = &data["reports"]["service_level"]["parameters"];
    assert_eq!((&asked_by["from"], &asked_by["threshold_seconds"]), (&json!("2026-02-25"), &json!("20")));
    let states: Vec<_> =
        data["reports"]["days"]["rows"].as_array().unwrap().iter().map(|row| (&row[0], &row[2])).collect();
    let last = states.last().unwrap();
    assert_eq!(states.len(), 2, "the days that the lake has");
    assert_eq!(last.0, "2026-03-03");
    let freshness = &data["reports"]["freshness"]["rows"][0];
    assert_eq!((&freshness[0], &freshness[2]), (&json!(loaded.account_id()), &json!("2026-03-04T00:00:00Z")));

    let data = data_of(
        &loaded,
        "--param from=2026-03-03 --param target=0.9 --param time_zone=Asia/Kolkata --param account=nobody",
    );
    assert_eq!((&data["from"], &data["to"], &data["target"]), (&Value::Null, &Value::Null, &json!(0.9)));
    assert_eq!(data["time_zone"], "Asia/Kolkata");
    assert_eq!(data["reports"]["volume"]["rows"], json!([]));
    assert_eq!(data["reports"]["freshness"]["rows"], json!([]));

    // A range beyond the lake shows the days that are there.
    let data = data_of(&loaded, "--param from=0001-01-02 --param to=9999-12-31");
    assert_eq!((&data["from"], &data["to"]), (&json!("2026-03-02"), &json!("2026-03-04")));
    assert_eq!(data["reports"]["volume"]["parameters"]["from"], "0001-01-02");
}

#[test]
fn what_the_page_cannot_take_is_named_and_no_file_is_left() {
    let loaded = Loaded::new();
    let refused = |arguments: &str| {
        let ran = loaded.program(&format!("report --html page.html {arguments}")).run();
        let left: Vec<_> = fs::read_dir(loaded.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(left.iter().all(|name| !name.to_string_lossy().starts_with("page.html")), "{left:?}");
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{ran}");
        ran.stderr
    };
    insta::assert_snapshot!(refused("--param interval=60m"), @"error: no report on the page takes a parameter `interval`; expected one of `abandons`, `account`, `after_call_work`, `agent`, `callbacks`, `channel`, `csat`, `denominator`, `from`, `queue`, `short_abandon_seconds`, `target`, `threshold_seconds`, `time_zone`, `to`");
    insta::assert_snapshot!(refused("--param target=80"), @"
    error: parameter `target` of report `service_level`: expected a number from 0 to 1 (default `0.8`), found `80`
    hint: `kore-lake report service_level --help` explains its parameters
    ");
    insta::assert_snapshot!(refused("--param from=2026-03-04 --param to=2026-03-04"), @"
    error: parameter `to` of report `volume`: expected a date after `from`, `2026-03-04` (default none), found `2026-03-04`
    hint: `kore-lake report volume --help` explains its parameters
    ");
    let with_a_name = refused("volume");
    assert!(with_a_name.contains("'--html <FILE>' cannot be used with '[NAME]...'"), "{with_a_name}");
}
