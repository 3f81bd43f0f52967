//! One request, one answer: the simulator without a network.

use std::fmt;
use std::iter;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use axum::body::Bytes;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, Request, Response, StatusCode, header::CONTENT_TYPE, header::RETRY_AFTER};
use serde_json::json;

use super::ask::{Ask, Filter, PageAsked, Route, header};
use super::auth::Gate;
use super::error::SimulatorError;
use super::generator::Generator;
use super::plot::Destination;
use super::rate::Rate;
use super::refusal::Refusal;
use super::settings::SimulatorSettings;
use super::timeline::Row;
use super::view::View;

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
}

impl Simulator {
    /// A simulator that listens nowhere yet.
    ///
    /// # Errors
    /// The settings cannot be met, see [`Generator::new`]. A retry does not help.
    pub fn new(settings: SimulatorSettings) -> Result<Self, SimulatorError> {
        Ok(Self {
            generator: Generator::new(settings.data.clone())?,
            gate: Gate::new(&settings),
            rate: Rate::new(settings.rate_per_minute),
            requests: AtomicU64::new(0),
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

    /// Answers one request. Errors of the API are answers too.
    pub fn answer(&self, request: ApiRequest) -> Answer {
        let (parts, body) = request.into_parts();
        if parts.method == Method::GET && parts.uri.path() == "/stats" {
            return self.stats();
        }
        self.page(&parts, &body).map_or_else(|refusal| refused(&refusal), |page| answered(StatusCode::OK, page))
    }

    fn stats(&self) -> Answer {
        let stats = json!({"requests": self.requests(), "rows": self.generator.rows()});
        answered(StatusCode::OK, stats.to_string().into_bytes())
    }

    fn page(&self, parts: &Parts, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        let route = Route::of(parts.uri.path()).ok_or_else(Refusal::no_such_path)?;
        if parts.method != Method::POST {
            return Err(Refusal::method());
        }
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.gate.pass(header(parts, "auth"))?;
        let stream_id = self.admit(&route, parts)?;
        self.rate.take(Instant::now()).map_err(Refusal::too_many)?;
        let page = PageAsked::of(parts.uri.query(), &self.settings.behaviour)?;
        let ask = Ask::of(route.api, body, &self.settings.behaviour)?;
        Ok(self.render(stream_id, page, &ask))
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

    fn render(&self, stream_id: &str, page: PageAsked, ask: &Ask) -> Vec<u8> {
        let (sessions, conversations) = self.generator.within(stream_id, &ask.seconds);
        if ask.filter.is_empty() {
            return self.body(sessions, conversations, page, &ask.view);
        }
        let passing =
            |rows: &[Row]| rows.iter().copied().filter(|row| self.passes(*row, &ask.filter)).collect::<Vec<_>>();
        self.body(&passing(sessions), &passing(conversations), page, &ask.view)
    }

    /// Bot-only sessions ascending, then conversations descending (F11).
    fn body(&self, sessions: &[Row], conversations: &[Row], page: PageAsked, view: &View) -> Vec<u8> {
        let mut out = Vec::with_capacity(page.limit * 3_072);
        out.extend_from_slice(
            format!("{{\"numResults\":{},\"data\":[", sessions.len() + conversations.len()).as_bytes(),
        );
        let rows = sessions.iter().chain(conversations.iter().rev());
        for (number, row) in rows.skip(page.offset * page.limit).take(page.limit).enumerate() {
            if number > 0 {
                out.push(b',');
            }
            self.generator.write(&mut out, *row, view);
        }
        out.extend_from_slice(b"]}");
        out
    }

    fn passes(&self, row: Row, filter: &Filter) -> bool {
        let bot_only = self.generator.kind(row).is_bot_only();
        if filter.bot_only.is_some_and(|wanted| wanted != bot_only) {
            return false;
        }
        let story = self.generator.story(row);
        let cast = self.generator.cast();
        let queues = story.destinations.iter().filter_map(|destination| match destination {
            Destination::Queue(entry) => Some(&cast.queues[entry.queue].id),
            Destination::Agent(_) => None,
        });
        allows(&filter.channels, [story.channel.code()])
            && allows(&filter.queues, queues)
            && allows(&filter.bots, iter::once(self.generator.stream_of(row)).chain(story.automation_bot(cast)))
            && filter.direction.is_none_or(|direction| direction == story.direction())
    }
}

/// An empty filter allows all; another one of the values.
fn allows(filter: &[String], values: impl IntoIterator<Item = impl AsRef<str>>) -> bool {
    filter.is_empty() || values.into_iter().any(|value| filter.iter().any(|wanted| wanted == value.as_ref()))
}

fn refused(refusal: &Refusal) -> Answer {
    let mut answer = answered(refusal.status, refusal.body());
    if let Some(seconds) = refusal.retry_after {
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    answer
}

fn answered(status: StatusCode, body: Vec<u8>) -> Answer {
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
