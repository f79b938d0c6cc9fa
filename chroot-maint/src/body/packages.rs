//! What is installed in a tree, as its own dpkg says. Changes nothing.

use std::{collections::BTreeSet, path::Path};

use super::{BodyError, process, step};
use crate::{sandbox::Sandbox, store::Package};

/// A line each; the fields in the order of [`Installed::read`].
const SHOW: &str = concat!(
    "${binary:Package}\t${Version}\t${db:Status-Abbrev}\t${Provides}\t",
    "${Essential}${Protected}\t${Pre-Depends}, ${Depends}\n"
);

/// All that is installed.
pub(super) struct Packages {
    list: Vec<Installed>,
}

/// One of them.
struct Installed {
    package: Package,
    /// The names that others can be installed under.
    provides: Vec<String>,
    /// Whether dpkg itself would not remove it.
    is_essential: bool,
    /// The names of what it needs, alternatives included.
    depends: Vec<String>,
}

impl Packages {
    /// Asks the tree's dpkg. One that is only unpacked or half removed is an error.
    pub(super) fn of(sandbox: Sandbox, tree: &Path) -> Result<Self, BodyError> {
        let mut show = sandbox.inside(tree, "dpkg-query");
        show.args(["--show", "--showformat", SHOW]);
        Self::read(&String::from_utf8_lossy(&process::output(step::QUERY, show)?))
    }

    pub(super) fn read(shown: &str) -> Result<Self, BodyError> {
        let list = shown.lines().filter_map(|line| Installed::read(line).transpose());
        Ok(Self { list: list.collect::<Result<_, _>>()? })
    }

    /// Name and version of each, in dpkg's order.
    pub(super) fn into_list(self) -> Vec<Package> {
        self.list.into_iter().map(|installed| installed.package).collect()
    }

    /// Whether a package is there, under its own name or another; `:ARCH` matters where it is asked for
    /// and dpkg shows it.
    pub(super) fn has(&self, wanted: &str) -> bool {
        self.list.iter().any(|installed| {
            is_it(&installed.package.name, wanted)
                || installed.provides.iter().any(|name| is_it(name, wanted))
        })
    }

    pub(super) fn require<'a>(
        &self,
        wanted: impl IntoIterator<Item = &'a String>,
    ) -> Result<(), BodyError> {
        let missing = wanted.into_iter().map(String::as_str).filter(|name| !self.has(name));
        let missing: Vec<&str> = missing.collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(BodyError::Unfit(format!("not installed: {}", missing.join(", "))))
    }

    /// What the tree can't do without, by the names that packages of its own architecture have in apt: what is essential,
    /// apt, what is wanted, and all that a compiler takes.
    pub(super) fn indispensable(&self, wanted: &[String]) -> BTreeSet<String> {
        let compiler = self.list.iter().filter(|installed| installed.is("build-essential"));
        let mut names: BTreeSet<&str> =
            compiler.flat_map(|installed| installed.depends.iter().map(String::as_str)).collect();
        names.extend(["apt", "build-essential"]);
        names.extend(wanted.iter().map(String::as_str));
        self.list
            .iter()
            .filter(|installed| {
                installed.is_essential || names.iter().any(|name| installed.is(name))
            })
            .map(|installed| plain(&installed.package.name).to_owned())
            .collect()
    }
}

impl Installed {
    /// Nothing if it is removed, with its configuration left.
    fn read(line: &str) -> Result<Option<Self>, BodyError> {
        let unfit = |what: String| Err(BodyError::Unfit(what));
        let fields: Vec<&str> = line.split('\t').collect();
        let &[name, version, state, provides, essential, depends] = fields.as_slice() else {
            return unfit(format!("dpkg-query says: {line}"));
        };
        match state.trim_end() {
            "ii" | "hi" => {}
            "rc" => return Ok(None),
            state => return unfit(format!("{name} is in state `{state}'")),
        }
        Ok(Some(Self {
            package: Package { name: name.to_owned(), version: version.to_owned() },
            provides: names(provides),
            is_essential: essential.contains("yes"),
            depends: names(depends),
        }))
    }

    fn is(&self, name: &str) -> bool {
        is_it(&self.package.name, name)
    }
}

/// `a (>= 1) | b:any, c` -> a, b, c
fn names(relations: &str) -> Vec<String> {
    let words = relations.split([',', '|']).filter_map(|one| one.split_whitespace().next());
    words.map(|word| plain(word).to_owned()).collect()
}

fn is_it(name: &str, wanted: &str) -> bool {
    name == wanted || plain(name) == plain(wanted) && !(name.contains(':') && wanted.contains(':'))
}

/// Without `:ARCH`.
fn plain(name: &str) -> &str {
    name.split(':').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::Packages;

    fn read(shown: &str) -> Result<Packages, String> {
        Packages::read(shown).map_err(|error| error.to_string())
    }

    #[test]
    fn packages_are_found_by_name_by_what_they_provide_and_with_architecture() {
        let packages =
            read("libc6:amd64\t2.41\tii \t\t\t, \nmawk\t1.3\tii \tawk, x (= 1)\t\t, \n").unwrap();
        for name in ["libc6", "libc6:amd64", "mawk", "awk", "x", "mawk:amd64"] {
            assert!(packages.has(name), "{name}");
        }
        for name in ["libc6:arm64", "gawk"] {
            assert!(!packages.has(name), "{name}");
        }
    }

    #[test]
    fn a_package_that_is_missing_is_named() {
        let packages = read("mawk\t1.3\tii \tawk\t\t, \n").unwrap();
        let wanted = ["mawk", "cmake"].map(str::to_owned);
        let error = packages.require(&wanted).unwrap_err().to_string();
        assert_eq!(error, "the new tree is not fit for use: not installed: cmake");
    }

    #[test]
    fn a_package_that_is_only_unpacked_makes_the_tree_unfit() {
        assert!(read("mawk\t1.3\tiU \tawk\t\t, \n").is_err());
        assert!(read("mawk\t1.3\trc \tawk\t\t, \n").unwrap().into_list().is_empty());
    }

    #[test]
    fn a_chroot_needs_what_is_essential_what_it_includes_and_its_compiler() {
        let packages = read(concat!(
            "apt\t1\tii \t\t\t, \n",
            "base-files\t1\tii \t\tyes\t, \n",
            "build-essential\t1\tii \t\t\t, libc6-dev | libc-dev, gcc (>= 4:12.2), make:any\n",
            "fakeroot\t1\tii \t\t\t, \n",
            "gcc\t1\tii \t\t\t, gcc-12\n",
            "gcc-12\t1\tii \t\t\t, \n",
            "libc6-dev:amd64\t1\tii \tlibc-dev\t\t, \n",
            "make\t1\tii \t\t\t, \n",
        ));
        let names = packages.unwrap().indispensable(&["fakeroot".to_owned(), "awk".to_owned()]);
        let expected =
            ["apt", "base-files", "build-essential", "fakeroot", "gcc", "libc6-dev", "make"];
        assert_eq!(names.into_iter().collect::<Vec<_>>(), expected);
    }
}
