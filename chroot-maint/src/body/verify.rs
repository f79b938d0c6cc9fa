//! Whether a tree is fit for use. Changes nothing in it: it may be somebody's chroot in a moment.

use std::path::Path;

use super::{BodyError, packages::Packages, process, step};
use crate::{
    sandbox::Sandbox,
    spec::{Arch, Elf, Recipe},
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

/// Checks the packages and runs what the tree is there to run; gives the packages.
pub(super) fn verify(
    sandbox: Sandbox,
    tree: &Path,
    arch: Arch,
    recipe: &Recipe,
) -> Result<Packages, BodyError> {
    let inside = |what: &'static str, words: &[&str]| {
        let mut command = sandbox.inside(tree, words[0]);
        command.args(&words[1..]);
        process::output(what, command)
    };

    let audit = inside(step::AUDIT, &["dpkg", "--audit"])?;
    if let Some(line) = String::from_utf8_lossy(&audit).lines().next() {
        return Err(BodyError::Unfit(format!("dpkg --audit says: {line}")));
    }
    // With its caches on the disk, apt would write to the tree.
    let no_caches = ["-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache="];
    inside(step::CHECK, &[&["apt-get", "check"][..], &no_caches].concat())?;

    let journal = inside(step::JOURNAL, &["ls", "/var/lib/dpkg/updates"])?;
    if !journal.is_empty() {
        return Err(BodyError::Unfit(
            "dpkg has not finished: /var/lib/dpkg/updates holds files".to_owned(),
        ));
    }
    let packages = Packages::of(sandbox, tree)?;
    packages.require(&recipe.include)?;

    let program = if packages.has("gcc") {
        inside(step::COMPILE, &["sh", "-c", COMPILE])?
    } else {
        inside(step::READ, &["cat", "/usr/bin/dpkg"])?
    };
    check_machine(&program, arch)?;
    Ok(packages)
}

fn check_machine(program: &[u8], arch: Arch) -> Result<(), BodyError> {
    let found = Elf::read(program);
    if found.is_some() && found == arch.elf() {
        return Ok(());
    }
    let found = found.map_or("no ELF file".to_owned(), |elf| elf.to_string());
    Err(BodyError::Unfit(format!("its programs are for another machine than {arch}: {found}")))
}

#[cfg(test)]
mod tests {
    use super::{Arch, check_machine};

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
