//! `chroot-maint remove`: all of a chroot is given up, with the tools that were made for it, in steps that a later run can go on
//! with.

use std::{fmt::Display, process::ExitCode};

use super::{ManageError, locked, words};
use crate::{
    body::{BodyError, hand_out, settle, upkeep},
    cli::Options,
    config::Config,
    error::Error,
    sandbox::Sandbox,
    spec::{ChrootId, JobName, Size},
    store::{Described, Lock, Place, Store, User},
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
    let store = Store::new(config.state_dir.clone());
    let (job, tools) = (JobName::CrossTools(id.clone()), store.tools(&id));
    if options.dry_run {
        foretell(&id, &place)?;
        if tools.exists() {
            foretell(&job, &tools)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    // Before anything is gone as well, for `--no-wait' may not want to go on. It is the later one by name.
    let tools_lock = tools.exists().then(|| upkeep::lock(config, &job)).transpose();
    let tools_lock = tools_lock.map_err(ManageError::Body)?;
    settle().map_err(BodyError::Settle)?;
    // Whoever can't delete the trees is told before anything is gone.
    let sandbox = Sandbox::open().map_err(ManageError::Sandbox)?;
    let mut removed = finish(config, sandbox, &id, &place, lock)?;
    say_what_stays(&id, &removed);
    if let Some(lock) = tools_lock.filter(|_| tools.exists()) {
        let tools = give_up(sandbox, &tools, lock)?;
        say_what_stays(&job, &tools);
        removed.freed += tools.freed;
        removed.in_use.extend(tools.in_use);
    }
    if !removed.in_use.is_empty() {
        eprintln!(
            "chroot-maint: {id}: the rest is removed; end or unmount that, and then: chroot-maint gc"
        );
        return Ok(ExitCode::from(SOMETHING_STAYS));
    }
    if !options.silent {
        println!("{id} is removed: {} are free again", Size(removed.freed));
        if config.chroots.contains_key(&id) {
            println!("{id} is in the config still: the next run makes it anew");
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn foretell<R: Described>(what: &impl Display, place: &Place<R>) -> Result<(), ManageError> {
    let numbers = place.whole()?;
    println!("{what}: would be removed: {}", words::generations(&numbers));
    for number in numbers {
        let users = place.users(number)?;
        if !users.is_empty() {
            println!("{what}: generation {number} would stay: {}", upkeep::who(&users));
        }
    }
    Ok(())
}

fn say_what_stays(what: &impl Display, removed: &Removed) {
    for (kept, users) in &removed.in_use {
        eprintln!("chroot-maint: {what}: {kept} stays: {}", upkeep::who(users));
    }
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
    give_up(sandbox, place, lock)
}

/// The same of what nobody has been handed.
pub(super) fn give_up<R: Described>(
    sandbox: Sandbox,
    place: &Place<R>,
    lock: Lock,
) -> Result<Removed, ManageError> {
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
