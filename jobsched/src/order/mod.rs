//! Which ready job goes first. Knows jobs by their ids and, from the graph, who needs whom; doesn't
//! know states, slots or time. `paths` says how much work still hangs on a job, `critical` what a
//! run in hindsight had to wait for.

mod critical;
mod paths;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

pub(crate) use critical::critical_path;
use paths::Paths;

use crate::graph::Graph;
use crate::job::JobId;

/// In which order ready jobs start.
///
/// Whatever the order, the same jobs with the same outcomes start in the same sequence.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Order {
    /// Those first on which the longest path of others depends: the sum of the expected durations
    /// from the job itself to the last one that waits for it. What is expected comes from the
    /// [history](crate::Builder::history); a job without one counts as a long one of those that
    /// have one (their mean and two standard deviations), or all jobs count the same. Ties go by the order of ensure.
    ///
    /// With slots for all but few, this is hardly ever more than a few percent from the best
    /// possible; see `benches/makespan`.
    #[default]
    LongestPath,
    /// In the order of ensure.
    FirstCome,
    /// In an order that is drawn from this seed. For tests: what depends on the order of starts
    /// without saying so fails under some seed.
    Shuffled(u64),
}

/// A place among the ready jobs: the greater goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Turn {
    rank: u64,
    job: Reverse<JobId>,
}

impl Turn {
    pub(crate) fn job(self) -> JobId {
        self.job.0
    }
}

/// The jobs that are ready to start, in the order in which they should.
///
/// A job has one turn that counts. When the graph grows under it and its rank rises, it gets
/// another one; the old turn is passed over when it comes up.
#[derive(Default)]
pub(crate) struct Ready {
    order: Order,
    paths: Paths,
    heap: BinaryHeap<Turn>,
    /// Those that came since turns were last given: paths are worked out when somebody asks who is
    /// next, and not before.
    fresh: Vec<JobId>,
}

impl Ready {
    pub(crate) fn new(order: Order) -> Self {
        Self { order, ..Self::default() }
    }

    /// How long a job is expected to run. To be said before the job is ready.
    pub(crate) fn expect(&mut self, job: JobId, duration: Duration) {
        self.paths.expect(job, duration);
    }

    pub(crate) fn push(&mut self, job: JobId) {
        self.fresh.push(job);
    }

    /// Puts back a turn that was popped.
    pub(crate) fn put_back(&mut self, turn: Turn) {
        self.heap.push(turn);
    }

    /// Whose turn it is, of those of whom `is_ready` says that they are.
    pub(crate) fn peek(&mut self, graph: &Graph, is_ready: impl Fn(JobId) -> bool) -> Option<Turn> {
        self.give_turns(graph, &is_ready);
        while let Some(&turn) = self.heap.peek() {
            if self.counts(turn) && is_ready(turn.job()) {
                return Some(turn);
            }
            self.heap.pop();
        }
        None
    }

    /// Takes the turn that was seen last.
    pub(crate) fn pop(&mut self) -> Option<Turn> {
        self.heap.pop()
    }

    /// Whether this is the turn of its job that counts.
    pub(crate) fn counts(&self, turn: Turn) -> bool {
        turn.rank == self.rank(turn.job())
    }

    pub(crate) fn clear(&mut self) {
        self.heap.clear();
        self.fresh.clear();
    }

    /// Gives everyone a turn who has none yet, or none that counts any more.
    fn give_turns(&mut self, graph: &Graph, is_ready: &impl Fn(JobId) -> bool) {
        if self.heap.is_empty() && self.fresh.is_empty() {
            return;
        }
        let outdated = self.order == Order::LongestPath && !self.paths.covers(graph);
        if outdated && self.heap.is_empty() {
            self.paths.update(graph, |_, _| {});
        }
        for job in std::mem::take(&mut self.fresh) {
            let turn = Turn { rank: self.rank(job), job: Reverse(job) };
            self.heap.push(turn);
        }
        if outdated {
            let Self { paths, heap, .. } = self;
            paths.update(graph, |job, rank| {
                if is_ready(job) {
                    heap.push(Turn { rank, job: Reverse(job) });
                }
            });
        }
    }

    fn rank(&self, job: JobId) -> u64 {
        match self.order {
            Order::LongestPath => self.paths.remaining(job),
            Order::FirstCome => 0,
            Order::Shuffled(seed) => mixed(mixed(seed).wrapping_add(job.0.into())),
        }
    }
}

/// A number that looks like drawn by lot, always the same for the same one (the last step of
/// `SplitMix64`).
fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(jobs: u32, needs: &[(u32, u32)]) -> Graph {
        let mut graph = Graph::default();
        for job in 0..jobs {
            graph.intern(&format!("job.{job}")).unwrap();
        }
        grow(&mut graph, jobs, needs);
        graph
    }

    fn grow(graph: &mut Graph, jobs: u32, needs: &[(u32, u32)]) {
        for job in 0..jobs {
            graph.intern(&format!("job.{job}")).unwrap();
        }
        for &(dependent, prerequisite) in needs {
            graph.depend(JobId(dependent), JobId(prerequisite)).unwrap();
        }
    }

    fn take(ready: &mut Ready, graph: &Graph, is_ready: impl Fn(JobId) -> bool) -> Option<u32> {
        let turn = ready.peek(graph, is_ready)?;
        ready.pop();
        Some(turn.job().0)
    }

    fn all_of(ready: &mut Ready, graph: &Graph, is_ready: impl Fn(JobId) -> bool) -> Vec<u32> {
        std::iter::from_fn(|| take(ready, graph, &is_ready)).collect()
    }

    fn all(ready: &mut Ready, graph: &Graph) -> Vec<u32> {
        all_of(ready, graph, |_| true)
    }

    fn ready(order: Order, jobs: &[u32]) -> Ready {
        let mut ready = Ready::new(order);
        for &job in jobs {
            ready.push(JobId(job));
        }
        ready
    }

    #[test]
    fn the_head_of_the_longest_chain_goes_first() {
        let graph = graph(6, &[(3, 1), (4, 3), (5, 2)]);
        let mut ready = ready(Order::LongestPath, &[0, 1, 2]);
        assert_eq!(all(&mut ready, &graph), [1, 2, 0]);
    }

    #[test]
    fn expected_durations_weigh_more_than_the_number_of_jobs() {
        let graph = graph(6, &[(3, 1), (4, 3), (5, 2)]);
        let mut ready = ready(Order::LongestPath, &[0, 1, 2]);
        for (job, seconds) in [(0, 10), (1, 1), (2, 1), (3, 1), (4, 1), (5, 5)] {
            ready.expect(JobId(job), Duration::from_secs(seconds));
        }
        assert_eq!(all(&mut ready, &graph), [0, 2, 1]);
    }

    #[test]
    fn a_job_of_which_nothing_is_known_counts_as_a_long_one_of_the_others() {
        let graph = graph(8, &[]);
        let mut ready = ready(Order::LongestPath, &[0, 1, 2, 3, 4, 5, 6, 7]);
        // 2 s in the mean, with a standard deviation of 2.4 s.
        for (job, seconds) in [(0, 1), (1, 1), (2, 1), (4, 1), (5, 1), (6, 1), (7, 8)] {
            ready.expect(JobId(job), Duration::from_secs(seconds));
        }
        assert_eq!(all(&mut ready, &graph), [7, 3, 0, 1, 2, 4, 5, 6]);
    }

    #[test]
    fn ties_go_by_the_order_of_ensure() {
        let graph = graph(4, &[]);
        let mut ready = ready(Order::LongestPath, &[2, 0, 3, 1]);
        assert_eq!(all(&mut ready, &graph), [0, 1, 2, 3]);
    }

    #[test]
    fn a_ready_job_moves_forward_when_more_comes_to_depend_on_it() {
        let mut graph = graph(4, &[(3, 0)]);
        let mut ready = ready(Order::LongestPath, &[0, 1, 2]);
        assert_eq!(take(&mut ready, &graph, |_| true), Some(0));
        grow(&mut graph, 6, &[(4, 2), (5, 4)]);
        assert_eq!(all_of(&mut ready, &graph, |job| [1, 2].contains(&job.0)), [2, 1]);
    }

    #[test]
    fn a_job_that_was_alone_is_not_lost_when_others_come() {
        let mut graph = graph(1, &[]);
        let mut ready = ready(Order::LongestPath, &[0]);
        assert_eq!(ready.peek(&graph, |_| true).map(Turn::job), Some(JobId(0)));
        grow(&mut graph, 3, &[(2, 1)]);
        ready.push(JobId(1));
        assert_eq!(all_of(&mut ready, &graph, |job| job.0 < 2), [1, 0]);
    }

    #[test]
    fn one_that_is_not_ready_any_more_is_passed_over() {
        let graph = graph(3, &[]);
        let mut ready = ready(Order::FirstCome, &[0, 1, 2]);
        assert_eq!(ready.peek(&graph, |job| job.0 > 1).map(Turn::job), Some(JobId(2)));
    }

    #[test]
    fn a_seed_always_gives_the_same_order_and_another_one_another() {
        let graph = graph(20, &[]);
        let jobs: Vec<u32> = (0..20).collect();
        let shuffled = |seed| all(&mut ready(Order::Shuffled(seed), &jobs), &graph);
        assert_eq!(shuffled(1), shuffled(1));
        assert_ne!(shuffled(1), shuffled(2));
        let mut sorted = shuffled(7);
        sorted.sort_unstable();
        assert_eq!(sorted, jobs);
    }
}
