//! Toy chroots as schroot's: the real schroot enters them by every name, builds in them, and stays where it is while the
//! next generation comes.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output},
};

use crate::{
    caller::{Caller, USER, run},
    outputs::{Cache, Scene, for_user},
    toy::host_arch,
};

const SCHROOT: &str = "outputs = ['schroot']\naliases = ['TOYalias']";

/// The definition, which goes with this.
struct Definition(PathBuf);

impl Drop for Definition {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn definition(scene: &Scene) -> Definition {
    Definition(format!("/etc/schroot/chroot.d/{}-sbuild", scene.name()).into())
}

/// With an alias that no other test has.
fn outputs(scene: &Scene) -> String {
    SCHROOT.replace("TOY", scene.dist)
}

fn schroot(chroot: &str, words: &[&str]) -> Command {
    let mut schroot = Command::new("schroot");
    schroot.args(["--chroot", chroot, "--directory", "/", "--user", "root", "--"]).args(words);
    schroot
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// As much of a package as a toy can build.
const BUILD: &str = "set -eu
mkdir -p /tmp/p/DEBIAN
printf 'Package: p\\nVersion: 1\\nArchitecture: all\\nMaintainer: x <x@x.example>\\nDescription: x\\n' >/tmp/p/DEBIAN/control
dpkg-deb --build /tmp/p /tmp/p.deb >/dev/null
dpkg-deb --field /tmp/p.deb Package
id -u
";

#[test]
fn schroot_enters_by_name_and_alias_and_builds_a_package() {
    let scene = Scene::new("toyschroot");
    let caller = Caller::root();
    let definition = definition(&scene);
    let config = scene.config("", &outputs(&scene));
    run(&mut caller.chroot_maint_with(&config, &["-q", "all"]));
    let arch = host_arch();
    for name in ["toyschroot", "toyschrootalias"] {
        for name in [format!("{name}-{arch}-sbuild"), format!("{name}-{arch}")] {
            assert_eq!(text(&run(&mut schroot(&name, &["sh", "-c", BUILD]))), "p\n0\n", "{name}");
        }
    }
    assert!(!scene.tree(&caller).join("tmp/p").exists(), "the session wrote to the tree");

    // An ordinary user, once in the group that sbuild's users are in.
    Caller::ordinary_user();
    let name = format!("{}-sbuild", scene.name());
    let mut user = Command::new("setpriv");
    user.args(["--reuid", USER, "--regid", USER, "--groups", "sbuild", "schroot", "--chroot"]);
    user.args([
        &name,
        "--directory",
        "/",
        "--",
        "sh",
        "-c",
        "echo x >/dev/null; cat /usr/share/hello",
    ]);
    assert_eq!(text(&run(&mut user)), "1\n");

    // Not wanted any more.
    run(&mut caller.chroot_maint_with(&scene.config("", "outputs = []"), &["-q", "all"]));
    assert!(!definition.0.exists());
}

#[test]
fn an_open_session_goes_on_undisturbed_while_the_next_generation_comes() {
    let scene = Scene::new("toysession");
    let caller = Caller::root();
    let _definition = definition(&scene);
    let top = "keep-generations = 1";
    let config = scene.config(top, &outputs(&scene));
    run(&mut caller.chroot_maint_with(&config, &["-q", "all"]));
    let old = scene.tree(&caller);
    let name = format!("{}-sbuild", scene.name());
    let begun = run(Command::new("schroot").args(["--begin-session", "--chroot", &name]));
    let session = text(&begun).trim().to_owned();
    let in_session = |script: &str| {
        let mut run_in = Command::new("schroot");
        run_in.args(["--run-session", "--chroot", &session, "--directory", "/", "--"]);
        text(&run(run_in.args(["sh", "-euc", script])))
    };
    in_session("echo mine >/mine");

    let config = scene.config(top, &format!("{}\ninclude = ['more']", outputs(&scene)));
    run(&mut caller.chroot_maint_with(&config, &["-q", "all"]));
    assert_ne!(old, scene.tree(&caller));
    // Files that it never opened before, too.
    let script =
        "cat /mine /usr/share/hello; ls /usr/share/more 2>/dev/null || echo none; dpkg --audit";
    assert_eq!(in_session(script), "mine\n1\nnone\n");
    assert!(old.is_dir(), "the session's tree is gone");
    assert_eq!(text(&run(&mut schroot(&name, &["cat", "/usr/share/more"]))), "1\n");
    run(Command::new("schroot").args(["--end-session", "--chroot", &session]));
}

/// A chroot with both outputs, and the note of them.
fn both(scene: &Scene, caller: &Caller) -> (String, PathBuf) {
    let outputs = outputs(scene).replace("['schroot']", "['schroot', 'sbuild']");
    let config = scene.config(&for_user(caller), &outputs);
    run(&mut caller.chroot_maint_with(&config, &["-q", "all"]));
    let place = caller.state().join("chroots").join(scene.name());
    (config, place.join("outputs.json"))
}

#[test]
fn what_a_killed_run_handed_out_and_did_not_note_is_removed_all_the_same() {
    let scene = Scene::new("toylost");
    let caller = Caller::root();
    let (definition, cache) = (definition(&scene), Cache::of(&caller, &scene.name()));
    let (config, note) = both(&scene, &caller);
    let unfinished = definition.0.with_file_name(format!(".{}-sbuild.new", scene.name()));
    assert!(definition.0.exists() && cache.tarball().exists());
    fs::remove_file(note).unwrap();
    fs::write(&unfinished, "half").unwrap();
    run(&mut caller.chroot_maint_with(&config, &["remove", &scene.name()]));
    let left = [&definition.0, &unfinished].map(|path| path.exists());
    assert_eq!((left, cache.names()), ([false; 2], Vec::new()));
}

#[test]
fn what_a_killed_run_began_to_hand_out_is_taken_back_when_it_is_not_wanted() {
    let scene = Scene::new("toybegun");
    let caller = Caller::root();
    let (definition, cache) = (definition(&scene), Cache::of(&caller, &scene.name()));
    let (config, note) = both(&scene, &caller);
    // Killed before the end of it was noted.
    let begin = || {
        let text = fs::read_to_string(&note).unwrap();
        let mut noted: serde_json::Value = serde_json::from_str(&text).unwrap();
        let begun = serde_json::json!({ "schroot": noted["schroot"], "sbuild": noted["sbuild"] });
        noted = serde_json::json!({ "schroot": null, "sbuild": null, "begun": begun });
        fs::write(&note, noted.to_string()).unwrap();
        text
    };
    let ended = begin();
    run(&mut caller.chroot_maint_with(&config, &["-q", "all"]));
    assert_eq!(fs::read_to_string(&note).unwrap(), ended, "the next run ends it");
    begin();
    run(&mut caller.chroot_maint_with(&scene.config("", "outputs = []"), &["-q", "all"]));
    assert_eq!((definition.0.exists(), cache.names()), (false, Vec::new()));
}
