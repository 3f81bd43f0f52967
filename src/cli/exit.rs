//! Exit codes: documented in README.md, stable.

use std::process::ExitCode;

use kore_lake::error::Kind;

/// The exit code of a kind of failure.
pub fn code(kind: Kind) -> ExitCode {
    ExitCode::from(match kind {
        Kind::Unexpected => 1,
        Kind::Usage => 2,
        Kind::Login => 3,
        Kind::Incomplete => 5,
        Kind::Unavailable => 6,
        Kind::Lake => 7,
        Kind::Rejected => 8,
        Kind::LockHeld => 9,
        Kind::TooOld => 10,
        Kind::Interrupted => 130,
        Kind::Terminated => 143,
    })
}
