//! A job made from a program and a name, for uses that need no type of their own.

use std::cell::RefCell;
use std::process::Command;
use std::rc::Rc;
use std::time::Duration;

use super::{Check, Checking, Job, JobId, Plan, Program, Retries, Reusable, Work};
use crate::Error;

/// A job that runs a [`Program`] or a [`Command`], without a type of its own.
///
/// ```
/// use jobsched::{Program, Scheduler, command};
///
/// # fn main() -> Result<(), jobsched::Error> {
/// let mut scheduler = Scheduler::builder().build()?;
/// let first = scheduler.ensure(command("first", Program::new("true")))?;
/// scheduler.ensure(command("second", Program::new("true")).needs(first))?;
/// assert_eq!(scheduler.run()?.exit_code(), 0);
/// # Ok(())
/// # }
/// ```
pub fn command(name: impl Into<String>, command: impl Into<Repeatable>) -> CommandJob {
    CommandJob {
        name: name.into(),
        command: command.into(),
        needs: Vec::new(),
        pools: Vec::new(),
        retries: Vec::new(),
        share_jobserver: false,
        time_limit: None,
        unless: None,
    }
}

/// What can be run any number of times, and so be given to [`command`]: a [`Program`] or a
/// [`Command`].
#[derive(Debug, Clone)]
pub struct Repeatable(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Program(Program),
    Command(Rc<RefCell<Reusable>>),
}

impl Repeatable {
    fn work(&self) -> Work {
        match &self.0 {
            Kind::Program(program) => Work::program(program.clone()),
            Kind::Command(command) => Work::shared_command(Rc::clone(command)),
        }
    }
}

impl From<Program> for Repeatable {
    fn from(program: Program) -> Self {
        Self(Kind::Program(program))
    }
}

impl From<Command> for Repeatable {
    fn from(command: Command) -> Self {
        Self(Kind::Command(Rc::new(RefCell::new(command.into()))))
    }
}

/// A job made by [`command`].
#[must_use]
pub struct CommandJob {
    name: String,
    command: Repeatable,
    needs: Vec<JobId>,
    pools: Vec<(String, usize)>,
    retries: Vec<Retries>,
    share_jobserver: bool,
    time_limit: Option<Duration>,
    unless: Option<Box<dyn FnMut() -> bool>>,
}

impl CommandJob {
    /// Lets it wait for another job. May be called several times.
    pub fn needs(mut self, prerequisite: JobId) -> Self {
        self.needs.push(prerequisite);
        self
    }

    /// Lets it wait for all these jobs.
    pub fn needs_all(mut self, prerequisites: impl IntoIterator<Item = JobId>) -> Self {
        self.needs.extend(prerequisites);
        self
    }

    /// Lets it have nothing to do if `up_to_date` says so at the time when it could run.
    pub fn unless(mut self, up_to_date: impl FnMut() -> bool + 'static) -> Self {
        self.unless = Some(Box::new(up_to_date));
        self
    }

    /// Lets it take so much of a pool while it runs: see [`Plan::pool`]. May be called several times.
    pub fn pool(mut self, name: impl Into<String>, amount: usize) -> Self {
        self.pools.push((name.into(), amount));
        self
    }

    /// How often it is tried again if it fails: see [`Plan::retries`]. May be called several times.
    pub fn retries(mut self, retries: Retries) -> Self {
        self.retries.push(retries);
        self
    }

    /// How long it may run: see [`Work::time_limit`].
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = Some(limit);
        self
    }

    /// Whether its children may take part in the jobserver: see [`Work::share_jobserver`].
    pub fn share_jobserver(mut self, share: bool) -> Self {
        self.share_jobserver = share;
        self
    }
}

impl Job for CommandJob {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn plan(&mut self, plan: &mut Plan<'_>) -> Result<(), Error> {
        for prerequisite in std::mem::take(&mut self.needs) {
            plan.needs_id(prerequisite)?;
        }
        for &retries in &self.retries {
            plan.retries(retries);
        }
        self.pools.iter().try_for_each(|(name, amount)| plan.pool(name, *amount))
    }

    fn check(&mut self, _: &mut Checking<'_>) -> Check {
        let up_to_date = self.unless.as_mut().is_some_and(|up_to_date| up_to_date());
        if up_to_date { Check::done() } else { Check::ready() }
    }

    fn run(&mut self) -> Work {
        let mut work = self.command.work().share_jobserver(self.share_jobserver);
        work.time_limit = self.time_limit;
        work
    }
}

impl std::fmt::Debug for CommandJob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CommandJob")
            .field("name", &self.name)
            .field("command", &self.command.0)
            .field("needs", &self.needs)
            .finish_non_exhaustive()
    }
}
