//! What a user of the crate writes: jobs, what they need, whether they can run, and what runs.
//! Doesn't know how any of it is scheduled: the contexts handed to a job reach the scheduler
//! through the `Registry` trait.

mod check;
mod command;
mod context;
mod outcome;
mod program;
mod retries;
mod work;

use std::any::Any;
use std::fmt;

pub use check::Check;
pub use command::{CommandJob, Repeatable, command};
pub use context::{Checking, Plan};
pub use outcome::{Cancellation, Failure, Outcome, Reason};
pub use program::Program;
pub use retries::Retries;
pub use work::Work;

pub(crate) use check::Answer;
pub(crate) use context::Registry;
pub(crate) use program::variable;
pub(crate) use work::{Body, Reusable};

use crate::Error;

/// A unit of work.
///
/// A job is handed to a scheduler with [`Scheduler::ensure`](crate::Scheduler::ensure), or by
/// another job that needs it. Jobs are *interned by name*: of several jobs with the same name only
/// the first is kept, the others are dropped and their place is taken by the first. So the name has
/// to be an injective function of everything that makes the job what it is.
///
/// The methods are called in the order of their listing. A panic in one of them fails this job and
/// no other.
///
/// ```
/// use std::process::Command;
/// use jobsched::{Check, Checking, Error, Job, Plan, Work};
///
/// struct Compile { unit: String }
/// struct Link { units: Vec<String> }
///
/// impl Job for Compile {
///     fn name(&self) -> String { format!("compile.{}", self.unit) }
///     fn run(&mut self) -> Work {
///         let mut cc = Command::new("cc");
///         cc.arg("-c").arg(format!("{}.c", self.unit));
///         cc.into()
///     }
/// }
///
/// impl Job for Link {
///     fn name(&self) -> String { "link".into() }
///     fn plan(&mut self, plan: &mut Plan<'_>) -> Result<(), Error> {
///         for unit in &self.units {
///             plan.needs(Compile { unit: unit.clone() })?;
///         }
///         Ok(())
///     }
///     fn check(&mut self, _: &mut Checking<'_>) -> Check {
///         if self.units.is_empty() { Check::done_because("nothing to link") } else { Check::ready() }
///     }
///     fn run(&mut self) -> Work {
///         let mut cc = Command::new("cc");
///         cc.args(self.units.iter().map(|unit| format!("{unit}.o")));
///         cc.into()
///     }
/// }
/// ```
pub trait Job: AnyJob {
    /// The name, an injective function of the job's parameters. Asked for once.
    fn name(&self) -> String;

    /// Says what the job needs before it can run, as far as that is known from the start.
    ///
    /// Called once, some time between [`ensure`](crate::Scheduler::ensure) of this job and its first
    /// check. An error refuses the job.
    fn plan(&mut self, plan: &mut Plan<'_>) -> Result<(), Error> {
        let _ = plan;
        Ok(())
    }

    /// Says whether the job can run now.
    ///
    /// Called when everything it needs has won; again after it slept, however it was woken. A check
    /// has to cope with being called for no reason.
    fn check(&mut self, cx: &mut Checking<'_>) -> Check {
        let _ = cx;
        Check::ready()
    }

    /// What is to be run. Called when the job has got its slot; once for each try, if it is
    /// [tried again](Plan::retries).
    fn run(&mut self) -> Work;
}

/// What the scheduler knows of every type of job by itself. There is nothing to implement.
#[doc(hidden)]
pub trait AnyJob: Any {
    fn as_any(&self) -> &dyn Any;
    fn as_any_mut(&mut self) -> &mut dyn Any;
    fn type_name(&self) -> &'static str;
}

impl<T: Any> AnyJob for T {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }

    fn type_name(&self) -> &'static str {
        std::any::type_name::<T>()
    }
}

/// A job in a scheduler: a small number that stays valid as long as the scheduler.
///
/// Ids are given in the order in which jobs are first ensured, and that is also the order in which
/// jobs start when nothing else decides. An id means nothing to another scheduler.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub(crate) u32);

impl JobId {
    /// The number of jobs that were ensured before this one.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Debug for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JobId({})", self.0)
    }
}
