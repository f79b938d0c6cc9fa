//! What the scheduler runs: which jobs a command wants, and how the run is to be.
//!
//! Does nothing of what jobs do: each has a body of its own, in `body`, in a process of its own.

mod age;
mod archive;
mod archives;
mod chroot;
mod cross_tools;
mod program;
mod retries;
mod standing;
mod test_graph;
mod trial;

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
    rc::Rc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use jobsched::{
    Jobs, Order, Scheduler,
    report::{Plain, Trace},
};

use archive::ArchiveJob;
use chroot::ChrootJob;
use cross_tools::CrossToolsJob;
use program::Program;
use trial::TrialJob;

use crate::{
    cli::Options,
    config::{Config, ConfigError},
    error::Error,
    spec::{self, JobName, Nap},
    store::Store,
};

/// What a command wants to be run.
pub(crate) enum Wanted<'a> {
    /// The chroots that these words choose.
    Chroots(&'a [String]),
    /// The tools for those of them that are to have some.
    CrossTools(&'a [String]),
    Sleep(Nap),
    /// A random graph of jobs that wait.
    Test {
        seed: Option<u64>,
    },
}

/// Runs it, and ends as the run did.
pub(crate) fn run(
    wanted: &Wanted<'_>,
    options: &Options,
    config: Result<Config, Error>,
) -> Result<ExitCode, Error> {
    let mut scheduler;
    match wanted {
        Wanted::Chroots(which) => {
            let config = Rc::new(config?);
            let mut chosen = Vec::from_iter(spec::select(which, &config.selectable())?);
            // Emulated ones take several times as long, which nobody has measured before the first run.
            chosen.sort_by_key(|id| id.arch == config.host.arch);
            let program = Program::new(config.file.clone(), options.fresh, options.no_wait)
                .map_err(Error::Myself)?;
            scheduler = scheduler_for(options, &config.state_dir)?;
            let since = seconds_since_1970();
            for id in chosen {
                let (config, program) = (Rc::clone(&config), program.clone());
                scheduler.ensure(ChrootJob::new(id, config, program, since))?;
            }
        }
        Wanted::CrossTools(which) => {
            let config = Rc::new(config?);
            let chosen = spec::select(which, &config.selectable())?;
            let program = Program::new(config.file.clone(), options.fresh, options.no_wait)
                .map_err(Error::Myself)?;
            scheduler = scheduler_for(options, &config.state_dir)?;
            let since = seconds_since_1970();
            for id in chosen.into_iter().filter(|id| !config.chroots[id].cross_tools.is_empty()) {
                let (config, program) = (Rc::clone(&config), program.clone());
                scheduler.ensure(CrossToolsJob::new(id, config, program, since))?;
            }
        }
        Wanted::Sleep(nap) => {
            scheduler = scheduler_for(options, &state_dir(config)?)?;
            let program = Program::new(None, None, false).map_err(Error::Myself)?;
            let name = JobName::Sleep(nap.clone());
            scheduler.ensure(TrialJob { name, needs: Vec::new(), program })?;
        }
        Wanted::Test { seed } => {
            scheduler = scheduler_for(options, &state_dir(config)?)?;
            ensure_test_graph(&mut scheduler, *seed, options.silent)?;
        }
    }
    let summary = scheduler.run()?;
    if options.timing && !summary.critical_path.is_empty() {
        // Who reads this may be gone, which is no failure of the jobs.
        let _ = writeln!(std::io::stdout(), "{}", summary.timing());
    }
    summary.exit()
}

/// A scheduler as the options want it, which logs in the state directory.
fn scheduler_for(options: &Options, state_dir: &Path) -> Result<Scheduler, Error> {
    let store = Store::new(state_dir.to_owned());
    let mut builder = Scheduler::builder()
        .inherit_jobserver(true)
        .handle_signals(true)
        .keep_going(options.keep_going)
        .ignore_errors(options.ignore_errors)
        .dry_run(options.dry_run)
        .history(store.history())
        .log_dir(store.log_dir());
    if let Some(limit) = options.max_load {
        builder = builder.max_load(limit);
    }
    if let Some(seed) = options.shuffle {
        builder = builder.order(Order::Shuffled(seed));
    }
    if options.forkbomb {
        builder = builder.jobs(Jobs::Unlimited);
    } else if let Some(jobs) = options.jobs {
        builder = builder.jobs(Jobs::AtMost(usize::try_from(jobs.get()).unwrap_or(usize::MAX)));
    }
    let mut scheduler = builder.build()?;
    let silent = options.silent || scheduler.is_silent();
    if options.debug {
        scheduler.observe(Trace::stderr());
    }
    scheduler.observe(Plain::stdout().quiet(options.quiet).silent(silent).program("chroot-maint"));
    Ok(scheduler)
}

/// The jobs that only try the scheduler need no config and no Debian, but a place for their logs.
fn state_dir(config: Result<Config, Error>) -> Result<PathBuf, Error> {
    match config {
        Ok(config) => Ok(config.state_dir),
        Err(Error::Config(error @ ConfigError::Host(_))) => {
            let is_root = nix::unistd::geteuid().is_root();
            Config::default_state_dir(is_root).ok_or(Error::Config(error))
        }
        Err(error) => Err(error),
    }
}

fn ensure_test_graph(
    scheduler: &mut Scheduler,
    seed: Option<u64>,
    silent: bool,
) -> Result<(), Error> {
    let seed = seed.unwrap_or_else(|| {
        // Short enough to be typed again.
        u64::from(since_1970().subsec_micros())
    });
    if !silent {
        eprintln!("chroot-maint: test graph with --seed {seed}");
    }
    let program = Program::new(None, None, false).map_err(Error::Myself)?;
    let mut ids = Vec::new();
    for node in test_graph::build(seed)? {
        let needs = node.needs.iter().filter_map(|&need| ids.get(need).copied()).collect();
        let job = TrialJob { name: node.job, needs, program: program.clone() };
        ids.push(scheduler.ensure(job)?);
    }
    Ok(())
}

fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn seconds_since_1970() -> u64 {
    since_1970().as_secs()
}
