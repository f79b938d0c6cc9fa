//! The jobs that try the scheduler on real processes: one that waits, and one that fails.

use jobsched::{Check, Checking, Error, Job, JobId, Plan, Work};

use super::Program;
use crate::spec::JobName;

/// A job whose body does nothing of use.
pub(super) struct TrialJob {
    pub(super) name: JobName,
    pub(super) needs: Vec<JobId>,
    pub(super) program: Program,
}

impl Job for TrialJob {
    fn name(&self) -> String {
        self.name.to_string()
    }

    fn plan(&mut self, plan: &mut Plan<'_>) -> Result<(), Error> {
        self.needs.iter().try_for_each(|&need| plan.needs_id(need))
    }

    fn check(&mut self, _: &mut Checking<'_>) -> Check {
        match &self.name {
            JobName::Sleep(nap) if nap.duration().is_zero() => {
                Check::done_because("no time to wait for")
            }
            _ => Check::ready(),
        }
    }

    fn run(&mut self) -> Work {
        self.program.body(&self.name).into()
    }
}
