//! Batches of rows to partition objects.
//!
//! **In:** rows under the fixed schema with the date of each row's partition, rejects, and what a window's
//! read proved ([`StagedWindow`]). **Out:** one Parquet object a day under `conversations/`, replaced whole;
//! the ledger ([`AccountHead`] and the tables of `schemas/ledger.json`); rejects; what re-reads are planned from
//! ([`OpenRow`], seconds of sessions) and how an account stands ([`AccountStatus`]).
//! **Owns:** every path under the lake, staging, which row wins, the merge, the ledger, the lock,
//! the way of an older lake to the present schema.
//! **Knows nothing of:** pages, HTTP, how a window is proven (evidence is kept, not read), SQL.
//! **Fails:** [`LakeError`]; what was staged stays staged, and committing it again ends in the same lake.
//! **Rests on:** F15 (partition of a row), F17 (windows read beyond a range), F19 (open rows, the later fetch
//! wins), F20 (key, superseding).
//!
//! Everything goes through `object_store::ObjectStore`; `local.rs` alone knows of local disk, `store.rs` and `s3.rs`
//! of buckets.

mod coming;
mod commit;
mod coverage;
mod day;
mod day_fates;
mod day_parts;
mod days;
mod difference;
mod encode;
mod encoder;
mod error;
mod fate;
mod head;
mod kept;
mod key;
#[expect(clippy::module_inception, reason = "the room is named after what it makes")]
mod lake;
mod layout;
mod ledger;
mod lift;
mod local;
mod lock;
mod machine;
mod merge;
mod migrate;
mod moved;
mod notes;
mod order;
mod partition;
mod pinned;
mod probe;
mod rebuild;
mod rejects;
mod replace;
mod reread;
mod s3;
mod s3_fault;
mod staged_file;
mod staging;
mod status;
mod store;
mod tables;
#[cfg(test)]
mod tests;
mod turn;
mod unlock;
mod upload;
mod url;
mod verify;
mod watermarks;
mod writer;

pub use commit::{CommitSummary, DayChange, RowChange};
pub use coverage::{Coverage, Proven};
pub use encoder::PartitionEncoder;
pub use error::{LakeError, LakeErrorKind};
pub use head::{AccountHead, DayState, Intent, LEDGER_VERSION, Owed, StreamState};
pub use lake::{Lake, PartitionObject};
pub use layout::{LedgerTable, SessionDate};
pub use lock::{Clock, Holder};
pub use migrate::{MigrateProgress, MigrateSummary, migrate};
pub(crate) use partition::SCHEMA_VERSION;
pub use probe::Probed;
pub use rebuild::{RebuiltLedger, rebuild_ledger};
pub use reread::{OpenRow, SessionTime};
pub use staging::{PageReject, RejectLine, StagedWindow, WindowProof};
pub use status::{AccountStatus, LockStatus, OpenRows, StreamStatus};
pub use store::{StoreCredentials, StoreSettings};
pub use tables::{DayLine, RunLine, RunState, WindowLine};
pub use unlock::{Unlocked, unlock};
pub use url::LakeUrl;
pub use verify::{Finding, FindingKind, FoundKey, Severity, VerifyReport, WriterAtWork};
pub use writer::{RunIntent, Writer, WriterSettings};

/// Program and version, as written into footers and the run log.
pub(crate) const WRITER: &str = concat!("kore-lake ", env!("CARGO_PKG_VERSION"));
