//! Programs beside this process: the examples, and this test binary in a part of its own.

use std::env;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use nix::pty::openpty;
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};
use nix::unistd::Pid;

use super::watch;

/// The path of an example program of this crate.
pub(crate) fn example(name: &str) -> PathBuf {
    // This is target/PROFILE/deps/it-HASH.
    let program = env::current_exe().unwrap();
    let path = program.parent().unwrap().with_file_name("examples").join(name);
    assert!(
        path.exists(),
        "{} is not there: run `cargo test` without naming a target, which builds it",
        path.display()
    );
    path
}

/// A command that knows nothing of a jobserver under which the tests themselves may run.
pub(crate) fn plain(program: impl AsRef<OsStr>) -> Command {
    watch();
    let mut command = Command::new(program);
    for variable in ["MAKEFLAGS", "MFLAGS", "MAKELEVEL", "CARGO_MAKEFLAGS"] {
        command.env_remove(variable);
    }
    command
}

/// This test binary, to play a part of `host`.
pub(crate) fn host(part: &str) -> Command {
    let mut command = plain(env::current_exe().unwrap());
    command.args(["--exact", "host::part", "--nocapture", "-q"]).env(crate::host::PART, part);
    command
}

/// A program that runs, and the lines that it writes to stdout and stderr.
pub(crate) struct Program {
    child: Child,
    lines: Box<dyn BufRead>,
    /// The terminal's other side, if it has a terminal.
    terminal: Option<File>,
    transcript: String,
}

impl Program {
    /// Starts it with both streams on one pipe.
    pub(crate) fn start(mut command: Command) -> Self {
        let (read, write) = pipe();
        command.stdin(Stdio::null()).stdout(write.try_clone().unwrap()).stderr(write);
        let child = command.spawn().unwrap();
        // It holds the write end, too.
        drop(command);
        let lines = Box::new(BufReader::new(File::from(read)));
        Self { child, lines, terminal: None, transcript: String::new() }
    }

    /// Starts it in a session of its own, whose terminal it has.
    pub(crate) fn start_in_terminal(command: &Command) -> Self {
        watch();
        let pty = openpty(None, None).unwrap();
        // A key that sends a signal would else discard what has been written just before it is
        // seen, which may be some time after it was pressed.
        let mut modes = tcgetattr(&pty.slave).unwrap();
        modes.local_flags |= LocalFlags::NOFLSH;
        tcsetattr(&pty.slave, SetArg::TCSANOW, &modes).unwrap();
        let mut session = Command::new("setsid");
        session.args(["--ctty", "--wait"]).arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => session.env(name, value),
                None => session.env_remove(name),
            };
        }
        if let Some(directory) = command.get_current_dir() {
            session.current_dir(directory);
        }
        let slave = || pty.slave.try_clone().unwrap();
        session.stdin(slave()).stdout(slave()).stderr(slave());
        let child = session.spawn().unwrap();
        drop(session);
        drop(pty.slave);
        let master = File::from(pty.master);
        let lines = Box::new(BufReader::new(master.try_clone().unwrap()));
        Self { child, lines, terminal: Some(master), transcript: String::new() }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).unwrap();
        kill(Pid::from_raw(pid), signal).unwrap();
    }

    /// Whether this is in what has been read so far.
    pub(crate) fn has_said(&self, text: &str) -> bool {
        self.transcript.contains(text)
    }

    /// Types a key.
    pub(crate) fn press(&mut self, key: u8) {
        use std::io::Write as _;
        self.terminal.as_mut().unwrap().write_all(&[key]).unwrap();
    }

    /// Reads on to the next line that has this in it.
    #[track_caller]
    pub(crate) fn line_with(&mut self, text: &str) -> String {
        loop {
            let line = self.line();
            let line = line.unwrap_or_else(|| panic!("no `{text}' in:\n{}", self.transcript));
            if line.contains(text) {
                return line;
            }
        }
    }

    fn line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        match self.lines.read_until(b'\n', &mut line) {
            Ok(0) => None,
            Ok(_) => {
                let line = String::from_utf8_lossy(&line).into_owned();
                self.transcript.push_str(&line);
                Some(line.trim_end().to_owned())
            }
            // A terminal ends like this.
            Err(error) if error.raw_os_error() == Some(nix::libc::EIO) => None,
            Err(error) => panic!("{error}"),
        }
    }

    /// Waits for its end, and returns all that it wrote.
    pub(crate) fn end(mut self) -> (ExitStatus, String) {
        while self.line().is_some() {}
        (self.child.wait().unwrap(), self.transcript)
    }

    /// Waits until it dies by this signal, and returns all that it wrote.
    #[track_caller]
    pub(crate) fn dies_by(self, signal: Signal) -> String {
        let (status, transcript) = self.end();
        assert_eq!(status.signal(), Some(signal as i32), "{status}\n{transcript}");
        transcript
    }

    /// Waits for a successful end, and returns all that it wrote.
    #[track_caller]
    pub(crate) fn succeeds(self) -> String {
        let (status, transcript) = self.end();
        assert!(status.success(), "{status}\n{transcript}");
        transcript
    }
}

fn pipe() -> (OwnedFd, OwnedFd) {
    nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC).unwrap()
}

/// What tests want of a program that has ended.
pub(crate) trait Text {
    fn text(&self) -> String;
}

impl Text for Output {
    fn text(&self) -> String {
        let mut text = String::new();
        for mut stream in [&self.stdout[..], &self.stderr[..]] {
            stream.read_to_string(&mut text).unwrap();
        }
        text
    }
}
