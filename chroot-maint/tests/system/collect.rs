//! Generations that are not needed any more go, unless somebody uses them; so does what killed runs have left. Who works
//! on something is not disturbed, and said by whom.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use crate::{
    caller::{Caller, run, wait_until},
    toy_chroot::{PreciousMount, ToyChroot, said},
};

fn one_generation(caller: Caller) -> ToyChroot {
    let mut chroot = ToyChroot::new(caller);
    chroot.more.push_str("keep-generations = 1");
    chroot.make("hello");
    chroot
}

fn a_generation_in_use_outlives_those_that_come_after_it(caller: Caller) {
    let chroot = one_generation(caller);
    let mut session = chroot.session();
    let text = chroot.make("apt");
    assert!(text.contains("generation 1 is kept for now: it is mounted on /tmp/lower"), "{text}");
    let text = chroot.make("hello");
    assert!(text.contains("generation 2 is deleted"), "{text}");
    assert_eq!(chroot.generations(), [1, 3]);
    let (status, text) = chroot.tell(&["gc"]);
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains("generation 1 is kept: it is mounted on"), "{text}");
    assert!(text.contains("there is nothing to free"), "{text}");

    session.stdin.take().unwrap().write_all(b"hello").unwrap();
    let output = session.wait_with_output().unwrap();
    assert!(output.status.success() && output.stdout == b"hello", "the session went on");
    wait_until("a dry run finds it free", || {
        chroot.tell(&["-n", "gc"]).1.contains("would delete generation 1 (")
    });
    let text = chroot.collect(1);
    assert!(text.contains(" freed\n"), "{text}");
    assert_eq!(chroot.generations(), [3]);
    assert_eq!(fs::read_dir(chroot.place().join("work")).unwrap().count(), 0);
}

#[test]
fn a_generation_in_use_by_root_outlives_those_that_come_after_it() {
    a_generation_in_use_outlives_those_that_come_after_it(Caller::root());
}

#[test]
fn a_generation_in_use_by_a_user_outlives_those_that_come_after_it() {
    a_generation_in_use_outlives_those_that_come_after_it(Caller::ordinary_user());
}

#[test]
fn a_process_in_a_generation_keeps_it_whatever_its_namespaces() {
    let chroot = one_generation(Caller::root());
    let tree = chroot.tree(1);
    // In a namespace where all paths are others; and in this one, by its root directory alone.
    let elsewhere = "mount --bind \"$1\" /mnt && cd /mnt/gen/1/usr && echo ready && exec cat";
    let mut elsewhere_command = Command::new("unshare");
    elsewhere_command.args(["--mount", "sh", "-euc", elsewhere, "sh"]).arg(chroot.place());
    let mut chrooted_command = Command::new("chroot");
    chrooted_command.arg(&tree).args(["sh", "-c", "echo ready; exec cat"]);
    for (mut command, how) in [
        (elsewhere_command, "the current directory of process"),
        (chrooted_command, "the root directory of process"),
    ] {
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut ready = [0; 6];
        std::io::Read::read_exact(process.stdout.as_mut().unwrap(), &mut ready).unwrap();
        if chroot.generations() == [1] {
            chroot.make("apt");
        }
        let (_, text) = chroot.tell(&["gc"]);
        assert!(text.contains(how), "{text}");
        drop(process.stdin.take());
        process.wait().unwrap();
    }
    chroot.collect(1);
}

#[test]
fn an_overlay_of_current_keeps_what_was_current() {
    let chroot = one_generation(Caller::root());
    let dir = tempfile::tempdir_in("/var/tmp").unwrap();
    let script = "mount -t tmpfs none \"$2\"; cd \"$2\"; mkdir u w m; \
                  mount -t overlay none -o \"lowerdir=$1/current,upperdir=$PWD/u,workdir=$PWD/w\" m; \
                  cd /; echo ready; exec cat";
    let mut overlay = Command::new("unshare");
    overlay.args(["--mount", "sh", "-euc", script, "sh"]).arg(chroot.place()).arg(dir.path());
    let mut overlay = overlay.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut ready = [0; 6];
    std::io::Read::read_exact(overlay.stdout.as_mut().unwrap(), &mut ready).unwrap();
    let text = chroot.make("apt");
    assert!(text.contains("generation 1 is kept for now: the overlay "), "{text}");
    drop(overlay.stdin.take());
    overlay.wait().unwrap();
    chroot.collect(1);
}

#[test]
fn a_generation_with_a_mount_in_it_is_kept_and_the_files_survive() {
    let chroot = one_generation(Caller::root());
    let precious = PreciousMount::on(chroot.tree(1).join("tmp"));
    let text = chroot.make("apt");
    let expected = format!("kept for now: {} is a mount point in it", precious.point.display());
    assert!(text.contains(&expected), "{text}");
    let (status, text) = chroot.tell(&["gc"]);
    assert_eq!((status, text.contains("is a mount point in it")), (Some(0), true), "{text}");
    assert!(precious.is_intact() && precious.point.join("file").exists());
    precious.unmount();
    chroot.collect(1);
    assert!(precious.is_intact());
    assert_eq!(chroot.generations(), [2]);
}

/// A schroot session, with the file that defines its chroot.
struct Schroot {
    file: PathBuf,
    session: String,
}

impl Schroot {
    fn begin(tree: &Path) -> Self {
        let name = format!("chroot-maint-test-{}", std::process::id());
        let file = Path::new("/etc/schroot/chroot.d").join(&name);
        let text = format!(
            "[{name}]\ntype=directory\ndirectory={}\nunion-type=overlay\nprofile=minimal\n",
            tree.display()
        );
        fs::write(&file, text).expect("schroot must be installed: apt-get install schroot");
        let mut schroot = Self { file, session: String::new() };
        let begun =
            run(Command::new("schroot").args(["--begin-session", "--chroot", &name])).stdout;
        schroot.session.push_str(String::from_utf8(begun).unwrap().trim());
        schroot
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("schroot");
        command.args(words).args(["--chroot", &self.session]);
        command
    }
}

impl Drop for Schroot {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            let _ = self.command(&["--end-session", "--force"]).output();
        }
        let _ = fs::remove_file(&self.file);
    }
}

#[test]
fn a_session_of_schroot_keeps_its_generation() {
    let chroot = one_generation(Caller::root());
    let session = Schroot::begin(&chroot.tree(1));
    let text = chroot.make("apt");
    assert!(
        text.contains("generation 1 is kept for now: it is mounted on /var/lib/schroot/"),
        "{text}"
    );
    let mut cat = session.command(&["--run-session", "--directory=/"]);
    let output = run(cat.args(["--", "cat", "/usr/share/hello"]));
    assert_eq!(output.stdout, b"1\n", "the session goes on");
    drop(session);
    chroot.collect(1);
}

fn what_killed_runs_left_goes(caller: Caller) {
    let chroot = ToyChroot::made(caller);
    let (status, text) = chroot.tell(&["gc"]);
    assert_eq!((status, &*text), (Some(0), "there is nothing to free\n"));
    let before = files(&chroot.caller.state());

    let state = chroot.caller.state();
    let archive = fs::read_dir(state.join("archive")).unwrap().next().unwrap().unwrap().path();
    let shelf = fs::read_dir(state.join("cache/debs")).unwrap().next().unwrap().unwrap().path();
    for (script, what) in [
        (
            "mkdir -p work/2.Abc123/tree/etc work/2.Abc123/tmp; echo x >work/2.Abc123/tree/etc/x",
            "a work directory",
        ),
        ("mkdir -p gen/2/etc; echo x >gen/2/etc/x", "a tree without a record"),
        ("cp gen/1.json gen/2.json", "a record without a tree"),
        ("mkdir -p work/7.gone/etc; echo x >work/7.gone/etc/x", "a generation on its way out"),
        ("echo x >.new.4194305.abc", "a file that was to replace another"),
        ("mkdir -p \"$archive/next/lists\"; echo x >\"$archive/next/lists/x\"", "lists"),
        ("echo x >\"$shelf/new.4194305.abc\"", "a copy of a package"),
    ] {
        let mut litter = chroot.caller.command("sh");
        litter.args(["-euc", script]).current_dir(chroot.place());
        run(litter.env("archive", &archive).env("shelf", &shelf));
        assert_ne!(files(&state), before, "{what}");
        let (status, text) = chroot.tell(&["-n", "gc"]);
        assert_eq!(status, Some(0), "{what}: {text}");
        assert_ne!(files(&state), before, "{what}: a dry run deleted it");
        let (status, text) = chroot.tell(&["gc"]);
        assert_eq!(status, Some(0), "{what}: {text}");
        assert_eq!(files(&state), before, "{what}: {text}");
    }
    assert_eq!(chroot.current(), Path::new("gen/1"));
}

/// Everything in a directory.
fn files(dir: &Path) -> String {
    let found = run(Command::new("find").arg(dir).args(["-name", "log", "-prune", "-o", "-print"]));
    let mut lines: Vec<String> = said(&found).lines().map(str::to_owned).collect();
    lines.sort();
    lines.join("\n")
}

#[test]
fn what_roots_killed_runs_left_goes() {
    what_killed_runs_left_goes(Caller::root());
}

#[test]
fn what_a_users_killed_runs_left_goes() {
    what_killed_runs_left_goes(Caller::ordinary_user());
}

/// Somebody who holds a lock until this is dropped.
struct Holder(Child);

impl Holder {
    fn of(lock: &Path) -> Self {
        let mut flock = Command::new("flock");
        flock.arg(lock).args(["sh", "-c", "echo $$ >\"$1\"; echo ready; exec cat", "sh"]).arg(lock);
        let mut holder = flock.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut ready = [0; 6];
        std::io::Read::read_exact(holder.stdout.as_mut().unwrap(), &mut ready).unwrap();
        Self(holder)
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

fn who_is_not_to_wait_is_told_for_whom(caller: Caller) {
    let chroot = ToyChroot::made(caller);
    let state = chroot.caller.state();
    let archive = fs::read_dir(state.join("archive")).unwrap().next().unwrap().unwrap().file_name();
    let (chroot_job, archive_job) =
        (format!("chroot.{}", chroot.name), format!("archive.{}", archive.to_str().unwrap()));
    for job in [&chroot_job, &archive_job] {
        let _holder = Holder::of(&state.join("locks").join(job));
        let (status, text) = chroot.tell(&["--no-wait", "job", job]);
        assert_eq!(status, Some(69), "{text}");
        assert!(text.contains(&format!("{job} is being worked on by process ")), "{text}");
        assert!(text.contains(" (cat); without --no-wait, this waits"), "{text}");
        let (status, text) = chroot.tell(&["gc"]);
        assert_eq!((status, text.contains("left alone, for process ")), (Some(0), true), "{text}");
        // The jobs that the scheduler starts don't wait either.
        let output = chroot.command_with("apt", &["--no-wait", "all"]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains("is being worked on by process "), "{}", said(&output));
    }
    let _holder = Holder::of(&state.join("locks").join(&chroot_job));
    for command in ["rollback", "remove"] {
        let (status, text) = chroot.tell(&["--no-wait", command, &chroot.name]);
        assert_eq!(status, Some(69), "{text}");
    }
}

#[test]
fn root_who_is_not_to_wait_is_told_for_whom() {
    who_is_not_to_wait_is_told_for_whom(Caller::root());
}

#[test]
fn a_user_who_is_not_to_wait_is_told_for_whom() {
    who_is_not_to_wait_is_told_for_whom(Caller::ordinary_user());
}

#[test]
fn who_waits_goes_on_when_the_other_is_done() {
    let chroot = ToyChroot::made(Caller::root());
    let job = format!("chroot.{}", chroot.name);
    let holder = Holder::of(&chroot.caller.state().join("locks").join(&job));
    let errors = chroot.caller.state().join("errors");
    let mut waiting = chroot.command(&["job", &job]);
    let waiting = waiting.stdout(Stdio::piped()).stderr(fs::File::create(&errors).unwrap()).spawn();
    let waiting = waiting.unwrap();
    wait_until("it says for whom it waits", || {
        fs::read_to_string(&errors).is_ok_and(|text| text.contains("waiting for process "))
    });
    drop(holder);
    let output = waiting.wait_with_output().unwrap();
    assert!(said(&output).contains("generation 1 is up to date"), "{}", said(&output));
}
