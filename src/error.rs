//! The one error of the program: any room's, with what a caller can do about it.
//!
//! **In:** the rooms' errors. **Out:** [`Error`] with its [`Kind`], which `cli` turns into an exit code,
//! and its hint. **Owns:** which failure is of which kind. **Knows nothing of:** how errors are printed.
//! **Fails:** not at all.

use std::error::Error as _;
use std::io;
use std::path::PathBuf;

use crate::clock::ClockError;
use crate::config::ConfigError;
use crate::decode::DecodeError;
use crate::lake::{LakeError, LakeErrorKind};
use crate::query::{QueryError, QueryErrorKind};
use crate::schema::NameError;
use crate::simulator::SimulatorError;
use crate::source::{RefusalReason, SavedPageError, SourceError};

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A time or range that was given.
    #[error(transparent)]
    Clock(#[from] ClockError),
    /// An id that was given.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The API.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A saved page.
    #[error(transparent)]
    SavedPage(#[from] SavedPageError),
    /// A page that is none.
    #[error("{page}")]
    Decode {
        /// Which page.
        page: String,
        /// What is wrong with it.
        source: DecodeError,
    },
    /// The lake.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// A query or report.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The simulator.
    #[error(transparent)]
    Simulator(#[from] SimulatorError),
    /// A combination of arguments that makes no sense.
    #[error("{0}")]
    Usage(String),
    /// A file beside the lake.
    #[error("cannot {operation} `{}`", path.display())]
    File {
        /// `read` or `write`.
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Results cannot be written to standard output.
    #[error("cannot write the results")]
    Output(#[source] io::Error),
    /// SIGINT, or Ctrl-C, to a command that only reads.
    #[error("stopped by an interrupt")]
    Cancelled,
    /// SIGTERM to a command that only reads.
    #[error("stopped by a termination signal")]
    Ended,
    /// SIGINT, or Ctrl-C. What was staged stays; the next run goes on from there.
    #[error("stopped by an interrupt; what was read whole is kept, run again to go on")]
    Interrupted,
    /// SIGTERM. What was staged stays; the next run goes on from there.
    #[error("stopped by a termination signal; what was read whole is kept, run again to go on")]
    Terminated,
    /// A broken promise of this program.
    #[error("unexpected: {0}")]
    Unexpected(String),
}

/// What a failure means for the caller. Each kind has its exit code, see README.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// None of the others. Whether a retry helps is unknown.
    Unexpected,
    /// Usage or configuration: a retry does not help.
    Usage,
    /// Login or permission: a retry does not help before they are mended.
    Login,
    /// A window or a saved page could not be read whole: a retry tries it again.
    Incomplete,
    /// The source is unavailable after retries: a later run can help.
    Unavailable,
    /// The lake is unavailable, absent, of another schema version, or corrupt.
    Lake,
    /// Records were rejected; all others are in the lake. A retry does not report them again.
    Rejected,
    /// Another writer holds the account: a later run can help.
    LockHeld,
    /// What is in the lake is older than was asked for: a load helps.
    TooOld,
    /// Stopped by SIGINT.
    Interrupted,
    /// Stopped by SIGTERM.
    Terminated,
}

impl Error {
    /// What the failure means for the caller.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Config(_) | Self::Clock(_) | Self::Name(_) | Self::Usage(_) => Kind::Usage,
            Self::Source(error) => of_source(error),
            Self::SavedPage(error) => of_saved_page(error),
            Self::Decode { .. } => Kind::Incomplete,
            Self::Lake(error) => match error.kind() {
                LakeErrorKind::Usage => Kind::Usage,
                LakeErrorKind::Unavailable => Kind::Lake,
                LakeErrorKind::LockHeld => Kind::LockHeld,
                LakeErrorKind::Unexpected => Kind::Unexpected,
            },
            Self::Query(error) => match error.kind() {
                QueryErrorKind::Usage => Kind::Usage,
                QueryErrorKind::Lake => Kind::Lake,
                QueryErrorKind::Output | QueryErrorKind::Unexpected => Kind::Unexpected,
            },
            Self::File { source, .. } => of_path(source),
            Self::Simulator(_) | Self::Output(_) | Self::Unexpected(_) => Kind::Unexpected,
            Self::Interrupted | Self::Cancelled => Kind::Interrupted,
            Self::Terminated | Self::Ended => Kind::Terminated,
        }
    }

    /// The error with its causes, on one line. A cause that the text before it already ends with is not said twice.
    pub fn line(&self) -> String {
        let mut line = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            let text = error.to_string();
            if !line.ends_with(&text) {
                line = format!("{line}: {text}");
            }
            cause = error.source();
        }
        line
    }

    /// The place in what the user wrote that the error is about: a line of it, and below it a `^`.
    pub fn excerpt(&self) -> Option<&str> {
        match self {
            Self::Query(error) => error.excerpt(),
            _ => None,
        }
    }

    /// What the user can do, where more can be said than the message says.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Config(error) => error.hint(),
            Self::Lake(error) => error.hint().map(str::to_owned),
            Self::Query(error) => error.hint(),
            Self::Source(error) => of_source_hint(error).map(str::to_owned),
            _ => None,
        }
    }
}

fn of_source(error: &SourceError) -> Kind {
    match error {
        SourceError::Setting { .. } | SourceError::CaFile { .. } | SourceError::Setup(_) | SourceError::Refused(_) => {
            Kind::Usage
        }
        SourceError::Login { .. } => Kind::Login,
        SourceError::Unavailable { .. } => Kind::Unavailable,
    }
}

fn of_source_hint(error: &SourceError) -> Option<&'static str> {
    match error {
        SourceError::Login { status: 401, .. } => Some(
            "check the token, or the client id, its secret and --jwt-algorithm; then --stream-id and the scope \
                 `SmartAssist Analytics` of the credentials",
        ),
        SourceError::Login { .. } => {
            Some("check --account-id, --stream-id and the scope `SmartAssist Analytics` of the credentials")
        }
        SourceError::Refused(refusal) if refusal.reason == RefusalReason::NotFound => {
            Some("check --host, --account-id and --api")
        }
        SourceError::Unavailable { .. } => {
            Some("check --host and the network, or run again later: what was read is kept")
        }
        _ => None,
    }
}

fn of_saved_page(error: &SavedPageError) -> Kind {
    match error {
        SavedPageError::Missing { .. } | SavedPageError::NoAccount { .. } => Kind::Usage,
        SavedPageError::Broken { .. } | SavedPageError::Other { .. } | SavedPageError::Io { action: "read", .. } => {
            Kind::Incomplete
        }
        SavedPageError::Io { source, .. } => of_path(source),
    }
}

/// Another path is needed, unless the file system itself fails.
fn of_path(error: &io::Error) -> Kind {
    match error.kind() {
        io::ErrorKind::NotFound
        | io::ErrorKind::AlreadyExists
        | io::ErrorKind::PermissionDenied
        | io::ErrorKind::NotADirectory
        | io::ErrorKind::IsADirectory
        | io::ErrorKind::ReadOnlyFilesystem
        | io::ErrorKind::InvalidFilename
        | io::ErrorKind::InvalidData => Kind::Usage,
        _ => Kind::Unexpected,
    }
}
