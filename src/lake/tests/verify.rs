//! What `verify` finds between objects and ledger, and that a good lake has no findings.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::json;

use super::crash::{first_read, second_read};
use super::spoil::*;
use super::support::*;
use crate::clock::UtcTime;
use crate::lake::{Clock, Finding, FindingKind, RunState, Severity, Writer, WriterSettings, rebuild_ledger};

/// A writer elsewhere that is at work: `work` is done in the middle of each look at the account.
fn while_looking(lake: &TestLake, work: impl Fn(usize) + Send + Sync + 'static) -> Clock {
    let now = UtcTime::now();
    let lock = json!({"host": "elsewhere", "pid": 7, "run_id": "run-7", "heartbeat": now.to_string()});
    lake.write("_kore_lake/locks/acc-1/0000000001", lock.to_string().as_bytes());
    let looks = AtomicUsize::new(0);
    Arc::new(move || {
        work(looks.fetch_add(1, Ordering::Relaxed));
        now
    })
}

const LEFTOVER: &str = "conversations/account_id=acc-1/session_date=2026-03-02/_conversations.parquet.1-0.tmp";

fn kinds(findings: &[Finding]) -> Vec<FindingKind> {
    findings.iter().map(|finding| finding.kind).collect()
}

#[tokio::test]
async fn a_good_lake_has_no_findings_and_its_rows_are_counted() {
    let lake = good_lake().await;
    let report = verify(&lake).await;
    assert_eq!(report.findings, []);
    assert_eq!((report.accounts.len(), report.days, report.rows), (1, 2, 5));
    let bytes: u64 = lake.objects().values().map(|(bytes, _)| bytes.len() as u64).sum();
    // Two days; runs, days, windows, rejects.
    assert_eq!((report.bytes, report.objects), (bytes, 6));
    assert!(!report.fails(true));
    assert_eq!(serde_json::to_value(&report).unwrap()["rows"], 5);
}

#[tokio::test]
async fn rows_replayed_changed_superseded_and_moved_leave_no_findings() {
    let lake = TestLake::new();
    lake.run(first_read()).await;
    lake.run(second_read()).await;
    lake.replay(&[row(2, "b"), row(9, "f").alone(), row(DAY, "d").hash(4).fetched(99)]).await;
    lake.replay(&[row(9, "g").fetched(5)]).await;
    assert_eq!(verify(&lake).await.findings, []);
}

#[tokio::test]
async fn what_a_writer_at_work_has_staged_is_no_finding() {
    let lake = good_lake().await;
    let mut writer = lake.writer().await;
    writer.begin(intent()).await.unwrap();
    writer.stage(proven(&[row(5, "x")], 0, 60, 9)).await.unwrap();
    lake.write(LEFTOVER, b"half");
    let report = verify(&lake).await;
    assert_eq!(report.findings, []);
    assert_eq!(report.writers[0].holder.run_id, *writer.run_id());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commits_at_the_same_time_are_no_errors() {
    let lake = good_lake().await;
    let done = Arc::new(AtomicBool::new(false));
    let writing = tokio::spawn({
        let (lake, done) = (lake.lake.clone(), Arc::clone(&done));
        async move {
            for run in 0..12 {
                let mut writer = Writer::open(&lake, TestLake::settings()).await.unwrap();
                writer.begin(intent()).await.unwrap();
                let odd = Row { start: MORNING + DAY * (run % 2), ..row(0, "c").without_time("odd") };
                let rows = [odd.hash(run + 5).fetched(run + 100), row(DAY + 1, "e").hash(run + 5).fetched(run + 100)];
                writer.stage(replayed(&rows)).await.unwrap();
                writer.stage(replayed(&[row(run + 10, "x")])).await.unwrap();
                writer.commit().await.unwrap();
                writer.finish(RunState::Complete, true).await.unwrap();
            }
            done.store(true, Ordering::Relaxed);
        }
    });
    while !done.load(Ordering::Relaxed) {
        let report = verify(&lake).await;
        let errors: Vec<_> = report.errors().collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }
    writing.await.unwrap();
    assert_eq!(verify(&lake).await.findings, []);
}

#[tokio::test]
async fn what_was_replaced_meanwhile_is_looked_at_again() {
    let lake = Arc::new(good_lake().await);
    let changed = Arc::clone(&lake);
    let clock = while_looking(&lake, move |look| {
        if look == 0 {
            spoil(&changed, MONDAY, |rows| drop(rows.pop()));
        }
    });
    let report = lake.lake.verify(Some(&account()), &clock).await.unwrap();
    assert_eq!((report.findings, report.rows, report.writers.len()), (vec![], 4, 1));
}

#[tokio::test]
async fn days_that_never_stand_still_are_named_and_not_compared() {
    let lake = Arc::new(good_lake().await);
    let changed = Arc::clone(&lake);
    let clock = while_looking(&lake, move |look| {
        change_head(&changed, |head| {
            head["days"] = json!({"2026-03-02": {"etag": null, "rows": look, "bytes": 0, "run_id": null}});
        });
    });
    let report = lake.lake.verify(Some(&account()), &clock).await.unwrap();
    assert_eq!(kinds(&report.findings), [FindingKind::StillChanging]);
    assert!(!report.fails(false) && report.rows == 5);
}

#[tokio::test]
async fn a_row_that_the_ledger_counts_and_that_is_gone_is_found() {
    let lake = good_lake().await;
    let mut rows = rows_of(&lake, MONDAY);
    rows.remove(1);
    write_rows(&lake, MONDAY, &decode(&crate::schema::Schema::conversations_arrow(), &rows), |_| {});
    let finding = finding(&lake).await;
    assert_eq!((finding.kind, finding.path.as_str(), finding.count), (FindingKind::RowsDiffer, MONDAY, 1));
    assert_eq!((finding.expected.as_str(), finding.found.as_str()), ("3 rows, as the ledger counts", "2"));
}

#[tokio::test]
async fn a_day_that_the_ledger_knows_and_that_is_gone_is_found() {
    let lake = good_lake().await;
    fs::remove_file(lake.folder.path().join(TUESDAY)).unwrap();
    let finding = finding(&lake).await;
    assert_eq!((finding.kind, finding.path.as_str(), finding.count), (FindingKind::DayGone, TUESDAY, 2));
    assert_eq!(finding.session_date.unwrap().to_string(), "2026-03-03");
}

#[tokio::test]
async fn a_day_that_the_ledger_does_not_know_is_found() {
    let lake = good_lake().await;
    change_head(&lake, |head| drop(head["days"].as_object_mut().unwrap().remove("2026-03-03")));
    let (kind, path, _) = found(&lake).await;
    assert_eq!((kind, path.as_str()), (FindingKind::DayUnknown, TUESDAY));
}

#[tokio::test]
async fn an_object_that_is_another_than_the_ledgers_is_an_error_and_a_copy_of_it_is_not() {
    let lake = good_lake().await;
    let good = fs::read(lake.folder.path().join(MONDAY)).unwrap();
    let rows = decode(&crate::schema::Schema::conversations_arrow(), &rows_of(&lake, MONDAY));
    write_rows(&lake, MONDAY, &rows, |_| {});
    let finding = finding(&lake).await;
    assert_eq!((finding.kind, finding.severity), (FindingKind::ObjectReplaced, Severity::Error));
    fs::remove_file(lake.folder.path().join(MONDAY)).unwrap();
    lake.write(MONDAY, &good);
    let copied = super::spoil::finding(&lake).await;
    assert_eq!((copied.kind, copied.severity), (FindingKind::ObjectReplaced, Severity::Warning));
}

#[tokio::test]
async fn files_that_are_none_of_the_lakes_are_found_and_leftovers_are_not() {
    let lake = good_lake().await;
    let strays = [
        "_kore_lake/ledger/accounts/account_id=acc-1/head.json.bak",
        "_kore_lake/locks/acc-1/notes",
        "_kore_lake/rejects/account_id=acc-1/zz.ndjson",
        "_kore_lake/staging/acc-1/run/notes.txt",
        "conversations/account_id=acc-1/session_date=2026-03-02/part-0.parquet",
        "conversations/account_id=acc-1/session_date=2026-3-2/conversations.parquet",
    ];
    for stray in strays {
        lake.write(stray, b"stray");
    }
    lake.write(LEFTOVER, b"half");
    let report = verify(&lake).await;
    let paths: Vec<_> = report.findings.iter().map(|finding| (finding.kind, finding.path.as_str())).collect();
    assert_eq!(paths, strays.map(|path| (FindingKind::StrayFile, path)));
    assert!(report.findings.iter().all(|finding| finding.account_id == Some(account())));
}

#[tokio::test]
async fn files_of_no_account_are_found_where_all_are_looked_at() {
    let lake = good_lake().await;
    let strays = ["_kore_lake/cache/x", "conversations/notes.txt", "conversations/other/notes.txt"];
    for stray in strays {
        lake.write(stray, b"stray");
    }
    assert_eq!(verify(&lake).await.findings, []);
    let report = lake.lake.verify(None, &clock()).await.unwrap();
    assert_eq!(report.findings.iter().map(|finding| finding.path.as_str()).collect::<Vec<_>>(), strays);
    assert_eq!(report.accounts, [account()]);
}

#[tokio::test]
async fn staging_that_no_run_committed_and_an_intent_left_open_are_told_of() {
    let lake = good_lake().await;
    let mut writer = lake.writer().await;
    writer.begin(intent()).await.unwrap();
    writer.stage(proven(&[row(5, "x")], 0, 60, 9)).await.unwrap();
    writer.finish(RunState::Stopped, false).await.unwrap();
    let report = verify(&lake).await;
    assert_eq!(kinds(&report.findings), [FindingKind::OpenIntent, FindingKind::UnfinishedStaging]);
    assert!(!report.fails(false) && report.fails(true));
    assert_eq!((report.findings[1].path.as_str(), report.findings[1].count), ("_kore_lake/staging/acc-1", 1));
    lake.run(vec![]).await;
    assert_eq!(verify(&lake).await.findings, []);
}

#[tokio::test]
async fn a_staged_object_that_cannot_be_read_is_an_error() {
    let lake = good_lake().await;
    let path = "_kore_lake/staging/acc-1/run-1/00000000.arrow";
    lake.write(path, b"no arrow");
    let (kind, at, _) = found(&lake).await;
    assert_eq!((kind, at.as_str()), (FindingKind::CorruptObject, path));
}

#[tokio::test]
async fn a_ledger_that_is_gone_or_cannot_be_read_is_found() {
    let lake = good_lake().await;
    let good = fs::read(lake.folder.path().join(HEAD)).unwrap();
    lake.write(HEAD, &good[..good.len() / 2]);
    assert_eq!(found(&lake).await.0, FindingKind::LedgerCorrupt);
    fs::remove_file(lake.folder.path().join(HEAD)).unwrap();
    let finding = finding(&lake).await;
    assert_eq!((finding.kind, finding.path.as_str()), (FindingKind::LedgerMissing, HEAD));
    assert!(finding.action.contains("verify --rebuild-ledger"), "{}", finding.action);
    lake.write(HEAD, &good);
    change_head(&lake, |head| head["schema_version"] = json!(0));
    let older = super::spoil::finding(&lake).await;
    assert_eq!((older.kind, older.action), (FindingKind::OtherSchema, "run `migrate`"));
}

#[tokio::test]
async fn a_table_a_reject_or_a_lock_that_cannot_be_read_is_found() {
    let lake = good_lake().await;
    let files = lake.files("_kore_lake").into_iter().filter(|path| path.ends_with(".ndjson"));
    let files: Vec<_> = files.chain(["_kore_lake/locks/acc-1/0000000007".to_owned()]).collect();
    assert_eq!(files.len(), 5);
    for path in files {
        let file = lake.folder.path().join(&path);
        let good = fs::read(&file).unwrap_or_default();
        lake.write(&path, b"{\"run_id\":");
        let (kind, at, _) = found(&lake).await;
        assert_eq!((kind, at), (FindingKind::LedgerCorrupt, path));
        fs::write(file, good).unwrap();
    }
}

#[tokio::test]
async fn rows_of_an_account_in_the_folder_of_another_are_found() {
    let lake = good_lake().await;
    let settings = WriterSettings { account: "acc-2".parse().unwrap(), ..TestLake::settings() };
    let mut writer = Writer::open(&lake.lake, settings).await.unwrap();
    writer.begin(intent()).await.unwrap();
    writer.stage(replayed(&[row(1, "theirs")])).await.unwrap();
    writer.commit().await.unwrap();
    writer.finish(RunState::Complete, true).await.unwrap();
    let theirs = lake.folder.path().join(MONDAY.replace("acc-1", "acc-2"));
    fs::copy(theirs, lake.folder.path().join(MONDAY)).unwrap();
    acknowledge(&lake);
    let report = verify(&lake).await;
    let other = report.findings.iter().find(|finding| finding.kind == FindingKind::OtherAccount).unwrap();
    assert!(other.path == MONDAY && other.found.ends_with("of `acc-2`"), "{other}");
    let all = lake.lake.verify(None, &clock()).await.unwrap();
    assert!(all.findings.iter().all(|finding| finding.account_id == Some(account())));
}

#[tokio::test]
async fn an_account_that_the_lake_does_not_have_is_no_good_account() {
    let lake = good_lake().await;
    let report = lake.lake.verify(Some(&"acc-9".parse().unwrap()), &clock()).await.unwrap();
    assert_eq!(kinds(&report.findings), [FindingKind::UnknownAccount]);
    assert!(report.fails(false));
}

#[tokio::test]
async fn a_finding_says_what_was_expected_what_was_found_and_of_which_rows() {
    let lake = good_lake().await;
    let session = |second| row(second, "").session;
    spoil(&lake, MONDAY, |rows| {
        for row in rows.iter_mut().take(2) {
            row["_flags"] = json!(["start_differs"]);
            row["session_start_time"] = json!("2026-03-02T08:00:00Z");
        }
        rows[0]["session_id"] = json!(session(7));
        rows[1]["session_id"] = json!(session(8));
    });
    let text = finding(&lake).await.to_string();
    let expected = format!(
        "`{MONDAY}`: expected clocks that agree, found 2 rows flagged `start_differs`: `{}`/`a`, `{}`",
        session(7),
        session(8),
    );
    assert_eq!(text, expected);
}

#[test]
fn a_proof_can_move_between_threads() {
    fn sendable(lake: &TestLake, clock: &Clock) -> impl Send {
        (lake.lake.verify(None, clock), rebuild_ledger(&lake.lake, TestLake::settings()))
    }
    let _ = sendable;
}
