//! Page bytes to a record batch.

use arrow::record_batch::RecordBatch;

/// What one page decodes to: rows + rejects = records of the page.
#[derive(Debug, Clone)]
pub struct DecodedPage {
    /// Rows under [`Schema::conversations_arrow`](crate::schema::Schema::conversations_arrow), in the page's order.
    pub rows: RecordBatch,
    /// UTC date (days since 1970-01-01) of each row's partition: that of the session id's time (F15), else of
    /// the session's start. As long as `rows`.
    pub session_dates: Vec<i32>,
    /// Records that cannot be keyed or placed.
    pub rejects: Vec<Reject>,
    /// `numResults` of the answer, where it is an integer.
    pub num_results: Option<i64>,
}

/// A record that cannot be keyed or placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// Position of the record in the page's `data`, from 1.
    pub position: u32,
    /// Why.
    pub reason: RejectReason,
    /// The record's text as it came (invalid UTF-8 replaced).
    pub text: String,
    /// xxh3-64 of the record's bytes: the key of a reject.
    pub text_hash: i64,
}

/// Why a record is a reject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectReason {
    /// The record is no JSON object.
    NotAnObject,
    /// `sessionId` is absent, null, `""`, no string, or not valid Unicode.
    SessionId,
    /// `conversationId` is neither null nor a valid string.
    ConversationId,
    /// Neither the session id nor `sessionStartTime` gives a time.
    NoTime,
}
