//! SIGTERM and SIGINT: a run stops cleanly within 5 s whatever it waits for; the next goes on from there.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::loaded::Contents;
use crate::program::{Ran, Running};
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
