//! How a scheduler is to be: where its slots come from, what it does about failures, who listens.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::Scheduler;
use super::driver::Driver;
use super::registry::Registry;
use crate::Error;
use crate::event::Observer;
use crate::gates::Limits;
use crate::gauges::Gauges;
use crate::history::History;
use crate::machine::{Machine, Policy};
use crate::order::Order;
use crate::output::LogDir;
use crate::reactor::{MakeVariables, Reactor, Settings};
use crate::tokens::{Inherited, JobsWord, MakeFlags, Tokens};
use crate::wake::Bell;

/// How many jobs may run at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Jobs {
    /// That many, at least 1. With an inherited jobserver this is a cap on what is run of its
    /// slots; without one, it makes a pool of that many slots, which jobs may share.
    AtMost(usize),
    /// As many as are ready. No jobserver is asked, an inherited one neither.
    Unlimited,
}

/// Makes a [`Scheduler`]; see [`Scheduler::builder`].
#[must_use]
pub struct Builder {
    jobs: Option<Jobs>,
    inherit: bool,
    makeflags: Option<OsString>,
    policy: Policy,
    order: Order,
    pools: Vec<(String, usize)>,
    limits: Limits,
    history: Option<PathBuf>,
    log_dir: Option<PathBuf>,
    handle_signals: bool,
    grace: Duration,
    observers: Vec<Box<dyn Observer>>,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            jobs: None,
            inherit: false,
            makeflags: None,
            policy: Policy::default(),
            order: Order::default(),
            pools: Vec::new(),
            limits: Limits::default(),
            history: None,
            log_dir: None,
            handle_signals: false,
            grace: Duration::from_secs(5),
            observers: Vec::new(),
        }
    }
}

impl Builder {
    /// How many jobs may run at once. If it isn't said: as many as an inherited jobserver grants,
    /// else one.
    pub fn jobs(mut self, jobs: Jobs) -> Self {
        self.jobs = Some(jobs);
        self
    }

    /// Whether to take part in the jobserver of a `make` that started this process, and to heed the
    /// other words of its `MAKEFLAGS` as well: `i`, `k`, `n` and `s` among its flags switch on
    /// [`ignore_errors`](Self::ignore_errors), [`keep_going`](Self::keep_going),
    /// [`dry_run`](Self::dry_run) and [`Scheduler::is_silent`]; `-j` without a number and without a
    /// jobserver means no limit.
    ///
    /// If `MAKEFLAGS` names a jobserver that can't be used, there is one
    /// [warning](crate::Event::Warning) that says why, and jobs run one at a time. Usually the
    /// recipe lacks a `+` at its beginning, without which `make` closes the jobserver to it.
    ///
    /// To be called early in a program: the descriptors that `MAKEFLAGS` names by number may be
    /// closed, and then whatever is opened next gets their numbers. Off by default.
    pub fn inherit_jobserver(mut self, inherit: bool) -> Self {
        self.inherit = inherit;
        self
    }

    /// Takes this for the value of `MAKEFLAGS`, instead of what is in the environment.
    pub fn makeflags(mut self, value: impl Into<OsString>) -> Self {
        self.makeflags = Some(value.into());
        self
    }

    /// Whether everything that does not need a failed job still runs after a failure. By default,
    /// nothing new is started then; what runs is waited for.
    pub fn keep_going(mut self, keep_going: bool) -> Self {
        self.policy.keep_going = keep_going;
        self
    }

    /// Whether failures are only reported: dependents run all the same, and the run counts as a
    /// success.
    pub fn ignore_errors(mut self, ignore_errors: bool) -> Self {
        self.policy.ignore_errors = ignore_errors;
        self
    }

    /// Whether jobs are only checked. Those that would run are told as
    /// [`Outcome::WouldRun`](crate::Outcome::WouldRun) and count as won. Nothing is started, no
    /// file made and no slot taken.
    pub fn dry_run(mut self, dry_run: bool) -> Self {
        self.policy.dry_run = dry_run;
        self
    }

    /// In which order ready jobs start: by default by [`Order::LongestPath`].
    pub fn order(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    /// Makes a pool: something of which there is so much, and of which jobs
    /// [take](crate::Plan::pool) some for as long as they run. Never is more taken than there is.
    /// Of several pools of one name the last counts.
    ///
    /// ```
    /// # use jobsched::{Error, Job, Jobs, Plan, Scheduler, Work};
    /// struct Fetch(u32);
    ///
    /// impl Job for Fetch {
    ///     fn name(&self) -> String { format!("fetch.{}", self.0) }
    ///     fn plan(&mut self, plan: &mut Plan<'_>) -> Result<(), Error> { plan.pool("network", 1) }
    ///     fn run(&mut self) -> Work { std::process::Command::new("true").into() }
    /// }
    ///
    /// # fn main() -> Result<(), Error> {
    /// // However many jobs run at once, only two of them fetch.
    /// let mut scheduler = Scheduler::builder().jobs(Jobs::AtMost(8)).pool("network", 2).build()?;
    /// for number in 1..=4 {
    ///     scheduler.ensure(Fetch(number))?;
    /// }
    /// assert_eq!(scheduler.run()?.succeeded, 4);
    /// # Ok(())
    /// # }
    /// ```
    pub fn pool(mut self, name: impl Into<String>, capacity: usize) -> Self {
        self.pools.push((name.into(), capacity));
        self
    }

    /// Starts no job beside others of ours while so many processes run on the machine that with it
    /// there would be more than `limit`: those that compute at this moment, not those that wait, and
    /// not an average over time. What `make -l` says counts if [it is
    /// inherited](Self::inherit_jobserver) and this isn't called.
    ///
    /// This and the two that follow only delay: with no job of ours running, one may start.
    pub fn max_load(mut self, limit: f64) -> Self {
        self.limits.max_load = Some(limit);
        self
    }

    /// Starts no job beside others of ours while less memory than that is available, in bytes: on the
    /// machine, or within the limit of the control group that this process is in.
    pub fn min_available_memory(mut self, bytes: u64) -> Self {
        self.limits.min_available = Some(bytes);
        self
    }

    /// Starts no job beside others of ours while memory is short: while in the last ten seconds some
    /// process had to wait for memory for more than `percent` of the time (`some avg10` of the
    /// kernel's pressure stall information). Where the kernel doesn't measure that, there is one
    /// warning, and nothing is held back.
    pub fn max_memory_pressure(mut self, percent: f64) -> Self {
        self.limits.max_pressure = Some(percent);
        self
    }

    /// The file in which it is kept from run to run how long each job takes and how much memory, by
    /// its name. It decides about the [order](Order::LongestPath) of starts.
    ///
    /// The file is made, with its directories, after the first job has succeeded. It is bounded, and several processes may use it at once. It is never in the way: if it can't be
    /// read or written, or was damaged, there is one warning, and the run goes on.
    pub fn history(mut self, path: impl Into<PathBuf>) -> Self {
        self.history = Some(path.into());
        self
    }

    /// Where each job's output is kept: as `NAME-YYYY-MM-DD#SEQ`, with the date in UTC, a number
    /// counting up from 1, and everything in the name escaped as `%2F` that is unsafe in a file
    /// name. Lines of standard output begin with `| `, those of standard error with `* `; their
    /// bytes are as the job wrote them.
    ///
    /// The directory is made when the first job starts. If it can't be made or written to, there is
    /// one warning, and jobs run all the same. By default no logs are kept.
    pub fn log_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.log_dir = Some(path.into());
        self
    }

    /// Whether signals to this process are seen to during a run. Off by default: then they do what
    /// they did before, and a host with handlers of its own uses a [`Handle`](crate::Handle).
    ///
    /// - `SIGINT`, `SIGTERM`, `SIGHUP`: nothing new is started, the process groups of all running
    ///   jobs get the signal, and after the [grace period](Self::grace) `SIGKILL`; a second signal
    ///   kills at once. [`run`](Scheduler::run) then returns as usual, with
    ///   [`Summary::interrupted`](crate::Summary::interrupted), and the program should end by
    ///   [`Summary::exit`](crate::Summary::exit) when it has cleaned up.
    /// - `SIGTSTP` and `SIGCONT` (Ctrl-Z and `fg`) reach all jobs. Stopped time is not counted.
    /// - `SIGUSR1` tells all observers the [status](crate::Event::Status).
    ///
    /// A signal that is ignored when the run begins, as `SIGHUP` is under nohup, stays so.
    pub fn handle_signals(mut self, handle: bool) -> Self {
        self.handle_signals = handle;
        self
    }

    /// How long jobs may take to end after the first signal, before they are killed. 5 seconds if
    /// it isn't said.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Has an observer told of everything that happens, such as a
    /// [`report::Plain`](crate::report::Plain). May be called several times.
    pub fn observer(mut self, observer: impl Observer + 'static) -> Self {
        self.observers.push(Box::new(observer));
        self
    }

    /// Makes the scheduler. Nothing is started before [`Scheduler::run`].
    ///
    /// # Errors
    /// [`Error::NoSlots`] for `Jobs::AtMost(0)`, [`Error::BadLimit`] for a limit that is negative or
    /// not a number, [`Error::System`] if the process is out of
    /// descriptors. A jobserver that can't be used is no error, but a warning when the run begins.
    pub fn build(self) -> Result<Scheduler, Error> {
        let value = match self.makeflags {
            Some(value) => Some(value),
            None if self.inherit => env::var_os("MAKEFLAGS"),
            None => None,
        };
        // The descriptors that it names have to be looked at before anything is opened.
        let flags = value.as_deref().map(MakeFlags::parse).unwrap_or_default();
        let mut warnings = Vec::new();
        let (tokens, most) = slots(self.jobs, &flags, &mut warnings)?;

        let mut limits = self.limits;
        limits.max_load = limits.max_load.or(flags.load);
        check_limit("load", limits.max_load)?;
        check_limit("memory pressure", limits.max_pressure)?;
        let (gauges, not_heeded) = Gauges::open(&limits);
        warnings.extend(not_heeded);
        let history = self.history.map(|path| {
            let (history, note) = History::open(&path);
            warnings.extend(note);
            history
        });

        let bell = Arc::new(Bell::new()?);
        let policy = Policy {
            keep_going: self.policy.keep_going || flags.keep_going,
            ignore_errors: self.policy.ignore_errors || flags.ignore_errors,
            dry_run: self.policy.dry_run || flags.dry_run,
        };
        let makeflags = MakeVariables::of(|name| env::var_os(name));
        let reactor = Reactor::new(Settings {
            tokens,
            most,
            limits,
            gauges,
            alone: makeflags.alone(),
            makeflags,
            logs: self.log_dir.map(LogDir::new),
            handle_signals: self.handle_signals,
            grace: self.grace,
            bell: Arc::clone(&bell),
        });
        let mut machine = Machine::new(policy, self.order);
        for (name, capacity) in &self.pools {
            machine.add_pool(name, *capacity);
        }
        let mut driver = Driver::new(Registry::new(machine, history), reactor, bell);
        for observer in self.observers {
            driver.observers.add(observer);
        }
        Ok(Scheduler { driver, warnings, silent: flags.silent })
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("jobs", &self.jobs)
            .field("policy", &self.policy)
            .field("log_dir", &self.log_dir)
            .finish_non_exhaustive()
    }
}

fn check_limit(what: &'static str, limit: Option<f64>) -> Result<(), Error> {
    match limit {
        Some(value) if value.is_nan() || value < 0.0 => Err(Error::BadLimit { what, value }),
        _ => Ok(()),
    }
}

/// Where slots come from, and how many they can be at the most.
fn slots(
    jobs: Option<Jobs>,
    flags: &MakeFlags,
    warnings: &mut Vec<String>,
) -> Result<(Tokens, Option<usize>), Error> {
    let cap = match jobs {
        Some(Jobs::Unlimited) => return Ok((Tokens::unlimited(), None)),
        Some(Jobs::AtMost(jobs)) => Some(NonZeroUsize::new(jobs).ok_or(Error::NoSlots)?),
        None => None,
    };
    if let Some(auth) = &flags.auth {
        return Ok(match Inherited::open(auth) {
            Ok(pool) => {
                let told = match flags.jobs {
                    Some(JobsWord::AtMost(jobs)) => Some(jobs.get()),
                    _ => None,
                };
                let most = cap.map(NonZeroUsize::get).or(told);
                (Tokens::inherited(pool, cap), most)
            }
            Err(error) => {
                warnings.push(error.warning().to_string());
                (Tokens::serial(), Some(1))
            }
        });
    }
    let own = cap.or(match flags.jobs {
        Some(JobsWord::AtMost(jobs)) => Some(jobs),
        _ => None,
    });
    Ok(match (own, flags.jobs) {
        (Some(jobs), _) => (Tokens::own(jobs), Some(jobs.get())),
        (None, Some(JobsWord::Unlimited)) => (Tokens::unlimited(), None),
        (None, _) => (Tokens::serial(), Some(1)),
    })
}
