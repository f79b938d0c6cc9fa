//! The right to run jobs at once, under a GNU make jobserver or under none.
//!
//! Knows `MAKEFLAGS`, pipes and fifos of others, a pool of our own, and how many jobs run.
//! Does not know jobs: tokens are a bag, and none belongs to a job. Waits for nothing; who wants
//! to wait polls [`Tokens::watch`], and only while a job that is ready lacks a slot.
//!
//! - The first job that runs has the implicit slot, which our parent granted by starting us. It is
//!   never given away. Every further one has a token, so `held() == max(0, running() - 1)`.
//! - A token is read when a job is to start at once, from a description that is ours and never
//!   blocks, and written back when any job ends: the same byte, though make does not mind.
//! - A token that can't be written back is kept, and told. Dropping [`Tokens`] gives all back.
//!
//! # Why not the crate `jobserver`
//!
//! Its client of an inherited pool (0.1.35) re-opens the pipe, does not block in `try_acquire`
//! and returns the byte that it read, as it should. But it can't be told what to open: it reads
//! the first of three environment variables that is there, and a path in it up to the first
//! blank. It takes any file for a fifo. Where the pipe can't be re-opened, `try_acquire` fails
//! even if the inherited end does not block. Dropping an `Acquired` hides that the token was
//! lost. There is no descriptor to poll. A pool of its own can't be read without blocking, and is
//! handed on through `pre_exec`, in other variables than `MAKEFLAGS` or without make's other
//! words in it. What would be left of the crate is reading and writing one byte. So this module
//! is ours throughout, and the crate is its peer in the tests.
//!
//! # Files
//!
//! `makeflags` parses and rewrites `words`, of which `load` reads a limit of load; `inherited` opens what they name, with the help of
//! `descriptor`; `own` counts, or makes a pipe; a `bag` keeps the tokens of either; `shared` is
//! what a job gets; `error` says what went wrong.
//!
//! # Known limits
//!
//! - Where the two descriptors that make named are of different pipes, and nobody reads the second
//!   any more, writing a token back raises SIGPIPE. Rust programs ignore that unless told not to.
//! - The inherited descriptors themselves stay open, and go to every child that does not close
//!   them. Nobody uses them without a `MAKEFLAGS` that names them.

use std::fmt;
use std::num::NonZeroUsize;
use std::os::fd::BorrowedFd;

mod bag;
mod descriptor;
mod error;
mod inherited;
mod load;
mod makeflags;
mod own;
mod shared;
#[cfg(test)]
mod tests;
mod words;

use bag::{Bag, Taken};
use makeflags::Place;
use own::Own;

pub(crate) use error::TokenError;
pub(crate) use inherited::Inherited;
pub(crate) use makeflags::{Auth, JobsWord, MakeFlags, without_jobserver};
pub(crate) use own::Imbalance;
pub(crate) use shared::Shared;

/// How many jobs run, and the tokens that they run with.
#[derive(Debug)]
pub(crate) struct Tokens {
    running: usize,
    supply: Supply,
}

#[derive(Debug)]
enum Supply {
    /// Nobody counts.
    Unlimited,
    /// A pool of ours; of no tokens if serial.
    Own(Own),
    /// A pool of others.
    Inherited { bag: Bag, auth: Auth, cap: Option<NonZeroUsize> },
}

/// The answer to [`Tokens::acquire`].
#[derive(Debug)]
#[must_use]
pub(crate) enum Grant {
    /// One more job runs.
    Granted,
    /// No token now. There may be one when [`Tokens::watch`] is readable, or a job of ours ends.
    Wait,
    /// Only the end of one of our own jobs makes room.
    Full,
    /// The pool is no more; told once. From now on only the implicit slot is granted.
    Lost(TokenError),
}

impl Tokens {
    /// One job at a time.
    pub(crate) fn serial() -> Self {
        Self::own(NonZeroUsize::MIN)
    }

    /// As many jobs as there are.
    pub(crate) fn unlimited() -> Self {
        Self::new(Supply::Unlimited)
    }

    /// At most `slots` jobs at once, together with what the jobs run that share the pool.
    pub(crate) fn own(slots: NonZeroUsize) -> Self {
        Self::new(Supply::Own(Own::new(slots.get() - 1)))
    }

    /// As many jobs as the pool of others allows, but never more than `cap` of our own.
    pub(crate) fn inherited(pool: Inherited, cap: Option<NonZeroUsize>) -> Self {
        let Inherited { auth, read, write } = pool;
        Self::new(Supply::Inherited { bag: Bag::new(read, write), auth, cap })
    }

    fn new(supply: Supply) -> Self {
        Self { running: 0, supply }
    }

    /// Tries once, without waiting, to get what one more job needs, which counts as running then.
    ///
    /// To be called only for a job that will start at once.
    pub(crate) fn acquire(&mut self) -> Grant {
        let grant = if self.running == 0 { Grant::Granted } else { self.acquire_token() };
        if matches!(grant, Grant::Granted) {
            self.running += 1;
        }
        grant
    }

    fn acquire_token(&mut self) -> Grant {
        let taken = match &mut self.supply {
            Supply::Unlimited => return Grant::Granted,
            Supply::Own(own) => own.take(),
            Supply::Inherited { cap: Some(cap), .. } if self.running >= cap.get() => {
                return Grant::Full;
            }
            Supply::Inherited { bag, .. } => bag.take(),
        };
        match taken {
            Ok(Taken::Token) => Grant::Granted,
            Ok(Taken::NoneNow) => Grant::Wait,
            Ok(Taken::NoneLeft) => Grant::Full,
            Err(error) => Grant::Lost(error),
        }
    }

    /// One of our jobs ended, or did not start after all: gives a token back if any is held.
    ///
    /// The job counts as ended even if that fails; what could not be given back is kept.
    pub(crate) fn release(&mut self) -> Result<(), TokenError> {
        self.running = self.running.checked_sub(1).ok_or(TokenError::NotRunning)?;
        match &mut self.supply {
            Supply::Unlimited => Ok(()),
            Supply::Own(own) => own.give_back(),
            Supply::Inherited { bag, .. } => bag.give_back(),
        }
    }

    /// Gives everything back, as dropping would, and tells if that fails. Nothing of ours may run.
    pub(crate) fn give_back_all(&mut self) -> Result<(), TokenError> {
        self.running = 0;
        match &mut self.supply {
            Supply::Unlimited => Ok(()),
            Supply::Own(own) => own.give_back_all(),
            Supply::Inherited { bag, .. } => bag.give_back_all(),
        }
    }

    /// How many jobs run.
    pub(crate) fn running(&self) -> usize {
        self.running
    }

    /// How many tokens they run with; 0 where nobody counts.
    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        match &self.supply {
            Supply::Unlimited => 0,
            Supply::Own(own) => own.held(),
            Supply::Inherited { bag, .. } => bag.held(),
        }
    }

    /// The most jobs that may run at once, if we know.
    #[cfg(test)]
    pub(crate) fn slots(&self) -> Option<NonZeroUsize> {
        match &self.supply {
            Supply::Unlimited => None,
            Supply::Own(own) => NonZeroUsize::MIN.checked_add(own.total()),
            Supply::Inherited { cap, .. } => *cap,
        }
    }

    /// What to poll for reading after [`Grant::Wait`], level-triggered, until the next attempt.
    pub(crate) fn watch(&self) -> Option<BorrowedFd<'_>> {
        match &self.supply {
            Supply::Unlimited => None,
            Supply::Own(own) => own.readable(),
            Supply::Inherited { bag, .. } => bag.readable(),
        }
    }

    /// What a job must be given that is to share the pool. `None`: there is nothing to share, and
    /// the job is to be treated as one that does not.
    ///
    /// The first time, this makes the pipe of a pool of our own.
    pub(crate) fn share(&mut self) -> Result<Option<Shared>, TokenError> {
        Ok(match &mut self.supply {
            Supply::Unlimited => Some(Shared::unlimited()),
            Supply::Own(own) if own.total() == 0 => None,
            Supply::Own(own) => {
                let slots = NonZeroUsize::MIN.saturating_add(own.total());
                Some(Shared::own(slots, own.share()?))
            }
            Supply::Inherited { bag, .. } if bag.is_lost() => None,
            Supply::Inherited { auth, .. } => Some(Shared::inherited(auth.clone())),
        })
    }

    /// Looks, while nothing of ours runs, whether all tokens of a shared pool of our own are back,
    /// and replaces those that died with a child. `None` when all is well, or can't be known.
    ///
    /// Something that a job left running may still hold a token; when that is written back, the
    /// next audit finds it to be too much, and takes it out.
    pub(crate) fn audit(&mut self) -> Result<Option<Imbalance>, TokenError> {
        match &mut self.supply {
            Supply::Own(own) if self.running == 0 => own.audit(),
            _ => Ok(None),
        }
    }
}

/// For reports: `one job at a time`, `up to 4 jobs`, …
impl fmt::Display for Tokens {
    #[expect(
        clippy::unnecessary_debug_formatting,
        reason = "one line, whatever the path has in it"
    )]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.supply {
            Supply::Unlimited => f.write_str("any number of jobs"),
            Supply::Own(own) if own.total() == 0 => f.write_str("one job at a time"),
            Supply::Own(own) => write!(f, "up to {} jobs", own.total().saturating_add(1)),
            Supply::Inherited { auth, cap, .. } => {
                match auth.place() {
                    Place::Fifo(path) => write!(f, "jobserver {path:?}")?,
                    _ => write!(f, "jobserver {}", auth.word().to_string_lossy())?,
                }
                cap.map_or(Ok(()), |cap| write!(f, ", up to {cap} jobs of ours"))
            }
        }
    }
}
