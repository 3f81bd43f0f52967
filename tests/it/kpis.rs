//! The reports' numbers against the same numbers computed in plain code, from the records that the lake was made of.

mod contact;
mod customers;
mod definitions;
mod ledger;
mod outcomes;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use fastrand::Rng;
use jiff::Timestamp;
use jiff::civil::date;
use kore_lake::lake::Lake;
use kore_lake::pipeline::{ReplayRequest, Stop, Unwatched, replay};
use kore_lake::query::{Format, Rows, Session, SessionSettings, render, report};
use kore_lake::schema::ApiVersion;
use kore_lake::simulator::{Api, Generator, GeneratorSettings, View};
use kore_lake::source::BareDefaults;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::centre::{Centre, MEMORY_BYTES, lake_in, run, whole};
use contact::Contact;
use definitions::{Asked, Reach, expected};

/// The reports over contacts; those over the ledger are in `ledger`.
const REPORTS: [&str; 14] = [
    "volume",
    "containment",
    "service_level",
    "queue_wait",
    "agent_performance",
    "abandonment",
    "missed_offers",
    "transfers",
    "callbacks",
    "satisfaction",
    "dispositions",
    "intents",
    "tones",
    "repeat_contacts",
];
/// Of these, those that take a queue, and those that take an agent too.
const OF_QUEUES: [&str; 4] = ["service_level", "queue_wait", "abandonment", "callbacks"];
const OF_AGENTS: [&str; 8] = [
    "agent_performance",
    "missed_offers",
    "transfers",
    "satisfaction",
    "dispositions",
    "intents",
    "tones",
    "repeat_contacts",
];

type Params = &'static [(&'static str, &'static str)];

const SERVICE_LEVEL: [Params; 15] = [
    &[("target", "0.5")],
    &[("interval", "15m")],
    &[("interval", "30m"), ("time_zone", "Asia/Kolkata")],
    &[("interval", "60m"), ("time_zone", "America/New_York")],
    &[("interval", "weekday_hour"), ("time_zone", "Asia/Kolkata")],
    &[("threshold_seconds", "0")],
    &[("threshold_seconds", "60"), ("abandons", "exclude")],
    &[("threshold_seconds", "60"), ("abandons", "met_within_threshold")],
    &[("short_abandon_seconds", "30")],
    &[("short_abandon_seconds", "30"), ("abandons", "exclude")],
    &[("short_abandon_seconds", "30"), ("abandons", "met_within_threshold"), ("threshold_seconds", "60")],
    &[("callbacks", "include")],
    &[("callbacks", "include"), ("threshold_seconds", "900"), ("abandons", "met_within_threshold")],
    &[("from", "2026-03-03"), ("to", "2026-03-05"), ("interval", "60m"), ("time_zone", "Asia/Kolkata")],
    &[("from", "2026-03-08"), ("interval", "15m"), ("time_zone", "America/New_York")],
];

const VOLUME: [Params; 6] = [
    &[("interval", "15m"), ("time_zone", "Asia/Kolkata")],
    &[("interval", "30m")],
    &[("interval", "60m"), ("time_zone", "America/New_York")],
    &[("interval", "weekday_hour")],
    &[("interval", "weekday_hour"), ("time_zone", "America/New_York")],
    &[("interval", "15m"), ("from", "2026-03-08"), ("to", "2026-03-09"), ("time_zone", "America/New_York")],
];

/// Variants of the others.
const VARIANTS: [(&str, Params); 15] = [
    ("queue_wait", &[("callbacks", "include")]),
    ("agent_performance", &[("after_call_work", "exclude")]),
    ("abandonment", &[("short_abandon_seconds", "30")]),
    ("abandonment", &[("denominator", "offered")]),
    ("abandonment", &[("denominator", "offered"), ("short_abandon_seconds", "60")]),
    ("satisfaction", &[("csat", "mean")]),
    ("repeat_contacts", &[("repeat_days", "1")]),
    ("repeat_contacts", &[("repeat_days", "0")]),
    ("repeat_contacts", &[("repeat_days", "30")]),
    ("repeat_contacts", &[("fcr", "true")]),
    ("repeat_contacts", &[("fcr", "true"), ("repeat_days", "2"), ("to", "2026-03-05")]),
    ("repeat_contacts", &[("repeat_days", "1"), ("from", "2026-03-03"), ("to", "2026-03-05"), NEW_YORK]),
    ("callbacks", &[("from", "2026-03-03"), NEW_YORK]),
    ("dispositions", &[("to", "2026-03-05"), NEW_YORK]),
    ("satisfaction", &[("csat", "mean"), ("from", "2026-03-05"), ("time_zone", "Asia/Kolkata")]),
];
const NEW_YORK: (&str, &str) = ("time_zone", "America/New_York");

/// What every report takes.
const RANGES: [Params; 7] = [
    &[("from", "2026-03-04")],
    &[("to", "2026-03-04")],
    &[("from", "2026-03-04"), ("to", "2026-03-06")],
    &[("from", "2026-03-04"), ("to", "2026-03-05"), ("time_zone", "Asia/Kolkata")],
    &[("from", "2026-03-07"), ("to", "2026-03-09"), ("time_zone", "America/New_York")],
    &[("from", "2030-01-01")],
    &[("account", "nobody")],
];

/// Nobody chose to be called back on that weekend.
const SHOWS_NOTHING: (&str, Params) =
    ("callbacks", &[("from", "2026-03-07"), ("to", "2026-03-09"), ("time_zone", "America/New_York")]);

/// A lake and the records it was made of.
struct Known {
    session: Session,
    contacts: Vec<Contact>,
    reach: Reach,
    _folder: TempDir,
}

impl Known {
    async fn new(folder: TempDir, lake: &Lake, contacts: Vec<Contact>, reach: Reach) -> Self {
        let session =
            Session::open(lake.into(), SessionSettings { parallelism: Some(1), ..Default::default() }).await.unwrap();
        Self { session, contacts, reach, _folder: folder }
    }

    /// Runs a report that must have rows, unless nothing can answer to the parameters, and compares every cell.
    async fn agrees(&self, name: &str, params: &[(&str, &str)]) {
        let rows = self.rows_that_agree(name, params).await;
        assert_eq!(rows == 0, is_empty(params), "a case that shows something: {name} {params:?}");
    }

    /// Runs a report, compares every cell, and says how many rows it has.
    async fn rows_that_agree(&self, name: &str, params: &[(&str, &str)]) -> usize {
        let case = format!("{name} {params:?}");
        let report = report(name).unwrap();
        let given: BTreeMap<_, _> = params.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let found = as_json(self.session.report(report, &report.bind(&given).unwrap()).await.unwrap()).await;
        let expected = expected(name, &self.contacts, &self.reach, &Asked(params));
        let columns: Vec<&str> = report.columns.iter().map(|column| column.name).collect();
        let (found, expected) = (in_order(found, &columns), in_order(expected, &columns));
        assert_eq!(found.len(), expected.len(), "rows of {case}");
        for (found, expected) in found.iter().zip(&expected) {
            for column in &columns {
                let (ours, theirs) = (&found[*column], &expected[*column]);
                assert!(
                    is_same(ours, theirs),
                    "`{column}` of {case}: expected {theirs}\n{expected}\nfound {ours}\n{found}"
                );
            }
            assert_eq!(found.as_object().unwrap().len(), expected.as_object().unwrap().len(), "columns of {case}");
        }
        found.len()
    }

    /// Compares what the view `contacts` says of each contact as a whole.
    async fn agrees_on_contacts(&self) {
        let sql = "SELECT session_id, outcome, is_handled, queue_entry_count, is_side_session FROM contacts";
        let statement = self.session.parse(sql).unwrap().remove(0);
        let found = as_json(self.session.run(&statement).await.unwrap()).await;
        let expected = self.contacts.iter().map(|contact| {
            json!({
                "session_id": contact.session,
                "outcome": contact.outcome(),
                "is_handled": contact.legs.iter().any(|leg| leg.is_answered),
                "queue_entry_count": contact.entries.len(),
                "is_side_session": contact.is_side_session,
            })
        });
        assert_eq!(in_order(found, &["session_id"]), in_order(expected.collect(), &["session_id"]));
    }

    /// Every report over every range and filter.
    async fn agrees_in_part(&self) {
        for name in REPORTS {
            for params in RANGES {
                if (name, params) == SHOWS_NOTHING {
                    assert_eq!(self.rows_that_agree(name, params).await, 0);
                } else {
                    self.agrees(name, params).await;
                }
            }
            let mut rows = 0;
            for filter in self.filters(name) {
                let filter: Vec<_> = filter.iter().map(|(name, value)| (*name, value.as_str())).collect();
                rows += self.rows_that_agree(name, &filter).await;
            }
            assert!(rows > 3, "filters that show something: {name}");
        }
    }

    /// Every report as it comes, with every variant by itself and a choice of them together.
    async fn agrees_on_the_whole(&self) {
        for name in REPORTS {
            self.agrees(name, &[]).await;
        }
        for params in VOLUME {
            self.agrees("volume", params).await;
        }
        for params in SERVICE_LEVEL {
            self.agrees("service_level", params).await;
        }
        for (name, params) in VARIANTS {
            self.agrees(name, params).await;
        }
    }

    /// Filters by what the records hold, as far as the report takes them.
    fn filters(&self, report: &str) -> Vec<Vec<(&'static str, String)>> {
        let entry = self.contacts.iter().flat_map(|contact| &contact.entries).find(|entry| entry.queue.1.is_some());
        let (id, name) = entry.unwrap().queue.clone();
        let leg = self.contacts.iter().flat_map(|contact| &contact.legs).find(|leg| leg.agent.is_some()).unwrap();
        let general = [("account", self.contacts[0].account.clone()), ("channel", "Voice".to_owned())];
        let queues = [("queue", id.unwrap()), ("queue", name.unwrap())];
        let agent = ("agent", leg.agent.clone().unwrap());
        let mut filters: Vec<_> = general.clone().into_iter().map(|filter| vec![filter]).collect();
        if OF_QUEUES.contains(&report) || OF_AGENTS.contains(&report) {
            filters.extend(queues.clone().map(|filter| vec![filter]));
            filters.push(general.into_iter().chain([queues[1].clone()]).collect());
        }
        if OF_AGENTS.contains(&report) {
            filters.push(vec![agent.clone()]);
            filters.push(vec![agent, queues[0].clone(), ("time_zone", "America/New_York".to_owned())]);
        }
        filters
    }
}

async fn as_json(rows: Rows) -> Vec<Value> {
    let mut answer = Vec::new();
    render(rows, Format::Json, &mut answer).await.unwrap();
    serde_json::from_slice(&answer).unwrap()
}

/// Whether nothing can answer to the parameters.
fn is_empty(params: &[(&str, &str)]) -> bool {
    params.iter().any(|pair| [("from", "2030-01-01"), ("account", "nobody")].contains(pair))
}

/// Rows sorted by their keys, as text: no two rows have the same.
fn in_order(mut rows: Vec<Value>, columns: &[&str]) -> Vec<Value> {
    const KEYS: [&str; 13] = [
        "interval_start",
        "utc_offset_minutes",
        "weekday",
        "hour",
        "channel",
        "queue_id",
        "queue_name",
        "agent_id",
        "event",
        "code",
        "intent",
        "tone_name",
        "session_id",
    ];
    let keys: Vec<&str> = columns.iter().copied().filter(|name| KEYS.contains(name)).collect();
    rows.sort_by_cached_key(|row| keys.iter().map(|key| row[*key].to_string()).collect::<Vec<_>>());
    rows
}

fn is_same(found: &Value, expected: &Value) -> bool {
    match (found.as_f64(), expected.as_f64()) {
        (Some(found), Some(expected)) => (found - expected).abs() <= 1e-9 * expected.abs().max(1.0),
        _ => found == expected,
    }
}

fn truth(generator: &Generator) -> Vec<Value> {
    let std::ops::Range { start, end } = generator.range();
    let streams = &generator.settings().stream_ids;
    let view = View::whole(Api::V2);
    let records = streams.iter().flat_map(|stream| generator.truth(stream, start, end, &view));
    records.map(|record| serde_json::from_str(&record).unwrap()).collect()
}

fn contacts(account: &str, records: &[Value]) -> Vec<Contact> {
    records.iter().map(|record| Contact::read(account, record)).collect()
}

fn settings(seed: u64, account: &str, per_day: u32) -> GeneratorSettings {
    GeneratorSettings {
        seed,
        account_id: account.to_owned(),
        conversations_per_day: per_day,
        ..GeneratorSettings::default()
    }
}

/// Loads what a simulated centre has, over HTTP as anyone would; with its contacts comes up to when they were read.
async fn load(lake: &Lake, data: GeneratorSettings) -> (Vec<Contact>, Reach) {
    let centre = Centre::open(data).await;
    centre.load(lake, &centre.request(ApiVersion::V2)).await;
    let (account, range) = (centre.account(), centre.range());
    let reach = Reach::from([(account.to_string(), Timestamp::from_second(range.to().seconds()).unwrap())]);
    (contacts(account.as_str(), &centre.truth(ApiVersion::V2, range)), reach)
}

/// Puts records into the lake from a saved page.
async fn replay_page(lake: &Lake, folder: &Path, account: &str, records: &[Value]) {
    let page = folder.join("page.json");
    std::fs::write(&page, json!({ "data": records }).to_string()).unwrap();
    let account_id = Some(account.parse().unwrap());
    let bare = BareDefaults { api: ApiVersion::V2, account_id, stream_id: None, time_zone_offset: 0 };
    let request = ReplayRequest {
        paths: vec![page],
        bare,
        allow_downgrade: false,
        wait_lock: Duration::ZERO,
        memory_limit_bytes: MEMORY_BYTES,
        strict: false,
    };
    whole(replay(lake, &request, &Unwatched, Stop::never()).await);
}

fn new_lake() -> (TempDir, Lake) {
    let folder = TempDir::new().unwrap();
    let lake = lake_in(&folder.path().join("lake"));
    (folder, lake)
}

#[test]
fn reports_over_a_loaded_week_say_what_the_records_say() {
    run(async {
        let (folder, lake) = new_lake();
        let (mut contacts, mut reach) = load(&lake, settings(1, "0012", 150)).await;
        let (more, further) = load(&lake, settings(2, "another", 50)).await;
        contacts.extend(more);
        reach.extend(further);
        let known = Known::new(folder, &lake, contacts, reach).await;
        known.agrees_on_contacts().await;
        known.agrees_on_the_whole().await;
        known.agrees_in_part().await;
    });
}

#[test]
fn the_doubled_hour_of_new_york_counts_twice() {
    run(async {
        let (folder, lake) = new_lake();
        let data = GeneratorSettings { start: date(2026, 10, 31), days: 3, ..settings(3, "acme", 300) };
        let (contacts, reach) = load(&lake, data).await;
        let known = Known::new(folder, &lake, contacts, reach).await;
        for interval in ["15m", "30m", "60m", "day", "weekday_hour"] {
            for name in ["volume", "service_level"] {
                let params = [("interval", interval), ("from", "2026-11-01"), ("time_zone", "America/New_York")];
                known.agrees(name, &params).await;
            }
        }
    });
}

/// Keys that any record may lack, with all that hangs on them.
const MAY_LACK: [&str; 36] = [
    "channel",
    "Direction",
    "customerinfo",
    "finalStatus",
    "sessionEndTime",
    "isVoicemail",
    "destinations",
    "queueId",
    "queueName",
    "EnterTime",
    "CallbackOpted",
    "respondingAgent",
    "nonRespondingAgents",
    "agentId",
    "name",
    "status",
    "acceptedTime",
    "interactionEndTime",
    "interactionDuration",
    "holdDuration",
    "afterCallWorkDuration",
    "nonResponseEvent",
    "CustomerPhone",
    "CustomerEmail",
    "userId",
    "csatScore",
    "surveyType",
    "dispositions",
    "agentTransferConfig",
    "lastIntentName",
    "tone_name",
    "count",
    "totalLevel",
    "CallbackOptedTime",
    "userCallbackAcceptTime",
    "ConsultingAgents",
];

/// Keys whose value may be `""`, which the API gives for nothing.
const MAY_BE_EMPTY: [&str; 9] = [
    "channel",
    "destinationType",
    "queueId",
    "queueName",
    "agentId",
    "name",
    "email",
    "nonResponseEvent",
    "surveyType",
];

/// The record with a tenth of its keys gone or without a value, here and there another status, channel or direction, and its
/// destinations in another order, some twice, some of a type that nobody knows, offers moved from one to another.
fn battered(mut record: Value, rng: &mut Rng) -> Value {
    thin(&mut record, rng);
    let statuses = ["USER ABANDONED", "BotResolved", "ACTIVE", "idle", "Overdue", "", "Dropped"];
    if rng.u8(0..10) == 0 {
        record["finalStatus"] = json!(statuses[rng.usize(0..statuses.len())]);
    }
    if rng.u8(0..10) == 0 {
        let channels = [" AgentAssist Voice", "\u{a0}AgentAssist", "AGENTASS\u{130}ST"];
        record["channel"] = json!(channels[rng.usize(0..channels.len())]);
    }
    if rng.u8(0..20) == 0 {
        record["Direction"] = json!("Inbound\u{a0}");
    }
    if let Some(destinations) = record.get_mut("destinations").and_then(Value::as_array_mut) {
        let again: Vec<Value> = destinations.iter().filter(|_| rng.u8(0..4) == 0).cloned().collect();
        destinations.extend(again);
        rng.shuffle(destinations);
        let offers: Vec<Value> =
            destinations.iter().map(|destination| destination["nonRespondingAgents"].clone()).collect();
        for (destination, offers) in destinations.iter_mut().zip(offers.into_iter().rev()) {
            match rng.u8(0..16) {
                0 => destination["destinationType"] = json!("Bot"),
                1 | 2 if offers.is_array() => destination["nonRespondingAgents"] = offers,
                _ => {}
            }
        }
    }
    record
}

fn thin(value: &mut Value, rng: &mut Rng) {
    match value {
        Value::Object(members) => {
            members.retain(|key, _| !MAY_LACK.contains(&key.as_str()) || rng.u8(0..10) > 0);
            for (key, member) in members.iter_mut() {
                if member.is_string() && MAY_BE_EMPTY.contains(&key.as_str()) && rng.u8(0..10) == 0 {
                    *member = json!("");
                }
                thin(member, rng);
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(|element| thin(element, rng)),
        _ => {}
    }
}

#[test]
fn reports_agree_where_anything_may_be_missing_or_out_of_order() {
    run(async {
        let (folder, lake) = new_lake();
        let mut rng = Rng::with_seed(7);
        let records = truth(&Generator::new(settings(4, "acme", 250)).unwrap());
        let records: Vec<Value> = records.into_iter().map(|record| battered(record, &mut rng)).collect();
        replay_page(&lake, folder.path(), "acme", &records).await;
        let known = Known::new(folder, &lake, contacts("acme", &records), Reach::new()).await;
        known.agrees_on_contacts().await;
        known.agrees_on_the_whole().await;
    });
}
