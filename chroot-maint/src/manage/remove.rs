//! `chroot-maint remove`: all of a chroot is given up, in steps that a later run can go on with.

use std::process::ExitCode;

use super::{ManageError, locked, words};
use crate::{
    body::{BodyError, hand_out, settle, upkeep},
    cli::Options,
    config::Config,
    error::Error,
    sandbox::Sandbox,
    spec::{ChrootId, Size},
    store::{Lock, Place, User},
};

/// The exit status where something had to stay.
const SOMETHING_STAYS: u8 = 2;

/// What became of a chroot that is given up.
#[derive(Debug, Default)]
pub(super) struct Removed {
    pub(super) freed: u64,
    /// What had to stay, and who uses it; if nothing, then no trace of the chroot is left.
    pub(super) in_use: Vec<(String, Vec<User>)>,
}

pub(crate) fn remove(config: &Config, name: &str, options: &Options) -> Result<ExitCode, Error> {
    let (id, place, lock) = locked(config, name)?;
    let is_configured = config.chroots.contains_key(&id);
    if options.dry_run {
        let numbers = place.whole()?;
        println!("{id}: would be removed: {}", words::generations(&numbers));
        for number in numbers {
            let users = place.users(number)?;
            if !users.is_empty() {
                println!("{id}: generation {number} would stay: {}", upkeep::who(&users));
            }
        }
        return Ok(ExitCode::SUCCESS);
    }
    settle().map_err(BodyError::Settle)?;
    // Whoever can't delete the trees is told before anything is gone.
    let sandbox = Sandbox::open().map_err(ManageError::Sandbox)?;
    let removed = finish(config, sandbox, &id, &place, lock)?;
    for (what, users) in &removed.in_use {
        eprintln!("chroot-maint: {id}: {what} stays: {}", upkeep::who(users));
    }
    if !removed.in_use.is_empty() {
        eprintln!(
            "chroot-maint: {id}: the rest is removed; end or unmount that, and then: chroot-maint gc"
        );
        return Ok(ExitCode::from(SOMETHING_STAYS));
    }
    if !options.silent {
        println!("{id} is removed: {} are free again", Size(removed.freed));
        if is_configured {
            println!("{id} is in the config still: the next run makes it anew");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Removes what is left of a chroot, whatever was done of that before. The lock goes as well, if nothing stays.
pub(super) fn finish(
    config: &Config,
    sandbox: Sandbox,
    id: &ChrootId,
    place: &Place,
    lock: Lock,
) -> Result<Removed, ManageError> {
    // First who knows it by another name: what they can't be told keeps it all as it is.
    hand_out::take_back(config, id)?;
    // Nobody is to begin to use it from here on.
    place.depart()?;
    let mut removed = Removed::default();
    let collected = upkeep::retire(sandbox, place, place.whole()?)?;
    removed.freed += collected.freed();
    let in_use = collected.in_use.into_iter();
    removed.in_use.extend(in_use.map(|(number, users)| (format!("generation {number}"), users)));
    let leftovers = place.leftovers()?;
    for leftover in leftovers.unused {
        removed.freed += upkeep::delete(sandbox, place, leftover)?;
    }
    for (path, users) in leftovers.in_use {
        removed.in_use.push((path.display().to_string(), users));
    }
    if removed.in_use.is_empty() {
        place.erase()?;
        lock.delete()?;
    }
    Ok(removed)
}
