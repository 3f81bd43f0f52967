use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use object_store::{ObjectStoreExt, PutPayload, PutResult};
use serde::{Deserialize, Serialize};

use super::upload::{Known, put_over};
use super::{Coverage, Lake, LakeError, PartitionObject, Proven, SessionDate, layout};
use crate::clock::{TimeRange, UtcTime};
use crate::schema::{AccountId, ApiVersion, RunId, Schema, StreamId};

/// Version of the ledger's documents.
pub const LEDGER_VERSION: u32 = 1;

/// What the ledger knows of one account: one document, replaced whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountHead {
    /// Version of this document.
    pub ledger_version: u32,
    /// The account.
    pub account_id: AccountId,
    /// Schema version of the account's partitions.
    pub schema_version: u32,
    /// Version of the rule of `_content_hash`.
    pub content_hash_version: u32,
    /// Newest version of the API that the account was loaded with.
    pub api_version: Option<ApiVersion>,
    /// Every selectable field that the account was ever loaded with (F3).
    pub fields: BTreeSet<String>,
    /// When the document was written.
    pub updated_at: UtcTime,
    /// Run that wrote it.
    pub run_id: RunId,
    /// The partitions, as their footers tell.
    pub days: BTreeMap<SessionDate, DayState>,
    /// What was read, by stream; under `""` what names no stream.
    pub streams: BTreeMap<String, StreamState>,
    /// Staged objects whose rows are in the lake, to be deleted.
    #[serde(default)]
    pub retired: Vec<String>,
    /// The version of the document that this is, so that it takes the place of no other.
    #[serde(skip)]
    pub(super) known: Known,
}

/// One partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DayState {
    /// ETag of the object whose footer was read.
    pub etag: Option<String>,
    /// Rows.
    pub rows: u64,
    /// Size of the object in bytes.
    pub bytes: u64,
    /// Run that wrote the object.
    pub run_id: Option<String>,
}

/// What was read of one stream.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamState {
    /// Stretches read whole.
    #[serde(default)]
    pub coverage: Coverage,
    /// Windows that could not be read whole.
    #[serde(default)]
    pub owed: Vec<Owed>,
    /// What a run set out to read and has not closed.
    #[serde(default)]
    pub intent: Option<Intent>,
    /// The longest lookback that the stream was loaded with: a shorter run does not move it.
    #[serde(default)]
    pub lookback_seconds: Option<u64>,
    /// What the source learned, for planning only; the lake only keeps it.
    #[serde(default)]
    pub planning: Option<serde_json::Value>,
}

/// A window that could not be read whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Owed {
    /// The window.
    pub range: TimeRange,
    /// When it was tried.
    pub read_at: UtcTime,
    /// Present of the run that tried.
    pub as_of: UtcTime,
    /// Run that tried.
    pub run_id: RunId,
    /// Whether it is part of a range asked for: not what was read beyond one (F17).
    pub covers: bool,
    /// Why it could not be proven.
    pub evidence: serde_json::Value,
}

/// What a run set out to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intent {
    /// The run.
    pub run_id: RunId,
    /// Ranges to read; none for a replay.
    pub ranges: Vec<TimeRange>,
    /// Ranges that are to be whole for every session that starts in them, whenever it ends (F17).
    #[serde(default)]
    pub asked: Vec<TimeRange>,
    /// When it began; of a run that goes on with what an earlier one had begun, when that one did.
    pub started_at: UtcTime,
    /// Version of the API asked; none for a replay.
    pub api_version: Option<ApiVersion>,
    /// Selectable fields asked.
    pub fields: BTreeSet<String>,
    /// What the run is: `load`, `replay`, `demo`.
    pub command: String,
}

impl AccountHead {
    pub(super) fn new(account: &AccountId, run: &RunId) -> Self {
        let schema = Schema::conversations();
        Self {
            ledger_version: LEDGER_VERSION,
            account_id: account.clone(),
            schema_version: schema.version,
            content_hash_version: schema.content_hash_version,
            api_version: None,
            fields: BTreeSet::new(),
            updated_at: UtcTime::now(),
            run_id: run.clone(),
            days: BTreeMap::new(),
            streams: BTreeMap::new(),
            retired: Vec::new(),
            known: Known::Nothing,
        }
    }

    /// State of a stream; none where nothing was ever read or planned.
    pub fn stream(&self, stream: Option<&StreamId>) -> Option<&StreamState> {
        self.streams.get(stream.map_or("", StreamId::as_str))
    }

    pub(super) fn stream_mut(&mut self, stream: Option<&StreamId>) -> &mut StreamState {
        self.streams.entry(stream.map_or_else(String::new, StreamId::to_string)).or_default()
    }

    /// Whether a request with this version and these fields gives rows at least as full as those in the lake.
    ///
    /// # Errors
    /// [`LakeError::ApiDowngrade`], [`LakeError::FieldsMissing`] unless `allow_downgrade`.
    pub fn check_compatible(
        &self,
        api: ApiVersion,
        fields: &BTreeSet<String>,
        allow_downgrade: bool,
    ) -> Result<(), LakeError> {
        if allow_downgrade {
            return Ok(());
        }
        let account = self.account_id.clone();
        if let Some(known) = self.api_version.filter(|known| *known > api) {
            return Err(LakeError::ApiDowngrade { account, known, asked: api });
        }
        let missing: Vec<_> = self.fields.difference(fields).cloned().collect();
        if missing.is_empty() { Ok(()) } else { Err(LakeError::FieldsMissing { account, missing }) }
    }

    /// Whether the partition is as the ledger has it.
    pub(super) fn knows(&self, object: &PartitionObject) -> bool {
        self.days.get(&object.date).is_some_and(|day| day.etag == object.meta.e_tag)
    }

    /// Takes what was read of a day, and of the days beside it, as owed again.
    pub(super) fn owe_day(&mut self, date: SessionDate) {
        let evidence =
            serde_json::json!({ "unreadable": format!("{date} was replaced by a writer that had lost the account") });
        let range = date.around();
        for stream in self.streams.values_mut() {
            for lost in stream.coverage.remove(range) {
                let Proven { range, read_at, as_of, run_id, .. } = lost;
                stream.owe(Owed { range, read_at, as_of, run_id, covers: true, evidence: evidence.clone() });
            }
        }
    }

    pub(super) fn other_schema(&self) -> LakeError {
        let (path, expected) = (layout::head(&self.account_id).to_string(), Schema::conversations().version);
        LakeError::OtherSchema { path, found: self.schema_version, expected }
    }

    pub(super) async fn load(lake: &Lake, account: &AccountId) -> Result<Option<Self>, LakeError> {
        let path = layout::head(account);
        let read = match lake.store().get(&path).await {
            Ok(found) => {
                let known = Known::of(found.meta.e_tag.as_ref());
                found.bytes().await.map(|bytes| (bytes, known))
            }
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => Err(error),
        };
        let (bytes, known) = read.map_err(|source| LakeError::store("read", path.to_string(), source))?;
        let corrupt = |reason: String| LakeError::CorruptLedger { path: path.to_string(), reason };
        let version: Versioned = serde_json::from_slice(&bytes).map_err(|error| corrupt(error.to_string()))?;
        if version.ledger_version != LEDGER_VERSION {
            return Err(corrupt(format!("expected ledger version {LEDGER_VERSION}, found {}", version.ledger_version)));
        }
        let head: Self = serde_json::from_slice(&bytes).map_err(|error| corrupt(error.to_string()))?;
        if head.account_id != *account {
            return Err(corrupt(format!("expected account `{account}`, found `{}`", head.account_id)));
        }
        Ok(Some(Self { known, ..head }))
    }

    /// Writes the document, if the one there is still the one that this was read from or written as. That is the last
    /// line behind the lock: where the store can, a ledger that another writer has gone on with cannot fall back.
    pub(super) async fn store(&mut self, lake: &Lake, run: &RunId) -> Result<(), LakeError> {
        self.updated_at = UtcTime::now();
        self.run_id = run.clone();
        let path = layout::head(&self.account_id);
        let bytes = serde_json::to_vec(self).expect("a head has text keys only");
        let payload = PutPayload::from(bytes);
        let mut put = put_over(lake.store().as_ref(), &path, payload.clone(), &self.known).await;
        if is_refused(&put) {
            let found = Self::load(lake, &self.account_id).await?;
            // Written by this very run, in a put that took effect and was said to have failed.
            let Some(found) = found.filter(|found| found.run_id == *run) else {
                let reason = format!("another writer has replaced `{path}` meanwhile");
                return Err(LakeError::LockLost { account: self.account_id.clone(), reason });
            };
            put = put_over(lake.store().as_ref(), &path, payload, &found.known).await;
        }
        let put = put.map_err(|source| LakeError::store("write", path.to_string(), source))?;
        self.known = Known::of(put.e_tag.as_ref());
        Ok(())
    }
}

impl StreamState {
    /// Takes a window as read whole: it is owed no longer, unless a later try failed, and covered if it `covers`.
    /// What covers nothing pays nothing that would.
    pub(super) fn prove(&mut self, proven: &Proven, covers: bool) {
        if covers {
            self.coverage.add(proven);
        }
        let stays = |owed: &Owed| owed.read_at > proven.read_at || (owed.covers && !covers);
        let (later, paid): (Vec<_>, Vec<_>) = std::mem::take(&mut self.owed).into_iter().partition(stays);
        self.owed = later;
        self.owed.extend(paid.into_iter().flat_map(|owed| owed.without(proven.range)));
    }

    /// Joins what was read whole long ago. What counts as read for an open intent is told by when it was read: stays.
    pub(super) fn compact(&mut self) {
        let lookback = Duration::from_secs(self.lookback_seconds.unwrap_or_default());
        self.coverage.compact(lookback, self.intent.as_ref().map(|intent| intent.started_at));
    }

    /// Takes a window as not read whole.
    pub(super) fn owe(&mut self, owed: Owed) {
        self.owed.retain(|known| (known.range, known.covers) != (owed.range, owed.covers));
        self.owed.push(owed);
    }
}

impl Owed {
    fn without(self, range: TimeRange) -> Vec<Self> {
        let before = TimeRange::new(self.range.from(), self.range.to().min(range.from()));
        let behind = TimeRange::new(self.range.from().max(range.to()), self.range.to());
        let parts = [before, behind].into_iter().flatten();
        parts.map(|range| Self { range, ..self.clone() }).collect()
    }
}

fn is_refused(put: &object_store::Result<PutResult>) -> bool {
    matches!(put, Err(object_store::Error::Precondition { .. } | object_store::Error::AlreadyExists { .. }))
}

#[derive(Deserialize)]
struct Versioned {
    ledger_version: u32,
}
