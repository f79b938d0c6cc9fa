//! What is mounted in a tree for a program of the host's that runs others there. Does not run it, and leaves the host's
//! own places as they are.

use std::path::Path;

use super::{fault::Fault, plan::Bind, root::Root, tree};

/// Mounts what a command in the tree is to find. Scripts of packages also write to /run, which must not last.
pub(super) fn mount(tree: &Path, binds: &[Bind]) -> Result<(), Fault> {
    let root = Root::open(tree)?;
    tree::mount_usual(&root)?;
    tree::mount_run(&root)?;
    for bind in binds {
        root.bind_anywhere(&Root::open(&bind.from)?.path(), &bind.to)?;
    }
    Ok(())
}
