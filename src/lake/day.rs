use std::collections::{HashMap, HashSet};

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;

use super::fate::{Fate, Reads, fate};
use super::key::{KeyColumns, KeyHash, KeyRow, Rank};
use super::moved::{Leaving, Placed};
use super::{LakeError, RowChange};

/// The row that counts among those staged of one key.
#[derive(Debug, Clone, Copy)]
struct StagedKey {
    rank: Rank,
    /// Number of the row among the staged ones of its day.
    ordinal: u64,
    fate: Fate,
    /// Whether the fate was decided over all days, since the key has no id time.
    settled: bool,
}

/// Which rows of a day stay, go and come. Its memory grows with the staged keys, never with the stored rows.
#[derive(Debug, Default)]
pub(super) struct DayKeys {
    keys: HashMap<KeyHash, StagedKey>,
    /// Sessions of which a conversation is staged.
    with_conversation: HashSet<KeyHash>,
    /// Keys whose stored row goes because another day has them now.
    leaving: HashMap<KeyHash, Leaving>,
    change: RowChange,
    rows_go: bool,
}

impl DayKeys {
    pub(super) fn new(leaving: HashMap<KeyHash, Leaving>) -> Self {
        Self { leaving, ..Self::default() }
    }

    /// Takes a staged row: of one key the greatest rank counts, of equal ranks the one staged first.
    pub(super) fn fold_staged(&mut self, row: &KeyRow, ordinal: u64) {
        let staged = StagedKey { rank: row.rank, ordinal, fate: Fate::New, settled: false };
        let known = self.keys.entry(row.key).or_insert(staged);
        if row.rank > known.rank {
            *known = staged;
        }
        if !row.is_session_only() {
            self.with_conversation.insert(row.session);
        }
    }

    /// Takes a staged row whose fate is decided already.
    pub(super) fn settle(&mut self, key: KeyHash, placed: &Placed) {
        let staged = StagedKey { rank: placed.rank, ordinal: placed.ordinal, fate: placed.fate, settled: true };
        self.keys.insert(key, staged);
    }

    /// A session with a staged conversation needs no row of the session alone (F20).
    pub(super) fn supersede_staged(&mut self) {
        for session in &self.with_conversation {
            if let Some(alone) = self.keys.get_mut(session) {
                alone.fate = Fate::Superseded;
            }
        }
    }

    /// Compares a stored row with what is staged.
    pub(super) fn fold_stored(&mut self, row: &KeyRow, reads: &Reads, placed: &HashMap<KeyHash, Placed>) {
        let supersedes = !row.is_session_only() && row.has_id_time;
        if let Some(alone) = self.keys.get_mut(&row.session).filter(|_| supersedes) {
            alone.fate = Fate::Superseded;
        }
        if let Some(leaving) = self.leaving.get(&row.key) {
            self.rows_go = true;
            match leaving {
                Leaving::Moved => self.change.moved_out += 1,
                Leaving::Superseded { staged: false } => self.change.superseded += 1,
                Leaving::Superseded { staged: true } => {}
            }
        } else if let Some(staged) = self.keys.get_mut(&row.key) {
            self.rows_go |= staged.fate == Fate::Superseded && !staged.settled;
            if staged.fate == Fate::New && !staged.settled {
                staged.fate = fate(staged.rank, reads.stored_rank(row));
            }
        } else if row.is_session_only() && self.with_conversation.contains(&row.session) {
            self.rows_go = true;
            self.change.superseded += 1;
        } else if reads.was_asked_for(row) && !placed.contains_key(&row.key) {
            self.change.not_returned += 1;
        }
    }

    /// What becomes of the keys, once all rows were taken.
    pub(super) fn change(&self) -> RowChange {
        let mut change = self.change;
        for staged in self.keys.values() {
            match staged.fate {
                Fate::New => change.new += 1,
                Fate::Changed => change.changed += 1,
                Fate::Unchanged => change.unchanged += 1,
                Fate::Superseded => change.superseded += 1,
            }
        }
        change
    }

    /// Whether the day's object must be replaced.
    pub(super) fn changes_anything(&self) -> bool {
        let change = self.change();
        self.rows_go || change.new > 0 || change.changed > 0
    }

    /// The rows of a stored batch that stay.
    pub(super) fn staying(&self, batch: &RecordBatch) -> Result<RecordBatch, LakeError> {
        keep(batch, |_, row| self.stays(row))
    }

    /// The rows of a staged batch that are written; its first row is number `first` of its day.
    pub(super) fn coming(&self, batch: &RecordBatch, first: u64) -> Result<RecordBatch, LakeError> {
        keep(batch, |index, row| self.comes(row, first + index))
    }

    /// The rows of a stored batch in whose place staged ones come.
    pub(super) fn replaced(&self, batch: &RecordBatch) -> Result<RecordBatch, LakeError> {
        keep(batch, |_, row| self.is_replaced(row.key))
    }

    fn is_replaced(&self, key: KeyHash) -> bool {
        self.keys.get(&key).is_some_and(|staged| staged.fate == Fate::Changed)
    }

    fn stays(&self, row: &KeyRow) -> bool {
        let superseded = row.is_session_only() && self.with_conversation.contains(&row.session);
        !superseded && !self.is_replaced(row.key) && !self.leaving.contains_key(&row.key)
    }

    fn comes(&self, row: &KeyRow, ordinal: u64) -> bool {
        let staged = self.keys.get(&row.key).filter(|staged| staged.ordinal == ordinal);
        staged.is_some_and(|staged| matches!(staged.fate, Fate::New | Fate::Changed))
    }
}

fn keep(batch: &RecordBatch, keeps: impl Fn(u64, &KeyRow) -> bool) -> Result<RecordBatch, LakeError> {
    let columns = KeyColumns::of(batch)?;
    let kept: BooleanArray = (0..).zip(columns.rows()).map(|(index, row)| Some(keeps(index, &row))).collect();
    if kept.true_count() == batch.num_rows() {
        return Ok(batch.clone());
    }
    Ok(filter_record_batch(batch, &kept)?)
}
