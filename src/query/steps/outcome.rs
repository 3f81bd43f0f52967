use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, StringViewArray, UInt32Array};
use arrow::compute::take;
use datafusion::common::{Result, internal_datafusion_err};

/// What became of a queue entry or a contact.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Outcome {
    Callback,
    Answered,
    AnsweredAfterReassignment,
    MovedOn,
    Open,
    Voicemail,
    Abandoned,
    Unserved,
    Unknown,
    Completed,
    DroppedOff,
    Direct,
    AbandonedBeforeQueue,
}

/// Their names, in the order of the variants.
static NAMES: LazyLock<StringViewArray> = LazyLock::new(|| {
    StringViewArray::from(vec![
        "callback",
        "answered",
        "answered after reassignment",
        "moved on",
        "open",
        "voicemail",
        "abandoned",
        "unserved",
        "unknown",
        "completed",
        "dropped off",
        "direct",
        "abandoned before queue",
    ])
});

/// Outcomes by name.
pub(super) fn named(outcomes: Vec<Option<Outcome>>) -> ArrayRef {
    let places: UInt32Array = outcomes.into_iter().map(|outcome| outcome.map(|outcome| outcome as u32)).collect();
    take(&*NAMES, &places, None).expect("each outcome has a name")
}

/// What rows say of themselves, in columns of `_sessions`.
pub(super) struct Standing {
    is_open: BooleanArray,
    is_voicemail: BooleanArray,
    status: ArrayRef,
}

impl Standing {
    pub(super) fn of(sessions: &RecordBatch) -> Result<Self> {
        Ok(Self {
            is_open: flag(sessions, "is_open")?,
            is_voicemail: flag(sessions, "is_voicemail")?,
            status: Arc::clone(column(sessions, "final_status")?),
        })
    }

    fn status(&self, row: usize) -> &str {
        let status = self.status.as_string_view();
        if status.is_valid(row) { status.value(row) } else { "" }
    }

    fn is_abandoned(&self, row: usize) -> bool {
        self.status(row) == "USER ABANDONED"
    }

    /// Of a last queue entry that nobody answered.
    pub(super) fn unserved(&self, row: usize) -> Outcome {
        match () {
            () if self.is_open.value(row) => Outcome::Open,
            () if self.is_voicemail.value(row) => Outcome::Voicemail,
            () if self.is_abandoned(row) => Outcome::Abandoned,
            () => Outcome::Unserved,
        }
    }

    /// Of a contact without any queue entry and answered leg.
    pub(super) fn never_queued(&self, row: usize) -> Outcome {
        match () {
            () if self.is_abandoned(row) => Outcome::AbandonedBeforeQueue,
            () if self.is_open.value(row) => Outcome::Open,
            () => Outcome::Unserved,
        }
    }

    /// Of a session that stayed with the bot.
    pub(super) fn bot_only(&self, row: usize) -> Outcome {
        match self.status(row) {
            _ if self.is_open.value(row) => Outcome::Open,
            "" => Outcome::Unknown,
            "BotResolved" => Outcome::Completed,
            _ => Outcome::DroppedOff,
        }
    }
}

/// A column of `_sessions` that is never null.
pub(super) fn flag(sessions: &RecordBatch, name: &str) -> Result<BooleanArray> {
    let found = column(sessions, name)?.as_boolean_opt().cloned();
    found.ok_or_else(|| internal_datafusion_err!("expected `{name}` as booleans"))
}

fn column<'a>(sessions: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef> {
    sessions.column_by_name(name).ok_or_else(|| internal_datafusion_err!("`{name}` was not read"))
}
