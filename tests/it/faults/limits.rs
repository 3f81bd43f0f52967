//! Time limits and connections: each limit is a setting that ends a request by itself.

use std::io::Write;
use std::net::TcpListener;
use std::thread::sleep;
use std::time::{Duration, Instant};

use kore_lake::simulator::Fault;

use crate::program::{Program, Ran};
use crate::raw::{Raw, load_line};
use crate::service::Service;

/// Runs a load that may try for a second, and gives how long it took.
fn load(line: &str, limits: &str) -> (Ran, Duration) {
    let folder = tempfile::tempdir().unwrap();
    let begun = Instant::now();
    let program = Program::new(folder.path(), &format!("{line} -q {limits}")).env("KORE_LAKE_TOKEN", "any.token");
    (program.run(), begun.elapsed())
}

#[track_caller]
fn ends_in_time((ran, took): (Ran, Duration), words: &str) {
    assert_eq!(ran.code, 6, "{ran}");
    assert!(ran.stderr.contains(words), "{ran}");
    assert!(took < Duration::from_secs(20), "{took:?}, {ran}");
}

#[test]
fn a_server_that_never_shakes_hands_meets_the_connect_timeout() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let line = load_line(&format!("https://{}", silent.local_addr().unwrap()));
    ends_in_time(load(&line, "--connect-timeout 1s --retry-deadline 1500ms"), "no connection");
}

#[test]
fn an_answer_that_stands_still_meets_the_idle_timeout() {
    for fault in [Fault::Stall, Fault::StallWithin] {
        let service = Service::start(|settings| settings.faults.rates = vec![(fault, 100)]);
        let folder = tempfile::tempdir().unwrap();
        let line = format!("{} -q --idle-timeout 1s --retry-deadline 1500ms", service.load_line());
        let begun = Instant::now();
        ends_in_time((service.program(folder.path(), &line).run(), begun.elapsed()), "no answer in time");
    }
}

/// A byte now and then keeps an answer from standing still, but not from taking too long.
#[test]
fn an_answer_that_comes_too_slowly_meets_the_request_timeout() {
    let slow = Raw::answering(|_, stream| {
        write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{{")?;
        loop {
            sleep(Duration::from_millis(100)); // the fault itself
            stream.write_all(b" ")?;
        }
    });
    ends_in_time(load(&slow.load_line(), "--request-timeout 1s --retry-deadline 1500ms"), "no answer in time");
}

#[test]
fn all_windows_share_one_pool_of_connections() {
    let service = Service::small();
    let folder = tempfile::tempdir().unwrap();
    let line = service.load_line().replace("--concurrency 1", "--concurrency 4");
    let ran = service.program(folder.path(), &format!("{line} -q --window 30m")).run();
    assert_eq!(ran.code, 0, "{ran}");
    let (requests, connections) = (service.running().requests(), service.running().connections());
    assert!(requests >= 40 && connections <= 8, "{requests} requests on {connections} connections");
}
