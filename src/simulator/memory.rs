//! What a simulator remembers between requests.

use super::changes::Changes;
use super::served::Served;

/// Changes of rows, what was served, and marks in time.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) changes: Changes,
    pub(super) served: Served,
    /// Events and clock at each mark.
    pub(super) marks: Vec<(u64, Option<i64>)>,
}
