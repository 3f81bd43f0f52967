//! What kore-lake promises, held from outside: through its public library and its binary.

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
