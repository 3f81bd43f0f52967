//! The program `kore-lake`: see README.md for what it does, and the library's documentation for how.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run(std::env::args_os())
}
