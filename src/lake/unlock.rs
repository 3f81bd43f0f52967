use std::time::Duration;

use object_store::ObjectStoreExt;
use serde::Serialize;

use super::lock::{self, DEAD_AFTER, LockDocument};
use super::machine::MachineLock;
use super::{Clock, Holder, Lake, LakeError, layout};
use crate::clock::UtcTime;
use crate::schema::{AccountId, RunId};

/// What `unlock` found and did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Unlocked {
    /// Nobody holds the account.
    NotLocked,
    /// The account is free now.
    Freed {
        /// Whose it was; none where the lock cannot be read.
        holder: Option<Holder>,
        /// Its last sign of life.
        heartbeat: UtcTime,
        /// How old that was.
        age: Duration,
        /// Whether the holder still gave signs of life: it stops before its next write.
        was_alive: bool,
    },
}

/// A lock as it was found; its document, or when that was written where it cannot be read.
struct Found {
    number: u64,
    holder: Option<Holder>,
    heartbeat: UtcTime,
}

/// Frees an account that a dead writer holds: one of this machine whose process is gone, or one whose last
/// heartbeat is a minute old. With `force` any: a writer that lives sees before and after each of its writes that it
/// lost the account, and stops. On its own machine none can follow before its process has ended; elsewhere one can
/// while it is still amid a write, so force only what surely does not write.
///
/// The lock goes over by the rule of every takeover, a higher number: no two writers take themselves for its holder.
///
/// # Errors
/// [`LakeError::LockHeld`] where the holder lives and `force` is not given, or another took the account at this
/// moment: a retry helps once it is done. [`LakeError::Store`], [`LakeError::Folder`] where the lake cannot be
/// written.
///
/// Without a `clock` it is the machine's, set by the store's.
pub async fn unlock(
    lake: &Lake,
    account: &AccountId,
    force: bool,
    clock: Option<Clock>,
) -> Result<Unlocked, LakeError> {
    let of_store = lake.expect_conditions().await?;
    let clock = &clock.unwrap_or(of_store);
    if find(lake, account).await?.is_none() {
        let starting = MachineLock::look(lake, account)? == Some(true);
        return if starting {
            Err(lock::held_by(account, lock::unknown_holder(clock)))
        } else {
            Ok(Unlocked::NotLocked)
        };
    }
    // While this is held nobody of this machine takes the account.
    let machine = MachineLock::take(lake, account)?;
    let Some(found) = find(lake, account).await? else { return Ok(Unlocked::NotLocked) };
    let now = clock();
    let age = now.since(found.heartbeat);
    let was_alive = match machine {
        MachineLock::HeldByAnother => true,
        MachineLock::Taken { .. } if found.is_of_this_machine() => false,
        MachineLock::Taken { .. } | MachineLock::None => age < DEAD_AFTER,
    };
    if was_alive && !force {
        return Err(found.held(account));
    }
    take_over(lake, account, found.number + 1, was_alive, clock).await?;
    Ok(Unlocked::Freed { holder: found.holder, heartbeat: found.heartbeat, age, was_alive })
}

/// Puts a higher number in the lock's place, with a heartbeat so old that anyone may take it.
async fn take_over(
    lake: &Lake,
    account: &AccountId,
    number: u64,
    was_alive: bool,
    clock: &Clock,
) -> Result<(), LakeError> {
    let (path, holder) = (layout::lock(account, number), Holder::this(&RunId::generate()));
    // Clocks that are set by the store differ by a second.
    lock::make(lake, account, number, &holder, clock().minus(2 * DEAD_AFTER), clock).await?;
    lock::remove_below(lake, account, number).await?;
    if was_alive {
        // It stays: a heartbeat that is under way would make the old lock the highest again.
        return Ok(());
    }
    match lake.store().delete(&path).await {
        Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
        Err(source) => Err(LakeError::store("delete", path.to_string(), source)),
    }
}

async fn find(lake: &Lake, account: &AccountId) -> Result<Option<Found>, LakeError> {
    match lock::highest(lake, account).await {
        Ok(found) => Ok(found.map(|(number, LockDocument { holder, heartbeat })| Found {
            number,
            holder: Some(holder),
            heartbeat,
        })),
        Err(LakeError::CorruptLedger { .. }) => unreadable(lake, account).await,
        Err(error) => Err(error),
    }
}

async fn unreadable(lake: &Lake, account: &AccountId) -> Result<Option<Found>, LakeError> {
    let Some(number) = lock::numbers(lake, account).await?.into_iter().max() else { return Ok(None) };
    let path = layout::lock(account, number);
    match lake.store().head(&path).await {
        Ok(meta) => {
            let heartbeat = UtcTime::from_micros(meta.last_modified.timestamp_micros());
            Ok(Some(Found { number, holder: None, heartbeat }))
        }
        Err(object_store::Error::NotFound { .. }) => Ok(None),
        Err(source) => Err(LakeError::store("read", path.to_string(), source)),
    }
}

impl Found {
    /// Whether the holder ran here, so that it would hold the machine's lock.
    fn is_of_this_machine(&self) -> bool {
        self.holder.as_ref().is_some_and(Holder::is_here)
    }

    fn held(self, account: &AccountId) -> LakeError {
        let unreadable = || "unreadable".parse().expect("a word is an id");
        let unknown = || Holder { host: "unreadable".to_owned(), boot_id: None, pid: 0, run_id: unreadable() };
        let holder = self.holder.unwrap_or_else(unknown);
        LakeError::LockHeld { account: account.clone(), holder, heartbeat: self.heartbeat }
    }
}
