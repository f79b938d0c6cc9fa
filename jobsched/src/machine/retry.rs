//! Jobs that are tried again when they fail. Knows no clock: how long to wait is handed on.

use std::time::Duration;

use super::{Effect, Ending, Machine, State, words};
use crate::job::{JobId, Retries};

/// How often a job may be tried, and was.
#[derive(Debug, Default)]
pub(super) struct Tries {
    /// What was asked for, each with how much of it has been used up.
    rules: Vec<(Retries, u32)>,
    /// How many tries have ended.
    made: u32,
    /// Whether it sleeps until the next.
    backs_off: bool,
}

impl Machine {
    /// How often a job is tried again if it fails, beside what was said before. Of use only before it starts.
    pub(crate) fn add_retries(&mut self, job: JobId, retries: Retries) {
        self.tries.entry(job).or_default().rules.push((retries, 0));
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
        if ending.won() || self.stop.is_some() {
            return false;
        }
        let Some(delay) = tries.use_up(ending) else {
            return false;
        };
        tries.backs_off = true;
        let failure = words::failure(ending, "".into());
        self.words.insert(job, format!("to be tried again after {failure}").into());
        self.set(job, State::Sleeping);
        self.effects.push_back(Effect::Retry(job, ending, delay));
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

impl Tries {
    /// Uses up a retry that is for such an ending, if there is one, and gives how long to wait before it.
    fn use_up(&mut self, ending: Ending) -> Option<Duration> {
        let fits = |retries: &Retries| match ending {
            Ending::Exit(status) => retries.fit(status),
            _ => retries.fit_all(),
        };
        let mut left = self.rules.iter_mut().filter(|(retries, used)| *used < retries.count());
        let (retries, used) = left.find(|(retries, _)| fits(retries))?;
        *used += 1;
        Some(retries.delay(*used))
    }
}
