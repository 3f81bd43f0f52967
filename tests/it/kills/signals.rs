//! SIGTERM and SIGINT: a run stops cleanly within 5 s whatever it waits for; the next goes on from there.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use kore_lake::pipeline::GRACE;

use crate::loaded::Contents;
use crate::program::{Ran, Running};
use crate::s3::program::OnS3;
use crate::service::{Service, wait_until};

const SOON: Duration = Duration::from_secs(5);

/// Sends the signal, and demands the exit code of it, soon.
fn stopped_soon(running: Running, signal: &str) -> Ran {
    let code = if signal == "INT" { 130 } else { 143 };
    let asked = Instant::now();
    running.signal(signal);
    let ran = running.ended();
    let took = asked.elapsed();
    assert!(took < SOON, "took {took:?}: {ran}");
    assert_eq!(ran.code, code, "{ran}");
    ran
}

fn staged(folder: &Path) -> BTreeSet<String> {
    let files = Contents::of(&folder.join("lake/_kore_lake/staging"));
    files.files().map(|(path, _)| path.file_name().unwrap().to_str().unwrap().to_owned()).collect()
}

#[test]
fn a_load_that_was_stopped_keeps_what_was_staged_and_the_next_goes_on_from_there() {
    for signal in ["TERM", "INT"] {
        let folder = tempfile::tempdir().unwrap();
        let quick = Service::small();
        let line = |service: &Service| format!("{} --window 2h -q", service.load_line());
        assert_eq!(quick.program(tempfile::tempdir().unwrap().path(), &line(&quick)).run().code, 0);
        let undisturbed = quick.running().requests();
        let slow = Service::start(|settings| settings.latency = Some(Duration::from_millis(100)));
        let running = slow.program(folder.path(), &line(&slow)).start();
        wait_until("three windows are staged", || staged(folder.path()).len() >= 3);
        let asked = stopped_soon(running, signal);
        let kept = staged(folder.path());
        assert!(kept.len() >= 3, "{kept:?} is staged: {asked}");
        let before = slow.running().requests();
        let next = Service::small();
        let ran = next.program(folder.path(), &line(&next)).run();
        assert_eq!((ran.code, staged(folder.path()).len()), (0, 0), "{ran}");
        // What was under way is asked for again: one window, and what shows its end.
        let all = before + next.running().requests();
        assert!(all <= undisturbed + 12, "{before} requests, then {all} in all; undisturbed {undisturbed}");
        let status = next.program(folder.path(), "verify --strict").run();
        assert_eq!(status.code, 0, "{status}");
    }
}

#[test]
fn a_run_stops_soon_whatever_it_waits_for() {
    let folder = tempfile::tempdir().unwrap();
    let stalling = Service::start(|settings| settings.latency = Some(Duration::from_mins(10)));
    let running = stalling.program(folder.path(), &stalling.load_line()).start();
    wait_until("the intent is written", || {
        !Contents::of(&folder.path().join("lake/_kore_lake/ledger/runs")).is_empty()
    });
    let waiting = stalling.program(folder.path(), &format!("{} --wait-lock 1h", stalling.load_line())).start();
    waiting.wait_for_handlers();
    std::thread::sleep(Duration::from_millis(500)); // until it waits for the lock; too early is another wait
    stopped_soon(waiting, "INT");
    stopped_soon(running, "TERM");

    let limited = Service::small();
    let folder = tempfile::tempdir().unwrap();
    let line = limited.load_line().replace("--rate 0", "--rate 1 --window 1h");
    let running = limited.program(folder.path(), &line).start();
    limited.wait_for_requests(1);
    stopped_soon(running, "TERM");

    let unreachable = limited.load_line().replace(&limited.running().base_url(), "http://127.0.0.1:1");
    let folder = tempfile::tempdir().unwrap();
    let running = limited.program(folder.path(), &unreachable).start();
    wait_until("the intent is written", || {
        !Contents::of(&folder.path().join("lake/_kore_lake/ledger/runs")).is_empty()
    });
    stopped_soon(running, "TERM");
}

/// Commands that only read end as they would without a handler.
#[test]
fn a_query_without_end_stops_soon() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::small();
    assert_eq!(service.program(folder.path(), &service.load_line()).run().code, 0);
    let endless = "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT 1 AS i FROM n) SELECT count(*) FROM n";
    let running = service.program(folder.path(), "query -c").arg(endless).start();
    running.wait_for_handlers();
    std::thread::sleep(Duration::from_secs(1)); // until it reads; too early is stopped too
    stopped_soon(running, "INT");
}

const KEYS: &str = "SELECT session_id, conversation_id FROM conversations ORDER BY 1, 2";

/// A load that has come to the request from which on the store hangs.
fn load_into_hanging(on_s3: &OnS3, method: &'static str, word: &'static str) -> Running {
    on_s3.server.hang_at(method, word);
    let running = on_s3.load("-q --summary summary.json").start();
    wait_until("the store hangs", || on_s3.server.hangs());
    running
}

/// Frees the account, whose holder still looks alive, and loads once more.
fn mended(on_s3: &OnS3) -> String {
    on_s3.server.answer_again();
    let account = &on_s3.service.running().simulator().settings().data.account_id;
    if !on_s3.server.keys("lake/_kore_lake/locks").is_empty() {
        let freed = on_s3.program(&format!("unlock --force --account-id {account}")).run();
        assert_eq!(freed.code, 0, "{freed}");
    }
    for line in [on_s3.load("-q"), on_s3.program("verify --strict")] {
        let ran = line.run();
        assert_eq!(ran.code, 0, "{ran}");
    }
    assert_eq!(on_s3.server.keys("lake/_kore_lake/staging"), [] as [&str; 0]);
    keys(on_s3)
}

fn keys(on_s3: &OnS3) -> String {
    on_s3.program("query --format csv").arg("-c").arg(KEYS).run().output()
}

#[test]
fn a_load_stops_soon_though_the_store_hangs_and_the_next_goes_on_from_there() {
    let undisturbed = keys(&OnS3::loaded("lake"));
    for (signal, method, word, staged) in [
        ("TERM", "", "", 0),                   // the lake is opened
        ("INT", "PUT", "/locks/", 0),          // the lock is taken
        ("TERM", "PUT", "/head.json", 0),      // the run begins
        ("INT", "PUT", "/staging/", 0),        // a window is staged
        ("TERM", "PUT", "/conversations/", 2), // a day is replaced
    ] {
        let on_s3 = OnS3::new("lake");
        let running = load_into_hanging(&on_s3, method, word);
        let before = on_s3.server.keys("lake/_kore_lake/staging");
        let ran = stopped_soon(running, signal);
        assert_eq!(ran.stderr.lines().count(), 1, "{method} {word}: {ran}");
        assert!(ran.stderr.contains("what was read whole is kept, run again to go on"), "{method} {word}: {ran}");
        let kept = on_s3.server.keys("lake/_kore_lake/staging");
        assert!(kept == before && kept.len() >= staged, "{method} {word}: {before:?}, then {kept:?}");
        let summary = std::fs::read_to_string(on_s3.folder.path().join("summary.json")).unwrap_or_default();
        assert!(word.is_empty() || summary.contains("stopped by"), "{method} {word}: {summary}");
        let loaded = mended(&on_s3);
        assert!(loaded == undisturbed, "{method} {word}: {loaded}");
    }
}

#[test]
fn a_second_signal_ends_a_run_at_once() {
    let on_s3 = OnS3::new("lake");
    let running = load_into_hanging(&on_s3, "PUT", "/staging/");
    let asked = Instant::now();
    running.signal("INT");
    running.signal("TERM"); // two of one kind may come as one
    let ran = running.ended();
    assert!(asked.elapsed() < GRACE, "took {:?}: {ran}", asked.elapsed());
    assert!([130, 143].contains(&ran.code), "{ran}");
}

#[test]
fn a_question_to_a_store_that_hangs_stops_soon() {
    let on_s3 = OnS3::loaded("lake");
    on_s3.server.hang_at("", "");
    let running = on_s3.program("status").start();
    wait_until("the store hangs", || on_s3.server.hangs());
    stopped_soon(running, "TERM");
}
