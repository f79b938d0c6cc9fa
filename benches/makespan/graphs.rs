//! Families of random graphs. Knows tasks and what they need; doesn't know how they are played.

use std::time::Duration;

use jobsched::simulation::Task;

use crate::random::{Durations, Random};

/// How a graph is made.
pub(crate) type Make = fn(&mut Random, Durations) -> Vec<Task>;

/// Layers of random widths. A task needs one to three of the layer before, or of any before that.
pub(crate) fn layered(random: &mut Random, durations: Durations) -> Vec<Task> {
    let layers = random.between(3, 30);
    let widest = random.between(4, 60);
    let mut tasks: Vec<Task> = Vec::new();
    let mut before = 0..0;
    for _ in 0..layers {
        let start = tasks.len();
        for _ in 0..random.between(1, widest) {
            let mut needs = Vec::new();
            if !before.is_empty() {
                needs.push(random.between(before.start, before.end - 1));
                for _ in 0..random.between(0, 2) {
                    let earliest = if random.toss() { 0 } else { before.start };
                    needs.push(random.between(earliest, before.end - 1));
                }
                needs.sort_unstable();
                needs.dedup();
            }
            tasks.push(Task::known(durations.draw(random), needs));
        }
        before = start..tasks.len();
    }
    tasks
}

/// Stages: tasks side by side, and a short one that needs them all and that the next stage needs.
pub(crate) fn fork_join(random: &mut Random, durations: Durations) -> Vec<Task> {
    let mut tasks: Vec<Task> = Vec::new();
    for _ in 0..random.between(2, 10) {
        let join = tasks.len().checked_sub(1);
        let start = tasks.len();
        for _ in 0..random.between(2, 120) {
            tasks.push(Task::known(durations.draw(random), Vec::from_iter(join)));
        }
        let stage = (start..tasks.len()).collect();
        tasks.push(Task::known(Duration::from_millis(10), stage));
    }
    tasks
}

/// Chains side by side, with fans at some of their links: tasks that need the link and that nobody
/// needs, or else the last task of all does.
pub(crate) fn chains(random: &mut Random, durations: Durations) -> Vec<Task> {
    let mut tasks: Vec<Task> = Vec::new();
    let mut ends = Vec::new();
    for _ in 0..random.between(1, 12) {
        let mut link: Option<usize> = None;
        for _ in 0..random.between(3, 30) {
            tasks.push(Task::known(durations.draw(random), Vec::from_iter(link)));
            let this = tasks.len() - 1;
            link = Some(this);
            if random.between(0, 3) == 0 {
                for _ in 0..random.between(1, 20) {
                    ends.push(tasks.len());
                    tasks.push(Task::known(durations.draw(random), vec![this]));
                }
            }
        }
        ends.extend(link);
    }
    if random.toss() {
        tasks.push(Task::known(durations.draw(random), ends));
    }
    tasks
}
