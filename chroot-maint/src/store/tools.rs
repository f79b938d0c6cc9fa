//! What is known of a tree of cross-tools besides the tree: what it was made from, to see whether it would come out
//! the same. Knows nothing of how such trees are made.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Described, Package};
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
    /// What did not fit, if anything: it may later, though none of the packages above has changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) unmet: Option<Unmet>,
}

/// What could not be installed to make tools of, in the form that `apt-get satisfy` takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Unmet {
    /// All that was installed instead.
    pub(crate) with: BTreeSet<String>,
    /// What each group that was left out takes besides.
    pub(crate) groups: BTreeMap<String, BTreeSet<String>>,
}

/// What the config decides of it, and this program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct ToolsRecipe {
    /// Of the list of tools and of the programs that come with it.
    pub(crate) list: String,
    pub(crate) tiers: Vec<Tier>,
}

impl ToolsRecord {
    /// A package that a native chroot has in another version than these tools were made of. Of what they are compiled from, an older
    /// record may lack the versions: then another one is to be made.
    pub(crate) fn changed_in<'p>(
        &self,
        native: &'p [Package],
        compiled: &BTreeSet<String>,
    ) -> Option<&'p str> {
        native.iter().find_map(|package| {
            let name = package.name.split(':').next().unwrap_or_default();
            let differs = match self.packages.get(name) {
                Some(then) => then.as_ref() != Some(&package.version),
                None => compiled.contains(name),
            };
            differs.then_some(name)
        })
    }
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Package, ToolsRecord};

    /// One of this program's older versions.
    const RECORD: &str = r#"{"version": 1, "chroot": "trixie-arm64", "parent": null, "created": 1, "took": 1, "size": 1,
        "indexes": null, "hash": "", "recipe": {"list": "", "tiers": ["shell"]},
        "packages": {"sed": "1", "libc6": "1", "make": null}}"#;

    #[test]
    fn a_native_chroot_with_another_bash_is_a_change() {
        let mut record: ToolsRecord = serde_json::from_str(RECORD).unwrap();
        let compiled: BTreeSet<String> = ["bash", "make"].map(str::to_owned).into();
        let changed = |record: &ToolsRecord, native: &[(&str, &str)]| {
            let package = |(name, version): &(&str, &str)| Package {
                name: (*name).to_owned(),
                version: (*version).to_owned(),
            };
            let native: Vec<Package> = native.iter().map(package).collect();
            record.changed_in(&native, &compiled).map(str::to_owned)
        };
        let same = [("libc6:amd64", "1"), ("sed", "1"), ("vim", "9")];
        assert_eq!(changed(&record, &same), None);
        assert_eq!(changed(&record, &[("bash", "5.2-1")]).as_deref(), Some("bash"));
        assert_eq!(changed(&record, &[("make", "4.3")]).as_deref(), Some("make"));
        record.packages.insert("bash".to_owned(), Some("5.2-1".to_owned()));
        assert_eq!(changed(&record, &[("bash", "5.2-1")]), None);
        assert_eq!(changed(&record, &[("bash", "5.2-1+deb1")]).as_deref(), Some("bash"));
    }
}
