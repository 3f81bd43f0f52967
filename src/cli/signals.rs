//! SIGINT and SIGTERM as they come.

use kore_lake::error::Error;
use kore_lake::pipeline::Signal;

/// The signals that ask the program to stop, none missed from the beginning on.
#[cfg(unix)]
pub struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    pub fn handled() -> Result<Self, Error> {
        use tokio::signal::unix::{SignalKind, signal};
        let handled = |kind| signal(kind).map_err(|error| Error::Unexpected(format!("no handler of signals: {error}")));
        Ok(Self { interrupt: handled(SignalKind::interrupt())?, terminate: handled(SignalKind::terminate())? })
    }

    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
        }
    }
}

#[cfg(not(unix))]
pub struct Signals;

#[cfg(not(unix))]
impl Signals {
    #[expect(clippy::unnecessary_wraps, reason = "as where handlers can fail")]
    pub fn handled() -> Result<Self, Error> {
        Ok(Self)
    }

    pub async fn next(&mut self) -> Signal {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Signal::Interrupt
    }
}

impl Signals {
    /// What is done to its end, unless a signal comes before: then it is dropped.
    pub async fn unless_stopped<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Signal> {
        tokio::select! {
            biased;
            signal = self.next() => Err(signal),
            done = work => Ok(done),
        }
    }
}
