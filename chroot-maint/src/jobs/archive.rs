//! The job that looks what a suite has: one for all chroots whose packages come from it.

use std::rc::Rc;

use jobsched::{Error, Job, Plan, Work};

use super::{Program, retries};
use crate::{
    config::Config,
    spec::{ArchiveId, JobName},
};

/// Fetches what has changed of a suite's indexes. There is no way to know beforehand that nothing has.
pub(super) struct ArchiveJob {
    pub(super) id: ArchiveId,
    pub(super) config: Rc<Config>,
    pub(super) program: Program,
}

impl Job for ArchiveJob {
    fn name(&self) -> String {
        JobName::Archive(self.id.clone()).to_string()
    }

    fn plan(&mut self, plan: &mut Plan<'_>) -> Result<(), Error> {
        retries::of_archive(plan, &self.config);
        Ok(())
    }

    fn run(&mut self) -> Work {
        self.program.body(&JobName::Archive(self.id.clone())).into()
    }
}
