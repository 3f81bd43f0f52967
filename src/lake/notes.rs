use super::coverage::ACCEPTED;
use super::tables::{self, WindowLine};
use super::{LakeError, LedgerTable, Owed, Proven, Writer, layout};
use crate::clock::TimeRange;
use crate::schema::StreamId;

impl Writer {
    /// Keeps what the source learned of a stream, for planning only. Stored with the next commit, or when the run
    /// ends; what a kill takes with it is learned again.
    pub fn remember(&mut self, stream: Option<&StreamId>, planning: serde_json::Value) {
        self.head.stream_mut(stream).planning = Some(planning);
        self.head_changed = true;
    }

    /// Closes by hand the owed windows of a stream that lie within `range`: they count as read, at the time of their
    /// try, though nothing proves it. Returns them; none where none is owed there. Durable when it returns.
    ///
    /// # Errors
    /// [`LakeError::Store`], [`LakeError::LockLost`], [`LakeError::CorruptLedger`]: nothing is closed, a retry closes it.
    pub async fn accept(&mut self, stream: &StreamId, range: TimeRange) -> Result<Vec<Owed>, LakeError> {
        let mut head = self.head.clone();
        let state = head.stream_mut(Some(stream));
        let within = |owed: &Owed| range.from() <= owed.range.from() && owed.range.to() <= range.to();
        let (accepted, owed): (Vec<_>, Vec<_>) = std::mem::take(&mut state.owed).into_iter().partition(within);
        state.owed = owed;
        if accepted.is_empty() {
            return Ok(accepted);
        }
        for owed in accepted.iter().filter(|owed| owed.covers) {
            let Owed { range, read_at, as_of, .. } = *owed;
            let (run_id, evidence) = (self.run_id.clone(), ACCEPTED.to_owned());
            state.coverage.add(&Proven { range, read_at, as_of, run_id, evidence, age_seconds: None });
        }
        let lines = accepted.iter().map(|owed| self.accepted_line(stream, owed)).collect();
        self.lock.check().await?;
        let path = layout::table(LedgerTable::Windows, &self.account, &self.run_id);
        tables::upsert(&self.lake, &path, lines).await?;
        self.replace_head(head).await?;
        Ok(accepted)
    }

    fn accepted_line(&self, stream: &StreamId, owed: &Owed) -> WindowLine {
        WindowLine {
            run_id: self.run_id.clone(),
            sequence: self.next_sequence(),
            stream_id: Some(stream.clone()),
            window_from: Some(owed.range.from()),
            window_to: Some(owed.range.to()),
            read_at: Some(owed.read_at),
            as_of: Some(owed.as_of),
            whole: false,
            covers: owed.covers,
            evidence_kind: Some(ACCEPTED.to_owned()),
            evidence: Some(owed.evidence.to_string()),
            pages: 0,
            requests: 0,
            api_rows: 0,
            rows: 0,
            rejects: 0,
        }
    }

    async fn replace_head(&mut self, mut head: super::AccountHead) -> Result<(), LakeError> {
        self.lock.check().await?;
        head.store(&self.lake, &self.run_id).await?;
        self.head = head;
        self.head_changed = false;
        Ok(())
    }
}
