use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3Default;

/// A window is cut by its total into so many windows at most, at a time.
const TOTAL_AT_MOST: u64 = 16;

/// What the decoder saw of one page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageFacts {
    /// One for each record that has a key.
    pub rows: Vec<RowFacts>,
    /// All records, those without a key too.
    pub records: usize,
    /// `numResults` of the answer; of what it is the number is unknown (F9).
    pub num_results: Option<i64>,
}

impl PageFacts {
    /// Records of bot-only sessions.
    pub fn bot_only(&self) -> usize {
        self.rows.iter().filter(|row| row.bot_only).count()
    }

    /// Records of conversations.
    pub fn conversations(&self) -> usize {
        self.rows.len() - self.bot_only()
    }

    /// Records of the larger group, of those that have a key.
    pub fn larger_group(&self) -> usize {
        self.bot_only().max(self.conversations())
    }

    /// Records that have no key, so that nobody knows their group.
    pub fn unkeyed(&self) -> usize {
        self.records.saturating_sub(self.rows.len())
    }
}

/// What the decoder saw of one record that has a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowFacts {
    /// See [`RowFacts::key_of`].
    pub key: u128,
    /// Whether it has no conversation.
    pub bot_only: bool,
    /// Second at which the session starts, since 1970 UTC.
    pub start: Option<i64>,
    /// Second at which it ends.
    pub end: Option<i64>,
}

impl RowFacts {
    /// The key of F20 within an account, hashed.
    pub fn key_of(session_id: &str, conversation_id: Option<&str>) -> u128 {
        let mut hash = Xxh3Default::new();
        hash.update(session_id.as_bytes());
        // No UTF-8 text holds this byte, so no two pairs run together.
        hash.update(if conversation_id.is_some() { &[0xff, 1] } else { &[0xff, 0] });
        hash.update(conversation_id.unwrap_or_default().as_bytes());
        hash.digest128()
    }
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceKind {
    /// The last page held fewer records than the largest page seen in the run, and fewer of each group than the
    /// largest group seen.
    ShortPage,
    /// A page after the records was empty.
    EmptyPage,
    /// A page gave the same rows in the same order as the one before: past the end the server repeats the last page.
    SamePage,
    /// Offsets 0 and 1 were empty: wherever the count begins (F8), there is nothing.
    NothingAtAll,
    /// One second, read in parts: its first and its last moment alone, or bot-only sessions and conversations
    /// apart, each part proven.
    Parts,
    /// One second, read in parts that together hold as many keys as a proven total says.
    Total,
}

impl EvidenceKind {
    /// The word that the ledger keeps.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ShortPage => "short_page",
            Self::EmptyPage => "empty_page",
            Self::SamePage => "same_page",
            Self::NothingAtAll => "nothing_at_all",
            Self::Parts => "parts",
            Self::Total => "total",
        }
    }
}

/// Why the pages of a window do not prove that it was read whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Doubt {
    /// The last page that may be asked for was full (F12).
    #[error("the last page that may be asked for, offset {offset}, is full: {records} records were read")]
    OverFull {
        /// Offset of the last page.
        offset: u32,
        /// Records read up to then.
        records: u64,
    },
    /// The page is full, and this window is to be read on one page.
    #[error("the page is full: {records} records were read")]
    Full {
        /// Records read.
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
    /// An empty page at an offset of which it is not known that the server serves it (F10).
    #[error("the page at offset {offset} is empty, and whether the server serves that offset is not known")]
    EmptyBeyond {
        /// Offset of the page.
        offset: u32,
    },
    /// Records followed a page that looked like the last one.
    #[error("more records follow at offset {offset} behind a page that was not full")]
    MoreFollow {
        /// Offset of the page behind.
        offset: u32,
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
        /// Records that a window may hold.
        reach: u64,
    },
    /// The server refused an offset, and the page before it was full (F10).
    #[error("the server refuses offset {offset} after a full page")]
    OffsetRefused {
        /// Offset refused.
        offset: u32,
    },
    /// A page could not be decoded: one record can spoil it.
    #[error("{reason}")]
    Undecodable {
        /// What is wrong with the page.
        reason: String,
    },
    /// The pages take more memory than a window may hold.
    #[error("the pages take {bytes} bytes so far, more than the {room_bytes} that may be held of them")]
    TooLarge {
        /// Bytes of the pages read, as JSON.
        bytes: u64,
        /// Bytes that may be held.
        room_bytes: u64,
    },
    /// The server refused the window as too long (F4).
    #[error("the server refuses the window as too long")]
    RangeRefused,
}

impl Doubt {
    /// How many records the window holds at least, as far as the doubt tells.
    pub fn at_least(&self) -> Option<u64> {
        match self {
            Self::OverFull { records, .. } | Self::Full { records } => Some(*records),
            // Nobody knows what a total counts: one of the whole account would cut windows to seconds.
            Self::BeyondReach { total, reach } => Some(u64::try_from(*total).ok()?.min(TOTAL_AT_MOST * reach)),
            Self::TotalAbove { distinct_keys, .. } => Some(distinct_keys + 1),
            _ => None,
        }
    }
}
