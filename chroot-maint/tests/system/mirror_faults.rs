//! A mirror that fails in all the ways that mirrors do, at the lists and at the packages: each has its class and its
//! reason, and leaves what was in use as it was.

use crate::{
    caller::Caller,
    scene::{Deed, Scene, reason},
    toy::Fault,
    traces::{assert_at_rest, assert_no_litter},
};

/// What goes wrong, and what has to be said of it.
struct Case {
    name: &'static str,
    breaks: fn(&mut Scene),
    class: &'static str,
    /// One of these.
    words: &'static [&'static str],
}

/// A case of the mirror's, at files of one kind.
const fn mirror(
    name: &'static str,
    breaks: fn(&mut Scene),
    words: &'static [&'static str],
) -> Case {
    Case { name, breaks, class: "mirror", words }
}

/// A fault of the archive itself, for which there is no way around.
const fn policy(
    name: &'static str,
    breaks: fn(&mut Scene),
    words: &'static [&'static str],
) -> Case {
    Case { name, breaks, class: "policy", words }
}

fn at_the_release(scene: &mut Scene, fault: Fault) {
    scene.server.break_files("InRelease", fault);
}

/// By their own names, for otherwise nothing tells them from other files.
fn at_the_packages_file(scene: &mut Scene, fault: Fault) {
    scene.republish(|toy| toy.without_by_hash("toy"));
    scene.server.break_files("Packages", fault);
}

fn at_a_package(scene: &mut Scene, fault: Fault) {
    scene.server.break_files("hello_1_all.deb", fault);
}

const MISMATCH: &[&str] =
    &["the mirror is not in keeping with its own lists", "unexpected size", "Hash Sum mismatch"];
const SERVER: &[&str] = &["the mirror has a fault", "  500  "];
const MISSING: &[&str] = &["the mirror lacks a file that its lists name", "  404  "];
const UNREACHABLE: &[&str] = &["the mirror can't be reached", "Remote end closed connection"];
const SILENT: &[&str] = &["the mirror does not answer in time", "Connection timed out"];

const LISTS: &[Case] = &[
    Case {
        name: "no such suite",
        breaks: |scene| scene.server.break_files("Release", Fault::NotFound),
        class: "configuration",
        words: &["the mirror has no such suite"],
    },
    mirror("no list", |scene| at_the_packages_file(scene, Fault::NotFound), MISSING),
    mirror("the server fails", |scene| at_the_release(scene, Fault::Broken), SERVER),
    mirror("a wrong list", |scene| at_the_packages_file(scene, Fault::Corrupt), MISMATCH),
    mirror("a page to log in at", |scene| at_the_release(scene, Fault::Corrupt), MISMATCH),
    mirror("half a Release file", |scene| at_the_release(scene, Fault::Truncate), MISMATCH),
    mirror("half a list", |scene| at_the_packages_file(scene, Fault::Truncate), MISMATCH),
    mirror("hung up", |scene| at_the_release(scene, Fault::HangUp), UNREACHABLE),
    mirror("silence", |scene| at_the_release(scene, Fault::Stall), SILENT),
];

const PACKAGES: &[Case] = &[
    mirror("no package", |scene| at_a_package(scene, Fault::NotFound), MISSING),
    mirror("the server fails", |scene| at_a_package(scene, Fault::Broken), SERVER),
    mirror("a wrong package", |scene| at_a_package(scene, Fault::Corrupt), MISMATCH),
    mirror("half a package", |scene| at_a_package(scene, Fault::Truncate), MISMATCH),
    mirror("hung up", |scene| at_a_package(scene, Fault::HangUp), UNREACHABLE),
    mirror("silence", |scene| at_a_package(scene, Fault::Stall), SILENT),
    Case {
        name: "no such package in the lists",
        breaks: |scene| scene.want("no-such-package"),
        class: "package",
        words: &["packages are missing, or do not fit together", "Unable to locate package"],
    },
];

const TRUST: &[Case] = &[
    policy(
        "expired",
        |scene| scene.republish(|toy| toy.valid_for("toy", -86_400)),
        &["the archive's Release file has expired"],
    ),
    policy(
        "unsigned",
        |scene| scene.republish(|toy| toy.unsign("toy")),
        &["the archive is not signed"],
    ),
    policy(
        "another key",
        |scene| scene.republish(|toy| toy.sign_with_other_key("toy")),
        &["the archive is signed with a key that the keyring does not have"],
    ),
    policy(
        "a changed Release file",
        |scene| scene.toy.tamper("toy"),
        &["the archive's signature is not good"],
    ),
    Case {
        name: "no keyring",
        breaks: |scene| scene.use_keyring("/nowhere/keyring.gpg"),
        class: "configuration",
        words: &["the keyring /nowhere/keyring.gpg is not there; correct `keyring' in the config"],
    },
    mirror("nobody is there", |scene| scene.use_mirror("http://127.0.0.1:1"), UNREACHABLE),
    mirror("no proxy is there", |scene| scene.use_proxy("http://127.0.0.1:1"), UNREACHABLE),
    mirror("no such host", |scene| scene.use_mirror("http://mirror.invalid/x"), UNREACHABLE),
];

fn is_told_and_harms_nothing(caller: Caller, cases: &[Case]) {
    let mut scene = Scene::new(caller).setting("mirror-timeout = '1s'");
    scene.succeed();
    let state = scene.caller.state();
    let mut wrong = Vec::new();
    for case in cases {
        scene.prepare(Deed::Anew);
        scene.forget_archive();
        let old = scene.generations().pop().unwrap();
        (case.breaks)(&mut scene);
        let said = scene.fail();
        scene.mend();
        assert_at_rest(&state);
        assert_no_litter(&state);
        old.assert_intact(&scene.place());
        assert_eq!(scene.current(), Some(old.number), "{}", case.name);
        match reason(&said, case.class, case.words) {
            Ok(line) => eprintln!("{}: {line}", case.name),
            Err(fault) => wrong.push(format!("{}: {fault}", case.name)),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    scene.prepare(Deed::Anew);
    scene.succeed();
}

#[test]
fn whatever_is_wrong_with_lists_is_told_and_harms_nothing() {
    is_told_and_harms_nothing(Caller::root(), LISTS);
}

#[test]
fn whatever_is_wrong_with_packages_is_told_and_harms_nothing() {
    is_told_and_harms_nothing(Caller::ordinary_user(), PACKAGES);
}

#[test]
fn an_archive_that_can_not_be_trusted_or_reached_is_told_and_harms_nothing() {
    is_told_and_harms_nothing(Caller::root(), TRUST);
}
