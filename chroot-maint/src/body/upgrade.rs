//! A generation from the one before: looked for, solved and fetched while nothing is changed, then done to a copy.

use super::{
    BodyError,
    archive::{self, Way},
    clone, download, guard, install, make,
    packages::Packages,
    place_tools::{self, Tools},
    seal,
    simulate::{self, DIST_UPGRADE},
    task::{Task, stamp},
    verify,
};
use crate::{
    spec::Indexes,
    store::{Changes, Generation, Place},
    tools,
};

/// Makes a new generation if the archive has something newer, or something to take away; with `always` it looks for that
/// even if the archive's indexes have not changed. A failure leaves everything as it was.
pub(super) fn upgrade(
    task: &Task<'_>,
    place: &Place,
    old: &Generation,
    always: bool,
) -> Result<Option<Generation>, BodyError> {
    tools::require(&["apt-get", "cp"])?;
    let &Task { config, id, chroot, sandbox, work, .. } = task;
    let way = Way::of_chroot(config, id, chroot)?;
    let Some(archive) = archive::look(config, chroot, id.arch, &way, sandbox)? else {
        eprintln!(
            "no mirror is known on this host, so nothing newer is; name one in the config: mirror = 'http://mirror.example/debian'"
        );
        return Ok(None);
    };
    let seen = archive.seen();
    let cross_tools = Tools::wanted(task)?;
    let hash = cross_tools.as_ref().map_or("", Tools::hash);
    let has_other_tools = place.tools_of(old) != hash;
    if !always && !has_other_tools && is_known(&seen.indexes, place, old) {
        println!("generation {} is up to date: its archive has not changed", old.number);
        stamp(place, old.number, seen);
        return Ok(None);
    }

    // After a rollback it only counts as made by the config's recipe; one that truly is would be nobody's loss.
    if old.record.recipe != chroot.recipe {
        println!(
            "generation {} was made by another recipe: making generation {}",
            old.number,
            work.number()
        );
        drop(archive);
        return make::make(task, place, Some(old)).map(Some);
    }

    let stage = archive.stage(&work.tmp().join("archive"))?;
    let simulation = simulate::simulate(task, &stage, &old.tree, &DIST_UPGRADE)?;
    if simulation.is_empty() && !has_other_tools {
        println!("generation {} is up to date: nothing to upgrade", old.number);
        stamp(place, old.number, seen);
        return Ok(None);
    }
    println!("upgrading generation {} to {}: {}", old.number, work.number(), simulation);
    let indispensable = Packages::of(sandbox, &old.tree)?.indispensable(&chroot.recipe.include);
    guard::check(&simulation.removed, &indispensable, old.number)?;

    let growth = download::download(task, &way, &stage, &old.tree, &DIST_UPGRADE)?;
    clone::clone(task, old, growth)?;
    if !simulation.is_empty() {
        install::install(task, &stage, &DIST_UPGRADE)?;
    }
    let placement = place_tools::renew(task, old, cross_tools.as_ref())?;
    seal::seal(sandbox, &work.tree(), &chroot.recipe)?;
    let installed = verify::verify(sandbox, &work.tree(), id.arch, &chroot.recipe)?;
    installed.require(&indispensable)?;

    let packages = installed.into_list();
    let changes = Changes::between(&old.record.packages, &packages);
    if changes.is_empty() && !has_other_tools {
        println!("generation {} is up to date: nothing could be upgraded", old.number);
        stamp(place, old.number, seen);
        return Ok(None);
    }
    if !changes.is_empty() {
        println!("{changes}");
    }
    task.commit(place, Some(old), Some(seen), packages, placement).map(Some)
}

/// Whether the archive had the same when the generation was made or last looked at.
fn is_known(now: &Indexes, place: &Place, old: &Generation) -> bool {
    let stamped = place.stamp(old.number).and_then(|stamp| stamp.indexes);
    let then = stamped.or_else(|| old.record.indexes.clone());
    then.is_some_and(|then| now.changed_since(&then).is_empty())
}
