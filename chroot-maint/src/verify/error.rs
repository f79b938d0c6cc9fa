//! Why nothing could be compared.

use std::{io, process::ExitStatus};

use thiserror::Error;

use super::results::Damaged;
use crate::{
    sandbox::SandboxError,
    spec::{ChrootId, SelectionError},
    store::StoreError,
};

/// A comparison that came to nothing.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum VerifyError {
    #[error(transparent)]
    Selection(#[from] SelectionError),
    #[error(
        "{names}: its programs run at full speed here and need no cross-tools; name a foreign chroot"
    )]
    Native { names: String },
    #[error(
        "{id}: the config wants no cross-tools in it; give it some, as chroot-maint.toml(5) says"
    )]
    NotWanted { id: ChrootId },
    #[error("there are no cross-tools in {names}; put them in: chroot-maint chroot {names}")]
    NoTools { names: String },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    #[error("{id}: can't start a session: {source}")]
    Start { id: ChrootId, source: io::Error },
    #[error("{id}: the session in which {how} tools were to build ended with {status}: {said}")]
    Ended { id: ChrootId, how: &'static str, status: ExitStatus, said: String },
    #[error("{id}: {source}; try again, and if that doesn't help: chroot-maint enter {id}")]
    Results { id: ChrootId, source: Damaged },
    #[error("can't write the output: {0}")]
    Output(#[from] io::Error),
}
