//! What two lists of packages differ in, for people. Knows no trees.

use std::{collections::BTreeMap, fmt};

use crate::store::Package;

/// The differences, by the names of the packages.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes<'a> {
    of: BTreeMap<&'a str, Change<'a>>,
}

/// What became of a package, with its versions.
#[derive(Debug, PartialEq, Eq)]
enum Change<'a> {
    Added { version: &'a str },
    Removed { version: &'a str },
    Replaced { old: &'a str, new: &'a str },
}

impl<'a> Changes<'a> {
    pub(super) fn between(old: &'a [Package], new: &'a [Package]) -> Self {
        let mut of: BTreeMap<&str, Change<'_>> = old
            .iter()
            .map(|Package { name, version }| (&**name, Change::Removed { version }))
            .collect();
        for Package { name, version } in new {
            match of.remove(&**name) {
                None => drop(of.insert(name, Change::Added { version })),
                Some(Change::Removed { version: old }) if old != version => {
                    of.insert(name, Change::Replaced { old, new: version });
                }
                Some(_) => {}
            }
        }
        Self { of }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.of.is_empty()
    }
}

impl fmt::Display for Changes<'_> {
    /// A line each, and one that counts them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut added, mut removed, mut replaced) = (0, 0, 0);
        for (name, change) in &self.of {
            match change {
                Change::Added { version } => {
                    added += 1;
                    writeln!(f, "+ {name} {version}")?;
                }
                Change::Removed { version } => {
                    removed += 1;
                    writeln!(f, "- {name} {version}")?;
                }
                Change::Replaced { old, new } => {
                    replaced += 1;
                    writeln!(f, "~ {name} {old} -> {new}")?;
                }
            }
        }
        write!(f, "packages: {replaced} changed, {added} added, {removed} removed")
    }
}

#[cfg(test)]
mod tests {
    use super::{Changes, Package};

    fn packages(list: &[(&str, &str)]) -> Vec<Package> {
        let package = |&(name, version): &(&str, &str)| Package {
            name: name.to_owned(),
            version: version.to_owned(),
        };
        list.iter().map(package).collect()
    }

    #[test]
    fn each_change_is_a_line_in_the_order_of_names() {
        let old = packages(&[("zlib1g", "1"), ("gcc-12", "12.1"), ("hello", "2"), ("same", "1")]);
        let new = packages(&[("same", "1"), ("hello", "3"), ("zlib1g", "0"), ("gcc-13", "13.1")]);
        let shown = Changes::between(&old, &new).to_string();
        let expected = [
            "- gcc-12 12.1",
            "+ gcc-13 13.1",
            "~ hello 2 -> 3",
            "~ zlib1g 1 -> 0",
            "packages: 2 changed, 1 added, 1 removed",
        ];
        assert_eq!(shown.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn the_order_in_which_packages_are_listed_is_no_change() {
        let old = packages(&[("a:amd64", "1"), ("a:i386", "1")]);
        let new = packages(&[("a:i386", "1"), ("a:amd64", "1")]);
        assert!(Changes::between(&old, &new).is_empty());
    }
}
