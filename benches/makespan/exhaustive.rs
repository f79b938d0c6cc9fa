//! The best of all schedules of a few tasks, by trying them all, and whether what is claimed of large
//! graphs holds for small ones. Doesn't know how tasks are played.

use std::num::NonZeroUsize;
use std::time::Duration;

use jobsched::simulation::{Simulation, Task};

use crate::random::{Durations, Random};

/// A small graph, in which each task needs each one before it with a chance of one in four.
pub(crate) fn small(random: &mut Random, durations: Durations, most: usize) -> Vec<Task> {
    let count = random.between(2, most);
    let tasks = (0..count).map(|index| {
        let needs = (0..index).filter(|_| random.between(0, 3) == 0).collect();
        Task::known(durations.draw(random), needs)
    });
    tasks.collect()
}

/// The shortest makespan there is.
///
/// Tasks are put one by one where they fit earliest, in every sequence in which each comes after what
/// it needs. One of the schedules that this makes is a best one, also where it pays to leave a slot
/// idle while a task is ready (Sprecher, Kolisch, Drexl 1995).
pub(crate) fn best(simulation: &Simulation, slots: NonZeroUsize, bound: Duration) -> Duration {
    let mut search = Search {
        tasks: simulation.tasks(),
        slots: slots.get(),
        bound,
        placed: vec![None; simulation.tasks().len()],
        best: Duration::MAX,
    };
    search.place_next(Duration::ZERO);
    search.best
}

struct Search<'a> {
    tasks: &'a [Task],
    slots: usize,
    /// Nothing better need be looked for.
    bound: Duration,
    /// Start and end of each task that has a place.
    placed: Vec<Option<(Duration, Duration)>>,
    best: Duration,
}

impl Search<'_> {
    fn place_next(&mut self, makespan: Duration) {
        if makespan >= self.best || self.best <= self.bound {
            return;
        }
        if self.placed.iter().all(Option::is_some) {
            self.best = makespan;
            return;
        }
        for task in 0..self.tasks.len() {
            if self.placed[task].is_some() {
                continue;
            }
            let ends = self.tasks[task].needs.iter().map(|&need| self.placed[need].map(|p| p.1));
            let Some(ends) = ends.collect::<Option<Vec<Duration>>>() else { continue };
            let place = self.earliest(ends.into_iter().max().unwrap_or_default(), task);
            self.placed[task] = Some(place);
            self.place_next(makespan.max(place.1));
            self.placed[task] = None;
        }
    }

    /// The earliest place from then on at which there is a slot all the time: at once, or when
    /// another task ends.
    fn earliest(&self, from: Duration, task: usize) -> (Duration, Duration) {
        let mut starts: Vec<Duration> = self.placed.iter().flatten().map(|place| place.1).collect();
        starts.retain(|&end| end > from);
        starts.push(from);
        starts.sort_unstable();
        let places = starts.iter().map(|&start| (start, start + self.tasks[task].actual));
        let mut places = places.filter(|&place| self.has_slot(place));
        // There is one: after the last of all ends.
        places.next().unwrap_or((Duration::MAX, Duration::MAX))
    }

    fn has_slot(&self, (start, end): (Duration, Duration)) -> bool {
        let others =
            || self.placed.iter().flatten().filter(|other| other.0 < end && start < other.1);
        // Most run at the start, or when another one starts.
        let instants = others().map(|other| other.0.max(start));
        instants
            .into_iter()
            .all(|at| others().filter(|other| other.0 <= at && at < other.1).count() < self.slots)
    }
}
