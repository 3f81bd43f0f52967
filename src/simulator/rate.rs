//! The rate limit of an account (F5).

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const MINUTE: Duration = Duration::from_mins(1);

/// Counts the requests of the last minute.
pub(super) struct Rate {
    per_minute: Option<u32>,
    taken: Mutex<VecDeque<Instant>>,
}

impl Rate {
    pub(super) fn new(per_minute: Option<u32>) -> Self {
        Self { per_minute, taken: Mutex::default() }
    }

    /// Takes a place in the minute before `now`, or says after how many seconds there is one.
    pub(super) fn take(&self, now: Instant) -> Result<(), u64> {
        let Some(limit) = self.per_minute else { return Ok(()) };
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        while taken.front().is_some_and(|oldest| now.duration_since(*oldest) >= MINUTE) {
            taken.pop_front();
        }
        if taken.len() < usize::try_from(limit).unwrap_or(usize::MAX) {
            taken.push_back(now);
            return Ok(());
        }
        let free = taken.front().map_or(MINUTE, |oldest| MINUTE.saturating_sub(now.duration_since(*oldest)));
        Err(free.as_secs() + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_minute_says_when_it_has_room_again() {
        let rate = Rate::new(Some(2));
        let start = Instant::now();
        assert_eq!(rate.take(start), Ok(()));
        assert_eq!(rate.take(start + Duration::from_secs(10)), Ok(()));
        assert_eq!(rate.take(start + Duration::from_secs(20)), Err(41));
        assert_eq!(rate.take(start + Duration::from_secs(61)), Ok(()));
    }
}
