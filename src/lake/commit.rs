use std::sync::Arc;

use super::days::DaysCommit;
use super::rejects::{self, RejectCount};
use super::staging::StagedObject;
use super::{LakeError, Owed, SessionDate, Writer};

/// What a commit did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommitSummary {
    /// Each day that was looked at, in order.
    pub days: Vec<DayChange>,
    /// Sums over the days.
    pub rows: RowChange,
    /// Distinct texts rejected.
    pub rejects: u64,
    /// Those of them that no commit has told of before.
    pub rejects_new: u64,
    /// Windows committed.
    pub windows: u64,
    /// Those of them that were not read whole.
    pub owed: Vec<Owed>,
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
    /// [`LakeError::LockLost`], [`LakeError::CorruptPartition`], [`LakeError::Store`], [`LakeError::Stopped`]. What was staged stays
    /// staged: committing again, here or by a later run, ends in the same lake.
    pub async fn commit(&mut self) -> Result<CommitSummary, LakeError> {
        let staged = self.lock_staged().clone();
        if staged.is_empty() {
            return Ok(CommitSummary::default());
        }
        self.lock.check().await?;
        let (days, states) = DaysCommit::run(self, &staged).await?;
        let rejects = rejects::keep(&self.lake, &self.account, &staged).await?;
        let summary = CommitSummary::of(days, rejects, &staged);
        self.lock.check().await?;
        self.write_ledger(&staged, &summary, states).await?;
        self.lock_staged().retain(|object| !staged.iter().any(|done| Arc::ptr_eq(done, object)));
        if let Err(error) = self.drop_retired().await {
            // The commit stands, and the ledger lists what the next writer deletes.
            tracing::warn!(account = %self.account, %error, "staged objects that were committed are still there");
        }
        Ok(summary)
    }
}

impl CommitSummary {
    fn of(days: Vec<DayChange>, rejects: RejectCount, staged: &[Arc<StagedObject>]) -> Self {
        let mut summary = Self { rejects: rejects.distinct, rejects_new: rejects.new, ..Self::default() };
        for day in &days {
            summary.rows.add(&day.change);
            summary.days_written += u64::from(day.written);
            summary.bytes_written += if day.written { day.bytes } else { 0 };
        }
        let windows = staged.iter().filter(|object| object.header.proof.is_some()).count();
        summary.windows = u64::try_from(windows).unwrap_or_default();
        let owed = staged.iter().filter_map(|object| object.owed()).collect();
        Self { days, owed, ..summary }
    }
}

impl DayChange {
    pub(super) fn add(&mut self, later: &Self) {
        self.written |= later.written;
        self.change.add(&later.change);
        (self.rows, self.bytes) = (later.rows, later.bytes);
    }
}

impl RowChange {
    fn add(&mut self, other: &Self) {
        self.new += other.new;
        self.changed += other.changed;
        self.unchanged += other.unchanged;
        self.superseded += other.superseded;
        self.not_returned += other.not_returned;
        self.moved_out += other.moved_out;
    }
}
