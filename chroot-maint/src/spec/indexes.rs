//! What an archive has, as hashes: to be kept with a generation, and compared with what it has later. That decides
//! whether anything can have changed, without a look into any tree. Knows no files.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Arch;

/// The indexes of the suites of one archive, by the names of the suites.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Indexes {
    pub(crate) suites: BTreeMap<String, Suite>,
}

/// What a suite's verified Release file says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Suite {
    /// Its `Date`, word for word.
    pub(crate) date: String,
    /// The SHA256 of the `InRelease` file itself.
    pub(crate) in_release: String,
    /// The SHA256 of each Packages index in use, such as `main/binary-amd64`.
    pub(crate) packages: BTreeMap<String, String>,
}

impl Indexes {
    /// Those that a chroot of one architecture sees.
    pub(crate) fn of_arch(&self, arch: Arch) -> Self {
        let suffix = format!("/binary-{arch}");
        let is_seen = |index: &str| index.ends_with(&suffix) || index.ends_with("/binary-all");
        let only = |suite: &Suite| {
            let packages = suite.packages.iter().filter(|(index, _)| is_seen(index));
            let packages = packages.map(|(index, hash)| (index.clone(), hash.clone())).collect();
            Suite { packages, ..suite.clone() }
        };
        let suites = self.suites.iter().map(|(name, suite)| (name.clone(), only(suite)));
        Self { suites: suites.collect() }
    }

    /// A suite, if none at all has packages of this architecture's own.
    pub(crate) fn suite_without(&self, arch: Arch) -> Option<&str> {
        let suffix = format!("/binary-{arch}");
        let carries = |suite: &Suite| suite.packages.keys().any(|index| index.ends_with(&suffix));
        let first = self.suites.keys().next()?;
        (!self.suites.values().any(carries)).then_some(first)
    }

    /// The suites with other packages than then, or that were not there then or are not there now. A Release file that
    /// is new, with the same indexes in it, is no change: unstable has four of those a day.
    pub(crate) fn changed_since<'a>(&'a self, then: &'a Self) -> Vec<&'a str> {
        let names: BTreeSet<&String> = self.suites.keys().chain(then.suites.keys()).collect();
        let packages =
            |of: &'a Self, name: &String| of.suites.get(name).map(|suite| &suite.packages);
        names
            .into_iter()
            .filter(|name| packages(self, name) != packages(then, name))
            .map(String::as_str)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Arch, BTreeMap, Indexes, Suite};

    /// A suite's name, date, and indexes with their sums.
    type Row<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);

    fn indexes(suites: &[Row<'_>]) -> Indexes {
        let suite = |date: &str, packages: &[(&str, &str)]| Suite {
            date: date.to_owned(),
            in_release: String::new(),
            packages: packages.iter().map(|&(k, v)| (k.to_owned(), v.to_owned())).collect(),
        };
        let suites = suites.iter().map(|&(name, date, p)| (name.to_owned(), suite(date, p)));
        Indexes { suites: suites.collect::<BTreeMap<_, _>>() }
    }

    #[test]
    fn a_new_date_alone_is_no_change() {
        let then = indexes(&[("sid", "Mon", &[("main/binary-amd64", "aa")])]);
        let now = indexes(&[("sid", "Tue", &[("main/binary-amd64", "aa")])]);
        assert_eq!(now.changed_since(&then), [""; 0]);
    }

    #[test]
    fn the_suites_that_changed_are_named() {
        let then =
            indexes(&[("a", "", &[("main/binary-amd64", "1")]), ("b", "", &[]), ("c", "", &[])]);
        let now =
            indexes(&[("a", "", &[("main/binary-amd64", "2")]), ("b", "", &[]), ("d", "", &[])]);
        assert_eq!(now.changed_since(&then), ["a", "c", "d"]);
    }

    #[test]
    fn another_architectures_indexes_are_no_business_of_a_chroot() {
        let amd64 = Arch::find("amd64").unwrap();
        let of = |hash| {
            let packages =
                [("main/binary-all", "x"), ("main/binary-amd64", "1"), ("main/binary-arm64", hash)];
            indexes(&[("sid", "", &packages)]).of_arch(amd64)
        };
        assert_eq!(of("2"), of("3"));
        assert_eq!(of("2").suites["sid"].packages.len(), 2);
    }
}
