//! What can go wrong with tokens, and the one line that a user gets to see of it.
//!
//! Knows how to say it; not who says it, nor what the run does about it.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::os::fd::RawFd;
use std::path::PathBuf;

/// A jobserver that can't be used, or that failed while it was in use.
///
/// The message leaves the system's reason to [`source`](std::error::Error::source);
/// [`warning`](TokenError::warning) has both.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum TokenError {
    /// make gave negative descriptors: it keeps the pool from this command.
    #[error("make says {word:?}, it keeps the jobserver from this command")]
    Disabled {
        /// The word as it stood in `MAKEFLAGS`.
        word: OsString,
    },
    /// Neither two descriptors nor the path of a fifo.
    #[error("{word:?} names neither two file descriptors nor a fifo")]
    Malformed {
        /// The word as it stood in `MAKEFLAGS`.
        word: OsString,
    },
    /// A descriptor that make named is not open here, or can't be duplicated.
    #[error("failed to use file descriptor {fd}, which make named as its jobserver")]
    Descriptor {
        /// The number in `MAKEFLAGS`.
        fd: RawFd,
        /// `EBADF` when it is closed.
        source: io::Error,
    },
    /// The fifo that make named can't be opened.
    #[error("failed to open the jobserver {path:?}")]
    Fifo {
        /// The path in `MAKEFLAGS`.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// What make named is there, but no pool can be behind it.
    #[error("{place} is {kind}, not a pipe, a fifo or a character device")]
    NotAPool {
        /// The descriptor or the path.
        place: String,
        /// What it is instead, with its article.
        kind: &'static str,
    },
    /// The descriptor to read from is not open for reading, or the other not for writing.
    #[error("file descriptor {fd}, which make named as its jobserver, is not open for {purpose}")]
    Direction {
        /// The number in `MAKEFLAGS`.
        fd: RawFd,
        /// `reading` or `writing`.
        purpose: &'static str,
    },
    /// Reading would block, and nobody but us may be kept from blocking.
    #[error("file descriptor {fd} blocks its reader, and failed to open anew")]
    Blocking {
        /// The number in `MAKEFLAGS`.
        fd: RawFd,
        /// Why opening `/proc/self/fd/N` failed.
        source: io::Error,
    },
    /// Between opening it to read and to write, the fifo became another one.
    #[error("the jobserver {path:?} was replaced while it was being opened")]
    Replaced {
        /// The path in `MAKEFLAGS`.
        path: PathBuf,
    },
    /// End of file: all others who could write tokens are gone.
    #[error("the jobserver is gone: end of file instead of a token")]
    EndOfFile,
    /// A token could not be read, for a reason that will not pass.
    #[error("failed to read a token from the jobserver")]
    Read {
        /// The reason.
        source: io::Error,
    },
    /// A token could not be given back. It is kept, to be used or given back later.
    #[error("failed to give back {kept} token(s) to the jobserver")]
    GiveBack {
        /// How many are waiting to be given back.
        kept: usize,
        /// The reason; "would block" when somebody has filled the pipe to the brim.
        source: io::Error,
    },
    /// A job ended that was never granted a slot: a fault of the caller.
    #[error("a slot was released that nobody held")]
    NotRunning,
    /// The pipe of our own pool could not be made.
    #[error("failed to make a jobserver to share with jobs")]
    Create {
        /// The reason.
        source: io::Error,
    },
    /// The pipe of our own pool can't take so many tokens.
    #[error("failed to make a jobserver of {tokens} tokens: a pipe holds too few")]
    TooMany {
        /// The number wanted.
        tokens: usize,
        /// What the system said to a pipe of that size.
        source: io::Error,
    },
}

impl TokenError {
    /// The full line for the user when this error makes an inherited pool unusable.
    #[must_use]
    pub(crate) fn warning(&self) -> Warning<'_> {
        Warning(self)
    }
}

/// One line: what is wrong with the inherited jobserver, what to do, what happens now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Warning<'a>(&'a TokenError);

impl fmt::Display for Warning<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "jobserver unavailable: {}", self.0)?;
        let mut cause = std::error::Error::source(self.0);
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        f.write_str("; running one job at a time; put `+' before the command in the make recipe")
    }
}
