//! Why a chroot can't be handed out.

use std::{io, path::PathBuf};

use thiserror::Error;

use crate::store::StoreError;

/// An output that stays as it was.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum OutputError {
    #[error(
        "the output `sbuild' is for an ordinary user, and the config does not say for whom; add: sbuild-user = \"NAME\""
    )]
    NoUser,
    #[error("there is no user `{name}' on this host; correct `sbuild-user' in the config")]
    UnknownUser { name: String },
    #[error("only root can hand tarballs to another user, `{name}'; run this as root or as {name}")]
    OtherUser { name: String },
    #[error(
        "only root can hand chroots to schroot; run this as root, or take `schroot' out of `outputs' in the config"
    )]
    NotRoot,
    #[error(
        "schroot does not take `{name}': no `+' and no control character can be in a name; \
         take `schroot' out of `outputs'"
    )]
    SchrootName { name: String },
    #[error("there is no directory {}; run as root: apt-get install schroot", dir.display())]
    NoSchroot { dir: PathBuf },
    #[error(
        "{} was not written by chroot-maint for this chroot in {}; move it away, or take `schroot' out of `outputs'",
        path.display(), state_dir.display()
    )]
    SchrootForeign { path: PathBuf, state_dir: PathBuf },
    #[error(
        "schroot knows `{name}' already, from {}; take it out there, or change the config",
        path.display()
    )]
    SchrootTaken { name: String, path: PathBuf },
    #[error(
        "{} was not made by chroot-maint for this chroot; move it away, or take `sbuild' out of `outputs'",
        path.display()
    )]
    TarballForeign { path: PathBuf },
    #[error(
        "{} would be beside this chroot's tarball, and sbuild takes whichever it finds first; \
         move it away, or take `sbuild' out of `outputs'",
        path.display()
    )]
    TarballRival { path: PathBuf },
    #[error("can't read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("can't write {}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
    /// What the process with the user's ids said, which is one of the others.
    #[error("{0}")]
    InCache(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}
