//! A run within this process: a scheduler in a directory of its own, everything that it tells, and
//! what it shows to people.

use std::cell::RefCell;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;

use jobsched::report::Plain;
use jobsched::{
    Builder, Check, Checking, Event, Job, JobId, Outcome, Process, RunInfo, Scheduler, Stream,
    Summary, Work, command,
};
use tempfile::TempDir;

use super::watch;

/// A run to be.
#[must_use]
pub(crate) struct Test {
    directory: TempDir,
    builder: Builder,
    jobs: Vec<Ensure>,
}

type Ensure = Box<dyn FnOnce(&mut Scheduler) -> JobId>;

/// What was told, as far as tests look at it.
#[derive(Debug, Clone)]
pub(crate) enum Seen {
    Started { name: String, pid: u32 },
    Output { name: String, stream: Stream, text: Vec<u8> },
    Leaked { name: String, holders: Vec<Process> },
    Finished { name: String, outcome: Outcome, info: Option<RunInfo> },
    Warning(String),
}

impl Test {
    pub(crate) fn new() -> Self {
        watch();
        Self {
            directory: tempfile::tempdir().unwrap(),
            builder: Scheduler::builder().keep_going(true),
            jobs: Vec::new(),
        }
    }

    /// A path in the directory of the test, where the jobs also run.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn fifo(&self, name: &str) -> PathBuf {
        super::fifo(self.path(name))
    }

    pub(crate) fn with(mut self, set: impl FnOnce(Builder) -> Builder) -> Self {
        self.builder = set(self.builder);
        self
    }

    /// Keeps logs in `log`.
    pub(crate) fn logged(self) -> Self {
        let path = self.path("log");
        self.with(|builder| builder.log_dir(path))
    }

    /// A job that is a script of the shell.
    pub(crate) fn sh(self, name: &str, script: &str) -> Self {
        let command = self.shell(script);
        self.command(name, command)
    }

    /// A shell that runs a script in the directory of the test.
    pub(crate) fn shell(&self, script: &str) -> Command {
        let mut shell = Command::new("sh");
        shell.args(["-c", script]).current_dir(self.directory.path());
        shell
    }

    pub(crate) fn command(self, name: &str, program: Command) -> Self {
        self.job(command(name, program))
    }

    pub(crate) fn job(mut self, job: impl Job) -> Self {
        self.jobs.push(Box::new(move |scheduler| scheduler.ensure(job).unwrap()));
        self
    }

    pub(crate) fn run(self) -> Ran {
        self.run_with(|scheduler| scheduler.run().unwrap())
    }

    /// Has somebody else call [`Scheduler::run`].
    pub(crate) fn run_with(self, run: impl FnOnce(&mut Scheduler) -> Summary) -> Ran {
        let screen = Shared::default();
        let seen = Rc::new(RefCell::new(Vec::new()));
        let sink = Rc::clone(&seen);
        let mut scheduler = self
            .builder
            .observer(Plain::new(screen.clone()))
            .observer(move |event: &Event<'_>| sink.borrow_mut().extend(Seen::of(event)))
            .build()
            .unwrap();
        for job in self.jobs {
            job(&mut scheduler);
        }
        let summary = run(&mut scheduler);
        drop(scheduler);
        let screen = String::from_utf8(screen.0.take()).unwrap();
        Ran { directory: self.directory, summary, seen: seen.take(), screen }
    }
}

/// What came of it.
pub(crate) struct Ran {
    directory: TempDir,
    pub(crate) summary: Summary,
    pub(crate) seen: Vec<Seen>,
    pub(crate) screen: String,
}

impl Ran {
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The path of a job's log.
    pub(crate) fn log_path(&self, job: &str) -> &Path {
        self.info(job).log.as_deref().unwrap()
    }

    /// What is in a job's log.
    pub(crate) fn log(&self, job: &str) -> String {
        std::fs::read(self.log_path(job)).unwrap().escape_ascii().to_string()
    }

    pub(crate) fn outcome(&self, job: &str) -> String {
        let mut outcomes = self.seen.iter().filter_map(|seen| match seen {
            Seen::Finished { name, outcome, .. } if name == job => Some(outcome.to_string()),
            _ => None,
        });
        let outcome = outcomes.next().unwrap_or_else(|| panic!("{job} did not finish"));
        assert_eq!(outcomes.next(), None, "{job} finished twice");
        outcome
    }

    pub(crate) fn info(&self, job: &str) -> &RunInfo {
        let mut infos = self.seen.iter().filter_map(|seen| match seen {
            Seen::Finished { name, info: Some(info), .. } if name == job => Some(info),
            _ => None,
        });
        infos.next().unwrap_or_else(|| panic!("nothing is known of {job}"))
    }

    /// All that a job wrote to a stream.
    pub(crate) fn output(&self, job: &str, wanted: Stream) -> Vec<u8> {
        let chunks = self.seen.iter().filter_map(|seen| match seen {
            Seen::Output { name, stream, text } if name == job && *stream == wanted => Some(text),
            _ => None,
        });
        chunks.flatten().copied().collect()
    }

    /// The same as text without the last newline.
    pub(crate) fn stdout(&self, job: &str) -> String {
        String::from_utf8(self.output(job, Stream::Stdout)).unwrap().trim_end().to_owned()
    }

    /// Who holds output of this job that was said to be held open.
    pub(crate) fn leaks(&self, job: &str) -> Vec<&[Process]> {
        let leaks = self.seen.iter().filter_map(|seen| match seen {
            Seen::Leaked { name, holders } if name == job => Some(holders.as_slice()),
            _ => None,
        });
        leaks.collect()
    }

    pub(crate) fn warnings(&self) -> Vec<&str> {
        let warnings = self.seen.iter().filter_map(|seen| match seen {
            Seen::Warning(message) => Some(message.as_str()),
            _ => None,
        });
        warnings.collect()
    }

    /// The names of the jobs that were started, in that order.
    pub(crate) fn started(&self) -> Vec<&str> {
        let started = self.seen.iter().filter_map(|seen| match seen {
            Seen::Started { name, .. } => Some(name.as_str()),
            _ => None,
        });
        started.collect()
    }

    #[track_caller]
    pub(crate) fn assert_success(self) -> Self {
        assert!(self.summary.success(), "{}", self.screen);
        self
    }
}

impl Seen {
    fn of(event: &Event<'_>) -> Option<Self> {
        Some(match *event {
            Event::Started { job, pid, .. } => Self::Started { name: job.name.into(), pid },
            Event::Output { job, stream, text } => {
                Self::Output { name: job.name.into(), stream, text: text.to_vec() }
            }
            Event::Leaked { job, holders } => {
                Self::Leaked { name: job.name.into(), holders: holders.to_vec() }
            }
            Event::Finished { job, outcome, run } => Self::Finished {
                name: job.name.into(),
                outcome: outcome.clone(),
                info: run.cloned(),
            },
            Event::Warning { message } => Self::Warning(message.into()),
            _ => return None,
        })
    }
}

/// A writer whose bytes stay where the test finds them.
#[derive(Debug, Clone, Default)]
struct Shared(Rc<RefCell<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A job made of closures.
pub(crate) struct Custom<C, R> {
    name: &'static str,
    check: C,
    run: R,
}

/// A job with these bodies.
pub(crate) fn custom<C, R>(name: &'static str, check: C, run: R) -> Custom<C, R>
where
    C: FnMut(&mut Checking<'_>) -> Check + 'static,
    R: FnMut() -> Work + 'static,
{
    Custom { name, check, run }
}

impl<C, R> Job for Custom<C, R>
where
    C: FnMut(&mut Checking<'_>) -> Check + 'static,
    R: FnMut() -> Work + 'static,
{
    fn name(&self) -> String {
        self.name.into()
    }

    fn check(&mut self, cx: &mut Checking<'_>) -> Check {
        (self.check)(cx)
    }

    fn run(&mut self) -> Work {
        (self.run)()
    }
}
