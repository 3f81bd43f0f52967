use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::{GetOptions, OBJECT_STORE_COALESCE_DEFAULT, ObjectMeta, ObjectStore, coalesce_ranges};
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};

/// One listed version of an object: every read asks for its ETag, so that none sees another version.
pub(super) struct PinnedObject {
    store: Arc<dyn ObjectStore>,
    meta: ObjectMeta,
}

impl PinnedObject {
    pub(super) fn new(store: Arc<dyn ObjectStore>, meta: ObjectMeta) -> Self {
        Self { store, meta }
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes> {
        let options = GetOptions { if_match: self.meta.e_tag.clone(), ..GetOptions::default() };
        let found = self.store.get_opts(&self.meta.location, options.with_range(Some(range))).await;
        found.map_err(external)?.bytes().await.map_err(external)
    }
}

impl AsyncFileReader for PinnedObject {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes>> {
        self.read(range).boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, Result<Vec<Bytes>>> {
        let this = &*self;
        async move { coalesce_ranges(&ranges, |range| this.read(range), OBJECT_STORE_COALESCE_DEFAULT).await }.boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>>> {
        let size = self.meta.size;
        async move {
            let reader = ParquetMetaDataReader::new().with_arrow_reader_options(options);
            Ok(Arc::new(reader.load_and_finish(self, size).await?))
        }
        .boxed()
    }
}

fn external(error: object_store::Error) -> ParquetError {
    ParquetError::External(error.into())
}
