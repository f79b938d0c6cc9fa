//! What of the host's programs is wanted in foreign chroots, from what is surest on. Does not know which programs these are.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A kind of tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Tier {
    /// Compilers and binutils.
    Compilers,
    /// Shells, text tools, compressors.
    Shell,
    /// What packs and unpacks packages.
    Packaging,
}

impl Tier {
    /// Every tier with its name in the config.
    pub(crate) const ALL: [(&'static str, Self); 3] =
        [("compilers", Self::Compilers), ("shell", Self::Shell), ("packaging", Self::Packaging)];

    pub(crate) fn find(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|&(_, tier)| tier)
    }

    pub(crate) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, known)| *known == self).map_or("", |&(name, _)| name)
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
