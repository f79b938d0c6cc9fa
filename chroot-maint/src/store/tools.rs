//! What is known of a tree of cross-tools besides the tree: what it was made from, to see whether it would come out
//! the same. Knows nothing of how such trees are made.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Described;
use crate::spec::{ChrootId, Indexes, Tier};

/// `N.json` holds it as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct ToolsRecord {
    /// The version of this format: [`Described::VERSION`] when it was written.
    pub(crate) version: u32,
    /// The chroot that it is for.
    pub(crate) chroot: ChrootId,
    /// The generation that was current before, if any.
    pub(crate) parent: Option<u32>,
    /// When it was begun, in seconds since 1970.
    pub(crate) created: u64,
    /// How long it took to make, in seconds.
    pub(crate) took: u64,
    /// Disk space of the tree, in bytes.
    pub(crate) size: u64,
    /// What the archive of the native chroot had when it was made, if that is known.
    pub(crate) indexes: Option<Indexes>,
    /// Of all that is in the tree: equal trees have equal ones.
    pub(crate) hash: String,
    pub(crate) recipe: ToolsRecipe,
    /// The packages that it was made of or would be, and the versions of those that can be had.
    pub(crate) packages: BTreeMap<String, Option<String>>,
}

/// What the config decides of it, and this program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct ToolsRecipe {
    /// Of the list of tools and of the programs that come with it.
    pub(crate) list: String,
    pub(crate) tiers: Vec<Tier>,
}

impl Described for ToolsRecord {
    const VERSION: u32 = 1;

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
