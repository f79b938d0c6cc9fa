//! Plays a graph of jobs with the real state machine and order of starts, but with a virtual clock
//! and no processes: how long would it take, and how long must it take at least? Knows no graphs
//! of its own, and nothing of how durations came to be expected.
//!
//! With the cargo feature `simulation`. For tools that plan (is a machine with more cores worth it,
//! which job is in the way?), and for measuring the order of starts itself.
//!
//! ```
//! use std::num::NonZero;
//! use std::time::Duration;
//! use jobsched::Order;
//! use jobsched::simulation::{Simulation, Task};
//!
//! let seconds = Duration::from_secs;
//! // Two small jobs, and a large one behind a third small one.
//! let simulation = Simulation::new(vec![
//!     Task::known(seconds(1), vec![]),
//!     Task::known(seconds(1), vec![]),
//!     Task::known(seconds(1), vec![]),
//!     Task::known(seconds(5), vec![2]),
//! ])?;
//! let slots = NonZero::new(2).unwrap();
//! assert_eq!(simulation.lower_bound(slots), seconds(6));
//! assert_eq!(simulation.play(slots, Order::LongestPath)?.makespan, seconds(6));
//! assert_eq!(simulation.play(slots, Order::FirstCome)?.makespan, seconds(7));
//! # Ok::<(), jobsched::simulation::SimulationError>(())
//! ```

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::num::NonZeroUsize;
use std::time::Duration;

use crate::job::Answer;
use crate::machine::{Effect, Ending, Input, Machine, Policy};
use crate::order::Order;

#[cfg(test)]
mod tests;

/// A job that takes a known time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Task {
    /// How long it is thought to take, as far as the order of starts knows; `None` for a job that
    /// was never run.
    pub expected: Option<Duration>,
    /// How long it takes.
    pub actual: Duration,
    /// What has to end before it can start: indices of other tasks, earlier or later ones.
    pub needs: Vec<usize>,
}

impl Task {
    /// A task that takes as long as it is thought to.
    pub fn known(duration: Duration, needs: Vec<usize>) -> Self {
        Self { expected: Some(duration), actual: duration, needs }
    }

    /// A task of which nobody knows how long it takes.
    pub fn unknown(duration: Duration, needs: Vec<usize>) -> Self {
        Self { expected: None, actual: duration, needs }
    }
}

/// Why tasks can't be played.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SimulationError {
    /// Each of these tasks needs the next, and the last one the first.
    #[error("tasks need each other: {}", path(.0))]
    Cycle(Vec<usize>),
    /// A task needs one that isn't there.
    #[error("task {task} needs task {need}, but there are only {tasks}, numbered from 0")]
    NoSuchTask {
        /// The one that needs.
        task: usize,
        /// The one that is needed.
        need: usize,
        /// How many there are.
        tasks: usize,
    },
    /// There are more tasks or needs than a graph has room for.
    #[error("there are more tasks or needs than a graph has room for (4294967295 of either)")]
    TooMany,
}

/// A graph of tasks, without cycles.
#[derive(Debug, Clone)]
pub struct Simulation {
    tasks: Vec<Task>,
    /// The indices of all tasks, each after those that it needs.
    sorted: Vec<usize>,
}

/// How a simulation went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Played {
    /// When the last task ended.
    pub makespan: Duration,
    /// Which task started when, in the order of their starts.
    pub starts: Vec<(usize, Duration)>,
}

impl Simulation {
    /// Takes the tasks in the order in which they would be ensured.
    pub fn new(tasks: Vec<Task>) -> Result<Self, SimulationError> {
        for (task, Task { needs, .. }) in tasks.iter().enumerate() {
            if let Some(&need) = needs.iter().find(|&&need| need >= tasks.len()) {
                return Err(SimulationError::NoSuchTask { task, need, tasks: tasks.len() });
            }
        }
        let sorted = sort(&tasks).map_err(SimulationError::Cycle)?;
        Ok(Self { tasks, sorted })
    }

    /// The tasks, as they were handed over.
    pub fn tasks(&self) -> &[Task] {
        &self.tasks
    }

    /// The indices of all tasks, each after those that it needs.
    pub fn sorted(&self) -> &[usize] {
        &self.sorted
    }

    /// How long it would take one after the other.
    pub fn work(&self) -> Duration {
        self.tasks.iter().fold(Duration::ZERO, |sum, task| sum.saturating_add(task.actual))
    }

    /// How long it would take with a slot for every task: the longest path, by actual durations.
    pub fn critical_path(&self) -> Duration {
        let mut ends = vec![Duration::ZERO; self.tasks.len()];
        for &index in &self.sorted {
            let task = &self.tasks[index];
            let start = task.needs.iter().map(|&need| ends[need]).max().unwrap_or_default();
            ends[index] = start.saturating_add(task.actual);
        }
        ends.into_iter().max().unwrap_or_default()
    }

    /// What no order of starts can beat: the critical path, or all slots busy all the time. Often
    /// enough the best order can't reach it either.
    pub fn lower_bound(&self, slots: NonZeroUsize) -> Duration {
        let slots = slots.get() as u128;
        let share = self.work().as_nanos().div_ceil(slots);
        // A share of a `Duration` in nanoseconds is one again.
        let seconds = u64::try_from(share / 1_000_000_000).unwrap_or(u64::MAX);
        let nanos = u32::try_from(share % 1_000_000_000).unwrap_or(0);
        self.critical_path().max(Duration::new(seconds, nanos))
    }

    /// Runs all tasks, with at most that many at once. The same arguments always give the same
    /// result: all that ends at an instant has ended, by order of index, before anything starts.
    pub fn play(&self, slots: NonZeroUsize, order: Order) -> Result<Played, SimulationError> {
        let mut machine = self.machine(order).ok_or(SimulationError::TooMany)?;
        let mut running = BinaryHeap::new();
        let mut played = Played::default();
        loop {
            while let Some(effect) = machine.next_effect() {
                match effect {
                    Effect::Check(job) => machine.apply(Input::Checked(job, Answer::Ready)),
                    Effect::Start(job) => {
                        let index = job.index();
                        played.starts.push((index, played.makespan));
                        let end = played.makespan.saturating_add(self.tasks[index].actual);
                        running.push(Reverse((end, job)));
                    }
                    _ => {}
                }
            }
            let instant = running.peek().is_some_and(|Reverse((end, _))| *end == played.makespan);
            if !instant && machine.wants_slot() && running.len() < slots.get() {
                machine.apply(Input::SlotGranted);
            } else if let Some(Reverse((end, job))) = running.pop() {
                played.makespan = end;
                machine.apply(Input::Ended(job, Ending::Succeeded));
            } else {
                return Ok(played);
            }
        }
    }

    /// A machine in which each task is a job, whose number is the task's index. `None` if there is
    /// no room.
    fn machine(&self, order: Order) -> Option<Machine> {
        let mut machine = Machine::new(Policy::default(), order);
        let mut jobs = Vec::with_capacity(self.tasks.len());
        for (index, task) in self.tasks.iter().enumerate() {
            let (job, _) = machine.intern(&index.to_string())?;
            if let Some(expected) = task.expected {
                machine.expect(job, expected);
            }
            jobs.push(job);
        }
        for (&job, task) in jobs.iter().zip(&self.tasks) {
            let fits = task.needs.iter().all(|&need| machine.depend(job, jobs[need]));
            if !fits {
                return None;
            }
        }
        for &job in &jobs {
            machine.apply(Input::Planned(job));
        }
        Some(machine)
    }
}

/// All tasks, each after those that it needs; or else tasks that need each other in a circle.
fn sort(tasks: &[Task]) -> Result<Vec<usize>, Vec<usize>> {
    let mut dependents = vec![Vec::new(); tasks.len()];
    let mut missing: Vec<usize> = tasks.iter().map(|task| task.needs.len()).collect();
    for (index, task) in tasks.iter().enumerate() {
        for &need in &task.needs {
            dependents[need].push(index);
        }
    }
    let mut sorted: Vec<usize> = (0..tasks.len()).filter(|&index| missing[index] == 0).collect();
    let mut next = 0;
    while let Some(&index) = sorted.get(next) {
        next += 1;
        for &dependent in &dependents[index] {
            missing[dependent] -= 1;
            if missing[dependent] == 0 {
                sorted.push(dependent);
            }
        }
    }

    // Each task that is left needs one that is left, so whoever goes from need to need comes back
    // to where he was.
    let left = |index: &usize| missing[*index] > 0;
    let Some(mut index) = (0..tasks.len()).find(left) else { return Ok(sorted) };
    let mut path = Vec::new();
    let mut place = vec![None; tasks.len()];
    loop {
        if let Some(start) = place[index] {
            return Err(path.split_off(start));
        }
        place[index] = Some(path.len());
        path.push(index);
        index = tasks[index].needs.iter().copied().find(left).unwrap_or(index);
    }
}

/// A cycle for people: `3 -> 5 -> 3`.
fn path(cycle: &[usize]) -> String {
    let names: Vec<String> = cycle.iter().chain(cycle.first()).map(usize::to_string).collect();
    names.join(" -> ")
}
