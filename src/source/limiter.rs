//! The rate limit of the account (F5), kept by the whole process.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// The server counts by the minute (F5).
const MINUTE: Duration = Duration::from_mins(1);

/// So many requests of a minute may go out at once, one in ten; the rest are evenly spaced.
const BURST_SHARE: u32 = 10;

/// Lets at most so many requests a minute reach the server. Clones share the limit; waiters are served in turn.
///
/// The law holds by the server's clock: a request takes a slot when it is sent, and its slot is free again a
/// minute after its answer began, so however long a request is on its way, no 60 s in which the server counts
/// see more than the limit.
#[derive(Debug, Clone)]
pub struct RateLimiter(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// `None`: no limit, pauses alone are kept.
    limit: Option<Limit>,
    state: Mutex<State>,
    changed: Notify,
    /// Held by the first of those who wait: they go in turn.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Limit {
    per_minute: usize,
    interval: Duration,
    burst: Duration,
}

#[derive(Debug)]
struct State {
    in_flight: usize,
    /// When the slots of answered requests are free again, earliest first.
    returning: VecDeque<Instant>,
    /// When the next request would go if all were evenly spaced.
    even: Instant,
    paused_until: Instant,
}

/// Leave to send one request; dropped when its answer begins, or when it is given up.
#[derive(Debug)]
#[must_use = "the slot is given back when the permit is dropped"]
pub struct Permit(Arc<Shared>);

impl RateLimiter {
    /// A limit of `requests` a minute; 0 is no limit.
    pub fn per_minute(requests: u32) -> Self {
        let now = Instant::now();
        let state = State { in_flight: 0, returning: VecDeque::new(), even: now, paused_until: now };
        Self(Arc::new(Shared {
            limit: Limit::new(requests),
            state: Mutex::new(state),
            changed: Notify::new(),
            turn: tokio::sync::Mutex::new(()),
        }))
    }

    /// Waits for leave to send one request. Giving up the wait costs nothing.
    pub async fn acquire(&self) -> Permit {
        let _turn = self.0.turn.lock().await;
        loop {
            let changed = self.0.changed.notified();
            match self.0.try_take(Instant::now()) {
                Ok(()) => return Permit(self.0.clone()),
                Err(Some(earliest)) => {
                    tokio::select! { () = sleep_until(earliest) => {}, () = changed => {} }
                }
                Err(None) => changed.await,
            }
        }
    }

    /// Holds back every request for `wait` from now: the server said that there were too many.
    pub fn pause(&self, wait: Duration) {
        let now = Instant::now();
        let mut state = self.0.state();
        state.paused_until = state.paused_until.max(now.checked_add(wait).unwrap_or(now + MINUTE * 60 * 24));
        drop(state);
        self.0.changed.notify_one();
    }

    #[cfg(test)]
    pub(super) fn is_paused(&self) -> bool {
        Instant::now() < self.0.state().paused_until
    }
}

impl Limit {
    fn new(requests: u32) -> Option<Self> {
        let interval = MINUTE.checked_div(requests)?;
        let burst = interval * (requests / BURST_SHARE).saturating_sub(1);
        Some(Self { per_minute: usize::try_from(requests).unwrap_or(usize::MAX), interval, burst })
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a slot, or says when one may be free; `None` where that depends on an answer.
    fn try_take(&self, now: Instant) -> Result<(), Option<Instant>> {
        let mut state = self.state();
        if now < state.paused_until {
            return Err(Some(state.paused_until));
        }
        let Some(limit) = &self.limit else { return Ok(()) };
        while state.returning.front().is_some_and(|&free| free <= now) {
            state.returning.pop_front();
        }
        if state.in_flight + state.returning.len() >= limit.per_minute {
            return Err(state.returning.front().copied());
        }
        let due = state.even.checked_sub(limit.burst).unwrap_or(now);
        if now < due {
            return Err(Some(due));
        }
        state.even = state.even.max(now) + limit.interval;
        state.in_flight += 1;
        Ok(())
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.0.limit.is_none() {
            return;
        }
        let mut state = self.0.state();
        state.in_flight -= 1;
        state.returning.push_back(Instant::now() + MINUTE);
        drop(state);
        self.0.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// When requests reach a server that takes `latencies` ms there and as long back, `width` side by side.
    fn arrivals(per_minute: u32, latencies: &[u64], width: usize) -> Vec<Instant> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let arrived = Arc::new(Mutex::new(Vec::new()));
        runtime.block_on(async {
            let limiter = RateLimiter::per_minute(per_minute);
            let lanes = (0..width).map(|lane| {
                let (limiter, arrived) = (limiter.clone(), arrived.clone());
                let mine: Vec<u64> = latencies.iter().skip(lane).step_by(width).copied().collect();
                tokio::spawn(async move {
                    for latency in mine {
                        let permit = limiter.acquire().await;
                        tokio::time::sleep(Duration::from_millis(latency)).await;
                        arrived.lock().unwrap().push(Instant::now());
                        tokio::time::sleep(Duration::from_millis(latency)).await;
                        drop(permit);
                    }
                })
            });
            for lane in lanes.collect::<Vec<_>>() {
                lane.await.unwrap();
            }
        });
        let mut arrived = arrived.lock().unwrap().clone();
        arrived.sort_unstable();
        arrived
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_minute_of_the_server_sees_more_than_the_limit(
            per_minute in 1_u32..40,
            latencies in prop::collection::vec(prop_oneof![0_u64..50, 0_u64..20_000], 1..150),
            width in 1_usize..9,
        ) {
            let arrived = arrivals(per_minute, &latencies, width);
            let limit = usize::try_from(per_minute).unwrap();
            for pair in arrived.windows(limit + 1) {
                prop_assert!(pair[limit] - pair[0] >= MINUTE);
            }
        }
    }

    #[test]
    fn a_quick_server_is_used_to_the_limit() {
        let arrived = arrivals(60, &[10; 300], 4);
        let took = arrived[299] - arrived[0];
        assert!(took <= Duration::from_secs(301), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_tenth_of_the_minute_may_go_at_once_and_the_rest_evenly() {
        let limiter = RateLimiter::per_minute(60);
        let begin = Instant::now();
        let mut sent = Vec::new();
        for _ in 0..9 {
            drop(limiter.acquire().await);
            sent.push(begin.elapsed().as_secs());
        }
        assert_eq!(sent, [0, 0, 0, 0, 0, 0, 1, 2, 3]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_holds_everyone_with_or_without_a_limit() {
        for per_minute in [0, 600] {
            let limiter = RateLimiter::per_minute(per_minute);
            let begin = Instant::now();
            limiter.pause(Duration::from_secs(7));
            limiter.pause(Duration::from_secs(3));
            let permits = tokio::join!(limiter.acquire(), limiter.acquire());
            drop(permits);
            assert_eq!(begin.elapsed().as_secs(), 7);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn giving_up_a_wait_costs_no_slot() {
        let limiter = RateLimiter::per_minute(1);
        drop(limiter.acquire().await);
        let begin = Instant::now();
        assert!(tokio::time::timeout(Duration::from_secs(10), limiter.acquire()).await.is_err());
        drop(limiter.acquire().await);
        assert_eq!(begin.elapsed().as_secs(), 60);
    }
}
