//! Which rows of a window a page holds, under every reading of `limit` and `offset` (F8, F10–F12).

use std::ops::Range;

use super::behaviour::Behaviour;
use super::moment::Held;
use super::readings::{FirstPage, OffsetUnit, Order, PastEnd, PastMaximum};
use super::refusal::Refusal;

/// Which page of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PageAsked {
    pub(super) limit: usize,
    place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// So many rows after the first one.
    After(usize),
    /// The last page that has rows.
    Last,
    /// An empty page, whatever there is.
    Nowhere,
}

impl PageAsked {
    pub(super) fn of(query: Option<&str>, behaviour: &Behaviour) -> Result<Self, Refusal> {
        let limit = parameter(query, "limit")?.unwrap_or(behaviour.page_rows);
        if limit == 0 {
            return Err(Refusal::invalid("limit must be between 1 and 100"));
        }
        let limit = size(limit.min(behaviour.page_rows));
        let offset = parameter(query, "offset")?.unwrap_or_else(|| behaviour.first_offset());
        Ok(Self { limit, place: place(offset, limit, behaviour)? })
    }

    /// The positions that the page shows of lists of these lengths; two lists are paged side by side.
    pub(super) fn spans(&self, lengths: [usize; 2], behaviour: &Behaviour) -> [Range<usize>; 2] {
        let longest = lengths[0].max(lengths[1]);
        let last = longest.saturating_sub(1) / self.limit * self.limit;
        let start = match self.place {
            Place::After(rows) if rows < longest => rows,
            Place::After(_) if behaviour.past_end == PastEnd::LastPage => last,
            Place::Last => last,
            Place::After(_) | Place::Nowhere => longest,
        };
        lengths.map(|length| start.min(length)..start.saturating_add(self.limit).min(length))
    }
}

fn place(offset: u32, limit: usize, behaviour: &Behaviour) -> Result<Place, Refusal> {
    let offset = match behaviour.max_offset {
        Some(max) if offset > max => match behaviour.past_maximum {
            PastMaximum::Refused => return Err(Refusal::invalid(format!("offset must not exceed {max}"))),
            PastMaximum::Empty => return Ok(Place::Nowhere),
            PastMaximum::LastPage => return Ok(Place::Last),
            PastMaximum::Clamped => max,
        },
        _ => offset,
    };
    let before = match (behaviour.first_page, offset) {
        (FirstPage::OneZeroRefused, 0) => return Err(Refusal::invalid("offset must be at least 1")),
        (FirstPage::OneZeroEmpty, 0) => return Ok(Place::Nowhere),
        _ => size(offset.saturating_sub(behaviour.first_offset())),
    };
    Ok(Place::After(match behaviour.offset {
        OffsetUnit::Pages => before.saturating_mul(limit),
        OffsetUnit::Records => before,
    }))
}

fn parameter(query: Option<&str>, name: &str) -> Result<Option<u32>, Refusal> {
    let pairs = query.unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    let value = pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value);
    let number = value.map(str::parse).transpose();
    number.map_err(|_| Refusal::invalid(format!("{name} must be a whole number")))
}

fn size(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

impl Behaviour {
    fn first_offset(&self) -> u32 {
        u32::from(self.first_page != FirstPage::Zero)
    }

    /// Rows of one list from its first one on that a client can both read and know to be in order: up to
    /// the end of the page at the largest offset. An order that is another one at every request lets it
    /// trust one page only. None: without limit.
    pub(super) fn reach(&self) -> Option<usize> {
        let page = size(self.page_rows);
        if self.order == Order::Reshuffled {
            return Some(page);
        }
        let further = size(self.max_offset?.saturating_sub(self.first_offset()));
        Some(match self.offset {
            OffsetUnit::Pages => further.saturating_mul(page).saturating_add(page),
            OffsetUnit::Records => further.saturating_add(page),
        })
    }

    /// Whether a window of so many bot-only sessions and conversations can be read and proven whole: the
    /// last page must not be full.
    pub(super) fn proves(&self, sessions: usize, conversations: usize) -> bool {
        let longest = match self.order {
            Order::TwoGroupsEach => sessions.max(conversations),
            _ => sessions + conversations,
        };
        self.reach().is_none_or(|reach| longest < reach)
    }
}

/// The rows of a window in the order in which they are served, as one list or two. Of the records the
/// seed decides what is shuffled, and the number of the request what is shuffled anew.
pub(super) fn arrange(mut rows: Vec<Held>, order: Order, seed: u64, request: u64) -> [Vec<Held>; 2] {
    match order {
        Order::Shuffled => rows.sort_by_cached_key(|held| held.lot(seed)),
        Order::Reshuffled => rows.sort_by_cached_key(|held| held.lot(seed.wrapping_add(request))),
        _ => rows.sort_unstable_by_key(|held| held.row),
    }
    match order {
        Order::Ascending | Order::Shuffled | Order::Reshuffled => [rows, Vec::new()],
        Order::Descending => {
            rows.reverse();
            [rows, Vec::new()]
        }
        Order::TwoGroups => {
            let [mut list, conversations] = groups(rows);
            list.extend(conversations);
            [list, Vec::new()]
        }
        Order::TwoGroupsEach => groups(rows),
    }
}

/// Bot-only sessions as they come, conversations the other way round.
fn groups(rows: Vec<Held>) -> [Vec<Held>; 2] {
    let (sessions, mut conversations): (Vec<_>, Vec<_>) = rows.into_iter().partition(|held| held.bot_only);
    conversations.reverse();
    [sessions, conversations]
}
