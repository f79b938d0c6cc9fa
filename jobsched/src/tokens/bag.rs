//! The tokens in our hands, and the two descriptors through which they came and will go.
//!
//! Knows bytes. Does not know whose pool it is, what a token is good for, nor the implicit slot.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};

use super::error::TokenError;

/// What came of an attempt to take a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    Token,
    /// Others have what is missing.
    NoneNow,
    /// There will be none until we give some back.
    NoneLeft,
}

/// Tokens held, each as the byte that was read. Whatever happens to the bag, it gives them back.
///
/// A token that could not be written back is *owed*: it is written before anything else the next
/// time, or used again by [`take`](Bag::take). The pipe being full is the one case in which that
/// happens to a pool in good health, and then nobody is short of a token because of ours; so
/// there is no waiting for it here, not even at the end.
#[derive(Debug)]
pub(super) struct Bag {
    read: File,
    write: File,
    held: Vec<u8>,
    owed: Vec<u8>,
    is_lost: bool,
}

impl Bag {
    /// An empty bag. `read` should be non-blocking.
    pub(super) fn new(read: File, write: File) -> Self {
        Self { read, write, held: Vec::new(), owed: Vec::new(), is_lost: false }
    }

    /// A bag for a new and empty pool: `held` new tokens in it, `free` ones put into the pool.
    pub(super) fn found(
        read: File,
        write: File,
        held: usize,
        free: usize,
    ) -> Result<Self, TokenError> {
        let mut bag = Self::new(read, write);
        bag.held.resize(held, TOKEN);
        // As one write: these may be many, and the pipe was made large enough.
        (&bag.write)
            .write_all(&vec![TOKEN; free])
            .map_err(|source| TokenError::Create { source })?;
        Ok(bag)
    }

    /// How many tokens are in use.
    pub(super) fn held(&self) -> usize {
        self.held.len()
    }

    /// Whether no token can come out of the pool any more.
    pub(super) fn is_lost(&self) -> bool {
        self.is_lost
    }

    /// What becomes readable when there may be a token.
    pub(super) fn readable(&self) -> Option<BorrowedFd<'_>> {
        (!self.is_lost).then(|| self.read.as_fd())
    }

    /// Takes one token if there is one now. An error is final, and is told once.
    pub(super) fn take(&mut self) -> Result<Taken, TokenError> {
        if self.is_lost {
            return Ok(Taken::NoneLeft);
        }
        if let Some(byte) = self.owed.pop() {
            self.held.push(byte);
            return Ok(Taken::Token);
        }
        let mut byte = [0];
        match read_some(&self.read, &mut byte) {
            Ok(0) => {
                self.is_lost = true;
                Err(TokenError::EndOfFile)
            }
            Ok(_) => {
                self.held.extend(byte);
                Ok(Taken::Token)
            }
            // Empty, or somebody else was faster.
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(Taken::NoneNow),
            Err(source) => {
                self.is_lost = true;
                Err(TokenError::Read { source })
            }
        }
    }

    /// Gives one token back, and those that are owed.
    pub(super) fn give_back(&mut self) -> Result<(), TokenError> {
        self.owed.extend(self.held.pop());
        self.settle()
    }

    /// Gives everything back.
    pub(super) fn give_back_all(&mut self) -> Result<(), TokenError> {
        self.owed.append(&mut self.held);
        self.settle()
    }

    /// Byte by byte: a pipe takes or refuses so much at once, and a device may know no more.
    fn settle(&mut self) -> Result<(), TokenError> {
        while let Some(&byte) = self.owed.last() {
            write_byte(&self.write, byte)
                .map_err(|source| TokenError::GiveBack { kept: self.owed.len(), source })?;
            self.owed.pop();
        }
        Ok(())
    }

    /// Replaces what is in the pool and what is owed by `count` new tokens, and returns how many
    /// there were. Stops counting far above `count`, should somebody write all the time.
    pub(super) fn refill(&mut self, count: usize) -> Result<usize, TokenError> {
        let mut found = self.owed.len();
        let mut buffer = [0; 4096];
        while found <= count.saturating_add(MUCH_TOO_MANY) {
            match read_some(&self.read, &mut buffer) {
                Ok(0) => break,
                Ok(length) => found += length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(source) => return Err(TokenError::Read { source }),
            }
        }
        self.owed.clear();
        self.owed.resize(count, TOKEN);
        self.settle().map(|()| found)
    }
}

impl Drop for Bag {
    fn drop(&mut self) {
        // Nobody is left to be told; `give_back_all` beforehand tells.
        _ = self.give_back_all();
    }
}

/// The byte of a token that we make: what make writes, too.
const TOKEN: u8 = b'+';

/// More than a pipe holds unless somebody enlarged it.
const MUCH_TOO_MANY: usize = 1 << 16;

fn read_some(mut file: &File, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match file.read(buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

fn write_byte(mut file: &File, byte: u8) -> io::Result<()> {
    // `write_all` repeats what was interrupted, and takes 0 bytes written for an error.
    file.write_all(&[byte])
}
