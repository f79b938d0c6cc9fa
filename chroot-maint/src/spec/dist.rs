//! A distribution by its codename, and the suites that belong to it.
//!
//! Does not know mirrors, nor whether an archive carries the suite.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A suite to make chroots of, such as `trixie`, `sid` or `bookworm-backports`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Dist(String);

/// What follows a codename in the names of its further suites; the longer ones first.
const EXTENSIONS: [&str; 5] =
    ["-backports-sloppy", "-proposed-updates", "-backports", "-security", "-updates"];

/// Releases whose security suite is called `CODENAME/updates`.
const OLD_SECURITY: [&str; 6] = ["buster", "stretch", "jessie", "wheezy", "squeeze", "lenny"];

impl Dist {
    /// Takes a name that can be a suite, a directory and a word in a job's name at once.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let starts_well = name.starts_with(|c: char| c.is_ascii_alphanumeric());
        let rest = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '+');
        (starts_well && name.chars().all(rest)).then(|| Self(name.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The suite that a chroot is bootstrapped from: `bookworm` for `bookworm-backports`.
    pub(crate) fn base(&self) -> &str {
        if matches!(self.as_str(), "experimental" | "rc-buggy") {
            return "unstable";
        }
        EXTENSIONS.iter().find_map(|extension| self.0.strip_suffix(extension)).unwrap_or(&self.0)
    }

    /// The suites in its sources unless the config lists others: the base first, always.
    pub(crate) fn default_suites(&self) -> Vec<String> {
        let base = self.base();
        let mut suites = vec![base.to_owned()];
        if !matches!(base, "sid" | "unstable") {
            suites.push(format!("{base}-updates"));
            let old = OLD_SECURITY.contains(&base);
            suites.push(format!("{base}{}", if old { "/updates" } else { "-security" }));
        }
        if !suites.contains(&self.0) {
            suites.push(self.0.clone());
        }
        suites
    }
}

impl fmt::Display for Dist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl From<Dist> for String {
    fn from(dist: Dist) -> Self {
        dist.0
    }
}

impl TryFrom<String> for Dist {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        Self::parse(&name).ok_or_else(|| format!("`{name}' can't be a distribution's name"))
    }
}

#[cfg(test)]
mod tests {
    use super::Dist;

    fn suites(name: &str) -> Vec<String> {
        Dist::parse(name).unwrap().default_suites()
    }

    #[test]
    fn a_release_has_updates_and_security() {
        assert_eq!(suites("trixie"), ["trixie", "trixie-updates", "trixie-security"]);
    }

    #[test]
    fn the_old_security_suites_keep_their_name() {
        assert_eq!(suites("buster"), ["buster", "buster-updates", "buster/updates"]);
    }

    #[test]
    fn unstable_stands_alone_and_experimental_stands_on_it() {
        assert_eq!(suites("sid"), ["sid"]);
        assert_eq!(suites("experimental"), ["unstable", "experimental"]);
    }

    #[test]
    fn an_extension_is_added_to_its_release() {
        assert_eq!(
            suites("bookworm-backports-sloppy"),
            ["bookworm", "bookworm-updates", "bookworm-security", "bookworm-backports-sloppy"]
        );
    }

    #[test]
    fn a_name_that_could_leave_its_directory_is_none() {
        for name in ["", "..", "a/b", "-x", "a b", ".hidden"] {
            assert_eq!(Dist::parse(name), None, "{name}");
        }
    }
}
