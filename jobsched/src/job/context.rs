//! What a job is handed when it is asked: `Plan` to say what it needs, `Checking` to look around
//! and to arrange for being asked again. Knows the scheduler only as a `Registry`.

use std::time::{Duration, Instant};

use super::{Job, JobId, Outcome, Retries};
use crate::{Error, Waker};

/// What the contexts want of the scheduler.
pub(crate) trait Registry {
    /// Interns a job; one that is new is planned later.
    fn intern(&mut self, job: Box<dyn Job>) -> Result<JobId, Error>;
    /// Records that `job` needs `prerequisite`.
    fn depend(&mut self, job: JobId, prerequisite: JobId) -> Result<(), Error>;
    /// Records that `job` takes so much of a pool while it runs.
    fn claim(&mut self, job: JobId, pool: &str, amount: usize) -> Result<(), Error>;
    /// Records how often `job` is tried again if it fails, beside what was recorded before.
    fn add_retries(&mut self, job: JobId, retries: Retries);
    fn outcome(&self, job: JobId) -> Option<Outcome>;
    fn name(&self, job: JobId) -> &str;
}

/// What a check arranged besides its answer.
#[derive(Debug, Default)]
pub(crate) struct Wish {
    pub(crate) wake_at: Option<Instant>,
}

/// Where a job says what it needs: the argument of [`Job::plan`].
pub struct Plan<'a> {
    registry: &'a mut dyn Registry,
    job: JobId,
}

impl<'a> Plan<'a> {
    pub(crate) fn new(registry: &'a mut dyn Registry, job: JobId) -> Self {
        Self { registry, job }
    }

    /// The id of the job that is being planned.
    pub fn id(&self) -> JobId {
        self.job
    }

    /// Says that this job needs `job`, which is interned if there is none of its name yet.
    ///
    /// A job may come to need itself in this way, directly or through others; the run then ends
    /// with a report of the cycle.
    ///
    /// # Errors
    /// [`Error::NameClash`] if there is a job of that name but of another type,
    /// [`Error::EmptyName`], [`Error::TooManyJobs`].
    pub fn needs<J: Job>(&mut self, job: J) -> Result<JobId, Error> {
        let id = self.registry.intern(Box::new(job))?;
        self.registry.depend(self.job, id)?;
        Ok(id)
    }

    /// Says that this job needs the job of that id.
    ///
    /// # Errors
    /// [`Error::UnknownJob`] if the id is not of this scheduler.
    pub fn needs_id(&mut self, prerequisite: JobId) -> Result<(), Error> {
        self.registry.depend(self.job, prerequisite)
    }

    /// Interns a job that is to be run too, without needing it.
    ///
    /// # Errors
    /// As for [`needs`](Self::needs).
    pub fn ensure<J: Job>(&mut self, job: J) -> Result<JobId, Error> {
        self.registry.intern(Box::new(job))
    }

    /// Says that this job takes so much of a [pool](crate::Builder::pool) for as long as it runs.
    /// Of the same pool it takes that much more each time.
    ///
    /// A ready job that doesn't find enough in all its pools waits, and takes nothing meanwhile,
    /// neither of a pool nor a slot. No later job gets anything before it of the pool that it waits
    /// for.
    ///
    /// # Errors
    /// [`Error::NoSuchPool`]; [`Error::PoolTooSmall`] if the job wants more than there can ever be.
    /// Whether the error is passed on or not, the job is refused for it.
    pub fn pool(&mut self, name: &str, amount: usize) -> Result<(), Error> {
        self.registry.claim(self.job, name, amount)
    }

    /// Has this job tried again if it fails. See [`Retries`].
    ///
    /// May be called several times, for several [exit statuses](Retries::only_after): of all that fit a failure and have
    /// tries left the first is used up, and each counts for itself.
    pub fn retries(&mut self, retries: Retries) {
        self.registry.add_retries(self.job, retries);
    }
}

/// Where a job looks around when it is asked whether it can run: the argument of [`Job::check`].
pub struct Checking<'a> {
    registry: &'a mut dyn Registry,
    job: JobId,
    dry_run: bool,
    now: Instant,
    waker: &'a mut dyn FnMut(JobId) -> Waker,
    wish: Wish,
}

impl<'a> Checking<'a> {
    pub(crate) fn new(
        registry: &'a mut dyn Registry,
        job: JobId,
        dry_run: bool,
        now: Instant,
        waker: &'a mut dyn FnMut(JobId) -> Waker,
    ) -> Self {
        Self { registry, job, dry_run, now, waker, wish: Wish::default() }
    }

    pub(crate) fn into_wish(self) -> Wish {
        self.wish
    }

    /// The id of the job that is being asked.
    pub fn id(&self) -> JobId {
        self.job
    }

    /// The name of the job that is being asked.
    pub fn name(&self) -> &str {
        self.registry.name(self.job)
    }

    /// Whether this is a dry run, in which nothing is started. A check that would change something
    /// must not do so then.
    pub fn dry_run(&self) -> bool {
        self.dry_run
    }

    /// How another job ended, or `None` if it isn't finished (or not of this scheduler).
    pub fn outcome(&self, job: JobId) -> Option<Outcome> {
        self.registry.outcome(job)
    }

    /// Says that this job needs a further job, found out only now.
    ///
    /// If that one is not finished, this job sleeps until it is, whatever the check answers (unless
    /// it answers [`Check::failed`](super::Check::failed)), and is then asked again. If it is
    /// finished and didn't win, this job is refused.
    ///
    /// # Errors
    /// As for [`Plan::needs`].
    pub fn needs<J: Job>(&mut self, job: J) -> Result<JobId, Error> {
        let id = self.registry.intern(Box::new(job))?;
        self.registry.depend(self.job, id)?;
        Ok(id)
    }

    /// Says that this job needs the job of that id; otherwise as [`needs`](Self::needs).
    ///
    /// # Errors
    /// [`Error::UnknownJob`] if the id is not of this scheduler.
    pub fn needs_id(&mut self, prerequisite: JobId) -> Result<(), Error> {
        self.registry.depend(self.job, prerequisite)
    }

    /// Interns a job that is to be run too, without needing it.
    ///
    /// # Errors
    /// As for [`Plan::needs`].
    pub fn ensure<J: Job>(&mut self, job: J) -> Result<JobId, Error> {
        self.registry.intern(Box::new(job))
    }

    /// The scheduler's time.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Asks to be checked again at `time`, if the answer is going to be
    /// [`Check::sleep`](super::Check::sleep). Of several times the earliest counts.
    pub fn wake_at(&mut self, time: Instant) {
        self.wish.wake_at = Some(self.wish.wake_at.map_or(time, |earlier| earlier.min(time)));
    }

    /// Asks to be checked again when that much time has passed; see [`wake_at`](Self::wake_at).
    pub fn wake_after(&mut self, delay: Duration) {
        // A time beyond what the clock can express is never.
        if let Some(time) = self.now.checked_add(delay) {
            self.wake_at(time);
        }
    }

    /// Something to hand to another thread or an observer, which has this job checked again.
    ///
    /// As long as a waker of a sleeping job exists, the run doesn't count as stalled.
    pub fn waker(&mut self) -> Waker {
        (self.waker)(self.job)
    }
}

impl std::fmt::Debug for Plan<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plan").field("job", &self.job).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Checking<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Checking").field("job", &self.job).finish_non_exhaustive()
    }
}
