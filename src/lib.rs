//! Copies every conversation of a Kore.ai contact centre into a Parquet data lake and answers questions about them.

pub mod clock;
pub mod config;
pub mod dashboard;
pub mod decode;
pub mod error;
pub mod lake;
pub mod pipeline;
pub mod query;
pub mod schema;
pub mod simulator;
pub mod source;
