use tokio::sync::watch;

use crate::error::Error;

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
pub struct Stopper(watch::Sender<Option<Signal>>);

/// Where a run looks whether it is to stop.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<Option<Signal>>);

impl Stopper {
    /// A stopper with what it stops.
    pub fn new() -> (Self, Stop) {
        let (sender, receiver) = watch::channel(None);
        (Self(sender), Stop(receiver))
    }

    /// Asks to stop. The first signal counts.
    pub fn stop(&self, signal: Signal) {
        self.0.send_if_modified(|asked| {
            let first = asked.is_none();
            *asked = asked.or(Some(signal));
            first
        });
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
        let signal = self.0.wait_for(Option::is_some).await.ok().and_then(|signal| *signal);
        match signal {
            Some(Signal::Terminate) => Error::Terminated,
            Some(Signal::Interrupt) => Error::Interrupted,
            None => std::future::pending().await,
        }
    }

    /// The error to end with, if the run is to stop.
    pub(super) fn check(&self) -> Result<(), Error> {
        match *self.0.borrow() {
            None => Ok(()),
            Some(Signal::Interrupt) => Err(Error::Interrupted),
            Some(Signal::Terminate) => Err(Error::Terminated),
        }
    }
}
