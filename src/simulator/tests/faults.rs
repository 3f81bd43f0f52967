//! Each fault has the shape that its name says, told by a socket and no client.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::{Call, data};
use crate::simulator::{Fault, Faults, Running, Simulator, SimulatorSettings};

/// The answer to one request as it comes, and whether the connection ended in an error.
fn raw(running: &Running, call: &Call) -> (String, bool) {
    let mut socket = TcpStream::connect(running.address()).unwrap();
    let body = call.body.to_string();
    let mut asked = format!("POST {}?{} HTTP/1.1\r\nhost: simulator\r\nconnection: close\r\n", call.path, call.query);
    for (name, value) in &call.headers {
        asked.extend([name, ": ", value, "\r\n"]);
    }
    write!(socket, "{asked}content-length: {}\r\n\r\n{body}", body.len()).unwrap();
    let mut answer = Vec::new();
    let ended = socket.read_to_end(&mut answer);
    (String::from_utf8_lossy(&answer).into_owned(), ended.is_err())
}

/// Whether the body has as many bytes as its head says.
fn is_whole(answer: &str) -> bool {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    head.to_lowercase().contains(&format!("content-length: {}", body.len()))
}

async fn broken(faults: Faults, look: impl FnOnce(&Running, &Call)) {
    let running = Simulator::start(SimulatorSettings { data: data(20), faults, ..SimulatorSettings::default() });
    let running = running.await.unwrap();
    let call = Call::v2(running.simulator());
    tokio::task::block_in_place(|| look(&running, &call));
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_has_its_shape() {
    for (fault, start, part) in [
        (Fault::ThrottledSeconds, "HTTP/1.1 429", "retry-after: 1\r\n"),
        (Fault::ThrottledDate, "HTTP/1.1 429", " GMT\r\n"),
        (Fault::Internal, "HTTP/1.1 500", "Internal error"),
        (Fault::GatewayTimeout, "HTTP/1.1 504", "<html>"),
        (Fault::Html, "HTTP/1.1 200", "<html>"),
        (Fault::Empty, "HTTP/1.1 200", "content-length: 0"),
        (Fault::Errors, "HTTP/1.1 200", "{\"errors\":"),
        (Fault::ExpiredToken, "HTTP/1.1 401", "4002"),
    ] {
        broken(Faults::at(100, &[fault]), |running, call| {
            let (answer, _) = raw(running, call);
            assert!(answer.starts_with(start) && answer.contains(part), "{fault}: {answer}");
            assert!(is_whole(&answer), "{fault}: {answer}");
            assert_eq!((running.requests(), running.simulator().injected()[&fault]), (1, 1));
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttle_without_a_wait_names_none() {
    broken(Faults::at(100, &[Fault::Throttled]), |running, call| {
        assert!(!raw(running, call).0.to_lowercase().contains("retry-after"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_break_where_they_should() {
    for (fault, begins, whole, reset) in [
        (Fault::Cut, true, true, false),
        (Fault::CutShort, true, false, false),
        (Fault::ResetBefore, false, false, true),
        (Fault::ResetWithin, true, false, true),
        (Fault::ResetAfter, true, true, true),
    ] {
        broken(Faults::at(100, &[fault]), |running, call| {
            // So small that all of it is with the client at once: a reset takes back what is not.
            let (answer, was_reset) = raw(running, &call.clone().query("limit=10&offset=0"));
            assert_eq!(answer.starts_with("HTTP/1.1 200 OK\r\n"), begins, "{fault}: {answer}");
            assert_eq!(begins && is_whole(&answer), whole, "{fault}: {answer}");
            assert_eq!(was_reset, reset, "{fault}");
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_script_names_requests_and_a_page_comes_twice_once() {
    let script = vec![(2, Fault::Busy), (4, Fault::PageTwice), (5, Fault::PageTwice)];
    broken(Faults { script, ..Faults::default() }, |running, call| {
        let at = |offset: u32| raw(running, &call.clone().query(&format!("limit=5&offset={offset}"))).0;
        let body = |answer: String| answer.split_once("\r\n\r\n").unwrap().1.to_owned();
        let first = body(at(0));
        assert!(at(1).starts_with("HTTP/1.1 503"));
        assert_eq!(body(at(0)), first);
        assert_eq!(body(at(1)), first, "the page before");
        assert_ne!(body(at(1)), first, "no page comes a third time");
        assert_eq!(running.simulator().injected()[&Fault::PageTwice], 1);
        assert_eq!(running.connections(), 5);
    })
    .await;
}
