use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, OBJECT_STORE_COALESCE_DEFAULT, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, coalesce_ranges,
};

use super::files::{Fault, Snapshot};

/// A store that reads only what a statement's listing named, and only as it was listed.
///
/// Every GET carries the listed `ETag` (or, where a store has none, the listed time): an object that was
/// replaced since is an error, noted in the snapshot. Writing is refused.
#[derive(Debug)]
pub(super) struct PinnedStore {
    snapshot: Arc<Snapshot>,
}

impl PinnedStore {
    pub(super) fn new(snapshot: Arc<Snapshot>) -> Self {
        Self { snapshot }
    }

    fn inner(&self) -> &dyn ObjectStore {
        self.snapshot.files.store.as_ref()
    }

    async fn get_pinned(&self, location: &Path, mut options: GetOptions) -> Result<GetResult> {
        let pin = self.snapshot.pin(location).ok_or_else(|| unlisted(location))?;
        options.if_match.clone_from(&pin.e_tag);
        if pin.e_tag.is_none() {
            options.if_unmodified_since = Some(pin.last_modified);
        }
        let result = self.inner().get_opts(location, options).await;
        result.inspect_err(|error| self.note(location, error))
    }

    fn note(&self, location: &Path, error: &Error) {
        let fault = match error {
            Error::Precondition { .. } | Error::NotFound { .. } => Fault::Replaced(location.clone()),
            other => Fault::Store(other.to_string()),
        };
        self.snapshot.note(fault);
    }
}

fn unlisted(location: &Path) -> Error {
    Error::NotFound { path: location.to_string(), source: "expected an object of the statement's listing".into() }
}

fn read_only<T>(operation: &str) -> Result<T> {
    Err(Error::NotImplemented { operation: operation.to_owned(), implementer: "PinnedStore".to_owned() })
}

impl fmt::Display for PinnedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pinned {}", self.inner())
    }
}

#[async_trait]
impl ObjectStore for PinnedStore {
    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.get_pinned(location, options).await
    }

    /// Not the inner store's: on disk that one knows no conditions.
    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let fetch = async |range: Range<u64>| {
            let options = GetOptions { range: Some(range.into()), ..GetOptions::default() };
            self.get_pinned(location, options).await?.bytes().await
        };
        coalesce_ranges(ranges, fetch, OBJECT_STORE_COALESCE_DEFAULT).await
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner().list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner().list_with_delimiter(prefix).await
    }

    async fn put_opts(&self, _: &Path, _: PutPayload, _: PutOptions) -> Result<PutResult> {
        read_only("put")
    }

    async fn put_multipart_opts(&self, _: &Path, _: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        read_only("put_multipart")
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        locations.map(|_| read_only("delete")).boxed()
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        read_only("copy")
    }
}
