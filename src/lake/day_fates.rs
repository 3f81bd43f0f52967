use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;

use super::fate::Fate;
use super::{LakeError, RowChange};

/// Which rows of a day stay, go and come: a bit a row, so that a day of millions of rows is decided in little memory.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct DayFates {
    /// What becomes of the keys.
    pub change: RowChange,
    coming: RowSet,
    going: RowSet,
    /// Those of the stored rows that go in whose place staged ones come.
    replaced: RowSet,
}

impl DayFates {
    /// Counts what becomes of a staged key.
    pub(super) fn count(&mut self, fate: Fate) {
        match fate {
            Fate::New => self.change.new += 1,
            Fate::Changed => self.change.changed += 1,
            Fate::Unchanged => self.change.unchanged += 1,
            Fate::Superseded => self.change.superseded += 1,
        }
    }

    /// A staged row is written.
    pub(super) fn comes(&mut self, staged: u64) {
        self.coming.insert(staged);
    }

    /// A stored row goes.
    pub(super) fn goes(&mut self, stored: u64) {
        self.going.insert(stored);
    }

    /// A stored row goes since a staged one of its key comes.
    pub(super) fn gives_way(&mut self, stored: u64) {
        self.going.insert(stored);
        self.replaced.insert(stored);
    }

    /// Whether the day's object must be replaced.
    pub(super) fn changes_anything(&self) -> bool {
        !self.going.is_empty() || !self.coming.is_empty()
    }

    /// The rows of a stored batch that stay; its first row is number `first` of its day.
    pub(super) fn staying(&self, batch: &RecordBatch, first: u64) -> Result<RecordBatch, LakeError> {
        keep(batch, first, |row| !self.going.contains(row))
    }

    /// The rows of a staged batch that are written; its first row is number `first` of its day.
    pub(super) fn coming(&self, batch: &RecordBatch, first: u64) -> Result<RecordBatch, LakeError> {
        keep(batch, first, |row| self.coming.contains(row))
    }

    /// The rows of a stored batch in whose place staged ones come; its first row is number `first` of its day.
    pub(super) fn replaced(&self, batch: &RecordBatch, first: u64) -> Result<RecordBatch, LakeError> {
        keep(batch, first, |row| self.replaced.contains(row))
    }
}

fn keep(batch: &RecordBatch, first: u64, keeps: impl Fn(u64) -> bool) -> Result<RecordBatch, LakeError> {
    let kept: BooleanArray = (first..).take(batch.num_rows()).map(|row| Some(keeps(row))).collect();
    if kept.true_count() == batch.num_rows() {
        return Ok(batch.clone());
    }
    Ok(filter_record_batch(batch, &kept)?)
}

/// Numbers of rows, a bit each.
#[derive(Debug, Default, PartialEq, Eq)]
struct RowSet(Vec<u64>);

impl RowSet {
    fn insert(&mut self, row: u64) {
        let (word, bit) = place(row);
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= bit;
    }

    fn contains(&self, row: u64) -> bool {
        let (word, bit) = place(row);
        self.0.get(word).is_some_and(|bits| bits & bit != 0)
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn place(row: u64) -> (usize, u64) {
    let word = usize::try_from(row / u64::from(u64::BITS)).expect("the rows of a day are counted in memory");
    (word, 1 << (row % u64::from(u64::BITS)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in_and_nothing_else() {
        let mut set = RowSet::default();
        assert!(set.is_empty());
        let rows = [0, 1, 63, 64, 127, 128, 5_000_000];
        for row in rows {
            set.insert(row);
        }
        let around = (0..300).chain(4_999_900..5_000_100);
        assert!(around.into_iter().all(|row| set.contains(row) == rows.contains(&row)));
        assert!(!set.is_empty());
    }
}
