//! When a failed attempt is made again.

use std::time::{Duration, SystemTime};

/// How long and how often the client tries.
///
/// The wait before an attempt is drawn evenly from nothing to `base` × 2ⁿ, at most `cap` (full jitter), unless
/// the server names a wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicy {
    /// From the first attempt of a request on; an attempt that could only begin later is not made.
    pub deadline: Duration,
    /// The same where no attempt has ever reached the server: a wrong host should not cost the whole deadline.
    pub unreachable_deadline: Duration,
    /// Upper bound of the first wait.
    pub base: Duration,
    /// Upper bound of every wait.
    pub cap: Duration,
    /// Upper bound of the wait after a 429 that names none: the minute in which the server counts (F5).
    pub throttled: Duration,
}

impl Default for RetryPolicy {
    /// Decided, not measured: ten minutes outlast a restart of the server, one minute a restart of the network.
    fn default() -> Self {
        Self {
            deadline: Duration::from_mins(10),
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
