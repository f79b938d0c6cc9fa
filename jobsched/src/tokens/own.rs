//! A pool of our own: a number, until a job is to share it, and a pipe from then on.
//!
//! Knows how many tokens there should be. Does not know the implicit slot, nor which job shares.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::{SysconfVar, pipe2, sysconf};

use super::bag::{Bag, Taken};
use super::descriptor::{self, Direction};
use super::error::TokenError;

/// Our own pool.
#[derive(Debug)]
pub(super) struct Own {
    total: usize,
    /// Tokens in use, while there is no pipe.
    counted: usize,
    pipe: Option<Pipe>,
}

/// A pool that did not hold what it should while none of our jobs ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Imbalance {
    /// How many tokens there should be.
    pub(crate) expected: usize,
    /// How many there were: fewer if a child died with some, more if one wrote what it never read.
    pub(crate) found: usize,
}

impl Own {
    pub(super) fn new(total: usize) -> Self {
        Self { total, counted: 0, pipe: None }
    }

    pub(super) fn total(&self) -> usize {
        self.total
    }

    pub(super) fn held(&self) -> usize {
        self.pipe.as_ref().map_or(self.counted, |pipe| pipe.bag.held())
    }

    pub(super) fn take(&mut self) -> Result<Taken, TokenError> {
        if self.held() >= self.total {
            return Ok(Taken::NoneLeft);
        }
        let Some(pipe) = &mut self.pipe else {
            self.counted += 1;
            return Ok(Taken::Token);
        };
        pipe.bag.take()
    }

    pub(super) fn give_back(&mut self) -> Result<(), TokenError> {
        self.counted = self.counted.saturating_sub(1);
        self.pipe.as_mut().map_or(Ok(()), |pipe| pipe.bag.give_back())
    }

    pub(super) fn give_back_all(&mut self) -> Result<(), TokenError> {
        self.counted = 0;
        self.pipe.as_mut().map_or(Ok(()), |pipe| pipe.bag.give_back_all())
    }

    pub(super) fn readable(&self) -> Option<BorrowedFd<'_>> {
        let pipe = self.pipe.as_ref().filter(|pipe| pipe.bag.held() < self.total)?;
        pipe.bag.readable()
    }

    /// The jobs' ends, to read and to write. Makes the pipe the first time.
    pub(super) fn share(&mut self) -> Result<[RawFd; 2], TokenError> {
        let pipe = match &mut self.pipe {
            Some(pipe) => pipe,
            none => none.insert(Pipe::new(self.counted, self.total)?),
        };
        Ok([pipe.read.as_raw_fd(), pipe.write.as_raw_fd()])
    }

    /// Sets the pool right again. To be called while we hold no token.
    pub(super) fn audit(&mut self) -> Result<Option<Imbalance>, TokenError> {
        let Some(pipe) = &mut self.pipe else {
            return Ok(None);
        };
        let (expected, found) = (self.total, pipe.bag.refill(self.total)?);
        Ok((found != expected).then_some(Imbalance { expected, found }))
    }
}

#[derive(Debug)]
struct Pipe {
    bag: Bag,
    /// The jobs' ends: close-on-exec in this process, and blocking, as make's manual promises.
    /// Should a job change that for all jobs, as make does, our own descriptions stay as they are.
    read: File,
    write: File,
}

impl Pipe {
    /// A pipe for `total` tokens, of which `held` are in use.
    fn new(held: usize, total: usize) -> Result<Self, TokenError> {
        let failed = |source: io::Error| TokenError::Create { source };
        let (read, write) = pipe2(OFlag::O_CLOEXEC).map_err(|errno| failed(errno.into()))?;
        let read = above_standard_streams(read).map_err(failed)?;
        let write = above_standard_streams(write).map_err(failed)?;
        make_room(&write, total)
            .map_err(|errno| TokenError::TooMany { tokens: total, source: errno.into() })?;
        let our_read = descriptor::reopen(&read, Direction::Read).map_err(failed)?;
        let our_write = descriptor::reopen(&write, Direction::Write).map_err(failed)?;
        let bag = Bag::found(our_read, our_write, held, total.saturating_sub(held))?;
        Ok(Self { bag, read, write })
    }
}

/// In a host that has closed its stdin, a new descriptor may get a number that no job can use.
fn above_standard_streams(fd: OwnedFd) -> io::Result<File> {
    Ok(File::from(if fd.as_raw_fd() > 2 { fd } else { fd.try_clone()? }))
}

/// What every user may have unless the administrator says otherwise. Nobody runs a million jobs at
/// once, but root could well ask for a pipe that it takes minutes to fill.
const LARGEST_PIPE: i32 = 1 << 20;

/// Enlarges a pipe until it holds `tokens` whatever was read and written before.
///
/// That takes a page more than there are tokens: the page that is read from is in use until its
/// last byte. In a pipe of one page, which users with many pipes get, a single token can be stuck.
fn make_room(pipe: &File, tokens: usize) -> Result<(), Errno> {
    let page = sysconf(SysconfVar::PAGE_SIZE)?.and_then(|size| usize::try_from(size).ok());
    let size = page.and_then(|page| tokens.checked_add(page)).ok_or(Errno::EOVERFLOW)?;
    let size = i32::try_from(size).map_err(|_| Errno::EOVERFLOW)?;
    if size > LARGEST_PIPE {
        return Err(Errno::EOVERFLOW);
    }
    if fcntl(pipe.as_fd(), FcntlArg::F_GETPIPE_SZ)? < size {
        fcntl(pipe.as_fd(), FcntlArg::F_SETPIPE_SZ(size))?;
    }
    Ok(())
}
