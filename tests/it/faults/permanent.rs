//! Faults for good: the run ends in the error that names them, within its deadline.

use std::thread;
use std::time::{Duration, Instant};

use kore_lake::simulator::{Fault, Faults};

use crate::loaded::Loaded;
use crate::program::{Program, Ran};
use crate::service::Service;

const DEADLINE: Duration = Duration::from_secs(3);
/// Start of the process and of its lake, on a busy machine.
const BESIDES: Duration = Duration::from_secs(15);

/// Each fault with the exit code that it ends in, and what the error says.
const ENDS: [(Fault, i32, &str); 19] = [
    (Fault::Throttled, 6, "status 429: `Too many requests (code 429)`"),
    (Fault::ThrottledSeconds, 6, "status 429: `Too many requests (code 429)`"),
    (Fault::ThrottledDate, 6, "status 429: `Too many requests (code 429)`"),
    (Fault::Internal, 6, "status 500: `Internal error (code 500)`"),
    (Fault::BadGateway, 6, "status 502"),
    (Fault::Busy, 6, "status 503"),
    (Fault::GatewayTimeout, 6, "status 504"),
    (Fault::Html, 6, "the answer is no page of records: expected a JSON object with a `data` array, found HTML or XML"),
    (
        Fault::Empty,
        6,
        "the answer is no page of records: expected a JSON object with a `data` array, found an empty body",
    ),
    (Fault::Cut, 6, "the answer is no page of records: expected a"),
    (Fault::CutShort, 6, "the connection broke"),
    (Fault::NoData, 6, "the answer is no page of records: expected a `data` array, found none"),
    (Fault::Errors, 6, "expected a `data` array, found the error `Something went wrong (code 500)`"),
    (Fault::ResetBefore, 6, "the connection broke"),
    (Fault::ResetWithin, 6, "the connection broke"),
    (Fault::Stall, 6, "no answer in time"),
    (Fault::StallWithin, 6, "no answer in time"),
    (Fault::ExpiredToken, 3, "login refused by"),
    (Fault::ReusedJti, 3, "login refused by"),
];

fn load_with(fault: Fault) -> (Ran, Duration) {
    let service = Service::start(|settings| {
        settings.faults = Faults::at(100, &[fault]);
        settings.require_jti = fault == Fault::ReusedJti;
    });
    let folder = tempfile::tempdir().unwrap();
    let jti = if fault == Fault::ReusedJti { "--jwt-jti" } else { "" };
    let line = format!("{} -q --retry-deadline {}s --idle-timeout 1s {jti}", service.load_line(), DEADLINE.as_secs());
    let begun = Instant::now();
    (service.program(folder.path(), &line).run(), begun.elapsed())
}

/// What is wrong with the end of a load whose every answer has a fault.
fn wrong_end((fault, code, words): (Fault, i32, &str)) -> Option<String> {
    let (ran, took) = load_with(fault);
    let lines = ran.stderr.lines().count();
    let right = ran.code == code && ran.stderr.contains(words) && lines <= 2 && took < DEADLINE + BESIDES;
    (!right).then(|| format!("{fault}: {took:?}, {ran}"))
}

#[test]
fn a_fault_for_good_ends_in_its_error_within_the_deadline() {
    let ends: Vec<_> = ENDS.chunks(5).map(<[_]>::to_vec).collect();
    let threads =
        ends.into_iter().map(|ends| thread::spawn(|| ends.into_iter().filter_map(wrong_end).collect::<Vec<_>>()));
    // All are started before the first is waited for.
    let threads: Vec<_> = threads.collect();
    let wrong: Vec<String> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_fault_for_good_that_is_a_page_all_the_same_ends_in_the_full_lake() {
    let clean = Loaded::new();
    for fault in [Fault::ResetAfter, Fault::PageTwice, Fault::TotalAbove, Fault::TotalBelow] {
        let service = Service::start(|settings| settings.faults = Faults::at(100, &[fault]));
        let line = format!("{} -q", service.load_line());
        assert_eq!(Loaded::from(service, &line).keys(), clean.keys(), "{fault}");
    }
}

#[test]
fn a_ready_token_that_runs_out_ends_the_run_and_the_next_one_goes_on() {
    let service = Service::start(|settings| settings.faults.script = vec![(6, Fault::ExpiredToken)]);
    let folder = tempfile::tempdir().unwrap();
    let line = format!("{} -q --window 4h", service.load_line());
    let settings = service.running().simulator().settings();
    let ran = service.program(folder.path(), &line).env("KORE_LAKE_TOKEN", &settings.token()).run();
    assert_eq!(ran.code, 3, "{ran}");
    assert!(ran.stderr.starts_with("error: login refused by"), "{ran}");
    let rest = Loaded { folder, service };
    assert_eq!(rest.service.program(rest.path(), &line).run().code, 0);
    assert_eq!(rest.keys(), Loaded::new().keys());
}

#[test]
fn a_minted_token_that_runs_out_is_minted_anew_at_the_cost_of_one_request() {
    let load = |service: &Service| {
        let folder = tempfile::tempdir().unwrap();
        service.program(folder.path(), &format!("{} -q --window 4h", service.load_line())).run().code
    };
    // The token of the third request has worked; one that comes for it may be refused too, at the change of a second.
    let refusals = |count: u64| (3..3 + count).map(|request| (request, Fault::ExpiredToken)).collect();
    for refused in [1, 2] {
        let service = Service::start(|settings| settings.faults.script = refusals(refused));
        assert_eq!(load(&service), 0);
        assert_eq!(service.running().simulator().injected()[&Fault::ExpiredToken], refused);
    }
    // A second new token that is refused is no matter of time.
    let service = Service::start(|settings| settings.faults.script = refusals(3));
    assert_eq!(load(&service), 3);
}

#[test]
fn a_fault_that_does_not_exist_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let ran = Program::new(folder.path(), "simulate --bind 127.0.0.1:0 --fault 503=50 --fault 502=51").run();
    insta::assert_snapshot!(ran, @"
    exit 2
    --- stderr
    error: `--fault`: expected rates of at most 100 together, found 101
    ");
}
