use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::staging::StagedObject;
use super::tables::{self, DayLine, WindowLine};
use super::{
    AccountHead, CommitSummary, DayState, LakeError, LedgerTable, Proven, SessionDate, StreamState, WindowProof,
    Writer, layout,
};
use crate::clock::UtcTime;
use crate::schema::RunId;

impl Writer {
    /// Writes down a commit: the tables, then the head, with which it is done.
    pub(super) async fn write_ledger(
        &mut self,
        staged: &[Arc<StagedObject>],
        summary: &CommitSummary,
        states: BTreeMap<SessionDate, DayState>,
    ) -> Result<(), LakeError> {
        self.commits += 1;
        self.write_windows(staged).await?;
        self.write_days(summary, &states).await?;
        self.write_run(staged, summary).await?;
        let mut head = self.head.clone();
        head.days.extend(states);
        for object in staged {
            let Some(proof) = &object.header.proof else { continue };
            let stream = head.stream_mut(proof.stream.as_ref());
            if let Some(owed) = object.owed() {
                stream.owe(owed);
            } else if let Some(range) = proof.over().filter(|_| proof.whole) {
                let WindowProof { read_at, as_of, covers, .. } = *proof;
                let (run_id, evidence) = (object.run_id.clone(), proof.evidence_kind.clone());
                stream.prove(&Proven { range, read_at, as_of, run_id, evidence, age_seconds: None }, covers);
            }
        }
        head.streams.values_mut().for_each(StreamState::compact);
        remember_requests(&mut head, staged);
        head.retired.extend(staged.iter().map(|object| object.path.to_string()));
        head.store(&self.lake, &self.run_id).await?;
        self.head = head;
        self.head_changed = false;
        Ok(())
    }

    /// Windows stand under the run that read them: written again after a kill, they are the same lines.
    async fn write_windows(&self, staged: &[Arc<StagedObject>]) -> Result<(), LakeError> {
        let mut runs: BTreeMap<&RunId, Vec<WindowLine>> = BTreeMap::new();
        for object in staged {
            runs.entry(&object.run_id).or_default().push(WindowLine::of(object));
        }
        for (run, lines) in runs {
            tables::upsert(&self.lake, &layout::table(LedgerTable::Windows, &self.account, run), lines).await?;
        }
        Ok(())
    }

    async fn write_days(
        &self,
        summary: &CommitSummary,
        states: &BTreeMap<SessionDate, DayState>,
    ) -> Result<(), LakeError> {
        let committed_at = UtcTime::now();
        let line = |day: &super::DayChange| DayLine {
            run_id: self.run_id.clone(),
            commit: self.commits,
            session_date: day.date,
            committed_at,
            written: day.written,
            rows: day.rows,
            bytes: day.bytes,
            etag: states.get(&day.date).and_then(|state| state.etag.clone()),
            rows_new: day.change.new,
            rows_changed: day.change.changed,
            rows_unchanged: day.change.unchanged,
            rows_superseded: day.change.superseded,
            rows_not_returned: day.change.not_returned,
            rows_moved_out: day.change.moved_out,
        };
        let path = layout::table(LedgerTable::Days, &self.account, &self.run_id);
        tables::upsert(&self.lake, &path, summary.days.iter().map(line).collect()).await
    }

    async fn write_run(&mut self, staged: &[Arc<StagedObject>], summary: &CommitSummary) -> Result<(), LakeError> {
        let Some(mut run) = self.run.clone() else { return Ok(()) };
        for header in staged.iter().map(|object| &object.header) {
            run.pages += header.pages;
            run.requests += header.requests;
            run.api_rows += header.api_rows;
        }
        run.windows += summary.windows;
        run.rows_new += summary.rows.new;
        run.rows_changed += summary.rows.changed;
        run.rows_unchanged += summary.rows.unchanged;
        run.rows_superseded += summary.rows.superseded;
        run.rows_not_returned += summary.rows.not_returned;
        run.rejects += summary.rejects;
        run.days_written += summary.days_written;
        run.bytes_written += summary.bytes_written;
        let path = layout::table(LedgerTable::Runs, &self.account, &self.run_id);
        tables::write(&self.lake, &path, std::slice::from_ref(&run)).await?;
        self.run = Some(run);
        Ok(())
    }
}

/// Takes over the API version and fields of the runs whose rows are now in the lake.
fn remember_requests(head: &mut AccountHead, staged: &[Arc<StagedObject>]) {
    let runs: BTreeSet<_> = staged.iter().map(|object| &object.run_id).collect();
    let intents = head.streams.values().filter_map(|stream| stream.intent.clone());
    for intent in intents.filter(|intent| runs.contains(&intent.run_id)).collect::<Vec<_>>() {
        head.api_version = head.api_version.max(intent.api_version);
        head.fields.extend(intent.fields);
    }
}
