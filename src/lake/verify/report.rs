use serde::Serialize;

use super::{Finding, Severity};
use crate::clock::UtcTime;
use crate::lake::Holder;
use crate::schema::AccountId;

/// What `verify` looked at, and what it found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct VerifyReport {
    /// Accounts looked at, in order.
    pub accounts: Vec<AccountId>,
    /// Partitions read to their end.
    pub days: u64,
    /// Their rows.
    pub rows: u64,
    /// Their size in bytes.
    pub bytes: u64,
    /// Objects of every kind that were looked at: partitions, the ledger's documents, rejects, staged objects.
    pub objects: u64,
    /// Writers that were at work: what they had staged and not yet committed is no finding.
    pub writers: Vec<WriterAtWork>,
    /// What does not hold, errors first, then by place.
    pub findings: Vec<Finding>,
}

/// A writer that held an account while it was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WriterAtWork {
    /// The account.
    pub account_id: AccountId,
    /// Who holds it.
    pub holder: Holder,
    /// Its last sign of life.
    pub heartbeat: UtcTime,
}

impl VerifyReport {
    /// Findings that fail `verify`: they are the lake's own faults.
    pub fn errors(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.is_error())
    }

    /// Findings that fail it only under `--strict`: unfinished work, and clocks that disagree.
    pub fn warnings(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| !finding.is_error())
    }

    /// Whether `verify` fails.
    pub fn fails(&self, strict: bool) -> bool {
        self.findings.iter().any(|finding| strict || finding.severity == Severity::Error)
    }

    pub(super) fn sort(&mut self) {
        self.findings.sort_by(|a, b| {
            let place =
                |finding: &Finding| (finding.severity, finding.account_id.clone(), finding.path.clone(), finding.kind);
            place(a).cmp(&place(b)).then_with(|| a.keys.cmp(&b.keys))
        });
    }
}
