//! The system calls that have no safe wrapper: pidfd, wait with resource usage, fork, and what a
//! child does before its program begins. The `unsafe` of this crate is in this file, in `clone`, and in
//! `tokens::descriptor`.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::sys::signal::{
    SaFlags, SigAction, SigHandler, SigSet, SigmaskHow, Signal, raise, sigaction,
};
use nix::unistd::Pid;

/// What a child has to put right before its program begins, because `posix_spawn` as the standard
/// library calls it can't.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Repair {
    /// Set this as the soft limit of open files, below this hard one.
    pub(super) file_limit: Option<(u64, u64)>,
    /// Give these signals their default disposition.
    pub(super) default_signals: Vec<i32>,
    /// Empty the signal mask.
    pub(super) unblock: bool,
    /// Let these descriptors be inherited.
    pub(super) inherit: Vec<RawFd>,
}

impl Repair {
    /// Whether nothing is wrong.
    pub(super) fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// Does it, in a child between fork and exec. Nothing in here allocates or locks.
    fn perform(&self) -> io::Result<()> {
        if let Some((soft, hard)) = self.file_limit {
            let limit = libc::rlimit { rlim_cur: soft, rlim_max: hard };
            // SAFETY: the pointer is to a whole struct that lives during the call.
            check(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) })?;
        }
        for &signal in &self.default_signals {
            // SAFETY: setting the default disposition installs no handler; the call is
            // async-signal-safe. A number that can't be set is answered with an error.
            unsafe { libc::signal(signal, libc::SIG_DFL) };
        }
        if self.unblock {
            // SAFETY: the set is initialised by sigemptyset before it is used; both calls are
            // async-signal-safe.
            unsafe {
                let mut set = std::mem::zeroed();
                libc::sigemptyset(&raw mut set);
                check(libc::sigprocmask(libc::SIG_SETMASK, &raw const set, std::ptr::null_mut()))?;
            }
        }
        for &fd in &self.inherit {
            // SAFETY: fcntl with F_SETFD touches no memory, and the descriptor table is the child's.
            check(unsafe { libc::fcntl(fd, libc::F_SETFD, 0) })?;
        }
        Ok(())
    }

    /// Has a command do it. From here on the standard library forks for this command.
    pub(super) fn attach(self, command: &mut Command) {
        // SAFETY: `perform` only makes async-signal-safe calls: it neither allocates nor locks, and
        // its errors are made from error numbers.
        unsafe { command.pre_exec(move || self.perform()) };
    }
}

fn check(answer: libc::c_int) -> io::Result<()> {
    if answer == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// A descriptor that becomes readable when the process ends.
///
/// The process has to be a child that nobody has waited for, or the number may mean another one.
pub(crate) fn pidfd_open(pid: Pid) -> io::Result<OwnedFd> {
    // SAFETY: the call takes two numbers and touches no memory.
    let answer = unsafe { libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), 0) };
    match RawFd::try_from(answer) {
        // SAFETY: the descriptor was just made, and nobody else knows of it.
        Ok(fd) if fd >= 0 => Ok(unsafe { OwnedFd::from_raw_fd(fd) }),
        _ => Err(io::Error::last_os_error()),
    }
}

/// How a process ended, as the kernel puts it, and what it used.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ended {
    pub(super) status: i32,
    pub(super) user: Duration,
    pub(super) system: Duration,
    /// In bytes.
    pub(super) peak_memory: u64,
}

/// Reaps this child, and only this, if it has ended; `None` if it has not.
pub(super) fn reap(pid: Pid) -> io::Result<Option<Ended>> {
    let mut status = 0;
    // SAFETY: a struct of numbers, for which zero is a value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    loop {
        // SAFETY: both pointers are to whole values that live during the call.
        let answer =
            unsafe { libc::wait4(pid.as_raw(), &raw mut status, libc::WNOHANG, &raw mut usage) };
        if answer == 0 {
            return Ok(None);
        }
        if answer > 0 {
            return Ok(Some(Ended {
                status,
                user: duration(usage.ru_utime),
                system: duration(usage.ru_stime),
                peak_memory: u64::try_from(usage.ru_maxrss).unwrap_or(0).saturating_mul(1024),
            }));
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

fn duration(time: libc::timeval) -> Duration {
    Duration::from_secs(u64::try_from(time.tv_sec).unwrap_or(0))
        + Duration::from_micros(u64::try_from(time.tv_usec).unwrap_or(0))
}

/// The standard streams of a forked child.
#[derive(Debug)]
pub(super) struct Streams<'a> {
    pub(super) stdin: BorrowedFd<'a>,
    pub(super) stdout: BorrowedFd<'a>,
    pub(super) stderr: BorrowedFd<'a>,
}

/// Runs a closure in a forked child with these streams and in a process group of its own. The child
/// ends with the closure's answer as its status; the closure must not unwind.
///
/// The caller has made sure that this process has a single thread.
pub(super) fn fork(
    streams: &Streams<'_>,
    repair: &Repair,
    body: impl FnOnce() -> i32,
) -> io::Result<Pid> {
    // SAFETY: the process has a single thread, so that the child is a whole copy in which no lock is
    // held by a thread that isn't there.
    match unsafe { nix::unistd::fork() }? {
        nix::unistd::ForkResult::Parent { child } => {
            // The child does the same; whoever comes first, the group is there for both.
            let _ = nix::unistd::setpgid(child, child);
            Ok(child)
        }
        nix::unistd::ForkResult::Child => {
            let status = match enter(streams, repair) {
                Ok(()) => body(),
                Err(_) => 127,
            };
            // SAFETY: ends the child at once, without destructors or exit handlers, which are the
            // parent's affair.
            unsafe { libc::_exit(status) }
        }
    }
}

fn enter(streams: &Streams<'_>, repair: &Repair) -> io::Result<()> {
    let this = Pid::from_raw(0);
    nix::unistd::setpgid(this, this)?;
    let targets = [(&streams.stdin, 0), (&streams.stdout, 1), (&streams.stderr, 2)];
    for (fd, target) in targets {
        // SAFETY: dup2 touches no memory. A source that has the number of a later target can't be:
        // the streams are newly opened while 0, 1 and 2 were open, as `Launcher` makes sure.
        check(unsafe { libc::dup2(fd.as_raw_fd(), target) })?;
    }
    repair.perform()
}

/// Sets a variable of the environment in a forked child, which has one thread.
pub(super) fn set_env(name: &str, value: Option<&std::ffi::OsStr>) {
    // SAFETY: called between fork and the closure only, in a process with a single thread.
    unsafe {
        match value {
            Some(value) => std::env::set_var(name, value),
            None => std::env::remove_var(name),
        }
    }
}

/// Stops this process by SIGTSTP as if nobody handled that; comes back when it is continued, or at
/// once where the kernel sees nobody in the session who could continue it.
pub(crate) fn stop_self() {
    let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
    let mut unblocked = SigSet::empty();
    unblocked.add(Signal::SIGTSTP);
    // SAFETY: the first call installs no handler, the second one puts back what was there.
    unsafe {
        let Ok(handler) = sigaction(Signal::SIGTSTP, &default) else {
            return;
        };
        let mask = unblocked.thread_swap_mask(SigmaskHow::SIG_UNBLOCK);
        let _ = raise(Signal::SIGTSTP);
        let _ = mask.and_then(|mask| mask.thread_set_mask());
        let _ = sigaction(Signal::SIGTSTP, &handler);
    }
}

/// From now on SIGTSTP stops this process, as [`stop_self`] does, while `idle` is set.
pub(crate) fn stop_self_while(idle: Arc<AtomicBool>) -> io::Result<()> {
    let act = move || {
        if idle.load(Ordering::SeqCst) {
            stop_self();
        }
    };
    // SAFETY: all that it calls is async-signal-safe; it neither allocates nor locks nor panics.
    unsafe { signal_hook::low_level::register(libc::SIGTSTP, act) }.map(|_| ())
}
