//! The one file that prints. stdout is data, stderr is everything else.

use std::io::{self, IsTerminal, StdoutLock, Write};

use kore_lake::error::Error;

/// stdout, for results.
pub fn stdout() -> StdoutLock<'static> {
    io::stdout().lock()
}

/// Whether stdout is a terminal.
pub fn stdout_is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Whether stderr is a terminal.
pub fn stderr_is_terminal() -> bool {
    io::stderr().is_terminal()
}

/// One line to stderr. Nothing can be done where stderr is closed.
pub fn note(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Text to stdout, as it is.
///
/// # Errors
/// Where stdout is closed or full.
pub fn result(text: &str) -> io::Result<()> {
    let mut out = stdout();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// The error with its causes on one line, then the hint.
pub fn error(error: &Error) {
    note(&format!("error: {}", error.line()));
    if let Some(hint) = error.hint() {
        note(&format!("hint: {hint}"));
    }
}
