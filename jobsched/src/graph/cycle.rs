//! Finding a dependency cycle, without recursion.

use super::{Graph, Prerequisites};
use crate::job::JobId;

/// How far the search has come with a job.
#[derive(Clone, Copy, PartialEq)]
enum Mark {
    Unseen,
    OnPath,
    Cleared,
}

impl Graph {
    /// A cycle among the jobs for which `open` holds, as a path that begins and ends with the same
    /// job, each needing the next; `None` if there is none. Linear in jobs and edges.
    pub(crate) fn cycle(&self, open: impl Fn(JobId) -> bool) -> Option<Vec<JobId>> {
        let mut marks = vec![Mark::Unseen; self.len()];
        // The path from where the search began, each with what it needs and was not looked at yet.
        let mut path: Vec<(JobId, Prerequisites)> = Vec::new();
        for start in self.jobs() {
            if marks[start.index()] != Mark::Unseen || !open(start) {
                continue;
            }
            marks[start.index()] = Mark::OnPath;
            path.push((start, Prerequisites::new(self, start)));
            while let Some((job, cursor)) = path.last_mut() {
                let Some(next) = cursor.next(self) else {
                    marks[job.index()] = Mark::Cleared;
                    path.pop();
                    continue;
                };
                let mark = marks[next.index()];
                match mark {
                    Mark::Cleared => {}
                    Mark::Unseen if open(next) => {
                        marks[next.index()] = Mark::OnPath;
                        path.push((next, Prerequisites::new(self, next)));
                    }
                    Mark::Unseen => marks[next.index()] = Mark::Cleared,
                    Mark::OnPath => {
                        let jobs = path.iter().map(|&(job, _)| job);
                        let mut cycle: Vec<JobId> = jobs.skip_while(|&job| job != next).collect();
                        cycle.push(next);
                        return Some(cycle);
                    }
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(jobs: u32, edges: &[(u32, u32)]) -> Graph {
        let mut graph = Graph::default();
        for job in 0..jobs {
            graph.intern(&job.to_string()).unwrap();
        }
        for &(dependent, prerequisite) in edges {
            graph.depend(JobId(dependent), JobId(prerequisite)).unwrap();
        }
        graph
    }

    #[test]
    fn a_job_that_needs_itself_is_a_cycle() {
        let graph = graph(2, &[(0, 1), (1, 1)]);
        assert_eq!(graph.cycle(|_| true), Some(vec![JobId(1), JobId(1)]));
    }

    #[test]
    fn the_path_holds_the_cycle_and_nothing_that_leads_to_it() {
        let graph = graph(5, &[(0, 4), (0, 1), (1, 2), (2, 3), (3, 1), (4, 2)]);
        assert_eq!(graph.cycle(|_| true), Some(vec![JobId(2), JobId(3), JobId(1), JobId(2)]),);
    }

    #[test]
    fn a_diamond_is_no_cycle() {
        let graph = graph(4, &[(0, 1), (0, 2), (1, 3), (2, 3)]);
        assert_eq!(graph.cycle(|_| true), None);
    }

    #[test]
    fn what_is_finished_breaks_a_cycle() {
        let graph = graph(3, &[(0, 1), (1, 2), (2, 0)]);
        assert!(graph.cycle(|_| true).is_some());
        assert_eq!(graph.cycle(|job| job != JobId(2)), None);
    }

    #[test]
    fn a_cycle_of_a_million_jobs_is_found_without_recursion() {
        let jobs = 1_000_000;
        let edges: Vec<(u32, u32)> = (0..jobs).map(|job| (job, (job + 1) % jobs)).collect();
        let cycle = graph(jobs, &edges).cycle(|_| true).unwrap();
        assert_eq!(cycle.len(), 1_000_001);
    }
}
