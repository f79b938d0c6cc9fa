//! Jobs that are tried again when they fail. Knows no clock: how long to wait is handed on.

use super::{Effect, Ending, Machine, State, words};
use crate::job::{JobId, Retries};

/// How often a job may be tried, and was.
#[derive(Debug)]
pub(super) struct Tries {
    retries: Retries,
    /// How many tries have ended.
    made: u32,
    /// Whether it sleeps until the next.
    backs_off: bool,
}

impl Machine {
    /// How often a job is tried again if it fails. Of use only before it starts.
    pub(crate) fn set_retries(&mut self, job: JobId, retries: Retries) {
        self.tries.insert(job, Tries { retries, made: 0, backs_off: false });
    }

    /// How many tries of a job have ended, if it may be tried more than once.
    pub(crate) fn tries_made(&self, job: JobId) -> Option<u32> {
        self.tries.get(&job).map(|tries| tries.made)
    }

    /// Whether a job sleeps because it failed and is to be tried again.
    pub(crate) fn backs_off(&self, job: JobId) -> bool {
        self.tries.get(&job).is_some_and(|tries| tries.backs_off)
    }

    /// Counts a try of a job that could not even be started.
    pub(super) fn count_try(&mut self, job: JobId) {
        if let Some(tries) = self.tries.get_mut(&job) {
            tries.made += 1;
        }
    }

    /// Sends a job that failed to sleep, if it is to be tried again.
    pub(super) fn try_again(&mut self, job: JobId, ending: Ending) -> bool {
        let Some(tries) = self.tries.get_mut(&job) else {
            return false;
        };
        tries.made += 1;
        let Tries { retries, made, .. } = *tries;
        if ending.won() || made > retries.count() || self.stop.is_some() {
            return false;
        }
        tries.backs_off = true;
        let failure = words::failure(ending, "".into());
        self.words.insert(job, format!("to be tried again after {failure}").into());
        self.set(job, State::Sleeping);
        self.effects.push_back(Effect::Retry(job, ending, retries.delay(made)));
        true
    }

    pub(super) fn wake_to_retry(&mut self, job: JobId) {
        if let Some(tries) = self.tries.get_mut(&job) {
            tries.backs_off = false;
        }
        self.words.remove(&job);
        self.ask(job);
    }
}
