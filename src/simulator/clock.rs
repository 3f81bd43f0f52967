//! The simulated clock.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use jiff::Timestamp;

/// What the time is for the records; none: there is no clock.
#[derive(Debug)]
pub(super) struct Clock {
    /// What the clock was set to, and when.
    set: Mutex<Option<(Timestamp, Instant)>>,
    runs: bool,
}

impl Clock {
    pub(super) fn new(now: Option<Timestamp>, runs: bool) -> Self {
        Self { set: Mutex::new(now.map(|now| (now, Instant::now()))), runs }
    }

    pub(super) fn now(&self) -> Option<Timestamp> {
        let (set, since) = (*self.set.lock().unwrap_or_else(PoisonError::into_inner))?;
        if !self.runs {
            return Some(set);
        }
        Some(set.checked_add(since.elapsed()).unwrap_or(Timestamp::MAX))
    }

    /// An earlier time than the present one changes nothing.
    pub(super) fn set(&self, now: Timestamp) {
        let later = self.now().is_none_or(|present| present < now);
        if later {
            *self.set.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, Instant::now()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_clock_stands_until_it_is_moved_and_never_goes_back() {
        let clock = Clock::new(Some(at(100)), false);
        clock.set(at(200));
        clock.set(at(150));
        assert_eq!(clock.now(), Some(at(200)));
        assert_eq!(Clock::new(None, true).now(), None);
    }

    #[test]
    fn a_clock_that_runs_goes_on_by_itself() {
        let clock = Clock::new(Some(at(100)), true);
        let first = clock.now().unwrap();
        while clock.now().unwrap() <= first {}
        assert!(first >= at(100));
    }
}
