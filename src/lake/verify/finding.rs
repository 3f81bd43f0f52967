use std::fmt;

use object_store::path::Path;
use serde::Serialize;

use crate::clock::UtcTime;
use crate::lake::{LakeError, SessionDate};
use crate::schema::AccountId;

/// Keys that a finding names; it counts the others.
pub(super) const NAMED_KEYS: usize = 5;

/// Whether a finding fails `verify`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// A promise of the lake is broken.
    Error,
    /// Unfinished work, or data that came so: printed, and an error only under `--strict`.
    Warning,
}

/// A promise of the lake that does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// The account that was asked for is nowhere in the lake.
    UnknownAccount,
    /// An object cannot be read or decoded to its end.
    CorruptObject,
    /// An object has other columns, or another version of the schema or of the content hash.
    OtherSchema,
    /// A key (F20) stands twice, in one day or in two.
    KeyTwice,
    /// A row of a session alone stands beside a conversation of that session (F20).
    SupersededRow,
    /// A row stands in another day than that of its session id, else of its start (F15).
    WrongDay,
    /// The rows of an object are not in the declared order.
    OutOfOrder,
    /// A flag of a row says other than its clocks do.
    WrongFlag,
    /// The clocks of a row disagree, and its flags say so (F16).
    ClocksDisagree,
    /// Rows were read by a run of another account.
    OtherAccount,
    /// The ledger counts other rows than the object has.
    RowsDiffer,
    /// The ledger knows a day that has no object.
    DayGone,
    /// There is an object that the ledger does not know.
    DayUnknown,
    /// The object is another version than the ledger's.
    ObjectReplaced,
    /// Days are there, the account's ledger is not.
    LedgerMissing,
    /// A document of the ledger, or a lock, cannot be read.
    LedgerCorrupt,
    /// A file that is none of the lake's.
    StrayFile,
    /// Windows that were read are not committed.
    UnfinishedStaging,
    /// A run did not close what it set out to read.
    OpenIntent,
    /// A writer changed days faster than they could be read.
    StillChanging,
}

/// A row, by its key (F20).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct FoundKey {
    /// Session.
    pub session_id: String,
    /// Conversation; none for a session alone.
    pub conversation_id: Option<String>,
}

/// One promise that does not hold, at one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which promise.
    pub kind: FindingKind,
    /// Whether it fails `verify`.
    pub severity: Severity,
    /// Account, where the place is one of an account.
    pub account_id: Option<AccountId>,
    /// Day, where the place is one of a day.
    pub session_date: Option<SessionDate>,
    /// Object or folder, relative to the lake.
    pub path: String,
    /// How many rows, keys or objects there it holds of.
    pub count: u64,
    /// The first five of the keys.
    pub keys: Vec<FoundKey>,
    /// What is promised.
    pub expected: String,
    /// What is there instead.
    pub found: String,
    /// What to do.
    pub action: &'static str,
}

impl FindingKind {
    /// Whether it fails `verify`, where the place does not tell more.
    pub const fn severity(self) -> Severity {
        match self {
            Self::ClocksDisagree | Self::UnfinishedStaging | Self::OpenIntent | Self::StillChanging => {
                Severity::Warning
            }
            Self::UnknownAccount
            | Self::CorruptObject
            | Self::OtherSchema
            | Self::KeyTwice
            | Self::SupersededRow
            | Self::WrongDay
            | Self::OutOfOrder
            | Self::WrongFlag
            | Self::OtherAccount
            | Self::RowsDiffer
            | Self::DayGone
            | Self::DayUnknown
            | Self::ObjectReplaced
            | Self::LedgerMissing
            | Self::LedgerCorrupt
            | Self::StrayFile => Severity::Error,
        }
    }

    /// What to do about it.
    pub const fn action(self) -> &'static str {
        match self {
            Self::UnknownAccount => "give an account of this lake",
            Self::CorruptObject
            | Self::OtherSchema
            | Self::KeyTwice
            | Self::SupersededRow
            | Self::WrongDay
            | Self::OutOfOrder
            | Self::WrongFlag
            | Self::OtherAccount => "restore the object, or move it out of the lake and load its day again",
            Self::ClocksDisagree => "nothing: the rows came so, and are kept as they came",
            Self::RowsDiffer | Self::DayGone => "restore the object, or load its day again",
            Self::DayUnknown | Self::ObjectReplaced => {
                "nothing if it is meant to be there, the next run takes it over; else restore what was there"
            }
            Self::LedgerMissing | Self::LedgerCorrupt => {
                "restore it, or run `verify --rebuild-ledger`: it restores all but the proofs"
            }
            Self::StrayFile => "move it out of the lake: readers may take it for data",
            Self::UnfinishedStaging => "run `load` or `replay`: a run first commits what is staged",
            Self::OpenIntent => "run `load`: it goes on where the run ended",
            Self::StillChanging => "run it again when the writer is done",
        }
    }
}

impl Finding {
    /// A finding at a place of one account; of one object, or of no keys.
    pub(super) fn at(
        kind: FindingKind,
        account: Option<&AccountId>,
        path: &Path,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            severity: kind.severity(),
            account_id: account.cloned(),
            session_date: crate::lake::layout::parse_partition(path).map(|(_, date)| date),
            path: path.to_string(),
            count: 1,
            keys: Vec::new(),
            expected: expected.into(),
            found: found.into(),
            action: kind.action(),
        }
    }

    /// The same, of so many rows, the first of them by their keys.
    #[must_use]
    pub(super) fn of_rows(self, count: u64, keys: Vec<FoundKey>) -> Self {
        Self { count, keys, ..self }
    }

    #[must_use]
    pub(super) fn warning(self) -> Self {
        Self { severity: Severity::Warning, ..self }
    }

    /// The finding that an error of the lake is at an object that was to be read.
    pub(super) fn of_error(account: &AccountId, path: &Path, error: &LakeError) -> Self {
        let of = |kind, expected: &str, found: String| Self::at(kind, Some(account), path, expected, found);
        match error {
            LakeError::OtherSchema { found, expected, .. } => {
                let action =
                    if found < expected { "run `migrate`" } else { "use the kore-lake that wrote it, or a newer one" };
                let (expected, found) = (format!("schema version {expected}"), format!("schema version {found}"));
                Self { action, ..of(FindingKind::OtherSchema, &expected, found) }
            }
            LakeError::ForeignPartition { found, .. } => {
                of(FindingKind::OtherSchema, "the columns of the fixed schema", found.clone())
            }
            LakeError::CorruptLedger { reason, .. } => {
                of(FindingKind::LedgerCorrupt, "a readable document", reason.clone())
            }
            LakeError::CorruptPartition { source, .. } => {
                of(FindingKind::CorruptObject, "a readable object", format!("a corrupt one: {}", chain(source)))
            }
            LakeError::CorruptStaged { reason, .. } => {
                of(FindingKind::CorruptObject, "a readable object", format!("a corrupt one: {reason}"))
            }
            error => of(FindingKind::CorruptObject, "a readable object", format!("an error: {}", chain(error))),
        }
    }

    pub(super) fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl FoundKey {
    pub(super) fn of((session, conversation): (&str, Option<&str>)) -> Self {
        let conversation = conversation.filter(|id| !id.is_empty());
        Self { session_id: session.to_owned(), conversation_id: conversation.map(str::to_owned) }
    }
}

impl fmt::Display for FoundKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.conversation_id {
            Some(conversation) => write!(f, "`{}`/`{conversation}`", self.session_id),
            None => write!(f, "`{}`", self.session_id),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: expected {}, found {}", self.path, self.expected, self.found)?;
        for (index, key) in self.keys.iter().enumerate() {
            write!(f, "{} {key}", if index == 0 { ":" } else { "," })?;
        }
        let named = u64::try_from(self.keys.len()).unwrap_or(u64::MAX);
        if !self.keys.is_empty() && self.count > named { write!(f, " and {} more", self.count - named) } else { Ok(()) }
    }
}

/// An error with what lies below it, as one text.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let below = std::iter::successors(error.source(), |error| error.source());
    below.fold(error.to_string(), |text, error| format!("{text}: {error}"))
}

/// A time as the text of a finding has it.
pub(super) fn time(time: Option<UtcTime>) -> String {
    time.map_or_else(|| "no time".to_owned(), |time| time.to_string())
}
