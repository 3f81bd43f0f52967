//! Results on a terminal: what is longer or wider than it goes through the user's pager.

use std::env;
use std::ffi::OsString;
use std::io::{self, Stdout, Write};
use std::process::{Child, Command, Stdio};

use super::print;

/// A terminal that rows are printed on, with a pager before it once they do not fit.
pub struct Pager {
    way: Way,
    /// Columns and rows of the terminal.
    size: (usize, usize),
    /// Lines held, and characters of the one that has not ended.
    lines: usize,
    column: usize,
    /// Whether lines that are too long are cut by the pager, and can be shifted, or broken.
    cuts: bool,
}

enum Way {
    /// What came so far fits.
    Held(Vec<u8>),
    Paged(Child),
    Plain(Stdout),
}

impl Pager {
    pub fn new() -> Self {
        // With `less` on the keyboard of another program's pipe there is nobody to leave it.
        let pages = print::stdin_is_terminal() && env::var_os("PAGER").is_none_or(|pager| !pager.is_empty());
        let way = if pages { Way::Held(Vec::new()) } else { Way::Plain(io::stdout()) };
        Self { way, size: print::terminal_size(), lines: 0, column: 0, cuts: false }
    }

    /// Whether lines that are too long are to be cut.
    pub fn cut_lines(&mut self, cuts: bool) {
        self.cuts = cuts;
    }

    pub fn columns(&self) -> usize {
        self.size.0
    }

    /// Notes what more comes; whether all of it still fits.
    fn fits(&mut self, bytes: &[u8]) -> bool {
        let (columns, rows) = self.size;
        for byte in bytes {
            match byte {
                b'\n' => (self.lines, self.column) = (self.lines + 1, 0),
                // What goes on a character of more bytes.
                0x80..=0xbf => {}
                _ => self.column += 1,
            }
            if self.column > columns {
                return false;
            }
        }
        self.lines + 1 < rows
    }

    /// Starts the pager; without one all is printed as it is.
    fn open(&self) -> Way {
        let mut command = match env::var_os("PAGER") {
            Some(line) => in_a_shell(&line),
            None => Command::new("less"),
        };
        if env::var_os("LESS").is_none() {
            command.env("LESS", if self.cuts { "FRSX" } else { "FRX" });
        }
        if env::var_os("LESSCHARSET").is_none() {
            command.env("LESSCHARSET", "utf-8"); // what is printed is, whatever the locale
        }
        command.stdin(Stdio::piped()).spawn().map_or_else(|_| Way::Plain(io::stdout()), Way::Paged)
    }

    /// All is written; a pager was left by the user.
    pub fn finish(&mut self) -> io::Result<()> {
        match &mut self.way {
            Way::Held(held) => {
                let held = std::mem::take(held);
                self.way = Way::Plain(io::stdout());
                self.write_all(&held)?;
                io::stdout().flush()
            }
            Way::Paged(child) => {
                drop(child.stdin.take());
                child.wait().map(|_| ())
            }
            Way::Plain(stdout) => stdout.flush(),
        }
    }
}

fn in_a_shell(line: &OsString) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(line);
    command
}

impl Write for Pager {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if matches!(self.way, Way::Held(_)) && !self.fits(bytes) {
            let way = self.open();
            if let Way::Held(held) = std::mem::replace(&mut self.way, way) {
                self.write_all(&held)?;
            }
        }
        match &mut self.way {
            Way::Held(held) => held.write(bytes),
            Way::Paged(child) => child.stdin.as_mut().map_or(Ok(0), |pipe| pipe.write(bytes)),
            Way::Plain(stdout) => stdout.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.way {
            // Not yet: what is held is printed when it is known whether it fits.
            Way::Held(_) => Ok(()),
            Way::Paged(child) => child.stdin.as_mut().map_or(Ok(()), Write::flush),
            Way::Plain(stdout) => stdout.flush(),
        }
    }
}

/// The terminal is the pager's until it ends, however this program goes on.
impl Drop for Pager {
    fn drop(&mut self) {
        if let Way::Paged(child) = &mut self.way {
            drop(child.stdin.take());
            let _ = child.wait(); // There is nobody to tell.
        }
    }
}
