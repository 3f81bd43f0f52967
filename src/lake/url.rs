use std::fmt;
use std::path::{Path as FsPath, PathBuf};
use std::str::FromStr;

use url::Url;

use super::LakeError;

/// Where a lake lies: a folder, absolute. Written as its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LakeUrl {
    folder: PathBuf,
}

impl LakeUrl {
    /// The lake's folder.
    pub fn folder(&self) -> &FsPath {
        &self.folder
    }
}

impl FromStr for LakeUrl {
    type Err = LakeError;

    /// Reads `./lake`, an absolute path, or `file:///…`.
    fn from_str(text: &str) -> Result<Self, LakeError> {
        let found = || text.to_owned();
        let folder = match text.split_once("://") {
            None if text.is_empty() => return Err(LakeError::Url { found: found() }),
            None => PathBuf::from(text),
            Some(("file", _)) => {
                let url = Url::parse(text).map_err(|_| LakeError::Url { found: found() })?;
                url.to_file_path().map_err(|()| LakeError::Url { found: found() })?
            }
            Some(("s3", _)) => return Err(LakeError::NotLocal { found: found() }),
            Some(_) => return Err(LakeError::Url { found: found() }),
        };
        let absolute = std::path::absolute(&folder);
        Ok(Self { folder: absolute.map_err(|_| LakeError::Url { found: found() })? })
    }
}

impl fmt::Display for LakeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.folder.display().fmt(f)
    }
}
