use std::path::Path;
use std::sync::Arc;

use object_store::{Error, ObjectStoreExt, PutMode, PutPayload, UpdateVersion};

use super::{Clock, Lake, LakeError, LakeUrl, StoreSettings, layout, local};
use crate::clock::UtcTime;
use crate::schema::RunId;

/// An `ETag` that no object has.
const NO_E_TAG: &str = "\"00000000000000000000000000000000\"";

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
            lake.probe_store().await.map(drop)?;
            return Ok(if found { Probed::Writable } else { Probed::Absent });
        };
        for folder in [layout::CONVERSATIONS, layout::OURS] {
            probe_folder(&root.join(folder))?;
        }
        match Self::open_existing(url, settings).await {
            Ok(lake) if root.join(layout::OURS).is_dir() => lake.probe_store().await.map(|_| Probed::Writable),
            Ok(_) => Ok(Probed::Writable), // the probe would make the folder
            Err(LakeError::Absent { .. }) => Ok(Probed::Absent),
            Err(error) => Err(error),
        }
    }

    /// Makes sure, before anything is written, that the store makes an object only where there is none and replaces only
    /// the one that is known: the lock of an account and the last line behind it rest on that. A folder needs no probe:
    /// there it is the file system that does, and the operating system that locks.
    ///
    /// Returns the clock by which locks are told dead: of a store that machines share its own, so that theirs need not
    /// agree.
    pub(super) async fn expect_conditions(&self) -> Result<Clock, LakeError> {
        if self.url().folder().is_some() || self.has_single_writer() {
            return Ok(Arc::new(UtcTime::now));
        }
        self.probe_store().await
    }

    /// Makes an object, which must succeed, makes it again and replaces another than it, which must not.
    async fn probe_store(&self) -> Result<Clock, LakeError> {
        let path = layout::probe(&RunId::generate());
        let failed = |operation, source| LakeError::store(operation, path.to_string(), source);
        let put = |mode: PutMode| self.store().put_opts(&path, PutPayload::default(), mode.into());
        match put(PutMode::Create).await {
            // The store's client tried again what had taken effect.
            Ok(_) | Err(Error::AlreadyExists { .. }) => {}
            Err(source) => return Err(failed("write", source)),
        }
        let made = self.store().head(&path).await;
        let here = UtcTime::now();
        let another = UpdateVersion { e_tag: Some(NO_E_TAG.to_owned()), version: None };
        let tried = [put(PutMode::Create).await, put(PutMode::Update(another)).await];
        self.store().delete(&path).await.map_err(|source| failed("delete", source))?;
        for (tried, condition) in tried.into_iter().zip(["If-None-Match", "If-Match"]) {
            match tried {
                Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => {}
                Err(source) => return Err(failed("write", source)),
                Ok(_) if self.has_single_writer() => {}
                Ok(_) => return Err(LakeError::IgnoresConditions { root: self.url().to_string(), condition }),
            }
        }
        let there = made.map_err(|source| failed("read", source))?.last_modified;
        Ok(clock_set_by(UtcTime::from_micros(there.timestamp_micros()), here))
    }
}

/// The machine's clock, set so that `here` is `there`.
fn clock_set_by(there: UtcTime, here: UtcTime) -> Clock {
    let (ahead, behind) = (there.since(here), here.since(there));
    Arc::new(move || UtcTime::now().plus(ahead).minus(behind))
}

/// Tries the folder, or the nearest one above it that is there.
fn probe_folder(folder: &Path) -> Result<(), LakeError> {
    let found = folder.ancestors().find(|path| path.exists()).unwrap_or(folder).to_owned();
    if !found.is_dir() {
        return Err(LakeError::NotAFolder { path: found });
    }
    local::probe_write(&found).map_err(|source| LakeError::Folder { path: found, source })
}
