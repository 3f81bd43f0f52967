use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::lake::LakeError;

/// So long a run that was asked to stop may take to end its step, to close itself in the ledger and to give the lock
/// free. Where the store does not answer, that would take as long as its client tries.
pub const GRACE: Duration = Duration::from_secs(3);

/// What asks a run to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT, or Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
}

/// Asks a run to stop cleanly.
#[derive(Debug)]
pub struct Stopper {
    asked: watch::Sender<Option<Signal>>,
    token: CancellationToken,
}

/// Where a run looks whether it is to stop.
#[derive(Debug, Clone)]
pub struct Stop {
    asked: watch::Receiver<Option<Signal>>,
    token: CancellationToken,
}

impl Stopper {
    /// A stopper with what it stops.
    pub fn new() -> (Self, Stop) {
        let (sender, receiver) = watch::channel(None);
        let token = CancellationToken::new();
        (Self { asked: sender, token: token.clone() }, Stop { asked: receiver, token })
    }

    /// Asks to stop. The first signal counts.
    pub fn stop(&self, signal: Signal) {
        self.asked.send_if_modified(|asked| {
            let first = asked.is_none();
            *asked = asked.or(Some(signal));
            first
        });
        self.token.cancel();
    }
}

impl Stop {
    /// A run that nobody stops.
    pub fn never() -> Self {
        Stopper::new().1
    }

    /// Ends when somebody asks to stop; never where nobody can ask any more.
    pub async fn requested(&mut self) {
        self.asked().await;
    }

    /// The error to end with, once the run is to stop; never where nobody can ask any more.
    pub async fn asked(&mut self) -> Error {
        let signal = self.asked.wait_for(Option::is_some).await.ok().and_then(|signal| *signal);
        match signal {
            Some(Signal::Terminate) => Error::Terminated,
            Some(Signal::Interrupt) => Error::Interrupted,
            None => std::future::pending().await,
        }
    }

    /// What `run` comes to. One that was asked to stop and has not done so in [`GRACE`] is dropped, which is as if it were
    /// killed: what it staged stays, and the next run mends the rest.
    pub(super) async fn within_grace<T>(mut self, run: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let overdue = async {
            let stopped = self.asked().await;
            tokio::time::sleep(GRACE).await;
            stopped
        };
        tokio::select! {
            biased;
            ended = run => ended,
            stopped = overdue => Err(stopped),
        }
    }

    /// What tells the lake to stop.
    pub(super) fn token(&self) -> CancellationToken {
        self.token.clone()
    }

    /// The signal, where the lake stopped because of it.
    pub(super) fn named<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        match result {
            Err(Error::Lake(LakeError::Stopped)) => Err(self.check().err().unwrap_or(LakeError::Stopped.into())),
            result => result,
        }
    }

    /// The error to end with, if the run is to stop.
    pub(super) fn check(&self) -> Result<(), Error> {
        match *self.asked.borrow() {
            None => Ok(()),
            Some(Signal::Interrupt) => Err(Error::Interrupted),
            Some(Signal::Terminate) => Err(Error::Terminated),
        }
    }
}
