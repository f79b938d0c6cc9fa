//! What happens in a run, as one stream that feeds every report. Doesn't know who listens.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use crate::job::{Failure, JobId, Outcome};
use crate::status::{Stall, Status};
use crate::summary::Summary;

/// Something that happened in a run.
///
/// Events borrow from the scheduler: an [`Observer`] copies what it wants to keep.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A run begins.
    RunStarted {
        /// How many jobs may run at once and who grants the slots, for a person.
        slots: &'a str,
    },
    /// A job can't run yet. Sent each time it goes to sleep.
    Sleeping {
        /// The sleeper.
        job: JobRef<'a>,
        /// What it waits for; made into text only when it is printed.
        why: Why<'a>,
    },
    /// A job's process has been started.
    Started {
        /// The job.
        job: JobRef<'a>,
        /// The process id, which is also that of the job's process group.
        pid: u32,
        /// Its log file, if logs are kept and this one could be opened.
        log: Option<&'a Path>,
    },
    /// A job wrote something.
    Output {
        /// The job.
        job: JobRef<'a>,
        /// Where it wrote to.
        stream: Stream,
        /// One or more lines of raw bytes, each ended by a newline. The last one lacks its newline
        /// if it is a piece of a line longer than 64 KiB, or the end of a stream that doesn't end
        /// with a newline.
        text: &'a [u8],
    },
    /// A job has ended, but other processes still hold its output open. They were left alone; what
    /// they write from now on is lost.
    Leaked {
        /// The job.
        job: JobRef<'a>,
        /// Those processes that could be found out.
        holders: &'a [Process],
    },
    /// A job is finished.
    Finished {
        /// The job.
        job: JobRef<'a>,
        /// How it ended.
        outcome: &'a Outcome,
        /// What is known of its process, if there was one.
        run: Option<&'a RunInfo>,
    },
    /// A job has failed and is going to be tried again.
    Retrying {
        /// The job.
        job: JobRef<'a>,
        /// What went wrong this time.
        failure: &'a Failure,
        /// How many tries that makes.
        tries: u32,
        /// When it is checked again.
        delay: Duration,
        /// What is known of its process.
        run: Option<&'a RunInfo>,
    },
    /// Ready jobs have not been started for a while, because the machine has too much to do: see
    /// [`Builder::max_load`](crate::Builder::max_load) and its neighbours. Said once in a while.
    HeldBack {
        /// What there is too much or too little of.
        reason: &'a str,
        /// How many jobs could start otherwise.
        ready: usize,
    },
    /// Something the user should know that concerns the run as a whole: one sentence without a full
    /// stop, said once.
    Warning {
        /// The sentence.
        message: &'a str,
    },
    /// A signal arrived or the run was cancelled from outside: nothing new is started from here on.
    Interrupted {
        /// The signal's number; 0 for [`Handle::cancel`](crate::Handle::cancel).
        signal: i32,
        /// How many jobs are being waited for.
        running: usize,
        /// When they are killed, if they don't end by themselves; zero if they were killed at once.
        grace: Duration,
    },
    /// Somebody asked what is going on (`SIGUSR1`, or [`Handle::report_status`](crate::Handle::report_status)).
    Status {
        /// What runs, since when, and what everyone else waits for.
        status: &'a Status,
    },
    /// Jobs wait that nothing can ever wake.
    Stalled {
        /// Who waits for what.
        stall: &'a Stall,
    },
    /// The run is over.
    RunFinished {
        /// What came of it.
        summary: &'a Summary,
    },
}

/// A job as events name it.
#[derive(Debug, Clone, Copy)]
pub struct JobRef<'a> {
    /// Its id in the scheduler.
    pub id: JobId,
    /// Its name.
    pub name: &'a str,
}

/// A reason that is made into text only when it is displayed.
#[derive(Clone, Copy)]
pub struct Why<'a>(&'a dyn fmt::Display);

impl<'a> Why<'a> {
    /// Wraps whatever can be displayed.
    pub fn new(reason: &'a dyn fmt::Display) -> Self {
        Self(reason)
    }
}

impl fmt::Display for Why<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Why<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Which of its two streams a job wrote to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output, marked `|`.
    Stdout,
    /// Standard error, marked `*`.
    Stderr,
}

impl Stream {
    /// The character that marks a line of this stream in logs and on screen.
    pub fn marker(self) -> char {
        match self {
            Self::Stdout => '|',
            Self::Stderr => '*',
        }
    }
}

/// A process, as far as it could be found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// The name of its program, as the kernel knows it: at most 15 bytes.
    pub name: String,
}

/// What is known of a job's process after its end.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct RunInfo {
    /// How long it ran, by a clock that can't be set; without the time that it was stopped.
    pub elapsed: Duration,
    /// Processor time it and those of its children that it waited for spent in user mode.
    pub user: Duration,
    /// Processor time they spent in the kernel.
    pub system: Duration,
    /// Peak resident memory of the largest of these processes, in bytes.
    pub peak_memory: u64,
    /// Its log file, if there is one.
    pub log: Option<std::path::PathBuf>,
}

/// Somebody who wants to know what happens.
///
/// Observers are called on the scheduler's thread: what they spend, the run waits for.
pub trait Observer {
    /// Something happened.
    fn event(&mut self, event: &Event<'_>);
}

impl<F: FnMut(&Event<'_>)> Observer for F {
    fn event(&mut self, event: &Event<'_>) {
        self(event);
    }
}
