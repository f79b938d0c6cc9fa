//! What tests of several modules share: pipes of which no other end is open when they say so. Knows
//! nothing of what goes through them.
//!
//! Tests run side by side, and some start processes. Such a process has copies of all descriptors
//! until its program begins, and on a busy machine that takes a while: to drop an end of a pipe does
//! not mean that it is closed.

use std::fs::File;
use std::os::fd::AsFd;

use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, poll};
use nix::unistd::pipe2;

/// Far more than it takes, in milliseconds.
const PATIENCE: u16 = 60_000;

/// The ends of a pipe, to read from and to write to.
pub(crate) fn pipe() -> (File, File) {
    let (read, write) = pipe2(OFlag::O_CLOEXEC).unwrap();
    (read.into(), write.into())
}

/// Closes an end of a pipe, and waits until nobody has it open any more: `other` is the other end.
pub(crate) fn close(end: File, other: &impl AsFd) {
    drop(end);
    // Of these it tells without being asked.
    let gone = PollFlags::POLLHUP | PollFlags::POLLERR;
    let mut other = [PollFd::new(other.as_fd(), PollFlags::empty())];
    poll(&mut other, PATIENCE).unwrap();
    assert!(other[0].revents().unwrap().intersects(gone), "somebody keeps an end of the pipe");
}
