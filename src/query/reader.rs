use std::ops::Range;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use datafusion::common::Result;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::{DefaultParquetFileReaderFactory, ParquetFileReaderFactory};
use datafusion::parquet::arrow::arrow_reader::ArrowReaderOptions;
use datafusion::parquet::arrow::async_reader::AsyncFileReader;
use datafusion::parquet::arrow::{ARROW_SCHEMA_META_KEY, ArrowSchemaConverter, encode_arrow_schema};
use datafusion::parquet::errors::{ParquetError, Result as ParquetResult};
use datafusion::parquet::file::metadata::{
    FileMetaData, KeyValue, ParquetMetaData, ParquetMetaDataBuilder, ParquetMetaDataReader,
};
use datafusion::parquet::schema::types::TypePtr;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::path::Path;

use super::files::{Fault, Snapshot};
use super::leaves::viewed;
use super::pinned::PinnedStore;
use crate::lake::SCHEMA_VERSION;
use crate::schema::Schema;

/// Read at first from the end of an object: footer and metadata mostly come with one request.
const FOOTER_BYTES: usize = 64 * 1024;

/// Readers without any cache of metadata (it would outlive the listing), which note the object whose footer
/// cannot be read. The footer is read by parquet's own reader: the engine's trusts the length written there, and
/// panics in builds that check arithmetic.
#[derive(Debug)]
pub(super) struct ReaderFactory {
    snapshot: Arc<Snapshot>,
    inner: DefaultParquetFileReaderFactory,
    texts: Texts,
}

/// How texts are read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Texts {
    AsStored,
    /// As views, in structs and lists too, where the engine would read them as stored and make views of them then.
    AsViews,
}

impl ReaderFactory {
    pub(super) fn new(snapshot: Arc<Snapshot>, texts: Texts) -> Self {
        let store = Arc::new(PinnedStore::new(Arc::clone(&snapshot)));
        Self { snapshot, inner: DefaultParquetFileReaderFactory::new(store), texts }
    }
}

impl ParquetFileReaderFactory for ReaderFactory {
    fn create_reader(
        &self,
        partition_index: usize,
        file: PartitionedFile,
        metadata_size_hint: Option<usize>,
        metrics: &ExecutionPlanMetricsSet,
    ) -> Result<Box<dyn AsyncFileReader + Send>> {
        let (object, size) = (file.object_meta.location.clone(), file.object_meta.size);
        self.snapshot.note_read(&object);
        let inner = self.inner.create_reader(partition_index, file, metadata_size_hint, metrics)?;
        Ok(Box::new(Reader { object, size, snapshot: Arc::clone(&self.snapshot), inner, texts: self.texts }))
    }
}

struct Reader {
    object: Path,
    size: u64,
    snapshot: Arc<Snapshot>,
    inner: Box<dyn AsyncFileReader + Send>,
    texts: Texts,
}

/// Columns of a lake's object, and the hint in its footer that its texts are to be read as views.
static VIEWS: LazyLock<Option<(TypePtr, KeyValue)>> = LazyLock::new(|| {
    let schema = Schema::conversations_arrow();
    let columns = ArrowSchemaConverter::new().convert(&schema).ok()?.root_schema_ptr();
    Some((columns, KeyValue::new(ARROW_SCHEMA_META_KEY.to_owned(), encode_arrow_schema(&viewed(&schema)))))
});

/// The metadata with that hint, where the object has just these columns.
fn with_views(metadata: ParquetMetaData) -> ParquetMetaData {
    let file = metadata.file_metadata();
    let Some((columns, hint)) = &*VIEWS else { return metadata };
    if file.schema_descr().root_schema().get_fields() != columns.get_fields() {
        return metadata;
    }
    let footer = file.key_value_metadata().into_iter().flatten().chain([hint]).cloned().collect();
    let hinted = FileMetaData::new(
        file.version(),
        file.num_rows(),
        file.created_by().map(str::to_owned),
        Some(footer),
        file.schema_descr_ptr(),
        file.column_orders().cloned(),
    );
    ParquetMetaDataBuilder::new(hinted)
        .set_column_index(metadata.column_index().cloned())
        .set_offset_index(metadata.offset_index().cloned())
        .set_row_groups(metadata.into_builder().take_row_groups())
        .build()
}

impl Reader {
    /// Refuses an object that a newer program wrote: columns it has and we lack would be missing without a word.
    fn check_version(&self, metadata: ParquetMetaData) -> ParquetResult<ParquetMetaData> {
        let footer = metadata.file_metadata().key_value_metadata().into_iter().flatten();
        let version = footer.filter(|pair| pair.key == SCHEMA_VERSION).find_map(|pair| pair.value.as_deref());
        match version.and_then(|text| text.parse().ok()) {
            Some(found) if found > Schema::conversations().version => {
                self.snapshot.note(Fault::Newer { object: self.object.clone(), found });
                Err(ParquetError::General(format!("schema version {found} is not known")))
            }
            _ => Ok(metadata),
        }
    }
}

impl AsyncFileReader for Reader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, ParquetResult<Bytes>> {
        self.inner.get_bytes(range)
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, ParquetResult<Vec<Bytes>>> {
        self.inner.get_byte_ranges(ranges)
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, ParquetResult<Arc<ParquetMetaData>>> {
        async move {
            let policy = options.map(ArrowReaderOptions::column_index_policy).unwrap_or_default();
            let size = self.size;
            let metadata = ParquetMetaDataReader::new()
                .with_page_index_policy(policy)
                .with_prefetch_hint(Some(FOOTER_BYTES))
                .load_and_finish(&mut *self, size)
                .await;
            let metadata = metadata.and_then(|metadata| self.check_version(metadata));
            // A fault that was noted before this one is the cause: of the store, or of the version.
            let note = |error: &ParquetError| {
                self.snapshot.note(Fault::Corrupt(self.object.clone(), error.to_string()));
            };
            let metadata = metadata.inspect_err(note)?;
            Ok(Arc::new(if self.texts == Texts::AsViews { with_views(metadata) } else { metadata }))
        }
        .boxed()
    }
}
