//! What can go wrong with the state directory.

use std::{io, path::PathBuf};

use thiserror::Error;

/// A fault of the state directory, with the path that it is about.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum StoreError {
    #[error("can't create {}: {source}; state-dir in the config moves it elsewhere", path.display())]
    Create { path: PathBuf, source: io::Error },
    #[error("can't read {}: {source}{}", path.display(), hint(source))]
    Read { path: PathBuf, source: io::Error },
    #[error("can't write {}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("can't rename {} to {}: {source}", from.display(), to.display())]
    Rename { from: PathBuf, to: PathBuf, source: io::Error },
    #[error("can't lock {}: {source}", path.display())]
    Lock { path: PathBuf, source: io::Error },
    #[error("can't delete {}: {source}", path.display())]
    Delete { path: PathBuf, source: io::Error },
    #[error(
        "won't delete {}: {} is mounted in it; unmount that first",
        path.display(), mount.display()
    )]
    Mounted { path: PathBuf, mount: PathBuf },
    #[error("can't find out who uses {}, so it is kept: {source}", path.display())]
    Users { path: PathBuf, source: io::Error },
    #[error("won't delete {}: it isn't in a work directory", .0.display())]
    NotWork(PathBuf),
    #[error(
        "{} points at {}, not at a generation such as gen/1; point it at one, or delete it to start anew",
        link.display(), target.display()
    )]
    Current { link: PathBuf, target: PathBuf },
    #[error(
        "the record {} is broken: {source}; delete {} to have the chroot made anew",
        path.display(), link.display()
    )]
    Record { path: PathBuf, link: PathBuf, source: serde_json::Error },
    #[error(
        "the record {} is of version {version}, which only a newer chroot-maint can read",
        path.display()
    )]
    Version { path: PathBuf, version: u32 },
}

/// What to do about the usual reason.
fn hint(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::PermissionDenied => {
            "; the state directory is another user's: run this as that user, or give it another state-dir"
        }
        _ => "",
    }
}
