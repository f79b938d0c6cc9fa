//! What makes a test a few lines: runs within this process, programs beside it, meeting points.

mod program;
mod run;
mod watchdog;

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};

use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::Pid;

pub(crate) use program::{Program, Text, example, host, plain};
pub(crate) use run::{Seen, Test, custom};
pub(crate) use watchdog::watch;

/// Makes a fifo.
pub(crate) fn fifo(path: PathBuf) -> PathBuf {
    nix::unistd::mkfifo(&path, Mode::S_IRWXU).unwrap();
    path
}

/// Opens a fifo for both directions, so that neither opening nor closing means anything to others.
pub(crate) fn hold(path: &Path) -> File {
    OpenOptions::new().read(true).write(true).open(path).unwrap()
}

/// A fifo into which processes write lines, and whose end of file says that they are all gone.
pub(crate) struct Lifeline(BufReader<File>);

impl Lifeline {
    /// Waits until somebody opens it to write.
    pub(crate) fn open(path: &Path) -> Self {
        watch();
        Self(BufReader::new(File::open(path).unwrap()))
    }

    /// The next line, without its newline.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        assert!(line.ends_with('\n'), "the fifo was closed after {line:?}");
        line.pop();
        line
    }

    /// Waits until nobody holds it open, and returns what was still written.
    pub(crate) fn all_gone(mut self) -> String {
        let mut rest = String::new();
        self.0.read_to_string(&mut rest).unwrap();
        rest
    }
}

/// Lets somebody go on who does `read x <PATH`. Waits until they are there.
pub(crate) fn release(path: &Path) {
    watch();
    OpenOptions::new().write(true).open(path).unwrap().write_all(b"go\n").unwrap();
}

/// The state of a process as one letter, `?` if there is none of that number.
pub(crate) fn state_of(pid: u32) -> char {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').and_then(|(_, rest)| rest.trim_start().chars().next()).unwrap_or('?')
}

/// A line of `/proc/PID/status`.
pub(crate) fn status_of(pid: &str, field: &str) -> String {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    line.unwrap().trim().to_owned()
}

/// Ends a process that a job has left behind.
pub(crate) fn end(pid: u32) {
    kill(Pid::from_raw(pid.try_into().unwrap()), Signal::SIGTERM).unwrap();
}
