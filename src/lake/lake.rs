use std::path::Path as FsPath;
use std::sync::Arc;

use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};

use super::local::{self, DurableFolder};
use super::{AccountHead, LakeError, LakeUrl, SessionDate, layout};
use crate::schema::AccountId;

/// A lake that was found or made.
#[derive(Debug, Clone)]
pub struct Lake {
    url: LakeUrl,
    store: Arc<dyn ObjectStore>,
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
    /// The lake at `url`; makes its folders where they are not there.
    ///
    /// # Errors
    /// [`LakeError::NotAFolder`], [`LakeError::Folder`] where the folder cannot be made or written: a retry
    /// does not help.
    pub fn create(url: &LakeUrl) -> Result<Self, LakeError> {
        for folder in
            [url.folder().to_owned(), url.folder().join(layout::OURS), url.folder().join(layout::CONVERSATIONS)]
        {
            make_folder(&folder)?;
        }
        Self::open(url)
    }

    /// The lake at `url`, which must be there.
    ///
    /// # Errors
    /// [`LakeError::Absent`] where there is none, [`LakeError::NotAFolder`] where a file stands in its place.
    pub fn open_existing(url: &LakeUrl) -> Result<Self, LakeError> {
        let root = url.folder();
        if root.exists() && !root.is_dir() {
            return Err(LakeError::NotAFolder { path: root.to_owned() });
        }
        let found = [layout::OURS, layout::CONVERSATIONS].iter().any(|name| root.join(name).is_dir());
        if found { Self::open(url) } else { Err(LakeError::Absent { root: url.to_string() }) }
    }

    fn open(url: &LakeUrl) -> Result<Self, LakeError> {
        Ok(Self { url: url.clone(), store: Arc::new(DurableFolder::new(url.folder())?) })
    }

    /// The same lake through another store, such as one that counts or fails.
    #[must_use]
    pub fn with_store(self, store: Arc<dyn ObjectStore>) -> Self {
        Self { store, ..self }
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
