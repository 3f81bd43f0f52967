use std::io::{self, Write};

use arrow::json::writer::{JsonArray, JsonFormat, LineDelimited, Writer as JsonWriter, WriterBuilder};
use arrow::record_batch::RecordBatch;

use super::Writer;

struct Json<'a, F: JsonFormat> {
    writer: JsonWriter<&'a mut (dyn Write + Send), F>,
    /// What follows the last row: several arrays stand on a line each.
    end: &'static [u8],
}

/// One array of all rows, `[]` without rows.
pub(super) fn array<'a>(out: &'a mut (dyn Write + Send)) -> Box<dyn Writer + Send + 'a> {
    let writer = WriterBuilder::new().with_explicit_nulls(true).build::<_, JsonArray>(out);
    Box::new(Json { writer, end: b"\n" })
}

/// One object a line.
pub(super) fn lines<'a>(out: &'a mut (dyn Write + Send)) -> Box<dyn Writer + Send + 'a> {
    let writer = WriterBuilder::new().with_explicit_nulls(true).build::<_, LineDelimited>(out);
    Box::new(Json { writer, end: b"" })
}

impl<F: JsonFormat> Writer for Json<'_, F> {
    fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        self.writer.write(batch).map_err(io::Error::other)
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.writer.finish().map_err(io::Error::other)?;
        let out = self.writer.into_inner();
        out.write_all(self.end)?;
        out.flush()
    }
}
