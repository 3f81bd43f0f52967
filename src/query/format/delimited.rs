use std::io::{self, Write};
use std::sync::Arc;

use arrow::csv::{Writer as CsvWriter, WriterBuilder};
use arrow::datatypes::Schema as ArrowSchema;
use arrow::record_batch::RecordBatch;

use super::{Writer, cells};

/// CSV or TSV.
pub(super) struct Delimited<'a>(CsvWriter<&'a mut (dyn Write + Send)>);

impl<'a> Delimited<'a> {
    /// Writes the line of names at once: it stands there without rows too.
    pub(super) fn new(out: &'a mut (dyn Write + Send), delimiter: u8, schema: &ArrowSchema) -> io::Result<Self> {
        let mut writer = Self(WriterBuilder::new().with_header(true).with_delimiter(delimiter).build(out));
        writer.write(&RecordBatch::new_empty(Arc::new(schema.clone())))?;
        Ok(writer)
    }
}

impl Writer for Delimited<'_> {
    fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        self.0.write(&cells::flat(batch)?).map_err(io::Error::other)
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        self.0.into_inner().flush()
    }
}
