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
    if Wanted::plan(config, id, chroot)?.sbuild.is_some() {
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
    let wanted = Wanted::plan(config, id, chroot)?;
    let place = Store::new(config.state_dir.clone()).place(id);
    let mut out =
        HandOut { config, id, generation, sandbox, handed_out: place.handed_out(), place };
    let schroot = out.schroot(wanted.schroot.as_ref());
    let sbuild = out.sbuild(wanted.sbuild.as_ref());
    if let (Err(_), Err(second)) = (&schroot, &sbuild) {
        eprintln!("{second}");
    }
    schroot.and(sbuild)
}

/// Takes back all that was handed out of a chroot, which need not be in the config any more. Not before that may its
/// generations go.
pub(crate) fn take_back(config: &Config, id: &ChrootId) -> Result<(), BodyError> {
    let place = Store::new(config.state_dir.clone()).place(id);
    let mut handed_out = place.handed_out();
    if let Some(entry) = handed_out.schroot.take() {
        withdraw::schroot(&entry, id, &config.state_dir)?;
        place.put_handed_out(&handed_out)?;
    }
    if let Some(tarball) = handed_out.sbuild.take() {
        withdraw_tarball(&tarball, id)?;
        place.put_handed_out(&handed_out)?;
    }
    Ok(())
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
    fn schroot(&mut self, wanted: Option<&SchrootPlace>) -> Result<(), BodyError> {
        let old = self.handed_out.schroot.clone();
        let new = match (wanted, &old) {
            (Some(place), Some(old)) if place.is_current(old, self.generation) => return Ok(()),
            (Some(place), _) => Some(self.publish(place)?),
            (None, _) => None,
        };
        if let Some(old) = old.filter(|old| new.as_ref().is_none_or(|new| new.path != old.path)) {
            withdraw::schroot(&old, self.id, &self.config.state_dir)?;
            println!("taken back from schroot: {}", old.path.display());
        }
        self.handed_out.schroot = new;
        Ok(self.place.put_handed_out(&self.handed_out)?)
    }

    fn publish(&self, place: &SchrootPlace) -> Result<SchrootEntry, BodyError> {
        let still_has = |chroot: &str, alias: &str| {
            let owner = ChrootId::parse(chroot).ok();
            owner.is_some_and(|owner| {
                let known = self.config.chroots.get(&owner);
                let plan = known.map(|chroot| Wanted::plan(self.config, &owner, chroot));
                // Where it can't be told, nothing is taken away.
                plan.is_some_and(|plan| {
                    plan.map_or(true, |plan| plan.schroot.is_some_and(|place| place.wants(alias)))
                })
            })
        };
        let entry = place.publish(self.generation, still_has)?;
        println!("schroot has generation {} as {}", self.generation.number, place.name());
        Ok(entry)
    }

    fn sbuild(&mut self, wanted: Option<&SbuildPlace>) -> Result<(), BodyError> {
        let number = self.generation.number;
        let old = self.handed_out.sbuild.clone();
        let new = match (wanted, &old) {
            (Some(place), Some(old)) if place.is_current(old, number) => {
                outputs::touch(self.config, self.id);
                return Ok(());
            }
            (Some(place), _) => Some(self.put(place, old.as_ref())?),
            (None, _) => None,
        };
        let is_elsewhere =
            |old: &Tarball| wanted.is_none_or(|place: &SbuildPlace| !place.is_place_of(old));
        if let Some(old) = old.filter(is_elsewhere) {
            withdraw_tarball(&old, self.id)?;
            println!("taken back from sbuild: {}", old.dir.join(&old.file).display());
        }
        self.handed_out.sbuild = new;
        Ok(self.place.put_handed_out(&self.handed_out)?)
    }

    /// Makes the tarball in a file of this program's own; who owns the directory that it is for then copies it there.
    fn put(&self, place: &SbuildPlace, old: Option<&Tarball>) -> Result<Tarball, BodyError> {
        const WHAT: &str = "putting the tarball in its place";
        let start = |source| BodyError::Start { what: WHAT, source };
        process::output(WHAT, place.look()).map_err(in_its_own_words)?;
        let mut file = self.place.unnamed_file()?;
        let writer = file.try_clone().map_err(start)?;
        tarball::write(self.sandbox, &self.generation.tree, writer)?;
        let mark = file.write_all(&place.mark());
        mark.map_err(|source| BodyError::Write { what: "the tarball", source })?;

        let mut put = place.put(old.filter(|old| place.is_place_of(old)));
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
