//! The dashboard: one HTML page that holds all it shows and asks no network for anything.
//!
//! **In:** a [`Session`](crate::query::Session), how the lake's accounts stand, parameters. **Out:** the page's text
//! ([`page`]). **Owns:** which reports stand on it and over which days, and the page itself: `page.html`, `page.css`, the
//! scripts, the charts in `vendor/`. **Knows nothing of:** how a report counts, files to write to, networks. **Fails:**
//! [`QueryError`](crate::query::QueryError): a parameter that no report on it takes, or as a report fails.

mod answers;
mod page;
mod standing;

pub use answers::DashboardRequest;
pub use page::page;
