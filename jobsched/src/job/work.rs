//! What a job runs: a program, a command of the standard library, or a closure in a forked child.
//! Doesn't know how any is started.

use std::cell::RefCell;
use std::fmt;
use std::process::Command;
use std::rc::Rc;
use std::time::Duration;

use super::{Program, Reason};

/// What a job runs, as answered by [`Job::run`](super::Job::run).
///
/// Usually made from a [`Program`], or from a [`Command`] if it has to be one:
///
/// ```
/// use std::os::unix::process::CommandExt as _;
/// use std::process::Command;
/// use jobsched::{Program, Work};
///
/// let work = Work::from(Program::new("cc").args(["-c", "a.c"]));
///
/// let mut daemon = Command::new("/usr/sbin/daemon");
/// daemon.uid(65534);
/// let work = Work::from(daemon);
/// # let _ = work;
/// ```
///
/// The child gets a process group of its own, `/dev/null` as standard input, pipes as standard
/// output and error, default signal dispositions and an empty signal mask, whatever the command
/// said about these.
#[must_use]
pub struct Work {
    pub(crate) body: Body,
    pub(crate) share_jobserver: bool,
    pub(crate) time_limit: Option<Duration>,
}

/// The kinds of work.
pub(crate) enum Body {
    /// A program, started in our own way.
    Program(Program),
    /// A program, started by the standard library.
    Command(Rc<RefCell<Reusable>>),
    /// A closure that answers with an exit status, to be run in a forked copy of this process.
    Closure(Box<dyn FnOnce() -> i32>),
    /// None: it was found out too late that there is nothing that could be run.
    Impossible(Reason),
}

/// A command that may be started more than once.
#[derive(Debug)]
pub(crate) struct Reusable {
    pub(crate) command: Command,
    /// Whether the standard library was told to put things right between fork and exec, which it does
    /// at every start from then on.
    pub(crate) repaired: bool,
}

impl From<Command> for Reusable {
    fn from(command: Command) -> Self {
        Self { command, repaired: false }
    }
}

impl Work {
    fn of(body: Body) -> Self {
        Self { body, share_jobserver: false, time_limit: None }
    }

    /// Runs a program.
    pub fn program(program: Program) -> Self {
        Self::of(Body::Program(program))
    }

    /// Runs a program that is started by the standard library.
    ///
    /// For what a [`Program`] can't say; starting one of those costs less. This is started by
    /// `posix_spawn` if the standard library can: without `pre_exec`, user or group ids, or a
    /// changed `PATH` together with a program name without a slash.
    pub fn command(command: Command) -> Self {
        Self::shared_command(Rc::new(RefCell::new(command.into())))
    }

    /// The same, of a command that may have to be started again.
    pub(super) fn shared_command(command: Rc<RefCell<Reusable>>) -> Self {
        Self::of(Body::Command(command))
    }

    /// Runs a closure in a forked copy of this process; its answer is the exit status, of which the
    /// low eight bits count. A panic in it is exit status 101.
    ///
    /// Allowed only while this process has a single thread, because a fork copies no other thread
    /// but all the locks that they hold; otherwise the job fails with an error that says so.
    /// Destructors of what the process holds besides the closure don't run in the copy.
    pub fn closure(closure: impl FnOnce() -> i32 + 'static) -> Self {
        Self::of(Body::Closure(Box::new(closure)))
    }

    /// Runs nothing: the job fails as one that could not be started, for this reason.
    ///
    /// For what is found out while the work is put together. What can be found out earlier is better
    /// said by [`Check::failed`](super::Check::failed).
    pub fn impossible(reason: impl Into<Reason>) -> Self {
        Self::of(Body::Impossible(reason.into()))
    }

    /// Whether the job's own children may take part in the jobserver, as a `make` does that is
    /// started from a recipe with `+`.
    ///
    /// By default they may not, and whatever says so is taken out of the child's `MAKEFLAGS`,
    /// because descriptors and paths of a jobserver don't survive a chroot, a container or `sudo`.
    /// With `true` the child gets the pool that this run takes its own slots from: the inherited
    /// one, or, with an own pool, its pipe. In a serial run or one without limit there is nothing to
    /// share.
    pub fn share_jobserver(mut self, share: bool) -> Self {
        self.share_jobserver = share;
        self
    }

    /// How long it may run: then its process group gets `SIGTERM`, and after the
    /// [grace period](crate::Builder::grace) `SIGKILL`, and the job has failed whatever its exit
    /// status. Time in which the scheduler was stopped (Ctrl-Z) doesn't count. Of a job that is
    /// [tried again](crate::Plan::retries) each try has that much.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = Some(limit);
        self
    }
}

impl From<Program> for Work {
    fn from(program: Program) -> Self {
        Self::program(program)
    }
}

impl From<Command> for Work {
    fn from(command: Command) -> Self {
        Self::command(command)
    }
}

impl fmt::Debug for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Work")
            .field("body", &self.body)
            .field("share_jobserver", &self.share_jobserver)
            .field("time_limit", &self.time_limit)
            .finish()
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Program(program) => program.fmt(f),
            Self::Command(command) => f.debug_tuple("Command").field(command).finish(),
            Self::Closure(_) => f.write_str("Closure(..)"),
            Self::Impossible(reason) => f.debug_tuple("Impossible").field(reason).finish(),
        }
    }
}
