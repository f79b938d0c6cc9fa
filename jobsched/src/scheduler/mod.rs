//! The scheduler as its users see it. The loop of a run is in `driver`, the jobs in `registry`.

mod builder;
mod driver;
mod holding;
mod registry;
mod tally;
mod telling;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use builder::{Builder, Jobs};

use driver::Driver;

use crate::Error;
use crate::event::Observer;
use crate::job::{Job, JobId, Outcome};
use crate::reactor::Reactor;
use crate::summary::Summary;
use crate::wake::Handle;

/// Runs a graph of jobs.
///
/// ```
/// use std::process::Command;
/// use jobsched::{Jobs, Scheduler, command};
///
/// # fn main() -> Result<(), jobsched::Error> {
/// let mut scheduler = Scheduler::builder().jobs(Jobs::AtMost(4)).build()?;
/// let generate = scheduler.ensure(command("generate", Command::new("true")))?;
/// for unit in ["a", "b", "c"] {
///     let compile = command(format!("compile.{unit}"), Command::new("true"));
///     scheduler.ensure(compile.needs(generate))?;
/// }
/// let summary = scheduler.run()?;
/// assert_eq!(summary.succeeded, 4);
/// # Ok(())
/// # }
/// ```
///
/// Dropping a scheduler in the middle of a run, as a panic of an observer does, kills what runs and
/// gives all tokens back.
pub struct Scheduler {
    driver: Driver<Reactor>,
    /// To be told when the next run begins.
    warnings: Vec<String>,
    silent: bool,
}

impl Scheduler {
    /// How a scheduler is to be.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Hands a job to the scheduler. If there is one of that name already, that one stays and this
    /// is dropped; either way the answer is the id of the job of that name.
    ///
    /// The job is planned at once, and what it needs, with it.
    ///
    /// # Errors
    /// [`Error::NameClash`] if there is a job of that name but of another type;
    /// [`Error::EmptyName`], [`Error::TooManyJobs`]; what the [`plan`](Job::plan) of this job or of
    /// one that it needs answered. In the last case the job that could not be planned is there, and
    /// will be refused.
    pub fn ensure<J: Job>(&mut self, job: J) -> Result<JobId, Error> {
        self.driver.registry.ensure(Box::new(job))
    }

    /// Runs until all jobs are finished, or can't be.
    ///
    /// May be called again after more jobs were ensured; what is finished stays so.
    ///
    /// # Errors
    /// [`Error::System`] if the system refuses something without which no job can be watched. Then
    /// everything that ran was killed, and what was not finished is cancelled; the same goes for a
    /// panic of an observer, which is passed on. Failures of jobs are no errors here: see
    /// [`Summary`].
    pub fn run(&mut self) -> Result<Summary, Error> {
        for warning in std::mem::take(&mut self.warnings) {
            self.driver.observers.warn(&warning);
        }
        self.driver.run()
    }

    /// Has another observer told of everything that happens from now on.
    pub fn observe(&mut self, observer: impl Observer + 'static) {
        self.driver.observers.add(Box::new(observer));
    }

    /// Something to cancel a run or to ask for its status with, from another thread or an observer.
    pub fn handle(&self) -> Handle {
        Handle(Arc::clone(&self.driver.bell))
    }

    /// Whether `make -s` started this process and [`Builder::inherit_jobserver`] was set: then
    /// reports should leave out progress messages.
    pub fn is_silent(&self) -> bool {
        self.silent
    }

    /// Whether this is a dry run, be it by [`Builder::dry_run`] or by `make -n`.
    pub fn is_dry_run(&self) -> bool {
        self.driver.registry.machine.policy().dry_run
    }

    /// How many jobs there are.
    pub fn len(&self) -> usize {
        self.driver.registry.machine.graph().len()
    }

    /// Whether there are no jobs.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All jobs, in the order in which they were ensured.
    pub fn jobs(&self) -> impl Iterator<Item = JobId> + use<> {
        self.driver.registry.machine.graph().jobs()
    }

    /// The name of a job; empty if the id is of another scheduler.
    pub fn name(&self, job: JobId) -> &str {
        self.driver.registry.machine.graph().name(job)
    }

    /// How a job ended, or `None` if it has not.
    pub fn outcome(&self, job: JobId) -> Option<Outcome> {
        self.driver.registry.machine.outcome(job)
    }

    /// What a job is expected to need, from the [history](Builder::history); `None` if nothing is
    /// known of it.
    pub fn expected(&self, job: JobId) -> Option<Expected> {
        let history = self.driver.registry.history.as_ref()?;
        let name = self.name(job);
        let duration = history.expected(name)?;
        Some(Expected { duration, peak_memory: history.peak_memory(name) })
    }

    /// A job itself, to see what it has found out; `None` if it is of another type.
    pub fn get<J: Job>(&self, job: JobId) -> Option<&J> {
        self.driver.registry.get(job)
    }
}

/// What a job is expected to need, by what it needed before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Expected {
    /// For how long it will run: the moving average of its successful runs.
    pub duration: Duration,
    /// How much memory the largest of its processes will use, in bytes, if it was ever measured: the
    /// most that it ever used, less and less of it the longer that is ago.
    pub peak_memory: Option<u64>,
}

impl fmt::Debug for Scheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scheduler")
            .field("jobs", &self.len())
            .field("counts", self.driver.registry.machine.counts())
            .finish_non_exhaustive()
    }
}
