//! Starting a child: which of the ways, and what to do when there isn't enough of something.
//!
//! A program is started in our own way (`program`, `clone`), whose cost doesn't depend on how many jobs
//! run; a command of the standard library in its way (`command`); a closure by fork (`sys`).

use std::cell::RefCell;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::waitpid;
use nix::unistd::Pid;

use super::command;
use super::program::{Attempt, Ends, Programs};
use super::sys::{self, Repair, Streams};
use super::terms::{
    Environment, NotStarted, above_standard, failed, has_single_thread, not_started,
};
use super::{Child, FileLimit};
use crate::Error;
use crate::job::{Body, Program, Reusable};

/// Exit status of a closure that panicked, as of a Rust program that did.
const PANICKED: i32 = 101;

/// Starts children.
#[derive(Debug)]
pub(crate) struct Launcher {
    null: File,
    programs: Programs,
    limit: FileLimit,
    /// The signals that children would find ignored.
    ignored: Vec<i32>,
    /// What of this the standard library doesn't put right.
    repair: Repair,
}

impl Launcher {
    /// Gets ready to start children, which are to find things as they are now.
    pub(crate) fn new(limit: FileLimit) -> Result<Self, Error> {
        let null = OpenOptions::new()
            .read(true)
            .open("/dev/null")
            .map_err(Error::system("open /dev/null"))?;
        let null: File =
            above_standard(null.into()).map_err(Error::system("duplicate a descriptor"))?.into();
        let programs = Programs::new(null.as_fd())?;
        let (ignored, unblock) = signals_to_repair();
        let default_signals =
            ignored.iter().copied().filter(|&signal| signal != libc::SIGPIPE).collect();
        let repair = Repair { default_signals, unblock, ..Repair::default() };
        Ok(Self { null, programs, limit, ignored, repair })
    }

    /// How many jobs there are descriptors for.
    pub(crate) fn room(&self) -> usize {
        self.limit.jobs()
    }

    /// Starts a child that writes to these two descriptors.
    pub(crate) fn start(
        &mut self,
        body: Body,
        stdout: OwnedFd,
        stderr: OwnedFd,
        environment: &Environment,
    ) -> Result<Child, NotStarted> {
        let pid = match body {
            Body::Program(program) => {
                return self.start_program(program, stdout, stderr, environment);
            }
            Body::Command(command) => self.spawn(command, stdout, stderr, environment)?,
            Body::Closure(closure) => {
                let single = has_single_thread();
                self.fork(closure, single, &stdout, &stderr, environment)?
            }
            Body::Impossible(reason) => return Err(NotStarted::Failed(None, reason)),
        };
        watch(pid)
    }

    fn start_program(
        &mut self,
        program: Program,
        stdout: OwnedFd,
        stderr: OwnedFd,
        environment: &Environment,
    ) -> Result<Child, NotStarted> {
        let ends = Ends { null: self.null.as_fd(), stdout: stdout.as_fd(), stderr: stderr.as_fd() };
        match self.programs.start(program, ends, environment, &self.ignored, &self.limit) {
            Attempt::Started(pid, pidfd) => Ok(Child { pid, pidfd }),
            Attempt::Not(reason) => Err(reason),
            Attempt::Refused(program) => {
                let command = Rc::new(RefCell::new(Reusable::from(program.to_command())));
                watch(self.spawn(command, stdout, stderr, environment)?)
            }
        }
    }

    fn spawn(
        &self,
        command: Rc<RefCell<Reusable>>,
        stdout: OwnedFd,
        stderr: OwnedFd,
        environment: &Environment,
    ) -> Result<Pid, NotStarted> {
        let null = match self.null.try_clone() {
            Ok(null) => null.into(),
            Err(error) => return Err(not_started(Body::Command(command), error)),
        };
        let streams = [null, stdout, stderr];
        command::spawn(command, streams, environment, self.repair.clone(), &self.limit)
    }

    fn fork(
        &self,
        closure: Box<dyn FnOnce() -> i32>,
        single_thread: bool,
        stdout: &OwnedFd,
        stderr: &OwnedFd,
        environment: &Environment,
    ) -> Result<Pid, NotStarted> {
        if !single_thread {
            return Err(NotStarted::Failed(
                None,
                "a closure can only be run while this process has a single thread, and it has \
                 several; run a command instead, such as this program itself with other arguments"
                    .into(),
            ));
        }
        // What is buffered would else be written by both.
        let _ = io::stdout().flush();
        let streams =
            Streams { stdin: self.null.as_fd(), stdout: stdout.as_fd(), stderr: stderr.as_fd() };
        let mut repair = self.repair.clone();
        repair.file_limit = self.limit.for_children();
        repair.inherit.clone_from(&environment.inherit);
        repair.unblock = true;
        // Handlers of this process would run in the child, which doesn't exec.
        repair.default_signals = (1..=64).collect();

        // The closure is kept out of the parent's way: it is called in the child only, but must not
        // be lost if there is no child.
        let mut closure = Some(closure);
        let forked = sys::fork(&streams, &repair, || {
            for (name, value) in &environment.variables {
                sys::set_env(name, value.as_deref());
            }
            let Some(closure) = closure.take() else {
                return PANICKED;
            };
            let status = catch_unwind(AssertUnwindSafe(closure)).unwrap_or(PANICKED);
            let _ = io::stdout().flush();
            status
        });
        match (forked, closure) {
            (Ok(pid), _) => Ok(pid),
            (Err(error), Some(closure)) => Err(not_started(Body::Closure(closure), error)),
            (Err(error), None) => Err(failed("fork", &error)),
        }
    }
}

/// The child of this number, which was just started, with the descriptor that tells of its end.
fn watch(pid: Pid) -> Result<Child, NotStarted> {
    // Two descriptors of the start have been closed, and leave room for this one.
    match sys::pidfd_open(pid) {
        Ok(pidfd) => Ok(Child { pid, pidfd }),
        // Its number may mean another process already.
        Err(error) if error.raw_os_error() == Some(libc::ESRCH) => {
            let reason = "failed to watch the process: it has ended, but its exit status was \
                          taken by somebody else";
            Err(NotStarted::Failed(Some(libc::ESRCH), reason.into()))
        }
        Err(error) => {
            let _ = killpg(pid, Signal::SIGKILL);
            let _ = waitpid(pid, None);
            Err(failed("watch the process", &error))
        }
    }
}

/// The signals that a child of this thread would find ignored, and whether it would find some
/// blocked.
fn signals_to_repair() -> (Vec<i32>, bool) {
    let Ok(status) = std::fs::read_to_string("/proc/thread-self/status") else {
        return (vec![libc::SIGPIPE], true);
    };
    let set = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|set| u64::from_str_radix(set.trim(), 16).ok()).unwrap_or(0)
    };
    let ignored = set("SigIgn:");
    // Those between the two ranges belong to the C library, which lets nobody change them.
    let ignored = (1..=libc::SIGSYS)
        .chain(libc::SIGRTMIN()..=libc::SIGRTMAX())
        .filter(|signal| ignored & (1 << (signal - 1)) != 0)
        .collect();
    (ignored, set("SigBlk:") != 0)
}

#[cfg(test)]
mod tests {
    use std::fs::read_to_string;
    use std::io::Read as _;

    use super::*;

    /// Starts work, waits for its end, and returns what it wrote.
    fn output(launcher: &mut Launcher, work: crate::job::Work) -> String {
        let pipe = || nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC).unwrap();
        let ((stdout, stdout_end), (_stderr, stderr_end)) = (pipe(), pipe());
        let environment = Environment {
            variables: vec![("MAKEFLAGS", Some("k".into()))],
            ..Environment::default()
        };
        let child = launcher.start(work.body, stdout_end, stderr_end, &environment).unwrap();
        let mut output = String::new();
        File::from(stdout).read_to_string(&mut output).unwrap();
        child.wait();
        output
    }

    #[test]
    fn the_work_of_a_command_job_is_handed_out_and_started_any_number_of_times() {
        use crate::job::{Job as _, command};
        let mut launcher = Launcher::new(FileLimit::for_jobs(Some(1))).unwrap();
        let script = "echo $MAKEFLAGS; readlink /proc/self/fd/0";
        let mut old = std::process::Command::new("sh");
        old.args(["-c", script]);
        let new = Program::new("sh").args(["-c", script]);
        for mut job in [command("old", old), command("new", new)] {
            for _ in 0..3 {
                assert_eq!(output(&mut launcher, job.run()), "k\n/dev/null\n");
            }
        }
    }

    #[test]
    fn a_process_that_failed_to_become_its_program_is_reaped() {
        let mut launcher = Launcher::new(FileLimit::for_jobs(Some(1))).unwrap();
        let end = || OwnedFd::from(File::open("/dev/null").unwrap());
        let body = Body::Program(Program::new("/no/such/program"));
        let result = launcher.start(body, end(), end(), &Environment::default());
        assert!(matches!(result, Err(NotStarted::Failed(Some(libc::ENOENT), _))), "{result:?}");
        let thread = nix::unistd::gettid();
        let children = read_to_string(format!("/proc/self/task/{thread}/children"));
        // Not every kernel has the file.
        assert_eq!(children.unwrap_or_default(), "");
    }
}
