use std::io::{self, Write};

/// Where rows are written, which keeps the error of a write that failed: the formats' libraries hand it on as mere
/// text, and a caller must tell a pipe that was closed from a disk that is full.
pub(super) struct Sink<'a> {
    out: &'a mut (dyn Write + Send),
    failure: Option<io::Error>,
}

impl<'a> Sink<'a> {
    pub(super) fn new(out: &'a mut (dyn Write + Send)) -> Self {
        Self { out, failure: None }
    }

    /// The error of the write that failed; `other` where none did.
    pub(super) fn failure(self, other: io::Error) -> io::Error {
        self.failure.unwrap_or(other)
    }

    fn keep<T>(&mut self, written: io::Result<T>) -> io::Result<T> {
        written.map_err(|error| {
            let same = io::Error::from(error.kind());
            // The first failure is the cause; what is written after it fails of it.
            self.failure.get_or_insert(error);
            same
        })
    }
}

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.out.write(bytes) {
            // To be tried again, which is no failure.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            written => self.keep(written),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.out.flush();
        self.keep(flushed)
    }
}
