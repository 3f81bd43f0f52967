use std::collections::{BTreeSet, HashSet};

use object_store::path::Path;

use super::day::is_replaced;
use super::{Finding, FindingKind};
use crate::lake::key::{KeyColumns, KeyHash};
use crate::lake::staging::StagedObject;
use crate::lake::{AccountHead, Lake, LakeError, layout};
use crate::schema::{AccountId, RunId};

/// What of an account is staged and in no ledger.
#[derive(Debug, Default)]
pub(super) struct Pending {
    pub objects: u64,
    rows: u64,
    runs: BTreeSet<RunId>,
    /// Keys without an id time, with their sessions: a commit that was cut off can have left them in two days.
    pub moving: HashSet<KeyHash>,
    /// Staged objects that cannot be read.
    pub corrupt: Vec<Finding>,
}

impl Pending {
    /// Reads every staged object but those that the ledger only waits to delete.
    pub(super) async fn of(lake: &Lake, account: &AccountId, head: Option<&AccountHead>) -> Result<Self, LakeError> {
        let retired: HashSet<_> = head.into_iter().flat_map(|head| &head.retired).map(String::as_str).collect();
        let mut pending = Self::default();
        for (path, run, sequence) in StagedObject::list(lake, account).await? {
            if retired.contains(path.as_ref()) {
                continue;
            }
            match pending.take(lake, path.clone(), run, sequence).await {
                Ok(()) => pending.objects += 1,
                // Committed and deleted meanwhile: then the ledger has changed too.
                Err(error) if is_replaced(&error) => {}
                Err(error) => pending.corrupt.push(Finding::of_error(account, &path, &error)),
            }
        }
        Ok(pending)
    }

    async fn take(&mut self, lake: &Lake, path: Path, run: RunId, sequence: u64) -> Result<(), LakeError> {
        let object = StagedObject::open(lake, path, run, sequence).await?;
        for (_, batch) in object.batches(lake, None, None).await? {
            KeyColumns::of(&batch)?.rows().filter(|row| !row.has_id_time).for_each(|row| {
                self.moving.extend([row.key, row.session]);
            });
        }
        object.rejects(lake).await?;
        self.rows += object.header.rows;
        self.runs.insert(object.run_id);
        Ok(())
    }

    /// That there is something staged that no run has committed.
    pub(super) fn finding(&self, account: &AccountId) -> Option<Finding> {
        let runs: Vec<_> = self.runs.iter().map(RunId::as_str).collect();
        let found = format!("{} with {} rows, of run `{}`", self.objects, self.rows, runs.join("`, `"));
        let path = layout::account_staging(account);
        let kind = FindingKind::UnfinishedStaging;
        let finding = Finding::at(kind, Some(account), &path, "no staged object that is not committed", found);
        (self.objects > 0).then(|| finding.of_rows(self.objects, Vec::new()))
    }
}
