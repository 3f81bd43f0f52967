//! A progress bar on stderr.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use kore_lake::clock::TimeRange;
use kore_lake::lake::MigrateProgress;
use kore_lake::pipeline::Progress;

/// A bar; drawn only where somebody watches.
pub struct Bar(ProgressBar);

impl Bar {
    /// A bar that is drawn if `shown`.
    pub fn new(shown: bool) -> Self {
        let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        let style = ProgressStyle::with_template("{spinner} {wide_msg} {bar:30} {pos}/{len} {elapsed}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        if shown {
            bar.enable_steady_tick(Duration::from_millis(120));
        }
        Self(bar)
    }

    /// One more day of a migration is done.
    pub fn day_rewritten(&self, progress: MigrateProgress) {
        self.0.set_length(progress.days);
        self.0.set_position(progress.days_done);
        self.0.set_message(format!("rewrote {}", progress.date));
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        self.0.finish_and_clear();
    }
}

impl Progress for Bar {
    fn windows(&self, count: u64) {
        self.0.set_length(count);
        if self.0.position() == 0 {
            self.0.set_message("reading windows");
        }
    }

    fn window_read(&self, window: TimeRange, rows: u64) {
        self.0.set_message(format!("read {window}: {rows} rows"));
        self.0.inc(1);
    }

    fn files(&self, count: u64) {
        self.0.set_length(count);
        self.0.set_message("reading saved pages");
    }

    fn file_read(&self) {
        self.0.inc(1);
    }

    fn committing(&self) {
        self.0.set_message("merging into the lake");
    }
}
