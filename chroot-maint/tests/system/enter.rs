//! Throw-away sessions: what is run in them, what they leave, and who can see that they are there.

use std::{
    fs,
    io::Write,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use crate::caller::{Caller, is_busy, run, wait_until};

/// The smallest system that there is with apt in it.
const SMALL: &str = "[defaults]\nvariant = 'apt'\ninclude = []\n";

/// A chroot to enter, and its tree.
pub(crate) struct Entered<'a> {
    pub(crate) caller: &'a Caller,
    pub(crate) config: String,
    pub(crate) chroot: String,
}

impl Entered<'_> {
    pub(crate) fn enter(&self, words: &[&str]) -> Command {
        let words = [&["enter"], words].concat();
        self.caller.chroot_maint_with(&self.config, &words)
    }

    /// A session that runs a command of the shell.
    fn sh(&self, script: &str) -> Output {
        self.enter(&[&self.chroot, "--", "sh", "-c", script]).output().unwrap()
    }

    fn tree(&self) -> PathBuf {
        let current = self.caller.state().join("chroots").join(&self.chroot).join("current");
        current.canonicalize().unwrap()
    }

    pub(crate) fn statuses_are_passed_on(&self) {
        for (script, status) in [("exit 7", 7), ("kill -TERM $$", 143), ("exec nonesuch", 127)] {
            assert_eq!(self.sh(script).status.code(), Some(status), "{script}");
        }
        let output = self.enter(&["--user", "nonesuch", &self.chroot, "true"]).output().unwrap();
        assert_eq!(output.status.code(), Some(125));
        assert!(String::from_utf8_lossy(&output.stderr).contains("no user `nonesuch'"));
    }

    fn pipes_work_and_nothing_else_is_said(&self) {
        let mut cat = self.enter(&[&self.chroot, "cat"]);
        let mut cat = cat
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        cat.stdin.take().unwrap().write_all(b"hello").unwrap();
        let output = cat.wait_with_output().unwrap();
        assert_eq!((&output.stdout[..], &output.stderr[..]), (&b"hello"[..], &b""[..]));
    }

    fn what_builds_heed_is_handed_on_and_nothing_else(&self) {
        let mut echo = self.enter(&[
            &self.chroot,
            "--",
            "sh",
            "-c",
            "echo \"$CHROOT_MAINT_EMULATE,$SOURCE_DATE_EPOCH,$SECRET\"",
        ]);
        echo.env("CHROOT_MAINT_EMULATE", "1").env("SOURCE_DATE_EPOCH", "7").env("SECRET", "x");
        assert_eq!(String::from_utf8_lossy(&run(&mut echo).stdout), "1,7,\n");
    }

    fn what_is_changed_is_gone_afterwards(&self) {
        let before = self.caller.snapshot();
        let said = run(&mut self.enter(&[
            &self.chroot,
            "--",
            "sh",
            "-euc",
            "rm -r /usr/share/doc; mkdir /usr/share/doc; echo x >/etc/debian_version; echo x >/new; \
             chown 42:42 /new; ls /usr/share/doc; stat -c %u /new; id -u; cat /etc/debian_chroot; ulimit -Hn",
        ]));
        let said = String::from_utf8(said.stdout).unwrap();
        assert_eq!(said, format!("42\n0\n{}\n4096\n", self.chroot));
        assert!(before == self.caller.snapshot(), "the session changed something");
    }

    fn a_hosts_directory_and_another_user(&self) {
        let shared = self.caller.state().join("shared");
        fs::create_dir(&shared).unwrap();
        fs::write(shared.join("file"), "from the host\n").unwrap();
        let bind = format!("{}:/mnt/a/b", shared.display());
        let words = [
            "--bind",
            &bind,
            "--user",
            "nobody",
            &self.chroot,
            "--",
            "sh",
            "-c",
            "cat /mnt/a/b/file; id -un",
        ];
        let said = run(&mut self.enter(&words)).stdout;
        assert_eq!(String::from_utf8_lossy(&said), "from the host\nnobody\n");
        assert!(!self.tree().join("mnt/a").exists());
        fs::remove_dir_all(shared).unwrap();
    }

    pub(crate) fn a_session_is_seen_and_dies_with_the_program(&self) {
        let tree = self.tree();
        let mut session = self.enter(&[&self.chroot, "sleep", "600"]);
        let mut session = session.stdin(Stdio::null()).spawn().unwrap();
        wait_until("the session's mounts are seen", || is_mounted_by_anybody(&tree));
        wait_until("its command runs", is_asleep);
        // Only the one that was started; the others must notice.
        session.kill().unwrap();
        session.wait().unwrap();
        wait_until("nobody uses the tree any more", || {
            !is_busy(&tree) && !is_mounted_by_anybody(&tree)
        });
    }

    /// Types into a terminal that the program runs on, and gives what is to be read there.
    fn typed(&self, keys: &[u8]) -> (String, Option<i32>) {
        let session = self.enter(&["--user", "root", &self.chroot]);
        let words: Vec<_> = [session.get_program()].into_iter().chain(session.get_args()).collect();
        let words: Vec<_> =
            words.iter().map(|word| format!("'{}'", word.to_str().unwrap())).collect();
        let mut script = Command::new("script");
        script.args(["--quiet", "--return", "--command", &words.join(" "), "/dev/null"]);
        script.envs(session.get_envs().filter_map(|(name, value)| Some((name, value?))));
        script.current_dir(session.get_current_dir().unwrap()).env("TERM", "dumb");
        let script = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut script = script.unwrap();
        script.stdin.take().unwrap().write_all(keys).unwrap();
        let output = script.wait_with_output().unwrap();
        (String::from_utf8_lossy(&output.stdout).into_owned(), output.status.code())
    }

    /// A shell with job control, and its children's interrupts, which end neither the shell nor the session.
    fn a_terminal_is_a_terminal(&self) {
        // The shell hears of the interrupt before the keys that follow it, for the terminal drops those typed before.
        let keys = b"set -m\ntty\nsh -c 'kill -INT 0; sleep 600'\necho status $?\nsleep 600 &\njobs\nkill %1\nexit 3\n";
        let (said, status) = self.typed(keys);
        assert_eq!(status, Some(3), "{said}");
        assert!(said.contains("status 130"), "{said}");
        assert!(said.contains("/dev/console"), "{said}");
        assert!(!said.contains("no job control") && !said.contains("can't access tty"), "{said}");
    }
}

/// Whether a process anywhere has mounted this directory somewhere else.
fn is_mounted_by_anybody(tree: &std::path::Path) -> bool {
    let tree = tree.to_str().unwrap();
    let has = |process: fs::DirEntry| {
        let mounts = fs::read_to_string(process.path().join("mountinfo")).unwrap_or_default();
        // The fourth field is what is mounted, as seen from the root of its file system.
        mounts.lines().any(|line| {
            line.split(' ')
                .nth(3)
                .is_some_and(|root| tree.ends_with(root) && root.contains("/gen/"))
        })
    };
    fs::read_dir("/proc").unwrap().any(|entry| entry.is_ok_and(has))
}

/// Whether the command of such a session runs; emulated, the emulator's words come before its own.
fn is_asleep() -> bool {
    let sleeps = |process: fs::DirEntry| {
        let words = fs::read(process.path().join("cmdline"));
        words.is_ok_and(|words| words.ends_with(b"sleep\x00600\x00") && !words.starts_with(b"/"))
    };
    fs::read_dir("/proc").unwrap().any(|entry| entry.is_ok_and(sleeps))
}

fn sessions_in_a_native_chroot(caller: &Caller) {
    let chroot = caller.own_chroot();
    run(&mut caller.chroot_maint_with(SMALL, &["-q", "all"]));
    let entered = Entered { caller, config: SMALL.to_owned(), chroot };
    entered.statuses_are_passed_on();
    entered.pipes_work_and_nothing_else_is_said();
    entered.what_builds_heed_is_handed_on_and_nothing_else();
    entered.what_is_changed_is_gone_afterwards();
    entered.a_hosts_directory_and_another_user();
    entered.a_terminal_is_a_terminal();
    entered.a_session_is_seen_and_dies_with_the_program();
}

#[test]
fn root_has_sessions() {
    sessions_in_a_native_chroot(&Caller::root());
}

#[test]
fn an_ordinary_user_has_sessions() {
    sessions_in_a_native_chroot(&Caller::ordinary_user());
}
