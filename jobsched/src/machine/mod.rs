//! The state machine: what becomes of each job when something happens.
//!
//! Inputs go in by [`Machine::apply`], effects come out by [`Machine::next_effect`]. It is pure
//! (no clock, descriptor or process is known here; the same inputs always give the same effects)
//! and total (an input that makes no sense in the present state changes nothing).
//!
//! ```text
//!              prerequisites won                     slot granted
//!   Sleeping <------------------- Checking ---> Ready <---------> Running
//!      |    ------------------->     |            |   not yet         |
//!      |       woken, all won        |            |                   |
//!      +-----------------------------+------------+-------------------+---> Finished
//!        prerequisite lost, cancelled  done/failed   cancelled     ended
//! ```
//!
//! A job that failed and has retries left goes to sleep instead, until it is due to be checked again.
//! Whether a ready job gets a slot is decided in `start`: it may have to wait for pools, and all may
//! be held back. A job is *won* when it finished up to date or succeeded, else it is *lost*. Every change of state
//! goes through `set`, which also keeps the counts.

mod effects;
mod ends;
mod pools;
mod retry;
mod start;
mod state;
#[cfg(test)]
mod tests;
mod words;

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

pub(crate) use pools::BadClaim;
pub(crate) use state::{Counts, Ending, State};
pub(crate) use words::failure;

use effects::Effects;
use pools::Pools;
use retry::Tries;

use crate::graph::Graph;
use crate::job::{Answer, Cancellation, JobId, Reason};
use crate::order::{Order, Ready};

/// What to do about failures, and whether to run anything at all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Policy {
    pub(crate) keep_going: bool,
    pub(crate) ignore_errors: bool,
    pub(crate) dry_run: bool,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Input {
    /// A new job has said what it needs.
    Planned(JobId),
    /// A new job could not say what it needs.
    Unplannable(JobId, Reason),
    /// A job answered.
    Checked(JobId, Answer),
    /// There is a slot for one more job. To be given only if [`Machine::wants_slot`].
    SlotGranted,
    /// A job that was to start can't yet, for want of something that running jobs hold.
    NotYet(JobId),
    /// A job's process could not be started.
    NotStarted(JobId, Option<i32>, Reason),
    /// A job's process ended.
    Ended(JobId, Ending),
    /// A job's time has come, or somebody woke it.
    Woken(JobId),
    /// The delay before a job is tried again is over.
    RetryDue(JobId),
    /// Start nothing more for this reason as long as anything runs; or, with none, do.
    Hold(Option<Reason>),
    /// Start nothing new.
    Stop(Cancellation),
    /// There is nothing outside that could wake a sleeper.
    NothingWakes,
    /// The run is over; another may follow.
    Over,
}

/// Something to be done or told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Ask this job whether it can run, and answer with [`Input::Checked`].
    Check(JobId),
    /// Tell that this job sleeps.
    Sleeping(JobId),
    /// Start this job in the slot that was granted. Comes before all else, so that the slot is not
    /// held in vain.
    Start(JobId),
    /// Tell that this try has failed and the next is due after the delay; then answer with
    /// [`Input::RetryDue`].
    Retry(JobId, Ending, Duration),
    /// Tell that this job is finished.
    Finished(JobId),
    /// Tell that the sleepers will never wake: each of the jobs needs the next, if it is a cycle.
    Stalled(Option<Vec<JobId>>),
}

/// Something that only few jobs have. Its hasher is the fast one, since it is asked about all jobs.
type Sparse<T> = hashbrown::HashMap<JobId, T>;

/// The state of all jobs.
#[derive(Default)]
pub(crate) struct Machine {
    graph: Graph,
    policy: Policy,
    nodes: Vec<Node>,
    counts: Counts,
    /// Jobs to be asked. One that has left `Checking` since is passed over.
    checks: VecDeque<JobId>,
    ready: Ready,
    pools: Pools,
    /// Why nothing more is started as long as anything runs.
    held: Option<Reason>,
    /// Of jobs that may be tried more than once.
    tries: HashMap<JobId, Tries>,
    effects: Effects,
    /// Why a job sleeps or how it ended, where that needs words.
    words: Sparse<Reason>,
    /// A lost prerequisite of a job that is just being planned or checked.
    lost: Sparse<JobId>,
    /// Empty but for the time of `finish`, which would else allocate each time.
    due: VecDeque<(JobId, Ending)>,
    stop: Option<Cancellation>,
}

struct Node {
    state: State,
    /// Which answer a job that is `Checking` owes; any other makes no sense.
    owes: Answering,
    ending: Ending,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Answering {
    /// What it needs.
    Plan,
    /// None: its turn to be asked has yet to come.
    Nothing,
    /// Whether it can run.
    Check,
}

impl Machine {
    pub(crate) fn new(policy: Policy, order: Order) -> Self {
        Self { policy, ready: Ready::new(order), ..Self::default() }
    }

    pub(crate) fn graph(&self) -> &Graph {
        &self.graph
    }

    pub(crate) fn policy(&self) -> Policy {
        self.policy
    }

    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }

    pub(crate) fn state(&self, job: JobId) -> Option<State> {
        self.nodes.get(job.index()).map(|node| node.state)
    }

    /// Finds or adds the job of that name; says whether it is new. A new one is being planned until
    /// [`Input::Planned`] or [`Input::Unplannable`] come. `None` if there is no room.
    pub(crate) fn intern(&mut self, name: &str) -> Option<(JobId, bool)> {
        let (job, new) = self.graph.intern(name)?;
        if new {
            self.nodes.push(Node {
                state: State::Checking,
                owes: Answering::Plan,
                ending: Ending::StatusLost,
            });
            self.counts.entered(State::Checking);
        }
        Some((job, new))
    }

    /// Records that a job needs another. Of use only while the job is being planned or checked;
    /// otherwise its state doesn't change. `false` if there is no room.
    pub(crate) fn depend(&mut self, job: JobId, prerequisite: JobId) -> bool {
        let Some(finished) = self.graph.depend(job, prerequisite) else { return false };
        if finished && self.is_lost(prerequisite) {
            self.lost.entry(job).or_insert(prerequisite);
        }
        true
    }

    pub(crate) fn apply(&mut self, input: Input) {
        match input {
            Input::Planned(job) => self.planned(job),
            Input::Unplannable(job, reason) => {
                if self.owes(job, Answering::Plan) {
                    self.refuse(job, reason);
                }
            }
            Input::Checked(job, answer) => self.checked(job, answer),
            Input::SlotGranted => self.start_next(),
            Input::NotYet(job) => {
                if self.state(job) == Some(State::Running) {
                    self.set(job, State::Ready);
                    self.ready.push(job);
                }
            }
            Input::NotStarted(job, errno, reason) => {
                if self.state(job) == Some(State::Running) {
                    self.count_try(job);
                    self.words.insert(job, reason);
                    self.finish(job, Ending::NotStarted(errno));
                }
            }
            Input::Ended(job, ending) => {
                if self.state(job) == Some(State::Running) && !self.try_again(job, ending) {
                    self.finish(job, ending);
                }
            }
            Input::Woken(job) => {
                if self.can_be_woken(job) {
                    self.words.remove(&job);
                    self.ask(job);
                }
            }
            Input::RetryDue(job) => {
                if self.sleeps(job) && self.backs_off(job) {
                    self.wake_to_retry(job);
                }
            }
            Input::Hold(reason) => self.held = reason,
            Input::Stop(why) => {
                self.stop.get_or_insert(why);
            }
            Input::NothingWakes => self.stall(),
            Input::Over => {
                self.stop = None;
                self.held = None;
            }
        }
    }

    /// What to do next, or `None` if it is for somebody else to act: a slot has to be granted, a
    /// running job has to end, a sleeper has to be woken, or all is finished.
    pub(crate) fn next_effect(&mut self) -> Option<Effect> {
        while let Some(effect) = self.effects.pop_front() {
            // A job that was refused or woken since doesn't sleep any more.
            let past = matches!(effect, Effect::Sleeping(job) if !self.sleeps(job));
            if !past {
                return Some(effect);
            }
        }
        if let Some(why) = self.stop {
            if self.counts.running == 0 && self.counts.unfinished() > 0 {
                self.cancel_all(why);
            }
            return self.effects.pop_front();
        }
        loop {
            let job = self.checks.pop_front()?;
            if self.owes(job, Answering::Nothing) {
                self.await_answer(job, Answering::Check);
                return Some(Effect::Check(job));
            }
        }
    }

    /// The jobs that are going to be asked next, as far as that is known.
    pub(crate) fn coming_checks(&self) -> impl Iterator<Item = JobId> + '_ {
        self.checks.iter().copied()
    }

    /// Reads some of what is read when the job is asked and ends; see [`Graph::touch`].
    pub(crate) fn touch(&self, job: JobId) -> u32 {
        let state = self.nodes.get(job.index()).map_or(0, |node| node.state as u32);
        state ^ self.graph.touch(job)
    }

    /// Whether jobs wait that only something outside can wake: then a deadline or a waker has to be
    /// out, or else [`Input::NothingWakes`] is due.
    pub(crate) fn all_asleep(&self) -> bool {
        self.counts.sleeping > 0 && self.counts.sleeping == self.counts.unfinished()
    }

    /// Whether a job sleeps for another reason than that it needs something unfinished, or is going
    /// to be tried again.
    pub(crate) fn can_be_woken(&self, job: JobId) -> bool {
        self.sleeps(job) && self.graph.unfinished(job) == 0 && !self.backs_off(job)
    }

    /// Whether [`next_effect`](Self::next_effect) may have something.
    pub(crate) fn has_effects(&self) -> bool {
        let due = match self.stop {
            Some(_) => self.counts.running == 0 && self.counts.unfinished() > 0,
            None => !self.checks.is_empty(),
        };
        due || !self.effects.is_empty()
    }

    /// Whether the job failed or was refused.
    pub(crate) fn is_error(&self, job: JobId) -> bool {
        let node = self.nodes.get(job.index());
        node.is_some_and(|node| node.state == State::Finished && node.ending.is_error())
    }

    pub(crate) fn is_over(&self) -> bool {
        self.counts.unfinished() == 0 && self.effects.is_empty()
    }

    fn planned(&mut self, job: JobId) {
        if !self.owes(job, Answering::Plan) {
            return;
        }
        if let Some(prerequisite) = self.lost.remove(&job) {
            self.finish(job, Ending::RefusedFor(prerequisite));
        } else if self.graph.unfinished(job) > 0 {
            self.sleep(job);
        } else {
            self.ask(job);
        }
    }

    fn refuse(&mut self, job: JobId, reason: Reason) {
        self.words.insert(job, reason);
        self.finish(job, Ending::Refused);
    }

    fn checked(&mut self, job: JobId, answer: Answer) {
        if !self.owes(job, Answering::Check) {
            return;
        }
        let lost = self.lost.remove(&job);
        match (answer, lost) {
            (Answer::Failed(reason), _) => self.refuse(job, reason),
            (_, Some(prerequisite)) => self.finish(job, Ending::RefusedFor(prerequisite)),
            (_, None) if self.graph.unfinished(job) > 0 => self.sleep(job),
            (Answer::ReadyBecause(reason), None) if self.policy.dry_run => {
                self.words.insert(job, reason);
                self.finish(job, Ending::WouldRun);
            }
            (Answer::Ready, None) if self.policy.dry_run => self.finish(job, Ending::WouldRun),
            (Answer::Ready | Answer::ReadyBecause(_), None) => {
                self.set(job, State::Ready);
                self.ready.push(job);
            }
            (Answer::Done(reason), None) => {
                self.words.extend(reason.map(|reason| (job, reason)));
                self.finish(job, Ending::UpToDate);
            }
            (Answer::Sleep(reason), None) => {
                self.words.insert(job, reason);
                self.sleep(job);
            }
        }
    }

    fn sleep(&mut self, job: JobId) {
        self.set(job, State::Sleeping);
        self.effects.push_back(Effect::Sleeping(job));
    }

    fn ask(&mut self, job: JobId) {
        self.set(job, State::Checking);
        self.await_answer(job, Answering::Nothing);
        self.checks.push_back(job);
    }

    fn owes(&self, job: JobId, answer: Answering) -> bool {
        let node = self.nodes.get(job.index());
        node.is_some_and(|node| node.state == State::Checking && node.owes == answer)
    }

    fn await_answer(&mut self, job: JobId, answer: Answering) {
        if let Some(node) = self.nodes.get_mut(job.index()) {
            node.owes = answer;
        }
    }

    fn sleeps(&self, job: JobId) -> bool {
        self.state(job) == Some(State::Sleeping)
    }

    /// Every change of state after the first.
    fn set(&mut self, job: JobId, state: State) {
        if let Some(node) = self.nodes.get_mut(job.index()) {
            let before = std::mem::replace(&mut node.state, state);
            self.counts.left(before);
            self.counts.entered(state);
            if before == State::Running {
                self.give_back_pools(job);
            }
        }
    }
}
