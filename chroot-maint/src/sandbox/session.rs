//! A throw-away session: a layer in memory over a tree that stays as it is. Does not know whose tree it is.
//!
//! The tree is bound to a place in the session's mount namespace, and so appears in the mountinfo of its first process
//! for as long as the session lasts: that is how others see that the tree is in use.

use std::{
    ffi::OsString,
    fs,
    io::IsTerminal,
    os::{fd::AsFd, unix::fs::MetadataExt},
    path::{Path, PathBuf},
    process::Command,
};

use nix::{
    errno::Errno,
    mount::{MsFlags, mount},
};

use super::{
    fault::{Fault, Told},
    plan::Session,
    root::Root,
    tree,
};

/// The session's own file system hides the host's /tmp, in its namespace.
const SCRATCH: &str = "/tmp";

/// Runs in the tree, as root: becomes the user, and then the command, or the user's shell.
const LOGIN: &str = r#"
entry=$(getent passwd "$1") || { echo "no user \`$1' in this chroot" >&2; exit 125; }
shift
IFS=: read -r user _ uid gid _ home shell <<END
$entry
END
[ -x "$shell" ] || shell=/bin/sh
export HOME="$home" SHELL="$shell" USER="$user" LOGNAME="$user"
cd "$home" 2>/dev/null || cd /
[ $# -gt 0 ] || set -- "$shell" -l
[ "$uid" = 0 ] || set -- setpriv --reuid "$uid" --regid "$gid" --init-groups -- "$@"
exec "$@"
"#;

/// The command in the session, when all is mounted.
pub(super) fn prepare(
    tree: &Path,
    session: &Session,
    command: &[OsString],
) -> Result<Command, Fault> {
    // Opened before the host's /tmp is hidden: they may be in there.
    let lower = Root::open(tree)?;
    let binds = session
        .binds
        .iter()
        .map(|bind| Ok((open_host_dir(&bind.from)?, bind.to.as_path())))
        .collect::<Result<Vec<_>, Fault>>()?;
    let root = layer_over(&lower)?;
    tree::mount_usual(&root)?;
    mount_system(&root)?;
    for (from, to) in &binds {
        root.bind_anywhere(&from.path(), to)?;
    }
    copy_from_host(&root, session)?;

    let mut chroot = Command::new("chroot");
    chroot.arg("--groups=").arg(format!("{SCRATCH}/root"));
    chroot.args(["sh", "-c", LOGIN, "login", &session.user]).args(command);
    Ok(chroot)
}

fn open_host_dir(path: &Path) -> Result<Root, Fault> {
    // The host's own symlinks are its own affair.
    let real = path.canonicalize().told(&format!("can't open {}", path.display()))?;
    Root::open(&real)
}

/// Mounts the tree and an empty layer over it.
fn layer_over(lower: &Root) -> Result<Root, Fault> {
    mount(Some("session"), SCRATCH, Some("tmpfs"), MsFlags::empty(), Some("mode=755"))
        .told("can't mount a tmpfs")?;
    for dir in ["lower", "upper", "work", "root"] {
        fs::create_dir(Path::new(SCRATCH).join(dir)).told("can't make a directory")?;
    }
    let bound = format!("{SCRATCH}/lower");
    let bind = MsFlags::MS_BIND | MsFlags::MS_REC;
    mount(Some(lower.path().as_str()), bound.as_str(), None::<&str>, bind, None::<&str>)
        .told("can't bind the tree")?;

    let at = format!("{SCRATCH}/root");
    let options =
        format!("lowerdir={SCRATCH}/lower,upperdir={SCRATCH}/upper,workdir={SCRATCH}/work");
    // In a user namespace the layer's notes must be attributes that a user may set.
    let for_users = format!("{options},userxattr");
    let overlay = |options: &str| {
        mount(Some("overlay"), at.as_str(), Some("overlay"), MsFlags::empty(), Some(options))
    };
    let wanted = if in_user_namespace() { &for_users } else { &options };
    match overlay(wanted) {
        Err(Errno::EINVAL) => overlay(&options),
        done => done,
    }
    .told("can't mount an overlay")?;
    Root::open(Path::new(&at))
}

/// The first user namespace has a number of its own (`PROC_USER_INIT_INO` in the kernel's `linux/proc_ns.h`).
fn in_user_namespace() -> bool {
    fs::metadata("/proc/self/ns/user").is_ok_and(|namespace| namespace.ino() != 0xEFFF_FFFD)
}

/// What a system has besides: /sys to read, and an empty /run.
fn mount_system(root: &Root) -> Result<(), Fault> {
    if root.mount("sysfs", "sys", tree::NO_PROGRAMS | MsFlags::MS_RDONLY, None).is_err() {
        // The network is the host's, and so /sys can only be the host's.
        root.bind("/sys", "sys")?;
        for point in mounted_below(Path::new(SCRATCH).join("root/sys").as_path())? {
            let flags =
                MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY | tree::NO_PROGRAMS;
            mount(None::<&str>, &point, None::<&str>, flags, None::<&str>)
                .told(&format!("can't protect {}", point.display()))?;
        }
    }
    tree::mount_run(root)
}

fn mounted_below(path: &Path) -> Result<Vec<PathBuf>, Fault> {
    let table = fs::read_to_string("/proc/self/mountinfo").told("can't read the mounts")?;
    let points = table.lines().filter_map(|line| line.split(' ').nth(4)).map(PathBuf::from);
    Ok(points.filter(|point| point.starts_with(path)).collect())
}

/// The network is the host's: so are the names in it. The prompt says where one is, as Debian's shells have it.
fn copy_from_host(root: &Root, session: &Session) -> Result<(), Fault> {
    for file in ["resolv.conf", "hosts"] {
        if let Ok(contents) = fs::read(Path::new("/etc").join(file)) {
            root.write("etc", file, &contents)?;
        }
    }
    root.write("etc", "debian_chroot", format!("{}\n", session.name).as_bytes())?;
    // Programs ask for the name of their terminal, and look in /dev for it.
    let streams = [std::io::stdin().as_fd().is_terminal(), std::io::stdout().as_fd().is_terminal()];
    if let Some(number) = streams.iter().position(|is_terminal| *is_terminal) {
        if let Ok(terminal) = fs::read_link(format!("/proc/self/fd/{number}")) {
            // A terminal that has no name here either is used all the same.
            let _ = root.bind_file(&terminal.to_string_lossy(), "dev", "console");
        }
    }
    Ok(())
}
