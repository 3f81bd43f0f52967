//! Bad input gives one clear message and the exit code that README.md states, and nothing is lost.

mod lake;
mod options;
mod pages;
mod questions;
mod source;
