//! SQL over the lake: a session, flat views, reports, and rows as text.
//!
//! **In:** where the lake's objects lie ([`LakeFiles`]), SQL text or a [`Report`] with its parameters.
//! **Out:** [`Rows`], a stream of batches, and their rendering in a [`Format`].
//! **Owns:** the pin of every read to one listing, the views (`sql/views`), the functions of the prelude
//! (`sql/prelude`), the reports (`sql/reports`), what a statement may do, near matches of unknown names.
//! **Knows nothing of:** pages, staging, ledger and locks; it never writes to the lake. It imports `schema`, and of the lake only where it lies.
//! **Fails:** with [`QueryError`]: what the user asked, what the lake gave, or where the output went.
//! **Rests on:** F20 (keys), F21 (side sessions), F22 (who answered), F23 (missed offers), and on the schema
//! under which the lake is written; objects of older versions are read with missing columns null.
//!
//! One statement sees one listing: a day replaced while it is read is an error or a new try, never a mixture
//! of two versions.

mod catalog;
mod engine;
mod error;
mod export;
mod extra_values;
mod files;
mod format;
mod functions;
mod headroom;
mod leaves;
mod ledger;
mod older;
mod pinned;
mod reader;
mod report;
mod rows;
mod said;
mod script;
mod session;
mod steps;
mod suggest;
mod table;
#[cfg(test)]
mod tests;
mod views;

pub use engine::Engine;
pub use error::{QueryError, QueryErrorKind};
pub use export::{LakeOutline, report_sql, setup};
pub use files::LakeFiles;
pub use format::{Format, Layout, Screen, render, render_on, render_with};
pub use report::{Param, ParamType, Params, Report, ReportColumn, report, reports};
pub use rows::Rows;
pub use script::{Statement, is_complete};
pub use session::{Session, SessionSettings};
