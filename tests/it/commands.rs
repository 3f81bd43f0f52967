//! What each command does where all is well.

mod asking;
mod checking;
mod keeping;
mod loading;
