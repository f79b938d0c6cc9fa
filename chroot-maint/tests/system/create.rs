//! A chroot is made, used, and left alone by the next run; a killed run leaves nothing that counts.

use std::{fs, os::unix::process::ExitStatusExt, path::Path, process::Command};

use crate::caller::{Caller, is_busy, run, wait_until};

fn a_chroot_is_made_used_and_left_alone(caller: &Caller) {
    // In a directory that is deleted, tools complain unless the job leaves it.
    let mut all = caller.chroot_maint(&["all"]);
    let said = run(all.current_dir(caller.deleted_dir())).stdout;
    let said = String::from_utf8_lossy(&said);
    // The suites were looked at, and the chroot made.
    assert!(said.contains(" succeeded in ") && !said.contains("failed"), "{said}");
    assert!(!said.contains("getcwd") && !said.contains("working directory"), "{said}");

    let tree = caller.place().join("current");
    let mut gcc = if caller.user == "root" {
        caller.command("chroot")
    } else {
        let mut unshare = caller.command("unshare");
        unshare.args(["--map-root-user", "--map-auto", "/usr/sbin/chroot"]);
        unshare
    };
    let said = run(gcc.arg(tree).args(["gcc", "--version"])).stdout;
    assert!(said.starts_with(b"gcc "));

    let before = caller.snapshot();
    let said = run(&mut caller.chroot_maint(&["all"])).stdout;
    assert!(String::from_utf8_lossy(&said).contains("(generation 1, made "));
    assert!(before == caller.snapshot(), "the second run changed something");
}

fn is_unpacked(work: &Path) -> bool {
    fs::read_dir(work).is_ok_and(|mut entries| {
        entries.any(|entry| entry.is_ok_and(|entry| entry.path().join("tree/usr/bin").exists()))
    })
}

fn a_kill_leaves_nothing_that_counts(caller: &Caller) {
    let job = format!("chroot.{}", caller.own_chroot());
    let work = caller.place().join("work");
    let mut body = caller.chroot_maint(&["job", &job]).spawn().unwrap();
    wait_until("the tree is being unpacked", || is_unpacked(&work));
    body.kill().unwrap();
    body.wait().unwrap();
    wait_until("everything in the namespaces is gone", || !is_busy(&work));
    assert!(!caller.place().join("current").is_symlink());

    run(&mut caller.chroot_maint(&["job", &job]));
    assert!(caller.place().join("current/usr/bin/gcc").is_symlink());
    assert_eq!(fs::read_dir(&work).unwrap().count(), 0, "unfinished work is left");
}

fn an_interruption_leaves_no_unfinished_work(caller: &Caller) {
    let job = format!("chroot.{}", caller.own_chroot());
    let work = caller.place().join("work");
    // A signal to the one process alone, not to the group as from a terminal.
    let mut body = caller.chroot_maint(&["job", &job]).spawn().unwrap();
    wait_until("the tree is being unpacked", || is_unpacked(&work));
    run(Command::new("kill").args(["-INT", &body.id().to_string()]));
    let status = body.wait().unwrap();
    assert_eq!(status.signal(), Some(2), "the caller must see the signal");
    assert_eq!(fs::read_dir(&work).unwrap().count(), 0, "unfinished work is left");
    assert!(!caller.place().join("current").is_symlink());
    wait_until("everything in the namespaces is gone", || !is_busy(&work));
}

#[test]
fn root_makes_a_chroot() {
    a_chroot_is_made_used_and_left_alone(&Caller::root());
}

#[test]
fn an_ordinary_user_makes_a_chroot() {
    a_chroot_is_made_used_and_left_alone(&Caller::ordinary_user());
}

#[test]
fn roots_run_cleans_up_when_interrupted() {
    an_interruption_leaves_no_unfinished_work(&Caller::root());
}

#[test]
fn an_ordinary_users_run_cleans_up_when_interrupted() {
    an_interruption_leaves_no_unfinished_work(&Caller::ordinary_user());
}

#[test]
fn roots_run_may_be_killed() {
    a_kill_leaves_nothing_that_counts(&Caller::root());
}

#[test]
fn an_ordinary_users_run_may_be_killed() {
    a_kill_leaves_nothing_that_counts(&Caller::ordinary_user());
}
