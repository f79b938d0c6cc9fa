//! Who runs the program in a system test, with what, and what is looked at afterwards.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::Once,
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// The ordinary user, made when it is not there.
pub(crate) const USER: &str = "chroot-maint-test";

/// Who runs the program, with a place for its state that is that user's.
pub(crate) struct Caller {
    pub(crate) user: &'static str,
    dir: TempDir,
}

impl Caller {
    pub(crate) fn root() -> Self {
        let dir = tempfile::tempdir_in("/var/tmp").unwrap();
        Self::in_dir("root", dir)
    }

    pub(crate) fn ordinary_user() -> Self {
        static MADE: Once = Once::new();
        MADE.call_once(|| {
            if !succeeds(Command::new("id").arg(USER)) {
                // Debian's useradd gives it subordinate ids as well.
                run(Command::new("useradd").args(["--create-home", USER]));
            }
        });
        let dir = tempfile::tempdir_in("/var/tmp").unwrap();
        run(Command::new("chown").arg(USER).arg(dir.path()));
        Self::in_dir(USER, dir)
    }

    fn in_dir(user: &'static str, dir: TempDir) -> Self {
        let uid = run(Command::new("id").arg("-u")).stdout;
        assert_eq!(uid, b"0\n", "system tests must be run by root");
        let caller = Self { user, dir };
        // The build directory may be closed to others; a copy of the program is not.
        // By a process of its own: a child that another test starts meanwhile would have the copy open for writing.
        run(Command::new("cp").arg(env!("CARGO_BIN_EXE_chroot-maint")).arg(caller.program()));
        caller
    }

    fn program(&self) -> PathBuf {
        self.dir.path().join("chroot-maint")
    }

    /// A command as that user, with a home and state of this test's own.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        // It becomes the program, so that killing the child kills the program itself.
        // Signals that whoever runs the tests ignores, as shells have it for what is in the background, are not ignored.
        let mut command = Command::new("env");
        command.args([
            "--default-signal",
            "setpriv",
            "--reuid",
            self.user,
            "--regid",
            self.user,
            "--init-groups",
            "--",
        ]);
        command.arg(program);
        command.env("HOME", self.dir.path()).env("XDG_STATE_HOME", self.dir.path().join("state"));
        command
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_CACHE_HOME")
            .current_dir(self.dir.path());
        command
    }

    /// The program, told to keep its state in this test's directory, whoever runs it.
    pub(crate) fn chroot_maint(&self, words: &[&str]) -> Command {
        self.chroot_maint_with("", words)
    }

    /// The same with more in its config.
    pub(crate) fn chroot_maint_with(&self, config_text: &str, words: &[&str]) -> Command {
        let config = self.dir.path().join("config.toml");
        let state = self.state();
        // In one step: a call that was started before may be about to read it, and half a config is one as well.
        let unfinished = config.with_extension("new");
        fs::write(&unfinished, format!("state-dir = '{}'\n{config_text}", state.display()))
            .unwrap();
        fs::rename(&unfinished, &config).unwrap();
        let mut command = self.command(self.program());
        command.arg("--config").arg(config).args(words);
        command
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.dir.path().to_owned()
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    /// A way into a directory that no longer has a name.
    pub(crate) fn deleted_dir(&self) -> PathBuf {
        let dir = self.dir.path().join("deleted");
        fs::create_dir(&dir).unwrap();
        let held = fs::File::open(&dir).unwrap();
        fs::remove_dir(&dir).unwrap();
        // Open for as long as the tests run.
        let descriptor = std::os::fd::IntoRawFd::into_raw_fd(held);
        PathBuf::from(format!("/proc/{}/fd/{descriptor}", std::process::id()))
    }

    /// The host's own release and architecture.
    pub(crate) fn own_chroot(&self) -> String {
        let listed = run(&mut self.chroot_maint(&["list"]));
        String::from_utf8(listed.stdout).unwrap().trim().to_owned()
    }

    pub(crate) fn place(&self) -> PathBuf {
        self.state().join("chroots").join(self.own_chroot())
    }

    /// Everything in the state directory with its inode and time of change, as a user who sees it all.
    pub(crate) fn snapshot(&self) -> Vec<u8> {
        self.snapshot_of("")
    }

    /// The same of a part of it.
    pub(crate) fn snapshot_of(&self, part: &str) -> Vec<u8> {
        let mut find = Command::new("find");
        find.arg(self.state().join(part)).args(["-path", "*/locks", "-prune", "-o"]);
        run(find.args(["-printf", "%p %i %T@ %C@ %l\n"])).stdout
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        // The directory is the test's own, and all that was mounted in it is gone with its namespaces.
        let _ = Command::new("rm").args(["-rf", "--one-file-system"]).arg(self.state()).status();
    }
}

fn succeeds(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

pub(crate) fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}: {said}", output.status);
    output
}

pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(120);
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Whether any process was started with this path in its words.
pub(crate) fn is_busy(path: &Path) -> bool {
    let path = path.as_os_str().as_encoded_bytes();
    let names = |entry: fs::DirEntry| {
        let words = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        words.windows(path.len()).any(|window| window == path)
    };
    fs::read_dir("/proc").unwrap().any(|entry| entry.is_ok_and(names))
}
