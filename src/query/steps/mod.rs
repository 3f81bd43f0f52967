//! The steps of the flat views in DataFusion: what `sql/views/flat.sql` says of them in SQL for other engines, computed in
//! one pass over each list.
//!
//! **In:** the expressions of `_sessions` in that file, and a statement's wish for columns and rows.
//! **Out:** a table for each step ([`tables`]), whose scans read the leaves that those columns need and no others.
//! **Owns:** which step has which columns, what each is made of, and how routing follows from a list of destinations.
//! **Knows nothing of:** public views and reports, which are SQL over these tables.
//! **Fails:** as the scan below it.
//! **Rests on:** F22 (who answered). What lies within one list needs no sort and no join, which is what engines make of the
//! same steps in SQL: `src/query/tests/steps.rs` holds both against each other.

mod columns;
mod contact;
mod destination;
mod exec;
mod lists;
mod outcome;
mod routing;
mod sessions;
mod table;
mod unfold;

pub(super) use table::tables;
