use arrow::array::{Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use super::LakeError;
use crate::clock::{UtcTime, object_id_time};
use crate::schema::Schema;

/// Columns that tell which row wins.
pub(super) const KEY_COLUMNS: [&str; 7] = [
    "session_id",
    "conversation_id",
    "session_start_time",
    "final_status",
    "_fetched_at",
    "_stream_id",
    "_content_hash",
];

/// 128 bits of a key: of a session for (session, none), of both ids for a conversation.
pub(super) type KeyHash = u128;

/// What of two rows of one key decides: the greater wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    /// When the content was last seen, microseconds.
    pub time: i64,
    /// Whether the conversation is closed.
    pub closed: bool,
    /// Hash of the content.
    pub content_hash: i64,
}

/// One row, as far as the decision goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct KeyRow<'a> {
    pub key: KeyHash,
    /// Key of (session, none) of the same session.
    pub session: KeyHash,
    pub rank: Rank,
    /// Start in UTC: of the session id (F15), else of the record.
    pub start: Option<UtcTime>,
    /// Whether the session id carries a time, so that the key never changes its day.
    pub has_id_time: bool,
    pub stream: Option<&'a str>,
}

impl KeyRow<'_> {
    /// Whether the row has no conversation.
    pub(super) fn is_session_only(&self) -> bool {
        self.key == self.session
    }
}

/// The key columns of a batch that has at least these.
pub(super) struct KeyColumns<'a> {
    session: &'a StringArray,
    conversation: &'a StringArray,
    start: &'a TimestampMicrosecondArray,
    status: &'a StringArray,
    fetched_at: &'a TimestampMicrosecondArray,
    stream: &'a StringArray,
    content_hash: &'a Int64Array,
}

impl<'a> KeyColumns<'a> {
    pub(super) fn of(batch: &'a RecordBatch) -> Result<Self, LakeError> {
        Ok(Self {
            session: column(batch, "session_id")?,
            conversation: column(batch, "conversation_id")?,
            start: column(batch, "session_start_time")?,
            status: column(batch, "final_status")?,
            fetched_at: column(batch, "_fetched_at")?,
            stream: column(batch, "_stream_id")?,
            content_hash: column(batch, "_content_hash")?,
        })
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = KeyRow<'a>> + '_ {
        (0..self.session.len()).map(|row| self.row(row))
    }

    fn row(&self, row: usize) -> KeyRow<'a> {
        let session_id = self.session.value(row);
        let session = xxh3_128(session_id.as_bytes());
        let conversation = text(self.conversation, row).filter(|id| !id.is_empty());
        let id_time = object_id_time(session_id);
        let start = self.start.is_valid(row).then(|| UtcTime::from_micros(self.start.value(row)));
        KeyRow {
            key: conversation.map_or(session, |id| conversation_key(session_id, id)),
            session,
            rank: Rank {
                time: self.fetched_at.value(row),
                closed: !text(self.status, row).is_some_and(|status| Schema::conversations().is_open_status(status)),
                content_hash: self.content_hash.value(row),
            },
            start: id_time.or(start),
            has_id_time: id_time.is_some(),
            stream: text(self.stream, row),
        }
    }
}

/// Whether a row's session id carries no time, for each row.
pub(super) fn without_id_time(batch: &RecordBatch) -> Result<usize, LakeError> {
    let sessions: &StringArray = column(batch, "session_id")?;
    Ok(sessions.iter().flatten().filter(|id| object_id_time(id).is_none()).count())
}

fn conversation_key(session: &str, conversation: &str) -> KeyHash {
    let mut hash = Xxh3::new();
    hash.update(session.as_bytes());
    hash.update(&[0xff]); // in no UTF-8 text, so no two pairs run together
    hash.update(conversation.as_bytes());
    hash.digest128()
}

fn text(column: &StringArray, row: usize) -> Option<&str> {
    column.is_valid(row).then(|| column.value(row))
}

pub(super) fn column<'a, A: 'static>(batch: &'a RecordBatch, name: &'static str) -> Result<&'a A, LakeError> {
    let column = batch.column_by_name(name).and_then(|column| column.as_any().downcast_ref());
    column.ok_or_else(|| LakeError::Input {
        expected: "the key columns of the fixed schema",
        found: format!("no `{name}`"),
    })
}
