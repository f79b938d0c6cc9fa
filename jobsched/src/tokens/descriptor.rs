//! Descriptors for tokens: duplicating, opening anew, and what is behind them.
//!
//! The only `unsafe` of `tokens` is here. Knows files and flags; not what a token is. The numbers
//! in `MAKEFLAGS` are descriptors that nobody in this process owns, so each is duplicated before
//! anything else is done, and all questions are put to the duplicate.
#![allow(unsafe_code)]

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc;

/// Which way tokens go through a descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Read,
    Write,
}

/// A duplicate, close-on-exec and above 2, of a number that need not even be open.
pub(super) fn duplicate(fd: RawFd) -> io::Result<File> {
    // SAFETY: fcntl with F_DUPFD_CLOEXEC touches no memory of ours, and any number is allowed: one
    // that is not open gives EBADF.
    let new = unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 3) };
    if new == -1 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just made this descriptor, for us alone.
    Ok(File::from(unsafe { OwnedFd::from_raw_fd(new) }))
}

/// Opens what is behind `file` once more, non-blocking, with a description that is ours alone.
pub(super) fn reopen(file: &File, direction: Direction) -> io::Result<File> {
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    let opened = open(Path::new(&path), direction)?;
    if is_same(file, &opened)? {
        Ok(opened)
    } else {
        // Somebody's idea of /proc in a chroot.
        Err(io::Error::other(format!("{path} leads to something else")))
    }
}

/// Opens a fifo or device without waiting for anybody at its other end.
pub(super) fn open(path: &Path, direction: Direction) -> io::Result<File> {
    OpenOptions::new()
        .read(direction == Direction::Read)
        .write(direction == Direction::Write)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)
}

/// Whether both are the same pipe, fifo or device.
pub(super) fn is_same(one: &File, other: &File) -> io::Result<bool> {
    let (one, other) = (one.metadata()?, other.metadata()?);
    Ok((one.dev(), one.ino(), one.rdev()) == (other.dev(), other.ino(), other.rdev()))
}

/// What `file` is, in case that no pool can be behind it.
///
/// A terminal is a character device, but where the numbers in `MAKEFLAGS` are stale it is the
/// likely thing to meet, and what the user types are no tokens.
pub(super) fn unfit(file: &File) -> io::Result<Option<&'static str>> {
    let kind = file.metadata()?.file_type();
    Ok(if file.is_terminal() {
        Some("a terminal")
    } else if kind.is_fifo() || kind.is_char_device() {
        None
    } else if kind.is_file() {
        Some("a regular file")
    } else if kind.is_dir() {
        Some("a directory")
    } else if kind.is_socket() {
        Some("a socket")
    } else if kind.is_block_device() {
        Some("a block device")
    } else {
        Some("something else")
    })
}

/// Whether `file` was opened for `direction`.
pub(super) fn allows(file: &File, direction: Direction) -> io::Result<bool> {
    let access = flags(file)? & OFlag::O_ACCMODE;
    Ok(match direction {
        Direction::Read => access != OFlag::O_WRONLY,
        Direction::Write => access != OFlag::O_RDONLY,
    })
}

/// Whether reading from an empty `file` returns at once.
pub(super) fn is_nonblocking(file: &File) -> io::Result<bool> {
    Ok(flags(file)?.contains(OFlag::O_NONBLOCK))
}

fn flags(file: &File) -> io::Result<OFlag> {
    Ok(OFlag::from_bits_retain(fcntl(file.as_fd(), FcntlArg::F_GETFL)?))
}
