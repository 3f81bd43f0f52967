use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::source::{PageSource, Traffic};

/// Requests that a window of the documented size may take: eleven pages, and one to confirm the end.
const REQUESTS_OF_A_WINDOW: u64 = 12;

/// What a run may spend before it stops cleanly.
pub(super) struct Budget {
    source: Arc<dyn PageSource>,
    requests_before: u64,
    retries_before: u64,
    /// Requests that were taken; the source counts them only once they are sent.
    taken: AtomicU64,
    max_requests: Option<u64>,
    deadline: Option<Instant>,
}

impl Budget {
    /// A budget that begins to count now.
    pub(super) fn new(source: Arc<dyn PageSource>, max_requests: Option<u64>, max_duration: Option<Duration>) -> Self {
        let Traffic { requests: requests_before, retries: retries_before, .. } = source.traffic();
        let deadline = max_duration.and_then(|most| Instant::now().checked_add(most));
        Self { source, requests_before, retries_before, taken: AtomicU64::new(0), max_requests, deadline }
    }

    /// Requests left; none where they are not limited. Retries count.
    pub(super) fn requests_left(&self) -> Option<u64> {
        self.left(self.taken.load(Ordering::Relaxed))
    }

    /// Takes one request out of the budget; whether there was one left. Windows side by side take turns at it, so that
    /// together they send no more than the run may.
    pub(super) fn take(&self) -> bool {
        let one_more = |taken| (self.spent_after(taken).is_none()).then_some(taken + 1);
        self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).is_ok()
    }

    fn left(&self, taken: u64) -> Option<u64> {
        let Traffic { requests, retries, .. } = self.source.traffic();
        let spent = (requests - self.requests_before).max(taken + (retries - self.retries_before));
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
        self.spent_after(self.taken.load(Ordering::Relaxed))
    }

    fn spent_after(&self, taken: u64) -> Option<&'static str> {
        if self.left(taken) == Some(0) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Page, PageRequest, SourceError};

    /// Has sent nothing yet, as while all requests wait for the rate limit.
    struct Unsent;

    #[async_trait::async_trait]
    impl PageSource for Unsent {
        async fn fetch(&self, _: &PageRequest) -> Result<Page, SourceError> {
            unreachable!("a budget fetches nothing")
        }

        fn traffic(&self) -> Traffic {
            Traffic::default()
        }
    }

    #[test]
    fn requests_that_are_not_sent_yet_count() {
        let budget = Budget::new(Arc::new(Unsent), Some(3), None);
        let taken: Vec<_> = (0..5).map(|_| budget.take()).collect();
        assert_eq!(taken, [true, true, true, false, false]);
        assert_eq!((budget.requests_left(), budget.spent()), (Some(0), Some("--max-requests")));
    }

    #[test]
    fn without_a_limit_there_is_always_one_more() {
        let budget = Budget::new(Arc::new(Unsent), None, None);
        assert!(budget.take());
        assert_eq!((budget.requests_left(), budget.width()), (None, usize::MAX));
    }
}
