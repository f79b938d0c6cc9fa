//! The job that makes a chroot and keeps it current. Decides whether there is something to do; its body does it.
//!
//! A chroot that is there as its recipe says and young enough costs the reading of two files. One that is older costs
//! what its archives cost that the same run has looked at anyway: where they have what they had then, it is stamped as
//! looked at, without a process of its own.

use std::rc::Rc;

use jobsched::{Check, Checking, Error, Job, Plan, Work};

use super::{ArchiveJob, Program, age::Age, retries, seconds_since_1970};
use crate::{
    archive::ArchiveState,
    config::{Chroot, Config},
    outputs,
    sandbox::{Sandbox, SandboxError},
    spec::{ArchiveId, ChrootId, Fresh, Indexes, JobName},
    store::{Generation, Place, Store},
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
    /// Whether the tree is good as it is, and is only to be handed out.
    is_good: bool,
}

/// What the archives of a chroot have.
struct Found {
    /// When the first of them was looked at, in seconds since 1970.
    at: u64,
    indexes: Indexes,
}

impl ChrootJob {
    pub(super) fn new(id: ChrootId, config: Rc<Config>, program: Program, since: u64) -> Self {
        Self { id, config, program, since, can_run: false, is_good: false }
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
        let number = current.number;
        let stamp = place.stamp(number);
        let age = Age::of(current.record.created, stamp.as_ref(), seconds_since_1970());
        let shown = format!("generation {number}, {age}");
        let is_done = match chroot.fresh {
            Fresh::Create => true,
            Fresh::Force => false,
            Fresh::Within(limit) => age.is_below(limit),
        };
        if is_done {
            return Ok(self.done(chroot, current, shown));
        }
        if chroot.fresh == Fresh::Force {
            return self.ready(cx, chroot, shown);
        }
        let are_looked_at = self.need_archives(cx, chroot)?;
        if cx.dry_run() {
            // Whether they have changed would be found out first.
            return Ok(Check::ready_because(format!("{shown}, if its archive has changed")));
        }
        // Where no mirror is known, nothing is found: then the body must see.
        let Some(now) = self.found(chroot).filter(|_| are_looked_at) else {
            return self.ready(cx, chroot, shown);
        };
        let then = stamp.as_ref().map_or(&current.record.indexes, |stamp| &stamp.indexes);
        if then.as_ref().is_none_or(|then| !now.indexes.changed_since(then).is_empty()) {
            return self.ready(cx, chroot, shown);
        }
        // If that fails it costs another look, no more.
        if let Err(error) = place.note_checked(number, now.at, Some(now.indexes)) {
            eprintln!("{}: that it was looked at is not kept: {error}", self.id);
        }
        outputs::touch(&self.config, &self.id);
        Ok(self.done(chroot, current, format!("generation {number}: nothing changed")))
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
        if !self.can_run {
            // Whatever else is missing for a sandbox, the job will say.
            if let Err(SandboxError::Foreign(foreign)) =
                Sandbox::open_for(self.id.arch, self.config.host.arch)
            {
                return Err(foreign.to_string());
            }
            self.can_run = true;
        }
        self.need_archives(cx, chroot)?;
        Ok(Check::ready_because(reason))
    }

    /// Has this run look at the archives; whether it has already. Until then the job sleeps, whatever its check answers.
    fn need_archives(&self, cx: &mut Checking<'_>, chroot: &Chroot) -> Result<bool, String> {
        let mut are_looked_at = true;
        for id in ArchiveId::all_of(&chroot.recipe).into_keys() {
            let (config, program) = (Rc::clone(&self.config), self.program.clone());
            let job = cx.needs(ArchiveJob { id, config, program }).map_err(|e| e.to_string())?;
            are_looked_at &= cx.outcome(job).is_some();
        }
        Ok(are_looked_at)
    }

    /// What this run has found of the archives; nothing if it has not looked at all of them.
    fn found(&self, chroot: &Chroot) -> Option<Found> {
        let mut found = Found { at: u64::MAX, indexes: Indexes::default() };
        for id in ArchiveId::all_of(&chroot.recipe).keys() {
            let checked = ArchiveState::new(&self.config.state_dir, id).checked()?;
            if checked.at < self.since || !checked.archs.contains(&self.id.arch.to_string()) {
                return None;
            }
            found.at = found.at.min(checked.at);
            found.indexes.suites.extend(checked.indexes.of_arch(self.id.arch).suites);
        }
        Some(found)
    }
}
