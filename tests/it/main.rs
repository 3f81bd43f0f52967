//! What kore-lake promises, held from outside: through its public library and its binary.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod kpis;
mod layering;
