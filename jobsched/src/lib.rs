//! Runs a graph of jobs as child processes, on one thread, under a GNU make jobserver.
//!
//! A tool that has to run many programs, some of which need others to have run before, links this
//! crate and says what its jobs are. The crate sees to the order, to how many run at once (shared
//! with a `make` above and below), to their output, their logs, and their orderly end.
//!
//! ```
//! use std::path::PathBuf;
//! use jobsched::{Check, Checking, Error, Job, Jobs, Plan, Program, Scheduler, Work, report::Plain};
//!
//! /// Makes `NAME.o`, unless it is there.
//! struct Compile { name: &'static str }
//!
//! impl Job for Compile {
//!     fn name(&self) -> String { format!("compile.{}", self.name) }
//!
//!     fn check(&mut self, _: &mut Checking<'_>) -> Check {
//!         if PathBuf::from(format!("{}.o", self.name)).exists() { Check::done() } else { Check::ready() }
//!     }
//!
//!     fn run(&mut self) -> Work {
//!         Program::new("echo").args(["cc", "-c"]).arg(format!("{}.c", self.name)).into()
//!     }
//! }
//!
//! /// Links the program, when everything is compiled.
//! struct Link;
//!
//! impl Job for Link {
//!     fn name(&self) -> String { "link".into() }
//!
//!     fn plan(&mut self, plan: &mut Plan<'_>) -> Result<(), Error> {
//!         for name in ["main", "parse", "print"] {
//!             plan.needs(Compile { name })?;
//!         }
//!         Ok(())
//!     }
//!
//!     fn run(&mut self) -> Work { Program::new("true").into() }
//! }
//!
//! # fn main() -> Result<(), Error> {
//! let mut scheduler = Scheduler::builder()
//!     .jobs(Jobs::AtMost(4))
//!     .inherit_jobserver(true)
//!     .keep_going(true)
//!     .observer(Plain::stdout())
//!     .build()?;
//! scheduler.ensure(Link)?;
//! let summary = scheduler.run()?;
//! assert_eq!(summary.succeeded, 4);
//! # Ok(())
//! # }
//! ```
//!
//! # Words
//!
//! | word | meaning |
//! |---|---|
//! | [`Job`] | a unit of work with a name that is an injective function of its parameters |
//! | *ensure* | hand a job to the scheduler; if one of that name is known already, get that one back |
//! | *prerequisite*, *dependent* | the job waited for, the job that waits |
//! | [`Check`] | the answer of a job that is asked whether it can run now |
//! | *slot* | the right to run one job: the implicit one of this process, or a token |
//! | *token* | a byte read from the jobserver, to be written back as it was |
//! | *won* | finished with nothing to do, or successfully |
//!
//! # What becomes of a job
//!
//! It is *planned* once: it says what it needs, and that is ensured with it. When all of that has
//! won, it is *checked*: it is ready, has nothing to do, can't be run, or sleeps until something
//! that it has arranged happens; a check may also find further jobs that it needs. A ready job gets
//! a slot and runs. How it ended is its [`Outcome`]. After a failure nothing new is started, unless
//! the [`Builder`] says otherwise; the job itself may be [tried again](Plan::retries) before that.
//!
//! # Who starts first, and who waits
//!
//! Of the ready jobs that one starts first on which the longest path of others depends, by what a
//! [history](Builder::history) knows of how long each takes: see [`Order`]. A job may have to wait for a
//! [pool](Builder::pool) of which it takes something, and all may be held back because the machine has
//! [too much](Builder::max_load) to do. How good it was in the end is in the [`Summary`]: the critical
//! path, and what no order could have beaten.
//!
//! If jobs are left that nothing can wake, the run ends with a report: the dependency cycle, or each
//! sleeper with its reason.
//!
//! # What it does to your process
//!
//! It starts no thread, installs no signal handler unless [asked](Builder::handle_signals), waits
//! for no child that it did not start, and changes neither environment, signal mask, umask nor the
//! flags of descriptors that are shared with others. Several schedulers in one process don't know of
//! each other. For the time of a run the soft limit of open files is raised if that many jobs need
//! it, and jobs get it as it was.
//!
//! A scheduler stays on the thread that it was made on; [`Waker`] and [`Handle`] speak to it from
//! others.
//!
//! # Features
//!
//! `simulation`, off by default, adds the module `simulation`: a graph with known durations is played
//! with a virtual clock, to see how long it would take with so many slots in this or that order.
//!
//! # Platform
//!
//! Linux 5.10 or later: the end of a process is learnt from a pidfd. `/proc` has to be mounted.

mod duration;
mod error;
pub mod event;
mod gates;
mod gauges;
mod graph;
mod history;
mod job;
mod machine;
mod order;
mod output;
mod process;
mod reactor;
pub mod report;
mod scheduler;
mod signals;
#[cfg(feature = "simulation")]
pub mod simulation;
mod status;
mod summary;
#[cfg(test)]
mod testing;
mod tokens;
mod wake;
mod world;

pub use error::Error;
pub use event::{Event, JobRef, Observer, Process, RunInfo, Stream, Why};
pub use job::{
    AnyJob, Cancellation, Check, Checking, CommandJob, Failure, Job, JobId, Outcome, Plan, Program,
    Reason, Repeatable, Retries, Work, command,
};
pub use order::Order;
pub use scheduler::{Builder, Expected, Jobs, Scheduler};
pub use status::{RunningJob, Stall, Status};
pub use summary::{Step, Summary};
pub use wake::{Handle, Waker};
