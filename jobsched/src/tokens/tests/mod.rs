//! Helpers of the tests of `tokens`: pools made by hand, and random numbers that repeat.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::num::NonZeroUsize;
use std::os::fd::AsRawFd;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::pipe2;

use super::descriptor::{self, Direction};
use super::{Auth, Grant, Inherited, MakeFlags, TokenError, Tokens};

mod inherited;
mod makeflags;
mod own;
mod peers;
mod pool;

/// A pool as make would have it, whose tokens can be told apart.
struct Pool {
    read: File,
    write: File,
}

impl Pool {
    fn of(bytes: &[u8]) -> Self {
        let (read, write) = pipe2(OFlag::O_CLOEXEC).unwrap();
        let pool = Self { read: read.into(), write: write.into() };
        (&pool.write).write_all(bytes).unwrap();
        pool
    }

    fn auth(&self) -> Auth {
        Auth::pipe(self.read.as_raw_fd(), self.write.as_raw_fd())
    }

    fn tokens(&self) -> Tokens {
        Tokens::inherited(Inherited::open(&self.auth()).unwrap(), None)
    }

    /// Everything in the pipe, sorted; the pipe is as empty as it can be afterwards.
    fn drain(&self) -> Vec<u8> {
        drain(&self.read)
    }
}

fn drain(read: &File) -> Vec<u8> {
    let mut read = descriptor::reopen(read, Direction::Read).unwrap();
    let mut bytes = Vec::new();
    let error = read.read_to_end(&mut bytes).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    bytes.sort_unstable();
    bytes
}

/// Writes until nothing more goes in.
fn flood(write: &File) -> usize {
    let mut write = descriptor::reopen(write, Direction::Write).unwrap();
    let mut written = 0;
    for chunk in [4096, 1] {
        while let Ok(length) = write.write(&[b'!'; 4096][..chunk]) {
            written += length;
        }
    }
    written
}

fn flags(file: &File) -> OFlag {
    OFlag::from_bits_retain(fcntl(file, FcntlArg::F_GETFL).unwrap())
}

fn auth(word: &str) -> Auth {
    MakeFlags::parse(OsStr::new(word)).auth.unwrap()
}

fn slots(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number).unwrap()
}

fn assert_granted(tokens: &mut Tokens) {
    let grant = tokens.acquire();
    assert!(matches!(grant, Grant::Granted), "{grant:?}");
    assert_balanced(tokens);
}

fn assert_waits(tokens: &mut Tokens) {
    let grant = tokens.acquire();
    assert!(matches!(grant, Grant::Wait), "{grant:?}");
    assert!(tokens.watch().is_some());
    assert_balanced(tokens);
}

fn assert_full(tokens: &mut Tokens) {
    let grant = tokens.acquire();
    assert!(matches!(grant, Grant::Full), "{grant:?}");
    assert_balanced(tokens);
}

fn assert_released(tokens: &mut Tokens) {
    tokens.release().unwrap();
    assert_balanced(tokens);
}

fn assert_balanced(tokens: &Tokens) {
    assert_eq!(tokens.held(), tokens.running().saturating_sub(1));
}

/// Runs as many jobs as the pool gives tokens for.
fn acquire_all(tokens: &mut Tokens) {
    loop {
        match tokens.acquire() {
            Grant::Granted => assert_balanced(tokens),
            Grant::Wait | Grant::Full => return,
            Grant::Lost(error) => panic!("{error}"),
        }
    }
}

/// Marsaglia's xorshift64: the same numbers every time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}
