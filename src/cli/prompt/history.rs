//! Where statements are remembered: in the user's folder for such things, for nobody else to read.

use std::env;
use std::fs::{self, DirBuilder};
use std::io;
use std::path::PathBuf;

/// The file; none where the user has no such folder, or it cannot be made.
pub fn file() -> Option<PathBuf> {
    let folder = state_folder()?.join("kore-lake");
    match make(&folder) {
        Ok(()) => Some(folder.join("history")),
        Err(error) => {
            tracing::warn!(%error, "statements are not remembered: no folder `{}`", folder.display());
            None
        }
    }
}

/// `$XDG_STATE_HOME`, which must be absolute to count; else `~/.local/state`.
fn state_folder() -> Option<PathBuf> {
    let named = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    named("XDG_STATE_HOME").or_else(|| Some(named("HOME")?.join(".local/state")))
}

/// Makes the folder, and those above it, for the owner alone.
fn make(folder: &PathBuf) -> io::Result<()> {
    if fs::metadata(folder).is_ok_and(|metadata| metadata.is_dir()) {
        return Ok(());
    }
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
