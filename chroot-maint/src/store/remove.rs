//! Deleting a tree without ever leaving it: over no mount point, through no symlink.
//!
//! `rm --one-file-system` compares device numbers, which are equal on both sides of a bind mount; openat2
//! compares mounts. Does not know user namespaces: trees with foreign owners need the
//! caller to be in one already.

use std::{
    ffi::{CStr, CString},
    fs::File,
    io,
    os::unix::ffi::OsStrExt,
    path::Path,
};

use nix::{
    dir::{Dir, Type},
    errno::Errno,
    fcntl::{AtFlags, OFlag, OpenHow, ResolveFlag, openat2},
    sys::stat::{FileStat, fstatat},
    unistd::{UnlinkatFlags, unlinkat},
};

use super::{StoreError, mounts};

/// Deletes what is at `path`, a direct entry of a directory called `work`, if anything is. Gives the disk space that this
/// has freed, in bytes; what has another name elsewhere still takes its own.
pub(crate) fn remove_tree(path: &Path) -> Result<u64, StoreError> {
    let fault = |source: io::Error| StoreError::Delete { path: path.to_owned(), source };
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(StoreError::NotWork(path.to_owned()));
    };
    let parent = parent.canonicalize().map_err(fault)?;
    if parent.file_name().is_none_or(|name| name != "work") {
        return Err(StoreError::NotWork(path.to_owned()));
    }
    let real = parent.join(name);
    if let Some(mount) = mounts::below(&real).map_err(fault)?.into_iter().next() {
        return Err(StoreError::Mounted { path: path.to_owned(), mount });
    }
    let name = CString::new(name.as_bytes()).map_err(|error| fault(error.into()))?;
    let parent = File::open(&parent).map_err(fault)?;
    let mut freed = 0;
    match remove_entry(&parent, &name, None, &mut freed) {
        Ok(()) | Err(Errno::ENOENT) => Ok(freed),
        Err(errno) => Err(fault(errno.into())),
    }
}

/// Deletes one entry of a directory, whole. Recursion is as deep as the tree, with one descriptor a level.
fn remove_entry(
    parent: &impl std::os::fd::AsFd,
    name: &CStr,
    kind: Option<Type>,
    freed: &mut u64,
) -> nix::Result<()> {
    let stat = fstatat(parent, name, AtFlags::AT_SYMLINK_NOFOLLOW)?;
    if kind.is_none_or(|kind| kind == Type::Directory) {
        match open_dir(parent, name) {
            Ok(dir) => {
                empty(dir, freed)?;
                unlinkat(parent, name, UnlinkatFlags::RemoveDir)?;
                *freed += space(&stat);
                return Ok(());
            }
            Err(Errno::ENOTDIR | Errno::ELOOP) => {}
            Err(errno) => return Err(errno),
        }
    }
    unlinkat(parent, name, UnlinkatFlags::NoRemoveDir)?;
    if stat.st_nlink == 1 {
        *freed += space(&stat);
    }
    Ok(())
}

/// Blocks are counted in units of 512 bytes, whatever the file system's own.
fn space(stat: &FileStat) -> u64 {
    u64::try_from(stat.st_blocks).unwrap_or(0) * 512
}

fn open_dir(parent: &impl std::os::fd::AsFd, name: &CStr) -> nix::Result<Dir> {
    let how = OpenHow::new()
        .flags(OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC)
        .resolve(
            ResolveFlag::RESOLVE_BENEATH
                | ResolveFlag::RESOLVE_NO_XDEV
                | ResolveFlag::RESOLVE_NO_SYMLINKS,
        );
    Dir::from_fd(openat2(parent, name, how)?)
}

fn empty(mut dir: Dir, freed: &mut u64) -> nix::Result<()> {
    // Names first: what a directory lists while it shrinks is not defined.
    let entries = dir
        .iter()
        .map(|entry| entry.map(|entry| (entry.file_name().to_owned(), entry.file_type())))
        .collect::<nix::Result<Vec<_>>>()?;
    for (name, kind) in entries {
        if !matches!(name.to_bytes(), b"." | b"..") {
            remove_entry(&dir, &name, kind, freed)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink, path::PathBuf};

    use tempfile::TempDir;

    use super::{Errno, StoreError, open_dir, remove_tree};

    fn work() -> (TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let work = dir.path().join("work");
        fs::create_dir(&work).unwrap();
        (dir, work)
    }

    #[test]
    fn a_tree_goes_and_what_its_symlinks_name_stays() {
        let (dir, work) = work();
        let kept = dir.path().join("kept");
        fs::create_dir(&kept).unwrap();
        fs::write(kept.join("file"), "x").unwrap();
        let tree = work.join("1.x");
        fs::create_dir_all(tree.join("a/b/c")).unwrap();
        fs::write(tree.join("a/file"), "x").unwrap();
        symlink(&kept, tree.join("a/dir-link")).unwrap();
        symlink("/etc/passwd", tree.join("file-link")).unwrap();
        remove_tree(&tree).unwrap();
        assert!(!tree.exists() && kept.join("file").exists());
        remove_tree(&tree).unwrap();
    }

    #[test]
    fn what_has_another_name_elsewhere_frees_nothing() {
        let (dir, work) = work();
        let tree = work.join("1.x");
        let freed_with = |link: bool| {
            fs::create_dir(&tree).unwrap();
            fs::write(tree.join("file"), vec![1; 1_000_000]).unwrap();
            if link {
                fs::hard_link(tree.join("file"), dir.path().join("link")).unwrap();
            }
            remove_tree(&tree).unwrap()
        };
        let whole = freed_with(false);
        assert!(whole >= 1_000_000, "{whole}");
        assert!(freed_with(true) < 1_000_000);
        assert_eq!(remove_tree(&tree).unwrap(), 0, "it is gone");
    }

    #[test]
    fn a_symlink_in_the_place_of_a_tree_goes_alone() {
        let (dir, work) = work();
        let kept = dir.path().join("kept");
        fs::create_dir(&kept).unwrap();
        symlink(&kept, work.join("link")).unwrap();
        remove_tree(&work.join("link")).unwrap();
        assert!(kept.exists() && !work.join("link").is_symlink());
    }

    #[test]
    fn what_is_not_in_a_work_directory_is_refused() {
        let (dir, work) = work();
        for path in [dir.path().join("work"), work.join(".."), PathBuf::from("/")] {
            assert!(matches!(remove_tree(&path), Err(StoreError::NotWork(_))), "{path:?}");
        }
    }

    #[test]
    fn a_mount_point_is_not_opened() {
        // /proc is a mount in every place that tests run in.
        let root = fs::File::open("/").unwrap();
        assert_eq!(open_dir(&root, c"proc").unwrap_err(), Errno::EXDEV);
    }
}
