//! The limit of open files: raised while a run may need more, put back afterwards, and what it was
//! for children. Doesn't know who opens what.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Descriptors left to others: checks, observers, the host.
const RESERVE: u64 = 24;
/// Descriptors that a running job needs: two pipes, its log, its process; two more while it starts.
const PER_JOB: u64 = 4;

/// The limit of open files of this process, for the time of a run.
#[derive(Debug)]
pub(crate) struct FileLimit {
    /// Soft and hard limit as they were, if the soft one was raised.
    raised_from: Option<(u64, u64)>,
    /// How many jobs may run at once.
    jobs: usize,
}

impl FileLimit {
    /// Makes room for that many jobs at once, as far as the hard limit allows; `None` for as many as
    /// possible.
    pub(crate) fn for_jobs(jobs: Option<usize>) -> Self {
        let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else {
            // Then the limit shows itself when it is reached.
            return Self { raised_from: None, jobs: usize::MAX };
        };
        let open = open_files().saturating_add(RESERVE);
        let wanted = jobs
            .and_then(|jobs| u64::try_from(jobs).ok()?.checked_mul(PER_JOB)?.checked_add(open))
            .unwrap_or(hard);
        let mut limit = soft;
        let mut raised_from = None;
        if wanted > soft && hard > soft && setrlimit(Resource::RLIMIT_NOFILE, hard, hard).is_ok() {
            limit = hard;
            raised_from = Some((soft, hard));
        }
        let jobs = usize::try_from(limit.saturating_sub(open) / PER_JOB).unwrap_or(usize::MAX);
        Self { raised_from, jobs: jobs.max(1) }
    }

    /// How many jobs there are descriptors for: at least one.
    pub(crate) fn jobs(&self) -> usize {
        self.jobs
    }

    /// The soft and hard limit that children are to have, if it isn't the present one.
    pub(super) fn for_children(&self) -> Option<(u64, u64)> {
        self.raised_from
    }

    /// Does something while the soft limit is what it was, so that a child that is started by it
    /// inherits that. Descriptors above it stay open; only new ones can't be made.
    pub(super) fn lowered<T>(&self, act: impl FnOnce() -> T) -> T {
        let Some((soft, hard)) = self.raised_from else {
            return act();
        };
        // Within the hard limit a soft limit can always be set.
        let _ = setrlimit(Resource::RLIMIT_NOFILE, soft, hard);
        let answer = act();
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
        answer
    }
}

impl Drop for FileLimit {
    fn drop(&mut self) {
        if let Some((soft, hard)) = self.raised_from {
            let _ = setrlimit(Resource::RLIMIT_NOFILE, soft, hard);
        }
    }
}

/// How many descriptors this process has open.
fn open_files() -> u64 {
    let count = std::fs::read_dir("/proc/self/fd").map_or(64, Iterator::count);
    u64::try_from(count).unwrap_or(u64::MAX)
}
