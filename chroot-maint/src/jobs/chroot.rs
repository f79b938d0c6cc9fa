//! The job that makes a chroot and keeps it current. Decides whether there is something to do; its body does it.
//!
//! A chroot that is there as its recipe says and young enough costs the reading of two files. One that is older costs
//! what its archives cost that the same run has looked at anyway: where they have what they had then, it is stamped as
//! looked at, without a process of its own.

use std::{collections::BTreeSet, rc::Rc};

use jobsched::{Check, Checking, Error, Job, Plan, Work};

use super::{CrossToolsJob, Program, archives::Archives, retries, standing::Standing};
use crate::{
    body,
    config::{Chroot, Config},
    cross, outputs,
    sandbox::{Runs, Sandbox, SandboxError},
    spec::{ChrootId, Fresh, JobName, Tier},
    store::{Generation, Place, Store, ToolsRecord},
};

/// A chroot as the config wants it.
pub(super) struct ChrootJob {
    id: ChrootId,
    config: Rc<Config>,
    program: Program,
    /// When the run began, in seconds since 1970: what was found of an archive since then is this run's.
    since: u64,
    /// Whether this host can run programs of the architecture; asked once, for it takes a process.
    can_run: bool,
    /// Whether it is known that they run in an emulator.
    is_emulated: bool,
    /// Whether the tree is good as it is, and is only to be handed out.
    is_good: bool,
}

impl ChrootJob {
    pub(super) fn new(id: ChrootId, config: Rc<Config>, program: Program, since: u64) -> Self {
        Self { id, config, program, since, can_run: false, is_emulated: false, is_good: false }
    }
}

impl Job for ChrootJob {
    fn name(&self) -> String {
        JobName::Chroot(self.id.clone()).to_string()
    }

    fn plan(&mut self, plan: &mut Plan<'_>) -> Result<(), Error> {
        retries::of_chroot(plan, &self.config);
        Ok(())
    }

    /// Takes no lock. Looks at archives only if something may have to be done.
    fn check(&mut self, cx: &mut Checking<'_>) -> Check {
        let config = Rc::clone(&self.config);
        let Some(chroot) = config.chroots.get(&self.id) else {
            return Check::failed("it is not in the config");
        };
        let place = Store::new(config.state_dir.clone()).place(&self.id);
        let checked = match place.current() {
            Ok(Some(current)) if place.judged_by(&current) == chroot.recipe => {
                self.check_age(cx, chroot, &place, &current)
            }
            Ok(Some(current)) => {
                let changes = chroot.recipe.changes_since(&place.judged_by(&current)).join(", ");
                self.ready(cx, chroot, format!("the config changed: {changes}"))
            }
            Ok(None) => self.ready(cx, chroot, "it is not there yet".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        checked.unwrap_or_else(Check::failed)
    }

    fn run(&mut self) -> Work {
        let job = JobName::Chroot(self.id.clone());
        if self.is_good {
            return self.program.body_with(&job, Some(Fresh::Create)).into();
        }
        self.program.body(&job).into()
    }
}

/// Errors are reasons to refuse the job.
impl ChrootJob {
    /// Of a chroot that is as its recipe says.
    fn check_age(
        &mut self,
        cx: &mut Checking<'_>,
        chroot: &Chroot,
        place: &Place,
        current: &Generation,
    ) -> Result<Check, String> {
        let standing = Standing::of(place, current);
        let shown = standing.shown();
        if chroot.fresh != Fresh::Create
            && let Some(change) = self.change_of_tools(chroot, place, current)?
        {
            return self.ready(cx, chroot, change.to_owned());
        }
        if standing.is_young(chroot.fresh) {
            return Ok(self.done(chroot, current, shown));
        }
        if chroot.fresh == Fresh::Force {
            return self.ready(cx, chroot, shown);
        }
        if !chroot.cross_tools.is_empty() {
            self.look_at_host()?;
        }
        let are_looked_at = self.archives().need(cx, chroot)? & self.need_tools(cx, chroot)?;
        if cx.dry_run() {
            // Whether they have changed would be found out first.
            return Ok(Check::ready_because(format!("{shown}, if its archive has changed")));
        }
        // Where no mirror is known, nothing is found: then the body must see.
        let found = self.archives().found(&self.id, chroot);
        let Some(now) = found.filter(|_| are_looked_at) else {
            return self.ready(cx, chroot, shown);
        };
        if place.tools_of(current) != self.tools_wanted(chroot)? {
            return self.ready(cx, chroot, "there are other cross-tools for it".to_owned());
        }
        if !standing.holds(now) {
            return self.ready(cx, chroot, shown);
        }
        outputs::touch(&self.config, &self.id);
        Ok(self.done(chroot, current, format!("generation {}: nothing changed", current.number)))
    }

    /// The chroot is as it should be; so are those who have it, or else they get it without a look at any archive.
    fn done(&mut self, chroot: &Chroot, current: &Generation, reason: String) -> Check {
        if outputs::is_current(&self.config, &self.id, chroot, current) {
            return Check::done_because(reason);
        }
        self.is_good = true;
        Check::ready_because(format!("generation {} is to be handed out", current.number))
    }

    /// Something may have to be done, for this reason, if this host can do it at all.
    fn ready(
        &mut self,
        cx: &mut Checking<'_>,
        chroot: &Chroot,
        reason: String,
    ) -> Result<Check, String> {
        self.look_at_host()?;
        self.need_tools(cx, chroot)?;
        self.archives().need(cx, chroot)?;
        Ok(Check::ready_because(reason))
    }

    /// Has this run see to the tools for the chroot, if it is to have some; whether it has already.
    fn need_tools(&self, cx: &mut Checking<'_>, chroot: &Chroot) -> Result<bool, String> {
        if chroot.cross_tools.is_empty() || !self.is_emulated {
            return Ok(true);
        }
        let (config, program) = (Rc::clone(&self.config), self.program.clone());
        let job = CrossToolsJob::new(self.id.clone(), config, program, self.since);
        let job = cx.needs(job).map_err(|error| error.to_string())?;
        Ok(cx.outcome(job).is_some())
    }

    /// Why the generation's tools are not what the config wants, if so. One that was gone back to is good as it is.
    fn change_of_tools(
        &mut self,
        chroot: &Chroot,
        place: &Place,
        current: &Generation,
    ) -> Result<Option<&'static str>, String> {
        let stamp = place.stamp(current.number);
        if stamp.is_some_and(|stamp| stamp.recipe.is_some()) {
            return Ok(None);
        }
        let placement = current.record.cross_tools.as_ref();
        let groups = placement.into_iter().flat_map(|placement| &placement.groups);
        let has: BTreeSet<Tier> = groups.map(|group| group.tier).collect();
        let wanted: BTreeSet<Tier> = chroot.cross_tools.iter().copied().collect();
        if has != wanted {
            self.look_at_host()?;
            let is_changed = self.is_emulated || !has.is_empty();
            return Ok(is_changed.then_some("the config changed: cross-tools"));
        }
        if has.is_empty() {
            return Ok(None);
        }
        let Some(tools) = self.tools()? else { return Ok(None) };
        let list = body::tool_list(&self.config).map_err(|error| error.to_string())?;
        if tools.record.recipe.list != cross::fingerprint(&list) {
            return Ok(Some("the list of tools changed"));
        }
        let is_other = tools.record.hash != place.tools_of(current);
        Ok(is_other.then_some("there are other cross-tools for it"))
    }

    /// The tree of tools that it is to have, by its hash; empty if none.
    fn tools_wanted(&self, chroot: &Chroot) -> Result<String, String> {
        if chroot.cross_tools.is_empty() || !self.is_emulated {
            return Ok(String::new());
        }
        Ok(self.tools()?.map_or_else(String::new, |tools| tools.record.hash))
    }

    /// The tools that are there for it.
    fn tools(&self) -> Result<Option<Generation<ToolsRecord>>, String> {
        let place = Store::new(self.config.state_dir.clone()).tools(&self.id);
        place.current().map_err(|error| error.to_string())
    }

    fn archives(&self) -> Archives<'_> {
        Archives { config: &self.config, program: &self.program, since: self.since }
    }

    /// Finds out how this host can run its programs; that it can't is an error.
    fn look_at_host(&mut self) -> Result<(), String> {
        if self.can_run {
            return Ok(());
        }
        match Sandbox::open_for(self.id.arch, self.config.host.arch) {
            Ok(sandbox) => self.is_emulated = sandbox.runs() != Runs::Natively,
            Err(SandboxError::Foreign(foreign)) => return Err(foreign.to_string()),
            // Whatever else is missing for a sandbox, the job will say.
            Err(_) => self.is_emulated = self.id.arch != self.config.host.arch,
        }
        self.can_run = true;
        Ok(())
    }
}
