//! What is in a tree of cross-tools: written beside it, read wherever it is placed. Only values.

use std::{fs, io, path::Path};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::list::{Start, Tier};

/// Where the tree is in a foreign chroot. Fixed, so that nothing which may note a path of it differs from one tree to the
/// next; and as long as `/lib64/ld-linux-x86-64.so.2` at most with the loader's name, so that most programs take it without growing.
pub(crate) const PRIVATE: &str = "/usr/lib/chroot-maint";

/// What the chroot's own programs are called while others stand in their place.
pub(crate) const SUFFIX: &str = ".emulated";

/// The manifest's name in the tree.
const FILE: &str = "manifest.json";

/// A tree of tools.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// Of everything that is in the tree: equal trees have equal ones.
    pub(crate) hash: String,
    /// The GNU name of the architecture that it is for, and the compiler's version.
    pub(crate) triplet: String,
    pub(crate) gcc: String,
    /// By name.
    pub(crate) groups: Vec<Built>,
    /// Groups that the donor hasn't got, with the reason.
    pub(crate) left_out: Vec<LeftOut>,
}

/// A group that can be placed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Built {
    pub(crate) name: String,
    pub(crate) tier: Tier,
    pub(crate) start: Start,
    pub(crate) programs: Vec<Program>,
}

/// One program of the tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Program {
    /// What it replaces: the first of these that the chroot has.
    pub(crate) file: Vec<String>,
    /// What it is called in the tree's `bin`.
    pub(crate) name: String,
    /// The donor's package, and its version.
    pub(crate) package: String,
    pub(crate) version: String,
    pub(crate) optional: bool,
}

/// A group that can't be had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LeftOut {
    pub(crate) name: String,
    pub(crate) reason: String,
}

/// Why a manifest can't be read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum ManifestError {
    #[error("can't read {path}: {source}")]
    Read { path: String, source: io::Error },
    #[error("{path} is no manifest of cross-tools: {source}; build them anew")]
    Damaged { path: String, source: serde_json::Error },
    #[error("can't write {path}: {source}")]
    Write { path: String, source: io::Error },
}

impl Manifest {
    /// Reads that of the tree in this directory.
    pub(crate) fn read(dir: &Path) -> Result<Self, ManifestError> {
        let file = dir.join(FILE);
        let path = file.display().to_string();
        let bytes = match fs::read(&file) {
            Ok(bytes) => bytes,
            Err(source) => return Err(ManifestError::Read { path, source }),
        };
        serde_json::from_slice(&bytes).map_err(|source| ManifestError::Damaged { path, source })
    }

    /// Writes it into the tree.
    pub(crate) fn write(&self, dir: &Path) -> Result<(), ManifestError> {
        let file = dir.join(FILE);
        let failed = |source| ManifestError::Write { path: file.display().to_string(), source };
        let text = serde_json::to_vec_pretty(self).map_err(|error| failed(error.into()))?;
        fs::write(&file, text).map_err(failed)
    }
}
