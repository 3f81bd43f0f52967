//! The ledger's documents, and lakes that cannot be taken.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::support::*;
use crate::lake::{Lake, LakeError, LakeErrorKind, LakeUrl, RunState, StagedWindow, StoreSettings, Writer};
use crate::schema::ApiVersion;

const HEAD: &str = "_kore_lake/ledger/accounts/account_id=acc-1/head.json";

async fn opening(lake: &TestLake) -> LakeError {
    Writer::open(&lake.lake, TestLake::settings()).await.unwrap_err()
}

#[tokio::test]
async fn columns_of_the_tables_are_those_declared() {
    let lake = TestLake::new();
    let window = StagedWindow { rejects: vec![reject("{}", 7)], ..proven(&[row(1, "a")], 0, 60, 0) };
    lake.run(vec![window]).await;
    let declared: Value = serde_json::from_str(include_str!("../../../schemas/ledger.json")).unwrap();
    for table in declared["tables"].as_array().unwrap() {
        let name = table["name"].as_str().unwrap();
        let folder =
            if name == "rejects" { "_kore_lake/rejects".to_owned() } else { format!("_kore_lake/ledger/{name}") };
        let names: BTreeSet<_> =
            table["columns"].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap()).collect();
        let lines = lake.lines(&folder);
        assert!(!lines.is_empty(), "{name}");
        for line in &lines {
            assert_eq!(line.as_object().unwrap().keys().map(String::as_str).collect::<BTreeSet<_>>(), names, "{name}");
        }
    }
}

#[tokio::test]
async fn a_run_is_written_open_and_closed_once_with_its_sums() {
    let lake = TestLake::new();
    let mut writer = lake.writer().await;
    writer.begin(intent()).await.unwrap();
    let state = || lake.lines("_kore_lake/ledger/runs")[0]["state"].clone();
    assert_eq!(state(), "open");
    assert!(lake.lake.head(&account()).await.unwrap().unwrap().stream(Some(&stream())).unwrap().intent.is_some());
    writer.stage(proven(&[row(1, "a"), row(DAY, "b")], 0, 60, 0)).await.unwrap();
    writer.commit().await.unwrap();
    let run = writer.finish(RunState::Complete, true).await.unwrap().unwrap();
    assert_eq!((run.rows_new, run.windows, run.days_written), (2, 1, 2));
    assert_eq!(state(), "complete");
    let head = lake.lake.head(&account()).await.unwrap().unwrap();
    assert!(head.stream(Some(&stream())).unwrap().intent.is_none());
    assert_eq!(head.days.values().map(|day| day.rows).sum::<u64>(), 2);
    assert_eq!(lake.lake.accounts().await.unwrap(), [account()]);
}

#[tokio::test]
async fn a_window_not_read_whole_is_owed_until_it_is() {
    let lake = TestLake::new();
    let mut window = proven(&[row(1, "a")], 0, 60, 0);
    window.proof.as_mut().unwrap().whole = false;
    lake.run(vec![window]).await;
    let owed =
        async || lake.lake.head(&account()).await.unwrap().unwrap().stream(Some(&stream())).unwrap().owed.clone();
    assert_eq!(owed().await[0].range, seconds(0, 60));
    lake.run(vec![proven(&[], 0, 20, 9)]).await;
    assert_eq!(owed().await[0].range, seconds(20, 60));
    lake.run(vec![proven(&[], 20, 60, 9)]).await;
    assert_eq!(owed().await, []);
}

#[tokio::test]
async fn a_window_stays_owed_where_the_proof_is_older_than_the_failed_try() {
    let lake = TestLake::new();
    let mut window = proven(&[row(1, "a")], 0, 60, 50);
    window.proof.as_mut().unwrap().whole = false;
    let tried = lake.run(vec![window]).await;
    assert_eq!(tried.owed[0].range, seconds(0, 60));
    lake.run(vec![proven(&[row(1, "a")], 0, 60, 9)]).await;
    let head = lake.lake.head(&account()).await.unwrap().unwrap();
    assert_eq!(head.stream(Some(&stream())).unwrap().owed, tried.owed);
}

#[tokio::test]
async fn a_request_for_less_than_before_is_refused() {
    let lake = TestLake::new();
    lake.run(vec![proven(&[], 0, 60, 0)]).await;
    let head = lake.lake.head(&account()).await.unwrap().unwrap();
    let skills = BTreeSet::from(["skills".to_owned()]);
    head.check_compatible(ApiVersion::V2, &skills, false).unwrap();
    let less = head.check_compatible(ApiVersion::V2, &BTreeSet::new(), false).unwrap_err();
    assert_eq!(less.kind(), LakeErrorKind::Usage);
    assert!(less.to_string().ends_with("found one without `skills`"), "{less}");
    assert!(matches!(head.check_compatible(ApiVersion::V1, &skills, false), Err(LakeError::ApiDowngrade { .. })));
    head.check_compatible(ApiVersion::V1, &BTreeSet::new(), true).unwrap();
}

#[tokio::test]
async fn a_corrupt_ledger_is_named() {
    let lake = TestLake::new();
    lake.replay(&[row(1, "a")]).await;
    let good = std::fs::read_to_string(lake.folder.path().join(HEAD)).unwrap();
    for (bad, says) in [
        ("{\"ledger_ver".to_owned(), "EOF"),
        (good.replace("\"ledger_version\":1", "\"ledger_version\":2"), "expected ledger version 1, found 2"),
        (good.replace("acc-1", "acc-2"), "expected account `acc-1`, found `acc-2`"),
    ] {
        lake.write(HEAD, bad.as_bytes());
        let error = opening(&lake).await;
        assert_eq!(error.kind(), LakeErrorKind::Unavailable);
        assert!(error.to_string().contains(HEAD) && error.to_string().contains(says), "{error}");
    }
}

#[tokio::test]
async fn a_lost_ledger_beside_partitions_is_refused() {
    let lake = TestLake::new();
    lake.replay(&[row(1, "a")]).await;
    std::fs::remove_file(lake.folder.path().join(HEAD)).unwrap();
    let error = opening(&lake).await;
    assert!(matches!(error, LakeError::LedgerLost { days: 1, .. }), "{error}");
}

#[tokio::test]
async fn another_schema_version_is_refused_both_ways() {
    let lake = TestLake::new();
    lake.replay(&[row(1, "a")]).await;
    let good = std::fs::read_to_string(lake.folder.path().join(HEAD)).unwrap();
    for (version, says) in [(0, "run `migrate`"), (2, "a newer version of the program")] {
        lake.write(HEAD, good.replace("\"schema_version\":1", &format!("\"schema_version\":{version}")).as_bytes());
        let error = opening(&lake).await;
        assert_eq!(error.to_string(), format!("expected schema version 1 in `{HEAD}`, found {version}"));
        assert!(error.hint().unwrap().contains(says), "{error}");
    }
}

#[tokio::test]
async fn a_partition_that_the_ledger_does_not_know_is_read_again() {
    let lake = TestLake::new();
    lake.replay(&[row(1, "a")]).await;
    let good = std::fs::read_to_string(lake.folder.path().join(HEAD)).unwrap();
    let mut head: Value = serde_json::from_str(&good).unwrap();
    head["days"] = json!({"2026-03-02": {"etag": "other", "rows": 99, "bytes": 1, "run_id": null}});
    lake.write(HEAD, head.to_string().as_bytes());
    let writer = lake.writer().await;
    assert_eq!(writer.head().days.values().map(|day| day.rows).collect::<Vec<_>>(), [1]);
}

#[test]
fn urls_name_folders() {
    for good in ["lake", "./lake", "/data/lake", "file:///data/lake"] {
        assert!(good.parse::<LakeUrl>().unwrap().folder().unwrap().is_absolute(), "{good}");
    }
    for bad in ["", "gs://bucket", "file://host/lake"] {
        assert!(matches!(bad.parse::<LakeUrl>(), Err(LakeError::Url { .. })), "{bad}");
    }
}

#[tokio::test]
async fn a_lake_that_cannot_be_is_named() {
    let open = async |url| Lake::open_existing(&url, &StoreSettings::default()).await;
    let create = async |url| Lake::create(&url, &StoreSettings::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let url = |path: &std::path::Path| path.to_str().unwrap().parse::<LakeUrl>().unwrap();
    let absent = url(&folder.path().join("none"));
    assert!(matches!(open(absent).await, Err(LakeError::Absent { .. })));
    assert!(matches!(open(url(folder.path())).await, Err(LakeError::Absent { .. })));
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    for path in [file.clone(), file.join("lake")] {
        assert!(matches!(create(url(&path)).await, Err(LakeError::NotAFolder { path }) if path == file));
    }
    assert!(matches!(open(url(&file)).await, Err(LakeError::NotAFolder { .. })));
    let error = create(url(std::path::Path::new("/proc/lake"))).await.unwrap_err();
    assert!(matches!(error, LakeError::Folder { .. }), "{error}");
    assert_eq!(error.kind(), LakeErrorKind::Unavailable);
}
