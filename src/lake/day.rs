use std::collections::{HashMap, HashSet};

use super::day_fates::DayFates;
use super::fate::{Fate, fate};
use super::key::{KeyHash, Rank};
use super::moved::Leaving;

/// A row of a day, staged or stored, as far as the decision goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DayRow {
    pub key: KeyHash,
    /// Key of (session, none) of the same session.
    pub session: KeyHash,
    pub rank: Rank,
    /// Number of the row among the staged ones of its day, or among the stored ones.
    pub ordinal: u64,
    /// Whether the session id carries a time, so that the key never changes its day.
    pub has_id_time: bool,
    /// Of a stored row: whether it is missing where no row of its key was read.
    pub was_asked_for: bool,
    /// Of a staged row: its fate, where that was decided over all days, since the key has no id time.
    pub settled: Option<Fate>,
}

impl DayRow {
    /// Whether the row has no conversation.
    fn is_session_only(&self) -> bool {
        self.key == self.session
    }
}

/// The row that counts among those staged of one key.
#[derive(Debug, Clone, Copy)]
struct StagedKey {
    rank: Rank,
    ordinal: u64,
    fate: Fate,
    /// Whether the fate was decided over all days.
    settled: bool,
}

/// The keys of a day, or of a part of one that no session crosses. Its memory grows with the staged keys, never with the
/// stored rows.
#[derive(Debug, Default)]
pub(super) struct DayKeys {
    keys: HashMap<KeyHash, StagedKey>,
    /// Sessions of which a conversation is staged.
    with_conversation: HashSet<KeyHash>,
    /// Keys whose stored row goes because another day has them now.
    leaving: HashMap<KeyHash, Leaving>,
    /// Numbers of the stored rows whose keys are staged.
    stored: Vec<(KeyHash, u64)>,
}

impl DayKeys {
    pub(super) fn new(leaving: HashMap<KeyHash, Leaving>) -> Self {
        Self { leaving, ..Self::default() }
    }

    /// Takes a staged row: of one key the greatest rank counts, of equal ranks the one staged first.
    pub(super) fn fold_staged(&mut self, row: &DayRow) {
        let (fate, settled) = (row.settled.unwrap_or(Fate::New), row.settled.is_some());
        let staged = StagedKey { rank: row.rank, ordinal: row.ordinal, fate, settled };
        let known = self.keys.entry(row.key).or_insert(staged);
        if row.rank > known.rank {
            *known = staged;
        }
        if !settled && !row.is_session_only() {
            self.with_conversation.insert(row.session);
        }
    }

    /// A session with a staged conversation needs no row of the session alone (F20). To be called between the last staged
    /// row and the first stored one.
    pub(super) fn supersede_staged(&mut self) {
        for session in &self.with_conversation {
            if let Some(alone) = self.keys.get_mut(session) {
                alone.fate = Fate::Superseded;
            }
        }
    }

    /// Compares a stored row with what is staged.
    pub(super) fn fold_stored(&mut self, row: &DayRow, fates: &mut DayFates) {
        let supersedes = !row.is_session_only() && row.has_id_time;
        if let Some(alone) = self.keys.get_mut(&row.session).filter(|_| supersedes) {
            alone.fate = Fate::Superseded;
        }
        let is_superseded = row.is_session_only() && self.with_conversation.contains(&row.session);
        if let Some(leaving) = self.leaving.get(&row.key) {
            fates.goes(row.ordinal);
            match leaving {
                Leaving::Moved => fates.change.moved_out += 1,
                Leaving::Superseded { staged: false } => fates.change.superseded += 1,
                Leaving::Superseded { staged: true } => {}
            }
        } else if let Some(staged) = self.keys.get_mut(&row.key) {
            if is_superseded {
                fates.goes(row.ordinal);
            }
            if staged.fate == Fate::New && !staged.settled {
                staged.fate = fate(staged.rank, row.rank);
            }
            self.stored.push((row.key, row.ordinal));
        } else if is_superseded {
            fates.goes(row.ordinal);
            fates.change.superseded += 1;
        } else if row.was_asked_for {
            fates.change.not_returned += 1;
        }
    }

    /// What becomes of the keys, once all rows were taken.
    pub(super) fn decide(self, fates: &mut DayFates) {
        for (key, stored) in &self.stored {
            if self.keys[key].fate == Fate::Changed {
                fates.gives_way(*stored);
            }
        }
        for staged in self.keys.values() {
            fates.count(staged.fate);
            if matches!(staged.fate, Fate::New | Fate::Changed) {
                fates.comes(staged.ordinal);
            }
        }
    }
}
