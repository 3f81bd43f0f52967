//! SIGINT and SIGTERM. The first asks the command to stop and gives it a while to end in its own way; a second ends it
//! at once.

use std::time::Duration;

use kore_lake::error::{Error, Kind};
use kore_lake::pipeline::{GRACE, Stop, Stopper};
use tokio::task::JoinError;

use super::End;
use super::signals::Signals;

/// Commands that end in their own way when they are asked to stop. The others change nothing, or one thing, and are left
/// where they are.
const ENDS_ITSELF: [&str; 7] = ["check", "demo", "load", "migrate", "replay", "simulate", "verify"];

/// A run drops what it does when [`GRACE`] is over; so long after that its summary is written.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// How a command takes it that it is asked to stop.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// It ends in its own way, and has a while for that.
    EndsItself,
    /// It is left where it stands.
    IsLeft,
    /// It takes the signals itself.
    TakesSignals,
}

impl Manner {
    pub fn of(verb: &str) -> Self {
        if ENDS_ITSELF.contains(&verb) { Self::EndsItself } else { Self::IsLeft }
    }
}

/// Runs a command to its end, or until it has had its while after the first signal, or until the second. One that
/// is left where it stands is as one that was killed: what was staged stays, and the next run mends the rest.
pub async fn until_stopped<F>(command: impl FnOnce(Stop) -> F, manner: Manner) -> Result<End, Error>
where
    F: Future<Output = Result<End, Error>> + Send + 'static,
{
    let (stopper, mut stop) = Stopper::new();
    // On a worker, whose stack is large enough, not on the main thread.
    let mut command = tokio::spawn(command(stop.clone()));
    if manner == Manner::TakesSignals {
        return joined(command.await);
    }
    let mut signals = Signals::handled()?;
    let signal = tokio::select! {
        ended = &mut command => return joined(ended),
        signal = signals.next() => signal,
    };
    stopper.stop(signal);
    let stopped = stop.asked().await;
    if manner == Manner::IsLeft {
        return Err(only_read(stopped));
    }
    tokio::select! {
        biased;
        ended = &mut command => joined(ended).map_err(|error| counted(&error, stopped)),
        _ = signals.next() => Err(stopped),
        () = tokio::time::sleep(GRACE + LAST_WORDS) => Err(stopped),
    }
}

/// The same of a command that keeps nothing for the next one.
fn only_read(stopped: Error) -> Error {
    match stopped {
        Error::Interrupted => Error::Cancelled,
        Error::Terminated => Error::Ended,
        other => other,
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
