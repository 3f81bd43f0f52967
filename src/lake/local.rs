//! The one place that knows that a lake can lie on local disk: fsync, rename and the operating
//! system's lock. Everything else of the room sees an [`ObjectStore`].

use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path as FsPath, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UpdateVersion, UploadPart,
};

use super::LakeError;
use super::layout::OURS;

/// A folder as an object store whose puts are durable and atomic: written beside the target under a
/// name that begins with `_` and ends in `.tmp`, fsynced, renamed, the folder fsynced.
///
/// `LocalFileSystem` alone stages as `name#1`, which Spark reads after a crash, and fsyncs nothing.
#[derive(Debug)]
pub(super) struct DurableFolder {
    inner: LocalFileSystem,
}

impl DurableFolder {
    /// The folder `root`, which must be there.
    pub(super) fn new(root: &FsPath) -> std::result::Result<Self, LakeError> {
        let inner = LocalFileSystem::new_with_prefix(root);
        let inner = inner.map_err(|source| LakeError::store("open", root.display().to_string(), source))?;
        Ok(Self { inner })
    }

    fn stage(&self, location: &Path) -> Result<StagedFile> {
        let target = self.inner.path_to_filesystem(location)?;
        let private = location.as_ref().starts_with(OURS);
        StagedFile::create(target, private).map_err(|source| failed(location, source))
    }

    /// Looks just before a file takes its target's name whether the target is still the one that is known. Another
    /// machine can come between: what keeps writers apart is the lock, and on one machine the operating system's.
    async fn expect(&self, location: &Path, known: &UpdateVersion) -> Result<()> {
        let found = match self.inner.head(location).await {
            Ok(meta) => meta.e_tag,
            Err(object_store::Error::NotFound { .. }) => None,
            Err(error) => return Err(error),
        };
        if found.is_some() && found == known.e_tag {
            return Ok(());
        }
        let source = "expected the version that is known, found another".into();
        Err(object_store::Error::Precondition { path: location.to_string(), source })
    }

    async fn put_result(&self, location: &Path) -> Result<PutResult> {
        // The ETag is that of the renamed file, taken as a listing takes it.
        let meta = self.inner.head(location).await?;
        Ok(PutResult { e_tag: meta.e_tag, version: None })
    }
}

impl fmt::Display for DurableFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DurableFolder({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for DurableFolder {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let mut staged = self.stage(location)?;
        let staged = blocking(location, move || {
            for part in &payload {
                staged.write_all(part)?;
            }
            staged.sync()?;
            Ok(staged)
        })
        .await?;
        if let PutMode::Update(known) = &opts.mode {
            self.expect(location, known).await?;
        }
        blocking(location, move || if opts.mode == PutMode::Create { staged.publish_new() } else { staged.publish() })
            .await?;
        self.put_result(location).await
    }

    async fn put_multipart_opts(&self, location: &Path, _: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        let staged = self.stage(location)?;
        Ok(Box::new(FolderUpload {
            store: Self { inner: self.inner.clone() },
            location: location.clone(),
            staged: Arc::new(Mutex::new(Some(staged))),
            offset: 0,
        }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

/// A put in parts into one staged file.
#[derive(Debug)]
struct FolderUpload {
    store: DurableFolder,
    location: Path,
    staged: Arc<Mutex<Option<StagedFile>>>,
    offset: u64,
}

#[async_trait]
impl MultipartUpload for FolderUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let offset = self.offset;
        self.offset += u64::try_from(data.content_length()).unwrap_or(u64::MAX);
        let (staged, location) = (Arc::clone(&self.staged), self.location.clone());
        Box::pin(async move {
            let write = move || {
                let mut staged = staged.lock().unwrap_or_else(PoisonError::into_inner);
                let staged = staged.as_mut().ok_or_else(ended)?;
                data.iter().try_fold(offset, |at, part| staged.write_at(at, part)).map(drop)
            };
            blocking(&location, write).await
        })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let staged = Arc::clone(&self.staged);
        let publish = move || {
            let staged = staged.lock().unwrap_or_else(PoisonError::into_inner).take();
            let staged = staged.ok_or_else(ended)?;
            staged.sync()?;
            staged.publish()
        };
        blocking(&self.location, publish).await?;
        self.store.put_result(&self.location).await
    }

    async fn abort(&mut self) -> Result<()> {
        drop(self.staged.lock().unwrap_or_else(PoisonError::into_inner).take());
        Ok(())
    }
}

/// A file beside its target that takes the target's name only when it is whole. Dropped before that, it goes.
#[derive(Debug)]
struct StagedFile {
    file: File,
    path: PathBuf,
    target: PathBuf,
}

impl StagedFile {
    /// `private`: readable by the owner only.
    fn create(target: PathBuf, private: bool) -> io::Result<Self> {
        let folder = parent(&target)?;
        create_folders(folder)?;
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        // Machines that share a folder may use one number of a process at a time.
        let path = folder.join(format!("_{name}.{:016x}.tmp", fastrand::u64(..)));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        if private {
            owner_only(&mut options);
        }
        let file = options.open(&path)?;
        Ok(Self { file, path, target })
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    /// Writes at an offset and returns the offset behind.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<u64> {
        self.file.seek(SeekFrom::Start(offset))?;
        self.file.write_all(bytes)?;
        self.file.stream_position()
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    fn publish(self) -> io::Result<()> {
        fs::rename(&self.path, &self.target)?;
        sync_folder(parent(&self.target)?)
    }

    /// Fails where the target is there: a hard link, unlike a rename, replaces nothing.
    fn publish_new(self) -> io::Result<()> {
        fs::hard_link(&self.path, &self.target)?;
        fs::remove_file(&self.path)?;
        sync_folder(parent(&self.target)?)
    }
}

impl Drop for StagedFile {
    fn drop(&mut self) {
        // Absent once published; a leftover that cannot be removed is swept by the next writer.
        let _ = fs::remove_file(&self.path);
    }
}

/// The operating system's lock on a file: free as soon as its process is gone.
#[derive(Debug)]
pub(super) struct OsLock {
    _file: File,
}

impl OsLock {
    /// Takes the lock; none where another holds it.
    pub(super) fn try_take(path: &FsPath) -> io::Result<Option<Self>> {
        create_folders(parent(path)?)?;
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        owner_only(&mut options);
        let file = options.open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

impl OsLock {
    /// Whether a process holds the lock. Makes no file; one that would take the lock at this very moment fails.
    pub(super) fn is_held(path: &FsPath) -> io::Result<bool> {
        let file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            opened => opened?,
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

/// Name of this machine, for the holder of a lock.
pub(super) fn host_name() -> String {
    let kernel = fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let named = kernel.or_else(|| std::env::var("HOSTNAME").ok()).or_else(|| std::env::var("COMPUTERNAME").ok());
    named.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).unwrap_or_else(|| "unknown".to_owned())
}

/// What tells this machine from another of the same name, where it can be known: drawn each time the kernel starts.
pub(super) fn boot_id() -> Option<String> {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(text.trim().to_owned()).filter(|id| !id.is_empty())
}

/// Makes `folder` and what is above it; each new name is durable.
pub(super) fn create_folders(folder: &FsPath) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(above) = folder.parent().filter(|above| !above.as_os_str().is_empty()) {
        create_folders(above)?;
    }
    match create_folder(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => return Ok(()),
        made => made?,
    }
    folder.parent().filter(|above| !above.as_os_str().is_empty()).map_or(Ok(()), sync_folder)
}

/// Makes one folder; what lies below the program's own holds personal data and the names of accounts.
fn create_folder(folder: &FsPath) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    if folder.components().any(|part| part.as_os_str() == OURS) {
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    }
    builder.create(folder)
}

/// Whether a file can be made in `folder`: tried, since permission bits tell only half.
pub(super) fn probe_write(folder: &FsPath) -> io::Result<()> {
    StagedFile::create(folder.join("probe"), true).map(drop)
}

fn parent(path: &FsPath) -> io::Result<&FsPath> {
    path.parent().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "a file in no folder"))
}

#[cfg(unix)]
fn sync_folder(folder: &FsPath) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &FsPath) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn owner_only(options: &mut OpenOptions) {
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
}

#[cfg(not(unix))]
fn owner_only(_: &mut OpenOptions) {}

fn ended() -> io::Error {
    io::Error::other("the upload has ended")
}

async fn blocking<T: Send + 'static>(
    location: &Path,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await?;
    done.map_err(|source| failed(location, source))
}

fn failed(location: &Path, source: io::Error) -> object_store::Error {
    let (path, kind) = (location.to_string(), source.kind());
    match kind {
        io::ErrorKind::AlreadyExists => object_store::Error::AlreadyExists { path, source: source.into() },
        io::ErrorKind::PermissionDenied => object_store::Error::PermissionDenied { path, source: source.into() },
        _ => object_store::Error::Generic { store: "local disk", source: source.into() },
    }
}
