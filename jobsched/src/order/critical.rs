//! The critical path of a run: the longest chain of jobs that had to wait for each other. Knows the
//! graph and how long each job took; doesn't know when anything was started.

use std::time::Duration;

use crate::graph::Graph;
use crate::job::JobId;

/// The chain of jobs that took longest, in the order of their running, with what each took. Jobs of
/// which `took` knows nothing take no time and are left out, but what needs them waited for what
/// they need all the same. Of several such chains one; of jobs that need each other, nothing.
pub(crate) fn critical_path(
    graph: &Graph,
    took: impl Fn(JobId) -> Option<Duration>,
) -> Vec<(JobId, Duration)> {
    let of = |job| took(job).unwrap_or_default();
    // When each job could have ended at the earliest, and the prerequisite that ended last then.
    let mut ends = vec![Duration::ZERO; graph.len()];
    let mut after: Vec<Option<JobId>> = vec![None; graph.len()];
    let mut open = vec![0_u32; graph.len()];
    for (dependent, _) in graph.edges_from(0) {
        open[dependent.index()] += 1;
    }
    let mut settled: Vec<JobId> = graph.jobs().filter(|job| open[job.index()] == 0).collect();
    let mut last: Option<JobId> = None;
    while let Some(job) = settled.pop() {
        let end = ends[job.index()] + of(job);
        ends[job.index()] = end;
        if last.is_none_or(|last| (end, last) > (ends[last.index()], job)) {
            last = Some(job);
        }
        let mut dependents = graph.dependents(job);
        while let Some(dependent) = dependents.next(graph) {
            let place = dependent.index();
            if after[place].is_none() || end > ends[place] {
                ends[place] = end;
                after[place] = Some(job);
            }
            open[place] -= 1;
            if open[place] == 0 {
                settled.push(dependent);
            }
        }
    }
    let mut path: Vec<_> = std::iter::successors(last, |job| after[job.index()])
        .filter_map(|job| took(job).map(|took| (job, took)))
        .collect();
    path.reverse();
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(jobs: &[(&str, u64)], needs: &[(&str, &str)]) -> Vec<(String, u64)> {
        let mut graph = Graph::default();
        for (name, _) in jobs {
            graph.intern(name).unwrap();
        }
        for (dependent, prerequisite) in needs {
            let [dependent, prerequisite] =
                [dependent, prerequisite].map(|name| graph.intern(name).unwrap().0);
            graph.depend(dependent, prerequisite).unwrap();
        }
        let took = |job: JobId| Some(jobs[job.index()].1).filter(|&took| took > 0);
        let path = critical_path(&graph, |job| took(job).map(Duration::from_secs));
        path.into_iter().map(|(job, took)| (graph.name(job).into(), took.as_secs())).collect()
    }

    fn named(path: &[(&str, u64)]) -> Vec<(String, u64)> {
        path.iter().map(|&(name, took)| (name.into(), took)).collect()
    }

    #[test]
    fn the_chain_that_took_longest_is_named_from_its_beginning() {
        let jobs = [("link", 1), ("a", 5), ("b", 2), ("c", 2), ("alone", 7)];
        let needs = [("link", "a"), ("link", "b"), ("b", "c")];
        assert_eq!(path(&jobs, &needs), named(&[("alone", 7)]));
        assert_eq!(path(&jobs[..4], &needs), named(&[("a", 5), ("link", 1)]));
    }

    #[test]
    fn what_did_not_run_connects_but_is_left_out() {
        let jobs = [("a", 1), ("fresh", 0), ("b", 2), ("c", 2)];
        let needs = [("fresh", "a"), ("b", "fresh")];
        assert_eq!(path(&jobs, &needs), named(&[("a", 1), ("b", 2)]));
    }

    #[test]
    fn of_jobs_that_need_each_other_nothing_is_said() {
        assert_eq!(path(&[("a", 1), ("b", 1)], &[("a", "b"), ("b", "a")]), []);
        assert_eq!(path(&[], &[]), []);
    }
}
