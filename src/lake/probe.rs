use std::path::Path;

use object_store::{Error, ObjectStoreExt, PutMode, PutPayload};

use super::{Lake, LakeError, LakeUrl, StoreSettings, layout, local};
use crate::schema::RunId;

/// What a probe found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probed {
    /// A lake that can be written.
    Writable,
    /// No lake, and a place where one can be made.
    Absent,
}

impl Lake {
    /// Writes where a load would write at `url`, and takes it away again: nothing is made, nothing stays.
    ///
    /// # Errors
    /// As [`create`](Self::create); [`LakeError::Store`] where an object cannot be made or taken away: a retry helps
    /// once the cause is gone. [`LakeError::IgnoresConditions`].
    pub async fn probe(url: &LakeUrl, settings: &StoreSettings) -> Result<Probed, LakeError> {
        let Some(root) = url.folder() else {
            let (lake, found) = Self::open(url, settings).await?;
            lake.probe_store().await?;
            return Ok(if found { Probed::Writable } else { Probed::Absent });
        };
        for folder in [layout::CONVERSATIONS, layout::OURS] {
            probe_folder(&root.join(folder))?;
        }
        match Self::open_existing(url, settings).await {
            Ok(lake) if root.join(layout::OURS).is_dir() => lake.probe_store().await.map(|()| Probed::Writable),
            Ok(_) => Ok(Probed::Writable), // the probe would make the folder
            Err(LakeError::Absent { .. }) => Ok(Probed::Absent),
            Err(error) => Err(error),
        }
    }

    /// Makes sure, before anything is written, that the store makes an object only where there is none: the lock of an
    /// account rests on that. A folder needs no probe: there it is the file system that does, and the operating system
    /// that locks.
    pub(super) async fn expect_conditions(&self) -> Result<(), LakeError> {
        if self.url().folder().is_some() || self.has_single_writer() { Ok(()) } else { self.probe_store().await }
    }

    /// Makes an object, which must succeed, and makes it again, which must not.
    async fn probe_store(&self) -> Result<(), LakeError> {
        let path = layout::probe(&RunId::generate());
        let failed = |operation, source| LakeError::store(operation, path.to_string(), source);
        let make = || self.store().put_opts(&path, PutPayload::default(), PutMode::Create.into());
        match make().await {
            // The store's client tried again what had taken effect.
            Ok(_) | Err(Error::AlreadyExists { .. }) => {}
            Err(source) => return Err(failed("write", source)),
        }
        let again = make().await;
        self.store().delete(&path).await.map_err(|source| failed("delete", source))?;
        match again {
            Err(Error::AlreadyExists { .. }) => Ok(()),
            Err(source) => Err(failed("write", source)),
            Ok(_) if self.has_single_writer() => Ok(()),
            Ok(_) => Err(LakeError::IgnoresConditions { root: self.url().to_string() }),
        }
    }
}

/// Tries the folder, or the nearest one above it that is there.
fn probe_folder(folder: &Path) -> Result<(), LakeError> {
    let found = folder.ancestors().find(|path| path.exists()).unwrap_or(folder).to_owned();
    if !found.is_dir() {
        return Err(LakeError::NotAFolder { path: found });
    }
    local::probe_write(&found).map_err(|source| LakeError::Folder { path: found, source })
}
