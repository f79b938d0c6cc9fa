//! What the facts about a chroot come to: one word on its state. Does not know how it is shown.

use super::look::Row;
use crate::{
    spec::{FailureClass, OutcomeFailure},
    store::{Action, Outcome},
};

/// The state of a chroot. The first that holds is the one to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Somebody works on it.
    Working,
    /// What is known of it can't be read.
    Broken,
    /// A run was killed over it. What was in use before still is.
    Interrupted,
    /// The last work on it came to nothing. What was in use before still is.
    Failed(FailureClass),
    /// There is none yet.
    Missing,
    /// It is there, and nothing went wrong since.
    Good(Good),
}

/// What happened last to a chroot in a good state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Good {
    /// Work was done.
    Did(Action),
    /// It was looked at, and there was nothing to do.
    Checked,
    /// It was made; more is not known.
    Made,
}

impl Row {
    pub(super) fn state(&self) -> State {
        if self.holder.is_some() {
            State::Working
        } else if !self.faults.is_empty() {
            State::Broken
        } else if !self.unfinished.is_empty() {
            State::Interrupted
        } else if let Some((_, failure)) = self.failure() {
            State::Failed(failure.class)
        } else if self.current.is_none() {
            State::Missing
        } else {
            State::Good(self.good())
        }
    }

    /// The failure of the last work, unless the chroot was made or found well since.
    pub(super) fn failure(&self) -> Option<(&Outcome, &OutcomeFailure)> {
        let outcome = self.outcome.as_ref()?;
        let failure = outcome.failure.as_ref()?;
        (outcome.at >= self.well_since().unwrap_or(0)).then_some((outcome, failure))
    }

    /// The log of the work that failed: the newest, unless that work left none and the newest is older.
    pub(super) fn log_of(&self, outcome: &Outcome) -> Option<&std::path::Path> {
        self.log.as_ref()?.of(outcome)
    }

    /// When it was last made or found to be as it should be.
    fn well_since(&self) -> Option<u64> {
        let record = &self.current.as_ref()?.record;
        Some((record.created + record.took).max(self.checked.unwrap_or(0)))
    }

    fn good(&self) -> Good {
        let created = self.current.as_ref().map_or(0, |current| current.record.created);
        let last = self.outcome.as_ref().filter(|outcome| {
            // A run that was killed between its last step and its report left an older one.
            outcome.failure.is_none() && outcome.at >= self.well_since().unwrap_or(0)
        });
        match last {
            Some(Outcome { action: Action::HandOut, .. }) => Good::Did(Action::HandOut),
            // A run that found nothing to do made no generation.
            Some(outcome) if created >= outcome.at.saturating_sub(outcome.took + 1) => {
                Good::Did(outcome.action)
            }
            Some(_) => Good::Checked,
            None if self.checked > Some(created) => Good::Checked,
            None => Good::Made,
        }
    }
}
