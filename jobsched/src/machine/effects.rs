//! The effects that wait to be carried out. A graph is often built whole before anything is done, so
//! that there are as many as there are jobs: the common ones are kept small. Doesn't know what they
//! mean.

use std::collections::VecDeque;

use super::Effect;
use crate::job::JobId;

/// A queue of effects.
#[derive(Default)]
pub(super) struct Effects {
    queue: VecDeque<Small>,
    /// Those for which `Other` stands in the queue.
    others: VecDeque<Effect>,
}

/// An effect in eight bytes.
enum Small {
    Sleeping(JobId),
    Start(JobId),
    Finished(JobId),
    Other,
}

impl Effects {
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(super) fn push_back(&mut self, effect: Effect) {
        self.queue.push_back(match effect {
            Effect::Sleeping(job) => Small::Sleeping(job),
            Effect::Start(job) => Small::Start(job),
            Effect::Finished(job) => Small::Finished(job),
            other => {
                self.others.push_back(other);
                Small::Other
            }
        });
    }

    /// Puts a start before all else.
    pub(super) fn start_first(&mut self, job: JobId) {
        self.queue.push_front(Small::Start(job));
    }

    pub(super) fn pop_front(&mut self) -> Option<Effect> {
        match self.queue.pop_front()? {
            Small::Sleeping(job) => Some(Effect::Sleeping(job)),
            Small::Start(job) => Some(Effect::Start(job)),
            Small::Finished(job) => Some(Effect::Finished(job)),
            Small::Other => self.others.pop_front(),
        }
    }
}
