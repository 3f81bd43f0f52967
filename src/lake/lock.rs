use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use object_store::path::Path;
use object_store::{ObjectStoreExt, PutMode, PutPayload};
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::local;
use super::machine::MachineLock;
use super::{Lake, LakeError, layout};
use crate::clock::UtcTime;
use crate::schema::{AccountId, RunId};

/// How often a holder gives a sign of life.
pub(super) const BEAT: Duration = Duration::from_secs(10);
/// After how long without one its lock is taken over.
pub(super) const DEAD_AFTER: Duration = Duration::from_mins(1);
/// How often one that waits looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(if cfg!(test) { 20 } else { 1_000 });

/// Where the present time of a lock comes from.
pub type Clock = Arc<dyn Fn() -> UtcTime + Send + Sync>;

/// Who holds an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Machine, as it calls itself.
    pub host: String,
    /// What tells the machine from another of the same name: drawn anew each time it starts; none where it cannot be
    /// known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot_id: Option<String>,
    /// Process.
    pub pid: u32,
    /// Run.
    pub run_id: RunId,
}

impl Holder {
    pub(super) fn this(run: &RunId) -> Self {
        Self { host: local::host_name(), boot_id: local::boot_id(), pid: std::process::id(), run_id: run.clone() }
    }

    /// Whether it ran on this machine since that started.
    pub(super) fn is_here(&self) -> bool {
        self.host == local::host_name() && self.boot_id == local::boot_id()
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "run `{}` (process {} on `{}`)", self.run_id, self.pid, self.host)
    }
}

/// A lock's number and document.
pub(super) type Lock = (u64, LockDocument);

/// A lock as it stands in the lake.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct LockDocument {
    #[serde(flatten)]
    pub holder: Holder,
    pub heartbeat: UtcTime,
}

/// A lock that was found, and whether its holder lives.
pub(super) struct Seen {
    pub holder: Holder,
    pub heartbeat: UtcTime,
    pub alive: bool,
}

/// The right to write one account, kept alive by a background task until it is dropped.
#[derive(Debug)]
pub(super) struct AccountLock {
    held: Arc<Held>,
    stop: CancellationToken,
    /// Why the lock is lost, once a heartbeat has found that.
    lost: Arc<OnceLock<String>>,
    beating: Option<JoinHandle<()>>,
}

struct Held {
    lake: Lake,
    account: AccountId,
    number: u64,
    holder: Holder,
    clock: Clock,
    /// Last heartbeat that reached the store, microseconds.
    last_beat: AtomicI64,
    _machine: MachineLock,
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "lock {} of `{}`", self.number, self.account)
    }
}

impl AccountLock {
    /// Takes the lock, waiting up to `wait` for another holder, or until `stop`. Without a `clock` it is the machine's,
    /// set by the store's.
    pub(super) async fn take(
        lake: &Lake,
        account: &AccountId,
        run: &RunId,
        (wait, stop): (Duration, &CancellationToken),
        clock: Option<Clock>,
    ) -> Result<Self, LakeError> {
        let deadline = Instant::now() + wait;
        let of_store = lake.expect_conditions().await?;
        let clock = clock.unwrap_or(of_store);
        loop {
            match try_take(lake, account, run, &clock).await {
                Err(LakeError::LockHeld { .. }) if Instant::now() < deadline => {
                    let wait = tokio::time::sleep(LOOK_AGAIN.min(deadline - Instant::now()));
                    // Only the wait is left for a stop: a lock under way is known to be ours, or not, once it is made.
                    stop.run_until_cancelled(wait).await.ok_or(LakeError::Stopped)?;
                }
                Err(error) => return Err(error),
                Ok(held) => return Ok(Self::beating(held)),
            }
        }
    }

    fn beating(held: Held) -> Self {
        let (held, stop, lost) = (Arc::new(held), CancellationToken::new(), Arc::default());
        let beating = tokio::spawn(beat(Arc::clone(&held), stop.clone(), Arc::clone(&lost)));
        Self { held, stop, lost, beating: Some(beating) }
    }

    /// What the last heartbeat found, without a look at the store.
    pub(super) fn last_known(&self) -> Result<(), LakeError> {
        self.lost.get().map_or(Ok(()), |reason| self.held.lost(reason))
    }

    /// Whether this run still holds the account.
    pub(super) async fn check(&self) -> Result<(), LakeError> {
        self.held.check().await
    }

    /// Gives the account free.
    pub(super) async fn release(mut self) {
        self.stop.cancel();
        if let Some(beating) = self.beating.take() {
            // The task's only failure is a panic, and the lock of a dead process is free at once anyway.
            let _ = beating.await;
        }
    }
}

impl Drop for AccountLock {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn beat(held: Arc<Held>, stop: CancellationToken, lost: Arc<OnceLock<String>>) {
    while stop.run_until_cancelled(tokio::time::sleep(BEAT)).await.is_some() {
        match held.beat().await {
            Ok(()) => {}
            Err(LakeError::LockLost { reason, .. }) => {
                lost.get_or_init(|| reason);
            }
            Err(error) => tracing::warn!(account = %held.account, error = %error, "no heartbeat of the lock"),
        }
    }
    held.remove().await;
}

impl Held {
    fn path(&self) -> Path {
        layout::lock(&self.account, self.number)
    }

    async fn beat(&self) -> Result<(), LakeError> {
        self.check().await?;
        let heartbeat = (self.clock)();
        write(&self.lake, &self.path(), &self.holder, heartbeat, PutMode::Overwrite).await?;
        self.last_beat.store(heartbeat.micros(), Ordering::Relaxed);
        Ok(())
    }

    async fn check(&self) -> Result<(), LakeError> {
        let last_beat = UtcTime::from_micros(self.last_beat.load(Ordering::Relaxed));
        if (self.clock)().since(last_beat) >= DEAD_AFTER {
            return self.lost(format!("its last heartbeat was at {last_beat}"));
        }
        match highest(&self.lake, &self.account).await? {
            Some((number, found)) if number == self.number && found.holder == self.holder => Ok(()),
            Some((_, found)) => self.lost(format!("{} has taken it over", found.holder)),
            None => self.lost("its lock is gone"),
        }
    }

    fn lost(&self, reason: impl Into<String>) -> Result<(), LakeError> {
        Err(LakeError::LockLost { account: self.account.clone(), reason: reason.into() })
    }

    async fn remove(&self) {
        if self.check().await.is_ok() {
            // A lock that stays is taken over, at once on this machine.
            let _ = self.lake.store().delete(&self.path()).await;
        }
    }
}

async fn try_take(lake: &Lake, account: &AccountId, run: &RunId, clock: &Clock) -> Result<Held, LakeError> {
    let found = highest(lake, account).await?;
    let machine = MachineLock::take(lake, account)?;
    if matches!(machine, MachineLock::HeldByAnother) {
        return Err(held_by(account, found.unwrap_or_else(|| unknown_holder(clock))));
    }
    let alive = |found: &LockDocument| {
        let is_gone = machine.shows_the_dead() && found.holder.is_here();
        !is_gone && clock().since(found.heartbeat) < DEAD_AFTER
    };
    if let Some((_, found)) = found.as_ref().filter(|(_, found)| alive(found)) {
        return Err(held_by(account, (0, found.clone())));
    }
    let (here, heartbeat) = (Holder::this(run), clock());
    let number = found.as_ref().map_or(0, |(number, _)| *number) + 1;
    make(lake, account, number, &here, heartbeat, clock).await?;
    yield_to_others(lake, account, number, found.as_ref()).await?;
    remove_below(lake, account, number).await?;
    Ok(Held {
        lake: lake.clone(),
        account: account.clone(),
        number,
        holder: here,
        clock: Arc::clone(clock),
        last_beat: AtomicI64::new(heartbeat.micros()),
        _machine: machine,
    })
}

/// Makes the lock of that number, which nobody else may have made.
pub(super) async fn make(
    lake: &Lake,
    account: &AccountId,
    number: u64,
    holder: &Holder,
    heartbeat: UtcTime,
    clock: &Clock,
) -> Result<(), LakeError> {
    let Err(error) = write(lake, &layout::lock(account, number), holder, heartbeat, PutMode::Create).await else {
        return Ok(());
    };
    // A put can take effect and fail all the same, and be tried again inside the store's client: then it is our own
    // that is there.
    match highest(lake, account).await? {
        Some((found, document)) if found == number && document.holder == *holder => Ok(()),
        found if is_taken(&error) => Err(held_by(account, found.unwrap_or_else(|| unknown_holder(clock)))),
        _ => Err(error),
    }
}

fn is_taken(error: &LakeError) -> bool {
    matches!(error, LakeError::Store { source: object_store::Error::AlreadyExists { .. }, .. })
}

/// Gives way where another has taken the account between the look, which found `before`, and the lock of that number:
/// then the locks beside it are not those that were looked at.
async fn yield_to_others(
    lake: &Lake,
    account: &AccountId,
    number: u64,
    before: Option<&Lock>,
) -> Result<(), LakeError> {
    let others = numbers(lake, account).await?.into_iter().filter(|found| *found != number);
    let Some(other) = others.max() else { return Ok(()) };
    let found = read(lake, account, other).await?;
    if found.as_ref().is_none_or(|found| before.is_some_and(|before| *before == (other, found.clone()))) {
        return Ok(());
    }
    let path = layout::lock(account, number);
    lake.store().delete(&path).await.map_err(|source| LakeError::store("delete", path.to_string(), source))?;
    found.map_or(Ok(()), |found| Err(held_by(account, (other, found))))
}

/// Who holds an account. Changes nothing.
pub(super) async fn look(lake: &Lake, account: &AccountId, clock: &Clock) -> Result<Option<Seen>, LakeError> {
    let Some((_, LockDocument { holder, heartbeat })) = highest(lake, account).await? else { return Ok(None) };
    let fresh = clock().since(heartbeat) < DEAD_AFTER;
    let here = holder.is_here();
    // Where the machine's lock cannot be asked, the heartbeat counts.
    let held_here = || MachineLock::look(lake, account).ok().flatten();
    let alive = if here { held_here().unwrap_or(fresh) } else { fresh };
    Ok(Some(Seen { holder, heartbeat, alive }))
}

pub(super) fn held_by(account: &AccountId, (_, found): Lock) -> LakeError {
    LakeError::LockHeld { account: account.clone(), holder: found.holder, heartbeat: found.heartbeat }
}

/// The holder between the machine's lock and its document.
pub(super) fn unknown_holder(clock: &Clock) -> Lock {
    let run_id = "starting".parse().expect("a word is an id");
    (0, LockDocument { holder: Holder { pid: 0, ..Holder::this(&run_id) }, heartbeat: clock() })
}

pub(super) async fn numbers(lake: &Lake, account: &AccountId) -> Result<Vec<u64>, LakeError> {
    let objects = lake.list(&layout::account_locks(account)).await?;
    Ok(objects.iter().filter_map(|object| object.location.filename()?.parse().ok()).collect())
}

/// The lock that counts. One that goes between the listing and the look has made way for a higher one, or for none.
pub(super) async fn highest(lake: &Lake, account: &AccountId) -> Result<Option<Lock>, LakeError> {
    while let Some(number) = numbers(lake, account).await?.into_iter().max() {
        if let Some(document) = read(lake, account, number).await? {
            return Ok(Some((number, document)));
        }
    }
    Ok(None)
}

async fn read(lake: &Lake, account: &AccountId, number: u64) -> Result<Option<LockDocument>, LakeError> {
    let path = layout::lock(account, number);
    let read = match lake.store().get(&path).await {
        Ok(found) => found.bytes().await,
        Err(object_store::Error::NotFound { .. }) => return Ok(None),
        Err(error) => Err(error),
    };
    let bytes = read.map_err(|source| LakeError::store("read", path.to_string(), source))?;
    let document = serde_json::from_slice(&bytes);
    let reason =
        |error: serde_json::Error| LakeError::CorruptLedger { path: path.to_string(), reason: error.to_string() };
    document.map(Some).map_err(reason)
}

/// Who made the account's highest lock, and its last sign of life; none where there is no lock.
pub(super) async fn holder(lake: &Lake, account: &AccountId) -> Result<Option<(Holder, UtcTime)>, LakeError> {
    Ok(highest(lake, account).await?.map(|(_, found)| (found.holder, found.heartbeat)))
}

pub(super) async fn remove_below(lake: &Lake, account: &AccountId, number: u64) -> Result<(), LakeError> {
    for dead in numbers(lake, account).await?.into_iter().filter(|found| *found < number) {
        let path = layout::lock(account, dead);
        match lake.store().delete(&path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
            Err(source) => return Err(LakeError::store("delete", path.to_string(), source)),
        }
    }
    Ok(())
}

pub(super) async fn write(
    lake: &Lake,
    path: &Path,
    holder: &Holder,
    heartbeat: UtcTime,
    mode: PutMode,
) -> Result<(), LakeError> {
    let document = LockDocument { holder: holder.clone(), heartbeat };
    let bytes = serde_json::to_vec(&document).expect("a lock has text keys only");
    let put = lake.store().put_opts(path, PutPayload::from(bytes), mode.into()).await;
    put.map(drop).map_err(|source| LakeError::store("write", path.to_string(), source))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lake::tests::support::{MORNING, TestLake, account};

    #[tokio::test]
    async fn a_heartbeat_is_seen_by_others_and_keeps_the_lock() {
        let lake = TestLake::new();
        let now = Arc::new(AtomicI64::new(MORNING));
        let clock: Clock = Arc::new({
            let now = Arc::clone(&now);
            move || UtcTime::from_seconds(now.load(Ordering::Relaxed))
        });
        let run = "run-1".parse().unwrap();
        let wait = (Duration::ZERO, &CancellationToken::new());
        let lock = AccountLock::take(&lake.lake, &account(), &run, wait, Some(clock)).await.unwrap();
        for beat in 1..=8 {
            now.store(MORNING + 50 * beat, Ordering::Relaxed);
            lock.held.beat().await.unwrap();
            let (_, seen) = highest(&lake.lake, &account()).await.unwrap().unwrap();
            assert_eq!(seen.heartbeat, UtcTime::from_seconds(MORNING + 50 * beat));
        }
        lock.check().await.unwrap();
        lock.release().await;
        assert!(highest(&lake.lake, &account()).await.unwrap().is_none());
    }
}
