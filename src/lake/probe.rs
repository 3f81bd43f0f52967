use std::path::Path;

use object_store::{ObjectStoreExt, PutMode, PutPayload};

use super::{Lake, LakeError, LakeUrl, layout, local};
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
    /// As [`create`](Self::create); [`LakeError::Store`] where an object cannot be made or taken away. A retry helps
    /// once the cause is gone.
    pub async fn probe(url: &LakeUrl) -> Result<Probed, LakeError> {
        for folder in [layout::CONVERSATIONS, layout::OURS] {
            probe_folder(&url.folder().join(folder))?;
        }
        match Self::open_existing(url) {
            Ok(lake) => {
                lake.probe_store().await?;
                Ok(Probed::Writable)
            }
            Err(LakeError::Absent { .. }) => Ok(Probed::Absent),
            Err(error) => Err(error),
        }
    }

    /// The lock of an account rests on making an object only where there is none.
    async fn probe_store(&self) -> Result<(), LakeError> {
        if !self.url().folder().join(layout::OURS).is_dir() {
            return Ok(()); // the probe would make it
        }
        let path = layout::probe(&RunId::generate());
        let failed = |operation, source| LakeError::store(operation, path.to_string(), source);
        let made = self.store().put_opts(&path, PutPayload::default(), PutMode::Create.into()).await;
        made.map_err(|source| failed("write", source))?;
        self.store().delete(&path).await.map_err(|source| failed("delete", source))
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
