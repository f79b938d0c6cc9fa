//! What the suites of a chroot have, as far as this run has looked: for the checks of those that are made from them.

use std::rc::Rc;

use jobsched::Checking;

use super::{ArchiveJob, Program};
use crate::{
    archive::ArchiveState,
    config::{Chroot, Config},
    spec::{ArchiveId, ChrootId, Indexes},
};

/// The archives of a run.
pub(super) struct Archives<'a> {
    pub(super) config: &'a Rc<Config>,
    pub(super) program: &'a Program,
    /// When the run began, in seconds since 1970: what was found since then is this run's.
    pub(super) since: u64,
}

/// What the archives of a chroot have.
pub(super) struct Found {
    /// When the first of them was looked at, in seconds since 1970.
    pub(super) at: u64,
    pub(super) indexes: Indexes,
}

impl Archives<'_> {
    /// Has this run look at the archives; whether it has already. Until then the job sleeps, whatever its check answers.
    pub(super) fn need(&self, cx: &mut Checking<'_>, chroot: &Chroot) -> Result<bool, String> {
        let mut are_looked_at = true;
        for id in ArchiveId::all_of(&chroot.recipe).into_keys() {
            let (config, program) = (Rc::clone(self.config), self.program.clone());
            let job = cx.needs(ArchiveJob { id, config, program }).map_err(|e| e.to_string())?;
            are_looked_at &= cx.outcome(job).is_some();
        }
        Ok(are_looked_at)
    }

    /// What this run has found of the archives; nothing if it has not looked at all of them.
    pub(super) fn found(&self, id: &ChrootId, chroot: &Chroot) -> Option<Found> {
        let mut found = Found { at: u64::MAX, indexes: Indexes::default() };
        for archive in ArchiveId::all_of(&chroot.recipe).keys() {
            let checked = ArchiveState::new(&self.config.state_dir, archive).checked()?;
            if checked.at < self.since || !checked.archs.contains(&id.arch.to_string()) {
                return None;
            }
            found.at = found.at.min(checked.at);
            found.indexes.suites.extend(checked.indexes.of_arch(id.arch).suites);
        }
        Some(found)
    }
}
