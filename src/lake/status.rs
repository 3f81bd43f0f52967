use std::collections::BTreeSet;
use std::time::Duration;

use serde::Serialize;

use super::tables::{self, RunLine};
use super::{
    AccountHead, DayState, Holder, Intent, Lake, LakeError, LedgerTable, OpenRow, Owed, SessionDate, StreamState,
    layout, lock, partition,
};
use crate::clock::{TimeRange, UtcTime};
use crate::schema::{AccountId, ApiVersion, StreamId};

/// How long an open row is read again, and so is told of.
const OPEN_FOR: Duration = Duration::from_hours(30 * 24);

/// How an account's lake stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AccountStatus {
    /// The account.
    pub account_id: AccountId,
    /// Days in the lake.
    pub days: u64,
    /// Rows, by the footers of the days.
    pub rows: u64,
    /// Size of the days' objects.
    pub bytes: u64,
    /// The earliest day.
    pub first_day: Option<SessionDate>,
    /// The latest day.
    pub last_day: Option<SessionDate>,
    /// Newest version of the API that the account was loaded with.
    pub api_version: Option<ApiVersion>,
    /// Every selectable field that it was loaded with.
    pub fields: BTreeSet<String>,
    /// Who writes it now, or did when it was killed.
    pub lock: Option<LockStatus>,
    /// Each stream that was read or that a run set out to read, by its id.
    pub streams: Vec<StreamStatus>,
}

/// The highest lock of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LockStatus {
    /// Who made it.
    pub holder: Holder,
    /// Its last sign of life: every 10 s while it lives.
    pub heartbeat: UtcTime,
}

/// How a stream stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StreamStatus {
    /// The stream; none for replays of pages that name none.
    pub stream_id: Option<StreamId>,
    /// The largest end of a window read.
    pub provisional_up_to: Option<UtcTime>,
    /// Up to where nothing will be read again.
    pub final_up_to: Option<UtcTime>,
    /// The longest lookback that the stream was loaded with.
    pub lookback_seconds: Option<u64>,
    /// What no window read has touched, up to `provisional_up_to`.
    pub gaps: Vec<TimeRange>,
    /// Windows that could not be read whole.
    pub owed: Vec<Owed>,
    /// Open rows that started within the last 30 days.
    pub open_rows: OpenRows,
    /// The newest run.
    pub last_run: Option<RunLine>,
    /// What a run set out to do and has not closed.
    pub intent: Option<Intent>,
    /// What of it is left to read.
    pub unfinished: Vec<TimeRange>,
    /// What the source learned.
    pub planning: Option<serde_json::Value>,
}

/// Open rows of a stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct OpenRows {
    /// How many.
    pub rows: u64,
    /// Start of the oldest.
    pub oldest: Option<UtcTime>,
}

impl Lake {
    /// How an account stands: by the ledger, the footers of its days, and its open rows. Reads only. `since` is where
    /// the account's history shall begin, if that was said; `now` is the present.
    ///
    /// An account that was never written has no days and no streams.
    ///
    /// # Errors
    /// [`LakeError::LedgerLost`], [`LakeError::CorruptLedger`], [`LakeError::CorruptPartition`],
    /// [`LakeError::OtherSchema`]: no retry helps. [`LakeError::Store`]: one can.
    pub async fn status(
        &self,
        account: &AccountId,
        since: Option<UtcTime>,
        now: UtcTime,
    ) -> Result<AccountStatus, LakeError> {
        let head = self.head(account).await?;
        let days = self.day_states(account, head.as_ref()).await?;
        let lock = lock::holder(self, account).await?;
        let mut status = AccountStatus {
            account_id: account.clone(),
            days: u64::try_from(days.len()).unwrap_or(u64::MAX),
            rows: days.iter().map(|(_, day)| day.rows).sum(),
            bytes: days.iter().map(|(_, day)| day.bytes).sum(),
            first_day: days.first().map(|(date, _)| *date),
            last_day: days.last().map(|(date, _)| *date),
            api_version: head.as_ref().and_then(|head| head.api_version),
            fields: head.as_ref().map(|head| head.fields.clone()).unwrap_or_default(),
            lock: lock.map(|(holder, heartbeat)| LockStatus { holder, heartbeat }),
            streams: Vec::new(),
        };
        if let Some(head) = &head {
            let open = self.open_rows(account, None, now.minus(OPEN_FOR)).await?;
            let streams = head.streams.iter().map(|(name, state)| StreamStatus::of(name, state, since, &open));
            status.streams = streams.collect();
            self.find_last_runs(account, &mut status.streams).await?;
        }
        Ok(status)
    }

    /// The days as their footers tell; those that the ledger does not know are read.
    async fn day_states(
        &self,
        account: &AccountId,
        head: Option<&AccountHead>,
    ) -> Result<Vec<(SessionDate, DayState)>, LakeError> {
        let objects = self.account_partitions(account).await?;
        if head.is_none() && !objects.is_empty() {
            let (account, path) = (account.clone(), layout::head(account).to_string());
            return Err(LakeError::LedgerLost { account, path, days: objects.len() });
        }
        let mut days = Vec::with_capacity(objects.len());
        for object in objects {
            let known = head.and_then(|head| head.days.get(&object.date));
            let state = match known.filter(|day| day.etag == object.meta.e_tag) {
                Some(state) => state.clone(),
                None => partition::state(self, &object.meta).await?,
            };
            days.push((object.date, state));
        }
        Ok(days)
    }

    /// Reads runs, newest first, until each stream has its last one.
    async fn find_last_runs(&self, account: &AccountId, streams: &mut [StreamStatus]) -> Result<(), LakeError> {
        let mut objects = self.list(&layout::account_table(LedgerTable::Runs, account)).await?;
        objects.retain(|object| object.location.extension() == Some("ndjson"));
        objects.sort_by(|a, b| b.location.cmp(&a.location));
        for object in objects {
            if streams.iter().all(|stream| stream.last_run.is_some()) {
                break;
            }
            for run in tables::read::<RunLine>(self, &object.location).await? {
                let of_run = |stream: &&mut StreamStatus| stream.stream_id == run.stream_id;
                if let Some(stream) = streams.iter_mut().find(of_run).filter(|stream| stream.last_run.is_none()) {
                    stream.last_run = Some(run);
                }
            }
        }
        Ok(())
    }
}

impl StreamStatus {
    fn of(name: &str, state: &StreamState, since: Option<UtcTime>, open: &[OpenRow]) -> Self {
        let stream_id: Option<StreamId> = name.parse().ok();
        Self {
            provisional_up_to: state.provisional_up_to(),
            final_up_to: state.final_up_to(since),
            lookback_seconds: state.lookback_seconds,
            gaps: state.gaps(since),
            owed: state.owed.clone(),
            open_rows: OpenRows::of(stream_id.as_ref(), open),
            last_run: None,
            intent: state.intent.clone(),
            unfinished: state.unfinished(),
            planning: state.planning.clone(),
            stream_id,
        }
    }
}

impl OpenRows {
    fn of(stream: Option<&StreamId>, open: &[OpenRow]) -> Self {
        let starts = || open.iter().filter(|row| row.stream.as_ref() == stream).map(|row| row.start);
        Self { rows: u64::try_from(starts().count()).unwrap_or(u64::MAX), oldest: starts().min() }
    }
}
