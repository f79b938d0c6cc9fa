//! Packages whose maintainer scripts do what they should not. A failure names the package; whatever a script started,
//! mounted or wrote is gone afterwards, on the host at any rate.

use std::{fs, process::Command};

use crate::{
    caller::{Caller, run, wait_until},
    scene::{Deed, RUN, Scene, reason},
    toy::Package,
    traces::{assert_at_rest, assert_no_litter},
};

/// A scene with a chroot, whose config then wants a package with this script too.
fn scene_with(caller: Caller, package: &Package) -> Scene {
    let mut scene = Scene::new(caller);
    scene.succeed();
    scene.prepare(Deed::Anew);
    scene.republish(|toy| drop(toy.add("toy", package)));
    scene.want(package.name());
    scene
}

fn rude(postinst: &str) -> Package {
    Package::new("rude", "1").script("postinst", postinst)
}

/// The run fails for that reason, and nothing has changed.
fn fails(caller: Caller, package: &Package, class: &str, words: &[&str]) {
    let scene = scene_with(caller, package);
    let old = scene.generations().pop().unwrap();
    let said = scene.fail();
    assert_at_rest(&scene.caller.state());
    assert_no_litter(&scene.caller.state());
    old.assert_intact(&scene.place());
    assert_eq!(scene.current(), Some(old.number));
    let line = reason(&said, class, words).unwrap();
    eprintln!("{line}");
}

/// The run succeeds, and nothing is left but the new generation.
fn succeeds(caller: Caller, package: &Package) -> Scene {
    let scene = scene_with(caller, package);
    scene.succeed();
    assert_at_rest(&scene.caller.state());
    assert_no_litter(&scene.caller.state());
    assert_eq!(scene.current(), Some(2));
    scene
}

#[test]
fn a_script_that_fails_is_told_with_its_packages_name() {
    let package = rude("echo 'the moon is full' >&2; exit 7");
    fails(Caller::root(), &package, "package", &["rude"]);
}

#[test]
fn a_script_that_kills_all_it_can_see_kills_nothing_outside() {
    // Not where it would be the host that it kills.
    let script =
        "case $(cat /proc/1/comm) in chroot-maint|mmdebstrap|perl) kill -9 -1;; esac; exit 7";
    // Who is left to tell knows only that the others are gone.
    fails(Caller::root(), &rude(script), "other", &["mmdebstrap"]);
    fails(Caller::ordinary_user(), &rude(script), "other", &["mmdebstrap"]);
}

/// A time that nobody else sleeps for.
const LONG: &str = "86399.125";

fn daemons() -> usize {
    let processes = fs::read_dir("/proc").unwrap();
    let words = processes.map(|entry| fs::read(entry.unwrap().path().join("cmdline")));
    words.filter(|words| words.as_ref().is_ok_and(|words| words.ends_with(b"86399.125\0"))).count()
}

#[test]
fn a_daemon_that_a_script_starts_is_gone_afterwards() {
    // With its output left open, mmdebstrap would wait for its end: that is for the time limit.
    let daemon = format!("sleep {LONG} </dev/null >/dev/null 2>&1");
    let script = format!(
        "setsid {daemon} &\n(setsid sh -c '({daemon} &) & exit' >/dev/null 2>&1 &)\nexit 0"
    );
    let package = rude(&script).host_programs(&["setsid"]);
    for caller in [Caller::root(), Caller::ordinary_user()] {
        succeeds(caller, &package);
        assert_eq!(daemons(), 0);
    }
}

#[test]
fn a_mount_that_a_script_leaves_is_gone_afterwards() {
    let script = "mkdir -p /mnt/left; mount -t tmpfs left /mnt/left; echo x >/mnt/left/file; \
                  mount --bind /usr /mnt/left; grep -q left /proc/self/mounts";
    let package = rude(script).host_programs(&["mount"]);
    for caller in [Caller::root(), Caller::ordinary_user()] {
        let scene = succeeds(caller, &package);
        let left = scene.place().join("current/mnt/left");
        assert_eq!(fs::read_dir(left).unwrap().count(), 0);
    }
}

#[test]
fn a_script_that_asks_gets_no_answer_but_an_end_even_at_a_terminal() {
    let script = "if read -r answer; then exit 3; fi\nif read -r answer 2>/dev/null </dev/tty; then exit 4; fi\nexit 0";
    let scene = scene_with(Caller::root(), &rude(script));
    let inner = scene.command(&RUN);
    let words: Vec<String> = [inner.get_program()]
        .into_iter()
        .chain(inner.get_args())
        .map(|word| format!("'{}'", word.to_string_lossy()))
        .collect();
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command", &words.join(" "), "/dev/null"]);
    script.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    run(script.stdin(std::process::Stdio::piped()));
    assert_eq!(scene.current(), Some(2));
}

#[test]
fn what_a_script_writes_stays_in_the_tree() {
    let read = |path: &str| fs::read(path).unwrap_or_default();
    let before = ["/etc/resolv.conf", "/etc/hostname", "/etc/hosts"].map(read);
    let script = "for file in resolv.conf hostname hosts; do echo rude >/etc/$file; done\n\
                  rm -f /etc/resolv.conf; ln -s /etc/hosts /etc/resolv.conf";
    let scene = succeeds(Caller::root(), &rude(script));
    assert!(before == ["/etc/resolv.conf", "/etc/hostname", "/etc/hosts"].map(read));
    let etc = scene.place().join("current/etc");
    assert!(!etc.join("resolv.conf").is_symlink() && !etc.join("resolv.conf").exists());
    assert_eq!(fs::read_to_string(etc.join("hosts")).unwrap(), "rude\n");
}

#[test]
fn a_script_that_hangs_and_heeds_no_signal_ends_by_an_interruption() {
    let script = "trap '' HUP INT TERM; : >/hangs; while :; do sleep 1000; done";
    for caller in [Caller::root(), Caller::ordinary_user()] {
        let scene = scene_with(caller, &rude(script));
        let old = scene.generations().pop().unwrap();
        let mut child = scene.command(&RUN).spawn().unwrap();
        let work = scene.place().join("work");
        wait_until("the script hangs", || {
            let mut trees = fs::read_dir(&work).into_iter().flatten();
            trees.any(|entry| entry.is_ok_and(|entry| entry.path().join("tree/hangs").exists()))
        });
        run(Command::new("kill").args(["-INT", &child.id().to_string()]));
        let status = child.wait().unwrap();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(2));
        assert_at_rest(&scene.caller.state());
        assert_no_litter(&scene.caller.state());
        old.assert_intact(&scene.place());
    }
}
