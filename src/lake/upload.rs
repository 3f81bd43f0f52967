use std::sync::Arc;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{
    Error, MultipartUpload, ObjectStore, ObjectStoreExt, PutMode, PutPayload, PutPayloadMut, PutResult, Result,
    UpdateVersion,
};
use tokio::task::JoinSet;

/// Objects above this size go to the store in parts, all of this size but the last: some stores take no others.
const PART_BYTES: usize = 16 << 20;
/// Parts on their way at a time.
const PARTS_UNDER_WAY: usize = 2;

/// What a writer knows of the object that it replaces.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Known {
    /// Nothing: whatever is there gives way.
    #[default]
    Nothing,
    /// There was none.
    Absent,
    /// There was this version.
    Version(String),
}

impl Known {
    pub(super) fn of(e_tag: Option<&String>) -> Self {
        e_tag.cloned().map_or(Self::Nothing, Self::Version)
    }

    fn mode(&self) -> PutMode {
        match self {
            Self::Nothing => PutMode::Overwrite,
            Self::Absent => PutMode::Create,
            Self::Version(e_tag) => PutMode::Update(UpdateVersion { e_tag: Some(e_tag.clone()), version: None }),
        }
    }
}

/// Replaces an object in one put, if it still is what is `known` of it.
///
/// # Errors
/// [`Error::Precondition`], [`Error::AlreadyExists`]: it is not, and nothing was written.
pub(super) async fn put_over(
    store: &dyn ObjectStore,
    path: &Path,
    payload: PutPayload,
    known: &Known,
) -> Result<PutResult> {
    match store.put_opts(path, payload.clone(), known.mode().into()).await {
        Err(refused @ (Error::Precondition { .. } | Error::AlreadyExists { .. })) => {
            judge(store, path, payload, known, refused).await
        }
        // The answer was lost, maybe: what counts is whether the put took effect.
        Err(failed) => ours(store, path, &payload).await.ok().flatten().ok_or(failed),
        put => put,
    }
}

/// A put that failed and was tried again inside the store's client can be refused for what it did itself; and there are
/// stores that refuse every condition on an `ETag`.
async fn judge(
    store: &dyn ObjectStore,
    path: &Path,
    payload: PutPayload,
    known: &Known,
    refused: Error,
) -> Result<PutResult> {
    if matches!(known, Known::Version(_)) && found(store, path).await? == *known {
        return store.put(path, payload).await;
    }
    ours(store, path, &payload).await?.ok_or(refused)
}

/// The object, where its bytes are these.
async fn ours(store: &dyn ObjectStore, path: &Path, payload: &PutPayload) -> Result<Option<PutResult>> {
    let found = match store.get(path).await {
        Err(Error::NotFound { .. }) => return Ok(None),
        found => found?,
    };
    let e_tag = found.meta.e_tag.clone();
    let is_ours = found.bytes().await? == Bytes::from(payload.clone());
    Ok(is_ours.then_some(PutResult { e_tag, version: None }))
}

/// What is there now.
async fn found(store: &dyn ObjectStore, path: &Path) -> Result<Known> {
    match store.head(path).await {
        Ok(meta) => Ok(Known::of(meta.e_tag.as_ref())),
        Err(Error::NotFound { .. }) => Ok(Known::Absent),
        Err(error) => Err(error),
    }
}

/// One object under way: its bytes are kept until they are more than a part, then sent part by part. Nothing is visible
/// before the end. Whatever fails here takes the parts back that were sent.
pub(super) struct Upload {
    store: Arc<dyn ObjectStore>,
    path: Path,
    kept: PutPayloadMut,
    parts: Option<Parts>,
}

struct Parts {
    upload: Box<dyn MultipartUpload>,
    under_way: JoinSet<Result<()>>,
}

impl Upload {
    pub(super) fn new(store: Arc<dyn ObjectStore>, path: Path) -> Self {
        Self { store, path, kept: PutPayloadMut::new(), parts: None }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Takes the next bytes.
    pub(super) async fn write(mut self, mut bytes: Bytes) -> Result<Self> {
        // The last part must not be empty, so one that is full waits for the next byte.
        while self.kept.content_length() + bytes.len() > PART_BYTES {
            let room = PART_BYTES - self.kept.content_length();
            self.kept.push(bytes.split_to(room));
            self = self.send().await?;
        }
        self.kept.push(bytes);
        Ok(self)
    }

    /// Ends the object: it takes its place, if the one there is still what is `known` of it. The parts of a large one
    /// cannot depend on that, so it is looked at just before they are put together.
    pub(super) async fn finish(mut self, known: &Known) -> Result<PutResult> {
        if self.parts.is_none() {
            return put_over(self.store.as_ref(), &self.path, self.kept.into(), known).await;
        }
        self = self.send().await?;
        let put = match self.parts.as_mut() {
            Some(parts) => put_together(self.store.as_ref(), &self.path, parts, known).await,
            None => return Err(ended()),
        };
        match put {
            Ok(put) => Ok(put),
            Err(error) => Err(self.fail(error).await),
        }
    }

    /// Takes back what was sent.
    pub(super) async fn abort(mut self) {
        let Some(mut parts) = self.parts.take() else { return };
        parts.under_way.shutdown().await;
        if let Err(error) = parts.upload.abort().await {
            tracing::warn!(path = %self.path, %error, "parts of an unfinished object are still in the store");
        }
    }

    async fn send(mut self) -> Result<Self> {
        let sent = async {
            let parts = match self.parts.take() {
                Some(parts) => parts,
                None => Parts { upload: self.store.put_multipart(&self.path).await?, under_way: JoinSet::new() },
            };
            let parts = self.parts.insert(parts);
            parts.wait_for_fewer_than(PARTS_UNDER_WAY).await?;
            let part = std::mem::take(&mut self.kept);
            parts.under_way.spawn(parts.upload.put_part(part.into()));
            Ok(())
        };
        match sent.await {
            Ok(()) => Ok(self),
            Err(error) => Err(self.fail(error).await),
        }
    }

    async fn fail(self, error: Error) -> Error {
        self.abort().await;
        error
    }
}

impl Parts {
    async fn wait_for_fewer_than(&mut self, count: usize) -> Result<()> {
        while self.under_way.len() >= count {
            self.under_way.join_next().await.transpose()?.transpose()?;
        }
        Ok(())
    }
}

async fn put_together(store: &dyn ObjectStore, path: &Path, parts: &mut Parts, known: &Known) -> Result<PutResult> {
    parts.wait_for_fewer_than(1).await?;
    expect(store, path, known).await?;
    parts.upload.complete().await
}

/// Looks whether the object is still what is known of it.
async fn expect(store: &dyn ObjectStore, path: &Path, known: &Known) -> Result<()> {
    if *known == Known::Nothing || found(store, path).await? == *known {
        return Ok(());
    }
    let source = "expected the version that was read, found another".into();
    Err(Error::Precondition { path: path.to_string(), source })
}

fn ended() -> Error {
    Error::Generic { store: "upload", source: "the upload has ended".into() }
}

#[cfg(test)]
mod tests {
    use object_store::memory::InMemory;

    use super::*;

    fn path() -> Path {
        Path::from("conversations/day")
    }

    async fn uploaded(store: &Arc<dyn ObjectStore>, chunks: &[usize], known: &Known) -> Result<PutResult> {
        let mut upload = Upload::new(Arc::clone(store), path());
        for (length, byte) in chunks.iter().zip(0..) {
            upload = upload.write(Bytes::from(vec![byte; *length])).await?;
        }
        upload.finish(known).await
    }

    #[tokio::test]
    async fn bytes_come_out_as_they_went_in_whatever_the_size() {
        let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        for chunks in
            [vec![0], vec![5], vec![PART_BYTES], vec![PART_BYTES, 0, 1], vec![7, 2 * PART_BYTES, PART_BYTES - 7]]
        {
            uploaded(&store, &chunks, &Known::Nothing).await.unwrap();
            let found = store.get(&path()).await.unwrap().bytes().await.unwrap();
            let expected: Vec<u8> = chunks.iter().zip(0..).flat_map(|(length, byte)| vec![byte; *length]).collect();
            assert!(found == expected, "{chunks:?}");
        }
    }

    #[tokio::test]
    async fn an_object_that_another_has_replaced_is_left_alone_in_one_put_and_in_parts() {
        for length in [5, 2 * PART_BYTES] {
            let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
            let first = uploaded(&store, &[length], &Known::Absent).await.unwrap();
            let first = Known::of(first.e_tag.as_ref());
            uploaded(&store, &[length + 1], &first).await.unwrap();
            for stale in [Known::Absent, first] {
                let refused = uploaded(&store, &[length + 2], &stale).await;
                assert!(matches!(refused, Err(Error::Precondition { .. } | Error::AlreadyExists { .. })));
                assert_eq!(store.head(&path()).await.unwrap().size, length as u64 + 1);
            }
        }
    }

    #[tokio::test]
    async fn a_put_that_took_effect_and_was_tried_again_has_succeeded() {
        let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let first = uploaded(&store, &[5], &Known::Absent).await.unwrap();
        let again = uploaded(&store, &[5], &Known::Absent).await.unwrap();
        assert_eq!(again.e_tag, first.e_tag);
    }
}
