//! `chroot-maint rollback`: the generation before is in use again.

use std::{
    process::ExitCode,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::{ManageError, locked};
use crate::{
    body::{BodyError, hand_out, settle},
    cli::Options,
    config::Config,
    error::Error,
    sandbox::Sandbox,
    spec::{ChrootId, about},
    store::{Changes, Generation, Place, Stamp},
};

/// One rename, and a note that keeps the next run from going forward again merely because time has passed.
pub(crate) fn rollback(config: &Config, name: &str, options: &Options) -> Result<ExitCode, Error> {
    let (id, place, _lock) = locked(config, name)?;
    let left = place.current_number()?.ok_or_else(|| ManageError::NotMade { id: id.clone() })?;
    let before = place.previous(left)?.ok_or_else(|| ManageError::NothingBefore {
        id: id.clone(),
        number: left,
        keep: config.keep_generations,
    })?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    if !options.dry_run {
        switch(config, &id, &place, left, &before, now)?;
    }
    let was = hand_out(config, &id, &place, options.dry_run);
    if !options.silent {
        say(&id, &place, left, &before, now, options.dry_run);
    }
    was?;
    Ok(ExitCode::SUCCESS)
}

/// Has those who build in the chroot go back as well. What the config no longer lists has nobody to be handed to.
fn hand_out(
    config: &Config,
    id: &ChrootId,
    place: &Place,
    is_dry: bool,
) -> Result<(), ManageError> {
    let chroot = config.chroots.get(id).filter(|_| !is_dry);
    if let (Some(chroot), Some(current)) = (chroot, place.current()?) {
        settle().map_err(BodyError::Settle)?;
        hand_out::hand_out(config, id, chroot, &current, Sandbox::open()?)?;
    }
    Ok(())
}

fn switch(
    config: &Config,
    id: &ChrootId,
    place: &Place,
    left: u32,
    before: &Generation,
    now: u64,
) -> Result<(), ManageError> {
    // What was left may be broken: that is when people go back.
    let left_generation = place.generation(left);
    let configured = config.chroots.get(id).map(|chroot| chroot.recipe.clone());
    let recipe = left_generation.as_ref().map(|left| place.judged_by(left)).or(configured);
    let tools = left_generation.as_ref().map(|left| place.tools_of(left));
    let last_look = place.stamp(left).and_then(|stamp| stamp.indexes);
    let indexes = last_look.or_else(|| left_generation?.record.indexes);
    // Before the switch: a kill in between then costs no more than a look.
    let stamp = Stamp { generation: before.number, at: now, indexes, recipe, tools };
    place.put_stamp(&stamp)?;
    place.roll_back_to(before.number)?;
    Ok(())
}

fn say(id: &ChrootId, place: &Place, left: u32, before: &Generation, now: u64, is_dry: bool) {
    let age = about(Duration::from_secs(now.saturating_sub(before.record.created)));
    let is = if is_dry { "would be" } else { "is" };
    let number = before.number;
    println!("{id}: generation {number}, made {age} ago, {is} in use again instead of {left}");
    if let Some(left) = place.generation(left) {
        let difference =
            Changes::between(&left.record.packages, &before.record.packages).in_short();
        println!("{id}: {difference}");
    }
}
