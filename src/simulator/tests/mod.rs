mod churn;
mod clock;
mod faults;
mod http;
mod publish;
mod records;
mod requests;
mod switches;

use std::time::{SystemTime, UNIX_EPOCH};

use axum::body::Bytes;
use axum::http::{Request, StatusCode};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use super::{Behaviour, Generator, GeneratorSettings, Simulator, SimulatorSettings};

fn data(per_day: u32) -> GeneratorSettings {
    GeneratorSettings { conversations_per_day: per_day, ..GeneratorSettings::default() }
}

fn generator(per_day: u32) -> Generator {
    Generator::new(data(per_day)).unwrap()
}

fn simulator(per_day: u32) -> Simulator {
    Simulator::new(settings(per_day, &[])).unwrap()
}

/// A simulator with some switches set.
fn switched(per_day: u32, switches: &[(&str, &str)]) -> Simulator {
    Simulator::new(settings(per_day, switches)).unwrap()
}

fn settings(per_day: u32, switches: &[(&str, &str)]) -> SimulatorSettings {
    let mut behaviour = Behaviour::default();
    for (switch, value) in switches {
        behaviour.set(switch, value).unwrap();
    }
    SimulatorSettings { data: data(per_day), behaviour, ..SimulatorSettings::default() }
}

fn id(row: &Value) -> String {
    format!("{}/{}", row["sessionId"], row["conversationId"])
}

fn ids(rows: &[Value]) -> Vec<String> {
    rows.iter().map(id).collect()
}

fn stream(generator: &Generator) -> &str {
    &generator.settings().stream_ids[0]
}

/// Midnight (UTC) of a day of the default week, 0 being its Monday.
fn day(number: i64) -> Timestamp {
    let monday: Timestamp = "2026-03-02T00:00:00Z".parse().unwrap();
    Timestamp::from_second(monday.as_second() + number * 86_400).unwrap()
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn token(claims: &Value, secret: &str, algorithm: Algorithm) -> String {
    encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
}

/// A request that is right in everything, to be spoilt in one thing.
#[derive(Clone)]
struct Call {
    path: String,
    query: String,
    headers: Vec<(&'static str, String)>,
    body: Value,
}

impl Call {
    fn v2(simulator: &Simulator) -> Self {
        Self::to(simulator, "v2/interactionDetails")
    }

    fn to(simulator: &Simulator, call: &str) -> Self {
        let settings = simulator.settings();
        let account = settings.data.account_id.clone();
        Self {
            path: format!("/agentassist/api/public/analytics/account/{account}/{call}"),
            query: "limit=100&offset=0".to_owned(),
            headers: vec![
                ("auth", settings.token()),
                ("accountId", account),
                ("iId", settings.data.stream_ids[0].clone()),
                ("content-type", "application/json;charset=UTF-8".to_owned()),
            ],
            body: json!({"startDate": "2026-03-02 00:00:00", "endDate": "2026-03-08 23:59:59", "timeZoneOffset": 0}),
        }
    }

    fn with(mut self, key: &str, value: Value) -> Self {
        self.body[key] = value;
        self
    }

    fn query(self, query: &str) -> Self {
        Self { query: query.to_owned(), ..self }
    }

    /// Asks for the seconds of these times, the second one as `endDate`.
    fn between(self, from: Timestamp, to: Timestamp) -> Self {
        let text = |time: Timestamp| json!(time.strftime("%Y-%m-%d %H:%M:%S").to_string());
        self.with("startDate", text(from)).with("endDate", text(to))
    }

    fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value.to_owned()));
        self
    }

    fn without_header(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self
    }

    fn send(&self, simulator: &Simulator) -> (StatusCode, Value) {
        let mut request = Request::post(format!("{}?{}", self.path, self.query));
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let answer = simulator.answer(request.body(Bytes::from(self.body.to_string())).unwrap());
        (answer.status(), serde_json::from_slice(answer.body()).unwrap())
    }

    /// The rows of a page and `numResults`.
    fn page(&self, simulator: &Simulator) -> (Vec<Value>, u64) {
        let (status, mut body) = self.send(simulator);
        assert_eq!(status, StatusCode::OK, "{body}");
        let Value::Array(rows) = body["data"].take() else { panic!("no list") };
        (rows, body["numResults"].as_u64().unwrap())
    }

    /// Rows of the whole window, where offsets count pages from 0 to 10.
    fn rows(&self, simulator: &Simulator) -> Vec<Value> {
        (0..=10).flat_map(|offset| self.at(offset, simulator)).collect()
    }

    /// Rows of the page at an offset.
    fn at(&self, offset: u32, simulator: &Simulator) -> Vec<Value> {
        let call = Self {
            path: self.path.clone(),
            query: format!("limit=100&offset={offset}"),
            headers: self.headers.clone(),
            body: self.body.clone(),
        };
        call.page(simulator).0
    }

    /// Status, code and text of a refusal.
    fn refusal(&self, simulator: &Simulator) -> (u16, u64, String) {
        let (status, body) = self.send(simulator);
        let error = &body["errors"][0];
        (status.as_u16(), error["code"].as_u64().unwrap(), error["msg"].as_str().unwrap().to_owned())
    }
}
