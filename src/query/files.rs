use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use datafusion::scalar::ScalarValue;
use futures::TryStreamExt;
use jiff::civil::Date;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};
use tokio::sync::{Mutex as AsyncMutex, OnceCell};

use super::{QueryError, ledger};
use crate::lake::Lake;
use crate::schema::LedgerTableSchema;

/// Where the lake's objects lie.
#[derive(Clone)]
pub struct LakeFiles {
    /// Store of the lake; only read.
    pub store: Arc<dyn ObjectStore>,
    /// Path of the lake in the store; empty where the store is the lake.
    pub root: Path,
}

impl From<&Lake> for LakeFiles {
    fn from(lake: &Lake) -> Self {
        Self { store: Arc::clone(lake.store()), root: Path::default() }
    }
}

impl fmt::Debug for LakeFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LakeFiles").field("root", &self.root).finish_non_exhaustive()
    }
}

/// One day of one account: the object that holds its rows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct DayObject {
    pub(super) meta: ObjectMeta,
    pub(super) account_id: String,
    /// UTC date, days since 1970-01-01.
    pub(super) session_date: i32,
}

impl DayObject {
    /// Values of the partition columns, in the schema's order.
    pub(super) fn partition_values(&self) -> Vec<ScalarValue> {
        vec![ScalarValue::Utf8(Some(self.account_id.clone())), ScalarValue::Date32(Some(self.session_date))]
    }
}

/// What went wrong while a statement read the lake, noted where it happened: engines lose or reword causes.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    Replaced(Path),
    Corrupt(Path, String),
    /// The object is of this schema version, which is above ours.
    Newer {
        object: Path,
        found: u32,
    },
    Store(String),
}

/// The lake as one statement sees it: listed once, at the first scan.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub(super) files: LakeFiles,
    listing: OnceCell<Listing>,
    /// Tables of the ledger that were read, by name.
    ledger: AsyncMutex<HashMap<&'static str, RecordBatch>>,
    fault: Mutex<Option<Fault>>,
    read: Mutex<BTreeSet<Path>>,
}

#[derive(Debug)]
struct Listing {
    days: Vec<DayObject>,
    pins: HashMap<Path, ObjectMeta>,
}

impl Snapshot {
    pub(super) fn new(files: LakeFiles) -> Self {
        Self {
            files,
            listing: OnceCell::new(),
            ledger: AsyncMutex::default(),
            fault: Mutex::default(),
            read: Mutex::default(),
        }
    }

    /// The lake's days, ordered by path.
    pub(super) async fn days(&self) -> Result<&[DayObject], QueryError> {
        let listing = self.listing.get_or_try_init(|| Listing::take(&self.files)).await?;
        Ok(&listing.days)
    }

    /// The lines of a table of the ledger, read once.
    pub(super) async fn ledger(&self, table: &'static LedgerTableSchema) -> Result<RecordBatch, QueryError> {
        let mut known = self.ledger.lock().await;
        if let Some(lines) = known.get(table.name.as_str()) {
            return Ok(lines.clone());
        }
        let lines = ledger::read(&self.files, table).await?;
        known.insert(&table.name, lines.clone());
        Ok(lines)
    }

    /// What the listing said of an object; none of an object that it did not name.
    pub(super) fn pin(&self, location: &Path) -> Option<&ObjectMeta> {
        self.listing.get()?.pins.get(location)
    }

    /// Notes a fault; the first one is the cause.
    pub(super) fn note(&self, fault: Fault) {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(fault);
    }

    /// Notes that a reader was opened on an object.
    pub(super) fn note_read(&self, object: &Path) {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).insert(object.clone());
    }

    /// Objects on which the statement opened a reader.
    pub(super) fn read_objects(&self) -> Vec<Path> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    pub(super) fn fault(&self) -> Option<Fault> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Listing {
    async fn take(files: &LakeFiles) -> Result<Self, QueryError> {
        let folder = files.root.clone().join("conversations");
        let objects: Vec<ObjectMeta> = files.store.list(Some(&folder)).try_collect().await.map_err(listing_failed)?;
        let mut days: Vec<_> = objects.into_iter().filter_map(|meta| day_object(&folder, meta)).collect();
        days.sort_by(|a, b| a.meta.location.cmp(&b.meta.location));
        let pins = days.iter().map(|day| (day.meta.location.clone(), day.meta.clone())).collect();
        Ok(Self { days, pins })
    }
}

fn listing_failed(error: object_store::Error) -> QueryError {
    QueryError::Store { doing: "list", source: error }
}

/// Only `account_id=…/session_date=…/conversations.parquet` counts: writers stage under other names.
fn day_object(folder: &Path, meta: ObjectMeta) -> Option<DayObject> {
    let parts: Vec<_> = meta.location.prefix_match(folder)?.collect();
    let [account, date, file] = parts.as_slice() else { return None };
    if file.as_ref() != "conversations.parquet" {
        return None;
    }
    let account_id = account.as_ref().strip_prefix("account_id=")?.to_owned();
    let session_date = days_since_1970(date.as_ref().strip_prefix("session_date=")?)?;
    Some(DayObject { meta, account_id, session_date })
}

/// A date of exactly ten characters, as days since 1970-01-01.
pub(super) fn days_since_1970(text: &str) -> Option<i32> {
    let date: Date = if text.len() == 10 { text.parse().ok()? } else { return None };
    date.since(jiff::civil::date(1970, 1, 1)).ok().map(|span| span.get_days())
}
