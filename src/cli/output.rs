//! Where results go: standard output, or a file that appears whole or not at all.

use std::fs::{self, File};
use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use kore_lake::error::Error;
use kore_lake::query::Format;

use super::{Invocation, print};

/// The place for results.
pub enum Output {
    Stdout(BufWriter<std::io::Stdout>),
    File { target: PathBuf, part: PathBuf, file: BufWriter<File> },
}

impl Output {
    /// Standard output, or the file of `--out`.
    pub fn open(invocation: &Invocation) -> Result<Self, Error> {
        let Some(target) = invocation.matches.get_one::<PathBuf>("out") else {
            return Ok(Self::stdout());
        };
        if target.is_dir() {
            return Err(failed(target, ErrorKind::IsADirectory.into()));
        }
        let part = part_of(target);
        let file = File::create(&part).map_err(|source| failed(target, source))?;
        Ok(Self::File { target: target.clone(), part, file: BufWriter::new(file) })
    }

    /// Standard output.
    pub fn stdout() -> Self {
        Self::Stdout(BufWriter::new(std::io::stdout()))
    }

    /// Where to write.
    pub fn writer(&mut self) -> &mut (dyn Write + Send) {
        match self {
            Self::Stdout(stdout) => stdout,
            Self::File { file, .. } => file,
        }
    }

    /// Ends the results: all is written, and the file stands under its name.
    pub fn finish(mut self) -> Result<(), Error> {
        match &mut self {
            Self::Stdout(stdout) => stdout.flush().map_err(Error::Output),
            Self::File { target, part, file } => {
                let written = file.flush().and_then(|()| fs::rename(&*part, &*target));
                written.map_err(|source| {
                    let _ = fs::remove_file(part); // The failure to write is what counts.
                    failed(target, source)
                })
            }
        }
    }

    /// Takes back what was written to a file; what is on standard output is there.
    pub fn abandon(mut self) {
        match &mut self {
            // What came before the error is data too.
            Self::Stdout(stdout) => drop(stdout.flush()),
            Self::File { part, .. } => drop(fs::remove_file(part)),
        }
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
