use std::io::{self, Write};
use std::sync::Arc;

use arrow::datatypes::Schema as ArrowSchema;
use arrow::record_batch::RecordBatch;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::basic::{Compression, ZstdLevel};
use datafusion::parquet::file::properties::WriterProperties;

use super::Writer;

/// Rows a row group, as in the lake.
const ROW_GROUP_ROWS: usize = 131_072;

pub(super) struct Columnar<'a>(ArrowWriter<&'a mut (dyn Write + Send)>);

impl<'a> Columnar<'a> {
    pub(super) fn new(out: &'a mut (dyn Write + Send), schema: &ArrowSchema) -> io::Result<Self> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .build();
        let writer = ArrowWriter::try_new(out, Arc::new(schema.clone()), Some(properties));
        writer.map(Self).map_err(io::Error::other)
    }
}

impl Writer for Columnar<'_> {
    fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        self.0.write(batch).map_err(io::Error::other)
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        self.0.into_inner().map_err(io::Error::other)?.flush()
    }
}
