//! What kore-lake promises, held from outside: through its public library and its binary.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod binary;
mod centre;
mod contents;
mod demo;
mod examples;
mod layering;
mod readers;
mod record;
mod seeds;
mod truth;
