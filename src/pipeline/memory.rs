use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::lake::StreamState;
use crate::source::{Habits, Rhythm};

/// What the ledger keeps of a stream for planning; it proves nothing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Memory {
    /// How the server pages.
    pub(super) habits: Habits,
    /// Rows by hour of the week.
    pub(super) rhythm: Rhythm,
    /// By what share of itself the traffic of a day is off its rhythm.
    pub(super) spread: Option<f64>,
}

/// How the server of a stream was seen to page, by what the ledger keeps for planning
/// ([`StreamState::planning`]); none where nothing is known.
pub fn habits(planning: &serde_json::Value) -> Option<Habits> {
    serde_json::from_value(planning.clone()).ok().map(|memory: Memory| memory.habits)
}

impl Memory {
    /// What the ledger keeps of `stream`. What cannot be read is learned anew.
    pub(super) fn of(stream: Option<&StreamState>) -> Self {
        let Some(planning) = stream.and_then(|stream| stream.planning.clone()) else { return Self::default() };
        serde_json::from_value(planning).unwrap_or_else(|error| {
            tracing::warn!(%error, "what the ledger keeps for planning cannot be read; it is learned anew");
            Self::default()
        })
    }

    pub(super) fn to_json(&self) -> Result<serde_json::Value, Error> {
        serde_json::to_value(self).map_err(|error| Error::Unexpected(error.to_string()))
    }
}
