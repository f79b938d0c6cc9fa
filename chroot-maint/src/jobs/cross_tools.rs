//! The job that keeps the tools for a foreign chroot: made from the native one, and so after that. Decides whether there is
//! something to do; its body does it.

use std::{collections::BTreeSet, rc::Rc};

use jobsched::{Check, Checking, Error, Job, Plan, Work};

use super::{ChrootJob, Program, archives::Archives, retries, standing::Standing};
use crate::{
    body,
    config::{Chroot, Config},
    cross,
    sandbox::{Runs, Sandbox},
    spec::{ChrootId, Fresh, JobName},
    store::{Generation, Place, Store, StoreError, ToolsRecipe, ToolsRecord},
};

/// The tools for one chroot as the config wants them.
pub(super) struct CrossToolsJob {
    /// The chroot that they are for.
    id: ChrootId,
    config: Rc<Config>,
    program: Program,
    /// When the run began, in seconds since 1970.
    since: u64,
}

impl CrossToolsJob {
    pub(super) fn new(id: ChrootId, config: Rc<Config>, program: Program, since: u64) -> Self {
        Self { id, config, program, since }
    }
}

impl Job for CrossToolsJob {
    fn name(&self) -> String {
        JobName::CrossTools(self.id.clone()).to_string()
    }

    fn plan(&mut self, plan: &mut Plan<'_>) -> Result<(), Error> {
        retries::of_chroot(plan, &self.config);
        Ok(())
    }

    /// Takes no lock.
    fn check(&mut self, cx: &mut Checking<'_>) -> Check {
        let config = Rc::clone(&self.config);
        let Some(chroot) = config.chroots.get(&self.id) else {
            return Check::failed("its chroot is not in the config");
        };
        let place = Store::new(config.state_dir.clone()).tools(&self.id);
        self.check_place(cx, chroot, &place).unwrap_or_else(Check::failed)
    }

    fn run(&mut self) -> Work {
        self.program.body(&JobName::CrossTools(self.id.clone())).into()
    }
}

/// Errors are reasons to refuse the job.
impl CrossToolsJob {
    fn check_place(
        &self,
        cx: &mut Checking<'_>,
        chroot: &Chroot,
        place: &Place<ToolsRecord>,
    ) -> Result<Check, String> {
        let said = |error: &dyn std::fmt::Display| error.to_string();
        let list = body::tool_list(&self.config).map_err(|error| said(&error))?;
        let wanted =
            ToolsRecipe { list: cross::fingerprint(&list), tiers: chroot.cross_tools.clone() };
        let Some(current) = place.current().map_err(|error| said(&error))? else {
            // As those of a 32-bit sister of the host's architecture do.
            let sandbox = Sandbox::open_for(self.id.arch, self.config.host.arch);
            if sandbox.is_ok_and(|sandbox| sandbox.runs() == Runs::Natively) {
                return Ok(Check::done_because("this host runs the chroot's own programs as fast"));
            }
            return self.ready(cx, "they are not there yet");
        };
        if current.record.recipe.tiers != wanted.tiers {
            return self.ready(cx, "the config changed: cross-tools");
        }
        if current.record.recipe != wanted {
            return self.ready(cx, "the list of tools changed");
        }
        let standing = Standing::of(place, &current);
        let shown = standing.shown();
        if standing.is_young(chroot.fresh) {
            return Ok(Check::done_because(shown));
        }
        if !self.need_donor(cx)? || chroot.fresh == Fresh::Force {
            return Ok(Check::ready_because(shown));
        }
        let compiled = list.compiled(&wanted.tiers);
        let change =
            self.native_change(place, &current, &compiled).map_err(|error| said(&error))?;
        if let Some(change) = change {
            return Ok(Check::ready_because(format!("the native chroot has {change}")));
        }
        let donor = self.config.donor_of(&self.id);
        let archives = Archives { config: &self.config, program: &self.program, since: self.since };
        let Some(donor_chroot) = self.config.chroots.get(&donor) else {
            return Err(format!("{donor} is not in the config"));
        };
        let are_looked_at = archives.need(cx, donor_chroot)?;
        let Some(now) = archives.found(&donor, donor_chroot).filter(|_| are_looked_at) else {
            return Ok(Check::ready_because(shown));
        };
        if !standing.holds(now) {
            return Ok(Check::ready_because(shown));
        }
        Ok(Check::done_because(format!("generation {}: nothing changed", current.number)))
    }

    /// What in the native chroot is not as it was when they were made, or last looked at.
    fn native_change(
        &self,
        place: &Place<ToolsRecord>,
        current: &Generation<ToolsRecord>,
        compiled: &BTreeSet<String>,
    ) -> Result<Option<String>, StoreError> {
        let donor =
            Store::new(self.config.state_dir.clone()).place(&self.config.donor_of(&self.id));
        let Some(native) = donor.current()? else { return Ok(None) };
        if let Some(changed) = current.record.changed_in(&native.record.packages, compiled) {
            return Ok(Some(format!("another {changed}")));
        }
        // What did not fit to its packages may fit to the new ones.
        let stamp = place.stamp(current.number);
        let is_newer = stamp.is_none_or(|stamp| native.record.created > stamp.at);
        Ok((is_newer && current.record.unmet.is_some()).then(|| "other packages".to_owned()))
    }

    fn ready(&self, cx: &mut Checking<'_>, reason: &'static str) -> Result<Check, String> {
        self.need_donor(cx)?;
        Ok(Check::ready_because(reason))
    }

    /// Has the native chroot be made or looked at first; whether it has been already.
    fn need_donor(&self, cx: &mut Checking<'_>) -> Result<bool, String> {
        let donor = self.config.donor_of(&self.id);
        let (config, program) = (Rc::clone(&self.config), self.program.clone());
        let job = ChrootJob::new(donor, config, program, self.since);
        let job = cx.needs(job).map_err(|error| error.to_string())?;
        Ok(cx.outcome(job).is_some())
    }
}
