//! A simulated contact centre without a network: requests go to it as the client sends them, answers come back as the
//! client gives them on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use axum::body::Bytes;
use axum::http::Request;
use jiff::Timestamp;
use kore_lake::clock::{TimeRange, UtcTime};
use kore_lake::pipeline::LoadRequest;
use kore_lake::schema::{AccountId, ApiVersion, StreamId};
use kore_lake::simulator::{Api, Simulator, SimulatorSettings, View};
use kore_lake::source::{Page, PageRequest, PageSource, Refusal, RefusalReason, SourceError, Traffic};
use serde_json::Value;

/// The simulator as a source of pages.
pub struct Wire {
    pub simulator: Simulator,
    token: String,
    /// Whether refusals say why in words that a client knows.
    plain_words: bool,
    requests: AtomicU64,
}

impl Wire {
    /// A centre; without `plain_words` no client understands what its refusals say.
    pub fn of(settings: SimulatorSettings, plain_words: bool) -> Arc<Self> {
        let token = settings.token();
        let simulator = Simulator::new(settings).unwrap();
        Arc::new(Self { simulator, token, plain_words, requests: AtomicU64::new(0) })
    }

    pub fn account(&self) -> AccountId {
        self.simulator.settings().data.account_id.parse().unwrap()
    }

    pub fn stream(&self) -> StreamId {
        self.simulator.settings().data.stream_ids[0].parse().unwrap()
    }

    /// All days of the centre.
    pub fn range(&self) -> TimeRange {
        let days = self.simulator.generator().range();
        TimeRange::new(utc(days.start), utc(days.end)).unwrap()
    }

    /// A load of `range`, long after it.
    pub fn request(&self, range: TimeRange) -> LoadRequest {
        let now = range.to().plus(std::time::Duration::from_hours(60 * 24));
        LoadRequest {
            range: Some(range),
            now,
            memory_limit_bytes: crate::centre::MEMORY_BYTES,
            ..LoadRequest::new(self.account(), self.stream(), ApiVersion::V2)
        }
    }

    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// The records of the stream that start in `range`, as they would be served now.
    pub fn truth(&self, api: ApiVersion, range: TimeRange) -> Vec<Value> {
        let truth = self.simulator.truth(self.stream().as_str(), moment(range.from()), moment(range.to()), &view(api));
        truth.iter().map(|(_, record)| serde_json::from_str(record).unwrap()).collect()
    }

    fn ask(&self, request: &PageRequest) -> Request<Bytes> {
        let call = match request.api {
            ApiVersion::V1 => "calldetails",
            ApiVersion::V2 => "v2/interactionDetails",
        };
        let account = &request.account_id;
        let (limit, offset) = (request.limit.unwrap(), request.offset.unwrap());
        let path = format!("/agentassist/api/public/analytics/account/{account}/{call}?limit={limit}&offset={offset}");
        Request::post(path)
            .header("auth", &self.token)
            .header("accountId", account.as_str())
            .header("iId", request.stream_id.as_ref().unwrap().as_str())
            .header("content-type", "application/json")
            .body(serde_json::to_vec(&request.body).unwrap().into())
            .unwrap()
    }

    fn refusal(&self, status: u16, body: &[u8], request: &PageRequest) -> SourceError {
        let body: Value = serde_json::from_slice(body).unwrap();
        let message = body["errors"][0]["msg"].as_str().map(str::to_owned);
        let words = message.as_deref().filter(|_| self.plain_words);
        let reason = RefusalReason::read(status, words, &request.body.selected_fields);
        SourceError::Refused(Box::new(Refusal { url: "https://simulated/".to_owned(), status, message, reason }))
    }
}

#[async_trait]
impl PageSource for Wire {
    async fn fetch(&self, request: &PageRequest) -> Result<Page, SourceError> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        // Windows side by side take turns, as they do on a network.
        tokio::task::yield_now().await;
        let answer = self.simulator.answer(self.ask(request));
        let (status, body) = (answer.status().as_u16(), answer.into_body());
        match status {
            200 => Ok(Page { request: request.clone(), fetched_at: UtcTime::now(), body }),
            400..500 => Err(self.refusal(status, &body, request)),
            _ => panic!("{status}"),
        }
    }

    fn traffic(&self) -> Traffic {
        Traffic { requests: self.requests(), ..Traffic::default() }
    }
}

pub fn view(api: ApiVersion) -> View {
    View::whole(match api {
        ApiVersion::V1 => Api::V1,
        ApiVersion::V2 => Api::V2,
    })
}

pub fn moment(time: UtcTime) -> Timestamp {
    Timestamp::from_second(time.seconds()).unwrap()
}

pub fn utc(time: Timestamp) -> UtcTime {
    UtcTime::from_seconds(time.as_second())
}
