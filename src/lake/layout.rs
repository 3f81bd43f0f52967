use std::fmt;
use std::str::FromStr;

use object_store::path::Path;
use serde::{Deserialize, Serialize};

use crate::clock::{TimeRange, UtcTime};
use crate::schema::{AccountId, RunId};

/// Folder of the partitions, which readers read.
pub(super) const CONVERSATIONS: &str = "conversations";
/// Folder of everything else, which readers skip because of its `_`.
pub(super) const OURS: &str = "_kore_lake";
/// Name of the one object of a day.
pub(super) const PARTITION_OBJECT: &str = "conversations.parquet";

const SECONDS_A_DAY: i64 = 86_400;

/// UTC date of a partition. Written as `YYYY-MM-DD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SessionDate(i32);

impl SessionDate {
    /// The date that many days after 1970-01-01: the value of an Arrow `Date32`.
    pub const fn from_days(days: i32) -> Self {
        Self(days)
    }

    /// Days since 1970-01-01.
    pub const fn days(self) -> i32 {
        self.0
    }

    /// The day with the one before and the one behind it: a conversation may start a little off the date that its id
    /// names.
    pub(super) fn around(self) -> TimeRange {
        let midnight = |days: i32| UtcTime::from_seconds(i64::from(self.0.saturating_add(days)) * SECONDS_A_DAY);
        TimeRange::new(midnight(-1), midnight(2)).expect("three days are a range")
    }
}

impl fmt::Display for SessionDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        UtcTime::from_seconds(i64::from(self.0) * SECONDS_A_DAY).date().fmt(f)
    }
}

impl FromStr for SessionDate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let time = text.parse::<UtcTime>().ok().filter(|_| text.len() == 10);
        time.map(|time| Self(time.days())).ok_or_else(|| format!("expected a date, found `{text}`"))
    }
}

impl TryFrom<String> for SessionDate {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<SessionDate> for String {
    fn from(date: SessionDate) -> String {
        date.to_string()
    }
}

/// A table of the ledger that is kept as one NDJSON object a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LedgerTable {
    /// One line a run.
    Runs,
    /// One line a day looked at by a commit.
    Days,
    /// One line a window read.
    Windows,
}

impl LedgerTable {
    /// The folder's name, also the table's in `schemas/ledger.json`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Runs => "runs",
            Self::Days => "days",
            Self::Windows => "windows",
        }
    }
}

pub(super) fn account_partitions(account: &AccountId) -> Path {
    Path::from(format!("{CONVERSATIONS}/account_id={account}"))
}

pub(super) fn partition(account: &AccountId, date: SessionDate) -> Path {
    Path::from(format!("{CONVERSATIONS}/account_id={account}/session_date={date}/{PARTITION_OBJECT}"))
}

/// Account and date of a partition's path; none for any other path.
pub(super) fn parse_partition(path: &Path) -> Option<(AccountId, SessionDate)> {
    let parts: Vec<_> = path.as_ref().split('/').collect();
    let [CONVERSATIONS, account, date, PARTITION_OBJECT] = parts[..] else { return None };
    let account = account.strip_prefix("account_id=")?.parse().ok()?;
    let date = date.strip_prefix("session_date=")?.parse().ok()?;
    Some((account, date))
}

pub(super) fn account_staging(account: &AccountId) -> Path {
    Path::from(format!("{OURS}/staging/{account}"))
}

pub(super) fn staged(account: &AccountId, run: &RunId, sequence: u64) -> Path {
    Path::from(format!("{OURS}/staging/{account}/{run}/{sequence:08}.arrow"))
}

/// Run and sequence of a staged object's path; none for any other path.
pub(super) fn parse_staged(path: &Path) -> Option<(RunId, u64)> {
    let parts: Vec<_> = path.as_ref().split('/').collect();
    let [OURS, "staging", _, run, name] = parts[..] else { return None };
    let sequence = name.strip_suffix(".arrow")?.parse().ok()?;
    Some((run.parse().ok()?, sequence))
}

pub(super) fn heads() -> Path {
    Path::from(format!("{OURS}/ledger/accounts"))
}

pub(super) fn account_head_folder(account: &AccountId) -> Path {
    Path::from(format!("{OURS}/ledger/accounts/account_id={account}"))
}

pub(super) fn head(account: &AccountId) -> Path {
    account_head_folder(account).join("head.json")
}

pub(super) fn account_table(table: LedgerTable, account: &AccountId) -> Path {
    Path::from(format!("{OURS}/ledger/{}/account_id={account}", table.name()))
}

pub(super) fn table(table: LedgerTable, account: &AccountId, run: &RunId) -> Path {
    account_table(table, account).join(format!("{run}.ndjson"))
}

/// Every folder that has objects of the account, and of no other.
pub(super) fn account_folders(account: &AccountId) -> Vec<Path> {
    let tables = [LedgerTable::Runs, LedgerTable::Days, LedgerTable::Windows];
    let others = [account_partitions, account_staging, account_head_folder, account_rejects, account_locks];
    let tables = tables.map(|table| account_table(table, account));
    others.map(|folder| folder(account)).into_iter().chain(tables).collect()
}

pub(super) fn account_rejects(account: &AccountId) -> Path {
    Path::from(format!("{OURS}/rejects/account_id={account}"))
}

pub(super) fn account_locks(account: &AccountId) -> Path {
    Path::from(format!("{OURS}/locks/{account}"))
}

pub(super) fn lock(account: &AccountId, number: u64) -> Path {
    account_locks(account).join(format!("{number:010}"))
}

/// Folder of what is made to see whether it can be.
pub(super) fn probes() -> Path {
    Path::from(format!("{OURS}/_probe"))
}

/// Left behind, it is a leftover.
pub(super) fn probe(run: &RunId) -> Path {
    probes().join(format!("_{run}.tmp"))
}

/// Whether a path is that of a lock.
pub(super) fn is_lock(path: &str) -> bool {
    path.starts_with(&format!("{OURS}/locks/"))
}

/// Whether a path is that of a half-written object: of local disk only.
pub(super) fn is_leftover(path: &Path) -> bool {
    path.extension() == Some("tmp") && path.filename().is_some_and(|name| name.starts_with('_'))
}
