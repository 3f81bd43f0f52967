//! What kore-lake promises, held from outside: through its public library and its binary.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bad_input;
mod benches;
mod binary;
mod centre;
mod changing;
mod commands;
mod contents;
mod dashboard;
mod demo;
mod dice;
mod engines;
mod examples;
mod exit_codes;
mod faults;
mod faulty_store;
mod following;
mod fuzz;
mod hostile;
mod incremental;
mod kills;
mod kpis;
mod lake_faults;
mod layering;
mod loaded;
mod locks;
mod mid_write;
mod program;
mod raw;
mod readers;
mod readings;
mod record;
mod reliability;
mod requests;
mod s3;
mod scene;
mod scripts;
mod secrets;
mod seeds;
mod service;
mod slt;
mod tls;
mod truth;
mod wire;
