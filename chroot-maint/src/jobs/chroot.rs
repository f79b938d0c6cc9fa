//! The job that makes a chroot. Decides whether there is something to do; its body does it.

use std::rc::Rc;

use jobsched::{Check, Checking, Job, Work};

use super::{ArchiveJob, Program};
use crate::{
    config::Config,
    outputs,
    sandbox::{Sandbox, SandboxError},
    spec::{ArchiveId, ChrootId, JobName},
    store::Store,
};

/// A chroot as the config wants it.
pub(super) struct ChrootJob {
    pub(super) id: ChrootId,
    pub(super) config: Rc<Config>,
    pub(super) program: Program,
}

impl Job for ChrootJob {
    fn name(&self) -> String {
        JobName::Chroot(self.id.clone()).to_string()
    }

    /// Reads the record of the generation in use and nothing else, without a lock. Only what has to be made needs the
    /// archive.
    fn check(&mut self, cx: &mut Checking<'_>) -> Check {
        let Some(chroot) = self.config.chroots.get(&self.id) else {
            return Check::failed("it is not in the config");
        };
        let place = Store::new(self.config.state_dir.clone()).place(&self.id);
        match place.current() {
            Ok(Some(current)) if place.judged_by(&current) == chroot.recipe => {
                if !outputs::is_current(&self.config, &self.id, chroot, &current) {
                    return Check::ready();
                }
                outputs::touch(&self.config, &self.id);
                Check::done_because(format!("generation {} is up to date", current.number))
            }
            Ok(_) => {
                // Whatever else is missing for a sandbox, the job will say.
                if let Err(SandboxError::Foreign(foreign)) =
                    Sandbox::open_for(self.id.arch, self.config.host.arch)
                {
                    return Check::failed(foreign.to_string());
                }
                for id in ArchiveId::all_of(&chroot.recipe).into_keys() {
                    if let Err(error) = cx.needs(ArchiveJob { id, program: self.program.clone() }) {
                        return Check::failed(error.to_string());
                    }
                }
                Check::ready()
            }
            Err(error) => Check::failed(error.to_string()),
        }
    }

    fn run(&mut self) -> Work {
        self.program.body(&JobName::Chroot(self.id.clone())).into()
    }
}
