use std::io::{self, Write};

use arrow::json::writer::{JsonArray, JsonFormat, LineDelimited, Writer as JsonWriter, WriterBuilder};
use arrow::record_batch::RecordBatch;

use super::Writer;

struct Json<'a, F: JsonFormat>(JsonWriter<&'a mut (dyn Write + Send), F>);

/// One array of all rows, `[]` without rows.
pub(super) fn array<'a>(out: &'a mut (dyn Write + Send)) -> Box<dyn Writer + Send + 'a> {
    Box::new(Json(WriterBuilder::new().with_explicit_nulls(true).build::<_, JsonArray>(out)))
}

/// One object a line.
pub(super) fn lines<'a>(out: &'a mut (dyn Write + Send)) -> Box<dyn Writer + Send + 'a> {
    Box::new(Json(WriterBuilder::new().with_explicit_nulls(true).build::<_, LineDelimited>(out)))
}

impl<F: JsonFormat> Writer for Json<'_, F> {
    fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        self.0.write(batch).map_err(io::Error::other)
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.0.finish().map_err(io::Error::other)?;
        self.0.into_inner().flush()
    }
}
