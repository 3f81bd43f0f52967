use std::path::PathBuf;

use super::local::OsLock;
use super::{Lake, LakeError, layout};
use crate::schema::AccountId;

/// What the operating system of this machine says of an account in a folder: it frees the lock of a process that is gone
/// at once. Of a lake elsewhere it knows nothing, and heartbeats alone count.
#[derive(Debug)]
pub(super) enum MachineLock {
    /// This process holds it.
    Taken {
        /// Frees it when dropped.
        _lock: OsLock,
    },
    /// Another process of this machine holds it.
    HeldByAnother,
    /// The lake lies in no folder.
    None,
}

impl MachineLock {
    /// Takes the machine's lock of an account.
    pub(super) fn take(lake: &Lake, account: &AccountId) -> Result<Self, LakeError> {
        let Some(path) = path(lake, account) else { return Ok(Self::None) };
        let taken = OsLock::try_take(&path).map_err(|source| LakeError::Folder { path, source })?;
        Ok(taken.map_or(Self::HeldByAnother, |lock| Self::Taken { _lock: lock }))
    }

    /// Whether a process of this machine holds an account; none where the machine cannot know.
    pub(super) fn look(lake: &Lake, account: &AccountId) -> Result<Option<bool>, LakeError> {
        let Some(path) = path(lake, account) else { return Ok(None) };
        OsLock::is_held(&path).map(Some).map_err(|source| LakeError::Folder { path, source })
    }

    /// Whether a holder of this machine would have shown: one that did not is gone.
    pub(super) fn shows_the_dead(&self) -> bool {
        matches!(self, Self::Taken { .. })
    }
}

fn path(lake: &Lake, account: &AccountId) -> Option<PathBuf> {
    Some(lake.url().folder()?.join(layout::account_locks(account).as_ref()).join("machine"))
}
