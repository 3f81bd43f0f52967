//! Files for their owner only, which appear whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::SavedPageError;

/// Writes a file that was not there; `None` where the name is taken. Whoever writes `name` first makes its
/// `.part` file, so that two writers cannot both find the name free.
pub(super) fn write_new(folder: &Path, name: &str, bytes: &[u8]) -> Result<Option<PathBuf>, SavedPageError> {
    let path = folder.join(name);
    let part = folder.join(format!("{name}.part"));
    let file = match owner_only().create_new(true).open(&part) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
        Err(source) => return Err(failed("create", &part)(source)),
    };
    if path.exists() {
        fs::remove_file(&part).map_err(failed("remove", &part))?;
        return Ok(None);
    }
    fill(file, &part, bytes)?;
    fs::rename(&part, &path).map_err(failed("name", &path))?;
    Ok(Some(path))
}

/// Writes a file in place of an earlier one, atomically.
pub(super) fn write_new_or_replace(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), SavedPageError> {
    make_folder(folder)?;
    let path = folder.join(name);
    let part = folder.join(format!("{name}.part"));
    let file = owner_only().create(true).truncate(true).open(&part).map_err(failed("create", &part))?;
    fill(file, &part, bytes)?;
    fs::rename(&part, &path).map_err(failed("name", &path))
}

fn fill(mut file: File, path: &Path, bytes: &[u8]) -> Result<(), SavedPageError> {
    let filled = file.write_all(bytes).and_then(|()| file.sync_all());
    filled.map_err(|source| {
        let _ = fs::remove_file(path); // The failure to write is what counts.
        failed("write", path)(source)
    })
}

/// Records are personal data: what is saved is for its owner.
fn owner_only() -> fs::OpenOptions {
    let mut options = File::options();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

pub(super) fn make_folder(folder: &Path) -> Result<(), SavedPageError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(failed("create", folder))
}

pub(super) fn read_file(path: &Path) -> Result<Bytes, SavedPageError> {
    fs::read(path).map(Bytes::from).map_err(failed("read", path))
}

pub(super) fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SavedPageError {
    let path = path.to_owned();
    move |source| SavedPageError::Io { action, path, source }
}
