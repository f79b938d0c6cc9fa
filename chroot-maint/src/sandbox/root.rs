//! A tree that is going to be somebody's root directory, seen from outside: names in it are resolved as from within.
//!
//! So no symlink in the tree, made by whatever package, leads a mount or a file to the host's own.

use std::{
    ffi::OsStr,
    fs::File,
    io::Write,
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::{Component, Path},
};

use nix::{
    errno::Errno,
    fcntl::{OFlag, OpenHow, ResolveFlag, open, openat, openat2},
    mount::{MsFlags, mount},
    sys::stat::{Mode, mkdirat},
    unistd::{UnlinkatFlags, symlinkat, unlinkat},
};

use super::fault::{Fault, Told};

/// An open directory.
#[derive(Debug)]
pub(super) struct Root {
    dir: OwnedFd,
}

const DIRECTORY: OFlag = OFlag::O_PATH.union(OFlag::O_DIRECTORY).union(OFlag::O_CLOEXEC);

impl Root {
    /// A symlink in the place of the tree itself is refused.
    pub(super) fn open(path: &Path) -> Result<Self, Fault> {
        let dir = open(path, DIRECTORY | OFlag::O_NOFOLLOW, Mode::empty());
        Ok(Self { dir: dir.told(&format!("can't open {}", path.display()))? })
    }

    /// A name for the directory that holds whatever its path means.
    pub(super) fn path(&self) -> String {
        name(&self.dir)
    }

    /// A directory in the tree, that no symlink stands for.
    fn dir(&self, path: &str) -> Result<OwnedFd, Fault> {
        let flags = ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_SYMLINKS;
        let how = OpenHow::new().flags(DIRECTORY).resolve(flags);
        openat2(&self.dir, path, how).told(&format!("can't open /{path} in the tree"))
    }

    /// Mounts a new file system on a directory of the tree.
    pub(super) fn mount(
        &self,
        kind: &str,
        path: &str,
        flags: MsFlags,
        options: Option<&str>,
    ) -> Result<(), Fault> {
        let on = self.dir(path)?;
        mount(Some(kind), name(&on).as_str(), Some(kind), flags, options)
            .told(&format!("can't mount {kind} on /{path} in the tree"))
    }

    /// Shows a directory of the host, with all that is mounted in it, on one of the tree.
    pub(super) fn bind(&self, from: &str, path: &str) -> Result<(), Fault> {
        bind(from, &name(&self.dir(path)?), path)
    }

    /// The same on any path of the tree, which is made where it is not there.
    pub(super) fn bind_anywhere(&self, from: &str, path: &Path) -> Result<(), Fault> {
        let on = self.make_dirs(path)?;
        bind(from, &name(&on), &path.display().to_string())
    }

    /// Shows a file of the host on a new file of the tree.
    pub(super) fn bind_file(&self, from: &str, dir: &str, file: &str) -> Result<(), Fault> {
        let dir = self.dir(dir)?;
        let flags = OFlag::O_CREAT | OFlag::O_WRONLY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let on = openat(&dir, file, flags, Mode::from_bits_truncate(0o644))
            .told(&format!("can't make {file} in the tree"))?;
        bind(from, &name(&on), file)
    }

    pub(super) fn symlink(&self, target: &str, dir: &str, link: &str) -> Result<(), Fault> {
        symlinkat(target, &self.dir(dir)?, link)
            .told(&format!("can't make /{dir}/{link} in the tree"))
    }

    /// A new directory, unless it is there.
    pub(super) fn make_dir(&self, dir: &str, new: &str, mode: u32) -> Result<(), Fault> {
        match mkdirat(&self.dir(dir)?, new, Mode::from_bits_truncate(mode)) {
            Ok(()) | Err(Errno::EEXIST) => Ok(()),
            Err(errno) => Err(Fault::new(format!("can't make /{dir}/{new} in the tree: {errno}"))),
        }
    }

    /// A file in the place of whatever has that name.
    pub(super) fn write(&self, dir: &str, file: &str, contents: &[u8]) -> Result<(), Fault> {
        let failed = format!("can't write /{dir}/{file} in the tree");
        let dir = self.dir(dir)?;
        match unlinkat(&dir, file, UnlinkatFlags::NoRemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => {}
            Err(errno) => return Err(Fault::new(format!("{failed}: {errno}"))),
        }
        let flags = OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_WRONLY | OFlag::O_CLOEXEC;
        let file = openat(&dir, file, flags, Mode::from_bits_truncate(0o644)).told(&failed)?;
        File::from(file).write_all(contents).told(&failed)
    }

    /// Makes every directory of a path that is not there; symlinks mean what they mean in the tree.
    fn make_dirs(&self, path: &Path) -> Result<OwnedFd, Fault> {
        let failed = format!("can't make {} in the tree", path.display());
        let in_tree = |path: &OsStr| {
            let how = OpenHow::new().flags(DIRECTORY).resolve(ResolveFlag::RESOLVE_IN_ROOT);
            openat2(&self.dir, path, how)
        };
        let mut reached = Path::new("/").to_path_buf();
        let mut dir = in_tree(OsStr::from_bytes(b"/")).told(&failed)?;
        for component in path.components() {
            let part = match component {
                Component::Normal(part) => part,
                Component::ParentDir => return Err(Fault::new(format!("{failed}: `..' in it"))),
                _ => continue,
            };
            reached.push(part);
            dir = match in_tree(reached.as_os_str()) {
                Err(Errno::ENOENT) => {
                    mkdirat(&dir, part, Mode::from_bits_truncate(0o755)).told(&failed)?;
                    in_tree(reached.as_os_str())
                }
                there => there,
            }
            .told(&failed)?;
        }
        Ok(dir)
    }
}

fn name(fd: &OwnedFd) -> String {
    format!("/proc/self/fd/{}", fd.as_raw_fd())
}

/// Whatever is mounted below comes along: the kernel lets no user namespace uncover what mounts hide.
fn bind(from: &str, to: &str, shown: &str) -> Result<(), Fault> {
    mount(Some(from), to, None::<&str>, MsFlags::MS_BIND | MsFlags::MS_REC, None::<&str>)
        .told(&format!("can't show {from} as {shown} in the tree"))
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink, path::Path};

    use super::Root;

    #[test]
    fn symlinks_lead_nowhere_but_into_the_tree() {
        let dir = tempfile::tempdir().unwrap();
        let (tree, outside) = (dir.path().join("tree"), dir.path().join("outside"));
        for dir in [&tree, &outside, &tree.join("etc")] {
            fs::create_dir(dir).unwrap();
        }
        symlink(&outside, tree.join("escape")).unwrap();
        symlink(outside.join("file"), tree.join("etc/resolv.conf")).unwrap();
        let root = Root::open(&tree).unwrap();
        root.write("etc", "resolv.conf", b"x").unwrap();
        assert!(root.write("escape", "file", b"x").is_err());
        assert!(root.make_dirs(Path::new("/escape/below")).is_err());
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
        assert_eq!(fs::read(tree.join("etc/resolv.conf")).unwrap(), b"x");
        assert!(!tree.join("etc/resolv.conf").is_symlink());
    }

    #[test]
    fn a_link_within_the_tree_means_what_it_means_there() {
        let tree = tempfile::tempdir().unwrap();
        fs::create_dir(tree.path().join("srv")).unwrap();
        symlink("/srv", tree.path().join("mnt")).unwrap();
        let root = Root::open(tree.path()).unwrap();
        root.make_dirs(Path::new("/mnt/a/b")).unwrap();
        assert!(tree.path().join("srv/a/b").is_dir());
        assert!(root.make_dirs(Path::new("/mnt/../x")).is_err());
    }

    #[test]
    fn a_symlink_is_no_tree() {
        let dir = tempfile::tempdir().unwrap();
        symlink("/", dir.path().join("tree")).unwrap();
        assert!(Root::open(&dir.path().join("tree")).is_err());
    }
}
