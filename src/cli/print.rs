//! The one file that prints. stdout is data, stderr is everything else.

use std::error::Error as StdError;
use std::io::{self, IsTerminal, StdoutLock, Write};

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

/// The error with its chain of causes on one line, then the hint. A cause that its parent's text
/// already ends with is not said twice.
pub fn error(error: &dyn StdError, hint: Option<&str>) {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !line.ends_with(&text) {
            line = format!("{line}: {text}");
        }
        cause = error.source();
    }
    note(&format!("error: {line}"));
    if let Some(hint) = hint {
        note(&format!("hint: {hint}"));
    }
}
