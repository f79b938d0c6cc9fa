//! Everything that can go wrong with a scheduler as a whole. What goes wrong with one job is an
//! [`Outcome`](crate::Outcome).

use std::io;
use std::path::PathBuf;

use crate::job::JobId;

/// What can go wrong with a scheduler as a whole.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Two jobs of different types have the same name.
    #[error(
        "job `{name}' is already there as a {existing}, so that a {new} can't have the same name"
    )]
    NameClash {
        /// The name.
        name: String,
        /// The type of the job that has the name.
        existing: &'static str,
        /// The type of the job that was to have it.
        new: &'static str,
    },

    /// A job's name is empty.
    #[error("a {job_type} has an empty name; jobs are told apart by their names")]
    EmptyName {
        /// The type of the job.
        job_type: &'static str,
    },

    /// An id that isn't of this scheduler.
    #[error("there is no job {job:?} in this scheduler; ids of another one mean nothing here")]
    UnknownJob {
        /// The id.
        job: JobId,
    },

    /// There is no room for another job or prerequisite: 2^32 - 1 of either, 4 GiB of names.
    #[error(
        "failed to add job `{name}': the graph is full (4 GiB of names, 4294967295 jobs and as many prerequisites)"
    )]
    TooManyJobs {
        /// The name of the job.
        name: String,
    },

    /// A limit that nothing could be measured against.
    #[error("{value} is no limit of {what}; give a number of 0 or more")]
    BadLimit {
        /// What was to be limited.
        what: &'static str,
        /// The limit.
        value: f64,
    },

    /// A job takes something of a pool that nobody has made.
    #[error(
        "job `{job}' takes from pool `{pool}', which does not exist; make it with `Builder::pool'"
    )]
    NoSuchPool {
        /// The name of the job.
        job: String,
        /// The name that it gave.
        pool: String,
    },

    /// A job takes more of a pool than there is.
    #[error("job `{job}' takes more of pool `{pool}' than its capacity of {capacity}")]
    PoolTooSmall {
        /// The name of the job.
        job: String,
        /// The name of the pool.
        pool: String,
        /// How much there is.
        capacity: usize,
    },

    /// A job's plan panicked.
    #[error("job `{name}' panicked in its plan: {message}")]
    PlanPanicked {
        /// The name of the job.
        name: String,
        /// What the panic said.
        message: String,
    },

    /// The log directory can't be used.
    #[error("failed to use {path} as log directory: {source}")]
    LogDir {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// The number of slots makes no sense.
    #[error("the number of jobs to run at once must be at least 1")]
    NoSlots,

    /// The system refused something that a scheduler can't do without.
    #[error("failed to {what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },

    /// An error of a job's own, made by [`Error::other`].
    #[error(transparent)]
    Other(Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// An error of a job's own, for [`Job::plan`](crate::Job::plan) to answer with.
    pub fn other(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Other(error.into())
    }

    pub(crate) fn system(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::System { what, source }
    }

    /// The same for the error numbers that `nix` answers with.
    pub(crate) fn errno(what: &'static str) -> impl FnOnce(nix::Error) -> Self {
        move |errno| Self::System { what, source: errno.into() }
    }
}
