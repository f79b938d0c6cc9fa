//! What a chroot is made of, as far as the config decides it: when it changes, the chroot is made anew.
//!
//! Does not hold what this host decides by itself (its mirror, its proxy), for a chroot stays
//! good when that changes.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Everything that a new generation is made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Recipe {
    /// Counts the changes in how chroots are made: [`Recipe::REVISION`] when it was written.
    pub(crate) revision: u32,
    pub(crate) variant: Variant,
    pub(crate) suites: Vec<String>,
    pub(crate) components: Vec<String>,
    /// Packages beyond the variant's, sorted, each once.
    pub(crate) include: Vec<String>,
    /// The mirrors that the config names, without a slash at the end.
    pub(crate) mirror: Option<String>,
    pub(crate) security_mirror: Option<String>,
    pub(crate) keyring: Option<PathBuf>,
}

/// Which packages a chroot starts from; mmdebstrap's word for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Variant {
    Apt,
    Buildd,
    Essential,
    Important,
    Minbase,
    Standard,
}

impl Recipe {
    /// To be raised whenever chroots made by the code before should be made anew.
    pub(crate) const REVISION: u32 = 2;

    /// What has to be known to fetch one of its suites, as a recipe of that suite alone; one for each.
    pub(crate) fn by_suite(&self) -> impl Iterator<Item = Self> {
        self.suites.iter().map(|suite| Self {
            suites: vec![suite.clone()],
            security_mirror: self.security_mirror.clone().filter(|_| is_security(suite)),
            ..self.clone()
        })
    }

    /// What differs from another recipe, in the config's words; empty if nothing does.
    pub(crate) fn changes_since(&self, old: &Self) -> Vec<&'static str> {
        [
            ("the way chroots are made", self.revision != old.revision),
            ("variant", self.variant != old.variant),
            ("suites", self.suites != old.suites),
            ("components", self.components != old.components),
            ("include", self.include != old.include),
            ("mirror", self.mirror != old.mirror),
            ("security-mirror", self.security_mirror != old.security_mirror),
            ("keyring", self.keyring != old.keyring),
        ]
        .into_iter()
        .filter_map(|(what, changed)| changed.then_some(what))
        .collect()
    }
}

/// Whether a suite comes from the security archive, which has mirrors of its own.
pub(crate) fn is_security(suite: &str) -> bool {
    suite.ends_with("-security") || suite.ends_with("/updates")
}

impl Variant {
    /// Every variant with its name in the config and for mmdebstrap.
    pub(crate) const ALL: [(&str, Self); 6] = [
        ("apt", Self::Apt),
        ("buildd", Self::Buildd),
        ("essential", Self::Essential),
        ("important", Self::Important),
        ("minbase", Self::Minbase),
        ("standard", Self::Standard),
    ];

    pub(crate) fn find(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|&(_, variant)| variant)
    }

    pub(crate) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, known)| *known == self).map_or("", |&(name, _)| name)
    }
}
