//! One second that its own pages do not prove, read in parts.

use std::collections::HashSet;

use super::window::{AskEnd, AskRead, WindowEnd, WindowRead, WindowReader, read_at};
use crate::clock::UtcTime;
use crate::error::Error;
use crate::source::{Ask, Doubt, Evidence, EvidenceKind, Planned, Window};

/// What was read of a window, by itself and in parts.
struct Tried {
    /// Everything read so far; its end is the doubt that the window itself ended with.
    read: AskRead,
    /// Largest total that came with the window itself.
    num_results: Option<i64>,
    records: u64,
}

impl WindowReader {
    /// Reads the window of one second whose own pages, `whole`, prove nothing: bot-only sessions and conversations
    /// apart, or its two moments apart (each names a whole second, where the last one is included).
    ///
    /// The parts prove the window if each is proven and together they hold every key that any read of it showed: so
    /// a filter that is not honoured, or a fraction of a second that is hidden, is no proof.
    pub(super) async fn read_second(
        &self,
        planned: Planned,
        whole: AskRead,
        doubt: &Doubt,
        began: UtcTime,
    ) -> Result<WindowRead, Error> {
        let window = planned.window;
        let mut tried = Tried::new(whole);
        let mut proven = self.read_groups(window, &Ask::of(window), &mut tried).await?;
        if !proven.as_ref().is_some_and(|keys| tried.is_all(keys)) {
            proven = self.read_moments(window, &mut tried).await?;
        }
        let kind = match proven {
            Some(keys) if tried.is_all(&keys) => Some(EvidenceKind::Parts),
            _ if self.learned.total_proves() && tried.is_total() => Some(EvidenceKind::Total),
            _ => None,
        };
        let end = match kind {
            Some(kind) => WindowEnd::Whole(tried.evidence(kind)),
            None if self.budget.spent().is_some() => WindowEnd::Cut,
            None => WindowEnd::Unreadable(doubt.to_string()),
        };
        let AskRead { pages, requests, saved, .. } = tried.read;
        Ok(WindowRead { planned, end, requests, read_at: read_at(&pages, began), pages, saved })
    }

    /// The keys of the first second and of the one that ends the window, if both are proven.
    async fn read_moments(&self, window: Window, tried: &mut Tried) -> Result<Option<HashSet<u128>>, Error> {
        let mut keys = HashSet::new();
        for second in [window.from(), window.to()] {
            let ask = Ask::moment(second);
            let moment = match self.read_part(window, &ask, tried).await? {
                Some(keys) => Some(keys),
                None => self.read_groups(window, &ask, tried).await?,
            };
            let Some(moment) = moment else { return Ok(None) };
            keys.extend(moment);
        }
        Ok(Some(keys))
    }

    /// The keys of bot-only sessions and of conversations, if both are proven and the filter, which no document
    /// names (F3), was seen in this run to cut a window into just these two.
    async fn read_groups(&self, window: Window, ask: &Ask, tried: &mut Tried) -> Result<Option<HashSet<u128>>, Error> {
        if !self.groups_can_be_asked_for().await? {
            return Ok(None);
        }
        let mut keys = HashSet::new();
        for bot_only in [true, false] {
            let Some(group) = self.read_part(window, &ask.clone().automation(bot_only), tried).await? else {
                return Ok(None);
            };
            keys.extend(group);
        }
        Ok(Some(keys))
    }

    /// The keys of one part, if it is proven; what it showed is kept in any case.
    async fn read_part(&self, window: Window, ask: &Ask, tried: &mut Tried) -> Result<Option<HashSet<u128>>, Error> {
        // Everything that was read of the second is held until it ends.
        let room = self.held.room(window).saturating_sub(tried.read.held_bytes);
        let part = self.read_ask_if_taken(window, ask.clone(), room).await?;
        Ok(part.and_then(|part| tried.take_in(part)))
    }
}

impl Tried {
    fn new(read: AskRead) -> Self {
        let num_results = read.pages.iter().filter_map(|page| page.facts.num_results).max();
        let records = read.pages.iter().map(|page| count(page.facts.records)).sum();
        Self { read, num_results, records }
    }

    /// The keys of a part, if it is proven.
    fn take_in(&mut self, part: AskRead) -> Option<HashSet<u128>> {
        let AskRead { pages, keys, held_bytes, end, requests, saved } = part;
        self.records += pages.iter().map(|page| count(page.facts.records)).sum::<u64>();
        self.read.pages.extend(pages);
        self.read.keys.extend(&keys);
        self.read.held_bytes += held_bytes;
        self.read.requests += requests;
        self.read.saved.extend(saved);
        matches!(end, AskEnd::Whole(_)).then_some(keys)
    }

    fn is_all(&self, keys: &HashSet<u128>) -> bool {
        keys.is_superset(&self.read.keys)
    }

    fn is_total(&self) -> bool {
        self.num_results.and_then(|total| usize::try_from(total).ok()) == Some(self.read.keys.len())
    }

    fn evidence(&self, kind: EvidenceKind) -> Evidence {
        let distinct_keys = count(self.read.keys.len());
        let above = self.num_results.and_then(|total| u64::try_from(total).ok()).is_some_and(|t| t > distinct_keys);
        Evidence {
            kind,
            pages: u32::try_from(self.read.pages.len()).unwrap_or(u32::MAX),
            requests: self.read.requests,
            records: self.records,
            distinct_keys,
            num_results: self.num_results,
            total_disagrees: above,
        }
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).expect("a count in memory fits 64 bits")
}
