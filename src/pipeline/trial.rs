//! Requests whose answers show how the server filters. They prove no window; their rows are kept.

use std::collections::HashSet;

use super::window::{AskEnd, AskRead, WindowReader};
use crate::clock::{TimeRange, UtcTime};
use crate::error::Error;
use crate::source::{Ask, FilteredTime, Pages, SourceError, Window};

impl WindowReader {
    /// Asks for the first second of a session that took longer: it is there if windows filter starts, and not if they
    /// filter ends (F17). Nothing is learned where no such session was seen.
    pub(super) async fn try_filter(&self) -> Result<(), Error> {
        let Some((row, start)) = self.learned.long_row().and_then(|row| Some((row, row.start?))) else {
            return Ok(());
        };
        let second = TimeRange::new(UtcTime::from_seconds(start), UtcTime::from_seconds(start + 1))?;
        let window = Window::covering(second);
        let Some(read) = self.read_ask_if_taken(window, Ask::of(window), self.held.room(window)).await? else {
            return Ok(());
        };
        if read.keys.contains(&row.key) {
            self.learned.filtered_seen(FilteredTime::Start);
        } else if matches!(read.end, AskEnd::Whole(_)) {
            self.learned.filtered_seen(FilteredTime::End);
        }
        self.leave(read.pages);
        Ok(())
    }

    /// Whether the filter `isAutomation` cuts a window into bot-only sessions and conversations: tried once a run, on a
    /// small window that was read whole.
    pub(super) async fn groups_can_be_asked_for(&self) -> Result<bool, Error> {
        if let Some(known) = self.learned.partition() {
            return Ok(known);
        }
        let Some(reference) = self.learned.reference() else { return Ok(false) };
        let all: HashSet<_> = reference.keys.into_iter().collect();
        let (mut rest, mut apart) = (all.clone(), true);
        for bot_only in [true, false] {
            let ask = Ask::of(reference.window).automation(bot_only);
            let room = self.held.room(reference.window);
            let read = self.read_ask_if_taken(reference.window, ask, room).await?;
            let AskRead { end, keys, pages, .. } = read.unwrap_or_default();
            self.leave(pages);
            let group = match end {
                AskEnd::Whole(_) => keys,
                AskEnd::Cut if self.budget.spent().is_some() => return Ok(false),
                _ => HashSet::new(),
            };
            apart &= !group.is_empty() && group.is_subset(&rest);
            rest.retain(|key| !group.contains(key));
        }
        let hold = apart && rest.is_empty();
        self.learned.partition_seen(hold);
        Ok(hold)
    }

    /// None where the server refuses what is asked.
    pub(super) async fn read_ask_if_taken(
        &self,
        window: Window,
        ask: Ask,
        room_bytes: u64,
    ) -> Result<Option<AskRead>, Error> {
        match self.read_ask(window, ask, Pages::Many, room_bytes).await {
            Ok(read) => Ok(Some(read)),
            Err(Error::Source(SourceError::Refused(_))) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
