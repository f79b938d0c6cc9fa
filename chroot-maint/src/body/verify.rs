//! Whether a tree is fit for use. Changes nothing in it: it may be somebody's chroot in a moment.

use std::path::Path;

use super::{BodyError, process};
use crate::{
    sandbox::Sandbox,
    spec::{Arch, Elf, Recipe},
    store::Package,
};

/// Compiles a program, runs it, and writes it to the standard output; /tmp is the sandbox's own.
const COMPILE: &str = r#"set -eu
cd /tmp
cat >program.c <<'END'
#include <stdio.h>
int main(void) { return puts("fit") == EOF; }
END
gcc -O2 -o program program.c
[ "$(./program)" = fit ]
cat program
"#;

/// Package, version, state and what it provides, a line each.
const SHOW: &str = "${binary:Package}\t${Version}\t${db:Status-Abbrev}\t${Provides}\n";

/// Checks the packages and runs what the tree is there to run; gives the packages.
pub(super) fn verify(
    sandbox: Sandbox,
    tree: &Path,
    arch: Arch,
    recipe: &Recipe,
) -> Result<Vec<Package>, BodyError> {
    let inside = |what: &'static str, words: &[&str]| {
        let mut command = sandbox.inside(tree, words[0]);
        command.args(&words[1..]);
        process::output(what, command)
    };

    let audit = inside("dpkg --audit", &["dpkg", "--audit"])?;
    if let Some(line) = String::from_utf8_lossy(&audit).lines().next() {
        return Err(BodyError::Unfit(format!("dpkg --audit says: {line}")));
    }
    // With its caches on the disk, apt would write to the tree.
    let no_caches = ["-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache="];
    inside("apt-get check", &[&["apt-get", "check"][..], &no_caches].concat())?;

    let shown = inside("dpkg-query", &["dpkg-query", "--show", "--showformat", SHOW])?;
    let packages = Packages::read(&String::from_utf8_lossy(&shown))?;
    packages.require(&recipe.include)?;

    let program = if packages.has("gcc") {
        inside("compiling and running a program", &["sh", "-c", COMPILE])?
    } else {
        inside("reading a program", &["cat", "/usr/bin/dpkg"])?
    };
    check_machine(&program, arch)?;
    Ok(packages.list)
}

fn check_machine(program: &[u8], arch: Arch) -> Result<(), BodyError> {
    let found = Elf::read(program);
    if found.is_some() && found == arch.elf() {
        return Ok(());
    }
    let found = found.map_or("no ELF file".to_owned(), |elf| elf.to_string());
    Err(BodyError::Unfit(format!("its programs are for another machine than {arch}: {found}")))
}

/// What dpkg says is installed.
struct Packages {
    list: Vec<Package>,
    /// The names that others can be installed under.
    provided: Vec<String>,
}

impl Packages {
    fn read(shown: &str) -> Result<Self, BodyError> {
        let (mut list, mut provided) = (Vec::new(), Vec::new());
        for line in shown.lines() {
            let fields: Vec<&str> = line.split('\t').collect();
            let &[name, version, state, others] = fields.as_slice() else {
                return Err(BodyError::Unfit(format!("dpkg-query says: {line}")));
            };
            match state.trim_end() {
                "ii" | "hi" => {}
                // Removed, with its configuration left.
                "rc" => continue,
                state => return Err(BodyError::Unfit(format!("{name} is in state `{state}'"))),
            }
            list.push(Package { name: name.to_owned(), version: version.to_owned() });
            let names = others.split(',').filter_map(|one| one.split_whitespace().next());
            provided.extend(names.map(str::to_owned));
        }
        Ok(Self { list, provided })
    }

    /// Whether a package is there, under its own name or another; `:ARCH` matters where it is asked for
    /// and dpkg shows it.
    fn has(&self, wanted: &str) -> bool {
        let plain = |name: &str| name.split(':').next().map(str::to_owned);
        let is_it = |name: &str| {
            name == wanted
                || plain(name) == plain(wanted) && !(name.contains(':') && wanted.contains(':'))
        };
        self.list.iter().any(|package| is_it(&package.name))
            || self.provided.iter().any(|name| is_it(name))
    }

    fn require(&self, wanted: &[String]) -> Result<(), BodyError> {
        let missing: Vec<&str> =
            wanted.iter().map(String::as_str).filter(|name| !self.has(name)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(BodyError::Unfit(format!("not installed: {}", missing.join(", "))))
    }
}

#[cfg(test)]
mod tests {
    use super::{Arch, Packages, check_machine};

    fn read(shown: &str) -> Result<Packages, String> {
        Packages::read(shown).map_err(|error| error.to_string())
    }

    #[test]
    fn packages_are_found_by_name_by_what_they_provide_and_with_architecture() {
        let packages = read("libc6:amd64\t2.41\tii \t\nmawk\t1.3\tii \tawk, x (= 1)\n").unwrap();
        for name in ["libc6", "libc6:amd64", "mawk", "awk", "x", "mawk:amd64"] {
            assert!(packages.has(name), "{name}");
        }
        for name in ["libc6:arm64", "gawk"] {
            assert!(!packages.has(name), "{name}");
        }
    }

    #[test]
    fn a_package_that_is_missing_is_named() {
        let packages = read("mawk\t1.3\tii \tawk\n").unwrap();
        let wanted = ["mawk", "cmake"].map(str::to_owned);
        let error = packages.require(&wanted).unwrap_err().to_string();
        assert_eq!(error, "the new tree is not fit for use: not installed: cmake");
    }

    #[test]
    fn a_package_that_is_only_unpacked_makes_the_tree_unfit() {
        assert!(read("mawk\t1.3\tiU \tawk\n").is_err());
        assert!(read("mawk\t1.3\trc \tawk\n").unwrap().list.is_empty());
    }

    #[test]
    fn programs_of_another_machine_make_the_tree_unfit() {
        let mut header = [0; 20];
        header[..6].copy_from_slice(b"\x7fELF\x02\x01");
        header[18] = 62;
        assert!(check_machine(&header, Arch::find("amd64").unwrap()).is_ok());
        assert!(check_machine(&header, Arch::find("x32").unwrap()).is_err());
        assert!(check_machine(b"", Arch::find("amd64").unwrap()).is_err());
    }
}
