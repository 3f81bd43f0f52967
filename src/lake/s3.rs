//! A bucket's prefix as a store: paths are relative to it, and errors can be read.

use std::fmt;

use async_trait::async_trait;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use object_store::aws::AmazonS3;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};

use super::s3_fault::tidied;

pub(super) struct S3Store {
    inner: PrefixStore<AmazonS3>,
    unconditional: bool,
}

/// Without the client's own text, which has the id of the key in it.
impl fmt::Debug for S3Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl S3Store {
    /// `unconditional`: every put is one without a condition, for a store that takes no others.
    pub(super) fn new(store: AmazonS3, prefix: Path, unconditional: bool) -> Self {
        Self { inner: PrefixStore::new(store, prefix), unconditional }
    }
}

impl fmt::Display for S3Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
impl ObjectStore for S3Store {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let mode = if self.unconditional { PutMode::Overwrite } else { opts.mode.clone() };
        self.inner.put_opts(location, payload, PutOptions { mode, ..opts }).await.map_err(tidied)
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        let inner = self.inner.put_multipart_opts(location, opts).await.map_err(tidied)?;
        Ok(Box::new(S3Upload { inner }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await.map_err(tidied)
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations).map(|deleted| deleted.map_err(tidied)).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix).map(|listed| listed.map_err(tidied)).boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await.map_err(tidied)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await.map_err(tidied)
    }
}

#[derive(Debug)]
struct S3Upload {
    inner: Box<dyn MultipartUpload>,
}

#[async_trait]
impl MultipartUpload for S3Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.inner.put_part(data).map(|put| put.map_err(tidied)).boxed()
    }

    async fn complete(&mut self) -> Result<PutResult> {
        self.inner.complete().await.map_err(tidied)
    }

    async fn abort(&mut self) -> Result<()> {
        self.inner.abort().await.map_err(tidied)
    }
}
