//! What each job needs: where its edges are among all edges. Knows nothing of dependents.
//!
//! A job says what it needs in one go when it is planned, and perhaps in another when it is checked.
//! So its edges are a few runs of neighbours: the place of the first run is kept for every job, and
//! that of further runs only where there are any. A run ends where the edges of another job begin.

use super::heads::{Heads, NONE};
use super::{Edge, Graph};
use crate::job::JobId;

/// Where the edges of each job are.
#[derive(Default)]
pub(super) struct Runs {
    /// By job: its first edge.
    first: Vec<u32>,
    /// By job: the last of its further runs.
    last: Heads,
    further: Vec<Run>,
}

/// A run of edges that is not the first of its job.
struct Run {
    first: u32,
    /// The job's next further run; after the last comes the first again.
    next: u32,
}

impl Runs {
    pub(super) fn add_job(&mut self) {
        self.first.push(NONE);
    }

    /// Takes note of an edge that is about to be added after all others.
    pub(super) fn add_edge(&mut self, edges: &[Edge], number: u32, dependent: JobId) {
        if edges.last().is_some_and(|last| last.dependent == dependent) {
            return;
        }
        let place = dependent.index();
        if self.first[place] == NONE {
            self.first[place] = number;
            return;
        }
        // There are no more runs than edges.
        #[expect(clippy::cast_possible_truncation)]
        let run = self.further.len() as u32;
        let before = self.last.replace(place, run);
        let next = match self.further.get_mut(before as usize) {
            Some(before) => std::mem::replace(&mut before.next, run),
            None => run,
        };
        self.further.push(Run { first: number, next });
    }
}

/// A place among the prerequisites of a job. It borrows nothing and stays good whatever becomes of
/// the graph.
#[derive(Clone, Copy)]
pub(super) struct Prerequisites {
    job: JobId,
    edge: u32,
    /// Which of the further runs the edge is in; `NONE` in the first run.
    run: u32,
}

impl Prerequisites {
    pub(super) fn new(graph: &Graph, job: JobId) -> Self {
        let edge = graph.runs.first.get(job.index()).copied().unwrap_or(NONE);
        Self { job, edge, run: NONE }
    }

    pub(super) fn next(&mut self, graph: &Graph) -> Option<JobId> {
        loop {
            let edge = graph.edges.get(self.edge as usize);
            if let Some(edge) = edge.filter(|edge| edge.dependent == self.job) {
                self.edge += 1;
                return Some(edge.prerequisite);
            }
            let Runs { last, further, .. } = &graph.runs;
            let last = last.get(self.job.index());
            if last == self.run {
                return None;
            }
            let before = if self.run == NONE { last } else { self.run };
            self.run = further.get(before as usize)?.next;
            self.edge = further.get(self.run as usize)?.first;
        }
    }
}
