//! What can go wrong with what is kept of archives and packages, other than fetching it.

use std::{io, path::PathBuf};

use thiserror::Error;

/// A fault of the files below `archive/` or `cache/` in the state directory.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum ArchiveError {
    #[error("can't write {}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("can't read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("apt kept no Release file of {suite}, which is a fault of chroot-maint: delete {} and try again", dir.display())]
    NoRelease { suite: String, dir: PathBuf },
    #[error("{suite} has no packages for {arch}; correct `archs' or `mirror' in the config")]
    NoPackages { suite: String, arch: String },
    #[error("can't run sha256sum: {0}; install the package coreutils")]
    Sum(#[source] io::Error),
}

impl ArchiveError {
    pub(super) fn write(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Write { path, source }
    }

    pub(super) fn read(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Read { path, source }
    }
}
