//! The real world: an epoll over the ends of processes, their output, the jobserver, signals, the
//! bell, and deadlines. Knows no policy: what is started, and when, is the scheduler's affair.

mod limits;
mod running;
mod source;
mod start;
mod table;
mod teardown;
mod variables;

use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use limits::TimeLimits;
use running::{Progress, Running, Sinks};
use source::{Place, Source};
use table::Table;
pub(crate) use variables::MakeVariables;

use crate::Error;
use crate::event::{JobRef, RunInfo};
use crate::gates::Limits;
use crate::gauges::Gauges;
use crate::job::{JobId, Reason, Work};
use crate::machine::Ending;
use crate::output::LogDir;
use crate::process::{Environment, FileLimit, Launcher};
use crate::signals::{Signals, Teardown};
use crate::tokens::{Grant, Imbalance, TokenError, Tokens};
use crate::wake::Bell;
use crate::world::{Happening, Observers, Slot, StartError, World};

/// How much is read from a stream at a time.
const BUFFER: usize = 64 * 1024;
/// How many descriptors are told of at a time.
const EVENTS: usize = 64;

/// What a reactor is told at its making.
pub(crate) struct Settings {
    pub(crate) tokens: Tokens,
    /// How many jobs can run at once at the most, if that is known.
    pub(crate) most: Option<usize>,
    /// What must not be exceeded for a job to be started beside others, and what measures it.
    pub(crate) limits: Limits,
    pub(crate) gauges: Gauges,
    /// The variables that name a jobserver, as this process has them.
    pub(crate) makeflags: MakeVariables,
    /// What jobs get that share no jobserver.
    pub(crate) alone: Environment,
    pub(crate) logs: Option<LogDir>,
    pub(crate) handle_signals: bool,
    pub(crate) grace: Duration,
    pub(crate) bell: Arc<Bell>,
}

/// The real world.
pub(crate) struct Reactor {
    settings: Settings,
    /// None between runs, when nothing is to be taken from the host.
    run: Option<Run>,
}

/// What is needed for the time of a run.
struct Run {
    epoll: Epoll,
    launcher: Launcher,
    signals: Option<Signals>,
    teardown: Teardown,
    limits: TimeLimits,
    table: Table<Running>,
    buffer: Vec<u8>,
    /// How long the process was stopped in all.
    stopped: Duration,
    tokens: Watch,
}

/// Whether the jobserver is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Watch {
    /// Its descriptor is not known to epoll.
    Unknown,
    /// It is, but epoll keeps quiet about it.
    Off,
    /// Epoll will tell once when it is readable.
    On,
}

impl Reactor {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings, run: None }
    }
}

impl Drop for Reactor {
    fn drop(&mut self) {
        // Nobody is left to be warned.
        let _ = self.end();
    }
}

impl World for Reactor {
    fn begin(&mut self) -> Result<(), Error> {
        let watch = Error::errno("watch a descriptor by epoll");
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)
            .map_err(Error::errno("make an epoll descriptor"))?;
        let launcher = Launcher::new(FileLimit::for_jobs(self.settings.most))?;
        epoll.add(&*self.settings.bell, Source::Bell.event()).map_err(watch)?;
        let mut signals = None;
        if self.settings.handle_signals {
            let installed =
                signals.insert(Signals::install().map_err(Error::system("handle signals"))?);
            epoll
                .add(installed.as_fd(), Source::Signals.event())
                .map_err(Error::errno("watch a descriptor by epoll"))?;
        }
        self.run = Some(Run {
            epoll,
            launcher,
            signals,
            teardown: Teardown::new(self.settings.grace),
            limits: TimeLimits::new(Instant::now()),
            table: Table::default(),
            buffer: vec![0; BUFFER],
            stopped: Duration::ZERO,
            tokens: Watch::Unknown,
        });
        Ok(())
    }

    fn end(&mut self) -> Result<(), String> {
        if let Some(run) = self.run.take() {
            for running in run.table.iter() {
                running.kill_and_reap();
            }
        }
        self.settings.tokens.give_back_all().map_err(|error| chain(&error))
    }

    fn now(&self) -> Instant {
        Instant::now()
    }

    fn slots(&self) -> String {
        self.settings.tokens.to_string()
    }

    fn most(&self) -> Option<usize> {
        self.settings.most
    }

    fn excess(&mut self) -> Option<Reason> {
        let Settings { limits, gauges, .. } = &mut self.settings;
        if limits.is_empty() {
            return None;
        }
        limits.exceeded(&gauges.sample()).map(|excess| excess.to_string().into())
    }

    fn acquire(&mut self) -> Slot {
        let room = self.run.as_ref().map_or(0, |run| run.launcher.room());
        if self.settings.tokens.running() >= room {
            return Slot::Full;
        }
        match self.settings.tokens.acquire() {
            Grant::Granted => Slot::Granted,
            Grant::Wait => Slot::Wait,
            Grant::Full => Slot::Full,
            Grant::Lost(error) => Slot::Lost(chain(&error)),
        }
    }

    fn release(&mut self) -> Result<(), String> {
        let tokens = &mut self.settings.tokens;
        tokens.release().map_err(|error| chain(&error))?;
        match tokens.audit() {
            Ok(None) => Ok(()),
            Ok(Some(Imbalance { expected, found })) => Err(format!(
                "the jobserver held {found} tokens instead of {expected} when nothing ran: a job \
                 ended without giving back what it took, or gave back more; this was put right"
            )),
            Err(error) => Err(chain(&error)),
        }
    }

    fn start(
        &mut self,
        job: JobId,
        name: &str,
        work: Work,
        observers: &mut Observers,
    ) -> Result<(), StartError> {
        let Self { settings, run } = self;
        let Some(run) = run else {
            return Err(StartError::Failed(None, "no run is on".into()));
        };
        run.start(settings, JobRef { id: job, name }, work, observers)?;
        complain(settings.logs.as_mut(), observers);
        Ok(())
    }

    fn wait(
        &mut self,
        until: Option<Instant>,
        slot_wanted: bool,
        observers: &mut Observers,
    ) -> Result<Vec<Happening>, Error> {
        let Self { settings, run } = self;
        let Some(run) = run else {
            return Ok(Vec::new());
        };
        run.watch_tokens(slot_wanted, &settings.tokens)?;

        let deadlines = [until, run.teardown.deadline(), run.limits.deadline()];
        let deadline = deadlines.into_iter().flatten().min();
        let mut events = [EpollEvent::empty(); EVENTS];
        let count = match run.epoll.wait(&mut events, timeout(deadline)) {
            Ok(count) => count,
            Err(Errno::EINTR) => 0,
            Err(errno) => return Err(Error::errno("wait for something to happen")(errno)),
        };
        let mut happened = Vec::new();
        for event in events.iter().take(count) {
            match Source::decode(event.data()) {
                Some(Source::Tokens) => run.tokens = Watch::Off,
                Some(Source::Signals) => run.take_signals(observers, &mut happened),
                Some(Source::Pipe(place, stream)) => {
                    let mut sinks = Sinks { logs: settings.logs.as_mut(), observers };
                    run.read(place, stream, &mut sinks);
                }
                Some(Source::Exit(place)) => {
                    let mut sinks = Sinks { logs: settings.logs.as_mut(), observers };
                    run.ended(place, &mut sinks, &mut happened);
                }
                Some(Source::Member(place)) => {
                    let mut sinks = Sinks { logs: settings.logs.as_mut(), observers };
                    run.member_ended(place, &mut sinks, &mut happened);
                }
                // The bell is answered by the scheduler.
                Some(Source::Bell) | None => {}
            }
        }
        run.tick();
        run.enforce_limits(settings.grace);
        complain(settings.logs.as_mut(), observers);
        Ok(happened)
    }

    fn cancel(&mut self, observers: &mut Observers) -> Vec<Happening> {
        let mut happened = Vec::new();
        if let Some(run) = &mut self.run {
            run.cancel(observers, &mut happened);
        }
        happened
    }

    fn running(&self) -> Vec<(JobId, u32, Duration)> {
        let Some(run) = &self.run else {
            return Vec::new();
        };
        let now = Instant::now();
        run.table
            .iter()
            .map(|running| {
                let stopped = run.stopped.saturating_sub(running.stopped_before);
                let wall = now.saturating_duration_since(running.started);
                (running.job, running.child.pid(), wall.saturating_sub(stopped))
            })
            .collect()
    }
}

impl Run {
    /// Has epoll tell of the jobserver if a slot is wanted and there is something to watch. It tells
    /// once: so nothing has to be undone when the wish is gone, and an unwanted token wakes nobody
    /// twice.
    fn watch_tokens(&mut self, wanted: bool, tokens: &Tokens) -> Result<(), Error> {
        if !wanted || self.tokens == Watch::On {
            return Ok(());
        }
        let Some(fd) = tokens.watch() else {
            return Ok(());
        };
        let flags = EpollFlags::EPOLLIN | EpollFlags::EPOLLONESHOT;
        let mut event = Source::Tokens.event_with(flags);
        if self.tokens == Watch::Unknown {
            self.epoll.add(fd, event)
        } else {
            self.epoll.modify(fd, &mut event)
        }
        .map_err(Error::errno("watch the jobserver"))?;
        self.tokens = Watch::On;
        Ok(())
    }

    fn read(&mut self, place: Place, stream: crate::event::Stream, sinks: &mut Sinks<'_>) {
        // A job that ended earlier in the same round is not there any more.
        if let Some(running) = self.table.get_mut(place) {
            // A closed descriptor takes itself off the epoll.
            let _: Progress = running.read(stream, &mut self.buffer, sinks);
        }
    }

    /// A job's process has ended, and with it the job, unless the run is being torn down and others
    /// of its group are left.
    fn ended(&mut self, place: Place, sinks: &mut Sinks<'_>, happened: &mut Vec<Happening>) {
        let ending = self.teardown.has_begun() || self.is_over_limit(place);
        if ending && self.await_members(place) {
            return;
        }
        self.finish(place, sinks, happened);
    }

    fn finish(&mut self, place: Place, sinks: &mut Sinks<'_>, happened: &mut Vec<Happening>) {
        // It stays in the table meanwhile: an observer that panics must not leave it unreaped.
        let Some(running) = self.table.get_mut(place) else { return };
        running.drain(&mut self.buffer, sinks);
        let Some(running) = self.table.remove(place) else { return };
        let job = running.job;
        let (ending, info): (Ending, RunInfo) =
            running.finish(Instant::now(), self.stopped, sinks.logs.as_deref_mut());
        happened.push(Happening::Ended(job, ending, info));
    }
}

impl Running {
    fn register(&self, epoll: &Epoll, place: Place) -> nix::Result<()> {
        use crate::event::Stream;
        if let Some(pipe) = &self.stdout.pipe {
            epoll.add(pipe, Source::Pipe(place, Stream::Stdout).event())?;
        }
        if let Some(pipe) = &self.stderr.pipe {
            epoll.add(pipe, Source::Pipe(place, Stream::Stderr).event())?;
        }
        epoll.add(&self.child, Source::Exit(place).event())
    }
}

/// Tells the user what the logs complain about, which they do once.
fn complain(logs: Option<&mut LogDir>, observers: &mut Observers) {
    if let Some(complaint) = logs.and_then(LogDir::take_complaint) {
        observers.warn(&format!("{complaint}; jobs run all the same"));
    }
}

/// An error with its causes, as one line.
fn chain(error: &TokenError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// Until then, in whole milliseconds and not too early.
fn timeout(deadline: Option<Instant>) -> EpollTimeout {
    let Some(deadline) = deadline else {
        return EpollTimeout::NONE;
    };
    let left = deadline.saturating_duration_since(Instant::now());
    let millis = left.as_nanos().div_ceil(1_000_000);
    i32::try_from(millis).map_or(EpollTimeout::MAX, |millis| {
        EpollTimeout::try_from(millis).unwrap_or(EpollTimeout::MAX)
    })
}
