//! The name of what is known of one suite of an archive: chroots that fetch it from the same place share it,
//! whatever else differs.
//!
//! Does not know addresses that the host decides, nor what is there under the name.

use std::{collections::BTreeMap, fmt};

use super::Recipe;

/// A suite with components, mirror and keyring, as `SUITE-HASH`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ArchiveId {
    /// The suite, for people.
    label: String,
    /// Of everything that the config says of the sources.
    hash: u64,
}

impl ArchiveId {
    /// The archives that a recipe's packages come from, each with the recipe of that suite alone.
    pub(crate) fn all_of(recipe: &Recipe) -> BTreeMap<Self, Recipe> {
        recipe.by_suite().map(|one| (Self::of(&one), one)).collect()
    }

    /// Of a recipe of one suite.
    pub(crate) fn of(recipe: &Recipe) -> Self {
        let label = recipe.suites.first().map_or("none", String::as_str);
        let mut hash = Fnv::new();
        for list in [&recipe.suites, &recipe.components] {
            hash.add(list.len().to_string().as_bytes());
            for word in list {
                hash.add(word.as_bytes());
            }
        }
        for mirror in [&recipe.mirror, &recipe.security_mirror] {
            hash.add(mirror.as_deref().unwrap_or_default().as_bytes());
        }
        let keyring = recipe.keyring.as_deref().map(|path| path.as_os_str().as_encoded_bytes());
        hash.add(keyring.unwrap_or_default());
        // Forty bits are enough to tell a config's archives apart, and short enough to read.
        Self { label: label.replace('/', "_"), hash: hash.0 & 0xff_ffff_ffff }
    }

    /// Reads what [`fmt::Display`] writes.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let (label, hash) = name.rsplit_once('-')?;
        let is_digit = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        if label.is_empty() || hash.len() != 10 || !hash.chars().all(is_digit) {
            return None;
        }
        let fits = |c: char| c.is_ascii_alphanumeric() || "-+._".contains(c);
        if !label.chars().all(fits) || label.starts_with('.') {
            return None;
        }
        Some(Self { label: label.to_owned(), hash: u64::from_str_radix(hash, 16).ok()? })
    }
}

impl fmt::Display for ArchiveId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}-{:010x}", self.label, self.hash))
    }
}

/// FNV-1a (Fowler, Noll, Vo): names must stay the same from version to version, which the standard library's
/// hashes don't promise. Not against an adversary: the config is its owner's.
struct Fnv(u64);

impl Fnv {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// Adds a text and its end, so that `ab`, `c` is not `a`, `bc`.
    fn add(&mut self, bytes: &[u8]) {
        for &byte in bytes.iter().chain(b"\0") {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ArchiveId;
    use crate::spec::{Recipe, Variant};

    fn recipe(suites: &[&str]) -> Recipe {
        Recipe {
            revision: 1,
            variant: Variant::Buildd,
            suites: suites.iter().map(ToString::to_string).collect(),
            components: vec!["main".to_owned()],
            include: vec![],
            mirror: None,
            security_mirror: None,
            keyring: None,
        }
    }

    #[test]
    fn chroots_that_differ_in_packages_share_an_archive() {
        let plain = recipe(&["trixie", "trixie-updates"]);
        let more = Recipe {
            include: vec!["cmake".to_owned()],
            variant: Variant::Minbase,
            ..plain.clone()
        };
        assert_eq!(ArchiveId::of(&plain), ArchiveId::of(&more));
    }

    #[test]
    fn chroots_share_the_suites_that_they_have_in_common() {
        let names = |suites: &[&str]| {
            let security_mirror = Some("http://mirror.example/security".to_owned());
            let recipe = Recipe { security_mirror, ..recipe(suites) };
            ArchiveId::all_of(&recipe).keys().map(ToString::to_string).collect::<Vec<_>>()
        };
        let plain = names(&["trixie", "trixie-security"]);
        let backports = names(&["trixie", "trixie-security", "trixie-backports"]);
        assert_eq!((plain.len(), backports.len()), (2, 3));
        assert!(plain.iter().all(|name| backports.contains(name)), "{plain:?} {backports:?}");
        let without = recipe(&["trixie"]);
        assert_eq!(plain[0], ArchiveId::of(&without).to_string(), "no security suite, no matter");
    }

    #[test]
    fn other_sources_are_another_archive() {
        let plain = recipe(&["trixie"]);
        let others = [
            recipe(&["trixie", "trixie-updates"]),
            Recipe { components: vec!["main".to_owned(), "contrib".to_owned()], ..plain.clone() },
            Recipe { mirror: Some("http://mirror.example/debian".to_owned()), ..plain.clone() },
            Recipe { keyring: Some("/keys.gpg".into()), ..plain.clone() },
        ];
        for other in others {
            assert_ne!(ArchiveId::of(&plain), ArchiveId::of(&other), "{other:?}");
        }
    }

    #[test]
    fn a_name_stays_the_same_and_reads_back() {
        let id = ArchiveId::of(&recipe(&["buster/updates"]));
        assert_eq!(id.to_string(), "buster_updates-bff1e35d60");
        assert_eq!(ArchiveId::parse(&id.to_string()), Some(id));
        for name in ["", "trixie", "-0123456789", "trixie-012345678", "../x-0123456789"] {
            assert_eq!(ArchiveId::parse(name), None, "{name}");
        }
    }
}
