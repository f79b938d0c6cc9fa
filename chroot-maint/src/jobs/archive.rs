//! The job that looks what an archive has: one for all chroots whose packages come from it.

use jobsched::{Job, Work};

use super::Program;
use crate::spec::{ArchiveId, JobName};

/// Fetches what has changed of an archive's indexes. There is no way to know beforehand that nothing has.
pub(super) struct ArchiveJob {
    pub(super) id: ArchiveId,
    pub(super) program: Program,
}

impl Job for ArchiveJob {
    fn name(&self) -> String {
        JobName::Archive(self.id.clone()).to_string()
    }

    fn run(&mut self) -> Work {
        self.program.body(&JobName::Archive(self.id.clone())).into()
    }
}
