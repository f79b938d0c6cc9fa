//! Who needs each job: the edges once more, by prerequisite. Knows nothing of what jobs need.
//!
//! Most edges are there before the first job is finished. They are sorted in one pass, when that
//! happens, into an array in which the dependents of one job are neighbours; before that, adding an
//! edge costs nothing here. Edges that come later are linked in lists, until they are so many that
//! sorting all again costs each of them no more than a constant.

use super::heads::{Heads, NONE};
use super::{Edge, Graph};
use crate::job::JobId;

/// The edges by prerequisite.
#[derive(Default)]
pub(super) struct Index {
    /// The dependents of all jobs, by job and then in the order of their coming.
    sorted: Vec<JobId>,
    /// By job: where its dependents begin in `sorted`; they end where those of the next job begin.
    /// One entry more than there were jobs, or none.
    starts: Vec<u32>,
    /// By job: the last in its list of edges that came after those in `sorted`.
    last: Heads,
    /// Those edges. As many as are in `sorted` come before them in the graph, and some may come
    /// after them that are in neither.
    linked: Vec<Link>,
}

struct Link {
    dependent: JobId,
    /// The next edge with the same prerequisite; after the last comes the first again.
    next: u32,
}

impl Index {
    /// How many of the edges are in here.
    fn len(&self) -> usize {
        self.sorted.len() + self.linked.len()
    }

    /// Brings in the edges that came since the last time.
    pub(super) fn update(&mut self, edges: &[Edge], jobs: usize) {
        if self.len() == edges.len() {
            return;
        }
        let late = edges.len() - self.sorted.len();
        // Sorting looks at all jobs and edges, thus at no more than three for each late one.
        if 2 * late >= self.sorted.len() + jobs {
            self.sort(edges, jobs);
        } else {
            for edge in &edges[self.len()..] {
                self.link(edge);
            }
        }
    }

    /// Reads where the dependents of a job are, and one of them.
    pub(super) fn touch(&self, job: JobId) -> u32 {
        let start = self.starts.get(job.index()).copied().unwrap_or(0);
        self.sorted.get(start as usize).map_or(0, |dependent| dependent.0)
    }

    fn sort(&mut self, edges: &[Edge], jobs: usize) {
        self.last.clear();
        self.linked = Vec::new();
        self.starts.clear();
        self.starts.resize(jobs + 1, 0);
        for edge in edges {
            self.starts[edge.prerequisite.index()] += 1;
        }
        // Now each entry is a number of dependents. Make it the place after the last of them...
        let mut end = 0;
        for start in &mut self.starts {
            end += *start;
            *start = end;
        }
        // ... and then fill from the end, so that it is that of the first when all are there.
        self.sorted.clear();
        self.sorted.resize(edges.len(), JobId(0));
        for edge in edges.iter().rev() {
            let place = &mut self.starts[edge.prerequisite.index()];
            *place -= 1;
            self.sorted[*place as usize] = edge.dependent;
        }
    }

    fn link(&mut self, edge: &Edge) {
        // There are fewer than 2^32 edges.
        #[expect(clippy::cast_possible_truncation)]
        let number = self.linked.len() as u32;
        let before = self.last.replace(edge.prerequisite.index(), number);
        let next = match self.linked.get_mut(before as usize) {
            Some(before) => std::mem::replace(&mut before.next, number),
            None => number,
        };
        self.linked.push(Link { dependent: edge.dependent, next });
    }
}

/// A place among the dependents of a job. It borrows nothing; but it is good only until the graph is
/// told that another job is finished, since that may sort the edges.
#[derive(Clone, Copy)]
pub(crate) struct Dependents {
    job: JobId,
    /// What is left of the job's part of `sorted`.
    start: u32,
    end: u32,
    /// The link that was told last.
    link: u32,
    /// How many edges of the graph were looked at, once those that are in no index are at hand.
    looked_at: usize,
}

impl Dependents {
    pub(super) fn new(graph: &Graph, job: JobId) -> Self {
        let starts = &graph.index.starts;
        let start = starts.get(job.index()).copied().unwrap_or(0);
        let end = starts.get(job.index() + 1).copied().unwrap_or(start);
        Self { job, start, end, link: NONE, looked_at: graph.index.len() }
    }

    pub(crate) fn next(&mut self, graph: &Graph) -> Option<JobId> {
        let index = &graph.index;
        if self.start < self.end {
            let dependent = index.sorted.get(self.start as usize).copied();
            self.start += 1;
            return dependent;
        }
        let last = index.last.get(self.job.index());
        if last != self.link {
            let before = if self.link == NONE { last } else { self.link };
            self.link = index.linked.get(before as usize)?.next;
            return index.linked.get(self.link as usize).map(|link| link.dependent);
        }
        while let Some(edge) = graph.edges.get(self.looked_at) {
            self.looked_at += 1;
            if edge.prerequisite == self.job {
                return Some(edge.dependent);
            }
        }
        None
    }
}
