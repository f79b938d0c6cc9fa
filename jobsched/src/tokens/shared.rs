//! What a job is given that may take tokens from the pool by itself.
//!
//! Knows the words and the numbers of the descriptors. Does not start the job, and does not
//! know whether it can reach the pool: descriptors and paths may not survive a chroot.

use std::ffi::{OsStr, OsString};
use std::num::NonZeroUsize;
use std::os::fd::RawFd;

use super::makeflags::{self, Auth, JobsWord, Place};

/// The share of one job in a pool. Valid as long as the [`Tokens`](super::Tokens) it is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shared {
    jobs: Option<JobsWord>,
    auth: Option<Auth>,
    descriptors: Vec<RawFd>,
}

impl Shared {
    /// `-j` and nothing else.
    pub(super) fn unlimited() -> Self {
        Self { jobs: Some(JobsWord::Unlimited), auth: None, descriptors: Vec::new() }
    }

    /// A pool of ours, with our `-jN`.
    pub(super) fn own(slots: NonZeroUsize, [read, write]: [RawFd; 2]) -> Self {
        Self {
            jobs: Some(JobsWord::AtMost(slots)),
            auth: Some(Auth::pipe(read, write)),
            descriptors: vec![read, write],
        }
    }

    /// The pool that we were given, by the word with which we were given it.
    pub(super) fn inherited(auth: Auth) -> Self {
        let descriptors = match *auth.place() {
            Place::Pipe { read, write } => vec![read, write],
            _ => Vec::new(),
        };
        Self { jobs: None, auth: Some(auth), descriptors }
    }

    /// The job's `MAKEFLAGS`, from what it would have been (empty if it would have had none).
    pub(crate) fn makeflags(&self, value: &OsStr) -> OsString {
        makeflags::with_jobserver(value, self.jobs, self.auth.as_ref())
    }

    /// The numbers that must be open in the job under the same numbers: not close-on-exec there.
    pub(crate) fn descriptors(&self) -> &[RawFd] {
        &self.descriptors
    }
}
