//! The tools for foreign chroots are cleared up as chroots are: by `gc`, and with the chroot by `remove`. The tools are
//! toys, for nobody runs them here.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    caller::{Caller, run},
    toy::host_arch,
    toy_chroot::{ToyChroot, said},
};

/// Three generations, made as `$1`; the last is in use.
const MAKE: &str = r#"
mkdir -p "$1/gen" "$1/work" && cd "$1"
for n in 1 2 3; do
    mkdir "gen/$n"
    echo x >"gen/$n/sed"
    echo '{"version": 1, "chroot": "'"${1##*/}"'", "parent": '$((n - 1))', "created": '$n', "took": 1, "size": 4096,
        "indexes": null, "hash": "'$n'", "recipe": {"list": "", "tiers": ["shell"]}, "packages": {}}' >"gen/$n.json"
done
ln -s gen/3 current
"#;

/// Tools for a chroot of this name, which need not be there.
fn make_tools(caller: &Caller, name: &str) -> PathBuf {
    let dir = caller.state().join("cross-tools").join(name);
    run(caller.command("sh").args(["-euc", MAKE, "sh"]).arg(&dir));
    dir
}

fn foreign() -> &'static str {
    if host_arch() == "arm64" { "amd64" } else { "arm64" }
}

/// What the config says of a chroot that is not made; more of it belongs to the same table.
fn config() -> String {
    format!("[dist.toy]\nsuites = ['toy']\narchs = ['{}']\n", foreign())
}

fn gc(caller: &Caller, config: &str, words: &[&str]) -> String {
    said(&run(&mut caller.chroot_maint_with(config, &[words, &["gc"]].concat())))
}

fn names(dir: &Path) -> Vec<String> {
    let mut found = said(&run(Command::new("find").arg(dir)));
    found = found.replace(&dir.display().to_string(), "");
    let mut lines: Vec<String> = found.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

fn tools_that_are_wanted_lose_only_what_is_superfluous(caller: &Caller) {
    let name = format!("toy-{}", foreign());
    let dir = make_tools(caller, &name);
    let before = names(&dir);
    let text = gc(caller, &config(), &["-n"]);
    assert!(text.contains(&format!("cross-tools.{name}: would delete generation 1 (")), "{text}");
    assert_eq!(names(&dir), before, "a dry run deleted something");
    let text = gc(caller, &config(), &[]);
    assert!(text.contains(&format!("cross-tools.{name}: deleted generation 1 (")), "{text}");
    assert_eq!(fs::read_link(dir.join("current")).unwrap(), Path::new("gen/3"));
    let kept = names(&dir);
    assert!(kept.contains(&"/gen/2".to_owned()) && !kept.contains(&"/gen/1".to_owned()));

    for (script, what) in [
        ("mkdir -p work/4.Abc123/donor/etc work/4.Abc123/tmp", "a work directory"),
        ("mkdir -p gen/4/bin", "a tree without a record"),
        ("cp gen/3.json gen/4.json", "a record without a tree"),
        ("mkdir -p work/7.gone/bin", "a generation on its way out"),
        ("echo x >.new.4194305.abc", "a file that was to replace another"),
    ] {
        run(caller.command("sh").args(["-euc", script]).current_dir(&dir));
        let text = gc(caller, &config(), &[]);
        assert_eq!(names(&dir), kept, "{what}: {text}");
    }
}

#[test]
fn roots_tools_that_are_wanted_lose_only_what_is_superfluous() {
    tools_that_are_wanted_lose_only_what_is_superfluous(&Caller::root());
}

#[test]
fn a_users_tools_that_are_wanted_lose_only_what_is_superfluous() {
    tools_that_are_wanted_lose_only_what_is_superfluous(&Caller::ordinary_user());
}

#[test]
fn tools_that_no_chroot_is_to_have_go_without_a_trace() {
    let caller = Caller::root();
    let name = format!("toy-{}", foreign());
    let others = "[dist.other]\nsuites = ['toy']\n".to_owned();
    for config in [others, format!("{}cross-tools = []\n", config())] {
        let dir = make_tools(&caller, &name);
        let text = gc(&caller, &config, &["-n"]);
        assert!(text.contains(" would delete generation 3 ("), "{text}");
        let text = gc(&caller, &config, &[]);
        assert!(text.contains(&format!("cross-tools.{name}: deleted what no chroot")), "{text}");
        let lock = caller.state().join("locks").join(format!("cross-tools.{name}"));
        assert!(!dir.exists() && !lock.exists(), "{text}");
    }
}

#[test]
fn tools_whose_removal_was_killed_are_removed_whether_or_not_they_are_wanted() {
    let caller = Caller::root();
    let dir = make_tools(&caller, &format!("toy-{}", foreign()));
    fs::write(dir.join("removed"), "").unwrap();
    let text = gc(&caller, &config(), &[]);
    assert!(text.contains("deleted what was left of it") && !dir.exists(), "{text}");
}

fn the_tools_for_a_chroot_are_removed_with_it(caller: Caller) {
    let chroot = ToyChroot::made(caller);
    let tools = make_tools(&chroot.caller, &chroot.name);
    let (_, text) = chroot.tell(&["-n", "remove", &chroot.name]);
    let foretold = format!("cross-tools.{}: would be removed: generations 1, 2, 3", chroot.name);
    assert!(text.contains(&foretold) && tools.exists(), "{text}");
    let (status, text) = chroot.tell(&["remove", &chroot.name]);
    assert_eq!(status, Some(0), "{text}");
    assert!(!chroot.place().exists() && !tools.exists());
    let locks = chroot.caller.state().join("locks");
    assert!(!locks.join(format!("cross-tools.{}", chroot.name)).exists());
}

#[test]
fn the_tools_for_roots_chroot_are_removed_with_it() {
    the_tools_for_a_chroot_are_removed_with_it(Caller::root());
}

#[test]
fn the_tools_for_a_users_chroot_are_removed_with_it() {
    the_tools_for_a_chroot_are_removed_with_it(Caller::ordinary_user());
}
