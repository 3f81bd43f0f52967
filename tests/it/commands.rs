//! What each command does where all is well.

mod asking;
mod checking;
mod going_on;
mod keeping;
mod large;
mod loading;
mod prompt;
