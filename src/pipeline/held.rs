use std::sync::atomic::{AtomicU64, Ordering};

use crate::source::{Doubt, Window};

/// Of a run's memory, one part in so many is for answers: decoded, and on the way to the store, they take as much again.
const ONE_IN: u64 = 2;

/// How much of the server's answers, counted as JSON, may be in memory at a time. Windows keep their pages until they have
/// ended; what passes this is the pages of a window that were under way, planned by those that came.
pub(super) struct Held {
    all_bytes: u64,
    window_bytes: u64,
    seen_pages: AtomicU64,
    seen_bytes: AtomicU64,
}

impl Held {
    /// For so many windows side by side.
    pub(super) fn new(memory_limit_bytes: usize, windows: usize) -> Self {
        let all_bytes = count(memory_limit_bytes) / ONE_IN;
        let window_bytes = all_bytes / count(windows).max(1);
        Self { all_bytes, window_bytes, seen_pages: AtomicU64::new(0), seen_bytes: AtomicU64::new(0) }
    }

    /// Bytes that a window may hold. One of a second cannot be cut, so it may hold what all may together.
    pub(super) fn room(&self, window: Window) -> u64 {
        if window.length().as_secs() > 1 { self.window_bytes } else { self.all_bytes }
    }

    /// Counts a page that came.
    pub(super) fn see(&self, bytes: usize) {
        self.seen_pages.fetch_add(1, Ordering::Relaxed);
        self.seen_bytes.fetch_add(count(bytes), Ordering::Relaxed);
    }

    /// Pages that a window has room for, if they are as those that came; none where none came. A window that is planned
    /// for more would be read in vain.
    pub(super) fn pages(&self) -> Option<u64> {
        let pages = self.seen_pages.load(Ordering::Relaxed);
        let a_page = self.seen_bytes.load(Ordering::Relaxed).checked_div(pages)?;
        Some((self.window_bytes / a_page.max(1)).max(1))
    }
}

/// Why a window that holds so much is not read on, if that is too much.
pub(super) fn too_large(bytes: u64, room_bytes: u64) -> Option<Doubt> {
    (bytes > room_bytes).then_some(Doubt::TooLarge { bytes, room_bytes })
}

pub(super) fn count(number: usize) -> u64 {
    u64::try_from(number).expect("a count in memory fits 64 bits")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{TimeRange, UtcTime};

    fn window(seconds: i64) -> Window {
        Window::covering(TimeRange::new(UtcTime::from_seconds(0), UtcTime::from_seconds(seconds)).unwrap())
    }

    #[test]
    fn windows_share_half_of_the_memory_and_a_second_may_take_all_of_that() {
        let held = Held::new(512 << 20, 4);
        assert_eq!((held.room(window(2)), held.room(window(1))), (64 << 20, 256 << 20));
    }

    #[test]
    fn as_many_pages_are_planned_as_there_is_room_for() {
        let held = Held::new(32 << 20, 4);
        assert_eq!(held.pages(), None);
        held.see(0);
        assert_eq!(held.pages(), Some(4 << 20));
        held.see(4 << 20);
        assert_eq!(held.pages(), Some(2));
        held.see(100 << 20);
        assert_eq!(held.pages(), Some(1));
    }
}
