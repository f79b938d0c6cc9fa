//! A job's answer to the question whether it can run now.

use super::Reason;

/// A job's answer to the question whether it can run now.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Check(pub(crate) Answer);

/// The answers; kept inside so that more may come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    Ready,
    ReadyBecause(Reason),
    Done(Option<Reason>),
    Failed(Reason),
    Sleep(Reason),
}

impl Check {
    /// It may run at any time from now on.
    pub fn ready() -> Self {
        Self(Answer::Ready)
    }

    /// The same, and why there is something to do: what a dry run says of it.
    pub fn ready_because(reason: impl Into<Reason>) -> Self {
        Self(Answer::ReadyBecause(reason.into()))
    }

    /// There is nothing to do.
    pub fn done() -> Self {
        Self(Answer::Done(None))
    }

    /// There is nothing to do, for a reason worth printing.
    pub fn done_because(reason: impl Into<Reason>) -> Self {
        Self(Answer::Done(Some(reason.into())))
    }

    /// It can't be run at all.
    pub fn failed(reason: impl Into<Reason>) -> Self {
        Self(Answer::Failed(reason.into()))
    }

    /// It can't run now. The job has arranged to be asked again: it needs a job that is not
    /// finished, has set a time, or has given a [`Waker`](crate::Waker) to somebody. Without any of
    /// these it sleeps for good, and the run ends with a report of that.
    pub fn sleep(reason: impl Into<Reason>) -> Self {
        Self(Answer::Sleep(reason.into()))
    }
}
