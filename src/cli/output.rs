//! Where results go: standard output, or a file that appears whole or not at all.

use std::fs::{self, File};
use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use kore_lake::error::Error;
use kore_lake::query::{Format, Layout, Screen};

use super::pager::Pager;
use super::{Invocation, print};

/// The place for results.
pub enum Output {
    Stdout(BufWriter<std::io::Stdout>),
    /// Standard output, where it is a terminal.
    Terminal(Box<Pager>),
    File(Part),
    /// A device or pipe: what is written is there at once.
    Device {
        target: PathBuf,
        file: BufWriter<File>,
    },
}

/// A file that is being written: it takes its name at the end, and is gone if there is none.
pub struct Part {
    target: PathBuf,
    path: PathBuf,
    file: BufWriter<File>,
}

impl Output {
    /// Standard output, or the file of `--out`.
    pub fn open(invocation: &Invocation) -> Result<Self, Error> {
        match invocation.matches.get_one::<PathBuf>("out") {
            Some(target) => Self::file(target),
            None if print::stdout_is_terminal() => Ok(Self::terminal()),
            None => Ok(Self::stdout()),
        }
    }

    /// Standard output.
    pub fn stdout() -> Self {
        Self::Stdout(BufWriter::new(std::io::stdout()))
    }

    /// The terminal that standard output is.
    pub fn terminal() -> Self {
        Self::Terminal(Box::new(Pager::new()))
    }

    /// A file.
    pub fn file(target: &Path) -> Result<Self, Error> {
        if target.is_dir() {
            return Err(failed(target, ErrorKind::IsADirectory.into()));
        }
        let target = target.to_owned();
        let opened = |path: &Path| File::create(path).map(BufWriter::new).map_err(|source| failed(&target, source));
        if target.exists() && !target.is_file() {
            let file = opened(&target)?;
            return Ok(Self::Device { target, file });
        }
        let path = part_of(&target);
        let file = opened(&path)?;
        Ok(Self::File(Part { target, path, file }))
    }

    /// Where to write.
    pub fn writer(&mut self) -> &mut (dyn Write + Send) {
        match self {
            Self::Stdout(stdout) => stdout,
            Self::Terminal(pager) => pager.as_mut(),
            Self::File(Part { file, .. }) | Self::Device { file, .. } => file,
        }
    }

    /// The terminal, where the results go to one.
    pub fn screen(&mut self, layout: Layout) -> Option<Screen> {
        let Self::Terminal(pager) = self else { return None };
        pager.cut_lines(layout == Layout::Table);
        Some(Screen { width: pager.columns(), layout })
    }

    /// Ends the results: all is written, and the file stands under its name.
    pub fn finish(mut self) -> Result<(), Error> {
        match &mut self {
            Self::Stdout(stdout) => stdout.flush().map_err(Error::Output),
            Self::Terminal(pager) => pager.finish().map_err(Error::Output),
            Self::Device { target, file } => file.flush().map_err(|source| failed(target, source)),
            Self::File(Part { target, path, file }) => {
                let written = file.flush().and_then(|()| fs::rename(&*path, &*target));
                written.map_err(|source| failed(target, source))
            }
        }
    }

    /// Takes back what was written to a file; what is on standard output is there.
    pub fn abandon(mut self) {
        match &mut self {
            // What came before the error is data too.
            Self::Stdout(stdout) => drop(stdout.flush()),
            Self::Terminal(pager) => drop(pager.finish()),
            Self::Device { file, .. } => drop(file.flush()),
            Self::File(_) => {}
        }
    }
}

/// What was not finished is taken back, however the command ends.
impl Drop for Part {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path); // Mostly it has its name by now; else the failure before is what counts.
    }
}

fn part_of(target: &Path) -> PathBuf {
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    target.with_file_name(name)
}

fn failed(path: &Path, source: std::io::Error) -> Error {
    Error::File { operation: "write", path: path.to_owned(), source }
}

/// The format asked for; else a table on a terminal, CSV elsewhere.
pub fn format(invocation: &Invocation) -> Result<Format, Error> {
    let to_terminal = !invocation.matches.contains_id("out") && print::stdout_is_terminal();
    match invocation.argument("format") {
        Some(name) => Ok(name.parse()?),
        None if to_terminal => Ok(Format::Table),
        None => Ok(Format::Csv),
    }
}
