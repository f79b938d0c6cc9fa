//! What two lists of packages differ in, for people. Knows no trees.

use std::{collections::BTreeMap, fmt};

use super::Package;

/// The differences, by the names of the packages.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes<'a> {
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
    pub(crate) fn between(old: &'a [Package], new: &'a [Package]) -> Self {
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

    pub(crate) fn is_empty(&self) -> bool {
        self.of.is_empty()
    }

    /// On one line: how many there are, and the first of them.
    pub(crate) fn in_short(&self) -> String {
        const SHOWN: usize = 4;
        let shown: Vec<String> =
            self.of.iter().take(SHOWN).map(|(name, change)| change.of(name)).collect();
        let shown = shown.join(", ");
        match self.of.len() {
            0 => "no package differs".to_owned(),
            1 => format!("1 package differs: {shown}"),
            count @ 2..=SHOWN => format!("{count} packages differ: {shown}"),
            count => format!("{count} packages differ: {shown}, and {} more", count - SHOWN),
        }
    }
}

impl Change<'_> {
    /// The change of the package of this name.
    fn of(&self, name: &str) -> String {
        match self {
            Self::Added { version } => format!("+ {name} {version}"),
            Self::Removed { version } => format!("- {name} {version}"),
            Self::Replaced { old, new } => format!("~ {name} {old} -> {new}"),
        }
    }
}

impl fmt::Display for Changes<'_> {
    /// A line each, and one that counts them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut added, mut removed, mut replaced) = (0, 0, 0);
        for (name, change) in &self.of {
            let count = match change {
                Change::Added { .. } => &mut added,
                Change::Removed { .. } => &mut removed,
                Change::Replaced { .. } => &mut replaced,
            };
            *count += 1;
            writeln!(f, "{}", change.of(name))?;
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

    #[test]
    fn in_short_they_are_counted_and_the_first_ones_named() {
        let old = packages(&[("a", "1"), ("b", "2"), ("c", "3")]);
        assert_eq!(Changes::between(&old, &old).in_short(), "no package differs");
        let new = packages(&[("b", "1"), ("c", "3"), ("d", "1")]);
        let shown = Changes::between(&old, &new).in_short();
        assert_eq!(shown, "3 packages differ: - a 1, ~ b 2 -> 1, + d 1");
        let shown = Changes::between(&old[1..], &new[..2]).in_short();
        assert_eq!(shown, "1 package differs: ~ b 2 -> 1");
        let many = packages(&["0", "1", "2", "3", "4", "5", "6", "7", "8"].map(|name| (name, "1")));
        assert!(Changes::between(&many, &[]).in_short().ends_with("- 3 1, and 5 more"));
    }
}
