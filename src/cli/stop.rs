//! SIGINT and SIGTERM. The first asks the command to stop and gives it a while to end in its own way; a second ends it
//! at once.

use std::time::Duration;

use kore_lake::error::{Error, Kind};
use kore_lake::pipeline::{GRACE, Signal, Stop, Stopper};
use tokio::task::JoinError;

use super::End;

/// Commands that end in their own way when they are asked to stop. The others change nothing, or one thing, and are left
/// where they are.
const ENDS_ITSELF: [&str; 7] = ["check", "demo", "load", "migrate", "replay", "simulate", "verify"];

/// A run drops what it does when [`GRACE`] is over; so long after that its summary is written.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// How long the command may take to end once it was asked to stop.
pub fn patience(verb: &str) -> Duration {
    if ENDS_ITSELF.contains(&verb) { GRACE + LAST_WORDS } else { Duration::ZERO }
}

/// Runs a command to its end, or until it has had its `patience` after the first signal, or until the second. One that
/// is left where it stands is as one that was killed: what was staged stays, and the next run mends the rest.
pub async fn until_stopped<F>(command: impl FnOnce(Stop) -> F, patience: Duration) -> Result<End, Error>
where
    F: Future<Output = Result<End, Error>> + Send + 'static,
{
    let mut signals = Signals::handled()?;
    let (stopper, mut stop) = Stopper::new();
    // On a worker, whose stack is large enough, not on the main thread.
    let mut command = tokio::spawn(command(stop.clone()));
    let signal = tokio::select! {
        ended = &mut command => return joined(ended),
        signal = signals.next() => signal,
    };
    stopper.stop(signal);
    let stopped = stop.asked().await;
    tokio::select! {
        biased;
        ended = &mut command => joined(ended).map_err(|error| counted(&error, stopped)),
        _ = signals.next() => Err(stopped),
        () = tokio::time::sleep(patience) => Err(stopped),
    }
}

fn joined(ended: Result<Result<End, Error>, JoinError>) -> Result<End, Error> {
    ended.map_err(|error| Error::Unexpected(error.to_string()))?
}

/// Of a command that failed while it stopped, the stop counts.
fn counted(error: &Error, stopped: Error) -> Error {
    if !matches!(error.kind(), Kind::Interrupted | Kind::Terminated) {
        tracing::warn!(error = error.line(), "failed while it was stopped");
    }
    stopped
}

/// The signals that ask the program to stop, none missed from the beginning on.
#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn handled() -> Result<Self, Error> {
        use tokio::signal::unix::{SignalKind, signal};
        let handled = |kind| signal(kind).map_err(|error| Error::Unexpected(format!("no handler of signals: {error}")));
        Ok(Self { interrupt: handled(SignalKind::interrupt())?, terminate: handled(SignalKind::terminate())? })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    #[expect(clippy::unnecessary_wraps, reason = "as where handlers can fail")]
    fn handled() -> Result<Self, Error> {
        Ok(Self)
    }

    async fn next(&mut self) -> Signal {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Signal::Interrupt
    }
}
