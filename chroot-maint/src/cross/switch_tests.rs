//! The switch, compiled by the host's compiler and run on made-up trees, with dpkg's own dpkg-divert to write down what it does.

use std::{
    fs,
    os::unix::{
        fs::{MetadataExt, PermissionsExt, symlink},
        process::ExitStatusExt,
    },
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
    time::{Duration, UNIX_EPOCH},
};

use super::{
    packages::testing::write_down,
    programs::{DISPATCHER, SWITCH, testing::compile},
};

/// Compiles it once for all tests, into a directory that goes with the build's.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let program = tempfile::tempdir().unwrap().keep().join("switch");
        compile(&SWITCH, None, &program);
        program
    })
}

/// A tree of two packages, with tools for some of their programs.
struct Tree {
    root: tempfile::TempDir,
}

const SED: &str = "group\tsed\nfile\t/usr/bin/sed\tsed\tsed\t4.9-2\tneeded\n";

impl Tree {
    fn new(list: &str) -> Self {
        let tree = Self { root: tempfile::tempdir().unwrap() };
        for dir in ["usr/bin", "usr/lib/chroot-maint/bin", "usr/lib/chroot-maint/lib"] {
            fs::create_dir_all(tree.path(dir)).unwrap();
        }
        tree.write("usr/lib/chroot-maint/dispatch", "host's");
        symlink("/usr/bin/dpkg-divert", tree.path("usr/lib/chroot-maint/bin/dpkg-divert")).unwrap();
        tree.write("usr/lib/chroot-maint/switch.list", &format!("arch\tarm64\n{list}"));
        tree.install(&[]);
        tree
    }

    fn path(&self, file: &str) -> PathBuf {
        self.root.path().join(file)
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.path(file), text).unwrap();
    }

    /// What is in a file, before the trailer if it has one.
    fn read(&self, file: &str) -> String {
        let text = fs::read_to_string(self.path(file)).unwrap();
        text.split("chroot-maint for").next().unwrap_or_default().to_owned()
    }

    fn date(&self, file: &str, seconds: u64) {
        let file = fs::File::options().write(true).open(self.path(file)).unwrap();
        file.set_modified(UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
    }

    /// Has dpkg's database say this, with the name of each architecture.
    fn install(&self, packages: &[(&str, &str, &str)]) {
        let named: Vec<(&str, &str, &[&str])> =
            packages.iter().map(|(name, version, _)| (*name, *version, &[][..])).collect();
        write_down(self.root.path(), &named);
        let paragraph = |(name, version, arch): &(&str, &str, &str)| {
            format!(
                "Package: {name}\nStatus: install ok installed\nArchitecture: {arch}\nVersion: {version}\n\n"
            )
        };
        let status: String = packages.iter().map(paragraph).collect();
        self.write("var/lib/dpkg/status", &status);
    }

    fn with_sed(version: &str) -> Self {
        let tree = Self::new(SED);
        tree.write("usr/bin/sed", "own");
        tree.install(&[("sed", version, "arm64")]);
        tree
    }

    fn run(&self, words: &[&str]) -> Output {
        let mut switch = Command::new(program());
        switch.args(words).arg("--root").arg(self.root.path()).output().unwrap()
    }

    /// Has dpkg-divert run these lines of a shell script first; no lines have it do only what it always does.
    fn before_diverting(&self, lines: &str) {
        let file = self.path("usr/lib/chroot-maint/bin/dpkg-divert");
        fs::remove_file(&file).unwrap();
        fs::write(&file, format!("#!/bin/sh\n{lines}\nexec /usr/bin/dpkg-divert \"$@\"\n"))
            .unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn switch(&self, words: &[&str]) -> String {
        let output = self.run(words);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        said
    }

    /// What dpkg-divert itself knows.
    fn diverted(&self) -> String {
        let list = Command::new("dpkg-divert")
            .arg("--admindir")
            .arg(self.path("var/lib/dpkg"))
            .arg("--list")
            .output()
            .unwrap();
        String::from_utf8(list.stdout).unwrap()
    }

    fn programs(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("usr/bin")).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn verdict(donor: &str, own: &str) -> String {
    let tree = Tree::new(&format!("group\tx\nfile\t/usr/bin/x\tx\tx-cross\t{donor}\tneeded\n"));
    tree.write("usr/bin/x", "own");
    tree.install(&[("x", own, "arm64")]);
    tree.switch(&[]);
    let said = tree.switch(&["status"]);
    let verdict = said.trim_end().rsplit('\t').next().unwrap();
    verdict.split(':').next().unwrap().to_owned()
}

#[test]
fn the_same_source_is_exact_however_often_it_was_built() {
    for (donor, own) in [
        ("14.2.0-19cross1", "14.2.0-19"),
        ("2.44-3", "2.44-3"),
        ("5.2.37-2+b10", "5.2.37-2+b8"),
        ("5.2.37-2", "5.2.37-2+b8"),
        ("1.22.21", "1.22.21"),
        ("1.22.21+b3", "1.22.21"),
        ("1:5.2.1-2", "1:5.2.1-2"),
    ] {
        assert_eq!(verdict(donor, own), "exact", "{donor} {own}");
    }
}

#[test]
fn another_revision_is_close_and_another_upstream_version_or_epoch_is_refused() {
    for (donor, own) in [
        ("12.2.0-14cross1", "12.2.0-14+deb12u1"),
        ("14.4.0-2cross1", "14.4.0-3"),
        ("1.35+dfsg-3", "1.35+dfsg-3.1"),
    ] {
        assert_eq!(verdict(donor, own), "close", "{donor} {own}");
    }
    for (donor, own) in [
        ("14.2.0-19", "14.3.0-1"),
        ("1:1.0-1", "1.0-1"),
        ("9.7-3", "9.7~rc1-3"),
        ("1.22.21", "1.22.22"),
    ] {
        assert_eq!(verdict(donor, own), "refused", "{donor} {own}");
    }
}

#[test]
fn the_hosts_program_stands_in_its_place_and_the_chroots_own_beside_it() {
    let tree = Tree::with_sed("4.9-2+b1");
    let own = fs::metadata(tree.path("usr/bin/sed")).unwrap().ino();
    tree.switch(&[]);
    assert_eq!(tree.read("usr/bin/sed"), "host's");
    assert_eq!(fs::metadata(tree.path("usr/bin/sed.emulated")).unwrap().ino(), own);
    assert!(!fs::symlink_metadata(tree.path("usr/bin/sed")).unwrap().is_symlink());
    assert_eq!(tree.diverted(), "local diversion of /usr/bin/sed to /usr/bin/sed.emulated\n");
    assert_eq!(tree.switch(&["status"]), "sed\tin\texact\n");
}

#[test]
fn switched_off_the_chroot_has_all_of_its_own_and_nothing_else() {
    let tree = Tree::with_sed("4.9-2");
    tree.switch(&[]);
    tree.switch(&["off"]);
    assert_eq!(
        (tree.read("usr/bin/sed").as_str(), tree.programs()),
        ("own", vec!["sed".to_owned()])
    );
    assert_eq!(tree.diverted(), "");
    tree.switch(&[]);
    assert_eq!(tree.read("usr/bin/sed"), "own", "it stays off whatever dpkg does");
    tree.switch(&["on"]);
    assert_eq!(tree.read("usr/bin/sed"), "host's");
}

#[test]
fn an_upgrade_to_another_upstream_version_takes_a_group_out_and_says_why() {
    let tree = Tree::with_sed("4.9-2");
    tree.switch(&[]);
    // dpkg unpacks to the other name.
    tree.write("usr/bin/sed.emulated", "newer");
    tree.install(&[("sed", "4.10-1", "arm64")]);
    assert_eq!(tree.switch(&[]), "chroot-maint: sed, refused: sed is 4.9-2, but sed is 4.10-1\n");
    assert_eq!(tree.read("usr/bin/sed"), "newer");
    assert_eq!((tree.diverted(), tree.programs().len()), (String::new(), 1));
    assert_eq!(tree.switch(&[]), "", "said once");
    tree.install(&[("sed", "4.9-3", "arm64")]);
    assert_eq!(tree.switch(&[]), "chroot-maint: sed, close: sed is 4.9-2, but sed is 4.9-3\n");
    assert_eq!(tree.read("usr/bin/sed"), "host's");
}

#[test]
fn a_group_is_in_as_a_whole_or_not_at_all() {
    let list = "group\tgcc\nfile\t/usr/bin/gcc\tgcc\tgcc\t14-1\tneeded\n\
                file\t/usr/bin/ld\tbinutils\tbinutils\t2-1\tneeded\n\
                file\t/usr/bin/g++\tg++\tg++\t14-1\toptional\n";
    let tree = Tree::new(list);
    for file in ["gcc", "ld", "g++"] {
        tree.write(&format!("usr/bin/{file}"), "own");
    }
    tree.install(&[("gcc", "14-1", "arm64")]);
    assert_eq!(tree.switch(&["status"]), "gcc\tout\tabsent: binutils is not installed\n");
    tree.install(&[("gcc", "14-1", "arm64"), ("binutils", "3-1", "arm64")]);
    tree.switch(&[]);
    assert_eq!(tree.read("usr/bin/gcc"), "own");
    tree.install(&[("gcc", "14-1", "arm64"), ("binutils", "2-1", "arm64")]);
    tree.switch(&[]);
    assert_eq!(tree.read("usr/bin/ld"), "host's");
    assert_eq!(tree.read("usr/bin/g++"), "own", "its package is not there");
    tree.install(&[
        ("gcc", "14-1", "arm64"),
        ("binutils", "2-1", "arm64"),
        ("g++", "14-1", "arm64"),
    ]);
    tree.switch(&[]);
    assert_eq!(tree.read("usr/bin/g++"), "host's");
}

#[test]
fn a_program_whose_package_is_removed_is_not_left_behind() {
    let tree = Tree::with_sed("4.9-2");
    tree.switch(&[]);
    fs::remove_file(tree.path("usr/bin/sed.emulated")).unwrap();
    tree.install(&[]);
    tree.switch(&[]);
    assert_eq!((tree.programs().len(), tree.diverted().as_str()), (0, ""));
}

#[test]
fn a_package_that_comes_later_gets_its_group_in() {
    let tree = Tree::new(SED);
    tree.switch(&[]);
    assert_eq!(tree.diverted(), "");
    tree.write("usr/bin/sed", "own");
    tree.install(&[("sed", "4.9-2", "arm64")]);
    tree.switch(&[]);
    assert_eq!(tree.read("usr/bin/sed"), "host's");
}

#[test]
fn a_call_that_was_killed_is_made_good_by_the_next_one() {
    // Killed when the other name was there, and dpkg did not know of it.
    let tree = Tree::with_sed("4.9-2");
    fs::hard_link(tree.path("usr/bin/sed"), tree.path("usr/bin/sed.emulated")).unwrap();
    tree.switch(&[]);
    assert_eq!(
        (tree.read("usr/bin/sed").as_str(), tree.read("usr/bin/sed.emulated").as_str()),
        ("host's", "own")
    );
    // Killed when dpkg knew of it, and the chroot's own was in its place still.
    let tree = Tree::with_sed("4.9-2");
    tree.switch(&[]);
    fs::remove_file(tree.path("usr/bin/sed")).unwrap();
    fs::copy(tree.path("usr/bin/sed.emulated"), tree.path("usr/bin/sed")).unwrap();
    fs::write(tree.path("usr/bin/sed.chroot-maint-new"), "").unwrap();
    tree.switch(&[]);
    assert_eq!(tree.read("usr/bin/sed"), "host's");
    assert_eq!(tree.programs(), ["sed", "sed.emulated"]);
}

#[test]
fn a_call_that_was_killed_while_it_gave_back_loses_nothing_of_the_chroots_own() {
    for word in ["sync", "off"] {
        let tree = Tree::with_sed("4.9-2");
        tree.switch(&[]);
        // dpkg has been told, and the chroot's own still has its other name.
        fs::write(tree.path("var/lib/dpkg/diversions"), "").unwrap();
        tree.switch(&[word]);
        tree.switch(&["off"]);
        assert_eq!(tree.read("usr/bin/sed"), "own", "{word}");
        assert_eq!((tree.programs().len(), tree.diverted().as_str()), (1, ""));
    }
}

#[test]
fn a_call_that_was_killed_while_it_gave_back_an_upgraded_script_does_not_lose_it() {
    let tree = with_dh("5.40.1-6");
    tree.switch(&[]);
    let newer = "#!/usr/bin/perl\nnewer\n";
    tree.write("usr/bin/dh.emulated", newer);
    tree.date("usr/bin/dh.emulated", 0);
    fs::write(tree.path("var/lib/dpkg/diversions"), "").unwrap();
    tree.switch(&[]);
    tree.switch(&["off"]);
    assert_eq!(tree.read("usr/bin/dh"), newer);
}

#[test]
fn packages_of_other_architectures_do_not_count() {
    let tree = Tree::with_sed("4.9-2");
    tree.switch(&[]);
    tree.install(&[("sed", "4.9-2", "arm64"), ("sed", "4.10-1", "amd64")]);
    assert_eq!(tree.switch(&["status"]), "sed\tin\texact\n");
}

#[test]
fn what_was_found_out_in_the_chroot_counts_as_well() {
    let tree = Tree::with_sed("4.9-2");
    tree.write("usr/lib/chroot-maint/refused", "group\tsed\nrefuse\tit says otherwise\n");
    assert_eq!(tree.switch(&["status"]), "sed\tout\trefused: it says otherwise\n");
}

const TWO: &str = "group\tpatch\nfile\t/usr/bin/patch\tpatch\tpatch\t2.8-2\tneeded\n\
                   file\t/usr/bin/unpatch\tpatch\tpatch\t2.8-2\toptional\n";

fn with_patch() -> Tree {
    let tree = Tree::new(TWO);
    tree.write("usr/bin/patch", "own");
    tree.write("usr/bin/unpatch", "own");
    tree.install(&[("patch", "2.8-2", "arm64")]);
    tree
}

#[test]
fn a_program_that_somebody_else_has_diverted_keeps_its_whole_group_out_and_nothing_fails() {
    for (diversion, reason) in [
        ("/usr/bin/unpatch\n/usr/bin/unpatch.real\nfoo\n", "/usr/bin/unpatch is diverted by foo"),
        (
            "/usr/bin/unpatch\n/usr/bin/unpatch.distrib\n:\n",
            "/usr/bin/unpatch is diverted by the administrator",
        ),
        (
            "/usr/bin/unpatch\n/usr/bin/unpatch.emulated\nfoo\n",
            "/usr/bin/unpatch is diverted by foo",
        ),
        (
            "/usr/bin/unpaid\n/usr/bin/unpatch\nfoo\n",
            "/usr/bin/unpaid is diverted to /usr/bin/unpatch by foo",
        ),
    ] {
        let tree = with_patch();
        tree.write("var/lib/dpkg/diversions", diversion);
        for word in ["on", "off", "on"] {
            tree.switch(&[word]);
            assert_eq!(
                fs::read_to_string(tree.path("var/lib/dpkg/diversions")).unwrap(),
                diversion
            );
            assert_eq!((tree.read("usr/bin/patch"), tree.programs().len()), ("own".to_owned(), 2));
        }
        assert_eq!(tree.switch(&["status"]), format!("patch\tout\trefused: {reason}\n"));
    }
}

#[test]
fn a_group_of_which_one_file_cannot_be_put_in_is_out_as_a_whole() {
    let tree = with_patch();
    tree.before_diverting("case \"$*\" in *--add*/unpatch) exit 1 ;; esac");
    assert_eq!(tree.run(&[]).status.code(), Some(1));
    assert_eq!(
        (tree.diverted().as_str(), tree.programs().join(" ").as_str()),
        ("", "patch unpatch")
    );
    assert_eq!(
        (tree.read("usr/bin/patch"), tree.read("usr/bin/unpatch")),
        ("own".to_owned(), "own".to_owned())
    );
    // dpkg-divert does as it is told, and what is to stand there can't be made.
    tree.before_diverting("");
    let list = |versions: &str| format!("arch\tarm64\n{}", TWO.replace("2.8-2\topt", versions));
    let long = format!("2.8-2{}\topt", "0".repeat(200));
    tree.write("usr/lib/chroot-maint/switch.list", &list(&long));
    assert_eq!(tree.run(&[]).status.code(), Some(1));
    assert_eq!(
        (tree.diverted().as_str(), tree.programs().join(" ").as_str()),
        ("", "patch unpatch")
    );
    // And when it can be put in again, it is.
    tree.write("usr/lib/chroot-maint/switch.list", &list("2.8-2\topt"));
    tree.switch(&[]);
    assert_eq!(
        (tree.read("usr/bin/patch"), tree.read("usr/bin/unpatch")),
        ("host's".to_owned(), "host's".to_owned())
    );
}

#[test]
fn a_call_that_is_killed_at_any_of_its_steps_leaves_nothing_that_the_next_one_does_not_put_right() {
    // The parent of dpkg-divert is the switch. Its last line is run before or after what dpkg-divert does.
    let kill = "kill -9 $PPID; exit 1";
    let after = "/usr/bin/dpkg-divert \"$@\"; kill -9 $PPID; exit 1";
    let cannot = "case \"$*\" in *--add*/unpatch) exit 1 ;; esac";
    for step in ["--add*/patch", "--add*/unpatch", "--remove*/patch", "--remove*/unpatch"] {
        for death in [kill, after] {
            for obstacle in ["", cannot] {
                let context = format!("{step} {death} {obstacle}");
                let tree = with_patch();
                let deadly = format!("case \"$*\" in *{step}) {death} ;; esac\n{obstacle}");
                if step.contains("remove") && obstacle.is_empty() {
                    tree.switch(&[]);
                    tree.before_diverting(&deadly);
                    assert_eq!(tree.run(&["off"]).status.signal(), Some(9), "{context}");
                } else {
                    tree.before_diverting(&deadly);
                    tree.run(&[]);
                }
                tree.before_diverting("");
                tree.switch(&["off"]);
                let all = (tree.diverted(), tree.programs().join(" "));
                assert_eq!(all, (String::new(), "patch unpatch".to_owned()), "{context}");
                assert_eq!(
                    (tree.read("usr/bin/patch"), tree.read("usr/bin/unpatch")),
                    ("own".to_owned(), "own".to_owned())
                );
                tree.switch(&["on"]);
                assert_eq!(tree.switch(&["status"]), "patch\tin\texact\n", "{context}");
                let all = tree.programs().join(" ");
                assert_eq!(all, "patch patch.emulated unpatch unpatch.emulated", "{context}");
            }
        }
    }
}

#[test]
fn status_says_what_is_and_not_what_is_wanted() {
    let tree = with_patch();
    tree.before_diverting("case \"$*\" in */unpatch) exit 1 ;; esac");
    tree.run(&[]);
    let before = tree.programs();
    let failed = "patch\tout\tfailed: not all of it could be put in\n";
    assert_eq!(tree.switch(&["status"]), failed);
    assert_eq!(tree.programs(), before, "it changes nothing");
    // One that was killed half-way.
    tree.before_diverting("case \"$*\" in */unpatch) kill -9 $PPID; exit 1 ;; esac");
    tree.run(&[]);
    assert_eq!(tree.switch(&["status"]), failed);
    tree.before_diverting("");
    tree.switch(&[]);
    assert_eq!(tree.switch(&["status"]), "patch\tin\texact\n");
    // It is not out yet either.
    tree.before_diverting("exit 1");
    assert_eq!(tree.run(&["off"]).status.code(), Some(1));
    let failed = "patch\tin\tfailed: not all of it could be taken out (off)\n";
    assert_eq!(tree.switch(&["status"]), failed);
}

/// With the dispatcher before a program of the host's that says its words.
fn with_dispatcher_before(name: &str) -> Tree {
    let tree = Tree::new(&SED.replace("sed", name));
    tree.write(&format!("usr/bin/{name}"), "own");
    tree.install(&[(name, "4.9-2", "arm64")]);
    let private = tree.path("usr/lib/chroot-maint");
    compile(&DISPATCHER, Some(&private), &private.join("dispatch"));
    let program = format!("usr/lib/chroot-maint/bin/{name}");
    tree.write(&program, "#!/bin/sh\necho \"host's $*\"\n");
    fs::set_permissions(tree.path(&program), fs::Permissions::from_mode(0o755)).unwrap();
    tree.switch(&[]);
    tree
}

#[test]
fn what_asks_name_services_is_the_chroots_own() {
    let tree = with_dispatcher_before("hostname");
    fs::hard_link(tree.path("usr/bin/hostname"), tree.path("usr/bin/dnsdomainname")).unwrap();
    for (name, words, is_hosts) in
        [("hostname", &[][..], true), ("hostname", &["-f"], false), ("dnsdomainname", &[], false)]
    {
        let output =
            Command::new(tree.path(&format!("usr/bin/{name}"))).args(words).output().unwrap();
        assert_eq!(output.status.success(), is_hosts, "{name} {output:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(said.contains("can't run /usr/bin/hostname.emulated: "), !is_hosts, "{said}");
    }
}

#[test]
fn a_copy_and_a_link_of_a_program_do_as_it_does() {
    let tree = with_dispatcher_before("sed");
    fs::copy(tree.path("usr/bin/sed"), tree.path("copy")).unwrap();
    fs::hard_link(tree.path("usr/bin/sed"), tree.path("link")).unwrap();
    for file in ["usr/bin/sed", "copy", "link"] {
        let output = Command::new(tree.path(file)).args(["a", "b"]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "host's a b\n", "{file} {output:?}");
        let output =
            Command::new(tree.path(file)).env("CHROOT_MAINT_EMULATE", "1").output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("can't run /usr/bin/sed.emulated: "), "{file} {said}");
    }
}

#[test]
fn programs_of_two_versions_are_not_the_same_to_a_cache() {
    let placed = |donor: &str, own: &str, date: u64| {
        let tree = Tree::new(&SED.replace("4.9-2", donor));
        tree.write("usr/bin/sed", "own");
        tree.date("usr/bin/sed", date);
        tree.install(&[("sed", own, "arm64")]);
        tree.switch(&[]);
        let found = fs::metadata(tree.path("usr/bin/sed")).unwrap();
        assert_eq!((found.mtime().unsigned_abs(), found.nlink()), (date, 1));
        fs::read(tree.path("usr/bin/sed")).unwrap()
    };
    let first = placed("4.9-2", "4.9-2", 1_000_000_000);
    assert_ne!(first, placed("4.9-3", "4.9-2", 1_000_000_000));
    assert_ne!(first, placed("4.9-2", "4.9-2+deb13u1", 1_000_000_000));
    assert_eq!(first, placed("4.9-2", "4.9-2", 1_100_000_000));
}

#[test]
fn what_is_of_an_older_dispatcher_or_program_is_put_in_anew_and_never_mistaken_for_the_chroots_own()
{
    let tree = Tree::with_sed("4.9-2");
    tree.switch(&[]);
    tree.write("usr/lib/chroot-maint/dispatch", "better");
    tree.switch(&[]);
    assert_eq!(tree.read("usr/bin/sed"), "better");
    tree.date("usr/bin/sed.emulated", 1_000_000_000);
    tree.switch(&[]);
    assert_eq!(fs::metadata(tree.path("usr/bin/sed")).unwrap().mtime(), 1_000_000_000);
    let inode = fs::metadata(tree.path("usr/bin/sed")).unwrap().ino();
    tree.switch(&[]);
    assert_eq!(fs::metadata(tree.path("usr/bin/sed")).unwrap().ino(), inode, "nothing has changed");
    // Killed while it gave back, before there was another dispatcher.
    tree.write("usr/lib/chroot-maint/dispatch", "best");
    tree.write("var/lib/dpkg/diversions", "");
    tree.switch(&[]);
    assert_eq!(tree.read("usr/bin/sed"), "best");
    tree.switch(&["off"]);
    assert_eq!(tree.read("usr/bin/sed"), "own");
    // Its package was removed before there was another dispatcher.
    tree.switch(&["on"]);
    tree.write("usr/lib/chroot-maint/dispatch", "good");
    fs::remove_file(tree.path("usr/bin/sed.emulated")).unwrap();
    tree.install(&[]);
    tree.switch(&[]);
    assert_eq!((tree.programs().len(), tree.diverted().as_str()), (0, ""));
}

const DH: &str = "group\tdh\nscripts\tperl-base\t5.40.1-6\n\
                  file\t/usr/bin/dh\tdebhelper\tdebhelper\t13-1\toptional\n\
                  file\t/usr/bin/dh_x\tdebhelper\tdebhelper\t13-1\toptional\n";

fn with_dh(perl: &str) -> Tree {
    let tree = Tree::new(DH);
    tree.write("usr/bin/dh", "#!/usr/bin/perl -w\n# PROMISE\n");
    tree.write("usr/bin/dh_x", "#!/bin/sh\n");
    tree.install(&[("debhelper", "13-1", "all"), ("perl-base", perl, "arm64")]);
    tree
}

#[test]
fn in_the_place_of_a_script_is_the_same_with_another_interpreter() {
    let tree = with_dh("5.40.1-6+b1");
    tree.switch(&[]);
    assert_eq!(tree.read("usr/bin/dh"), "#!/usr/lib/chroot-maint/perl -w\n# PROMISE\n");
    let date = |file| fs::metadata(tree.path(file)).unwrap().mtime();
    assert_eq!(date("usr/bin/dh"), date("usr/bin/dh.emulated"));
    assert_eq!(tree.diverted(), "local diversion of /usr/bin/dh to /usr/bin/dh.emulated\n");
    assert_eq!(tree.read("usr/bin/dh_x"), "#!/bin/sh\n", "no script for perl");
    tree.switch(&["off"]);
    assert_eq!(tree.read("usr/bin/dh"), "#!/usr/bin/perl -w\n# PROMISE\n");
    assert_eq!(tree.programs(), ["dh", "dh_x"]);
}

#[test]
fn a_script_that_is_upgraded_is_put_in_anew() {
    let tree = with_dh("5.40.1-6");
    tree.switch(&[]);
    tree.write("usr/bin/dh.emulated", "#! /usr/bin/perl\nnewer\n");
    tree.date("usr/bin/dh.emulated", 2_000_000_000);
    tree.switch(&[]);
    assert_eq!(tree.read("usr/bin/dh"), "#!/usr/lib/chroot-maint/perl\nnewer\n");
    // And given back when it is none any more.
    tree.write("usr/bin/dh.emulated", "#!/bin/sh\n");
    tree.switch(&[]);
    assert_eq!((tree.read("usr/bin/dh").as_str(), tree.diverted().as_str()), ("#!/bin/sh\n", ""));
}

#[test]
fn a_script_that_is_replaced_by_another_one_of_the_same_date_is_put_in_anew() {
    let tree = with_dh("5.40.1-6");
    tree.date("usr/bin/dh", 1_000_000_000);
    tree.switch(&[]);
    // As long as the one before.
    tree.write("usr/bin/dh.emulated", "#!/usr/bin/perl -w\n# BETTER!\n");
    tree.date("usr/bin/dh.emulated", 1_000_000_000);
    tree.switch(&[]);
    assert_eq!(tree.read("usr/bin/dh"), "#!/usr/lib/chroot-maint/perl -w\n# BETTER!\n");
}

#[test]
fn scripts_stay_out_with_an_interpreter_of_another_version() {
    let tree = with_dh("5.42.0-1");
    tree.switch(&[]);
    assert_eq!(
        tree.switch(&["status"]),
        "dh\tout\trefused: perl-base is 5.40.1-6, but perl-base is 5.42.0-1\n"
    );
    assert_eq!(tree.diverted(), "");
}

#[test]
fn a_call_that_was_killed_over_a_script_is_made_good_by_the_next_one() {
    let tree = with_dh("5.40.1-6");
    fs::hard_link(tree.path("usr/bin/dh"), tree.path("usr/bin/dh.emulated")).unwrap();
    tree.switch(&[]);
    assert_eq!(tree.read("usr/bin/dh.emulated"), "#!/usr/bin/perl -w\n# PROMISE\n");
    // Killed when dpkg knew of it, and the chroot's own was in its place still.
    fs::copy(tree.path("usr/bin/dh.emulated"), tree.path("usr/bin/dh")).unwrap();
    tree.switch(&[]);
    assert!(tree.read("usr/bin/dh").starts_with("#!/usr/lib/chroot-maint/perl -w\n"));
}

#[test]
fn a_preloaded_library_of_another_version_is_out_of_the_dispatchers_sight() {
    let tree = Tree::new(&format!("{SED}library\tlibfake.so\tlibfake\t1.2-1\n"));
    tree.write("usr/lib/chroot-maint/lib/libfake.so", "");
    let is_in = || tree.path("usr/lib/chroot-maint/lib/libfake.so").exists();
    for (version, wanted) in [("1.2-1", true), ("1.3-1", false), ("1.2-2", true)] {
        tree.install(&[("libfake", version, "arm64")]);
        tree.switch(&[]);
        assert_eq!(is_in(), wanted, "{version}");
    }
}

#[test]
fn before_dpkg_knows_of_packages_another_file_can_say_what_is_unpacked() {
    let tree = Tree::with_sed("4.9-2");
    tree.install(&[]);
    let unpacked =
        "Package: sed\nStatus: install ok unpacked\nVersion: 4.9-2\nArchitecture: arm64\n\n";
    tree.write("unpacked", unpacked);
    tree.switch(&["--installed", tree.path("unpacked").to_str().unwrap()]);
    assert_eq!(tree.read("usr/bin/sed"), "host's");
}

#[test]
fn a_word_that_is_none_is_refused() {
    let output = Command::new(program()).arg("of").output().unwrap();
    assert_eq!(output.status.code(), Some(64));
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("say /usr/lib/chroot-maint/switch off")
    );
}
