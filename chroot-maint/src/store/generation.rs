//! A finished tree and its record, `gen/N/` and `gen/N.json`. Knows nothing of how they came about.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::StoreError;
use crate::spec::{ChrootId, Indexes, Placement, Recipe};

/// What is kept beside a tree, whatever that is a tree of.
pub(crate) trait Described: Clone + Serialize + DeserializeOwned {
    /// The version of the format that is written.
    const VERSION: u32;

    /// What it is a generation of.
    fn id(&self) -> &ChrootId;

    /// The generation that was current before, if any.
    fn parent(&self) -> Option<u32>;

    /// Disk space of the tree, in bytes.
    fn size(&self) -> u64;

    /// When it was begun, in seconds since 1970.
    fn created(&self) -> u64;

    /// What its archives had then, as far as that was known.
    fn indexes(&self) -> Option<&Indexes>;
}

/// A generation with its record.
#[derive(Debug)]
pub(crate) struct Generation<R = Record> {
    pub(crate) number: u32,
    /// The root of its file system.
    pub(crate) tree: PathBuf,
    pub(crate) record: R,
}

/// What is known of a generation besides its tree. `N.json` holds it as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Record {
    /// The version of this format: [`Described::VERSION`] when it was written.
    pub(crate) version: u32,
    pub(crate) chroot: ChrootId,
    /// The generation that was current before, if any.
    pub(crate) parent: Option<u32>,
    pub(crate) recipe: Recipe,
    /// When it was begun, in seconds since 1970.
    pub(crate) created: u64,
    /// How long it took to make and verify, in seconds.
    pub(crate) took: u64,
    /// Disk space of the tree, in bytes.
    pub(crate) size: u64,
    /// What the archive had when it was made, if that is known.
    #[serde(default)]
    pub(crate) indexes: Option<Indexes>,
    /// Every package in it, in dpkg's order.
    pub(crate) packages: Vec<Package>,
    /// The host's tools in it, if there are any.
    #[serde(default)]
    pub(crate) cross_tools: Option<Placement>,
}

/// An installed package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Package {
    /// With `:ARCH` where dpkg shows it so.
    pub(crate) name: String,
    pub(crate) version: String,
}

impl Record {
    pub(crate) const VERSION: u32 = 1;
}

impl Described for Record {
    const VERSION: u32 = Self::VERSION;

    fn id(&self) -> &ChrootId {
        &self.chroot
    }

    fn parent(&self) -> Option<u32> {
        self.parent
    }

    fn size(&self) -> u64 {
        self.size
    }

    fn created(&self) -> u64 {
        self.created
    }

    fn indexes(&self) -> Option<&Indexes> {
        self.indexes.as_ref()
    }
}

/// Only this much is read of a record before its version is known.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

impl<R: Described> Generation<R> {
    /// Reads the record of generation `number` in `gen/`.
    pub(super) fn read(generations: &Path, number: u32) -> Result<Self, StoreError> {
        let tree = generations.join(number.to_string());
        let path = record_path(&tree);
        let read = |source| StoreError::Read { path: path.clone(), source };
        let text = fs::read(&path).map_err(read)?;
        // Not a look inside: rootless trees need not be readable from here.
        fs::symlink_metadata(&tree).map_err(read)?;
        let broken = |source| {
            let link = generations.with_file_name("current");
            StoreError::Record { path: path.clone(), link, source }
        };
        let Versioned { version } = serde_json::from_slice(&text).map_err(broken)?;
        if version > R::VERSION {
            return Err(StoreError::Version { path, version });
        }
        let record = serde_json::from_slice(&text).map_err(broken)?;
        Ok(Self { number, tree, record })
    }
}

impl Generation {
    /// The tree of tools that is in it, by its hash; empty if there is none.
    pub(crate) fn tools(&self) -> &str {
        self.record.cross_tools.as_ref().map_or("", |placement| &placement.hash)
    }
}

/// `gen/3` -> `gen/3.json`
pub(super) fn record_path(tree: &Path) -> PathBuf {
    tree.with_extension("json")
}

/// The number of the generation that a path in `gen/` belongs to, tree or record.
pub(super) fn number_of(path: &Path) -> Option<u32> {
    path.file_stem()?.to_str()?.parse().ok()
}

/// Whether both halves of the generation of a path are there.
pub(super) fn is_whole(path: &Path) -> bool {
    let tree = path.with_extension("");
    tree.is_dir() && record_path(&tree).is_file()
}

/// The highest number in `gen/`, or 0; leftovers count, lest a number be used twice.
pub(super) fn highest(generations: &Path) -> io::Result<u32> {
    let mut highest = 0;
    for entry in fs::read_dir(generations)? {
        highest = highest.max(number_of(&entry?.path()).unwrap_or(0));
    }
    Ok(highest)
}
