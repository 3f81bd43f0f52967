use super::{LakeError, SessionDate, Writer};

/// What a commit did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommitSummary {
    /// Each day that was looked at, in order.
    pub days: Vec<DayChange>,
    /// Sums over the days.
    pub rows: RowChange,
    /// Distinct texts rejected.
    pub rejects: u64,
    /// Those of them that the lake did not have.
    pub rejects_new: u64,
    /// Windows committed.
    pub windows: u64,
    /// Partitions written.
    pub days_written: u64,
    /// Bytes of these partitions.
    pub bytes_written: u64,
}

/// What a commit did to one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayChange {
    /// The day.
    pub date: SessionDate,
    /// Whether its object was replaced.
    pub written: bool,
    /// What became of the keys.
    pub change: RowChange,
    /// Rows of the day after the commit.
    pub rows: u64,
    /// Size of its object in bytes.
    pub bytes: u64,
}

/// What became of the keys that were read. New + changed + unchanged + superseded = distinct keys read, where
/// the superseded are not of an earlier read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RowChange {
    /// Keys that were not in the lake.
    pub new: u64,
    /// Keys whose row was replaced.
    pub changed: u64,
    /// Keys whose stored row stayed: it is equal, or later.
    pub unchanged: u64,
    /// Keys (session, none) that gave way to a conversation of their session.
    pub superseded: u64,
    /// Rows of the stream in the windows read that were not returned.
    pub not_returned: u64,
    /// Rows whose key moved to another day.
    pub moved_out: u64,
}

impl Writer {
    /// Makes all staged rows visible, day by day, writes the ledger, and deletes the staged objects.
    ///
    /// # Errors
    /// [`LakeError::LockLost`], [`LakeError::CorruptPartition`], [`LakeError::Store`]. What was staged stays
    /// staged: committing again, here or by a later run, ends in the same lake.
    pub async fn commit(&mut self) -> Result<CommitSummary, LakeError> {
        unreachable!()
    }
}
