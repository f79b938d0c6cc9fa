//! How a job ended. Knows what each ending means to a reader; doesn't know how it came about.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use nix::sys::signal::Signal;

/// A short text for a person: why a job sleeps, was refused, or had nothing to do.
///
/// A fragment in lower case without a full stop, such as ``waiting for job `a.o'``.
pub type Reason = Cow<'static, str>;

/// How a job ended.
///
/// The kinds stay distinct in every report: a job that failed is not a job that was never
/// allowed to start, and neither is one that the end of the run overtook.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// Its check found nothing to do, with a reason worth printing or none.
    UpToDate(Option<Reason>),
    /// Its process ended with exit status 0.
    Succeeded {
        /// How many times it was started: 1, unless it has [retries](crate::Plan::retries).
        tries: u32,
    },
    /// It would have run, but this was a dry run. With the reason why, if its check gave one. Counts as won.
    WouldRun(Option<Reason>),
    /// It ran and failed, or could not be started.
    Failed {
        /// What went wrong, the last time if there were several.
        failure: Failure,
        /// How many times it was, or was to be, started: 1, unless it has
        /// [retries](crate::Plan::retries).
        tries: u32,
    },
    /// Its own check refused, or a prerequisite did not win.
    Refused(Reason),
    /// The run ended before its turn came.
    Cancelled(Cancellation),
}

/// What went wrong with a job that was to run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// The process ended with this exit status, 1 to 255.
    Exit(i32),
    /// The process was ended by the signal of this number.
    Signal(i32),
    /// The process did not end within its [time limit](crate::Work::time_limit), and was ended.
    TimeLimit {
        /// The limit.
        limit: Duration,
    },
    /// The process could not be started.
    NotStarted {
        /// The error number of the operating system, if it was one of its errors.
        errno: Option<i32>,
        /// What was tried and what the system said.
        message: Reason,
    },
    /// The process ended, but its status was taken by somebody else: the host process ignores
    /// `SIGCHLD` or waits for children that are not its own.
    StatusLost,
}

/// Why a job was not run although nothing was wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cancellation {
    /// Another job failed, and the policy is to start nothing new after that.
    OtherFailed,
    /// A signal of this number, or [`Handle::cancel`](crate::Handle::cancel) (number 0).
    Interrupted(i32),
    /// Nothing could ever have woken it.
    Stalled,
    /// The jobserver is gone: there will be no more slots.
    JobserverLost,
}

impl Outcome {
    /// Whether dependents may run: the job is up to date, succeeded, or would have run.
    pub fn won(&self) -> bool {
        matches!(self, Self::UpToDate(_) | Self::Succeeded { .. } | Self::WouldRun(_))
    }

    /// Whether this counts as an error: the job failed or was refused.
    pub fn is_error(&self) -> bool {
        matches!(self, Self::Failed { .. } | Self::Refused(_))
    }

    /// One word for the kind, as it is used in machine-readable reports: `up-to-date`,
    /// `succeeded`, `would-run`, `failed`, `refused`, `cancelled`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::UpToDate(_) => "up-to-date",
            Self::Succeeded { .. } => "succeeded",
            Self::WouldRun(_) => "would-run",
            Self::Failed { .. } => "failed",
            Self::Refused(_) => "refused",
            Self::Cancelled(_) => "cancelled",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UpToDate(None) => f.write_str("up to date"),
            Self::UpToDate(Some(reason)) | Self::Refused(reason) => f.write_str(reason),
            Self::Succeeded { tries } => write!(f, "succeeded{}", After(*tries)),
            Self::WouldRun(None) => f.write_str("would run"),
            Self::WouldRun(Some(reason)) => write!(f, "would run: {reason}"),
            Self::Failed { failure, tries } => write!(f, "{failure}{}", After(*tries)),
            Self::Cancelled(why) => write!(f, "cancelled: {why}"),
        }
    }
}

/// How many tries it took, if more than one.
struct After(u32);

impl fmt::Display for After {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 > 1 { write!(f, " after {} tries", self.0) } else { Ok(()) }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exit(status) => write!(f, "exit status {status}"),
            Self::Signal(number) => match Signal::try_from(*number) {
                Ok(signal) => write!(f, "killed by signal {number} ({signal})"),
                Err(_) => write!(f, "killed by signal {number}"),
            },
            Self::TimeLimit { limit } => {
                write!(f, "not done within its time limit of {} s", limit.as_secs_f64())
            }
            Self::NotStarted { message, .. } => write!(f, "could not be started: {message}"),
            Self::StatusLost => {
                f.write_str("ended, but its exit status was taken by somebody else")
            }
        }
    }
}

impl fmt::Display for Cancellation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherFailed => f.write_str("another job failed"),
            Self::Interrupted(0) => f.write_str("the run was cancelled"),
            Self::Interrupted(number) => match Signal::try_from(*number) {
                Ok(signal) => write!(f, "interrupted by {signal}"),
                Err(_) => write!(f, "interrupted by signal {number}"),
            },
            Self::Stalled => f.write_str("nothing could wake it"),
            Self::JobserverLost => f.write_str("the jobserver is gone"),
        }
    }
}
