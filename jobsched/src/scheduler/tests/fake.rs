//! A world with a clock that jumps to the next thing that happens, and with processes that are a
//! name, an end and an exit status. After every call it checks that the scheduler holds as many
//! slots as it runs jobs; it panics if it is to wait for ever, or is called without end.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::os::fd::AsFd as _;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::Error;
use crate::event::{Event, JobRef, RunInfo, Stream};
use crate::job::{Body, JobId, Reason, Work};
use crate::machine::Ending;
use crate::wake::Bell;
use crate::world::{Happening, Observers, Slot, StartError, World};

/// How often the world may be called while nothing happens.
const PATIENCE: usize = 300_000;

/// Where slots come from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Pool {
    /// That many, all our own.
    AtMost(usize),
    /// The implicit slot, and tokens that others take and give back, too.
    Shared {
        tokens: usize,
    },
    Unlimited,
    /// There will be no slots any more.
    Gone,
}

/// What goes wrong the next time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Fault {
    /// A run can't even begin.
    Begin,
    /// A slot can't be given back without a warning.
    Release,
}

/// What becomes of a job when it is started. The time is counted from its start.
#[derive(Debug, Clone)]
pub(super) struct Script {
    pub(super) takes: Duration,
    pub(super) ending: Ending,
    pub(super) says: Option<&'static str>,
    /// How many tries end with exit status 1 before that.
    pub(super) fails_first: usize,
    /// How often something is missing that is needed to start it.
    pub(super) exhausted: usize,
    pub(super) cannot_start: Option<&'static str>,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            takes: Duration::from_secs(1),
            ending: Ending::Succeeded,
            says: None,
            fails_first: 0,
            exhausted: 0,
            cannot_start: None,
        }
    }
}

/// Something that comes from outside.
pub(super) enum Outside {
    Call(Box<dyn FnOnce()>),
    Signal(i32),
    StatusWanted,
    /// The others give back that many tokens.
    Tokens(usize),
    PoolGone,
    /// The system refuses to let anything be waited for.
    Broken,
}

struct Process {
    job: JobId,
    name: String,
    started: Duration,
    ends: Duration,
    ending: Ending,
    says: Option<&'static str>,
}

/// What the test sees and sets.
pub(super) struct State {
    pub(super) pool: Pool,
    pub(super) scripts: HashMap<String, Script>,
    pub(super) outside: Vec<(Duration, Outside)>,
    pub(super) fault: Option<Fault>,
    /// What the machine has too much of, from when on; then what from when on, and so on.
    pub(super) excess: Vec<(Duration, Option<&'static str>)>,
    /// What the scheduler did, apart from waiting.
    pub(super) calls: Vec<String>,
    pub(super) waits: usize,
    /// The most that ran at once.
    pub(super) most: usize,
    is_on: bool,
    /// Whether a slot may be had without any doing of ours.
    may_be_had: bool,
    processes: Vec<Process>,
    /// Slots that were granted and not released.
    held: usize,
    /// Of these, how many nothing was started in yet,
    unused: usize,
    /// and in how many nothing runs any more.
    to_release: usize,
}

/// The world. Clones are the same world.
#[derive(Clone)]
pub(super) struct Fake {
    pub(super) state: Rc<RefCell<State>>,
    pub(super) clock: Rc<Cell<Duration>>,
    epoch: Instant,
    bell: Arc<Bell>,
    /// How often it was called since something happened.
    idle: Rc<Cell<usize>>,
}

impl Fake {
    pub(super) fn new(bell: Arc<Bell>) -> Self {
        let state = State {
            pool: Pool::AtMost(1),
            scripts: HashMap::new(),
            outside: Vec::new(),
            fault: None,
            excess: Vec::new(),
            calls: Vec::new(),
            waits: 0,
            most: 0,
            is_on: false,
            may_be_had: false,
            processes: Vec::new(),
            held: 0,
            unused: 0,
            to_release: 0,
        };
        Self {
            state: Rc::new(RefCell::new(state)),
            clock: Rc::default(),
            epoch: Instant::now(),
            bell,
            idle: Rc::default(),
        }
    }

    /// That no run is on, and nothing is left of the last one.
    pub(super) fn assert_at_rest(&self) {
        let state = self.state.borrow();
        assert!(!state.is_on, "the run was not ended");
        assert_eq!((state.held, state.processes.len()), (0, 0), "something is left");
    }

    fn called(&self) {
        self.idle.set(self.idle.get() + 1);
        assert!(self.idle.get() < PATIENCE, "the scheduler is busy with nothing");
    }

    fn bell_rings(&self) -> bool {
        let mut fds = [PollFd::new(self.bell.as_fd(), PollFlags::POLLIN)];
        poll(&mut fds, PollTimeout::ZERO).unwrap() > 0
    }

    /// When something happens next.
    fn next(&self, until: Option<Instant>, slot_wanted: bool) -> Duration {
        let (state, now) = (self.state.borrow(), self.clock.get());
        let readable = match state.pool {
            Pool::Shared { tokens } => tokens > 0,
            pool => pool == Pool::Gone,
        };
        if self.bell_rings() || (slot_wanted && readable) {
            return now;
        }
        let until = until.map(|time| time.saturating_duration_since(self.epoch));
        let ends = state.processes.iter().map(|process| process.ends);
        // What happens to the pool is noticed only by those who watch it.
        let noticed = |outside: &Outside| match outside {
            Outside::Tokens(_) | Outside::PoolGone => slot_wanted,
            _ => true,
        };
        let outside = state.outside.iter().filter(|(_, outside)| noticed(outside));
        let outside = outside.map(|(time, _)| *time);
        let next = ends.chain(outside).chain(until).min();
        next.expect("the scheduler waits for something that will never happen").max(now)
    }
}

impl State {
    fn check(&self) {
        assert!(self.is_on, "no run is on");
        let used = self.processes.len() + self.unused + self.to_release;
        assert_eq!(self.held, used, "slots held, and used");
        assert!(self.unused <= 1, "slots are held that are not used at once");
    }

    fn interrupt(&mut self, now: Duration, signal: i32) {
        for process in &mut self.processes {
            process.ends = process.ends.min(now);
            process.ending = Ending::Signal(if signal == 0 { 15 } else { signal });
        }
    }
}

impl World for Fake {
    fn begin(&mut self) -> Result<(), Error> {
        let mut state = self.state.borrow_mut();
        assert!(!state.is_on, "a run is on already");
        if state.fault.take_if(|fault| *fault == Fault::Begin).is_some() {
            return Err(Error::errno("begin")(nix::errno::Errno::EMFILE));
        }
        state.is_on = true;
        Ok(())
    }

    fn end(&mut self) -> Result<(), String> {
        let mut state = self.state.borrow_mut();
        assert!(state.is_on, "no run is on");
        state.is_on = false;
        for process in std::mem::take(&mut state.processes) {
            state.calls.push(format!("kill {}", process.name));
        }
        (state.held, state.unused, state.to_release) = (0, 0, 0);
        Ok(())
    }

    fn now(&self) -> Instant {
        self.called();
        self.epoch + self.clock.get()
    }

    fn slots(&self) -> String {
        format!("{:?}", self.state.borrow().pool)
    }

    fn most(&self) -> Option<usize> {
        match self.state.borrow().pool {
            Pool::AtMost(most) => Some(most),
            _ => None,
        }
    }

    fn excess(&mut self) -> Option<Reason> {
        let now = self.clock.get();
        let state = self.state.borrow();
        let last = state.excess.iter().rev().find(|(time, _)| *time <= now);
        last.and_then(|(_, excess)| excess.map(Reason::from))
    }

    fn acquire(&mut self) -> Slot {
        self.called();
        let mut state = self.state.borrow_mut();
        state.check();
        assert_eq!(state.unused + state.to_release, 0, "another slot is at hand");
        let held = state.held;
        let slot = match &mut state.pool {
            Pool::Gone => Slot::Lost("the jobserver was closed".into()),
            Pool::AtMost(most) if held >= *most => Slot::Full,
            Pool::Shared { tokens: 0 } if held > 0 => Slot::Wait,
            Pool::Shared { tokens } => {
                // The implicit slot is none of the tokens.
                *tokens -= held.min(1);
                Slot::Granted
            }
            Pool::AtMost(_) | Pool::Unlimited => Slot::Granted,
        };
        if slot == Slot::Granted {
            state.held += 1;
            state.unused += 1;
        }
        state.may_be_had = slot == Slot::Wait;
        let line = format!("acquire: {slot:?}");
        state.calls.push(line);
        slot
    }

    fn release(&mut self) -> Result<(), String> {
        let mut state = self.state.borrow_mut();
        state.check();
        assert!(state.to_release > 0, "that slot is in use");
        state.to_release -= 1;
        state.held -= 1;
        let held = state.held;
        if let Pool::Shared { tokens } = &mut state.pool {
            *tokens += held.min(1);
        }
        state.calls.push("release".into());
        if state.fault.take_if(|fault| *fault == Fault::Release).is_some() {
            return Err("the token could not be written back".into());
        }
        Ok(())
    }

    fn start(
        &mut self,
        job: JobId,
        name: &str,
        work: Work,
        observers: &mut Observers,
    ) -> Result<(), StartError> {
        self.idle.set(0);
        let mut state = self.state.borrow_mut();
        state.check();
        assert_eq!(state.unused, 1, "no slot was acquired");
        state.unused = 0;
        let script = state.scripts.entry(name.into()).or_default();
        let reason = |reason: &'static str| Reason::from(reason);
        let refusal = match (&work.body, script.cannot_start) {
            (Body::Impossible(reason), _) => Some(StartError::Failed(None, reason.clone())),
            (_, Some(why)) => Some(StartError::Failed(Some(2), reason(why))),
            _ if script.exhausted > 0 => {
                script.exhausted -= 1;
                Some(StartError::Exhausted(Box::new(work), Some(24), reason("too many open files")))
            }
            _ => None,
        };
        let Script { takes, mut ending, says, .. } = script.clone();
        if let Some(left) = script.fails_first.checked_sub(1).filter(|_| refusal.is_none()) {
            script.fails_first = left;
            ending = Ending::Exit(1);
        }
        if let Some(refusal) = refusal {
            state.to_release += 1;
            state.calls.push(format!("cannot start {name}"));
            return Err(refusal);
        }
        let started = self.clock.get();
        let ends = started + takes;
        state.processes.push(Process { job, name: name.into(), started, ends, ending, says });
        state.most = state.most.max(state.processes.len());
        state.calls.push(format!("start {name}"));
        drop(state);
        let job_ref = JobRef { id: job, name };
        observers.tell(&Event::Started { job: job_ref, pid: 1000 + job.0, log: None });
        Ok(())
    }

    fn wait(
        &mut self,
        until: Option<Instant>,
        slot_wanted: bool,
        observers: &mut Observers,
    ) -> Result<Vec<Happening>, Error> {
        self.called();
        self.state.borrow().check();
        let next = self.next(until, slot_wanted);
        // A little time passes in any case.
        let now = next.max(self.clock.get() + Duration::from_micros(1));
        if next > self.clock.get() {
            self.idle.set(0);
        }
        self.clock.set(now);

        let mut state = self.state.borrow_mut();
        assert_eq!(state.unused, 0, "a slot is held that is not used at once");
        assert_eq!(state.to_release, 0, "a slot was not released at once");
        assert!(state.may_be_had || !slot_wanted, "the pool is watched in vain");
        state.waits += 1;
        let mut happened = Vec::new();
        let (due, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut state.outside).into_iter().partition(|(time, _)| *time <= now);
        state.outside = later;
        let mut calls = Vec::new();
        for (_, outside) in due {
            match outside {
                Outside::Call(call) => calls.push(call),
                Outside::Signal(signal) => {
                    state.interrupt(now, signal);
                    happened.push(Happening::Interrupted(signal));
                }
                Outside::StatusWanted => happened.push(Happening::StatusWanted),
                Outside::Tokens(more) => match &mut state.pool {
                    Pool::Shared { tokens } => *tokens += more,
                    pool => panic!("{pool:?} is not shared"),
                },
                Outside::PoolGone => state.pool = Pool::Gone,
                Outside::Broken => return Err(Error::errno("wait")(nix::errno::Errno::EBADF)),
            }
        }
        let (ended, running): (Vec<_>, Vec<_>) =
            std::mem::take(&mut state.processes).into_iter().partition(|p| p.ends <= now);
        state.processes = running;
        state.to_release += ended.len();
        drop(state);

        for call in calls {
            call();
        }
        for process in ended {
            let job = JobRef { id: process.job, name: &process.name };
            if let Some(text) = process.says {
                let text = text.as_bytes();
                observers.tell(&Event::Output { job, stream: Stream::Stdout, text });
            }
            let elapsed = process.ends.saturating_sub(process.started);
            let info = RunInfo { elapsed, ..RunInfo::default() };
            happened.push(Happening::Ended(process.job, process.ending, info));
        }
        Ok(happened)
    }

    fn cancel(&mut self, observers: &mut Observers) -> Vec<Happening> {
        let mut state = self.state.borrow_mut();
        let now = self.clock.get();
        state.interrupt(now, 0);
        state.calls.push("cancel".into());
        let running = state.processes.len();
        drop(state);
        observers.tell(&Event::Interrupted { signal: 0, running, grace: Duration::ZERO });
        vec![Happening::Interrupted(0)]
    }

    fn running(&self) -> Vec<(JobId, u32, Duration)> {
        let now = self.clock.get();
        let state = self.state.borrow();
        let all = state.processes.iter();
        all.map(|p| (p.job, 1000 + p.job.0, now.saturating_sub(p.started))).collect()
    }
}
