use std::path::Path as FsPath;
use std::sync::Arc;

use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};

use super::local::{self, DurableFolder};
use super::{AccountHead, LakeError, LakeUrl, SessionDate, StoreSettings, layout};
use crate::schema::AccountId;

/// A lake that was found or made.
#[derive(Debug, Clone)]
pub struct Lake {
    url: LakeUrl,
    store: Arc<dyn ObjectStore>,
    single_writer: bool,
}

/// The one object of a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionObject {
    /// Account, as in the path.
    pub account: AccountId,
    /// UTC date, as in the path.
    pub date: SessionDate,
    /// Path relative to the lake, size, ETag.
    pub meta: ObjectMeta,
}

impl Lake {
    /// The lake at `url`; makes its folders where they are not there. In a bucket there is nothing to make, and the
    /// bucket itself must be there.
    ///
    /// # Errors
    /// [`LakeError::NotAFolder`], [`LakeError::Folder`] where the folder cannot be made or written: a retry does not
    /// help. [`LakeError::Store`] where the bucket does not answer, is not there or may not be listed: a retry helps
    /// once the cause is gone. [`LakeError::Endpoint`], [`LakeError::PlainHttp`], [`LakeError::StoreSetting`].
    pub async fn create(url: &LakeUrl, settings: &StoreSettings) -> Result<Self, LakeError> {
        match url.folder() {
            Some(folder) => Self::in_folder(folder),
            None => Ok(Self::open(url, settings).await?.0),
        }
    }

    /// The lake in a folder, without a word about stores; makes the folder where it is not there.
    ///
    /// # Errors
    /// [`LakeError::NotAFolder`], [`LakeError::Folder`].
    pub fn in_folder(folder: &FsPath) -> Result<Self, LakeError> {
        let url = LakeUrl::of_folder(folder)?;
        for folder in [folder.to_owned(), folder.join(layout::OURS), folder.join(layout::CONVERSATIONS)] {
            make_folder(&folder)?;
        }
        Self::open_folder(&url, folder, false)
    }

    /// A lake in a store of the caller's, whose root is the lake's; `url` is what it is called. Of writers it is
    /// expected what is expected of a bucket.
    pub fn in_store(url: LakeUrl, store: Arc<dyn ObjectStore>) -> Self {
        Self { url, store, single_writer: false }
    }

    /// The lake at `url`, which must be there.
    ///
    /// # Errors
    /// [`LakeError::Absent`] where there is none, [`LakeError::NotAFolder`] where a file stands in its place; those of a
    /// bucket as [`create`](Self::create).
    pub async fn open_existing(url: &LakeUrl, settings: &StoreSettings) -> Result<Self, LakeError> {
        let (lake, found) = Self::open(url, settings).await?;
        if found { Ok(lake) } else { Err(LakeError::Absent { root: url.to_string() }) }
    }

    /// The lake at `url`, and whether anything of it is there.
    pub(super) async fn open(url: &LakeUrl, settings: &StoreSettings) -> Result<(Self, bool), LakeError> {
        if let Some((bucket, prefix)) = url.bucket() {
            let store = settings.open(bucket, prefix)?;
            let lake = Self { url: url.clone(), store, single_writer: settings.single_writer };
            let found = lake.is_there().await?;
            return Ok((lake, found));
        }
        let root = url.folder().unwrap_or(FsPath::new("."));
        if root.exists() && !root.is_dir() {
            return Err(LakeError::NotAFolder { path: root.to_owned() });
        }
        let found = [layout::OURS, layout::CONVERSATIONS].iter().any(|name| root.join(name).is_dir());
        if !found {
            return Err(LakeError::Absent { root: url.to_string() });
        }
        Ok((Self::open_folder(url, root, settings.single_writer)?, true))
    }

    fn open_folder(url: &LakeUrl, root: &FsPath, single_writer: bool) -> Result<Self, LakeError> {
        Ok(Self { url: url.clone(), store: Arc::new(DurableFolder::new(root)?), single_writer })
    }

    /// Whether the store holds anything of a lake.
    async fn is_there(&self) -> Result<bool, LakeError> {
        let listing = self.store.list_with_delimiter(None).await;
        let listing = listing.map_err(|source| LakeError::store("list", self.url.to_string(), source))?;
        let ours = [layout::OURS, layout::CONVERSATIONS].map(Path::from);
        Ok(listing.common_prefixes.iter().any(|prefix| ours.contains(prefix)))
    }

    /// The same lake through another store, such as one that counts or fails.
    #[must_use]
    pub fn with_store(self, store: Arc<dyn ObjectStore>) -> Self {
        Self { store, ..self }
    }

    /// Whether it was said that nothing else writes the lake.
    pub(super) fn has_single_writer(&self) -> bool {
        self.single_writer
    }

    /// Where the lake lies.
    pub fn url(&self) -> &LakeUrl {
        &self.url
    }

    /// Store whose paths are relative to the lake's root.
    pub fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }

    /// Prefix of all partitions, relative to the root.
    pub fn conversations_prefix(&self) -> Path {
        Path::from(layout::CONVERSATIONS)
    }

    /// Path of one partition, relative to the root, whether it is there or not.
    pub fn partition_path(&self, account: &AccountId, date: SessionDate) -> Path {
        layout::partition(account, date)
    }

    /// Every partition of every account, by account and date. What is no partition is left out.
    ///
    /// # Errors
    /// [`LakeError::Store`] where the store cannot be listed: a retry can help.
    pub async fn list_partitions(&self) -> Result<Vec<PartitionObject>, LakeError> {
        self.partitions_under(&self.conversations_prefix()).await
    }

    /// The partitions of one account, by date.
    ///
    /// # Errors
    /// As [`list_partitions`](Self::list_partitions).
    pub async fn account_partitions(&self, account: &AccountId) -> Result<Vec<PartitionObject>, LakeError> {
        self.partitions_under(&layout::account_partitions(account)).await
    }

    async fn partitions_under(&self, prefix: &Path) -> Result<Vec<PartitionObject>, LakeError> {
        let objects = self.list(prefix).await?;
        let mut partitions: Vec<_> = objects.into_iter().filter_map(partition).collect();
        partitions.sort_by(|a, b| (&a.account, a.date).cmp(&(&b.account, b.date)));
        Ok(partitions)
    }

    /// Accounts that the ledger knows.
    ///
    /// # Errors
    /// As [`list_partitions`](Self::list_partitions).
    pub async fn accounts(&self) -> Result<Vec<AccountId>, LakeError> {
        let prefix = layout::heads();
        let listing = self.store.list_with_delimiter(Some(&prefix)).await;
        let listing = match listing {
            Err(object_store::Error::NotFound { .. }) => return Ok(Vec::new()),
            listing => listing.map_err(|source| LakeError::store("list", prefix.to_string(), source))?,
        };
        let name = |path: &Path| path.filename()?.strip_prefix("account_id=")?.parse().ok();
        Ok(listing.common_prefixes.iter().filter_map(name).collect())
    }

    /// What the ledger knows of an account; none where it was never written.
    ///
    /// # Errors
    /// [`LakeError::CorruptLedger`], [`LakeError::Store`].
    pub async fn head(&self, account: &AccountId) -> Result<Option<AccountHead>, LakeError> {
        AccountHead::load(self, account).await
    }

    pub(super) async fn list(&self, prefix: &Path) -> Result<Vec<ObjectMeta>, LakeError> {
        let listed: Result<Vec<_>, _> = self.store.list(Some(prefix)).try_collect().await;
        listed.map_err(|source| LakeError::store("list", prefix.to_string(), source))
    }
}

fn partition(meta: ObjectMeta) -> Option<PartitionObject> {
    let (account, date) = layout::parse_partition(&meta.location)?;
    Some(PartitionObject { account, date, meta })
}

fn make_folder(folder: &FsPath) -> Result<(), LakeError> {
    if let Some(file) = folder.ancestors().find(|path| path.exists()).filter(|path| !path.is_dir()) {
        return Err(LakeError::NotAFolder { path: file.to_owned() });
    }
    let made = local::create_folders(folder).and_then(|()| local::probe_write(folder));
    made.map_err(|source| LakeError::Folder { path: folder.to_owned(), source })
}
