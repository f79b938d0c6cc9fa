//! Who needs whom: interned names, edges both ways, and how many prerequisites of each job are not
//! finished yet. Knows nothing of states, outcomes or time; it is told when something is finished.
//!
//! Edges live in one pool, in the order of their coming. `prerequisites` and `dependents` find those
//! of a job in it; adding one is constant work however many a job has, and nothing here recurses.
//! What is looked up at random, while jobs finish, is in arrays of its own with little for each job,
//! since what a large graph costs is mostly that memory is far away.

mod cycle;
mod dependents;
mod heads;
mod names;
mod prerequisites;

pub(crate) use dependents::Dependents;

use dependents::Index;
use names::Names;
use prerequisites::{Prerequisites, Runs};

use crate::job::JobId;

/// A graph of jobs.
#[derive(Default)]
pub(crate) struct Graph {
    names: Names,
    edges: Vec<Edge>,
    /// The edges by dependent.
    runs: Runs,
    /// The edges by prerequisite, up to the last time that a job was finished.
    index: Index,
    /// By job: edges to prerequisites that are not finished. An edge that was added twice counts
    /// twice, and is taken off twice.
    unfinished: Vec<u32>,
    /// By job, a bit each.
    finished: Vec<u64>,
}

/// That `dependent` needs `prerequisite`.
struct Edge {
    dependent: JobId,
    prerequisite: JobId,
}

impl Graph {
    /// Finds or adds the job of that name; says whether it is new. `None` if the graph is full.
    pub(crate) fn intern(&mut self, name: &str) -> Option<(JobId, bool)> {
        let (number, new) = self.names.intern(name)?;
        if new {
            if self.unfinished.len() % 64 == 0 {
                self.finished.push(0);
            }
            self.unfinished.push(0);
            self.runs.add_job();
        }
        Some((JobId(number), new))
    }

    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    pub(crate) fn contains(&self, job: JobId) -> bool {
        job.index() < self.unfinished.len()
    }

    /// The job's name; empty if there is no such job.
    pub(crate) fn name(&self, job: JobId) -> &str {
        self.names.get(job.0)
    }

    /// All jobs, in the order of their coming.
    pub(crate) fn jobs(&self) -> impl Iterator<Item = JobId> + use<> {
        // As many as there are names, of which there are fewer than 2^32.
        #[expect(clippy::cast_possible_truncation)]
        let count = self.unfinished.len() as u32;
        (0..count).map(JobId)
    }

    /// Records that `dependent` needs `prerequisite`, and counts it as unfinished if it is. Both
    /// have to be in the graph. Says whether it is finished; `None` if there is no room for another
    /// edge.
    pub(crate) fn depend(&mut self, dependent: JobId, prerequisite: JobId) -> Option<bool> {
        let number = u32::try_from(self.edges.len()).ok().filter(|&number| number < u32::MAX)?;
        if !self.contains(dependent) || !self.contains(prerequisite) {
            return None;
        }
        self.runs.add_edge(&self.edges, number, dependent);
        self.edges.push(Edge { dependent, prerequisite });
        let finished = self.is_finished(prerequisite);
        self.unfinished[dependent.index()] += u32::from(!finished);
        Some(finished)
    }

    /// Takes note that a job is finished. Those that need it are told one by one, by
    /// [`one_finished`](Self::one_finished).
    pub(crate) fn finish(&mut self, job: JobId) {
        if self.contains(job) {
            self.finished[job.index() / 64] |= 1 << (job.index() % 64);
        }
        self.index.update(&self.edges, self.unfinished.len());
    }

    pub(crate) fn is_finished(&self, job: JobId) -> bool {
        let bits = self.finished.get(job.index() / 64);
        bits.is_some_and(|bits| bits >> (job.index() % 64) & 1 == 1)
    }

    /// Reads some of what is read when the job is finished, so that it is near by then; its answer
    /// means nothing.
    pub(crate) fn touch(&self, job: JobId) -> u32 {
        self.index.touch(job)
    }

    pub(crate) fn edge_count(&self) -> usize {
        self.edges.len()
    }

    /// All edges but the first so many, in the order of their coming: who needs, and what.
    pub(crate) fn edges_from(&self, first: usize) -> impl Iterator<Item = (JobId, JobId)> + '_ {
        self.edges.iter().skip(first).map(|edge| (edge.dependent, edge.prerequisite))
    }

    /// How many edges to unfinished prerequisites the job has.
    pub(crate) fn unfinished(&self, job: JobId) -> u32 {
        self.unfinished.get(job.index()).copied().unwrap_or(0)
    }

    /// Counts one prerequisite of the job as finished; says how many are left.
    pub(crate) fn one_finished(&mut self, job: JobId) -> u32 {
        let Some(unfinished) = self.unfinished.get_mut(job.index()) else {
            return 0;
        };
        *unfinished = unfinished.saturating_sub(1);
        *unfinished
    }

    /// What the job needs, in the order in which it said so.
    pub(crate) fn prerequisites(&self, job: JobId) -> impl Iterator<Item = JobId> + '_ {
        let mut cursor = Prerequisites::new(self, job);
        std::iter::from_fn(move || cursor.next(self))
    }

    /// A cursor over those that need the job, in the order in which they said so. It borrows
    /// nothing, so that the counts may change between two steps.
    ///
    /// Constant work for each, and once for each edge that came since a job was finished last.
    pub(crate) fn dependents(&self, job: JobId) -> Dependents {
        Dependents::new(self, job)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(names: &[&str]) -> Graph {
        let mut graph = Graph::default();
        for name in names {
            graph.intern(name).unwrap();
        }
        graph
    }

    fn dependents(graph: &Graph, job: JobId) -> Vec<JobId> {
        let mut cursor = graph.dependents(job);
        std::iter::from_fn(|| cursor.next(graph)).collect()
    }

    #[test]
    fn edges_are_listed_in_the_order_of_their_coming() {
        let mut graph = graph(&["a", "b", "c"]);
        let [a, b, c] = [JobId(0), JobId(1), JobId(2)];
        graph.finish(b);
        assert_eq!(graph.depend(a, c), Some(false));
        assert_eq!(graph.depend(a, b), Some(true));
        assert_eq!(graph.depend(b, c), Some(false));
        assert_eq!(graph.prerequisites(a).collect::<Vec<_>>(), [c, b]);
        assert_eq!(dependents(&graph, c), [a, b]);
        assert_eq!((graph.unfinished(a), graph.unfinished(b), graph.unfinished(c)), (1, 1, 0));
    }

    #[test]
    fn an_edge_that_is_there_twice_counts_twice_and_is_taken_off_twice() {
        let mut graph = graph(&["a", "b"]);
        graph.depend(JobId(0), JobId(1)).unwrap();
        graph.depend(JobId(0), JobId(1)).unwrap();
        assert_eq!(graph.unfinished(JobId(0)), 2);
        let left = dependents(&graph, JobId(1)).into_iter().map(|job| graph.one_finished(job));
        assert_eq!(left.collect::<Vec<_>>(), [1, 0]);
    }

    #[test]
    fn what_a_job_needs_is_found_though_others_said_something_in_between() {
        let mut graph = graph(&["a", "b", "c", "d"]);
        let [a, b, c, d] = [0, 1, 2, 3].map(JobId);
        for (dependent, prerequisite) in [(a, b), (a, c), (b, c), (a, d), (c, d), (a, b), (a, a)] {
            graph.depend(dependent, prerequisite).unwrap();
        }
        assert_eq!(graph.prerequisites(a).collect::<Vec<_>>(), [b, c, d, b, a]);
        assert_eq!(graph.prerequisites(b).collect::<Vec<_>>(), [c]);
        assert_eq!(graph.prerequisites(c).collect::<Vec<_>>(), [d]);
        assert_eq!(graph.prerequisites(d).count(), 0);
    }

    /// Numbers that look random (xorshift64*).
    struct Random(u64);

    impl Random {
        fn below(&mut self, limit: usize) -> usize {
            self.0 ^= self.0 >> 12;
            self.0 ^= self.0 << 25;
            self.0 ^= self.0 >> 27;
            usize::try_from(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33).unwrap() % limit
        }

        fn job(&mut self, limit: usize) -> JobId {
            JobId(u32::try_from(self.below(limit)).unwrap())
        }
    }

    #[test]
    fn however_a_graph_grows_edges_are_found_from_both_ends() {
        for seed in 1..200 {
            let mut random = Random(seed);
            let mut graph = Graph::default();
            let mut edges: Vec<(JobId, JobId)> = Vec::new();
            let mut unfinished: Vec<u32> = Vec::new();
            // Few edges between two ends make late ones, many make all be sorted again.
            let often = 1 + random.below(60);
            for _ in 0..300 {
                if graph.len() == 0 || random.below(4) == 0 {
                    graph.intern(&graph.len().to_string()).unwrap();
                    unfinished.push(0);
                }
                let (dependent, other) = (random.job(graph.len()), random.job(graph.len()));
                for prerequisite in [other, random.job(graph.len())] {
                    let finished = graph.depend(dependent, prerequisite).unwrap();
                    assert_eq!(finished, graph.is_finished(prerequisite));
                    edges.push((dependent, prerequisite));
                    unfinished[dependent.index()] += u32::from(!finished);
                }
                if random.below(often) == 0 && !graph.is_finished(other) {
                    graph.finish(other);
                    for job in dependents(&graph, other) {
                        unfinished[job.index()] -= 1;
                        assert_eq!(graph.one_finished(job), unfinished[job.index()]);
                    }
                }
            }
            for job in graph.jobs() {
                let needs = edges.iter().filter(|edge| edge.0 == job).map(|edge| edge.1);
                assert_eq!(graph.prerequisites(job).collect::<Vec<_>>(), needs.collect::<Vec<_>>());
                let needed = edges.iter().filter(|edge| edge.1 == job).map(|edge| edge.0);
                assert_eq!(dependents(&graph, job), needed.collect::<Vec<_>>());
                assert_eq!(graph.unfinished(job), unfinished[job.index()]);
            }
        }
    }

    #[test]
    fn a_job_of_another_graph_is_refused() {
        let mut graph = graph(&["a"]);
        assert_eq!(graph.depend(JobId(0), JobId(7)), None);
        assert_eq!(graph.depend(JobId(7), JobId(0)), None);
        assert_eq!(graph.name(JobId(7)), "");
        assert_eq!(graph.prerequisites(JobId(7)).count(), 0);
    }
}
