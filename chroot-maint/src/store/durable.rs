//! Writes that are still there after a power cut, one kind that need not be, and names that go. Knows nothing of what is
//! written.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use super::StoreError;
use crate::temporary;

/// How files begin that are about to replace others.
const NEW: &str = ".new";

/// Writes a new file and waits until the disk has it; the directory is the caller's to sync.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let write = || {
        let mut file = File::create_new(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|source| StoreError::Write { path: path.to_owned(), source })
}

/// Replaces a file by one rename, without waiting for the disk: for reports, whose loss costs little.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    replace_by(path, bytes, |_| Ok(()))
}

/// The same, and waits until the disk has it.
pub(super) fn keep(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    replace_by(path, bytes, File::sync_all)?;
    sync_dir(path.parent().unwrap_or(Path::new(".")))
}

fn replace_by(
    path: &Path,
    bytes: &[u8],
    sync: impl FnOnce(&File) -> io::Result<()>,
) -> Result<(), StoreError> {
    let write = || {
        let dir = path.parent().unwrap_or(Path::new("."));
        let prefix = temporary::prefix(NEW);
        let mut file = tempfile::Builder::new().prefix(&prefix).tempfile_in(dir)?;
        file.write_all(bytes)?;
        sync(file.as_file())?;
        file.persist(path).map(drop).map_err(|error| error.error)
    };
    write().map_err(|source| StoreError::Write { path: path.to_owned(), source })
}

/// The same, waiting for the disk.
pub(super) fn replace_for_good(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    replace(path, bytes)?;
    File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(|source| StoreError::Write { path: path.to_owned(), source })?;
    path.parent().map_or(Ok(()), sync_dir)
}

/// Deletes what killed processes were about to replace files in this directory with; gives how many there were.
pub(super) fn sweep(dir: &Path) -> Result<usize, StoreError> {
    let mut swept = 0;
    for path in super::list(dir)? {
        if path.file_name().is_some_and(|name| temporary::is_abandoned(NEW, name)) {
            remove(&path)?;
            swept += 1;
        }
    }
    Ok(swept)
}

/// Deletes a file, if it is there.
pub(super) fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(StoreError::Delete { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

/// Waits until the disk has everything written to the file system of `dir`. dpkg is told not to
/// sync while it unpacks, so this is where a whole tree gets to the disk.
pub(super) fn sync_file_system(dir: &Path) -> Result<(), StoreError> {
    let sync = || nix::unistd::syncfs(File::open(dir)?).map_err(io::Error::from);
    sync().map_err(|source| StoreError::Write { path: dir.to_owned(), source })
}

/// Waits until the disk has the names in a directory.
pub(crate) fn sync_dir(dir: &Path) -> Result<(), StoreError> {
    File::open(dir)
        .and_then(|file| file.sync_all())
        .map_err(|source| StoreError::Write { path: dir.to_owned(), source })
}

/// A rename within one file system; the directory is the caller's to sync.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    fs::rename(from, to).map_err(|source| StoreError::Rename {
        from: from.to_owned(),
        to: to.to_owned(),
        source,
    })
}
