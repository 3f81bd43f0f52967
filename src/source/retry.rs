//! When a failed attempt is made again.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::Fault;

/// How long and how often the client tries.
///
/// The wait before an attempt is drawn evenly from nothing to `base` × 2ⁿ, at most `cap` (full jitter), unless
/// the server names a wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicy {
    /// From the first attempt of a request on; an attempt that could only begin later is not made.
    pub deadline: Duration,
    /// The same where the client has never reached the server: a wrong host should not cost the whole deadline.
    pub unreachable_deadline: Duration,
    /// Upper bound of the first wait.
    pub base: Duration,
    /// Upper bound of every wait.
    pub cap: Duration,
    /// Upper bound of the wait after a 429 that names none: the minute in which the server counts (F5).
    pub throttled: Duration,
}

impl Default for RetryPolicy {
    /// Decided, not measured: five minutes outlast a restart of the server, one minute a restart of the network.
    fn default() -> Self {
        Self {
            deadline: Duration::from_mins(5),
            unreachable_deadline: Duration::from_mins(1),
            base: Duration::from_secs(1),
            cap: Duration::from_secs(30),
            throttled: Duration::from_mins(1),
        }
    }
}

impl RetryPolicy {
    /// The wait after `failures` failed attempts; `unit` is drawn evenly from 0 to 1.
    pub(super) fn backoff(&self, failures: u32, unit: f64) -> Duration {
        let doubled = self.base.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1)));
        doubled.min(self.cap).mul_f64(unit)
    }

    /// The wait after a 429 that names none.
    pub(super) fn throttled(&self, unit: f64) -> Duration {
        self.throttled.mul_f64(unit).max(self.base.min(self.throttled))
    }
}

/// How far the attempts for one request have gone.
pub(super) struct Patience<'a> {
    policy: &'a RetryPolicy,
    began: Option<Instant>,
    reached: bool,
    pub(super) failures: u32,
    pub(super) attempts: u32,
    last: Option<Fault>,
}

impl<'a> Patience<'a> {
    /// `reached`: the server has answered an earlier request.
    pub(super) fn new(policy: &'a RetryPolicy, reached: bool) -> Self {
        Self { policy, began: None, reached, failures: 0, attempts: 0, last: None }
    }

    /// Notes that an attempt begins; the clock starts with the first, so that waiting for the rate limit costs no
    /// patience. Returns the time left.
    pub(super) fn begin(&mut self) -> Duration {
        self.began.get_or_insert_with(Instant::now);
        self.attempts += 1;
        self.policy.deadline.saturating_sub(self.elapsed())
    }

    pub(super) fn note(&mut self, fault: &Fault) {
        self.failures += 1;
        self.reached |= !matches!(fault, Fault::Connect(_));
    }

    pub(super) fn allows(&self, wait: Duration) -> bool {
        let deadline = if self.reached {
            self.policy.deadline
        } else {
            self.policy.unreachable_deadline.min(self.policy.deadline)
        };
        self.elapsed().saturating_add(wait) < deadline
    }

    /// Keeps the fault of an attempt that will be followed by another.
    pub(super) fn keep(&mut self, fault: Fault) {
        self.last = Some(fault);
    }

    /// The fault that an error names when patience has ended with `fault`: of a time limit that only the deadline
    /// set, the fault before it tells more.
    pub(super) fn telling(&mut self, fault: Fault) -> Fault {
        let by_deadline = matches!(fault, Fault::Timeout(_)) && self.elapsed() >= self.policy.deadline;
        if by_deadline { self.last.take().unwrap_or(fault) } else { fault }
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.began.map(|began| began.elapsed()).unwrap_or_default()
    }
}

/// `Retry-After` as a wait from `now`: whole seconds, or an HTTP date (RFC 9110); a date that has passed is no
/// wait, anything else is not understood.
pub(super) fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_cap() {
        let policy = RetryPolicy::default();
        let bounds: Vec<u64> = (1..=7).map(|failures| policy.backoff(failures, 1.0).as_secs()).collect();
        assert_eq!(bounds, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(policy.backoff(u32::MAX, 0.5), Duration::from_secs(15));
        assert_eq!(policy.backoff(3, 0.0), Duration::ZERO);
    }

    #[test]
    fn a_server_that_was_reached_is_waited_for_longer() {
        let policy = RetryPolicy::default();
        let wait = Duration::from_mins(2);
        assert!(!Patience::new(&policy, false).allows(wait));
        assert!(Patience::new(&policy, true).allows(wait));
        let mut patience = Patience::new(&policy, false);
        patience.note(&Fault::Status { status: 500, message: None });
        assert!(patience.allows(wait));
        assert!(!patience.allows(Duration::MAX));
    }

    #[test]
    fn a_throttled_wait_lies_within_the_minute() {
        let policy = RetryPolicy::default();
        assert_eq!(policy.throttled(0.0), Duration::from_secs(1));
        assert_eq!(policy.throttled(1.0), Duration::from_mins(1));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777); // Sun, 06 Nov 1994 08:49:37 GMT
        for (value, expected) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Sun, 06 Nov 1994 08:50:07 GMT", Some(30)),
            ("Sunday, 06-Nov-94 08:50:07 GMT", Some(30)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(retry_after(value, now), expected.map(Duration::from_secs), "{value}");
        }
    }
}
