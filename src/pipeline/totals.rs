use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use crate::source::Window;

/// How many rows windows have that are being read, as their readings come to know it.
#[derive(Default)]
pub(super) struct Totals {
    told: Mutex<Vec<(Window, u64)>>,
    news: Notify,
}

impl Totals {
    pub(super) fn tell(&self, window: Window, rows: u64) {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).push((window, rows));
        self.news.notify_one();
    }

    /// Waits for what was not taken yet.
    pub(super) async fn next(&self) -> Vec<(Window, u64)> {
        self.news.notified().await;
        std::mem::take(&mut *self.told.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
