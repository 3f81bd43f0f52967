use super::scan::Key;
use crate::schema::{Column, Kind};

/// Index of a key in its table; sorts by the order of columns, then of the column's keys.
pub(super) type Slot = usize;

/// The keys of one object, and which of them the present object has had.
///
/// Objects of one kind mostly have their keys in one order: the key that followed last time is tried
/// first, and only another one is looked for.
pub(super) struct KeyTable {
    entries: Vec<Entry>,
    /// Which slot came after each slot, and (the last) which one came first.
    followers: Vec<Slot>,
    /// The slot that was found last; the number of slots before the first.
    last: Slot,
    /// Number of the present object; a mark of that number was set in it.
    object: u64,
    column_marks: Vec<u64>,
}

struct Entry {
    key: Box<[u8]>,
    column: usize,
    /// Whether its column takes the best of several texts, rather than the first value.
    candidate: bool,
    mark: u64,
}

impl KeyTable {
    pub(super) fn new(columns: &[&Column]) -> Self {
        let entries: Vec<Entry> =
            columns.iter().enumerate().flat_map(|(index, column)| entries(index, column)).collect();
        let slots = entries.len();
        Self {
            followers: (1..slots).chain([0, 0]).collect(),
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

    /// The key that is likely to come next.
    pub(super) fn guess(&self) -> &[u8] {
        &self.entries[self.followers[self.last]].key
    }

    /// The slot of a decoded key; of the one that was guessed if it is that.
    pub(super) fn find(&mut self, key: &Key<'_>) -> Option<Slot> {
        let found = if key.guessed {
            self.followers[self.last]
        } else {
            self.entries.iter().position(|entry| *entry.key == *key.name)?
        };
        self.followers[self.last] = found;
        self.last = found;
        Some(found)
    }

    pub(super) fn column(&self, slot: Slot) -> usize {
        self.entries[slot].column
    }

    pub(super) fn is_candidate(&self, slot: Slot) -> bool {
        self.entries[slot].candidate
    }

    /// Whether a value of this key may go to its column: no earlier one had the right to.
    pub(super) fn is_new(&self, slot: Slot) -> bool {
        if self.is_candidate(slot) { !self.is_noted(slot) } else { !self.has(self.column(slot)) }
    }

    /// Whether the present object had this very key.
    pub(super) fn is_noted(&self, slot: Slot) -> bool {
        self.entries[slot].mark == self.object
    }

    /// Whether the present object had any of the column's keys.
    pub(super) fn has(&self, column: usize) -> bool {
        self.column_marks[column] == self.object
    }

    /// The present object has this key, with a value that is not null.
    pub(super) fn note(&mut self, slot: Slot) {
        let entry = &mut self.entries[slot];
        entry.mark = self.object;
        self.column_marks[entry.column] = self.object;
    }
}

fn entries(index: usize, column: &Column) -> impl Iterator<Item = Entry> {
    let candidate = column.kind == Kind::Utf8 && !column.aliases.is_empty();
    column.keys().map(move |key| Entry { key: key.as_bytes().into(), column: index, candidate, mark: 0 })
}
