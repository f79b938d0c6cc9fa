//! Starting a job: its pipes, its log, its environment, its process, and the watch over them. Doesn't
//! know whether it may start.
//!
//! # The system calls of a job
//!
//! Of one that runs a [`Program`](crate::Program), writes nothing, and has a log: 22 in this process and
//! 10 in its own before its program begins. Without a log they are two fewer. `strace -c -f` of
//! `flood -j2 -q` shows them.
//!
//! | calls | what for |
//! |---|---|
//! | 2 `pipe2`, 2 `fcntl` | a pipe for each stream, and our end of it never to block; the child's end must stay blocking, so `pipe2` can't do both |
//! | `openat` | the log: made, and never one that exists, in one call |
//! | 2 `rt_sigprocmask` | no handler may run in the child, which has our memory; and then the mask as it was |
//! | `clone3` | the child and its pidfd |
//! | 2 `close` | the child's ends of the pipes, or no end of them would ever come |
//! | 3 `epoll_ctl` | to be told of output and of the end. Closing takes them off again |
//! | 1 to 2 `epoll_wait` | what happened; one call may tell of several jobs |
//! | 2 `read`, 2 `close` | the end of each stream, of which there are two because lines are told apart by stream |
//! | `wait4` | the exit status and what the process used |
//! | 2 `close` | pidfd and log |
//!
//! In the child: `setpgid` (a group that can be signalled), `rt_sigpending` (what was meant for ours is
//! discarded), `rt_sigaction` for each signal that this process ignores (SIGPIPE, in Rust programs), two
//! `close_range` and three `dup2` (a small table of its own with nothing in it but the streams),
//! `rt_sigprocmask` (nothing blocked), `execve`. One `prlimit` more if we have raised the limit of open
//! files, one `chdir` if it runs elsewhere, four `dup3` here if its pipes have numbers above 63, one
//! `execve` for each directory of `PATH` that hasn't got the program.

use std::io;
use std::time::Instant;

use nix::errno::Errno;

use super::running::{self, Output, Overrun, Running};
use super::{Run, Settings, chain};
use crate::event::{Event, JobRef};
use crate::job::{Body, Work};
use crate::output::{LogDir, LogFile};
use crate::process::NotStarted;
use crate::world::{Observers, StartError};

impl Run {
    /// Starts a job.
    pub(super) fn start(
        &mut self,
        settings: &mut Settings,
        job: JobRef<'_>,
        work: Work,
        observers: &mut Observers,
    ) -> Result<(), StartError> {
        let Work { body, share_jobserver, time_limit } = work;
        let exhausted = |body: Body, error: &io::Error| {
            let reason = format!("failed to open what it needs: {error}").into();
            let work = Box::new(Work { body, share_jobserver, time_limit });
            StartError::Exhausted(work, error.raw_os_error(), reason)
        };

        let pipes = running::pipe().and_then(|stdout| Ok((stdout, running::pipe()?)));
        let ((stdout, stdout_end), (stderr, stderr_end)) = match pipes {
            Ok(pipes) => pipes,
            Err(error) => return Err(exhausted(body, &error)),
        };
        let log = match open_log(settings.logs.as_mut(), job.name) {
            Ok(log) => log,
            Err(errno) => return Err(exhausted(body, &errno.into())),
        };
        let shared = if share_jobserver { settings.tokens.share() } else { Ok(None) };
        let shared = match shared {
            Ok(shared) => shared.map(|shared| settings.makeflags.shared(&shared)),
            Err(error) => {
                if let Some(log) = log {
                    log.discard();
                }
                return Err(StartError::Failed(None, chain(&error).into()));
            }
        };
        let environment = shared.as_ref().unwrap_or(&settings.alone);

        let started = Instant::now();
        let child = match self.launcher.start(body, stdout_end, stderr_end, environment) {
            Ok(child) => child,
            Err(error) => {
                if let Some(log) = log {
                    log.discard();
                }
                return Err(match error {
                    NotStarted::Failed(errno, reason) => StartError::Failed(errno, reason),
                    NotStarted::Exhausted(body, error) => exhausted(*body, &error),
                });
            }
        };

        let running = Running {
            job: job.id,
            name: job.name.into(),
            child,
            started,
            stopped_before: self.stopped,
            stdout: Output::new(stdout),
            stderr: Output::new(stderr),
            log,
            time_limit,
            over_limit: Overrun::default(),
            members: Vec::new(),
        };
        let place = self.table.next_place();
        if let Err(errno) = running.register(&self.epoll, place) {
            // Only the system's limit of watches can be the reason, and that is not of this run.
            running.kill_and_reap();
            let reason = format!("failed to watch it by epoll: {errno}").into();
            return Err(StartError::Failed(Some(errno as i32), reason));
        }
        if let Some(limit) = time_limit {
            self.limits.set(place, limit, started);
        }
        let pid = running.child.pid();
        // In the table first: an observer that panics must not leave it unwatched.
        let log = self.table.insert(running).log.as_ref().map(LogFile::path);
        observers.tell(&Event::Started { job, pid, log });
        Ok(())
    }
}

/// Makes a job's log, if logs are kept. A log that can't be made costs no job; but if there are too
/// many files open, the job can wait for one that ends.
fn open_log(logs: Option<&mut LogDir>, name: &str) -> Result<Option<LogFile>, Errno> {
    let Some(logs) = logs else { return Ok(None) };
    match logs.open(name) {
        Ok(log) => Ok(Some(log)),
        Err(error) if error.is_shortage() => Err(Errno::EMFILE),
        Err(error) => {
            logs.complain(error);
            Ok(None)
        }
    }
}
