//! A run that is killed at any moment is mended by running again: the lake equals the truth, no key twice, nothing left
//! in staging, nothing asked for again that was staged.

mod moments;
mod phase;
mod victim;
