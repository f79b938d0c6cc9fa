//! Child processes: starting one, its process group, the descriptor that tells of its end, and how
//! it ended. Knows neither jobs nor tokens, and doesn't read what children write.

mod clone;
mod command;
mod family;
mod launch;
mod limit;
mod program;
mod sys;
mod terms;

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

pub(crate) use family::{Holders, group_members, holders_of};
pub(crate) use launch::Launcher;
pub(crate) use limit::FileLimit;
pub(crate) use sys::{pidfd_open, stop_self, stop_self_while};
pub(crate) use terms::{Environment, NotStarted, above_standard};

use crate::machine::Ending;

/// A child that was started and not yet reaped.
///
/// Until it is reaped, its process id and that of its group can't come to mean anything else.
#[derive(Debug)]
pub(crate) struct Child {
    pid: Pid,
    pidfd: OwnedFd,
}

/// What a child used, itself and those of its own children that it waited for.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Usage {
    pub(crate) user: Duration,
    pub(crate) system: Duration,
    /// In bytes, of the largest process.
    pub(crate) peak_memory: u64,
}

impl Child {
    pub(crate) fn pid(&self) -> u32 {
        self.pid.as_raw().unsigned_abs()
    }

    /// Sends a signal to all of the child's process group.
    pub(crate) fn signal(&self, signal: Signal) {
        // The one way to fail is that nobody is left to get it.
        let _ = killpg(self.pid, signal);
    }

    /// Waits for its end and reaps it; for a child that was just killed.
    pub(crate) fn wait(&self) {
        let _ = nix::sys::wait::waitpid(self.pid, None);
    }

    /// Reaps the child if it has ended; `None` if it has not.
    pub(crate) fn reap(&self) -> Option<(Ending, Usage)> {
        match sys::reap(self.pid) {
            Ok(None) => None,
            Ok(Some(ended)) => {
                let usage = Usage {
                    user: ended.user,
                    system: ended.system,
                    peak_memory: ended.peak_memory,
                };
                Some((ending(ended.status), usage))
            }
            // Somebody else has reaped it: the host ignores SIGCHLD or waits for all children.
            Err(_) => Some((Ending::StatusLost, Usage::default())),
        }
    }
}

impl AsFd for Child {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }
}

fn ending(status: i32) -> Ending {
    if libc::WIFSIGNALED(status) {
        Ending::Signal(libc::WTERMSIG(status))
    } else {
        match libc::WEXITSTATUS(status) {
            0 => Ending::Succeeded,
            status => Ending::Exit(status),
        }
    }
}

/// Whether an error means that there is not enough of something of which running jobs hold some.
pub(crate) fn is_exhaustion(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE | libc::EAGAIN | libc::ENOMEM))
}
