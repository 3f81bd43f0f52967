//! A week loaded from the simulator is the simulator's own truth, field by field.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kore_lake::clock::{TimeRange, UtcTime, object_id_time};
use kore_lake::error::Kind;
use kore_lake::lake::{Coverage, Lake};
use kore_lake::pipeline::{LoadRequest, ReplayRequest, Stop, Summary, Unwatched, load, replay};
use kore_lake::schema::ApiVersion;
use kore_lake::simulator::GeneratorSettings;
use kore_lake::source::{BareDefaults, Manifest};
use serde_json::{Value, json};

use crate::centre::{Centre, MEMORY_BYTES, lake_in, run, whole};
use crate::contents::{StoredRow, objects, rows};
use crate::record::{leaves, normal};

/// Columns that say when and by which run a row was read.
const OF_THE_READ: [&str; 2] = ["_fetched_at", "_run_id"];

type Records = BTreeMap<(String, Option<String>), Value>;

/// Normal forms by key.
fn keyed<'a>(records: impl IntoIterator<Item = &'a Value>) -> Records {
    let id = |record: &Value, key: &str| record[key].as_str().map(str::to_owned);
    let mut keyed = Records::new();
    for record in records {
        let key = (id(record, "sessionId").unwrap(), id(record, "conversationId"));
        assert!(keyed.insert(key, normal(record, 0)).is_none(), "a key stands twice");
    }
    keyed
}

fn assert_same_records(truth: &[Value], stored: &[StoredRow]) {
    let (truth, stored) = (keyed(truth), keyed(stored.iter().map(|row| &row.record)));
    assert!(truth.keys().eq(stored.keys()), "{} records, {} rows", truth.len(), stored.len());
    for (key, record) in &truth {
        assert_eq!(record, &stored[key], "{key:?}");
    }
}

/// What every row says about its read, and where it lies.
fn assert_placed(stored: &[StoredRow], centre: &Centre, api: ApiVersion, summary: &Summary) {
    let (started, ended) = (summary.started_at, UtcTime::now());
    for row in stored {
        let fetched_at: UtcTime = row.text("_fetched_at").parse().unwrap();
        assert!(started <= fetched_at && fetched_at <= ended, "{fetched_at}");
        let start = object_id_time(row.text("session_id")).unwrap();
        assert_eq!(row.text("session_date"), start.date().to_string());
        assert_eq!(row.text("session_start_time").parse::<UtcTime>().unwrap(), start);
        let asked = [row.text("account_id"), row.text("_stream_id"), row.text("_api_version"), row.text("_run_id")];
        let expected =
            [centre.account().to_string(), centre.stream().to_string(), api.to_string(), summary.run_id.to_string()];
        assert_eq!(asked, expected.each_ref().map(String::as_str));
        assert_eq!((&row.columns["_time_zone_offset"], &row.columns["_flags"]), (&json!(0), &json!([])));
    }
}

fn a_week_equals_the_truth(api: ApiVersion) {
    run(async move {
        let (centre, folder) = (Centre::of_a_week().await, tempfile::tempdir().unwrap());
        let lake = lake_in(folder.path());
        let truth = centre.truth(api, centre.range());
        let summary = centre.load(&lake, &centre.request(api)).await;
        let stored = rows(&lake).await;
        assert_same_records(&truth, &stored);
        assert_placed(&stored, &centre, api, &summary);

        let count = u64::try_from(truth.len()).unwrap();
        let counted = [summary.rows.new, summary.rows.changed, summary.rows.unchanged, summary.rows.superseded];
        assert_eq!(counted, [count, 0, 0, 0]);
        assert_eq!((summary.rejects.distinct, summary.unreadable.len()), (0, 0));
        assert_eq!((summary.windows, summary.days.written), (7, 7));
        assert_eq!((summary.requests, summary.ideal_requests), (centre.requests(), count.div_ceil(100)));
        assert!(summary.requests <= summary.ideal_requests + 7, "one page more a window, at the most: {summary:?}");
    });
}

#[test]
fn a_week_of_v1_equals_the_truth() {
    a_week_equals_the_truth(ApiVersion::V1);
}

#[test]
fn a_week_of_v2_equals_the_truth() {
    a_week_equals_the_truth(ApiVersion::V2);
}

#[test]
fn windows_too_full_for_their_pages_are_split_until_nothing_is_missing() {
    run(async {
        let data = GeneratorSettings { days: 1, conversations_per_day: 9_000, ..GeneratorSettings::default() };
        let (centre, folder) = (Centre::open(data).await, tempfile::tempdir().unwrap());
        let lake = lake_in(folder.path());
        // The hour from nine to ten alone has more than a window may show.
        let range = |from: &str, to: &str| TimeRange::new(from.parse().unwrap(), to.parse().unwrap()).unwrap();
        let hour = range("2026-03-02T09:00:00Z", "2026-03-02T10:00:00Z");
        assert!(centre.truth(ApiVersion::V2, hour).len() > 1_100);
        // The simulator includes the last second of a window (F17).
        let truth = centre.truth(ApiVersion::V2, range("2026-03-02T08:00:00Z", "2026-03-02T10:00:01Z"));
        let asked = range("2026-03-02T08:00:00Z", "2026-03-02T10:00:00Z");
        let summary = centre.load(&lake, &LoadRequest { range: Some(asked), ..centre.request(ApiVersion::V2) }).await;
        assert_same_records(&truth, &rows(&lake).await);
        assert!(summary.windows >= 3, "{summary:?}");
        assert_eq!(coverage(&lake, &centre).await.gaps(asked), []);
    });
}

#[test]
fn no_lost_or_changed_value_has_the_same_normal_form() {
    run(async {
        let centre = Centre::of_a_week().await;
        let truth = centre.truth(ApiVersion::V2, centre.range());
        for record in truth.iter().step_by(40) {
            let before = normal(record, 0);
            for path in leaves(record) {
                let mut changed = record.clone();
                *changed.pointer_mut(&path).unwrap() = json!("something else");
                assert_ne!(before, normal(&changed, 0), "{path} changed");
                let mut lost = record.clone();
                lose(&mut lost, &path);
                // Of two names of the reason one may be empty: that says nothing.
                assert!(before != normal(&lost, 0) || path == "/statusDetail", "{path} lost");
            }
        }
    });
}

fn lose(record: &mut Value, path: &str) {
    let (parent, name) = path.rsplit_once('/').unwrap();
    let name = name.replace("~1", "/").replace("~0", "~");
    match record.pointer_mut(parent).unwrap() {
        Value::Object(members) => drop(members.remove(&name)),
        Value::Array(elements) => drop(elements.remove(name.parse().unwrap())),
        _ => unreachable!("a path leads through objects and lists"),
    }
}

#[test]
fn a_second_load_changes_no_object() {
    run(async {
        let (centre, folder) = (Centre::of_a_week().await, tempfile::tempdir().unwrap());
        let lake = lake_in(folder.path());
        let request = centre.request(ApiVersion::V2);
        let first = centre.load(&lake, &request).await;
        let before = objects(folder.path());
        let second = centre.load(&lake, &request).await;
        assert_eq!((second.rows.unchanged, second.rows.new, second.rows.changed), (first.rows.new, 0, 0));
        assert_eq!((second.days.written, second.days.unchanged), (0, 7));
        assert!(before == objects(folder.path()), "objects were written again");
    });
}

#[test]
fn neither_windows_nor_order_nor_concurrency_change_a_row() {
    run(async {
        let (centre, folder) = (Centre::of_a_week().await, tempfile::tempdir().unwrap());
        let usual = centre.request(ApiVersion::V2);
        let part = |from: &str, to: &str| TimeRange::new(from.parse().unwrap(), to.parse().unwrap()).unwrap();
        let manners = [
            vec![usual.clone()],
            vec![LoadRequest { window: Duration::from_secs(7 * 3_600 + 13), concurrency: 1, ..usual.clone() }],
            vec![LoadRequest { window: Duration::from_hours(24 * 7 - 1), concurrency: 16, ..usual.clone() }],
            // Later days first, and a stretch twice.
            vec![
                LoadRequest { range: Some(part("2026-03-05T11:00:00Z", "2026-03-09")), ..usual.clone() },
                LoadRequest { range: Some(part("2026-03-02", "2026-03-06")), concurrency: 2, ..usual },
            ],
        ];
        let mut read = Vec::new();
        for (number, requests) in manners.iter().enumerate() {
            let lake = lake_in(&folder.path().join(number.to_string()));
            for request in requests {
                centre.load(&lake, request).await;
            }
            read.push(of_any_read(rows(&lake).await));
        }
        assert!(read.iter().all(|other| *other == read[0]), "a row depends on how it was read");
    });
}

fn of_any_read(rows: Vec<StoredRow>) -> Vec<StoredRow> {
    rows.into_iter().map(|row| row.without(&OF_THE_READ)).collect()
}

#[test]
fn a_load_of_v2_upgrades_one_of_v1_and_not_the_other_way_round() {
    run(async {
        let (centre, folder) = (Centre::of_a_week().await, tempfile::tempdir().unwrap());
        let (both, only_v2) = (lake_in(&folder.path().join("both")), lake_in(&folder.path().join("v2")));
        let (v1, v2) = (centre.request(ApiVersion::V1), centre.request(ApiVersion::V2));
        centre.load(&both, &v1).await;
        let upgrade = centre.load(&both, &v2).await;
        let fresh = centre.load(&only_v2, &v2).await;
        assert_eq!(upgrade.rows.changed + upgrade.rows.unchanged, fresh.rows.new);
        assert_same_records(&centre.truth(ApiVersion::V2, centre.range()), &rows(&both).await);

        let before = objects(&folder.path().join("both"));
        let refused = load(&both, centre.client(), &v1, &Unwatched, Stop::never()).await;
        assert_eq!(refused.error.unwrap().kind(), Kind::Usage);
        assert!(before == objects(&folder.path().join("both")));
    });
}

#[test]
fn two_accounts_lie_side_by_side() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let lake = lake_in(folder.path());
        let of = |account: &str, seed| GeneratorSettings {
            account_id: account.to_owned(),
            seed,
            days: 2,
            conversations_per_day: 150,
            ..GeneratorSettings::default()
        };
        let centres = [Centre::open(of("0012", 1)).await, Centre::open(of("12", 2)).await];
        for centre in &centres {
            centre.load(&lake, &centre.request(ApiVersion::V2)).await;
        }
        let stored = rows(&lake).await;
        for centre in &centres {
            let account = centre.account();
            let own: Vec<_> = stored.iter().filter(|row| row.text("account_id") == account.as_str()).cloned().collect();
            assert_same_records(&centre.truth(ApiVersion::V2, centre.range()), &own);
        }
        let before = objects(folder.path());
        centres[1].load(&lake, &centres[1].request(ApiVersion::V2)).await;
        assert!(before == objects(folder.path()));
    });
}

/// A lake loaded with its pages saved, and the folder of the pages.
async fn saved_week(centre: &Centre, folder: &Path) -> (Lake, PathBuf) {
    let (lake, pages) = (lake_in(&folder.join("loaded")), folder.join("pages"));
    let request = LoadRequest { save_pages: Some(pages.clone()), ..centre.request(ApiVersion::V2) };
    let summary = centre.load(&lake, &request).await;
    (lake, pages.join(summary.run_id.as_str()))
}

async fn replayed(folder: &Path, lake: &Lake) -> Summary {
    let request = ReplayRequest {
        paths: vec![folder.to_owned()],
        bare: BareDefaults::default(),
        allow_downgrade: false,
        wait_lock: Duration::ZERO,
        memory_limit_bytes: MEMORY_BYTES,
        strict: false,
    };
    whole(replay(lake, &request, &Unwatched, Stop::never()).await)
}

async fn coverage(lake: &Lake, centre: &Centre) -> Coverage {
    let head = lake.head(&centre.account()).await.unwrap().unwrap();
    head.stream(Some(&centre.stream())).map(|stream| stream.coverage.clone()).unwrap_or_default()
}

fn page_files(folder: &Path) -> BTreeSet<PathBuf> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.file_name().unwrap() != "manifest.json").collect()
}

fn records_of(page: &Path) -> Vec<Value> {
    let page: Value = serde_json::from_slice(&fs::read(page).unwrap()).unwrap();
    page["body"]["data"].as_array().unwrap().clone()
}

#[test]
fn replayed_pages_give_the_same_rows_and_with_their_manifest_the_same_proof() {
    run(async {
        let (centre, folder) = (Centre::of_a_week().await, tempfile::tempdir().unwrap());
        let (loaded, pages) = saved_week(&centre, folder.path()).await;
        let second = folder.path().join("replayed");
        let lake = lake_in(&second);
        let summary = replayed(&pages, &lake).await;
        let of_any_run =
            |rows: Vec<StoredRow>| rows.into_iter().map(|row| row.without(&["_run_id"])).collect::<Vec<_>>();
        let stored = rows(&lake).await;
        assert!(stored.iter().all(|row| row.text("_run_id") == summary.run_id.as_str()));
        assert!(of_any_run(stored) == of_any_run(rows(&loaded).await), "a replayed row differs");

        assert_eq!(coverage(&lake, &centre).await.gaps(centre.range()), []);
        let fetched_at = rows(&lake).await.iter().map(|row| row.text("_fetched_at").parse().unwrap()).min();
        let read_at = coverage(&lake, &centre).await.stretches().iter().map(|proven| proven.read_at).min();
        assert_eq!((read_at, read_at.is_some()), (fetched_at, true));

        let before = objects(&second);
        let again = replayed(&pages, &lake).await;
        assert_eq!((again.rows.unchanged, again.days.written), (summary.rows.new, 0));
        assert!(before == objects(&second), "objects were written again");
    });
}

#[test]
fn a_window_one_of_whose_pages_is_gone_is_not_proven() {
    run(async {
        let (centre, folder) = (Centre::of_a_week().await, tempfile::tempdir().unwrap());
        let (_, pages) = saved_week(&centre, folder.path()).await;
        let proven = Manifest::read(&pages).unwrap().unwrap().windows;
        let spoiled = proven.iter().find(|window| window.pages.len() > 1).expect("a window of several pages");
        fs::remove_file(pages.join(&spoiled.pages[0])).unwrap();
        let lake = lake_in(&folder.path().join("replayed"));
        let summary = replayed(&pages, &lake).await;
        assert_eq!(summary.windows, u64::try_from(proven.len()).unwrap() - 1);
        assert_eq!(coverage(&lake, &centre).await.gaps(centre.range()), [spoiled.window.range()]);
        let left = page_files(&pages).iter().flat_map(|file| records_of(file)).collect::<Vec<_>>();
        let left: BTreeSet<_> = left.iter().map(|record| record["sessionId"].as_str().unwrap()).collect();
        let truth = centre.truth(ApiVersion::V2, centre.range());
        let truth = truth.into_iter().filter(|record| left.contains(record["sessionId"].as_str().unwrap()));
        assert!(left.len() < centre.truth(ApiVersion::V2, centre.range()).len(), "the page had rows of its own");
        assert_same_records(&truth.collect::<Vec<_>>(), &rows(&lake).await);
    });
}

#[test]
fn pages_without_a_manifest_prove_nothing() {
    run(async {
        let (centre, folder) = (Centre::of_a_week().await, tempfile::tempdir().unwrap());
        let (_, pages) = saved_week(&centre, folder.path()).await;
        fs::remove_file(pages.join("manifest.json")).unwrap();
        let lake = lake_in(&folder.path().join("replayed"));
        replayed(&pages, &lake).await;
        assert_same_records(&centre.truth(ApiVersion::V2, centre.range()), &rows(&lake).await);
        assert_eq!(coverage(&lake, &centre).await, Coverage::default());
    });
}

#[test]
fn every_request_asks_in_utc() {
    run(async {
        let (centre, folder) = (Centre::of_a_week().await, tempfile::tempdir().unwrap());
        let (_, pages) = saved_week(&centre, folder.path()).await;
        let files = page_files(&pages);
        assert!(files.len() > 7);
        for file in files {
            let page: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
            assert_eq!(page["request"]["body"]["timeZoneOffset"], 0);
        }
    });
}
