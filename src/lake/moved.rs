use std::collections::{BTreeMap, HashMap, HashSet};

use futures::TryStreamExt;
use object_store::ObjectMeta;

use super::fate::{Fate, Reads, fate};
use super::key::{KEY_COLUMNS, KeyColumns, KeyHash, KeyRow, Rank};
use super::partition::Partition;
use super::staging::StagedObject;
use super::{Lake, LakeError, SessionDate};

/// Where a key without an id time belongs: its day follows from the record's own start, which can change.
#[derive(Debug, Clone, Copy)]
pub(super) struct Placed {
    pub date: SessionDate,
    pub ordinal: u64,
    pub rank: Rank,
    pub fate: Fate,
}

/// Why a stored row leaves its day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaving {
    /// The key is in another day now.
    Moved,
    /// A conversation of its session is there. `staged`: the key was read too, and is counted there.
    Superseded { staged: bool },
}

/// What is decided over all days: for the few keys whose session id carries no time.
#[derive(Debug, Default)]
pub(super) struct Placement {
    pub placed: HashMap<KeyHash, Placed>,
    pub leaving: BTreeMap<SessionDate, HashMap<KeyHash, Leaving>>,
}

#[derive(Default)]
struct Gathered {
    staged: HashMap<KeyHash, Placed>,
    stored: HashMap<KeyHash, Vec<(SessionDate, Rank)>>,
    /// Key of the session of every key seen.
    session_of: HashMap<KeyHash, KeyHash>,
    with_conversation: HashSet<KeyHash>,
}

impl Placement {
    /// Decides for the staged keys without an id time; reads stored keys only where there are any.
    pub(super) async fn of(
        lake: &Lake,
        staged: &[std::sync::Arc<StagedObject>],
        objects: &BTreeMap<SessionDate, ObjectMeta>,
        reads: &Reads<'_>,
    ) -> Result<Self, LakeError> {
        let mut gathered = Gathered::default();
        let mut rows_of: HashMap<SessionDate, u64> = HashMap::new();
        for object in staged {
            if object.header.rows_without_id_time == 0 {
                object.header.parts.iter().for_each(|part| *rows_of.entry(part.date).or_default() += part.rows);
                continue;
            }
            for (date, batch) in object.batches(lake, None, Some(&KEY_COLUMNS)).await? {
                let next = rows_of.entry(date).or_default();
                for row in KeyColumns::of(&batch)?.rows() {
                    gathered.fold_staged(&row, date, *next);
                    *next += 1;
                }
            }
        }
        if gathered.staged.is_empty() {
            return Ok(Self::default());
        }
        let sessions: HashSet<_> = gathered.session_of.values().copied().collect();
        for (date, meta) in objects {
            let mut batches = Box::pin(Partition::open(lake, meta).await?.stream(Some(&KEY_COLUMNS))?);
            while let Some(batch) = batches.try_next().await? {
                for row in KeyColumns::of(&batch)?.rows().filter(|row| sessions.contains(&row.session)) {
                    gathered.fold_stored(&row, *date, reads.stored_rank(&row));
                }
            }
        }
        Ok(gathered.decide())
    }
}

impl Gathered {
    fn fold_staged(&mut self, row: &KeyRow, date: SessionDate, ordinal: u64) {
        if row.has_id_time {
            return;
        }
        self.note(row);
        let placed = Placed { date, ordinal, rank: row.rank, fate: Fate::New };
        let known = self.staged.entry(row.key).or_insert(placed);
        if row.rank > known.rank {
            *known = placed;
        }
    }

    fn fold_stored(&mut self, row: &KeyRow, date: SessionDate, rank: Rank) {
        self.note(row);
        self.stored.entry(row.key).or_default().push((date, rank));
    }

    fn note(&mut self, row: &KeyRow) {
        self.session_of.insert(row.key, row.session);
        if !row.is_session_only() {
            self.with_conversation.insert(row.session);
        }
    }

    fn decide(mut self) -> Placement {
        let mut placement = Placement::default();
        for (key, placed) in &mut self.staged {
            let stored = self.stored.get(key).map_or(&[][..], Vec::as_slice);
            let best = stored.iter().max_by_key(|(_, rank)| *rank).copied();
            let superseded = self.session_of[key] == *key && self.with_conversation.contains(key);
            placed.fate = match best {
                _ if superseded => Fate::Superseded,
                Some((_, rank)) => fate(placed.rank, rank),
                None => Fate::New,
            };
            let stays_in = match placed.fate {
                Fate::New | Fate::Changed => Some(placed.date),
                Fate::Unchanged => best.map(|(date, _)| date),
                Fate::Superseded => None,
            };
            let why = if superseded { Leaving::Superseded { staged: true } } else { Leaving::Moved };
            for (date, _) in stored.iter().filter(|(date, _)| Some(*date) != stays_in) {
                placement.leaving.entry(*date).or_default().insert(*key, why);
            }
        }
        let alone = self.stored.iter().filter(|(key, _)| {
            !self.staged.contains_key(*key) && self.session_of[*key] == **key && self.with_conversation.contains(*key)
        });
        for (key, stored) in alone {
            for (date, _) in stored {
                let why = Leaving::Superseded { staged: false };
                placement.leaving.entry(*date).or_default().insert(*key, why);
            }
        }
        placement.placed = self.staged;
        placement
    }
}
