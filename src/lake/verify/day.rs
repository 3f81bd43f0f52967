use std::collections::{BTreeSet, HashSet};

use arrow::array::RecordBatch;
use futures::TryStreamExt;
use object_store::ObjectMeta;

use super::finding::NAMED_KEYS;
use super::row::RowChecks;
use super::{Finding, FindingKind, FoundKey};
use crate::lake::key::{KEY_COLUMNS, KeyColumns, KeyHash};
use crate::lake::partition::{CONTENT_HASH_VERSION, Partition};
use crate::lake::{DayState, Lake, LakeError, PartitionObject, SessionDate};
use crate::schema::{AccountId, Schema};

/// What one version of a partition object holds.
#[derive(Debug)]
pub(super) struct DayRead {
    pub account: AccountId,
    pub date: SessionDate,
    pub meta: ObjectMeta,
    /// What the ledger keeps of such an object; none where its footer cannot be read.
    pub state: Option<DayState>,
    /// Rows that were read.
    pub rows: u64,
    /// Their keys, in order.
    pub keys: Vec<KeyHash>,
    /// Keys of which the session id carries no time, with that of their session: they can stand in any day.
    pub without_id_time: Vec<(KeyHash, KeyHash)>,
    /// Runs that the footer and the rows name.
    pub runs: BTreeSet<String>,
    /// What the object shows by itself.
    pub findings: Vec<Finding>,
}

impl DayRead {
    /// Reads every column of every row; none where the object was replaced meanwhile.
    pub(super) async fn of(lake: Lake, object: PartitionObject) -> Option<Self> {
        let mut day = Self {
            account: object.account,
            date: object.date,
            meta: object.meta,
            state: None,
            rows: 0,
            keys: Vec::new(),
            without_id_time: Vec::new(),
            runs: BTreeSet::new(),
            findings: Vec::new(),
        };
        match day.read(&lake).await {
            Err(error) if is_replaced(&error) => return None,
            Err(error) => day.findings.push(Finding::of_error(&day.account, &day.meta.location, &error)),
            Ok(()) => {}
        }
        Some(day)
    }

    /// An object whose reading broke off without an error.
    pub(super) fn broken_off(object: PartitionObject, reason: &str) -> Self {
        let PartitionObject { account, date, meta } = object;
        let kind = FindingKind::CorruptObject;
        let finding = Finding::at(kind, Some(&account), &meta.location, "a readable object", reason);
        let (keys, without_id_time, runs) = (Vec::new(), Vec::new(), BTreeSet::new());
        Self { account, date, meta, state: None, rows: 0, keys, without_id_time, runs, findings: vec![finding] }
    }

    async fn read(&mut self, lake: &Lake) -> Result<(), LakeError> {
        let partition = Partition::open(lake, &self.meta).await?;
        self.check_footer(&partition);
        let mut checks = RowChecks::new(self.date);
        let mut sessions = HashSet::new();
        let mut batches = Box::pin(partition.stream(None)?);
        while let Some(batch) = batches.try_next().await? {
            self.take_keys(&batch, &mut sessions)?;
            checks.take(&batch)?;
        }
        self.runs.append(&mut checks.runs);
        self.findings.extend(checks.findings(&self.account, &self.meta.location));
        self.keys.sort_unstable();
        self.check_count();
        self.check_twice(lake).await?;
        self.check_superseded(lake, &sessions).await
    }

    fn check_footer(&mut self, partition: &Partition) {
        let state = partition.state();
        self.runs.extend(state.run_id.clone());
        self.state = Some(state);
        let expected = Schema::conversations().content_hash_version.to_string();
        let found = partition.footer(CONTENT_HASH_VERSION).unwrap_or("none");
        if found != expected {
            let (expected, found) = (format!("content hash version {expected}"), format!("version {found}"));
            self.find(FindingKind::OtherSchema, expected, found);
        }
    }

    fn take_keys(&mut self, batch: &RecordBatch, sessions: &mut HashSet<KeyHash>) -> Result<(), LakeError> {
        for row in KeyColumns::of(batch)?.rows() {
            self.rows += 1;
            self.keys.push(row.key);
            if !row.is_session_only() {
                sessions.insert(row.session);
            }
            if !row.has_id_time {
                self.without_id_time.push((row.key, row.session));
            }
        }
        Ok(())
    }

    fn check_count(&mut self) {
        let promised = self.state.as_ref().map_or(0, |state| state.rows);
        if promised != self.rows {
            let found = format!("{} rows", self.rows);
            self.find(FindingKind::CorruptObject, format!("{promised} rows, as the footer says"), found);
        }
    }

    async fn check_twice(&mut self, lake: &Lake) -> Result<(), LakeError> {
        let twice: HashSet<_> = self.keys.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
        self.keys.dedup();
        let (expected, found) = ("each key once", "keys that stand twice in this day");
        self.find_keys(lake, &twice, FindingKind::KeyTwice, expected, found).await
    }

    async fn check_superseded(&mut self, lake: &Lake, sessions: &HashSet<KeyHash>) -> Result<(), LakeError> {
        let beside: HashSet<_> =
            sessions.iter().copied().filter(|session| self.keys.binary_search(session).is_ok()).collect();
        let (expected, found) = ("no row of a session alone beside its conversation", "such rows");
        self.find_keys(lake, &beside, FindingKind::SupersededRow, expected, found).await
    }

    fn find(&mut self, kind: FindingKind, expected: String, found: String) {
        self.findings.push(Finding::at(kind, Some(&self.account), &self.meta.location, expected, found));
    }

    async fn find_keys(
        &mut self,
        lake: &Lake,
        keys: &HashSet<KeyHash>,
        kind: FindingKind,
        expected: &str,
        found: &str,
    ) -> Result<(), LakeError> {
        if !keys.is_empty() {
            let finding = Finding::at(kind, Some(&self.account), &self.meta.location, expected, found);
            let count = u64::try_from(keys.len()).unwrap_or(u64::MAX);
            self.findings.push(finding.of_rows(count, named(lake, &self.meta, keys).await?));
        }
        Ok(())
    }
}

/// The first few of these keys, as text.
pub(super) async fn named(lake: &Lake, meta: &ObjectMeta, keys: &HashSet<KeyHash>) -> Result<Vec<FoundKey>, LakeError> {
    let mut found = BTreeSet::new();
    let mut batches = Box::pin(Partition::open(lake, meta).await?.stream(Some(&KEY_COLUMNS))?);
    while let Some(batch) = batches.try_next().await? {
        let columns = KeyColumns::of(&batch)?;
        for (row, key) in columns.rows().enumerate() {
            if found.len() < NAMED_KEYS && keys.contains(&key.key) {
                found.insert(FoundKey::of(columns.ids(row)));
            }
        }
    }
    Ok(found.into_iter().collect())
}

/// Whether the object that was listed is there no more, as it was: the store says so.
pub(super) fn is_replaced(error: &LakeError) -> bool {
    use object_store::Error::{NotFound, Precondition};
    matches!(error, LakeError::Store { source: Precondition { .. } | NotFound { .. }, .. })
}
