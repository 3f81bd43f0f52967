//! Pages of records, from the API or from saved files.
//!
//! **In:** a range of time, or paths of saved pages. **Out:** [`Page`]s, and for each [`Window`] of the range
//! the [`Evidence`] that it was read whole. **Owns:** addresses, headers, tokens, retries, the rate limit; how a
//! range is cut into windows and a window into pages; the format of saved pages. **Knows nothing of:** what a
//! record means (the corridor tells a [`WindowReading`] in [`PageFacts`] what the decoder saw), Arrow, the lake.
//! **Fails:** [`SourceError`] after retries; [`SavedPageError`] for one file; a window that cannot be read whole
//! is no error but a [`Doubt`]. **Rests on:** F1–F7 (requests, answers, errors), F8–F12 (paging: nobody
//! outside this room may assume anything about it), F16 (always offset 0), F17 (windows share their edge second).

mod address;
mod answer;
mod ask;
mod attempt;
mod auth;
mod client;
mod density;
mod error;
mod evidence;
mod files;
mod learned;
mod limiter;
mod manifest;
mod page;
mod planner;
mod reading;
mod retry;
pub mod saved;
mod secret;
mod template;
#[cfg(test)]
mod tests;
mod window;

pub use address::BaseUrl;
pub use answer::AnswerFault;
pub use ask::Ask;
pub use auth::{Credentials, JwtAlgorithm, Key};
pub use client::{Client, ClientSettings, PageSource, Traffic};
pub use density::{Density, Rhythm};
pub use error::{Fault, Refusal, RefusalReason, SourceError};
pub use evidence::{Doubt, Evidence, EvidenceKind, PageFacts, RowFacts};
pub use learned::{FilteredTime, Habits, Learned, Reference, Unit};
pub use limiter::{Permit, RateLimiter};
pub use manifest::{Manifest, SavedWindow};
pub use page::{Page, PageRequest, RequestBody};
pub use planner::{Planned, Planner, Work};
pub use reading::{Next, Pages, WindowReading};
pub use retry::RetryPolicy;
pub use saved::{BareDefaults, SavedPageError};
pub use secret::Secret;
pub use template::{RequestTemplate, selected_fields};
pub use window::Window;
