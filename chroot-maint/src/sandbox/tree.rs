//! What a command in a tree finds besides the tree: /proc, a small /dev, an empty /tmp. Does not know sessions.

use std::{ffi::OsString, path::Path, process::Command};

use nix::mount::{MsFlags, mount};

use super::{fault::Fault, root::Root};

pub(super) const NO_PROGRAMS: MsFlags =
    MsFlags::MS_NOSUID.union(MsFlags::MS_NODEV).union(MsFlags::MS_NOEXEC);
pub(super) const NO_DEVICES: MsFlags = MsFlags::MS_NOSUID.union(MsFlags::MS_NODEV);

/// The command in the tree, when all is mounted.
pub(super) fn prepare(tree: &Path, command: &[OsString]) -> Result<Command, Fault> {
    let root = Root::open(tree)?;
    mount_usual(&root)?;
    if command.is_empty() {
        return Err(Fault::no_command());
    }
    // By its path: that is what lists of processes show.
    let mut chroot = Command::new("chroot");
    chroot.arg("--groups=").arg(tree).args(command);
    Ok(chroot)
}

pub(super) fn mount_usual(root: &Root) -> Result<(), Fault> {
    root.mount("proc", "proc", NO_PROGRAMS, None)?;
    // Settings of the kernel are the host's, and who is root here may be root there.
    read_only(root, "proc/sys")?;
    root.mount("tmpfs", "tmp", NO_DEVICES, Some("mode=1777"))?;

    // Nodes are bound, not made: a user namespace may not make any.
    root.mount("tmpfs", "dev", MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC, Some("mode=755"))?;
    for node in ["full", "null", "random", "tty", "urandom", "zero"] {
        root.bind_file(&format!("/dev/{node}"), "dev", node)?;
    }
    root.make_dir("dev", "pts", 0o755)?;
    root.make_dir("dev", "shm", 0o755)?;
    let pts = "newinstance,gid=5,mode=620,ptmxmode=666";
    root.mount("devpts", "dev/pts", MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC, Some(pts))?;
    root.mount("tmpfs", "dev/shm", NO_DEVICES, Some("mode=1777"))?;
    for (target, link) in [
        ("pts/ptmx", "ptmx"),
        ("/proc/self/fd", "fd"),
        ("/proc/self/fd/0", "stdin"),
        ("/proc/self/fd/1", "stdout"),
        ("/proc/self/fd/2", "stderr"),
    ] {
        root.symlink(target, "dev", link)?;
    }
    Ok(())
}

/// An empty /run.
pub(super) fn mount_run(root: &Root) -> Result<(), Fault> {
    root.mount("tmpfs", "run", NO_DEVICES, Some("mode=755"))?;
    root.make_dir("run", "lock", 0o755)?;
    root.mount("tmpfs", "run/lock", NO_PROGRAMS, Some("mode=1777"))
}

/// Protects a directory of the tree from all writing.
pub(super) fn read_only(root: &Root, path: &str) -> Result<(), Fault> {
    root.bind(&format!("{}/{path}", root.path()), path)?;
    let flags = MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY | NO_PROGRAMS;
    let on = format!("{}/{path}", root.path());
    mount(None::<&str>, on.as_str(), None::<&str>, flags, None::<&str>)
        .map_err(|errno| Fault::new(format!("can't protect /{path} in the tree: {errno}")))
}
