//! A simulated contact centre, the truth about it, and the client that reads it.

use std::future::Future;
use std::sync::Arc;

use jiff::Timestamp;
use kore_lake::clock::{TimeRange, UtcTime};
use kore_lake::lake::Lake;
use kore_lake::pipeline::{Finished, LoadRequest, Stop, Summary, Unwatched, load};
use kore_lake::schema::{AccountId, ApiVersion, StreamId};
use kore_lake::simulator::{Api, GeneratorSettings, Running, Simulator, SimulatorSettings, View};
use kore_lake::source::{BaseUrl, Client, ClientSettings, Credentials, JwtAlgorithm, Key, RateLimiter, Secret};
use serde_json::Value;

/// Memory of a test's run: enough for its sorts without spilling.
pub const MEMORY_BYTES: usize = 256 << 20;

/// Runs a test's future on threads with a stack for deep plans of an unoptimised build.
pub fn run<F>(test: F) -> F::Output
where
    F: Future<Output: Send> + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_stack_size(16 << 20)
        .enable_all()
        .build()
        .unwrap();
    runtime
        .block_on(async { tokio::spawn(test).await })
        .unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

/// A contact centre that answers on a loopback port.
pub struct Centre {
    running: Running,
}

impl Centre {
    pub async fn open(data: GeneratorSettings) -> Self {
        Self::serve(SimulatorSettings { data, ..SimulatorSettings::default() }).await
    }

    pub async fn serve(settings: SimulatorSettings) -> Self {
        Self { running: Simulator::start(settings).await.unwrap() }
    }

    pub fn running(&self) -> &Running {
        &self.running
    }

    /// A week of 300 records a day.
    pub async fn of_a_week() -> Self {
        Self::open(GeneratorSettings { conversations_per_day: 300, ..GeneratorSettings::default() }).await
    }

    /// Requests answered so far.
    pub fn requests(&self) -> u64 {
        self.running.requests()
    }

    pub fn account(&self) -> AccountId {
        self.running.generator().settings().account_id.parse().unwrap()
    }

    pub fn stream(&self) -> StreamId {
        self.running.generator().settings().stream_ids[0].parse().unwrap()
    }

    /// All days of the centre.
    pub fn range(&self) -> TimeRange {
        let days = self.running.generator().range();
        TimeRange::new(utc(days.start), utc(days.end)).unwrap()
    }

    /// The records of the stream that start in `range`, as `api` shows them.
    pub fn truth(&self, api: ApiVersion, range: TimeRange) -> Vec<Value> {
        let view = View::whole(match api {
            ApiVersion::V1 => Api::V1,
            ApiVersion::V2 => Api::V2,
        });
        let moment = |time: UtcTime| Timestamp::from_second(time.seconds()).unwrap();
        let generator = self.running.generator();
        let records = generator.truth(self.stream().as_str(), moment(range.from()), moment(range.to()), &view);
        records.map(|record| serde_json::from_str(&record).unwrap()).collect()
    }

    /// A client over HTTP with a key of the centre and no limit of its own.
    pub fn client(&self) -> Arc<Client> {
        self.client_with(|_| {})
    }

    /// A client with other settings.
    pub fn client_with(&self, change: impl FnOnce(&mut ClientSettings)) -> Arc<Client> {
        let settings = self.running.simulator().settings();
        let key = Key {
            client_id: settings.client_id.clone(),
            client_secret: Secret::new(settings.client_secret.clone()),
            algorithm: JwtAlgorithm::Hs256,
            subject: None,
            jti: settings.require_jti,
        };
        let address = BaseUrl::parse(&self.running.base_url(), false).unwrap();
        let mut settings = ClientSettings::new(address, Credentials::Key(key));
        change(&mut settings);
        Arc::new(Client::new(settings, RateLimiter::per_minute(0)).unwrap())
    }

    /// A request for all days.
    pub fn request(&self, api: ApiVersion) -> LoadRequest {
        LoadRequest {
            range: Some(self.range()),
            memory_limit_bytes: MEMORY_BYTES,
            ..LoadRequest::new(self.account(), self.stream(), api)
        }
    }

    /// Loads what `request` asks for, and demands that it succeeds.
    pub async fn load(&self, lake: &Lake, request: &LoadRequest) -> Summary {
        whole(load(lake, self.client(), request, &Unwatched, Stop::never()).await)
    }
}

/// The summary of a run that read everything it was asked for.
pub fn whole(finished: Finished) -> Summary {
    let Finished { summary, error } = finished;
    assert!(error.is_none() && summary.kind().is_none(), "{error:?} {summary:?}");
    summary
}

/// A lake in a folder.
pub fn lake_in(folder: &std::path::Path) -> Lake {
    Lake::in_folder(folder).unwrap()
}

fn utc(time: Timestamp) -> UtcTime {
    UtcTime::from_seconds(time.as_second())
}
