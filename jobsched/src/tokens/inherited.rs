//! Opens the pool that make named in `MAKEFLAGS`.
//!
//! Knows how to get descriptors that read without blocking and that belong to us, while the
//! description that make and all its children share stays as it is. Does not take tokens.

use std::fs::File;
use std::io;
use std::os::fd::RawFd;
use std::path::Path;

use super::descriptor::{self, Direction};
use super::error::TokenError;
use super::makeflags::{Auth, Place};

/// A pool of somebody else, checked and opened.
#[derive(Debug)]
pub(crate) struct Inherited {
    pub(super) auth: Auth,
    pub(super) read: File,
    pub(super) write: File,
}

impl Inherited {
    /// Opens the pool that `auth` names.
    ///
    /// To be called before this process opens anything else: if make has closed its descriptors,
    /// their numbers are free to be used for other things.
    pub(crate) fn open(auth: &Auth) -> Result<Self, TokenError> {
        let (read, write) = match auth.place() {
            Place::Pipe { read, write } => open_pipe(*read, *write, descriptor::reopen)?,
            Place::Fifo(path) => open_fifo(path)?,
            Place::Disabled => {
                return Err(TokenError::Disabled { word: auth.word().to_owned() });
            }
            Place::Unknown => {
                return Err(TokenError::Malformed { word: auth.word().to_owned() });
            }
        };
        Ok(Self { auth: auth.clone(), read, write })
    }
}

/// `reopen` is a parameter because a test, run by root, can't make the real one fail.
pub(super) fn open_pipe(
    read: RawFd,
    write: RawFd,
    reopen: impl Fn(&File, Direction) -> io::Result<File>,
) -> Result<(File, File), TokenError> {
    let inherited_read = inherit(read, Direction::Read)?;
    let inherited_write = inherit(write, Direction::Write)?;
    // Opening anew needs /proc and the permission of whoever made the pipe: neither is certain
    // after a chroot or a change of user. make 4.3 itself makes its read end non-blocking; then,
    // and only then, the shared description will do.
    let our_read = match reopen(&inherited_read, Direction::Read) {
        Ok(file) => file,
        Err(source) => match descriptor::is_nonblocking(&inherited_read) {
            Ok(true) => inherited_read,
            _ => return Err(TokenError::Blocking { fd: read, source }),
        },
    };
    // To write, the shared description will always do: it can block only while the pipe is full,
    // and a byte that came out of it finds room, unless somebody floods the pool.
    let our_write = reopen(&inherited_write, Direction::Write).unwrap_or(inherited_write);
    Ok((our_read, our_write))
}

/// A duplicate of a descriptor that make named, if a pool can be behind it.
fn inherit(fd: RawFd, direction: Direction) -> Result<File, TokenError> {
    let unusable = |source| TokenError::Descriptor { fd, source };
    let file = descriptor::duplicate(fd).map_err(unusable)?;
    if let Some(kind) = descriptor::unfit(&file).map_err(unusable)? {
        return Err(TokenError::NotAPool { place: format!("file descriptor {fd}"), kind });
    }
    if !descriptor::allows(&file, direction).map_err(unusable)? {
        let purpose = match direction {
            Direction::Read => "reading",
            Direction::Write => "writing",
        };
        return Err(TokenError::Direction { fd, purpose });
    }
    Ok(file)
}

#[expect(clippy::unnecessary_debug_formatting, reason = "one line, whatever the path has in it")]
fn open_fifo(path: &Path) -> Result<(File, File), TokenError> {
    let failed = |source| TokenError::Fifo { path: path.to_owned(), source };
    // To read first: opening a fifo to write without blocking fails while nobody reads.
    let read = descriptor::open(path, Direction::Read).map_err(failed)?;
    if let Some(kind) = descriptor::unfit(&read).map_err(failed)? {
        return Err(TokenError::NotAPool { place: format!("{path:?}"), kind });
    }
    let write = descriptor::open(path, Direction::Write).map_err(failed)?;
    if !descriptor::is_same(&read, &write).map_err(failed)? {
        return Err(TokenError::Replaced { path: path.to_owned() });
    }
    Ok((read, write))
}
