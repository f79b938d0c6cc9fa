//! The loop of a run: carries out what the machine wants with what the world has, and tells the
//! machine what happened. Knows neither how states change nor how processes are started.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::holding::Holding;
use super::registry::{Registry, panic_message};
use super::tally::Tally;
use crate::Error;
use crate::event::{Event, RunInfo};
use crate::history::History;
use crate::job::{Answer, Cancellation, Checking, JobId, Work};
use crate::machine::{Effect, Ending, Input, Machine};
use crate::summary::Summary;
use crate::wake::{Bell, Message, Wakers};
use crate::world::{Happening, Observers, Slot, StartError, World};

/// For how long jobs are asked before running ones are looked after.
const SLICE: Duration = Duration::from_millis(20);

/// What a sleeper's time has come for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    /// To be asked again.
    Check,
    /// To be tried again after so many tries.
    Retry(u32),
}

/// How much of the history is lost at the most if this process is killed.
const FLUSH: Duration = Duration::from_secs(2);

/// A scheduler, in a world of whatever kind.
pub(super) struct Driver<W> {
    pub(super) registry: Registry,
    pub(super) world: W,
    pub(super) observers: Observers,
    pub(super) bell: Arc<Bell>,
    wakers: Wakers,
    /// When sleepers want to be asked again. One that doesn't sleep any more is passed over.
    deadlines: BinaryHeap<Reverse<(Instant, JobId, Due)>>,
    holding: Holding,
    /// When the history is to be written the next time a job ends.
    flush_history: Option<Instant>,
    /// Work that could not be started yet.
    kept: HashMap<JobId, Box<Work>>,
    /// What is known of processes that have just ended.
    pub(super) infos: HashMap<JobId, RunInfo>,
    /// Nothing can be started before a job ends.
    starved: bool,
    pub(super) tally: Tally,
}

impl<W: World> Driver<W> {
    pub(super) fn new(registry: Registry, world: W, bell: Arc<Bell>) -> Self {
        Self {
            registry,
            world,
            observers: Observers::default(),
            bell,
            wakers: Wakers::default(),
            deadlines: BinaryHeap::new(),
            holding: Holding::default(),
            flush_history: None,
            kept: HashMap::new(),
            infos: HashMap::new(),
            starved: false,
            tally: Tally::default(),
        }
    }

    /// Runs until all jobs are finished.
    pub(super) fn run(&mut self) -> Result<Summary, Error> {
        let started = self.world.now();
        self.world.begin()?;
        // An observer may panic.
        let result = catch_unwind(AssertUnwindSafe(|| {
            self.observers.tell(&Event::RunStarted { slots: &self.world.slots() });
            self.turn_until_over()
        }));
        let ended = self.world.end();
        let history = self.write_history();
        if !matches!(result, Ok(Ok(()))) {
            self.abandon();
        }
        self.registry.machine.apply(Input::Over);
        self.starved = false;
        self.holding.end();
        self.kept.clear();
        let wall = self.world.now().saturating_duration_since(started);
        let summary = self.tally.summary(&self.registry.machine, wall, self.world.most());
        let result = result.unwrap_or_else(|panic| resume_unwind(panic));
        for warning in ended.err().into_iter().chain(history.err()) {
            self.observers.warn(&warning);
        }
        result?;
        self.observers.tell(&Event::RunFinished { summary: &summary });
        Ok(summary)
    }

    /// Ends all jobs of a run that broke off: what ran was killed, the rest is cancelled. Nobody is
    /// told.
    fn abandon(&mut self) {
        let machine = &mut self.registry.machine;
        machine.apply(Input::Stop(Cancellation::Interrupted(0)));
        for job in machine.graph().jobs() {
            // Which changes nothing for a job that didn't run.
            machine.apply(Input::Ended(job, Ending::Signal(libc::SIGKILL)));
        }
        while machine.next_effect().is_some() {}
        self.infos.clear();
    }

    fn turn_until_over(&mut self) -> Result<(), Error> {
        // It may have been cancelled before it began.
        self.answer_bell();
        loop {
            let more = self.carry_out();
            self.answer_bell();
            let slot_wanted = self.grant_slots();
            if self.registry.machine.is_over() {
                return Ok(());
            }
            let until = if more || self.registry.machine.has_effects() {
                Some(self.world.now())
            } else if self.registry.machine.all_asleep() && !self.anything_wakes() {
                // Who let go of the last waker may have used it just before.
                self.answer_bell();
                if !self.registry.machine.has_effects() {
                    self.registry.machine.apply(Input::NothingWakes);
                    continue;
                }
                Some(self.world.now())
            } else {
                let sleeper = self.deadlines.peek().map(|Reverse((time, ..))| *time);
                let look_again = self.holding.look_again().filter(|_| self.may_start());
                sleeper.into_iter().chain(look_again).min()
            };
            let happened = self.world.wait(until, slot_wanted, &mut self.observers)?;
            for happening in happened {
                self.take_in(happening);
            }
            self.wake_those_due();
        }
    }

    /// Carries out what the machine wants, for a while. Says whether there is more.
    fn carry_out(&mut self) -> bool {
        let mut slice_end = None;
        while let Some(effect) = self.registry.machine.next_effect() {
            match effect {
                Effect::Check(job) => {
                    self.registry.look_ahead();
                    let now = self.world.now();
                    self.check(job, now);
                    if *slice_end.get_or_insert(now + SLICE) <= now {
                        return true;
                    }
                }
                Effect::Start(job) => self.start(job),
                Effect::Sleeping(job) => self.tell_sleep(job),
                Effect::Retry(job, ending, delay) => self.retry(job, ending, delay),
                Effect::Finished(job) => self.finished(job),
                Effect::Stalled(cycle) => self.stalled(cycle),
            }
        }
        false
    }

    fn check(&mut self, job: JobId, now: Instant) {
        let Self { registry, wakers, bell, .. } = self;
        let dry_run = registry.machine.policy().dry_run;
        let checked = registry.with_body(job, |registry, body| {
            let mut waker = |job| wakers.waker(job, bell);
            let mut cx = Checking::new(registry, job, dry_run, now, &mut waker);
            match catch_unwind(AssertUnwindSafe(|| body.check(&mut cx))) {
                Ok(check) => (check.0, cx.into_wish().wake_at),
                Err(panic) => {
                    let message = panic_message(&*panic);
                    (Answer::Failed(format!("panicked in its check: {message}").into()), None)
                }
            }
        });
        // What can't be planned is refused, and the job that needs it with it.
        let _ = self.registry.plan_all();
        let (answer, wake_at) =
            checked.unwrap_or((Answer::Failed("it is being asked already".into()), None));
        self.registry.machine.apply(Input::Checked(job, answer));
        if let Some(time) = wake_at.filter(|_| self.registry.machine.can_be_woken(job)) {
            self.deadlines.push(Reverse((time, job, Due::Check)));
        }
    }

    fn retry(&mut self, job: JobId, ending: Ending, delay: Duration) {
        let machine = &self.registry.machine;
        let tries = machine.tries_made(job).unwrap_or(1);
        // A time beyond what the clock can express is never.
        if let Some(time) = self.world.now().checked_add(delay) {
            self.deadlines.push(Reverse((time, job, Due::Retry(tries))));
        }
        self.tell_retry(job, ending, tries, delay);
    }

    fn start(&mut self, job: JobId) {
        let work = match self.kept.remove(&job) {
            Some(work) => *work,
            None => self.ask_for_work(job),
        };
        let machine = &mut self.registry.machine;
        let name = machine.graph().name(job);
        let input = match self.world.start(job, name, work, &mut self.observers) {
            Ok(()) => {
                self.tally.started(machine.counts().running);
                return;
            }
            // This one counts as running, too.
            Err(StartError::Exhausted(work, ..)) if machine.counts().running > 1 => {
                self.kept.insert(job, work);
                self.starved = true;
                Input::NotYet(job)
            }
            Err(StartError::Failed(errno, reason) | StartError::Exhausted(_, errno, reason)) => {
                Input::NotStarted(job, errno, reason)
            }
        };
        machine.apply(input);
        self.release();
    }

    fn ask_for_work(&mut self, job: JobId) -> Work {
        let work = self.registry.with_body(job, |_, body| {
            catch_unwind(AssertUnwindSafe(|| body.run())).unwrap_or_else(|panic| {
                let message = panic_message(&*panic);
                Work::impossible(format!("it panicked when asked what to run: {message}"))
            })
        });
        work.unwrap_or_else(|| Work::impossible("it is being asked already"))
    }

    fn release(&mut self) {
        if let Err(warning) = self.world.release() {
            self.observers.warn(&warning);
        }
    }

    /// Gets slots for ready jobs, as many as can be had now. Says whether there might be more later
    /// without a job of ours ending.
    fn grant_slots(&mut self) -> bool {
        while self.may_start() {
            self.look_whether_to_hold();
            if !self.registry.machine.wants_slot() {
                return false;
            }
            match self.world.acquire() {
                Slot::Granted => {
                    self.registry.machine.apply(Input::SlotGranted);
                    // At once: each start decides about the next one.
                    if let Some(Effect::Start(job)) = self.registry.machine.next_effect() {
                        self.start(job);
                    }
                }
                Slot::Wait => return true,
                Slot::Full => return false,
                Slot::Lost(reason) => {
                    self.observers.warn(&reason);
                    self.registry.machine.apply(Input::Stop(Cancellation::JobserverLost));
                }
            }
        }
        false
    }

    /// Whether a job is ready that has not shown to lack what running jobs hold.
    fn may_start(&self) -> bool {
        self.registry.machine.has_ready() && !self.starved
    }

    /// Looks whether the machine has too much to do for another job to be started beside others.
    fn look_whether_to_hold(&mut self) {
        let machine = &mut self.registry.machine;
        let now = self.world.now();
        if machine.counts().running == 0 || self.holding.is_recent(now) {
            return;
        }
        let excess = self.world.excess();
        if let Some(reason) = &excess {
            if self.holding.hold(now) {
                let ready = machine.counts().ready;
                self.observers.tell(&Event::HeldBack { reason, ready });
            }
        } else {
            self.holding.end();
        }
        machine.apply(Input::Hold(excess));
    }

    /// Keeps in the history how a job has run.
    fn remember(&mut self, job: JobId, info: &RunInfo) {
        let Registry { machine, history: Some(history), .. } = &mut self.registry else {
            return;
        };
        history.record(machine.graph().name(job), info.elapsed, info.peak_memory);
        let now = self.world.now();
        if *self.flush_history.get_or_insert(now + FLUSH) <= now {
            self.flush_history = None;
            if let Err(warning) = self.write_history() {
                self.observers.warn(&warning);
            }
        }
    }

    fn write_history(&mut self) -> Result<(), String> {
        let written = self.registry.history.as_mut().map_or(Ok(()), History::flush);
        written.map_err(|error| error.to_string())
    }

    fn take_in(&mut self, happening: Happening) {
        match happening {
            Happening::Ended(job, ending, info) => {
                self.release();
                self.starved = false;
                self.tally.ended(job, info.elapsed);
                if ending == Ending::Succeeded {
                    self.remember(job, &info);
                }
                if !self.observers.is_empty() {
                    self.infos.insert(job, info);
                }
                self.registry.machine.apply(Input::Ended(job, ending));
            }
            Happening::Interrupted(signal) => {
                self.tally.interrupted.get_or_insert(signal);
                let why = Cancellation::Interrupted(signal);
                self.registry.machine.apply(Input::Stop(why));
            }
            Happening::StatusWanted => self.tell_status(),
        }
    }

    fn answer_bell(&mut self) {
        for message in self.bell.answer() {
            match message {
                Message::Wake(job) => self.registry.machine.apply(Input::Woken(job)),
                // Seen when the next look for wakers finds none.
                Message::WakerGone => {}
                Message::Cancel => {
                    for happening in self.world.cancel(&mut self.observers) {
                        self.take_in(happening);
                    }
                }
                Message::Status => self.tell_status(),
            }
        }
    }

    fn wake_those_due(&mut self) {
        if self.deadlines.is_empty() {
            return;
        }
        let now = self.world.now();
        while let Some(&Reverse((time, job, due))) = self.deadlines.peek() {
            let sleeps = is_awaited(&self.registry.machine, job, due);
            if sleeps && time > now {
                break;
            }
            self.deadlines.pop();
            if sleeps {
                self.registry.machine.apply(match due {
                    Due::Check => Input::Woken(job),
                    Due::Retry(_) => Input::RetryDue(job),
                });
            }
        }
    }

    /// Whether there is a deadline or a waker for one of the sleepers.
    fn anything_wakes(&mut self) -> bool {
        let machine = &self.registry.machine;
        while let Some(&Reverse((_, job, due))) = self.deadlines.peek() {
            if is_awaited(machine, job, due) {
                return true;
            }
            self.deadlines.pop();
        }
        self.wakers.any(|job| machine.can_be_woken(job))
    }
}

/// Whether a job still sleeps until this time.
fn is_awaited(machine: &Machine, job: JobId, due: Due) -> bool {
    match due {
        Due::Check => machine.can_be_woken(job),
        Due::Retry(tries) => machine.backs_off(job) && machine.tries_made(job) == Some(tries),
    }
}
