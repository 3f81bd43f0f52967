//! The fixed shape of the data: one document, read once, from which everything else is derived.
//!
//! **In:** `schemas/conversations.json` and `schemas/ledger.json`, compiled in. **Out:** [`Schema`], its Arrow form
//! ([`Schema::arrow`]), its renderings ([`Schema::render`]), and the names by which the
//! lake is addressed ([`AccountId`], [`StreamId`], [`ApiVersion`], [`RunId`]).
//! **Owns:** column names, JSON keys and aliases, types, order, the list of open statuses.
//! **Knows nothing of:** pages, files, engines; it imports no other room.
//! **Fails:** only on names that a user gives; the document itself is tested.
//! **Rests on:** `api.md` §5 (fields), F1 (versions), F2 (stream ids), F3 (selectable fields).

mod arrow;
mod column;
mod declare;
mod ledger;
mod names;
mod render;
#[cfg(test)]
mod tests;

pub use column::{Column, Kind, PartitionColumn, Schema};
pub use ledger::{LedgerColumn, LedgerTableSchema, LedgerType};
pub use names::{AccountId, ApiVersion, NameError, RunId, StreamId};
pub use render::SchemaFormat;
