use serde_json::{Map, Value};

use super::Window;
use crate::clock::UtcTime;

/// What the requests of a window, or of a part of it, name.
#[derive(Debug, Clone, PartialEq)]
pub struct Ask {
    /// `startDate`.
    pub(super) from: UtcTime,
    /// `endDate`; whether its second is included is unknown (F17).
    pub(super) to: UtcTime,
    /// Filters; none for the whole.
    pub(super) filters: Map<String, Value>,
}

impl Ask {
    /// All of `window`.
    pub fn of(window: Window) -> Self {
        Self { from: window.from(), to: window.to(), filters: Map::new() }
    }

    /// One moment: where the end of a window is included, all that starts in its second.
    pub fn moment(second: UtcTime) -> Self {
        Self { from: second, to: second, filters: Map::new() }
    }

    /// Of these only bot-only sessions, or only conversations (F3: the filter is undocumented).
    #[must_use]
    pub fn automation(mut self, bot_only: bool) -> Self {
        self.filters.insert("isAutomation".to_owned(), Value::Bool(bot_only));
        self
    }

    pub(super) fn is_whole(&self, window: Window) -> bool {
        *self == Self::of(window)
    }
}
