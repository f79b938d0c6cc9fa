//! What is in a tree of cross-tools: written beside it, read wherever it is placed. Only values.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::spec::Tier;

/// Where the tree is in a foreign chroot. Fixed, so that nothing which may note a path of it differs from one tree to the
/// next; and as long as `/lib64/ld-linux-x86-64.so.2` at most with the loader's name, so that most programs take it without growing.
pub(crate) const PRIVATE: &str = "/usr/lib/chroot-maint";

/// What the chroot's own programs are called while others stand in their place.
pub(crate) const SUFFIX: &str = ".emulated";

/// Has dpkg call the switch whenever it has changed something.
pub(crate) const HOOK: &str = "/etc/dpkg/dpkg.cfg.d/chroot-maint";

/// The manifest's name in the tree.
const FILE: &str = "manifest.json";

/// A tree of tools.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// Of everything that is in the tree: equal trees have equal ones.
    pub(crate) hash: String,
    pub(crate) arch: String,
    /// The GNU name of the architecture that it is for.
    pub(crate) triplet: String,
    /// By name.
    pub(crate) groups: Vec<Built>,
    pub(crate) libraries: Vec<Library>,
    /// Groups that the donor hasn't got, with the reason.
    pub(crate) left_out: Vec<LeftOut>,
    /// Every package of the donor that something in the tree is from, with its version.
    pub(crate) packages: BTreeMap<String, String>,
}

/// A group that can be placed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Built {
    pub(crate) name: String,
    pub(crate) tier: Tier,
    /// Of scripts: what runs them.
    pub(crate) interpreter: Option<Interpreter>,
    pub(crate) programs: Vec<Program>,
}

/// The host's interpreter of the chroot's scripts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Interpreter {
    /// Whose it is, in both chroots.
    pub(crate) package: String,
    /// The donor's.
    pub(crate) version: String,
}

/// One program of the tree, or a script of the chroot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Program {
    /// What it replaces: the first of these that the chroot has.
    pub(crate) files: Vec<String>,
    /// What it is called in the tree.
    pub(crate) name: String,
    /// The chroot's package: the first of these that is installed.
    pub(crate) packages: Vec<String>,
    /// The donor's package, and its version.
    pub(crate) donor: String,
    pub(crate) version: String,
    pub(crate) optional: bool,
    pub(crate) check: Check,
}

/// What is to be compared with the chroot's own program, beyond the version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Check {
    Nothing,
    /// Where it looks for headers.
    Headers,
    /// That these texts are compiled into it.
    Texts(Vec<String>),
}

/// The host's build of a library that builds preload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Library {
    pub(crate) name: String,
    /// The chroot's package, and the version of the donor's.
    pub(crate) package: String,
    pub(crate) version: String,
}

/// A group that can't be had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LeftOut {
    pub(crate) name: String,
    pub(crate) tier: Tier,
    pub(crate) reason: String,
}

/// Why a manifest can't be read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum ManifestError {
    #[error("can't read {path}: {source}")]
    Read { path: PathBuf, source: io::Error },
    #[error("{path} is no manifest of cross-tools: {source}; build them anew")]
    Damaged { path: PathBuf, source: serde_json::Error },
    #[error("can't write {path}: {source}")]
    Write { path: PathBuf, source: io::Error },
}

impl Manifest {
    /// Reads that of the tree in this directory.
    pub(crate) fn read(dir: &Path) -> Result<Self, ManifestError> {
        let path = dir.join(FILE);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(source) => return Err(ManifestError::Read { path, source }),
        };
        serde_json::from_slice(&bytes).map_err(|source| ManifestError::Damaged { path, source })
    }

    /// Writes it into the tree.
    pub(crate) fn write(&self, dir: &Path) -> Result<(), ManifestError> {
        let path = dir.join(FILE);
        let text = serde_json::to_vec_pretty(self).map_err(io::Error::from);
        text.and_then(|text| fs::write(&path, text))
            .map_err(|source| ManifestError::Write { path, source })
    }

    /// The same for the program that puts the tools into their places, which says what it reads.
    pub(crate) fn switch_list(&self) -> String {
        let mut list = format!("arch\t{}\n", self.arch);
        for group in &self.groups {
            // Writing to a String can't fail.
            let _ = writeln!(list, "group\t{}", group.name);
            if let Some(Interpreter { package, version }) = &group.interpreter {
                let _ = writeln!(list, "scripts\t{package}\t{version}");
            }
            for program in &group.programs {
                let Program { files, packages, donor, version, optional, .. } = program;
                let (files, packages) = (files.join("|"), packages.join("|"));
                let need = if *optional { "optional" } else { "needed" };
                let _ = writeln!(list, "file\t{files}\t{packages}\t{donor}\t{version}\t{need}");
            }
        }
        for Library { name, package, version } in &self.libraries {
            let _ = writeln!(list, "library\t{name}\t{package}\t{version}");
        }
        list
    }
}
