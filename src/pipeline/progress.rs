use crate::clock::TimeRange;

/// Told how a run goes on, for whoever watches. All methods return at once.
pub trait Progress: Send + Sync {
    /// The range is cut into this many windows; more come where one is split.
    fn windows(&self, count: u64);
    /// A window was read whole, with so many distinct rows.
    fn window_read(&self, window: TimeRange, rows: u64);
    /// So many files are to be read.
    fn files(&self, count: u64);
    /// A file was read.
    fn file_read(&self);
    /// What was read is being merged into the lake.
    fn committing(&self);
}

/// Nobody watches.
#[derive(Debug, Clone, Copy)]
pub struct Unwatched;

impl Progress for Unwatched {
    fn windows(&self, _: u64) {}
    fn window_read(&self, _: TimeRange, _: u64) {}
    fn files(&self, _: u64) {}
    fn file_read(&self) {}
    fn committing(&self) {}
}
