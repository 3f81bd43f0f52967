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
