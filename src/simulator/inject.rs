//! Which request has which fault, and how often each was seen to.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;

use super::answer::ApiRequest;
use super::dice::Dice;
use super::faults::{Fault, Faults, LIFE};

/// Gives requests their faults. Remembers only what its faults need.
#[derive(Debug)]
pub(super) struct Injector {
    pub(super) faults: Faults,
    memory: Mutex<Memory>,
}

#[derive(Debug, Default)]
struct Memory {
    requests: u64,
    injected: BTreeMap<Fault, u64>,
    /// The last answer to each window, by the body that asked for it.
    answers: HashMap<Bytes, Answered>,
    /// Requests that each token has served.
    served: HashMap<String, u32>,
    run_out: HashSet<String>,
    /// Requests, by query and body, whose token was used up at their last try.
    used_up: HashSet<(String, Bytes)>,
}

#[derive(Debug)]
struct Answered {
    query: String,
    body: Bytes,
    was_repeated: bool,
}

/// What a request came with, as far as faults look at it.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    query: String,
    token: String,
    body: Bytes,
}

impl Asked {
    pub(super) fn of(request: &ApiRequest) -> Self {
        let token = request.headers().get("auth").and_then(|token| token.to_str().ok());
        Self {
            query: request.uri().query().unwrap_or_default().to_owned(),
            token: token.unwrap_or_default().to_owned(),
            body: request.body().clone(),
        }
    }
}

/// What happens to one request.
#[derive(Debug, Clone)]
pub(super) struct Drawn {
    pub(super) fault: Option<Fault>,
    /// The body that comes again in place of the page, for [`Fault::PageTwice`].
    pub(super) again: Option<Bytes>,
    /// What the fault leaves to chance.
    pub(super) dice: Dice,
}

impl Injector {
    pub(super) fn new(faults: Faults) -> Self {
        Self { faults, memory: Mutex::default() }
    }

    /// How often each fault was seen to.
    pub(super) fn injected(&self) -> BTreeMap<Fault, u64> {
        self.memory().injected.clone()
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The fault of the request that comes now, if it has one.
    pub(super) fn draw(&self, asked: &Asked) -> Drawn {
        let mut memory = self.memory();
        memory.requests += 1;
        let mut dice = Dice::new(self.faults.seed).fork(memory.requests);
        let roll = dice.roll(100);
        let scripted = self.faults.scripted(memory.requests);
        let fault = scripted.or_else(|| self.faults.by_rate(roll));
        let surely = scripted.is_some() || fault.is_some_and(|fault| self.faults.is_permanent(fault));
        let again = memory.answers.get(&asked.body).filter(|last| !last.was_repeated && last.query != asked.query);
        let again = again.map(|last| last.body.clone());
        let fault = match fault {
            _ if memory.run_out.contains(&asked.token) => Some(Fault::ExpiredToken),
            Some(Fault::PageTwice) if again.is_none() => None,
            Some(Fault::ExpiredToken) if !surely && memory.served.get(&asked.token).is_none_or(|n| *n < LIFE) => None,
            Some(Fault::ReusedJti) if !surely && memory.used_up.contains(&asked.request()) => None,
            fault => fault,
        };
        memory.note(fault, asked);
        Drawn { fault, again, dice }
    }

    /// Takes note of a page that a client gets.
    pub(super) fn answered(&self, asked: Asked, body: &Bytes) {
        if self.faults.has(Fault::PageTwice) {
            let answered = Answered { query: asked.query, body: body.clone(), was_repeated: false };
            self.memory().answers.insert(asked.body, answered);
        }
    }
}

impl Asked {
    fn request(&self) -> (String, Bytes) {
        (self.query.clone(), self.body.clone())
    }
}

impl Memory {
    fn note(&mut self, fault: Option<Fault>, asked: &Asked) {
        if let Some(fault) = fault {
            *self.injected.entry(fault).or_default() += 1;
        }
        self.used_up.remove(&asked.request());
        match fault {
            Some(Fault::ExpiredToken) => {
                self.run_out.insert(asked.token.clone());
            }
            Some(Fault::ReusedJti) => {
                self.used_up.insert(asked.request());
            }
            Some(Fault::PageTwice) => {
                self.answers.entry(asked.body.clone()).and_modify(|last| last.was_repeated = true);
            }
            _ => *self.served.entry(asked.token.clone()).or_default() += 1,
        }
    }
}
