//! An object store that fails, or stands still, at one step of many, before, amid or after its effect.

use std::fmt;
use std::future::Future;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};

/// What a store is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    Put,
    /// A put that fails where the object is there.
    Create,
    /// The beginning of a put in parts.
    Begin,
    Part,
    Complete,
    Abort,
    Get,
    Head,
    List,
    Delete,
    Copy,
    /// Of no store: a page is asked for.
    Fetch,
}

impl Operation {
    /// The word that the lake's errors have for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Get | Self::Head => "read",
            Self::List => "list",
            Self::Delete => "delete",
            _ => "write",
        }
    }
}

/// One thing asked of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub operation: Operation,
    /// Object or prefix.
    pub path: String,
}

/// When a step is disturbed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Moment {
    Before,
    /// Of a put: its bytes are half written. Of what is read: it breaks off. Of anything else: as `Before`.
    Amid,
    /// The effect is there and the caller does not know.
    After,
}

/// What happens at a step.
#[derive(Debug, Clone, Copy)]
pub enum Deed {
    Fail,
    /// Goes on after a while.
    Wait(Duration),
    /// Is told of the steps so far, the last of which is this one, and never goes on.
    Halt(fn(&[Step], Moment)),
}

/// Which steps are disturbed, and how; a note of all that passed.
pub struct Faults {
    /// The first disturbed step, counted from 0 over those that match.
    pub from: usize,
    /// Whether the steps behind it are disturbed too.
    pub lasting: bool,
    pub moment: Moment,
    pub deed: Deed,
    /// Which steps count.
    pub matching: fn(&Step) -> bool,
    seen: Mutex<Vec<Step>>,
}

impl Faults {
    /// Disturbs nothing.
    pub fn none() -> Arc<Self> {
        Self::at(usize::MAX, Moment::Before, Deed::Fail)
    }

    /// Disturbs one step.
    pub fn at(from: usize, moment: Moment, deed: Deed) -> Arc<Self> {
        Self { from, lasting: false, moment, deed, matching: |_| true, seen: Mutex::default() }.into()
    }

    /// Fails at a step and for good from there on.
    pub fn lasting(from: usize) -> Arc<Self> {
        let matching = |_: &Step| true;
        Self { from, lasting: true, moment: Moment::Before, deed: Deed::Fail, matching, seen: Mutex::default() }.into()
    }

    /// Disturbs one of the steps that match.
    pub fn matching(matching: fn(&Step) -> bool, from: usize, moment: Moment, deed: Deed) -> Arc<Self> {
        Self { from, lasting: false, moment, deed, matching, seen: Mutex::default() }.into()
    }

    /// The steps so far that match.
    pub fn seen(&self) -> Vec<Step> {
        self.seen.lock().unwrap().clone()
    }

    /// The disturbed steps so far.
    pub fn met(&self) -> Vec<Step> {
        let behind = self.seen().into_iter().skip(self.from);
        behind.take(if self.lasting { usize::MAX } else { 1 }).collect()
    }

    /// Takes note of a step, and says what is to happen at it.
    pub fn pass(&self, operation: Operation, path: &Path) -> Disturbance {
        let step = Step { operation, path: path.to_string() };
        if !(self.matching)(&step) {
            return Disturbance { steps: Vec::new(), deed: None };
        }
        let mut seen = self.seen.lock().unwrap();
        seen.push(step);
        let disturbed = seen.len() - 1 == self.from || (self.lasting && seen.len() > self.from);
        let steps = if disturbed { seen.clone() } else { Vec::new() };
        Disturbance { steps, deed: disturbed.then_some((self.moment, self.deed)) }
    }
}

/// What is to happen at one step.
pub struct Disturbance {
    /// The steps so far, where it is disturbed.
    steps: Vec<Step>,
    deed: Option<(Moment, Deed)>,
}

impl Disturbance {
    fn is(&self, moment: Moment) -> bool {
        self.deed.is_some_and(|(at, _)| at == moment)
    }

    /// Does what is to be done at this moment, if anything.
    pub async fn reach(&self, moment: Moment) -> Result<()> {
        match self.deed {
            Some((at, deed)) if at == moment => self.befall(moment, deed).await,
            _ => Ok(()),
        }
    }

    async fn befall(&self, moment: Moment, deed: Deed) -> Result<()> {
        match deed {
            Deed::Fail => Err(broken()),
            Deed::Wait(time) => {
                tokio::time::sleep(time).await; // what is tested: a slow store
                Ok(())
            }
            Deed::Halt(told) => {
                told(&self.steps, moment);
                std::future::pending().await
            }
        }
    }

    /// Around an effect that is there whole or not at all.
    async fn around<T>(self, effect: impl Future<Output = Result<T>>) -> Result<T> {
        self.reach(Moment::Before).await?;
        self.reach(Moment::Amid).await?;
        let done = effect.await?;
        self.reach(Moment::After).await?;
        Ok(done)
    }
}

fn broken() -> Error {
    Error::Generic { store: "faulty", source: "an injected fault".into() }
}

/// Another store, disturbed.
#[derive(Clone)]
pub struct FaultyStore {
    inner: Arc<dyn ObjectStore>,
    faults: Arc<Faults>,
}

impl FaultyStore {
    pub fn new(inner: &Arc<dyn ObjectStore>, faults: &Arc<Faults>) -> Arc<Self> {
        Self { inner: Arc::clone(inner), faults: Arc::clone(faults) }.into()
    }

    /// Writes half of it in parts and never completes them: what a kill leaves of a put.
    async fn put_half(&self, location: &Path, payload: &PutPayload) -> Result<Box<dyn MultipartUpload>> {
        let bytes = Bytes::from(payload.iter().flat_map(|part| part.iter().copied()).collect::<Vec<_>>());
        let mut upload = self.inner.put_multipart_opts(location, PutMultipartOptions::default()).await?;
        upload.put_part(bytes.slice(..bytes.len() / 2).into()).await?;
        Ok(upload)
    }
}

impl fmt::Debug for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "faulty {}", self.inner)
    }
}

#[async_trait]
impl ObjectStore for FaultyStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let operation = if opts.mode == PutMode::Create { Operation::Create } else { Operation::Put };
        let disturbance = self.faults.pass(operation, location);
        if disturbance.is(Moment::Amid) {
            let half = self.put_half(location, &payload).await?;
            disturbance.reach(Moment::Amid).await?;
            drop(half);
            return self.inner.put_opts(location, payload, opts).await;
        }
        disturbance.around(self.inner.put_opts(location, payload, opts)).await
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        let disturbance = self.faults.pass(Operation::Begin, location);
        let upload = disturbance.around(self.inner.put_multipart_opts(location, opts)).await?;
        Ok(Box::new(FaultyUpload { upload, location: location.clone(), faults: Arc::clone(&self.faults) }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let operation = if options.head { Operation::Head } else { Operation::Get };
        let disturbance = self.faults.pass(operation, location);
        let breaks_off = !disturbance.is(Moment::Before) && matches!(disturbance.deed, Some((_, Deed::Fail)));
        if operation == Operation::Get && breaks_off {
            return broken_off(self.inner.get_opts(location, options).await?).await;
        }
        disturbance.around(self.inner.get_opts(location, options)).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let this = self.clone();
        let delete = move |location: Result<Path>| {
            let this = this.clone();
            async move {
                let location = location?;
                let disturbance = this.faults.pass(Operation::Delete, &location);
                disturbance.around(this.inner.delete(&location)).await?;
                Ok(location)
            }
        };
        locations.then(delete).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let disturbance = self.faults.pass(Operation::List, prefix.unwrap_or(&Path::default()));
        let listed = self.inner.list(prefix);
        match disturbance.deed {
            None => listed,
            // What breaks off gives the first of what is there.
            Some((moment, Deed::Fail)) => {
                listed.take(usize::from(moment != Moment::Before)).chain(stream::once(async { Err(broken()) })).boxed()
            }
            Some(_) => async move { disturbance.around(async { Ok(()) }).await.map(|()| listed) }
                .map(|listed| listed.unwrap_or_else(|error| stream::once(async { Err(error) }).boxed()))
                .flatten_stream()
                .boxed(),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let disturbance = self.faults.pass(Operation::List, prefix.unwrap_or(&Path::default()));
        disturbance.around(self.inner.list_with_delimiter(prefix)).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let disturbance = self.faults.pass(Operation::Copy, to);
        disturbance.around(self.inner.copy_opts(from, to, options)).await
    }
}

/// An answer whose body ends in an error after its first half.
async fn broken_off(found: GetResult) -> Result<GetResult> {
    let GetResult { meta, range, attributes, .. } = &found;
    let (meta, range, attributes): (ObjectMeta, Range<u64>, _) = (meta.clone(), range.clone(), attributes.clone());
    let bytes = found.bytes().await?;
    let half = bytes.slice(..bytes.len() / 2);
    let payload = GetResultPayload::Stream(stream::iter([Ok(half), Err(broken())]).boxed());
    Ok(GetResult { payload, meta, range, attributes })
}

#[derive(Debug)]
struct FaultyUpload {
    upload: Box<dyn MultipartUpload>,
    location: Path,
    faults: Arc<Faults>,
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?} step {}", self.deed, self.moment, self.from)
    }
}

#[async_trait]
impl MultipartUpload for FaultyUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let disturbance = self.faults.pass(Operation::Part, &self.location);
        let part = self.upload.put_part(data);
        async move { disturbance.around(part).await }.boxed()
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let disturbance = self.faults.pass(Operation::Complete, &self.location);
        disturbance.around(self.upload.complete()).await
    }

    async fn abort(&mut self) -> Result<()> {
        let disturbance = self.faults.pass(Operation::Abort, &self.location);
        disturbance.around(self.upload.abort()).await
    }
}
