//! Why what is there is left as it is.

use std::{io, path::PathBuf};

use thiserror::Error;

use crate::{
    archive::ArchiveError,
    body::BodyError,
    sandbox::SandboxError,
    spec::{ChrootId, ChrootIdError},
    store::StoreError,
};

/// A command that came to nothing.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum ManageError {
    #[error(transparent)]
    Name(#[from] ChrootIdError),
    #[error("there is no chroot `{id}' in {}{near}; there are: {there}", dir.display())]
    Unknown { id: ChrootId, near: String, there: String, dir: PathBuf },
    #[error("no generation of {id} is in use; make one: chroot-maint chroot {id}")]
    NotMade { id: ChrootId },
    #[error(
        "{id}: there is none before generation {number}; keep-generations in the config (now {keep}) says how many are kept"
    )]
    NothingBefore { id: ChrootId, number: u32, keep: u32 },
    #[error(transparent)]
    Body(#[from] BodyError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    #[error("can't read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("can't delete {}: {source}", path.display())]
    Delete { path: PathBuf, source: io::Error },
    #[error("can't write the output: {0}")]
    Output(#[from] io::Error),
}
