//! Proves again what the lake promises, from its objects alone.
//!
//! **In:** a lake, one account of it or all. **Out:** a [`VerifyReport`]: what was looked at, and a [`Finding`] for
//! each promise that does not hold, with what was expected, found, where, and what to do. **Owns:** which of them
//! are errors. **Knows nothing of:** how a lake is mended; it writes nothing. **Fails:** [`LakeError`](super::LakeError)
//! only where the store cannot be listed; an object that cannot be read is a finding.
//! **Rests on:** F15 (day of a row, its clocks), F16 (clocks that disagree), F20 (key, superseding).
//!
//! Memory grows by 16 bytes a row of one account; rows themselves are streamed. A writer may be at work: an object is
//! read in one version, and what changed meanwhile is looked at again.

mod account;
mod day;
mod files;
mod finding;
mod keys;
mod ledger;
mod report;
mod row;
mod staged;

pub use finding::{Finding, FindingKind, FoundKey, Severity};
pub use report::{VerifyReport, WriterAtWork};
