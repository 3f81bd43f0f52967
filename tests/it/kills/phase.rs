use std::fmt;

use crate::faulty_store::{Operation, Step};

/// Where a load stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Lock, ledger, what is to be read, the intent.
    Plan,
    Fetch,
    Stage,
    /// Old days and staged rows are read.
    Merge,
    /// A day is replaced.
    Commit,
    /// Rejects, tables, head.
    Ledger,
    /// Staged objects go, the run is closed, the lock is given free.
    CleanUp,
}

pub const PHASES: [Phase; 7] =
    [Phase::Plan, Phase::Fetch, Phase::Stage, Phase::Merge, Phase::Commit, Phase::Ledger, Phase::CleanUp];

impl Phase {
    /// The phase of the last of these steps of a load.
    pub fn of(steps: &[Step]) -> Self {
        let (last, before) = steps.split_last().expect("a step");
        let is_write = |step: &Step| matches!(step.operation, Operation::Put | Operation::Create);
        let under = |step: &Step, folder: &str| step.path.contains(folder);
        let staged = |step: &Step| under(step, "/staging/");
        let day = |step: &Step| under(step, "conversations/");
        let wrote_staged = before.iter().any(|step| is_write(step) && staged(step));
        let wrote_day = before.iter().any(|step| is_write(step) && day(step));
        let removes = |step: &Step| step.operation == Operation::Delete && staged(step);
        match last.operation {
            Operation::Fetch => Self::Fetch,
            _ if is_write(last) && staged(last) => Self::Stage,
            Operation::Delete if staged(last) => Self::CleanUp,
            _ if wrote_staged && before.iter().any(removes) => Self::CleanUp,
            _ if day(last) && (is_write(last) || last.operation == Operation::Head) => Self::Commit,
            _ if wrote_staged && (day(last) || staged(last)) => Self::Merge,
            _ if wrote_day => Self::Ledger,
            _ if wrote_staged => Self::Merge,
            _ => Self::Plan,
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plan => "plan",
            Self::Fetch => "fetch",
            Self::Stage => "stage",
            Self::Merge => "merge",
            Self::Commit => "commit",
            Self::Ledger => "ledger",
            Self::CleanUp => "clean-up",
        })
    }
}
