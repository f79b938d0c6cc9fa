//! Whom a chroot is handed to. Does not know how that is done.

use std::fmt;

/// One of the ways to use a chroot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Output {
    /// The tree itself, which is always there.
    Directory,
    /// A tarball where sbuild's unshare mode looks.
    Sbuild,
    /// A chroot of schroot's.
    Schroot,
}

impl Output {
    /// Every output with its name in the config.
    pub(crate) const ALL: [(&'static str, Self); 3] =
        [("directory", Self::Directory), ("sbuild", Self::Sbuild), ("schroot", Self::Schroot)];

    pub(crate) fn find(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|&(_, output)| output)
    }

    pub(crate) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, known)| *known == self).map_or("", |&(name, _)| name)
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
