//! How jobs come to an end, and what becomes of those that need them: refused, asked, or left to wait;
//! and of all that is left when a run ends early or nothing can wake anybody. Starts nothing.

use super::{Effect, Ending, Machine, State};
use crate::job::{Cancellation, JobId};

impl Machine {
    /// Finishes a job, and with it all those that can't run because of that, one after the other.
    pub(super) fn finish(&mut self, job: JobId, ending: Ending) {
        let mut due = std::mem::take(&mut self.due);
        due.push_back((job, ending));
        while let Some((job, ending)) = due.pop_front() {
            if self.state(job) == Some(State::Finished) {
                continue;
            }
            self.end(job, ending);
            if ending.is_error() && !self.policy.keep_going && !self.policy.ignore_errors {
                self.stop.get_or_insert(Cancellation::OtherFailed);
            }
            let lost = self.is_lost(job);
            let mut dependents = self.graph.dependents(job);
            while let Some(dependent) = dependents.next(&self.graph) {
                let left = self.graph.one_finished(dependent);
                if left > 0 && !lost {
                    continue;
                }
                match self.state(dependent) {
                    Some(State::Sleeping) if lost => {
                        due.push_back((dependent, Ending::RefusedFor(job)));
                    }
                    Some(State::Sleeping) => self.ask(dependent),
                    Some(State::Checking) if lost => {
                        self.lost.entry(dependent).or_insert(job);
                    }
                    _ => {}
                }
            }
        }
        self.due = due;
    }

    /// Ends everything that has not begun. Nothing may be running.
    pub(super) fn cancel_all(&mut self, why: Cancellation) {
        self.ready.clear();
        self.pools.clear();
        self.checks.clear();
        for job in self.graph.jobs() {
            if self.state(job) != Some(State::Finished) {
                self.end(job, Ending::Cancelled(why));
            }
        }
    }

    pub(super) fn stall(&mut self) {
        if !self.all_asleep() || self.stop.is_some() {
            return;
        }
        let cycle = self.graph.cycle(|job| self.state(job) == Some(State::Sleeping));
        self.effects.push_back(Effect::Stalled(cycle));
        self.stop.get_or_insert(Cancellation::Stalled);
    }

    fn end(&mut self, job: JobId, ending: Ending) {
        if !ending.has_words() {
            self.words.remove(&job);
        }
        self.set(job, State::Finished);
        self.graph.finish(job);
        if let Some(node) = self.nodes.get_mut(job.index()) {
            node.ending = ending;
        }
        self.counts.ended(ending);
        self.effects.push_back(Effect::Finished(job));
    }

    /// Whether it is finished but didn't win, and that matters.
    pub(super) fn is_lost(&self, job: JobId) -> bool {
        let ending = self.nodes.get(job.index()).map(|node| node.ending);
        !self.policy.ignore_errors && ending.is_some_and(|ending| !ending.won())
    }
}
