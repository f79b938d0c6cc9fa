//! Placing tools and taking them out again, in made-up trees. Runs no dpkg of a chroot.

use std::{fs, os::unix::fs::symlink, path::Path, process::Command};

use super::{PRIVATE, Placement, Tier, place, placed, plan, take_out};
use crate::cross::{
    list::Start,
    manifest::{Built, LeftOut, Manifest, Program},
    packages::testing::write_down,
};

const SHELL: &[Tier] = &[Tier::Shell];

fn program(package: &str, name: &str, version: &str) -> Program {
    Program {
        file: vec![format!("/usr/bin/{name}")],
        name: name.to_owned(),
        package: package.to_owned(),
        version: version.to_owned(),
        optional: false,
    }
}

fn manifest(groups: &[(&str, &[Program])]) -> Manifest {
    let built = |&(name, programs): &(&str, &[Program])| Built {
        name: name.to_owned(),
        tier: Tier::Shell,
        start: Start::Link,
        programs: programs.to_vec(),
    };
    Manifest {
        hash: "h".to_owned(),
        triplet: "t".to_owned(),
        gcc: "14".to_owned(),
        groups: groups.iter().map(built).collect(),
        left_out: vec![LeftOut { name: "gawk".to_owned(), reason: "not there".to_owned() }],
    }
}

/// A chroot with sed as its package calls it, on a merged /usr.
fn chroot(version: &str) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("usr/bin")).unwrap();
    fs::create_dir_all(root.path().join("usr/lib")).unwrap();
    symlink("usr/bin", root.path().join("bin")).unwrap();
    fs::write(root.path().join("usr/bin/sed"), "foreign sed").unwrap();
    write_down(root.path(), &[("sed", version, &["/bin/sed"])]);
    root
}

fn tree() -> tempfile::TempDir {
    let tree = tempfile::tempdir().unwrap();
    for dir in ["bin", "lib"] {
        fs::create_dir(tree.path().join(dir)).unwrap();
    }
    fs::write(tree.path().join("bin/sed"), "native sed").unwrap();
    tree
}

/// Does nothing in the chroot's place, and fails or not.
fn succeeds(_: &str) -> Command {
    Command::new("true")
}

fn fails(_: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "echo 'dpkg-divert: error: no' >&2; exit 2"]);
    command
}

fn plan_for(root: &Path, manifest: &Manifest, tree: &Path) -> Placement {
    plan(root, manifest, tree, SHELL).unwrap()
}

fn sed_of(version: &str) -> Manifest {
    manifest(&[("sed", &[program("sed", "sed", version)])])
}

fn read(root: &Path, file: &str) -> String {
    fs::read_to_string(root.join(file)).unwrap()
}

#[test]
fn a_diversion_calls_a_file_as_its_package_does() {
    let (root, tree) = (chroot("4.9-2"), tree());
    let placement = plan_for(root.path(), &sed_of("4.9-2+b1"), tree.path());
    assert_eq!(placement.groups[0].files[0].file, "/bin/sed");
    assert_eq!(placement.groups[0].verdict.to_string(), "exact");
}

#[test]
fn another_upstream_version_stays_emulated_and_it_is_said_why() {
    let (root, tree) = (chroot("4.8-1"), tree());
    let placement = plan_for(root.path(), &sed_of("4.9-2"), tree.path());
    assert!(placement.groups.is_empty());
    assert_eq!(placement.skipped[0].reason, "refused: sed is 4.9-2, but sed is 4.8-1");
    assert_eq!(placement.skipped[1].reason, "not there");
}

#[test]
fn a_group_of_which_the_chroot_lacks_a_program_stays_emulated_as_a_whole() {
    let (root, tree) = (chroot("4.9-2"), tree());
    let both = [program("sed", "sed", "4.9-2"), program("x", "x", "1")];
    let placement = plan_for(root.path(), &manifest(&[("both", &both)]), tree.path());
    assert!(placement.groups.is_empty());
    assert_eq!(placement.skipped[0].reason, "the chroot has no /usr/bin/x");
}

#[test]
fn what_is_placed_stands_in_its_place_and_the_chroots_own_beside_it() {
    let (root, tree) = (chroot("4.9-2"), tree());
    let placement = plan_for(root.path(), &sed_of("4.9-2"), tree.path());
    place(root.path(), tree.path(), &placement, &succeeds).unwrap();
    assert_eq!(read(root.path(), "usr/bin/sed"), "native sed");
    assert_eq!(read(root.path(), "usr/bin/sed.emulated"), "foreign sed");
    assert!(!fs::symlink_metadata(root.path().join("usr/bin/sed")).unwrap().is_symlink());
    assert_eq!(placed(root.path()).unwrap(), Some(placement));
}

#[test]
fn taking_out_leaves_the_chroots_own_and_nothing_else() {
    let (root, tree) = (chroot("4.9-2"), tree());
    let placement = plan_for(root.path(), &sed_of("4.9-2"), tree.path());
    place(root.path(), tree.path(), &placement, &succeeds).unwrap();
    take_out(root.path(), &succeeds).unwrap();
    assert_eq!(read(root.path(), "usr/bin/sed"), "foreign sed");
    let left: Vec<_> = fs::read_dir(root.path().join("usr/bin")).unwrap().collect();
    assert_eq!(left.len(), 1);
    assert!(!root.path().join(&PRIVATE[1..]).exists());
    assert_eq!(placed(root.path()).unwrap(), None);
}

#[test]
fn a_program_whose_package_is_gone_is_not_left_behind() {
    let (root, tree) = (chroot("4.9-2"), tree());
    let placement = plan_for(root.path(), &sed_of("4.9-2"), tree.path());
    place(root.path(), tree.path(), &placement, &succeeds).unwrap();
    fs::remove_file(root.path().join("usr/bin/sed.emulated")).unwrap();
    take_out(root.path(), &succeeds).unwrap();
    assert!(!root.path().join("usr/bin/sed").exists());
}

#[test]
fn what_dpkg_divert_says_is_passed_on() {
    let (root, tree) = (chroot("4.9-2"), tree());
    let placement = plan_for(root.path(), &sed_of("4.9-2"), tree.path());
    let error = place(root.path(), tree.path(), &placement, &fails).unwrap_err();
    assert_eq!(error.to_string(), "dpkg-divert failed in the chroot: dpkg-divert: error: no");
}

#[test]
fn nothing_to_take_out_is_no_error() {
    let root = chroot("1");
    take_out(root.path(), &fails).unwrap();
}
