//! The generation before is in use again, and stays so.

use std::path::Path;

use crate::{
    caller::{Caller, run},
    toy::Package,
    toy_chroot::{ToyChroot, said},
};

fn a_rollback_lasts_until_something_changes(caller: Caller) {
    let mut chroot = ToyChroot::new(caller);
    chroot.more.push_str("keep-generations = 3");
    chroot.make("hello");
    chroot.make("apt");
    let before = chroot.caller.snapshot();
    let (status, text) = chroot.tell(&["-n", "rollback", &chroot.name]);
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains(" would be in use again instead of 2"), "{text}");
    assert!(before == chroot.caller.snapshot(), "a dry run changed something");

    let (status, text) = chroot.tell(&["rollback", &chroot.name]);
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains(" ago, is in use again instead of 2\n"), "{text}");
    assert!(text.contains(": 1 package differs: + hello 1"), "{text}");
    assert_eq!(chroot.current(), Path::new("gen/1"));

    // The config still wants what generation 2 was made of.
    let text = chroot.make("apt");
    assert!(text.contains("(generation 1, checked "), "{text}");
    let text = said(&run(&mut chroot.command_with("apt", &["-f0", "all"])));
    assert!(text.contains("(generation 1: nothing changed)"), "{text}");
    let job = format!("chroot.{}", chroot.name);
    let text = said(&run(&mut chroot.command_with("apt", &["job", &job])));
    assert!(text.contains("generation 1 is up to date"), "{text}");
    assert_eq!((chroot.current(), chroot.generations()), ("gen/1".into(), vec![1, 2]));

    let (status, text) = chroot.tell(&["rollback", &chroot.name]);
    assert_eq!(status, Some(66), "{text}");
    assert!(text.contains("there is none before generation 1"), "{text}");

    // A config that wants a third thing has it made.
    chroot.make("build-essential");
    assert_eq!((chroot.current(), chroot.generations()), ("gen/3".into(), vec![1, 3]));
    chroot.tell(&["rollback", &chroot.name]);
    assert_eq!(chroot.current(), Path::new("gen/1"), "2 was given up when 3 was made");
}

#[test]
fn after_a_rollback_over_a_change_of_the_config_an_upgrade_makes_what_the_config_wants() {
    let mut chroot = ToyChroot::new(Caller::root());
    chroot.make("hello");
    chroot.make("apt");
    chroot.tell(&["rollback", &chroot.name]);
    chroot.toy.add("toy", &Package::new("news", "1"));
    chroot.toy.publish();
    let text = said(&run(&mut chroot.command_with("apt", &["-f0", "all"])));
    assert!(text.contains("was made by another recipe"), "{text}");
    assert_eq!(chroot.current(), Path::new("gen/3"));
    let tree = chroot.caller.state().join("chroots").join(&chroot.name).join("current");
    assert!(!tree.join("usr/share/hello").exists(), "it is an upgrade of what was gone back to");
}

#[test]
fn roots_rollback_lasts_until_something_changes() {
    a_rollback_lasts_until_something_changes(Caller::root());
}

#[test]
fn a_users_rollback_lasts_until_something_changes() {
    a_rollback_lasts_until_something_changes(Caller::ordinary_user());
}

#[test]
fn what_is_not_there_is_met_with_what_is() {
    let chroot = ToyChroot::made(Caller::root());
    for command in ["rollback", "remove"] {
        let (status, text) = chroot.tell(&[command, &chroot.name.replace("toy", "toi")]);
        assert_eq!(status, Some(64), "{text}");
        let expected = format!("did you mean `{}'?; there are: {}", chroot.name, chroot.name);
        assert!(text.contains(&expected), "{text}");
        let (status, text) = chroot.tell(&[command, "toy"]);
        assert_eq!(status, Some(64), "{text}");
        assert!(text.contains("not of the form DIST-ARCH"), "{text}");
    }
}
