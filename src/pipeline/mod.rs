//! The corridor that joins the rooms: pages go in at the source, rows come to lie in the lake.
//!
//! **In:** a lake, a [`PageSource`](crate::source::PageSource) or paths of saved pages, and what is asked
//! ([`LoadRequest`], [`ReplayRequest`]). **Out:** a [`Summary`], also where the run failed.
//! **Owns:** the order of steps (recover, intend, fetch, decode, stage, commit, close), windows side by
//! side, when a run stops, and what counts as complete.
//! **Knows nothing of:** how a page is fetched, decoded or stored; arguments and printing.
//! **Fails:** with the rooms' errors as [`Error`](crate::error::Error). What was staged is kept; another run
//! goes on from there. **Rests on:** F17 (windows share their edge second), F20 (keys).

mod accept;
mod asked;
mod budget;
mod check;
mod client;
mod crowded;
mod held;
mod load;
mod memory;
mod plan;
mod progress;
mod reading;
mod replay;
mod run;
mod scope;
mod stop;
mod store;
mod summary;
#[cfg(test)]
mod tests;
mod totals;
mod trial;
mod window;

pub use accept::accept;
pub use check::{Check, check};
pub use client::client;
pub use load::{LoadRequest, load};
pub use memory::habits;
pub use plan::{Plan, PlannedWindow, plan};
pub use progress::{Progress, Unwatched};
pub use replay::{ReplayRequest, replay};
pub use run::Finished;
pub use stop::{GRACE, Signal, Stop, Stopper};
pub use store::{create_lake, open_lake, store_settings};
pub use summary::{DayCounts, Outcome, RejectCounts, RowCounts, Summary, Unreadable};
