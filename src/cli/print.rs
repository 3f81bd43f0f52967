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

/// Whether stdin is a terminal.
pub fn stdin_is_terminal() -> bool {
    io::stdin().is_terminal()
}

/// Columns and rows of the terminal that stdout is; a usual one's where it does not say.
pub fn terminal_size() -> (usize, usize) {
    let usual = (80, 24);
    let said = terminal_size::terminal_size_of(io::stdout());
    said.map_or(usual, |(columns, rows)| (columns.0.into(), rows.0.into()))
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
    for line in error.excerpt().into_iter().flat_map(str::lines) {
        note(&format!("  {line}"));
    }
    if let Some(hint) = error.hint() {
        note(&format!("hint: {hint}"));
    }
}
