//! The longest remaining path of each job: its expected duration and those of the jobs that come
//! after it, along the longest way to a job that nobody needs. Knows the graph; doesn't know which
//! jobs are ready.
//!
//! The first time, all paths are found in one pass from the jobs that nobody needs backward. What is
//! added later is folded in by raising the paths of what it needs, and of what that needs, as far as
//! they do rise. If that touches more than the whole, the whole is done once more instead; so it
//! ends even where jobs need each other in a cycle, of which no path is right.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use crate::graph::Graph;
use crate::job::JobId;

/// The longest remaining path of each job, in microseconds; in jobs, if nothing is known of any.
#[derive(Default)]
pub(super) struct Paths {
    /// What was expected of each job; 0 and beyond the end: nothing.
    expected: Vec<u64>,
    known: Known,
    /// What a job counts of which nothing is known. Fixed by the first update.
    typical: u64,
    remaining: Vec<u64>,
    /// How many edges the paths take into account.
    edges: usize,
}

/// What was expected, of all jobs together.
#[derive(Default)]
struct Known {
    count: u64,
    sum: u128,
    squares: u128,
}

impl Known {
    fn add(&mut self, micros: u64) {
        let micros = u128::from(micros);
        self.count += 1;
        self.sum += micros;
        self.squares = self.squares.saturating_add(micros * micros);
    }

    /// The mean and two standard deviations: what few of the others take. To start a short job too
    /// early costs little; a long one that starts too late runs alone at the end.
    fn long(&self) -> Option<u64> {
        let count = u128::from(self.count);
        let mean = self.sum.checked_div(count)?;
        let variance = (self.squares / count).saturating_sub(mean.saturating_mul(mean));
        Some(u64::try_from(mean + 2 * variance.isqrt()).unwrap_or(u64::MAX))
    }
}

impl Paths {
    pub(super) fn expect(&mut self, job: JobId, duration: Duration) {
        // 0 would mean that nothing is known.
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX).max(1);
        if self.expected.len() <= job.index() {
            self.expected.resize(job.index() + 1, 0);
        }
        if let Some(expected) = self.expected.get_mut(job.index()) {
            if *expected == 0 {
                self.known.add(micros);
                *expected = micros;
            }
        }
    }

    /// The longest remaining path of a job; 0 if it came after the last update.
    pub(super) fn remaining(&self, job: JobId) -> u64 {
        self.remaining.get(job.index()).copied().unwrap_or(0)
    }

    /// Whether all jobs and edges of the graph are taken into account.
    pub(super) fn covers(&self, graph: &Graph) -> bool {
        self.remaining.len() == graph.len() && self.edges == graph.edge_count()
    }

    /// Takes into account what was added to the graph, and tells each job whose path has become
    /// another one; one may be told several times, the last time rightly.
    pub(super) fn update(&mut self, graph: &Graph, mut changed: impl FnMut(JobId, u64)) {
        if self.covers(graph) {
            return;
        }
        let new = graph.edge_count() - self.edges;
        if self.remaining.is_empty() || new > self.edges / 4 || !self.fold(graph, &mut changed) {
            self.recompute(graph, changed);
        }
        self.edges = graph.edge_count();
    }

    fn duration(&self, job: JobId) -> u64 {
        match self.expected.get(job.index()) {
            Some(&micros) if micros > 0 => micros,
            _ => self.typical,
        }
    }

    /// Raises the paths of all that the new edges lead to. `false` if that is too much.
    fn fold(&mut self, graph: &Graph, changed: &mut impl FnMut(JobId, u64)) -> bool {
        for job in graph.jobs().skip(self.remaining.len()) {
            self.remaining.push(self.duration(job));
            changed(job, self.remaining(job));
        }
        // Those with the shorter path first: who needs a job has, but for new edges, a shorter one
        // than the job, so that each is seen to once when all that need it have been.
        let mut queue = BinaryHeap::new();
        for (dependent, prerequisite) in graph.edges_from(self.edges) {
            self.raise(graph, dependent, prerequisite, &mut queue, changed);
        }
        let mut left = graph.len() + graph.edge_count();
        while let Some(Reverse((_, job))) = queue.pop() {
            for prerequisite in graph.prerequisites(job) {
                let Some(fewer) = left.checked_sub(1) else { return false };
                left = fewer;
                self.raise(graph, job, prerequisite, &mut queue, changed);
            }
        }
        true
    }

    fn raise(
        &mut self,
        graph: &Graph,
        dependent: JobId,
        prerequisite: JobId,
        queue: &mut BinaryHeap<Reverse<(u64, JobId)>>,
        changed: &mut impl FnMut(JobId, u64),
    ) {
        // Nothing that is finished is going to be started, nor what it needed.
        if graph.is_finished(prerequisite) {
            return;
        }
        let path = self.remaining(dependent).saturating_add(self.duration(prerequisite));
        let before = self.remaining(prerequisite);
        if path > before {
            if let Some(remaining) = self.remaining.get_mut(prerequisite.index()) {
                *remaining = path;
            }
            changed(prerequisite, path);
            queue.push(Reverse((before, prerequisite)));
        }
    }

    fn recompute(&mut self, graph: &Graph, mut changed: impl FnMut(JobId, u64)) {
        if self.remaining.is_empty() {
            self.typical = self.known.long().unwrap_or(1);
        }
        let before = std::mem::take(&mut self.remaining);
        self.remaining = graph.jobs().map(|job| self.duration(job)).collect();
        let mut dependents = vec![0_u32; graph.len()];
        for (_, prerequisite) in graph.edges_from(0) {
            dependents[prerequisite.index()] += 1;
        }
        let mut settled: Vec<JobId> =
            graph.jobs().filter(|job| dependents[job.index()] == 0).collect();
        while let Some(job) = settled.pop() {
            for prerequisite in graph.prerequisites(job) {
                let place = prerequisite.index();
                let path = self.remaining[job.index()].saturating_add(self.duration(prerequisite));
                self.remaining[place] = self.remaining[place].max(path);
                dependents[place] -= 1;
                if dependents[place] == 0 {
                    settled.push(prerequisite);
                }
            }
        }
        for job in graph.jobs() {
            let path = self.remaining(job);
            if before.get(job.index()) != Some(&path) {
                changed(job, path);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look random (xorshift64*).
    struct Random(u64);

    impl Random {
        fn below(&mut self, limit: u32) -> u32 {
            self.0 ^= self.0 >> 12;
            self.0 ^= self.0 << 25;
            self.0 ^= self.0 >> 27;
            let high = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
            u32::try_from(high % u64::from(limit)).unwrap()
        }
    }

    /// The longest path by trying all, with a graph without cycles.
    fn longest(graph: &Graph, durations: &[u64], job: JobId, known: &mut [Option<u64>]) -> u64 {
        if let Some(path) = known[job.index()] {
            return path;
        }
        let mut cursor = graph.dependents(job);
        let mut best = 0;
        while let Some(dependent) = cursor.next(graph) {
            best = best.max(longest(graph, durations, dependent, known));
        }
        let path = best + durations[job.index()];
        known[job.index()] = Some(path);
        path
    }

    #[test]
    fn however_a_graph_grows_the_paths_are_the_longest_there_are() {
        for seed in 1..300 {
            let mut random = Random(seed);
            let mut graph = Graph::default();
            let mut paths = Paths::default();
            let mut durations = Vec::new();
            let mut told = std::collections::HashMap::new();
            // A job needs only those whose place in this order is after its own.
            let mut places = Vec::new();
            let weighted = random.below(2) == 0;
            for _ in 0..=random.below(8) {
                for _ in 0..random.below(20) {
                    let job = graph.intern(&format!("{}", graph.len())).unwrap().0;
                    places.push((random.below(1_000), job));
                    let micros = u64::from(1 + random.below(50));
                    durations.push(if weighted { micros } else { 1 });
                    if weighted {
                        paths.expect(job, Duration::from_micros(micros));
                    }
                }
                if places.is_empty() {
                    continue;
                }
                for _ in 0..random.below(40) {
                    let count = u32::try_from(places.len()).unwrap();
                    let [a, b] = [(); 2].map(|()| places[random.below(count) as usize]);
                    if a != b {
                        graph.depend(a.min(b).1, a.max(b).1).unwrap();
                    }
                }
                paths.update(&graph, |job, path| {
                    told.insert(job, path);
                });
                let mut known = vec![None; graph.len()];
                for job in graph.jobs() {
                    let expected = longest(&graph, &durations, job, &mut known);
                    assert_eq!(paths.remaining(job), expected, "seed {seed}, {job:?}");
                    assert_eq!(told.get(&job), Some(&expected), "seed {seed}, {job:?}");
                }
            }
        }
    }

    #[test]
    fn a_cycle_that_comes_late_ends_the_search_all_the_same() {
        let mut graph = Graph::default();
        let mut paths = Paths::default();
        for name in 0..1_000 {
            graph.intern(&format!("{name}")).unwrap();
        }
        for job in 1..1_000 {
            graph.depend(JobId(job), JobId(job - 1)).unwrap();
        }
        paths.update(&graph, |_, _| {});
        assert_eq!(paths.remaining(JobId(0)), 1_000);
        graph.depend(JobId(0), JobId(500)).unwrap();
        paths.update(&graph, |_, _| {});
        assert_eq!(paths.remaining(JobId(999)), 1);
        assert!(paths.covers(&graph));
    }

    #[test]
    fn adding_one_job_to_many_touches_little() {
        let mut graph = Graph::default();
        let mut paths = Paths::default();
        for name in 0..10_000 {
            graph.intern(&format!("{name}")).unwrap();
        }
        for job in 1..10_000 {
            graph.depend(JobId(job), JobId(job / 2)).unwrap();
        }
        paths.update(&graph, |_, _| {});
        graph.intern("late").unwrap();
        graph.depend(JobId(9_999), JobId(10_000)).unwrap();
        let mut touched = 0;
        paths.update(&graph, |_, _| touched += 1);
        assert_eq!(touched, 2);
    }

    #[test]
    fn a_chain_of_a_million_needs_no_stack() {
        let mut graph = Graph::default();
        let mut paths = Paths::default();
        for name in 0..1_000_000 {
            graph.intern(&format!("{name}")).unwrap();
        }
        for job in 1..1_000_000 {
            graph.depend(JobId(job), JobId(job - 1)).unwrap();
        }
        paths.update(&graph, |_, _| {});
        assert_eq!(paths.remaining(JobId(0)), 1_000_000);
    }
}
