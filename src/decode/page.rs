use arrow::array::AsArray;
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

/// What one page gave that was appended to others.
#[derive(Debug, Clone)]
pub struct AppendedPage {
    /// Rows that it gave.
    pub rows: usize,
    /// Records that cannot be keyed or placed.
    pub rejects: Vec<Reject>,
    /// `numResults` of the answer, where it is an integer.
    pub num_results: Option<i64>,
}

/// The rows of the pages that were appended, in their order.
#[derive(Debug, Clone)]
pub struct DecodedRows {
    /// As in [`DecodedPage::rows`].
    pub rows: RecordBatch,
    /// As in [`DecodedPage::session_dates`].
    pub session_dates: Vec<i32>,
}

/// A record that cannot be keyed or placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// Position of the record in the page's `data`, from 1.
    pub position: u32,
    /// Why.
    pub reason: RejectReason,
    /// The record's text as it came.
    pub text: String,
    /// xxh3-64 of the record's bytes: the key of a reject.
    pub text_hash: i64,
}

/// Why a record is a reject. Where several hold, the first of this order is named.
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

/// What identifies a row within its account (F20).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowKey<'a> {
    /// Session id, never empty.
    pub session_id: &'a str,
    /// Conversation id; none for a bot-only session, `""` counts as none.
    pub conversation_id: Option<&'a str>,
}

/// Rows of a page by their group: a page may be two queries put together (F11).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GroupCounts {
    /// Rows without a conversation.
    pub bot_only: usize,
    /// Rows with one.
    pub conversations: usize,
}

impl DecodedPage {
    /// Records of the page: rows and rejects.
    pub fn record_count(&self) -> usize {
        self.rows.num_rows() + self.rejects.len()
    }

    /// The key of each row, in the page's order.
    pub fn keys(&self) -> impl Iterator<Item = RowKey<'_>> {
        keys(&self.rows)
    }

    /// How many rows are bot-only sessions and how many conversations.
    pub fn group_counts(&self) -> GroupCounts {
        let conversations = self.keys().filter(|key| key.conversation_id.is_some()).count();
        GroupCounts { bot_only: self.rows.num_rows() - conversations, conversations }
    }
}

impl DecodedRows {
    /// The key of each row.
    pub fn keys(&self) -> impl Iterator<Item = RowKey<'_>> {
        keys(&self.rows)
    }
}

fn keys(rows: &RecordBatch) -> impl Iterator<Item = RowKey<'_>> {
    let sessions = rows.column_by_name("session_id").expect("the schema has `session_id`");
    let conversations = rows.column_by_name("conversation_id").expect("the schema has `conversation_id`");
    let conversations = conversations.as_string::<i32>().iter();
    sessions.as_string::<i32>().iter().zip(conversations).map(|(session, conversation)| RowKey {
        session_id: session.expect("`session_id` is never null"),
        conversation_id: conversation.filter(|id| !id.is_empty()),
    })
}
