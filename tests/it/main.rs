//! What kore-lake promises, held from outside: through its public library and its binary.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bad_input;
mod binary;
mod centre;
mod changing;
mod commands;
mod contents;
mod demo;
mod examples;
mod exit_codes;
mod following;
mod fuzz;
mod incremental;
mod kpis;
mod layering;
mod loaded;
mod program;
mod readers;
mod readings;
mod record;
mod reliability;
mod requests;
mod scripts;
mod seeds;
mod service;
mod truth;
mod wire;
