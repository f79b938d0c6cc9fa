//! The states of a job, how it can end, and the counts of both. Knows no graph.

use crate::job::{Cancellation, JobId};

/// Where a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// It is being planned, waits to be asked, or is being asked.
    Checking,
    /// It waits for prerequisites, or for what its check arranged.
    Sleeping,
    /// It can start as soon as there is a slot.
    Ready,
    /// It has a slot.
    Running,
    /// It has ended; see [`Ending`].
    Finished,
}

/// How a job ended, in a few bytes: [`Outcome`](crate::Outcome) without the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    UpToDate,
    Succeeded,
    WouldRun,
    Exit(i32),
    Signal(i32),
    /// It was ended because it ran for longer than this, in milliseconds.
    TimeLimit {
        millis: u32,
    },
    NotStarted(Option<i32>),
    StatusLost,
    /// By its own check or plan.
    Refused,
    /// Because this prerequisite was lost.
    RefusedFor(JobId),
    Cancelled(Cancellation),
}

impl Ending {
    pub(crate) fn won(self) -> bool {
        matches!(self, Self::UpToDate | Self::Succeeded | Self::WouldRun)
    }

    pub(crate) fn is_error(self) -> bool {
        !self.won() && !matches!(self, Self::Cancelled(_))
    }

    /// Whether there may be words that belong to it.
    pub(crate) fn has_words(self) -> bool {
        matches!(self, Self::UpToDate | Self::WouldRun | Self::Refused | Self::NotStarted(_))
    }
}

/// How many jobs are in each state, and how many ended in which way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) checking: usize,
    pub(crate) sleeping: usize,
    pub(crate) ready: usize,
    pub(crate) running: usize,
    pub(crate) finished: usize,
    pub(crate) up_to_date: usize,
    pub(crate) succeeded: usize,
    pub(crate) would_run: usize,
    pub(crate) failed: usize,
    pub(crate) refused: usize,
    pub(crate) cancelled: usize,
}

impl Counts {
    pub(crate) fn unfinished(&self) -> usize {
        self.checking + self.sleeping + self.ready + self.running
    }

    pub(super) fn entered(&mut self, state: State) {
        *self.of(state) += 1;
    }

    pub(super) fn left(&mut self, state: State) {
        *self.of(state) -= 1;
    }

    pub(super) fn ended(&mut self, ending: Ending) {
        *match ending {
            Ending::UpToDate => &mut self.up_to_date,
            Ending::Succeeded => &mut self.succeeded,
            Ending::WouldRun => &mut self.would_run,
            Ending::Exit(_)
            | Ending::Signal(_)
            | Ending::TimeLimit { .. }
            | Ending::NotStarted(_)
            | Ending::StatusLost => &mut self.failed,
            Ending::Refused | Ending::RefusedFor(_) => &mut self.refused,
            Ending::Cancelled(_) => &mut self.cancelled,
        } += 1;
    }

    fn of(&mut self, state: State) -> &mut usize {
        match state {
            State::Checking => &mut self.checking,
            State::Sleeping => &mut self.sleeping,
            State::Ready => &mut self.ready,
            State::Running => &mut self.running,
            State::Finished => &mut self.finished,
        }
    }
}
