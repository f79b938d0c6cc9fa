//! What every way of starting a child has in common: how the child is to find its environment, how a
//! start fails, and what has to be known of this process. Starts nothing.

use std::borrow::Cow;
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd, RawFd};

use super::is_exhaustion;
use crate::job::{Body, Reason};

/// Changes to the environment that a child inherits.
#[derive(Debug, Clone, Default)]
pub(crate) struct Environment {
    /// Variables to set, or to remove, unless the command itself says what they are.
    pub(crate) variables: Vec<(&'static str, Option<OsString>)>,
    /// Descriptors that stay open in the child, by their numbers.
    pub(crate) inherit: Vec<RawFd>,
    /// Whether the variables are news for the child, not only inherited ones put right: then it
    /// gets them even if it inherits nothing else.
    pub(crate) news: bool,
}

/// Why a child was not started.
#[derive(Debug)]
pub(crate) enum NotStarted {
    /// There isn't enough of something for now: try again with this when a job has ended.
    Exhausted(Box<Body>, io::Error),
    /// It can't be started.
    Failed(Option<i32>, Reason),
}

pub(super) fn not_started(body: Body, error: io::Error) -> NotStarted {
    if is_exhaustion(&error) {
        NotStarted::Exhausted(Box::new(body), error)
    } else {
        failed("start a process", &error)
    }
}

pub(super) fn failed(what: impl Into<Cow<'static, str>>, error: &io::Error) -> NotStarted {
    let message = format!("failed to {}: {error}", what.into());
    NotStarted::Failed(error.raw_os_error(), message.into())
}

/// The same open file under a number above those of the standard streams, one of which it may have
/// got if the host had it closed.
pub(crate) fn above_standard(fd: OwnedFd) -> io::Result<OwnedFd> {
    // Duplicates are made with numbers from 3 on.
    if fd.as_raw_fd() > 2 { Ok(fd) } else { fd.try_clone() }
}

/// Whether this process has no other thread.
pub(super) fn has_single_thread() -> bool {
    // Each thread is a directory here, and so a link besides `.` and the name in the parent.
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self/task").is_ok_and(|tasks| tasks.nlink() == 3)
}
