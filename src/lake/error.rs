use std::path::PathBuf;

use datafusion::error::DataFusionError;
use parquet::errors::ParquetError;

use super::s3_fault::S3Fault;
use super::{Holder, SessionDate, layout};
use crate::clock::UtcTime;
use crate::decode::LiftError;
use crate::schema::{AccountId, ApiVersion};

/// What a caller can do about a [`LakeError`]; the top maps it to an exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LakeErrorKind {
    /// The request itself cannot be taken: another one is needed.
    Usage,
    /// The lake cannot be reached, is absent, corrupt, or of another schema version. A retry helps only
    /// after the cause is gone.
    Unavailable,
    /// Another process writes this account. A retry helps once it is done.
    LockHeld,
    /// A promise inside the program is broken, or memory ran out.
    Unexpected,
}

/// How the lake fails. What was staged before stays staged.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    /// The URL is none that names a lake.
    #[error("expected a lake as `./lake`, `file:///data/lake` or `s3://bucket/prefix`, found `{found}`")]
    Url {
        /// What was given.
        found: String,
    },
    /// The address of an object store is none.
    #[error("expected the address of an object store, such as `https://host:port`, found `{found}`")]
    Endpoint {
        /// What was given, without what may be a secret.
        found: String,
    },
    /// An object store would be spoken to without TLS, which was not allowed.
    #[error("expected an address with TLS, found `{endpoint}`")]
    PlainHttp {
        /// The address.
        endpoint: String,
    },
    /// The object store's client does not take a setting.
    #[error("cannot use the settings of the object store")]
    StoreSetting {
        /// Why.
        source: object_store::Error,
    },
    /// The store makes an object where there is one already, or replaces another than it was told to: no lock can rest
    /// on it.
    #[error("expected a store that keeps two writers apart, found that `{root}` ignores {condition}")]
    IgnoresConditions {
        /// The lake.
        root: String,
        /// The header.
        condition: &'static str,
    },
    /// There is no lake.
    #[error("expected a lake in `{root}`, found none")]
    Absent {
        /// Where it was looked for.
        root: String,
    },
    /// Something that is no folder stands where one should be.
    #[error("expected a folder, found a file at `{}`", path.display())]
    NotAFolder {
        /// Where.
        path: PathBuf,
    },
    /// A folder cannot be made or written.
    #[error("cannot write the folder `{}`", path.display())]
    Folder {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The store failed.
    #[error("cannot {operation} `{path}`")]
    Store {
        /// What was to be done: `read`, `write`, `list`, `delete`.
        operation: &'static str,
        /// The object or prefix, relative to the lake.
        path: String,
        /// Why.
        source: object_store::Error,
    },
    /// A partition is no readable Parquet.
    #[error("cannot read the partition `{path}`: the object is corrupt")]
    CorruptPartition {
        /// The object, relative to the lake.
        path: String,
        /// What Parquet says.
        source: ParquetError,
    },
    /// A partition was not written by kore-lake, or its columns are not those of its schema version.
    #[error("expected a partition written by kore-lake, found `{path}` with {found}")]
    ForeignPartition {
        /// The object, relative to the lake.
        path: String,
        /// What it has instead.
        found: String,
    },
    /// A partition or the ledger has another schema version.
    #[error("expected schema version {expected} in `{path}`, found {found}")]
    OtherSchema {
        /// The object, relative to the lake.
        path: String,
        /// Version found.
        found: u32,
        /// Version that this program writes.
        expected: u32,
    },
    /// Rows of an older schema version cannot be brought under the present one. They stay as they are.
    #[error("cannot bring the rows of `{path}` under the present schema")]
    Lift {
        /// The object, relative to the lake.
        path: String,
        /// Why.
        source: LiftError,
    },
    /// A staged object cannot be read.
    #[error("cannot read the staged object `{path}`: {reason}")]
    CorruptStaged {
        /// The object, relative to the lake.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A document of the ledger cannot be read.
    #[error("cannot read the ledger's `{path}`: {reason}")]
    CorruptLedger {
        /// The object, relative to the lake.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Partitions are there, the ledger that tells how they were read is not.
    #[error("expected the ledger's `{path}` beside the {days} days of account `{account}`, found none")]
    LedgerLost {
        /// The account.
        account: AccountId,
        /// The absent document, relative to the lake.
        path: String,
        /// Days under `conversations/`.
        days: usize,
    },
    /// The request would lack fields that the account's rows have.
    #[error("expected a request for the fields that account `{account}` was loaded with, found one without `{}`", missing.join("`, `"))]
    FieldsMissing {
        /// The account.
        account: AccountId,
        /// What would be lost.
        missing: Vec<String>,
    },
    /// The request asks an older version of the API than the account was loaded with.
    #[error("expected API version `{known}` for account `{account}`, found `{asked}`")]
    ApiDowngrade {
        /// The account.
        account: AccountId,
        /// Version in the ledger.
        known: ApiVersion,
        /// Version asked for.
        asked: ApiVersion,
    },
    /// Another writer holds the account.
    #[error("account `{account}` is held by {holder}, last heard of at {heartbeat}")]
    LockHeld {
        /// The account.
        account: AccountId,
        /// Who holds it.
        holder: Holder,
        /// Its last sign of life.
        heartbeat: UtcTime,
    },
    /// This writer held the account and lost it.
    #[error("account `{account}` is no longer held by this run: {reason}")]
    LockLost {
        /// The account.
        account: AccountId,
        /// How that was seen.
        reason: String,
    },
    /// The writer was asked to stop while it waited for the account, or between two writes of a commit. What is staged
    /// stays: the next commit goes on.
    #[error("stopped as asked")]
    Stopped,
    /// What was handed in is not what the lake takes.
    #[error("expected {expected}, found {found}")]
    Input {
        /// The promise.
        expected: &'static str,
        /// What came.
        found: String,
    },
    /// The merge of a day failed.
    #[error("cannot merge the day {date}")]
    Merge {
        /// The day.
        date: SessionDate,
        /// Why.
        source: DataFusionError,
    },
    /// Memory or the folder to spill to cannot be had.
    #[error("cannot prepare the memory of a merge")]
    Memory(#[source] DataFusionError),
    /// The keys of a large day cannot be spilled.
    #[error("cannot spill the keys of a day")]
    Spill(#[source] std::io::Error),
    /// Rows cannot be encoded.
    #[error("cannot encode rows")]
    Encode(#[source] ParquetError),
    /// Rows cannot be put into or taken from a batch.
    #[error("cannot handle a batch of rows")]
    Arrow(#[from] arrow::error::ArrowError),
}

impl LakeError {
    /// What the caller can do about it.
    pub fn kind(&self) -> LakeErrorKind {
        match self {
            Self::Url { .. }
            | Self::Endpoint { .. }
            | Self::PlainHttp { .. }
            | Self::StoreSetting { .. }
            | Self::IgnoresConditions { .. }
            | Self::FieldsMissing { .. }
            | Self::ApiDowngrade { .. } => LakeErrorKind::Usage,
            Self::Absent { .. }
            | Self::NotAFolder { .. }
            | Self::Folder { .. }
            | Self::Store { .. }
            | Self::CorruptPartition { .. }
            | Self::ForeignPartition { .. }
            | Self::OtherSchema { .. }
            | Self::Lift { .. }
            | Self::CorruptStaged { .. }
            | Self::CorruptLedger { .. }
            | Self::LedgerLost { .. } => LakeErrorKind::Unavailable,
            Self::LockHeld { .. } | Self::LockLost { .. } => LakeErrorKind::LockHeld,
            Self::Stopped
            | Self::Input { .. }
            | Self::Merge { .. }
            | Self::Memory(_)
            | Self::Spill(_)
            | Self::Encode(_)
            | Self::Arrow(_) => LakeErrorKind::Unexpected,
        }
    }

    /// What the user can do about it, where that is one thing.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::ApiDowngrade { .. } => {
                Some("give --api v2, or --allow-downgrade: columns of rows read again become null")
            }
            Self::FieldsMissing { .. } => {
                Some("ask for all of them, or give --allow-downgrade: columns of rows read again become null")
            }
            Self::CorruptLedger { path, .. } if layout::is_lock(path) => Some("run `unlock`"),
            Self::LedgerLost { .. } | Self::CorruptLedger { .. } => {
                Some("restore it from a backup, or run `verify --rebuild-ledger`: it restores all of it but the proofs")
            }
            Self::CorruptPartition { .. } => {
                Some("move the object away or restore it, then load its day again; staged rows are kept")
            }
            Self::OtherSchema { found, expected, .. } if found < expected => {
                Some("run `migrate`: it rewrites older days under the present schema")
            }
            Self::OtherSchema { .. } => Some("it was written by a newer version of the program: use that one"),
            Self::LockHeld { .. } => Some("wait for it, or give --wait-lock; `unlock` frees what a dead writer holds"),
            Self::Absent { .. } => Some("`load`, `replay` and `demo` make a lake"),
            Self::PlainHttp { .. } => Some("--store-allow-http allows it: keys and rows can then be read on the way"),
            Self::StoreSetting { .. } => Some("check the AWS_… variables and the `[store]` keys; `check` lists them"),
            Self::IgnoresConditions { .. } => Some("give --single-writer if nothing else ever writes this lake"),
            Self::Store { source, .. } => S3Fault::hint(source),
            _ => None,
        }
    }

    pub(super) fn store(operation: &'static str, path: impl Into<String>, source: object_store::Error) -> Self {
        Self::Store { operation, path: path.into(), source }
    }
}
