//! A generation from nothing. Does not know what was there before, but for its number.

use super::{BodyError, bootstrap, place_tools::Tools, seal, task::Task, verify};
use crate::{
    store::{Generation, Place},
    tools,
};

/// Makes a tree, finds it fit for use, and puts it into use.
pub(super) fn make(
    task: &Task<'_>,
    place: &Place,
    old: Option<&Generation>,
) -> Result<Generation, BodyError> {
    tools::require(&["mmdebstrap"])?;
    let cross_tools = Tools::wanted(task)?;
    let seen = bootstrap::bootstrap(task, cross_tools.as_ref())?;
    let (tree, recipe) = (task.work.tree(), &task.chroot.recipe);
    let placement = cross_tools.map(|tools| tools.settle(task)).transpose()?;
    seal::seal(task.sandbox, &tree, recipe)?;
    let packages = verify::verify(task.sandbox, &tree, task.id.arch, recipe)?;
    task.commit(place, old, seen, packages.into_list(), placement)
}
