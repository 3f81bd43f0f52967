//! Lakes on S3: the program as a user runs it, against a real server over HTTP.

mod behaviour;
pub mod bucket;
mod errors;
pub mod places;
pub mod program;
mod readers;
mod secrets;
pub mod server;
