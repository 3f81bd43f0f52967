//! Why a simulator does not start.

use std::net::SocketAddr;

use jiff::Timestamp;
use jiff::civil::Date;

/// A simulator that cannot be made or started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimulatorError {
    /// The days do not lie in the years for which session ids carry a time (F15).
    #[error("expected days within the years 2015 to 2099, found {days} days from `{start}`")]
    Days {
        /// First day asked for.
        start: Date,
        /// Number of days asked for.
        days: u32,
    },
    /// More rows than the index can number, busy days counted.
    #[error("expected at most 2,000,000,000 rows, found {days} days of {conversations_per_day}")]
    TooManyRows {
        /// Number of days asked for.
        days: u32,
        /// Records a day asked for.
        conversations_per_day: u32,
    },
    /// No stream was named: nothing could be asked for.
    #[error("expected at least one stream id, found none")]
    NoStream,
    /// The crowd's second does not lie in the years for which session ids carry a time (F15).
    #[error("expected a crowd within the years 2015 to 2099, found `{at}`")]
    Crowd {
        /// Second asked for.
        at: Timestamp,
    },
    /// There is no switch of that name.
    #[error("expected a switch of `{known}`, found `{found}`")]
    Switch {
        /// The switches that there are, each in backticks but for the outermost ones.
        known: String,
        /// Name asked for.
        found: String,
    },
    /// A switch has no such value.
    #[error("expected one of `{words}` for the switch `{switch}`, found `{found}`")]
    SwitchValue {
        /// The switch.
        switch: &'static str,
        /// The values that it has, each in backticks but for the outermost ones.
        words: String,
        /// Value asked for.
        found: String,
    },
    /// There is no fault of that name.
    #[error("expected a fault of `{known}`, found `{found}`")]
    FaultName {
        /// The faults that there are, each in backticks but for the outermost ones.
        known: String,
        /// Name asked for.
        found: String,
    },
    /// A fault is not written as one is.
    #[error("expected {expected}, found `{found}`")]
    Fault {
        /// How it is written.
        expected: &'static str,
        /// What was given.
        found: String,
    },
    /// More than every request would have a fault.
    #[error("expected rates of at most 100 together, found {sum}")]
    FaultRates {
        /// All rates together.
        sum: u32,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on `{address}`")]
    Bind {
        /// Address asked for.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The server ended in an error.
    #[error("the server ended early")]
    Serve(#[source] std::io::Error),
}
