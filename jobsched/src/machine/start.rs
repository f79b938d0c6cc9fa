//! Which of the ready jobs may start: it is the turn of one, the pools have what it takes, and
//! nothing holds it back. Doesn't know where slots come from.

use std::time::Duration;

use super::{BadClaim, Machine, State};
use crate::job::JobId;

impl Machine {
    /// How long a job is expected to run. To be said before it is ready.
    pub(crate) fn expect(&mut self, job: JobId, duration: Duration) {
        self.ready.expect(job, duration);
    }

    /// Makes a pool, or gives the one of that name another capacity.
    pub(crate) fn add_pool(&mut self, name: &str, capacity: usize) {
        self.pools.add(name, capacity);
    }

    /// Says that a job, while it runs, takes so much of a pool. Of use only before it is ready.
    pub(crate) fn claim(&mut self, job: JobId, pool: &str, amount: usize) -> Result<(), BadClaim> {
        self.pools.claim(job, pool, amount)
    }

    /// Whether a job is ready that could start in a slot.
    pub(crate) fn wants_slot(&mut self) -> bool {
        if self.stop.is_some() || (self.held.is_some() && self.counts.running > 0) {
            return false;
        }
        let Self { ready, pools, nodes, graph, .. } = self;
        let is_ready =
            |job: JobId| nodes.get(job.index()).is_some_and(|node| node.state == State::Ready);
        let mut called = Vec::new();
        while let Some(turn) = ready.peek(graph, is_ready) {
            if pools.admits(turn, |turn| ready.counts(turn) && is_ready(turn.job()), &mut called) {
                return true;
            }
            ready.pop();
            for turn in called.drain(..) {
                ready.put_back(turn);
            }
        }
        false
    }

    /// Whether a job is ready, be it that nothing may start for now.
    pub(crate) fn has_ready(&self) -> bool {
        self.counts.ready > 0 && self.stop.is_none()
    }

    pub(super) fn start_next(&mut self) {
        if !self.wants_slot() {
            return;
        }
        let Some(turn) = self.ready.pop() else { return };
        let job = turn.job();
        self.set(job, State::Running);
        let Self { ready, pools, nodes, .. } = self;
        let mut called = Vec::new();
        let is_ready =
            |job: JobId| nodes.get(job.index()).is_some_and(|node| node.state == State::Ready);
        pools.take(job, |turn| ready.counts(turn) && is_ready(turn.job()), &mut called);
        for turn in called {
            ready.put_back(turn);
        }
        self.effects.start_first(job);
    }

    pub(super) fn give_back_pools(&mut self, job: JobId) {
        let Self { ready, pools, nodes, .. } = self;
        let mut called = Vec::new();
        let is_ready =
            |job: JobId| nodes.get(job.index()).is_some_and(|node| node.state == State::Ready);
        pools.give_back(job, |turn| ready.counts(turn) && is_ready(turn.job()), &mut called);
        for turn in called {
            ready.put_back(turn);
        }
    }
}
