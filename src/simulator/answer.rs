//! One request, one answer: the simulator without a network.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use axum::body::Bytes;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, Request, Response, StatusCode, header::CONTENT_TYPE, header::RETRY_AFTER};
use jiff::Timestamp;
use serde_json::json;

use super::ask::{Ask, Route, header};
use super::auth::Gate;
use super::changes::Changes;
use super::clock::Clock;
use super::ends::Ends;
use super::error::SimulatorError;
use super::faults::Fault;
use super::form::Form;
use super::generator::Generator;
use super::inject::Injector;
use super::memory::Memory;
use super::moment::Moment;
use super::paging::PageAsked;
use super::rate::Rate;
use super::readings::FilteredTime;
use super::refusal::Refusal;
use super::settings::SimulatorSettings;

/// A request as it comes over HTTP, with its whole body: made by `ApiRequest::new(body)`, with method,
/// path, query and headers set on it.
pub type ApiRequest = Request<Bytes>;
/// An answer as it goes over HTTP, with its whole body.
pub type Answer = Response<Bytes>;

/// The API server. [`Simulator::answer`] is all of it; [`Simulator::start`] puts it on a port.
pub struct Simulator {
    settings: SimulatorSettings,
    generator: Generator,
    gate: Gate,
    rate: Rate,
    requests: AtomicU64,
    injector: Injector,
    clock: Clock,
    memory: Mutex<Memory>,
    /// Rows by their end, without a clock and with one; made when first needed.
    ends: [OnceLock<Ends>; 2],
}

impl Simulator {
    /// A simulator that listens nowhere yet.
    ///
    /// # Errors
    /// The settings cannot be met, see [`Generator::new`], or the crowd's second is outside the years that ids
    /// can carry, or faults come to more than 100 of a hundred requests. A retry does not help.
    pub fn new(settings: SimulatorSettings) -> Result<Self, SimulatorError> {
        settings.faults.check()?;
        let mut generator = Generator::new(settings.data.clone())?;
        if let Some(crowd) = &settings.behaviour.crowd {
            generator.crowd(crowd)?;
        }
        let changes = Changes::new(&generator, &settings.behaviour.churn);
        Ok(Self {
            generator,
            gate: Gate::new(&settings),
            rate: Rate::new(settings.rate_per_minute),
            requests: AtomicU64::new(0),
            injector: Injector::new(settings.faults.clone()),
            clock: Clock::new(settings.now, settings.clock_runs),
            memory: Mutex::new(Memory { changes, ..Memory::default() }),
            ends: Default::default(),
            settings,
        })
    }

    /// What the simulator was made from.
    pub fn settings(&self) -> &SimulatorSettings {
        &self.settings
    }

    /// The records behind the answers.
    pub fn generator(&self) -> &Generator {
        &self.generator
    }

    /// Requests for pages so far, refused ones too.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// How often each fault was seen to so far.
    pub fn injected(&self) -> BTreeMap<Fault, u64> {
        self.injector.injected()
    }

    pub(super) fn injector(&self) -> &Injector {
        &self.injector
    }

    /// Counts a request for a page and gives its number.
    pub(super) fn count_request(&self) -> u64 {
        self.requests.fetch_add(1, Ordering::Relaxed)
    }

    /// Answers one request. Errors of the API are answers too; faults come only over HTTP.
    pub fn answer(&self, request: ApiRequest) -> Answer {
        let (parts, body) = request.into_parts();
        if parts.method == Method::GET && parts.uri.path() == "/stats" {
            return self.stats();
        }
        self.page(&parts, &body).map_or_else(|refusal| refused(&refusal), |page| answered(StatusCode::OK, page))
    }

    fn stats(&self) -> Answer {
        let faults: BTreeMap<_, _> = self.injected().into_iter().map(|(fault, count)| (fault.name(), count)).collect();
        let stats = json!({"requests": self.requests(), "rows": self.generator.rows(), "faults": faults});
        answered(StatusCode::OK, stats.to_string().into_bytes())
    }

    fn page(&self, parts: &Parts, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        let route = Route::of(parts.uri.path()).ok_or_else(Refusal::no_such_path)?;
        if parts.method != Method::POST {
            return Err(Refusal::method());
        }
        let number = self.count_request();
        self.gate.pass(header(parts, "auth"))?;
        let stream_id = self.admit(&route, parts)?;
        self.rate.take(Instant::now()).map_err(Refusal::too_many)?;
        let page = PageAsked::of(parts.uri.query(), &self.settings.behaviour)?;
        let ask = Ask::of(route.api, body, &self.settings.behaviour)?;
        Ok(self.serve_page(stream_id, page, &ask, number))
    }

    /// Checks the headers beside the token (F2) and gives the stream.
    fn admit<'a>(&self, route: &Route, parts: &'a Parts) -> Result<&'a str, Refusal> {
        let account_id = header(parts, "accountId").ok_or_else(|| Refusal::invalid("accountId header is required"))?;
        if account_id != route.account_id {
            return Err(Refusal::invalid("accountId header does not match the path"));
        }
        if account_id != self.settings.data.account_id {
            return Err(Refusal::account());
        }
        let stream_id = header(parts, "iId").ok_or_else(|| Refusal::invalid("iId header is required"))?;
        if !self.settings.data.stream_ids.iter().any(|known| known == stream_id) {
            return Err(Refusal::scope());
        }
        let is_json = header(parts, "content-type").is_some_and(|kind| kind.starts_with("application/json"));
        if is_json { Ok(stream_id) } else { Err(Refusal::invalid("content-type must be application/json")) }
    }

    /// The page, of the rows as they stand between two changes.
    fn serve_page(&self, stream_id: &str, page: PageAsked, ask: &Ask, request: u64) -> Vec<u8> {
        let churn = &self.settings.behaviour.churn;
        if churn.is_quiet() && !self.settings.record {
            // Nothing to remember: requests need not wait for one another.
            return self.moment(&Changes::default()).page(stream_id, page, ask, request).body;
        }
        let mut memory = self.memory();
        let Memory { changes, served, .. } = &mut *memory;
        changes.step(&self.generator, churn);
        let moment = self.moment(changes);
        let page = moment.page(stream_id, page, ask, request);
        if self.settings.record {
            page.records(&moment).for_each(|(key, json)| served.note(key, ask.view.api, json));
        }
        page.body
    }

    /// What the clock shows; none if there is no clock.
    pub fn now(&self) -> Option<Timestamp> {
        self.clock.now()
    }

    /// Moves the clock on; an earlier time than it shows changes nothing. A simulator without a clock gets
    /// one by it, and with it other records: those that never end without a clock do end.
    pub fn set_now(&self, now: Timestamp) {
        self.clock.set(now);
    }

    /// What the clock shows, in seconds since 1970.
    pub(super) fn second(&self) -> Option<i64> {
        self.now().map(Timestamp::as_second)
    }

    pub(super) fn moment<'a>(&'a self, changes: &'a Changes) -> Moment<'a> {
        let now = self.second();
        let ends = (self.settings.behaviour.filtered == FilteredTime::End).then(|| self.ends(now.is_some()));
        Moment { generator: &self.generator, behaviour: &self.settings.behaviour, changes, ends, now }
    }

    fn ends(&self, clock: bool) -> &Ends {
        let form = if clock { Form::SETTLED } else { Form::default() };
        self.ends[usize::from(clock)].get_or_init(|| Ends::of(&self.generator, form))
    }

    pub(super) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refused(refusal: &Refusal) -> Answer {
    let mut answer = answered(refusal.status, refusal.body());
    if let Some(seconds) = refusal.retry_after {
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    answer
}

pub(super) fn answered(status: StatusCode, body: Vec<u8>) -> Answer {
    let mut answer = Response::new(Bytes::from(body));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    answer
}

impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulator").field("settings", &self.settings).finish_non_exhaustive()
    }
}
