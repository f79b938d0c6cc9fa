//! The log files of jobs: how they are named, made and written. Doesn't know how lines are
//! assembled, nor what else is done with them.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::Offset;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{Mode, fstatat};

use super::{lines, name};
use crate::event::Stream;

/// Text of usual size is written in one call; of more, this many bytes at a time.
const MAX_WRITE: usize = 256 * 1024;

const SECONDS_PER_DAY: i64 = 24 * 60 * 60;

/// Why there is no log of a job, or only the beginning of one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum LogError {
    /// The log directory can't be made or opened.
    #[error("cannot create the log directory `{path}': {source}")]
    Directory { path: PathBuf, source: io::Error },
    /// A log file can't be made.
    #[error("cannot create the log `{path}': {source}")]
    Create { path: PathBuf, source: io::Error },
    /// A log file can't be written to any more.
    #[error("cannot write to the log `{path}', which ends here: {source}")]
    Write { path: PathBuf, source: io::Error },
}

impl LogError {
    /// Whether too many files are open, or memory is short, which may pass when a job ends.
    pub(crate) fn is_shortage(&self) -> bool {
        let (Self::Directory { source, .. }
        | Self::Create { source, .. }
        | Self::Write { source, .. }) = self;
        [Errno::EMFILE, Errno::ENFILE, Errno::ENOMEM]
            .iter()
            .any(|&errno| source.raw_os_error() == Some(errno as i32))
    }
}

/// The directory of the logs of a run.
///
/// It is made, with its parents, when the first log is. A log is named `NAME-YYYY-MM-DD#SEQ`: the
/// escaped name of the job, the date in UTC, and the first number from 1 on that is free. No file
/// that exists is ever written to, and no symbolic link in the directory followed.
///
/// Of all the errors of a run only the first is kept for the user; the others are like it. No error
/// keeps a later job from trying again: space may come back.
#[derive(Debug)]
pub(crate) struct LogDir {
    path: PathBuf,
    directory: Option<OwnedFd>,
    clock: fn() -> Timestamp,
    /// The day since the epoch and its date.
    today: Option<(i64, String)>,
    /// What is about to be written. Every write leaves it empty.
    scratch: Vec<u8>,
    complaint: Option<LogError>,
    complained: bool,
}

impl LogDir {
    pub(crate) fn new(path: impl Into<PathBuf>) -> Self {
        Self::with_clock(path, Timestamp::now)
    }

    /// The same, with another clock for the dates.
    pub(crate) fn with_clock(path: impl Into<PathBuf>, clock: fn() -> Timestamp) -> Self {
        Self {
            path: path.into(),
            directory: None,
            clock,
            today: None,
            scratch: Vec::new(),
            complaint: None,
            complained: false,
        }
    }

    /// Makes the log of a job that is about to start.
    ///
    /// The caller either hands the error to [`complain`](Self::complain) and runs the job without a
    /// log, or tries again later if [it may pass](LogError::is_shortage).
    pub(crate) fn open(&mut self, job: &str) -> Result<LogFile, LogError> {
        let stem = format!("{}-{}#", name::escape(job), self.date());
        let (file, path) = match self.create(&stem) {
            // Somebody has removed the directory that is open here.
            Err(LogError::Create { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                self.directory = None;
                self.create(&stem)?
            }
            other => other?,
        };
        Ok(LogFile { file: Some(File::from(file)), path, unfinished: None })
    }

    /// Notes an error for the user, if it is the first one of the run.
    pub(crate) fn complain(&mut self, error: LogError) {
        if !self.complained {
            self.complained = true;
            self.complaint = Some(error);
        }
    }

    /// The error that the user should be told now. At most one in the life of this directory.
    #[must_use]
    pub(crate) fn take_complaint(&mut self) -> Option<LogError> {
        self.complaint.take()
    }

    fn date(&mut self) -> &str {
        let now = (self.clock)();
        let day = now.as_second().div_euclid(SECONDS_PER_DAY);
        if self.today.as_ref().is_none_or(|(today, _)| *today != day) {
            self.today = None;
        }
        let (_, date) = self
            .today
            .get_or_insert_with(|| (day, Offset::UTC.to_datetime(now).date().to_string()));
        date
    }

    fn create(&mut self, stem: &str) -> Result<(OwnedFd, PathBuf), LogError> {
        let directory = match &self.directory {
            Some(directory) => directory,
            None => match open_directory(&self.path) {
                Ok(directory) => self.directory.insert(directory),
                Err(source) => {
                    return Err(LogError::Directory { path: self.path.clone(), source });
                }
            },
        };
        match create_next(directory, stem) {
            Ok((file, name)) => Ok((file, self.path.join(name))),
            Err((errno, name)) => {
                Err(LogError::Create { path: self.path.join(name), source: errno.into() })
            }
        }
    }
}

/// Opens the directory as a place to make files in, which takes no permission to list it.
fn open_directory(path: &Path) -> io::Result<OwnedFd> {
    std::fs::create_dir_all(path)?;
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    Ok(uninterrupted(|| nix::fcntl::open(path, flags, Mode::empty()))?)
}

/// Makes the file of the first free number. An error comes with the name that was tried last.
fn create_next(directory: &OwnedFd, stem: &str) -> Result<(OwnedFd, String), (Errno, String)> {
    let flags =
        OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_WRONLY | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
    let mode = Mode::from_bits_truncate(0o666);
    let mut free = 1;
    loop {
        let name = format!("{stem}{free}");
        match uninterrupted(|| openat(directory, name.as_str(), flags, mode)) {
            // Taken before, or by another process just now.
            Err(Errno::EEXIST) => match next_free(directory, stem, free) {
                Ok(next) => free = next,
                Err(errno) => return Err((errno, name)),
            },
            Ok(file) => return Ok((file, name)),
            Err(errno) => return Err((errno, name)),
        }
    }
}

/// A free number above this one, which is taken: the first one, unless logs have been removed.
///
/// Strides that double find one, bisection finds the first: some 2 log2(n) system calls.
fn next_free(directory: &OwnedFd, stem: &str, taken: u32) -> nix::Result<u32> {
    let is_taken = |number: u32| {
        let name = format!("{stem}{number}");
        let flags = AtFlags::AT_SYMLINK_NOFOLLOW;
        match uninterrupted(|| fstatat(directory, name.as_str(), flags)) {
            Ok(_) => Ok(true),
            Err(Errno::ENOENT) => Ok(false),
            Err(errno) => Err(errno),
        }
    };
    let beyond = |number: u32, stride: u32| number.checked_add(stride).ok_or(Errno::EOVERFLOW);
    let mut taken = taken;
    let mut stride = 1;
    let mut free = beyond(taken, stride)?;
    while is_taken(free)? {
        taken = free;
        stride = stride.saturating_mul(2);
        free = beyond(taken, stride)?;
    }
    while free - taken > 1 {
        let middle = taken + (free - taken) / 2;
        if is_taken(middle)? {
            taken = middle;
        } else {
            free = middle;
        }
    }
    Ok(free)
}

/// Repeats a system call that a signal interrupted.
fn uninterrupted<T>(mut call: impl FnMut() -> nix::Result<T>) -> nix::Result<T> {
    loop {
        match call() {
            Err(Errno::EINTR) => {}
            result => return result,
        }
    }
}

/// The log of a running job: each line after the marker of its stream, `| line` or `* line`, byte
/// for byte as it came.
#[derive(Debug)]
pub(crate) struct LogFile {
    /// None after the first error.
    file: Option<File>,
    path: PathBuf,
    /// The stream of the last line, if its newline has not come yet.
    unfinished: Option<Stream>,
}

impl LogFile {
    /// The directory as it was given, and the file's name.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a text, in one call to the system unless it is very big.
    ///
    /// If the text before it lacked its newline, this one goes on with its line, without a marker;
    /// but not if it comes from the other stream: then the line ends here.
    pub(crate) fn lines(&mut self, logs: &mut LogDir, stream: Stream, text: &[u8]) {
        if self.file.is_none() || text.is_empty() {
            return;
        }
        let marker: &[u8; 2] = match stream {
            Stream::Stdout => b"| ",
            Stream::Stderr => b"* ",
        };
        let mut goes_on = self.unfinished == Some(stream);
        if !goes_on && self.unfinished.is_some() {
            logs.scratch.push(b'\n');
        }
        for line in lines(text) {
            if !goes_on {
                logs.scratch.extend_from_slice(marker);
            }
            goes_on = false;
            logs.scratch.extend_from_slice(line);
            if logs.scratch.len() >= MAX_WRITE {
                self.write(logs);
            }
        }
        self.unfinished = (!text.ends_with(b"\n")).then_some(stream);
        self.write(logs);
    }

    /// Takes the file away again, of a job that was not started after all.
    pub(crate) fn discard(self) {
        // If it can't be, an empty log stays behind, which harms nobody.
        let _ = std::fs::remove_file(&self.path);
    }

    /// Ends the last line, if its newline never came. Gives the path, for those who want to read it.
    pub(crate) fn finish(mut self, logs: &mut LogDir) -> PathBuf {
        if self.unfinished.is_some() {
            logs.scratch.push(b'\n');
            self.write(logs);
        }
        self.path
    }

    /// Writes what is in the scratch buffer. The first error ends the log.
    fn write(&mut self, logs: &mut LogDir) {
        // Loops over short writes and interruptions.
        let result = match &mut self.file {
            Some(file) => file.write_all(&logs.scratch),
            None => Ok(()),
        };
        logs.scratch.clear();
        if let Err(source) = result {
            self.file = None;
            logs.complain(LogError::Write { path: self.path.clone(), source });
        }
    }
}

#[cfg(test)]
mod tests;
