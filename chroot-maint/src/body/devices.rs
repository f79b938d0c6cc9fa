//! Device nodes in a tree, for those who enter it by other ways than this program's, which has a /dev of its own:
//! schroot above all. Only root can make any. Does not know who will enter.

use std::{
    fs::File,
    io,
    os::fd::{AsFd, OwnedFd},
    path::Path,
};

use nix::{
    errno::Errno,
    fcntl::{OFlag, OpenHow, ResolveFlag, openat2},
    sys::stat::{FchmodatFlags, Mode, SFlag, fchmodat, makedev, mkdirat, mknodat},
    unistd::{geteuid, symlinkat},
};

use super::BodyError;

/// Name, major and minor number: those that policy and the kernel's devices.txt ask for. All are for everybody.
const NODES: [(&str, u64, u64); 8] = [
    ("console", 5, 1),
    ("full", 1, 7),
    ("null", 1, 3),
    ("ptmx", 5, 2),
    ("random", 1, 8),
    ("tty", 5, 0),
    ("urandom", 1, 9),
    ("zero", 1, 5),
];

const LINKS: [(&str, &str); 4] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
];

/// Adds those that are missing, if this is root. Where even root may not, in some containers, there are none.
pub(super) fn make(tree: &Path) -> Result<(), BodyError> {
    if !geteuid().is_root() {
        return Ok(());
    }
    match open_dev(tree).map_err(io::Error::from).and_then(|dev| Ok(fill(&dev)?)) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            eprintln!("no device nodes may be made here, so schroot's sessions will have none");
            Ok(())
        }
        Err(source) => Err(BodyError::Write { what: "the device nodes", source }),
    }
}

/// The directory itself, whatever symbolic links a package may have put in its place.
fn open_dev(tree: &Path) -> nix::Result<OwnedFd> {
    let tree =
        File::open(tree).map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or(0)))?;
    let how = OpenHow::new()
        .flags(OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC)
        .resolve(ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_XDEV);
    openat2(tree.as_fd(), "dev", how)
}

fn fill(dev: &OwnedFd) -> nix::Result<()> {
    for (name, major, minor) in NODES {
        let mode = Mode::from_bits_truncate(0o666);
        // The umask takes away what everybody needs.
        new(mknodat(dev, name, SFlag::S_IFCHR, mode, makedev(major, minor)))?
            .map_or(Ok(()), |()| fchmodat(dev, name, mode, FchmodatFlags::FollowSymlink))?;
    }
    for (name, target) in LINKS {
        new(symlinkat(target, dev, name))?;
    }
    for (name, mode) in [("pts", 0o755), ("shm", 0o1777)] {
        let mode = Mode::from_bits_truncate(mode);
        new(mkdirat(dev, name, mode))?
            .map_or(Ok(()), |()| fchmodat(dev, name, mode, FchmodatFlags::FollowSymlink))?;
    }
    Ok(())
}

/// Nothing if it was there already.
fn new(made: nix::Result<()>) -> nix::Result<Option<()>> {
    match made {
        Ok(()) => Ok(Some(())),
        Err(Errno::EEXIST) => Ok(None),
        Err(errno) => Err(errno),
    }
}
