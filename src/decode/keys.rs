use super::scan::Scan;
use super::token::Token;
use crate::schema::{Column, Kind};

/// Index of a key in its table; sorts by the order of columns, then of the column's keys.
pub(super) type Slot = usize;

/// The keys of one object, and which of them the present object has had.
///
/// Objects of one kind mostly have their keys in one order, some left out here and there: the two keys that followed
/// last are tried first (19 of 20 are one of them), and only another one is looked for.
pub(super) struct KeyTable {
    entries: Vec<Entry>,
    /// Which two slots came last after each slot, and (the last) which came first.
    followers: Vec<[Slot; 2]>,
    /// The slot that was found last; the number of slots before the first.
    last: Slot,
    /// Number of the present object; a mark of that number was set in it.
    object: u64,
    column_marks: Vec<u64>,
}

struct Entry {
    key: Box<[u8]>,
    /// The key as it stands in a text without white space, quotes and colon included.
    token: Token,
    column: usize,
    /// Whether its column takes the best of several texts, rather than the first value.
    candidate: bool,
    mark: u64,
}

/// Where a value may go, by its key.
pub(super) enum Right {
    /// To this column.
    Column(usize),
    /// To its column, if it turns out to be the best of several.
    Candidate,
    /// To none: an earlier value had the right to it.
    None,
}

impl KeyTable {
    pub(super) fn new(columns: &[&Column]) -> Self {
        let entries: Vec<Entry> =
            columns.iter().enumerate().flat_map(|(index, column)| entries(index, column)).collect();
        let slots = entries.len();
        Self {
            followers: (1..slots).chain([0, 0]).map(|slot| [slot; 2]).collect(),
            last: slots,
            object: 0,
            column_marks: vec![0; columns.len()],
            entries,
        }
    }

    /// A new object begins.
    pub(super) fn begin(&mut self) {
        self.object += 1;
        self.last = self.entries.len();
    }

    /// Passes over the key that stands next, and its colon, if it is one that is likely to; its slot.
    #[inline(always)]
    pub(super) fn pass_likely(&mut self, scan: &mut Scan<'_>) -> Option<Slot> {
        let [first, second] = self.followers[self.last];
        let slot = if scan.pass(&self.entries[first].token) {
            first
        } else if scan.pass(&self.entries[second].token) {
            self.followers[self.last] = [second, first];
            second
        } else {
            return None;
        };
        self.last = slot;
        Some(slot)
    }

    /// The slot of a decoded key.
    pub(super) fn find(&mut self, key: &[u8]) -> Option<Slot> {
        let found = self.entries.iter().position(|entry| *entry.key == *key)?;
        let likely = &mut self.followers[self.last];
        if likely[0] != found {
            *likely = [found, likely[0]];
        }
        self.last = found;
        Some(found)
    }

    pub(super) fn column(&self, slot: Slot) -> usize {
        self.entries[slot].column
    }

    /// Where a value of this key may go.
    #[inline(always)]
    pub(super) fn right(&self, slot: Slot) -> Right {
        let entry = &self.entries[slot];
        let had = if entry.candidate { entry.mark } else { self.column_marks[entry.column] };
        if had == self.object {
            Right::None
        } else if entry.candidate {
            Right::Candidate
        } else {
            Right::Column(entry.column)
        }
    }

    /// Whether the present object had any of the column's keys.
    pub(super) fn has(&self, column: usize) -> bool {
        self.column_marks[column] == self.object
    }

    /// The present object has this key, with a value that is not null; the key, where that is new.
    #[inline(always)]
    pub(super) fn note(&mut self, slot: Slot) -> Option<&[u8]> {
        let entry = &mut self.entries[slot];
        self.column_marks[entry.column] = self.object;
        let mark = std::mem::replace(&mut entry.mark, self.object);
        (mark != self.object).then_some(&*entry.key)
    }
}

fn entries(index: usize, column: &Column) -> impl Iterator<Item = Entry> {
    let candidate = column.kind == Kind::Utf8 && !column.aliases.is_empty();
    column.keys().map(move |key| {
        debug_assert!(!key.contains(['"', '\\']), "a key of the schema stands in a text without escapes");
        let token = Token::new(format!("\"{key}\":").as_bytes());
        Entry { key: key.as_bytes().into(), token, column: index, candidate, mark: 0 }
    })
}
