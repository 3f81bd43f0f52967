//! Faults at the lake: a store that fails at any one step, or for good from there on, before or after the effect, ends a
//! run right or in a clear error; the next run is right. So do a full disk and one that cannot be written.

mod disk;
mod parts;
mod stopped;
mod sweep;
