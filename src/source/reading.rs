//! How one window is read page by page, and when it counts as read whole. Does no I/O.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3Default;

use super::{PageRequest, RefusalReason, RequestTemplate, SourceError, Window};

/// Last offset that the documents allow (F12).
const LAST_OFFSET: u32 = 10;

/// A day fits every reading of "7 days" (F4): where it is refused, the cause is another, and halving on would cost
/// requests without end.
const SURE_RANGE_SECONDS: u64 = 86_400;

/// What the decoder saw of one page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageFacts {
    /// One [`row_key`](Self::row_key) for each record that has a key.
    pub keys: Vec<u128>,
    /// Records of bot-only sessions: keyed, without conversation.
    pub bot_only: usize,
    /// Records of conversations.
    pub conversations: usize,
    /// All records, those without a key too.
    pub records: usize,
    /// `numResults` of the answer; of what it is the number is unknown (F9).
    pub num_results: Option<i64>,
}

impl PageFacts {
    /// The key of F20 within an account, hashed.
    pub fn row_key(session_id: &str, conversation_id: Option<&str>) -> u128 {
        let mut hash = Xxh3Default::new();
        hash.update(session_id.as_bytes());
        // No UTF-8 text holds this byte, so no two pairs run together.
        hash.update(if conversation_id.is_some() { &[0xff, 1] } else { &[0xff, 0] });
        hash.update(conversation_id.unwrap_or_default().as_bytes());
        hash.digest128()
    }
}

/// The largest page that a run has seen, shared by its windows: how many records the server really puts on a
/// page, of both groups together or of each (F11), is learned, not assumed.
#[derive(Debug, Clone, Default)]
pub struct PagesSeen(Arc<Mutex<Largest>>);

#[derive(Debug, Default)]
struct Largest {
    records: usize,
    bot_only: usize,
    conversations: usize,
}

impl PagesSeen {
    /// Counts a page in; whether it holds less than the server's pages can, so that none follows it.
    fn is_short(&self, page: &PageFacts) -> bool {
        let mut largest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        largest.records = largest.records.max(page.records);
        largest.bot_only = largest.bot_only.max(page.bot_only);
        largest.conversations = largest.conversations.max(page.conversations);
        let ended = |count: usize, most: usize| count == 0 || count < most;
        page.records < largest.records
            && ended(page.bot_only, largest.bot_only)
            && ended(page.conversations, largest.conversations)
    }
}

/// What to do next for a window.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// Fetch this page, then [`observe`](WindowReading::observe) it or report its
    /// [refusal](WindowReading::refused).
    Request(PageRequest),
    /// Every record of the window was on the pages read.
    Whole(Evidence),
    /// The pages read prove nothing; read these windows, which cover this one, instead. Rows already read are
    /// rows of the stream and may be kept.
    Split {
        /// The parts, oldest first.
        windows: Vec<Window>,
        /// Why the window could not be read at once.
        why: Doubt,
    },
    /// The window cannot be read whole and has no parts.
    Unreadable {
        /// The window.
        window: Window,
        /// Why not.
        why: Doubt,
    },
}

/// Why the pages of a window do not prove that it was read whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Doubt {
    /// The last allowed page was full (F12).
    #[error("the last page that may be asked for, offset {offset}, is full: {records} records were read")]
    OverFull {
        /// Offset of the last page.
        offset: u32,
        /// Records read up to then.
        records: u64,
    },
    /// A page held records of an earlier page: pages overlap or repeat (F8, F10), or rows moved between them.
    #[error("the page at offset {offset} repeats {repeated} records of earlier pages")]
    Repeats {
        /// Offset of the page.
        offset: u32,
        /// How many of its records were there before.
        repeated: u64,
    },
    /// The server gives a total above the distinct records it returned.
    #[error("the server counts {total} records and returned {distinct_keys}")]
    TotalAbove {
        /// The largest `numResults` seen.
        total: i64,
        /// Distinct keys read.
        distinct_keys: u64,
    },
    /// The server gives a total above what the pages that may be asked for can hold.
    #[error("the server counts {total} records, and the pages that may be asked for hold {reach}")]
    BeyondReach {
        /// The largest `numResults` seen.
        total: i64,
        /// Records on all pages up to the last allowed.
        reach: u64,
    },
    /// The server refused an offset, and the page before it was full (F10).
    #[error("the server refuses offset {offset} after a full page")]
    OffsetRefused {
        /// Offset refused.
        offset: u32,
    },
    /// The server refused the window as too long (F4).
    #[error("the server refuses the window as too long")]
    RangeRefused,
}

/// On what ground a window counts as read whole. The ledger keeps it as JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The ground.
    pub kind: EvidenceKind,
    /// Pages that held records.
    pub pages: u32,
    /// Requests answered or refused, retries not counted.
    pub requests: u32,
    /// Records on the pages.
    pub records: u64,
    /// Distinct keys among them.
    pub distinct_keys: u64,
    /// The largest `numResults` seen.
    pub num_results: Option<i64>,
    /// Whether that is above the distinct keys although the pages prove the window.
    pub total_disagrees: bool,
}

/// The ground on which a window counts as read whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceKind {
    /// The last page held fewer records than a page may, and than the largest page seen in the run.
    ShortPage,
    /// A page after the records was empty.
    EmptyPage,
    /// Offsets 0 and 1 were empty: wherever the count begins (F8), there is nothing.
    NothingAtAll,
}

impl EvidenceKind {
    /// The word that the ledger keeps.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ShortPage => "short_page",
            Self::EmptyPage => "empty_page",
            Self::NothingAtAll => "nothing_at_all",
        }
    }
}

/// The reading of one window, without I/O: ask for what is [`next`](Self::next), report what came, and so on.
///
/// The rules are the plain ones of a server whose offset counts pages; any sign of another server leads to smaller
/// windows, where one page answers. How many records a page holds is learned in the run ([`PagesSeen`]).
#[derive(Debug, Clone)]
pub struct WindowReading {
    window: Window,
    template: RequestTemplate,
    pages_seen: PagesSeen,
    offset: u32,
    seen: HashSet<u128>,
    /// Records without a key; they count against a total.
    unkeyed: u64,
    so_far: SoFar,
    end: Option<Next>,
}

#[derive(Debug, Clone, Copy, Default)]
struct SoFar {
    pages: u32,
    requests: u32,
    records: u64,
    num_results: Option<i64>,
    /// The last page with records was shorter than the limit and than the largest page seen.
    short: bool,
}

impl WindowReading {
    /// Begins to read `window`; all windows of a run share `pages_seen`.
    pub fn new(window: Window, template: RequestTemplate, pages_seen: PagesSeen) -> Self {
        let seen = HashSet::new();
        Self { window, template, pages_seen, offset: 0, seen, unkeyed: 0, so_far: SoFar::default(), end: None }
    }

    /// The window that is read.
    pub fn window(&self) -> Window {
        self.window
    }

    /// Requests answered or refused so far, retries not counted.
    pub fn requests(&self) -> u32 {
        self.so_far.requests
    }

    /// What to do next; the same until something is reported.
    pub fn next(&self) -> Next {
        match &self.end {
            Some(end) => end.clone(),
            None => Next::Request(self.template.request(self.window, self.offset)),
        }
    }

    /// Reports the page that was asked for.
    pub fn observe(&mut self, facts: &PageFacts) {
        let repeated = self.take_in(facts);
        self.end = if repeated > 0 {
            Some(self.doubt(Doubt::Repeats { offset: self.offset, repeated }))
        } else if facts.records == 0 {
            self.at_empty_page()
        } else if self.so_far.short {
            self.at_short_page()
        } else {
            self.at_full_page()
        };
        self.offset += 1;
    }

    /// Reports that the request was refused. A range or an offset that the server does not take is a matter of
    /// how the window is read.
    ///
    /// # Errors
    /// Gives back whatever else the error is: it ends the run, or is for the caller to act upon
    /// ([`RefusalReason::Field`]).
    pub fn refused(&mut self, error: SourceError) -> Result<(), SourceError> {
        let end = match &error {
            SourceError::Refused(refusal) => self.at_refusal(&refusal.reason),
            _ => None,
        };
        self.so_far.requests += 1;
        self.end = Some(end.ok_or(error)?);
        Ok(())
    }

    /// Counts the page in; how many of its keys stood on earlier pages.
    fn take_in(&mut self, facts: &PageFacts) -> u64 {
        let repeated = facts.keys.iter().filter(|key| self.seen.contains(*key)).count();
        self.seen.extend(&facts.keys);
        self.unkeyed += count(facts.records.saturating_sub(facts.keys.len()));
        self.so_far.requests += 1;
        self.so_far.pages += u32::from(facts.records > 0);
        self.so_far.records += count(facts.records);
        self.so_far.num_results = self.so_far.num_results.max(facts.num_results);
        if facts.records > 0 {
            let below_limit = count(facts.records) < u64::from(self.template.limit);
            self.so_far.short = self.pages_seen.is_short(facts) && below_limit;
        }
        count(repeated)
    }

    /// Offset 0 alone proves nothing where it is empty: the first page may be 1 (F8).
    fn at_empty_page(&self) -> Option<Next> {
        match (self.so_far.pages, self.offset) {
            (0, 0) => None,
            (0, _) => Some(self.whole(EvidenceKind::NothingAtAll)),
            // The first page and nothing after it: whole under every reading of offset, whatever the total says.
            (1, 1) => Some(self.whole(EvidenceKind::EmptyPage)),
            _ => Some(self.whole_unless_total_above(EvidenceKind::EmptyPage)),
        }
    }

    /// A total above what came means that the server's pages are smaller than asked: then read on.
    fn at_short_page(&self) -> Option<Next> {
        match self.total_above() {
            None => Some(self.whole(EvidenceKind::ShortPage)),
            Some(_) if self.offset < LAST_OFFSET => None,
            Some(doubt) => Some(self.doubt(doubt)),
        }
    }

    fn at_full_page(&self) -> Option<Next> {
        if self.offset >= LAST_OFFSET {
            return Some(self.doubt(Doubt::OverFull { offset: self.offset, records: self.so_far.records }));
        }
        // A total proves nothing, but where it lies beyond reach the pages up to there would be read for nothing.
        let pages_left = u64::from(LAST_OFFSET - self.offset);
        let reach = self.so_far.records + pages_left * u64::from(self.template.limit);
        let total = self.so_far.num_results.filter(|total| u64::try_from(*total).is_ok_and(|total| total > reach))?;
        self.window.split().is_some().then(|| self.doubt(Doubt::BeyondReach { total, reach }))
    }

    fn at_refusal(&self, reason: &RefusalReason) -> Option<Next> {
        match reason {
            RefusalReason::Range if self.window.length().as_secs() > SURE_RANGE_SECONDS => {
                Some(self.doubt(Doubt::RangeRefused))
            }
            RefusalReason::Offset if self.offset > 0 && self.so_far.pages == 0 => {
                Some(self.whole(EvidenceKind::NothingAtAll))
            }
            RefusalReason::Offset if self.offset > 0 => {
                let refused = Doubt::OffsetRefused { offset: self.offset };
                Some(self.doubt(self.total_above().unwrap_or(refused)))
            }
            _ => None,
        }
    }

    fn whole_unless_total_above(&self, kind: EvidenceKind) -> Next {
        self.total_above().map_or_else(|| self.whole(kind), |doubt| self.doubt(doubt))
    }

    fn total_above(&self) -> Option<Doubt> {
        let total = self.so_far.num_results?;
        let counted = count(self.seen.len()) + self.unkeyed;
        let above = u64::try_from(total).is_ok_and(|total| total > counted);
        above.then_some(Doubt::TotalAbove { total, distinct_keys: counted })
    }

    fn whole(&self, kind: EvidenceKind) -> Next {
        let SoFar { pages, requests, records, num_results, .. } = self.so_far;
        let distinct_keys = count(self.seen.len());
        let total_disagrees = self.total_above().is_some();
        Next::Whole(Evidence { kind, pages, requests, records, distinct_keys, num_results, total_disagrees })
    }

    fn doubt(&self, why: Doubt) -> Next {
        match self.window.split() {
            Some((earlier, later)) => Next::Split { windows: vec![earlier, later], why },
            None => Next::Unreadable { window: self.window, why },
        }
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).expect("a count in memory fits 64 bits")
}

#[cfg(test)]
mod tests;
