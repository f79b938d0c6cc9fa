//! A generation from nothing. Does not know what was there before, but for its number.

use super::{BodyError, bootstrap, seal, task::Task, verify};
use crate::{store::Generation, tools};

/// Makes a tree, finds it fit for use, and puts it into use.
pub(super) fn make(task: &Task<'_>, old: Option<&Generation>) -> Result<Generation, BodyError> {
    tools::require(&["mmdebstrap"])?;
    let seen = bootstrap::bootstrap(task)?;
    let (tree, recipe) = (task.work.tree(), &task.chroot.recipe);
    seal::seal(task.sandbox, &tree, recipe)?;
    let packages = verify::verify(task.sandbox, &tree, task.id.arch, recipe)?;
    task.commit(old, seen, packages.into_list())
}
