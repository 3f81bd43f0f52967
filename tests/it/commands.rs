//! What each command does where all is well.

mod asking;
mod loading;
