use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::source::PageSource;

/// What a run may spend before it stops cleanly.
#[derive(Clone)]
pub(super) struct Budget {
    source: Arc<dyn PageSource>,
    requests_before: u64,
    max_requests: Option<u64>,
    deadline: Option<Instant>,
}

impl Budget {
    /// A budget that begins to count now.
    pub(super) fn new(source: Arc<dyn PageSource>, max_requests: Option<u64>, max_duration: Option<Duration>) -> Self {
        let requests_before = source.traffic().requests;
        let deadline = max_duration.and_then(|most| Instant::now().checked_add(most));
        Self { source, requests_before, max_requests, deadline }
    }

    /// Requests left; none where they are not limited. Retries count.
    pub(super) fn requests_left(&self) -> Option<u64> {
        let spent = self.source.traffic().requests - self.requests_before;
        self.max_requests.map(|most| most.saturating_sub(spent))
    }

    /// The option that ended the run, if one did.
    pub(super) fn spent(&self) -> Option<&'static str> {
        if self.requests_left() == Some(0) {
            Some("--max-requests")
        } else if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            Some("--max-duration")
        } else {
            None
        }
    }

    /// Ends at the deadline; never where there is none.
    pub(super) async fn deadline(&self) {
        match self.deadline {
            Some(deadline) => tokio::time::sleep_until(deadline).await,
            None => std::future::pending().await,
        }
    }
}
