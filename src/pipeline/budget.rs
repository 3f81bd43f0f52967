use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::source::PageSource;

/// Requests that a window of the documented size may take: eleven pages, and one to confirm the end.
const REQUESTS_OF_A_WINDOW: u64 = 12;

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

    /// Windows that can be read side by side so that each comes to its end: else a small budget is spent on many
    /// windows and proves none.
    pub(super) fn width(&self) -> usize {
        let windows = self.requests_left().map(|left| left / REQUESTS_OF_A_WINDOW);
        windows.map_or(usize::MAX, |windows| usize::try_from(windows).unwrap_or(usize::MAX).max(1))
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
