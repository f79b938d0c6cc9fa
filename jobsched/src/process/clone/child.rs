//! What a child does before its program begins, in memory that is not its own: a few system calls, one
//! after the other. Nothing in here allocates, locks, unwinds, or is seen by the parent but for the
//! report; why it has to be so is said at the head of the file above.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};
use std::os::fd::{AsRawFd, RawFd};
use std::ptr;
use std::sync::atomic::Ordering;

use nix::errno::Errno;

use super::{Shared, SignalSet, Start, Step, set_mask};

/// As the kernel counts signals: from 1 on.
const SIGNALS: c_int = 64;

/// What the child does. Its argument is a pointer to a `Shared`.
pub(super) extern "C" fn run(argument: *mut c_void) -> c_int {
    // SAFETY: `Stack` passes a pointer to a value that lives until this child is gone.
    let shared = unsafe { &*argument.cast::<Shared<'_>>() };
    let (step, errno) = shared.start.perform(shared.reset);
    shared.report.errno.store(errno as c_int, Ordering::Relaxed);
    shared.report.step.store(step as c_int, Ordering::Relaxed);
    // SAFETY: ends the child at once, without what a process does at its end, which is not its affair.
    unsafe { libc::_exit(127) }
}

impl Start<'_> {
    /// Becomes the program, or tells what it failed at.
    fn perform(&self, reset: bool) -> (Step, Errno) {
        let prepared = self
            .prepare_signals(reset)
            .and_then(|()| self.prepare_descriptors())
            .and_then(|()| self.prepare_rest());
        match prepared {
            Ok(()) => (Step::Execute, self.execute()),
            Err(failure) => failure,
        }
    }

    /// Leaves the parent's group, and gives signals their default dispositions; `reset` says that
    /// those that have handlers here have them already.
    fn prepare_signals(&self, reset: bool) -> Result<(), (Step, Errno)> {
        // SAFETY: two numbers.
        done(unsafe { libc::setpgid(0, 0) }).map_err(|errno| (Step::Group, errno))?;
        // What is pending was sent to the group that the child was in until now; to ignore a signal
        // discards it.
        let pending = pending();
        if pending != 0 {
            let is_pending = |signal: &c_int| pending & (1 << (signal - 1)) != 0;
            for signal in (1..=SIGNALS).filter(is_pending) {
                set_disposition(signal, libc::SIG_IGN);
                set_disposition(signal, libc::SIG_DFL);
            }
        }
        if reset {
            for &signal in self.ignored {
                set_disposition(signal, libc::SIG_DFL);
            }
        } else {
            for signal in 1..=SIGNALS {
                set_disposition(signal, libc::SIG_DFL);
            }
        }
        Ok(())
    }

    fn prepare_descriptors(&self) -> Result<(), (Step, Errno)> {
        let highest = self.streams.iter().map(AsRawFd::as_raw_fd);
        let highest = highest.chain(self.inherit.iter().copied()).fold(2, RawFd::max);
        // From here on the table is the child's own, and ends there.
        close_range(highest.saturating_add(1), RawFd::MAX, libc::CLOSE_RANGE_UNSHARE)
            .map_err(|errno| (Step::Table, errno))?;
        for (stream, number) in self.streams.iter().zip(0..) {
            // SAFETY: two numbers. Neither is one of the other streams, which are above 2.
            done(unsafe { libc::dup2(stream.as_raw_fd(), number) })
                .map_err(|errno| (Step::Streams, errno))?;
        }
        let mut first = 3;
        for &kept in self.inherit {
            // SAFETY: numbers, and no pointer.
            done(unsafe { libc::fcntl(kept, libc::F_SETFD, 0) })
                .map_err(|errno| (Step::Inherit, errno))?;
            if kept > first {
                close_range(first, kept - 1, 0).map_err(|errno| (Step::Table, errno))?;
            }
            first = kept.saturating_add(1);
        }
        if first <= highest {
            close_range(first, highest, 0).map_err(|errno| (Step::Table, errno))?;
        }
        Ok(())
    }

    fn prepare_rest(&self) -> Result<(), (Step, Errno)> {
        if let Some((soft, hard)) = self.file_limit {
            let limit = libc::rlimit { rlim_cur: soft, rlim_max: hard };
            // SAFETY: the pointer is to a whole struct that lives during the call.
            done(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) })
                .map_err(|errno| (Step::Limit, errno))?;
        }
        if let Some(directory) = self.directory {
            // SAFETY: a string that ends with a zero.
            done(unsafe { libc::chdir(directory.as_ptr()) })
                .map_err(|errno| (Step::Directory, errno))?;
        }
        // No handler is left that could run. The call knows no error that could come here.
        let _ = set_mask(0);
        Ok(())
    }

    /// Tries the paths as `execvp` does: a directory of `PATH` that hasn't got the program, or
    /// can't be looked into, doesn't end the search.
    fn execute(&self) -> Errno {
        let mut denied = false;
        let mut last = Errno::ENOENT;
        for &path in &self.paths.pointers {
            if path.is_null() {
                break;
            }
            // SAFETY: a string that ends with a zero, and two arrays of such that end with a null
            // pointer, all of which `Strings` borrows.
            unsafe {
                let (args, environment) = (&self.args.pointers, &self.environment.pointers);
                libc::execve(path, args.as_ptr(), environment.as_ptr());
            }
            last = Errno::last();
            match last {
                Errno::EACCES => denied = true,
                Errno::ENOENT
                | Errno::ENOTDIR
                | Errno::ENODEV
                | Errno::ESTALE
                | Errno::ETIMEDOUT => {}
                _ => return last,
            }
        }
        if denied { Errno::EACCES } else { last }
    }
}

/// The signals that wait for this process until they are unblocked.
fn pending() -> SignalSet {
    let mut pending: SignalSet = 0;
    // SAFETY: the pointer is to a set of the size that is given.
    unsafe { libc::syscall(libc::SYS_rt_sigpending, &raw mut pending, size_of::<SignalSet>()) };
    pending
}

/// By the kernel's own call, because the C library has two signals for itself. Those two that nobody
/// can change stay as they are.
fn set_disposition(signal: c_int, disposition: libc::sighandler_t) {
    // The handler comes first (in a field of its own size) on the architectures that this is for; flags,
    // restorer and mask are all zero.
    let action = [disposition, 0, 0, 0, 0, 0, 0, 0];
    // SAFETY: the action is bigger than the kernel's struct and installs no handler. No old one is
    // asked for.
    unsafe {
        libc::syscall(
            libc::SYS_rt_sigaction,
            signal,
            action.as_ptr(),
            ptr::null_mut::<c_void>(),
            size_of::<SignalSet>(),
        )
    };
}

fn close_range(first: RawFd, last: RawFd, flags: libc::c_uint) -> Result<(), Errno> {
    // SAFETY: numbers. The table of descriptors is the child's own, or about to be.
    let answer = unsafe { libc::syscall(libc::SYS_close_range, first, last, flags) };
    if answer == 0 { Ok(()) } else { Err(Errno::last()) }
}

fn done(answer: c_int) -> Result<(), Errno> {
    if answer == -1 { Err(Errno::last()) } else { Ok(()) }
}
