//! A chroot is given up: without a trace, unless somebody still uses something of it.

use std::fs;

use crate::{
    caller::{Caller, wait_until},
    toy_chroot::{PreciousMount, ToyChroot},
};

fn all_of_a_chroot_goes(caller: Caller) {
    let chroot = ToyChroot::made(caller);
    chroot.make("apt");
    let before = chroot.caller.snapshot();
    let (status, text) = chroot.tell(&["-n", "remove", &chroot.name]);
    assert_eq!(
        (status, text.contains("would be removed: generations 1, 2")),
        (Some(0), true),
        "{text}"
    );
    assert!(before == chroot.caller.snapshot(), "a dry run changed something");

    let (status, text) = chroot.tell(&["remove", &chroot.name]);
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains(" are free again\n"), "{text}");
    assert!(text.contains("the next run makes it anew"), "{text}");
    assert!(!chroot.place().exists());
    assert!(!chroot.caller.state().join("locks").join(format!("chroot.{}", chroot.name)).exists());

    chroot.make("hello");
    assert_eq!(chroot.generations(), [1]);
}

#[test]
fn all_of_roots_chroot_goes() {
    all_of_a_chroot_goes(Caller::root());
}

#[test]
fn all_of_a_users_chroot_goes() {
    all_of_a_chroot_goes(Caller::ordinary_user());
}

#[test]
fn one_that_the_config_does_not_know_can_be_removed() {
    let chroot = ToyChroot::made(Caller::root());
    let text = chroot.caller.chroot_maint(&["gc"]).output().unwrap().stdout;
    let text = String::from_utf8_lossy(&text);
    let hint = format!("not in the config; to delete it: chroot-maint remove {}", chroot.name);
    assert!(text.contains(&hint), "{text}");
    let output = chroot.caller.chroot_maint(&["remove", &chroot.name]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(!chroot.place().exists());
}

fn what_a_session_uses_stays_until_it_ends(caller: Caller) {
    let chroot = ToyChroot::made(caller);
    let mut session = chroot.session();
    chroot.make("apt");
    let (status, text) = chroot.tell(&["remove", &chroot.name]);
    assert_eq!(status, Some(2), "{text}");
    assert!(
        text.contains(
            "generation 1 stays: it is mounted on /tmp/lower in the namespace of process"
        ),
        "{text}"
    );
    assert!(text.contains("and then: chroot-maint gc"), "{text}");
    assert!(chroot.tree(1).join("usr/share/hello").exists() && !chroot.tree(2).exists());
    let (status, text) = chroot.tell(&["enter", &chroot.name, "true"]);
    assert_eq!(status, Some(66), "nobody can begin to use it: {text}");
    let (status, text) = chroot.tell(&["gc"]);
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains("generation 1 is kept"), "{text}");

    drop(session.stdin.take());
    assert!(session.wait().unwrap().success(), "the session went on to its end");
    let (status, text) = chroot.tell(&["gc"]);
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains("deleted what was left of it"), "{text}");
    assert!(!chroot.place().exists());
}

#[test]
fn what_roots_session_uses_stays_until_it_ends() {
    what_a_session_uses_stays_until_it_ends(Caller::root());
}

#[test]
fn what_a_users_session_uses_stays_until_it_ends() {
    what_a_session_uses_stays_until_it_ends(Caller::ordinary_user());
}

#[test]
fn what_is_mounted_in_a_chroot_survives_its_removal() {
    let chroot = ToyChroot::made(Caller::root());
    chroot.make("apt");
    let precious = PreciousMount::on(chroot.tree(2).join("tmp"));
    let (status, text) = chroot.tell(&["remove", &chroot.name]);
    assert_eq!(status, Some(2), "{text}");
    let expected =
        format!("generation 2 stays: {} is a mount point in it", precious.point.display());
    assert!(text.contains(&expected), "{text}");
    assert!(precious.is_intact() && precious.point.join("file").exists());
    assert!(!chroot.tree(1).exists(), "the rest is removed");
    precious.unmount();
    // Sandboxes of other tests have copies of that mount for as long as they last.
    wait_until("nothing keeps it any more", || chroot.tell(&["remove", &chroot.name]).0 == Some(0));
    assert!(precious.is_intact() && !chroot.place().exists());
}

#[test]
fn a_removal_that_was_killed_is_finished_by_whoever_comes_next() {
    let chroot = ToyChroot::new(Caller::root());
    let kill_after_first_step = || {
        chroot.make("hello");
        fs::write(chroot.place().join("removed"), "").unwrap();
    };
    kill_after_first_step();
    let (_, text) = chroot.tell(&["gc"]);
    assert!(text.contains("deleted what was left of it") && !chroot.place().exists(), "{text}");

    kill_after_first_step();
    let (_, text) = chroot.tell(&["remove", &chroot.name]);
    assert!(text.contains("is removed") && !chroot.place().exists(), "{text}");

    kill_after_first_step();
    chroot.make("hello");
    assert_eq!(chroot.generations(), [1], "made anew, and nothing is left of the old");
    assert!(!chroot.place().join("removed").exists());
}
