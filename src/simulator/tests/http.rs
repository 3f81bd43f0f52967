use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Call, data};
use crate::simulator::{Running, Simulator, SimulatorError, SimulatorSettings};

/// One exchange over a connection of its own: the status line and the body.
fn exchange(running: &Running, head: &str, body: &str) -> (String, Value) {
    let mut socket = TcpStream::connect(running.address()).unwrap();
    write!(socket, "{head}host: simulator\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len())
        .unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap().to_owned(), serde_json::from_str(body).unwrap())
}

fn post(running: &Running, call: &Call) -> (String, Value) {
    let mut head = format!("POST {}?{} HTTP/1.1\r\n", call.path, call.query);
    for (name, value) in &call.headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    exchange(running, &head, &call.body.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_go_over_http_and_requests_are_counted() {
    let settings = SimulatorSettings { data: data(20), ..SimulatorSettings::default() };
    let running = Simulator::start(settings).await.unwrap();
    assert_eq!(running.base_url(), format!("http://{}", running.address()));

    let call = Call::v2(running.simulator());
    let (status, body) = tokio::task::block_in_place(|| post(&running, &call));
    assert_eq!(status, "HTTP/1.1 200 OK");
    assert_eq!(body, call.send(running.simulator()).1);

    let wrong = call.header("auth", "x");
    let (status, body) = tokio::task::block_in_place(|| post(&running, &wrong));
    assert_eq!((status.as_str(), &body["errors"][0]["code"]), ("HTTP/1.1 401 Unauthorized", &Value::from(4002)));

    let (_, counters) = tokio::task::block_in_place(|| exchange(&running, "GET /stats HTTP/1.1\r\n", ""));
    assert_eq!((counters["requests"].as_u64(), running.requests()), (Some(3), 3));

    let address = running.address();
    running.stop().await.unwrap();
    assert!(TcpStream::connect(address).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_waits_for_the_latency() {
    let latency = Duration::from_millis(50);
    let settings = SimulatorSettings { data: data(1), latency: Some(latency), ..SimulatorSettings::default() };
    let running = Simulator::start(settings).await.unwrap();
    let call = Call::v2(running.simulator());
    let begun = Instant::now();
    assert_eq!(tokio::task::block_in_place(|| post(&running, &call)).0, "HTTP/1.1 200 OK");
    assert!(begun.elapsed() >= latency);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let first = Simulator::start(SimulatorSettings { data: data(1), ..SimulatorSettings::default() }).await.unwrap();
    let settings = SimulatorSettings { data: data(1), bind: first.address(), ..SimulatorSettings::default() };
    let error = Simulator::start(settings).await.unwrap_err();
    assert!(matches!(error, SimulatorError::Bind { address, .. } if address == first.address()));
    assert_eq!(error.to_string(), format!("cannot listen on `{}`", first.address()));
    first.stop().await.unwrap();
}
