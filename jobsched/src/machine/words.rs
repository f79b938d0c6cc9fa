//! The state of a job in words: how it ended, or why it doesn't run. Changes nothing.

use std::fmt;
use std::time::Duration;

use super::{Ending, Machine, State};
use crate::job::{Failure, JobId, Outcome, Reason};

impl Machine {
    /// How a job ended, if it did.
    pub(crate) fn outcome(&self, job: JobId) -> Option<Outcome> {
        let node = self.nodes.get(job.index()).filter(|node| node.state == State::Finished)?;
        let words = || self.words.get(&job).cloned();
        Some(match node.ending {
            Ending::UpToDate => Outcome::UpToDate(words()),
            Ending::Succeeded => Outcome::Succeeded { tries: self.tries(job) },
            Ending::WouldRun => Outcome::WouldRun(words()),
            Ending::Exit(_)
            | Ending::Signal(_)
            | Ending::TimeLimit { .. }
            | Ending::StatusLost
            | Ending::NotStarted(_) => Outcome::Failed {
                failure: failure(node.ending, words().unwrap_or_default()),
                tries: self.tries(job),
            },
            Ending::Refused => Outcome::Refused(words().unwrap_or_default()),
            Ending::RefusedFor(prerequisite) => {
                let name = self.graph.name(prerequisite);
                Outcome::Refused(format!("dependent on failed job `{name}'").into())
            }
            Ending::Cancelled(why) => Outcome::Cancelled(why),
        })
    }

    /// How often a job has been started.
    fn tries(&self, job: JobId) -> u32 {
        self.tries_made(job).unwrap_or(1)
    }

    fn why_not_started(&self, job: JobId, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((pool, used, capacity)) = self.pools.lacking(job) {
            write!(f, "waiting for pool `{pool}', of which {used} of {capacity} are taken")
        } else if let Some(reason) = &self.held {
            write!(f, "held back: {reason}")
        } else {
            f.write_str("waiting for a slot")
        }
    }

    /// Why a job doesn't run, as a text that is made when it is asked for.
    pub(crate) fn why(&self, job: JobId) -> Why<'_> {
        Why { machine: self, job }
    }
}

/// What went wrong, of an ending of a job that ran or was to run; the words are those that belong to
/// the ending.
pub(crate) fn failure(ending: Ending, words: Reason) -> Failure {
    match ending {
        Ending::Exit(status) => Failure::Exit(status),
        Ending::Signal(number) => Failure::Signal(number),
        Ending::TimeLimit { millis } => {
            Failure::TimeLimit { limit: Duration::from_millis(millis.into()) }
        }
        Ending::NotStarted(errno) => Failure::NotStarted { errno, message: words },
        _ => Failure::StatusLost,
    }
}

/// Why a job doesn't run: [`Machine::why`].
#[derive(Clone, Copy)]
pub(crate) struct Why<'a> {
    machine: &'a Machine,
    job: JobId,
}

impl fmt::Display for Why<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { machine, job } = *self;
        match machine.state(job) {
            None => f.write_str("not known"),
            Some(State::Checking) => f.write_str("about to be checked"),
            Some(State::Ready) => machine.why_not_started(job, f),
            Some(State::Running) => f.write_str("running"),
            Some(State::Finished) => f.write_str("finished"),
            Some(State::Sleeping) => {
                let unfinished =
                    |&job: &JobId| machine.state(job).is_some_and(|state| state != State::Finished);
                match (machine.graph.prerequisites(job).find(unfinished), machine.words.get(&job)) {
                    (Some(other), _) => {
                        write!(f, "waiting for job `{}'", machine.graph.name(other))
                    }
                    (None, Some(reason)) => f.write_str(reason),
                    (None, None) => f.write_str("asleep"),
                }
            }
        }
    }
}

impl fmt::Debug for Why<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
