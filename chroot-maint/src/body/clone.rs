//! A copy of a tree to work on. The tree itself is only read.

use std::path::Path;

use nix::sys::{
    statfs::{BTRFS_SUPER_MAGIC, XFS_SUPER_MAGIC, statfs},
    statvfs::statvfs,
};

use super::{BodyError, process, task::Task};
use crate::{sandbox::Sandbox, spec::Size, store::Generation};

/// Copies everything that a tree is made of, links to each other and sparse files as such. Where the file system can,
/// contents are shared until they change, and it costs next to nothing.
pub(super) fn clone(task: &Task<'_>, old: &Generation, growth: u64) -> Result<(), BodyError> {
    check_room(&task.config.state_dir, old.record.size.saturating_add(growth))?;
    // Not in the sandbox for the tree's programs: with an emulator of its own, root is in a user namespace there, which can't
    // make the device nodes that a tree may have.
    let mut cp = Sandbox::open()?.outside("cp");
    // Nothing is mounted in a tree; if ever something is, it is not the tree's.
    cp.args(["--archive", "--reflink=auto", "--one-file-system", "--no-target-directory", "--"]);
    cp.arg(&old.tree).arg(task.work.tree());
    process::output("copying the tree", cp).map(drop)
}

/// Better no work at all than one that ends at a full disk. Only an estimate: if it is wrong, the copy will fail.
fn check_room(dir: &Path, needed: u64) -> Result<(), BodyError> {
    let can_share = statfs(dir)
        .is_ok_and(|fs| [BTRFS_SUPER_MAGIC, XFS_SUPER_MAGIC].contains(&fs.filesystem_type()));
    let Ok(fs) = statvfs(dir) else {
        return Ok(());
    };
    let free = fs.blocks_available().saturating_mul(fs.fragment_size());
    if can_share || free >= needed {
        return Ok(());
    }
    let (free, needed) = (Size(free), Size(needed));
    Err(BodyError::NoRoom { path: dir.to_owned(), free, needed })
}
