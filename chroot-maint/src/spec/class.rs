//! The classes of what can go wrong with a chroot. Does not know how one is told from another.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Whose affair a failure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum FailureClass {
    /// The archive can't be reached or has a fault: it may well be gone in a while.
    Mirror,
    /// There is no room, or the disk fails.
    Disk,
    /// The emulator crashed: it may well not do it again.
    Emulator,
    /// A package can't be installed, or does harm.
    Package,
    /// It could be done and must not be: a signature is missing, a package that has to stay would go.
    Policy,
    /// The config asks for what can't be.
    Configuration,
    /// This host lacks a tool, or a permission.
    Host,
    /// Somebody ended it.
    Interrupted,
    /// None of these is known to be the cause.
    Other,
}

impl fmt::Display for FailureClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Mirror => "mirror",
            Self::Disk => "disk",
            Self::Emulator => "emulator",
            Self::Package => "package",
            Self::Policy => "policy",
            Self::Configuration => "configuration",
            Self::Host => "host",
            Self::Interrupted => "interrupted",
            Self::Other => "other",
        })
    }
}
