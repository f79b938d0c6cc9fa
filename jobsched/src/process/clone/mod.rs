//! Starting a program in a child that borrows everything of this process until the program begins:
//! its memory, and of its table of descriptors no more than is needed. Knows what such a child may do
//! and what not; doesn't know how to find a program or what to tell of an error.
//!
//! The calling thread sleeps until the program has begun or failed to (`CLONE_VFORK`), while the
//! child runs on a stack of its own in the same memory (`CLONE_VM`). Why this is sound in a process
//! with several threads:
//!
//! - *Memory.* The child reads what the caller has prepared, which is borrowed for all of the call, and
//!   writes to its stack and to a [`Report`] that is made of atomics. It allocates nothing, takes no lock,
//!   and can't unwind: there is no index, no arithmetic that may overflow, and no destructor in it. So
//!   it doesn't matter what other threads do to the allocator or hold meanwhile.
//! - *Thread-local storage* is that of the calling thread, for want of `CLONE_SETTLS`. The child
//!   touches nothing in it but `errno`, through the C library's wrappers of system calls. The calling
//!   thread is asleep in the middle of the call in [`Stack::start`], whose callers expect nothing of
//!   `errno`; and the kernel registers neither rseq nor robust futexes of the child.
//! - *Signals.* A handler of this process that ran in the child would act on this process's memory. So
//!   the calling thread blocks all signals first, those of the C library too, which the child
//!   inherits. (Masks are of threads: no other one notices.) The child unblocks them when no handler
//!   is left: at its making the kernel resets them (`CLONE_CLEAR_SIGHAND`) or it does so itself, in a
//!   table of dispositions that is its own. Signals that come for the calling thread wait.
//! - *What was sent to our process group* before the child left it is not meant for it: it is
//!   discarded. A SIGTSTP would otherwise stop the child just before its program begins, and us with it.
//!   (SIGSTOP can't be helped: whoever sends that to the group has to send SIGCONT, too.)
//! - *Descriptors.* The child shares the table (`CLONE_FILES`) until `CLOSE_RANGE_UNSHARE` gives it
//!   a copy of its beginning, and changes nothing before that. What other threads have open or open
//!   meanwhile may be in the copy, and is closed there by number, whatever its flags.
//! - *Its end.* A child whose program can't begin ends by `_exit`, without destructors and exit handlers.
//!   If it is killed, the calling thread wakes up, and finds an ordinary child that ended by a signal.
//!
//! This file is the parent's side; `child` is the other.
#![allow(unsafe_code)]

mod child;

use std::ffi::{CStr, c_char, c_int, c_void};
use std::io;
use std::marker::PhantomData;
use std::os::fd::{BorrowedFd, FromRawFd as _, OwnedFd, RawFd};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicI32, Ordering};

use nix::errno::Errno;
use nix::sys::wait::waitpid;
use nix::unistd::Pid;

/// Enough for the few calls that the child makes, in a build without optimisation, too.
const STACK: usize = 64 * 1024;
/// Of any architecture.
const LARGEST_PAGE: usize = 64 * 1024;

const FLAGS: c_int = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_FILES | libc::CLONE_PIDFD;

/// A set of signals as the kernel has it, which counts 64 of them from 1 on.
type SignalSet = u64;

/// Strings as the kernel wants them: pointers to each, and a null pointer.
#[derive(Debug)]
pub(super) struct Strings<'a> {
    pointers: Vec<*const c_char>,
    strings: PhantomData<&'a CStr>,
}

impl<'a> Strings<'a> {
    pub(super) fn new(strings: impl Iterator<Item = &'a CStr>) -> Self {
        let pointers = strings.map(CStr::as_ptr).chain([ptr::null()]).collect();
        Self { pointers, strings: PhantomData }
    }
}

/// What is to be started, and how it is to find the world.
#[derive(Debug)]
pub(super) struct Start<'a> {
    /// Tried one after the other.
    pub(super) paths: Strings<'a>,
    pub(super) args: Strings<'a>,
    pub(super) environment: Strings<'a>,
    pub(super) directory: Option<&'a CStr>,
    /// To become 0, 1 and 2. Their own numbers are above that.
    pub(super) streams: [BorrowedFd<'a>; 3],
    /// Numbers above 2 that stay open, in rising order.
    pub(super) inherit: &'a [RawFd],
    /// The soft limit of open files and the hard one, if they aren't to stay as they are.
    pub(super) file_limit: Option<(u64, u64)>,
    /// The signals that this process ignores.
    pub(super) ignored: &'a [c_int],
}

/// What a child was about when it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub(super) enum Step {
    /// Leading a process group.
    Group = 1,
    /// Getting a table of descriptors of its own.
    Table,
    /// Getting its standard streams.
    Streams,
    /// Keeping a descriptor of a jobserver.
    Inherit,
    /// Setting the limit of open files.
    Limit,
    /// Going to its directory.
    Directory,
    /// Becoming the program.
    Execute,
}

/// Why there is no child.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It could not be made.
    Clone(io::Error),
    /// It could not do this.
    Child(Step, io::Error),
}

/// What the child tells the calling thread.
#[derive(Debug, Default)]
struct Report {
    /// 0 as long as nothing has failed.
    step: AtomicI32,
    errno: AtomicI32,
}

/// All that the child gets to see.
struct Shared<'a> {
    start: &'a Start<'a>,
    /// Whether the kernel has reset the handlers of signals already.
    reset: bool,
    report: Report,
}

/// The stack on which children begin, one after the other.
#[derive(Debug)]
pub(super) struct Stack {
    /// The whole mapping, whose lowest part is out of bounds.
    base: NonNull<c_void>,
    /// Whether the kernel has a newer call than `clone`, and nobody forbids it.
    newer: bool,
}

impl Stack {
    const LENGTH: usize = STACK + LARGEST_PAGE;

    pub(super) fn new() -> io::Result<Self> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK;
        // SAFETY: a new mapping at a place of the kernel's choice touches no memory that is in use.
        let base =
            unsafe { libc::mmap(ptr::null_mut(), Self::LENGTH, libc::PROT_NONE, flags, -1, 0) };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let this =
            Self { base: NonNull::new(base).ok_or(io::ErrorKind::OutOfMemory)?, newer: true };
        // SAFETY: the upper part of the mapping that was just made, of which nobody else knows.
        unsafe {
            let stack = this.base.as_ptr().byte_add(LARGEST_PAGE);
            check(libc::mprotect(stack, STACK, libc::PROT_READ | libc::PROT_WRITE))?;
        }
        Ok(this)
    }

    /// Starts a program as a child in a process group of its own, with default dispositions, no
    /// signal blocked, and nothing open but what `start` says. Comes back when the program has
    /// begun, with the child and a descriptor that tells of its end.
    pub(super) fn start(&mut self, start: &Start<'_>) -> Result<(Pid, OwnedFd), Trouble> {
        let before = set_mask(SignalSet::MAX).map_err(Trouble::Clone)?;
        let mut shared = Shared { start, reset: true, report: Report::default() };
        let mut cloned = Err(Errno::ENOSYS);
        if self.newer {
            cloned = self.clone3(&shared);
            self.newer = !matches!(cloned, Err(Errno::ENOSYS | Errno::EPERM | Errno::EINVAL));
        }
        if !self.newer {
            shared.reset = false;
            cloned = self.clone(&shared);
        }
        // A mask that was in force can be set again.
        let _ = set_mask(before);
        let (pid, pidfd) = cloned.map_err(|errno| Trouble::Clone(errno.into()))?;
        match Step::of(shared.report.step.load(Ordering::Relaxed)) {
            None => Ok((pid, pidfd)),
            Some(step) => {
                // It has ended or is about to. Its status says nothing, and may be gone already.
                while waitpid(pid, None) == Err(Errno::EINTR) {}
                let errno = shared.report.errno.load(Ordering::Relaxed);
                Err(Trouble::Child(step, io::Error::from_raw_os_error(errno)))
            }
        }
    }

    /// Makes the child by `clone`.
    fn clone(&mut self, shared: &Shared<'_>) -> Result<(Pid, OwnedFd), Errno> {
        let mut pidfd: RawFd = -1;
        // SAFETY: the stack is mapped, aligned, and used by nobody else: `self` is borrowed
        // exclusively, and the call comes back only when the child has left this memory. What `run`
        // needs of its argument (a `Shared` that lives until then) it has; that it may run in
        // this memory at all, with all signals blocked as they are here, is shown at the head of this
        // file. The kernel writes one descriptor through the pointer to `pidfd`.
        let pid = unsafe {
            let top = self.base.as_ptr().byte_add(Self::LENGTH);
            libc::clone(child::run, top, FLAGS | libc::SIGCHLD, argument(shared), &raw mut pidfd)
        };
        if pid == -1 {
            return Err(Errno::last());
        }
        // SAFETY: the descriptor was just made for us, and nobody else knows of it.
        Ok((Pid::from_raw(pid), unsafe { OwnedFd::from_raw_fd(pidfd) }))
    }

    /// Makes the child by `clone3`, which can reset handlers: that spares the child a system call for
    /// each signal.
    #[cfg(target_arch = "x86_64")]
    fn clone3(&mut self, shared: &Shared<'_>) -> Result<(Pid, OwnedFd), Errno> {
        /// From the kernel's `linux/sched.h`.
        const CLONE_CLEAR_SIGHAND: u64 = 1 << 32;
        let mut pidfd: RawFd = -1;
        // The C library has no function for it. These are the fields of the call's first version.
        let arguments: [u64; 8] = [
            u64::from(FLAGS.unsigned_abs()) | CLONE_CLEAR_SIGHAND,
            (&raw mut pidfd).expose_provenance() as u64,
            0,
            0,
            u64::from(libc::SIGCHLD.unsigned_abs()),
            self.base.as_ptr().addr() as u64,
            Self::LENGTH as u64,
            0,
        ];
        let answer: i64;
        // SAFETY: as for `clone`. The system call changes no registers but those that are named. It
        // comes back twice: in the parent, where nothing else has happened; and in the child with an
        // empty, aligned stack, where `run` is called as a C function and doesn't return.
        unsafe {
            std::arch::asm!(
                "syscall",
                "test rax, rax",
                "jnz 2f",
                "xor ebp, ebp",
                "mov rdi, {argument}",
                "call {run}",
                "ud2",
                "2:",
                run = in(reg) child::run as extern "C" fn(*mut c_void) -> c_int,
                argument = in(reg) argument(shared),
                inlateout("rax") libc::SYS_clone3 => answer,
                in("rdi") &raw const arguments,
                in("rsi") size_of_val(&arguments),
                out("rcx") _,
                out("r11") _,
            );
        }
        match i32::try_from(answer) {
            Ok(pid) if pid > 0 => {
                // SAFETY: the descriptor was just made for us, and nobody else knows of it.
                Ok((Pid::from_raw(pid), unsafe { OwnedFd::from_raw_fd(pidfd) }))
            }
            Ok(error) => Err(Errno::from_raw(-error)),
            Err(_) => Err(Errno::ENOSYS),
        }
    }

    /// It takes assembly, which is there for one architecture so far.
    #[cfg(not(target_arch = "x86_64"))]
    fn clone3(&mut self, _: &Shared<'_>) -> Result<(Pid, OwnedFd), Errno> {
        Err(Errno::ENOSYS)
    }
}

fn argument(shared: &Shared<'_>) -> *mut c_void {
    // Nothing is written through it but the atomics of the report.
    ptr::from_ref(shared).cast_mut().cast()
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, and no child is on it outside of `start`.
        unsafe { libc::munmap(self.base.as_ptr(), Self::LENGTH) };
    }
}

impl Step {
    fn of(number: i32) -> Option<Self> {
        use Step::{Directory, Execute, Group, Inherit, Limit, Streams, Table};
        let steps = [Group, Table, Streams, Inherit, Limit, Directory, Execute];
        steps.into_iter().find(|&step| step as i32 == number)
    }
}

/// Sets the signal mask of this thread, and returns the one before. By the kernel's own call, because
/// the C library's leaves out two signals, whose handlers are its own.
fn set_mask(mask: SignalSet) -> io::Result<SignalSet> {
    let mut before: SignalSet = 0;
    // SAFETY: both pointers are to sets of the size that is given.
    let answer = unsafe {
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            libc::SIG_SETMASK,
            &raw const mask,
            &raw mut before,
            size_of::<SignalSet>(),
        )
    };
    if answer == 0 { Ok(before) } else { Err(io::Error::last_os_error()) }
}

fn check(answer: c_int) -> io::Result<()> {
    if answer == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
