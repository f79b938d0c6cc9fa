//! The story of handing a chroot to those who build in it: schroot first, which costs nothing, then sbuild, which takes
//! a tarball. Each output that fails stays as it was; the other one is brought up to date all the same.

use std::io::Write;

use super::{BodyError, process, tarball};
use crate::{
    config::{Chroot, Config},
    outputs::{self, Kept, OutputError, SbuildPlace, SchrootPlace, Wanted, withdraw},
    sandbox::Sandbox,
    spec::ChrootId,
    store::{Generation, HandedOut, Place, SchrootEntry, Store, Tarball},
    tools,
};

/// Whether what the config wants can be had here at all: asked before the work, not after it.
pub(super) fn check(config: &Config, id: &ChrootId, chroot: &Chroot) -> Result<(), BodyError> {
    let wanted = Wanted::plan(config, id, chroot);
    wanted.schroot?;
    if wanted.sbuild?.is_some() {
        tools::require(&tarball::TOOLS)?;
    }
    Ok(())
}

/// Brings all outputs that are wanted up to this generation, and takes back those that are not wanted any more. The
/// chroot's lock must be held.
pub(crate) fn hand_out(
    config: &Config,
    id: &ChrootId,
    chroot: &Chroot,
    generation: &Generation,
    sandbox: Sandbox,
) -> Result<(), BodyError> {
    let wanted = Wanted::plan(config, id, chroot);
    let place = Store::new(config.state_dir.clone()).place(id);
    let mut out =
        HandOut { config, id, generation, sandbox, handed_out: place.handed_out(), place };
    let schroot = wanted.schroot.map_err(BodyError::from);
    let schroot = schroot.and_then(|wanted| out.schroot(wanted.as_ref()));
    let sbuild = wanted.sbuild.map_err(BodyError::from);
    let sbuild = sbuild.and_then(|wanted| out.sbuild(wanted.as_ref()));
    if let (Err(_), Err(second)) = (&schroot, &sbuild) {
        eprintln!("{}", second.failure());
    }
    schroot.and(sbuild)
}

/// Takes back all that was handed out of a chroot, which need not be in the config any more. Not before that may its
/// generations go. What is not noted is looked for where the config would have it.
pub(crate) fn take_back(config: &Config, id: &ChrootId) -> Result<(), BodyError> {
    let place = Store::new(config.state_dir.clone()).place(id);
    let mut handed_out = place.handed_out();
    let noted = [handed_out.schroot.take(), handed_out.begun.schroot.take()];
    let noted = noted.into_iter().flatten().map(|entry| entry.path);
    for path in noted.chain(withdraw::usual_path(config, id)) {
        withdraw::schroot(&path, id, &config.state_dir)?;
    }
    let noted = [handed_out.sbuild.take(), handed_out.begun.sbuild.take()];
    for tarball in noted.into_iter().flatten().chain(usual_tarball(config, id)) {
        withdraw_tarball(&tarball, id)?;
    }
    if place.handed_out() != handed_out {
        place.put_handed_out(&handed_out)?;
    }
    Ok(())
}

/// The tarball that may be there by the config. Only where that wants one: unlike schroot's definitions, tarballs do not
/// say which state directory they are from, and another one may have a chroot of the same name.
fn usual_tarball(config: &Config, id: &ChrootId) -> Option<Tarball> {
    let chroot = config.chroots.get(id)?;
    let place = Wanted::plan(config, id, chroot).sbuild.ok().flatten()?;
    place.is_taken().then(|| place.intention(&[], 0))
}

struct HandOut<'a> {
    config: &'a Config,
    id: &'a ChrootId,
    generation: &'a Generation,
    sandbox: Sandbox,
    place: Place,
    handed_out: HandedOut,
}

impl HandOut<'_> {
    fn keep(&self) -> Result<(), BodyError> {
        Ok(self.place.put_handed_out(&self.handed_out)?)
    }

    fn schroot(&mut self, wanted: Option<&SchrootPlace>) -> Result<(), BodyError> {
        let old = self.handed_out.schroot.clone();
        let begun = self.handed_out.begun.schroot.clone();
        let is_current = |place: &SchrootPlace| {
            let old = old.as_ref().filter(|_| begun.is_none());
            old.is_some_and(|old| place.is_current(old, self.generation))
        };
        if wanted.map_or(old.is_none() && begun.is_none(), is_current) {
            return Ok(());
        }
        let is_elsewhere =
            |entry: &SchrootEntry| wanted.is_none_or(|place| place.path() != entry.path);
        // What was begun first, for its note gives way to that of what is begun now.
        if let Some(begun) = begun.filter(is_elsewhere) {
            self.withdraw_schroot(&begun)?;
        }
        self.handed_out.begun.schroot = wanted.map(|place| place.entry(self.generation));
        self.keep()?;
        let new = wanted.map(|place| self.publish(place)).transpose()?;
        if let Some(old) = old.filter(is_elsewhere) {
            self.withdraw_schroot(&old)?;
        }
        self.handed_out.schroot = new;
        self.handed_out.begun.schroot = None;
        self.keep()
    }

    fn withdraw_schroot(&self, entry: &SchrootEntry) -> Result<(), BodyError> {
        if withdraw::schroot(&entry.path, self.id, &self.config.state_dir)? {
            println!("taken back from schroot: {}", entry.path.display());
        }
        Ok(())
    }

    fn publish(&self, place: &SchrootPlace) -> Result<SchrootEntry, BodyError> {
        let still_has = |chroot: &str, alias: &str| {
            let owner = ChrootId::parse(chroot).ok();
            owner.is_some_and(|owner| {
                let known = self.config.chroots.get(&owner);
                let plan = known.map(|chroot| Wanted::plan(self.config, &owner, chroot).schroot);
                // Where it can't be told, nothing is taken away.
                plan.is_some_and(|plan| {
                    plan.map_or(true, |plan| plan.is_some_and(|place| place.wants(alias)))
                })
            })
        };
        let entry = place.publish(self.generation, still_has)?;
        println!("schroot has generation {} as {}", self.generation.number, place.name());
        Ok(entry)
    }

    fn sbuild(&mut self, wanted: Option<&SbuildPlace>) -> Result<(), BodyError> {
        let old = self.handed_out.sbuild.clone();
        let begun = self.handed_out.begun.sbuild.clone();
        let is_current = |place: &SbuildPlace| {
            let old = old.as_ref().filter(|_| begun.is_none());
            old.is_some_and(|old| place.is_current(old, self.generation.number))
        };
        if wanted.map_or(old.is_none() && begun.is_none(), is_current) {
            outputs::touch(self.config, self.id);
            return Ok(());
        }
        let is_elsewhere = |old: &Tarball| wanted.is_none_or(|place| !place.is_place_of(old));
        let new = wanted.map(|place| self.put(place)).transpose()?;
        // Without one that is wanted, what was begun has not given way yet.
        let begun = self.handed_out.begun.sbuild.clone();
        for other in [old, begun].into_iter().flatten().filter(is_elsewhere) {
            self.withdraw_sbuild(&other)?;
        }
        self.handed_out.sbuild = new;
        self.handed_out.begun.sbuild = None;
        self.keep()
    }

    fn withdraw_sbuild(&self, tarball: &Tarball) -> Result<(), BodyError> {
        withdraw_tarball(tarball, self.id)?;
        println!("taken back from sbuild: {}", tarball.dir.join(&tarball.file).display());
        Ok(())
    }

    /// Notes what is about to be put, and gives the links that may be there of earlier times.
    fn begin_sbuild(&mut self, place: &SbuildPlace) -> Result<Vec<String>, BodyError> {
        let begun = self.handed_out.begun.sbuild.clone();
        // Its note gives way.
        if let Some(begun) = begun.as_ref().filter(|begun| !place.is_place_of(begun)) {
            self.withdraw_sbuild(begun)?;
        }
        let known = [self.handed_out.sbuild.clone(), begun].into_iter().flatten();
        let here = known.filter(|tarball| place.is_place_of(tarball));
        let links: Vec<String> = here.flat_map(|tarball| tarball.links).collect();
        self.handed_out.begun.sbuild = Some(place.intention(&links, self.generation.number));
        self.keep()?;
        Ok(links)
    }

    /// Makes the tarball in a file of this program's own; who owns the directory that it is for then copies it there.
    fn put(&mut self, place: &SbuildPlace) -> Result<Tarball, BodyError> {
        const WHAT: &str = "putting the tarball in its place";
        let start = |source| BodyError::Start { what: WHAT, source };
        process::output(WHAT, place.look()).map_err(in_its_own_words)?;
        let mut file = self.place.unnamed_file()?;
        let writer = file.try_clone().map_err(start)?;
        tarball::write(self.sandbox, &self.generation.tree, writer)?;
        let mark = file.write_all(&place.mark());
        mark.map_err(|source| BodyError::Write { what: "the tarball", source })?;

        let old_links = self.begin_sbuild(place)?;
        let mut put = place.put(old_links);
        put.stdin(file);
        let said = process::output(WHAT, put).map_err(in_its_own_words)?;
        let kept: Kept = serde_json::from_slice(&said).map_err(|error| start(error.into()))?;
        let tarball = place.tarball(&kept, self.generation.number);
        let state = if kept.is_new { "has" } else { "has already what is in" };
        println!(
            "sbuild {state} generation {}: {} ({} MB)",
            tarball.generation,
            place.path().display(),
            tarball.size.div_ceil(1_000_000)
        );
        if let Some(remark) = place.remark() {
            println!("{remark}");
        }
        Ok(tarball)
    }
}

fn withdraw_tarball(tarball: &Tarball, id: &ChrootId) -> Result<(), BodyError> {
    let Some(command) = withdraw::sbuild(tarball, id)? else {
        return Ok(());
    };
    let done = process::clean_up("taking the tarball back", command);
    done.map(drop).map_err(in_its_own_words)
}

/// What another process of this program says on its way out is the reason, and needs no more around it.
fn in_its_own_words(error: BodyError) -> BodyError {
    match &error {
        BodyError::Step { said, .. } => match said.strip_prefix("chroot-maint: ") {
            Some(reason) => OutputError::InCache(reason.to_owned()).into(),
            None => error,
        },
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use std::{os::unix::process::ExitStatusExt, process::ExitStatus};

    use super::{BodyError, in_its_own_words};

    #[test]
    fn a_reason_of_this_programs_own_stands_alone() {
        let step = |said: &str| {
            let (status, said) = (ExitStatus::from_raw(256), said.to_owned());
            in_its_own_words(BodyError::Step { what: "x", status, said, output: String::new() })
                .to_string()
        };
        assert_eq!(step("chroot-maint: /x is there as well"), "/x is there as well");
        assert_eq!(step("killed"), "x: exit status: 1: killed");
    }
}
