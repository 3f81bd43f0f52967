//! Times: what the API's spellings mean, and how ours are written.
//!
//! **In:** text of times, session ids, dates and ranges that a user gives. **Out:** [`UtcTime`]
//! (microseconds) and [`TimeRange`] (half-open). **Owns:** the grammar of a time and the rule that
//! turns naive local time into UTC. **Knows nothing of:** records, pages, files; it imports no other
//! room. **Fails:** [`ClockError`] on what a user gives; a value in a record that is no time is `None`.
//! **Rests on:** F13 (naive times), F14 (absolute times), F15 (time in a session id), F18 (spellings).

mod grammar;
mod range;
mod time;

pub use grammar::{object_id_time, parse_api_time};
pub use range::TimeRange;
pub use time::{ClockError, UtcTime};
