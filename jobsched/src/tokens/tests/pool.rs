//! `Tokens` on pools that were made by hand: the invariants, and that no byte is lost.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::*;
use crate::testing::close;

const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz";

#[test]
fn serial_runs_one_job() {
    let mut tokens = Tokens::serial();
    assert_granted(&mut tokens);
    assert_full(&mut tokens);
    assert!(tokens.watch().is_none());
    assert_released(&mut tokens);
    assert_granted(&mut tokens);
    assert_eq!(tokens.slots(), Some(slots(1)));
    assert!(tokens.share().unwrap().is_none());
}

#[test]
fn unlimited_grants_always() {
    let mut tokens = Tokens::unlimited();
    for _ in 0..1000 {
        assert!(matches!(tokens.acquire(), Grant::Granted));
    }
    assert_eq!((tokens.running(), tokens.held(), tokens.slots()), (1000, 0, None));
    assert!(tokens.watch().is_none());
    assert_eq!(tokens.share().unwrap().unwrap().makeflags(OsStr::new("k")), "k -j");
}

#[test]
fn first_job_needs_no_token() {
    let pool = Pool::of(b"a");
    let mut tokens = pool.tokens();
    assert_granted(&mut tokens);
    assert_released(&mut tokens);
    assert_granted(&mut tokens);
    assert_eq!(pool.drain(), b"a");
}

#[test]
fn token_is_taken_only_when_asked_for_and_given_back_at_once() {
    let pool = Pool::of(b"ab");
    let mut tokens = pool.tokens();
    assert_granted(&mut tokens);
    assert_granted(&mut tokens);
    assert_eq!(pool.drain(), b"b");
    assert_released(&mut tokens);
    assert_eq!(pool.drain(), b"a");
    assert_waits(&mut tokens);
}

#[test]
fn cap_counts_before_a_token_is_read() {
    let pool = Pool::of(b"abc");
    let mut tokens = Tokens::inherited(Inherited::open(&pool.auth()).unwrap(), Some(slots(2)));
    assert_granted(&mut tokens);
    assert_granted(&mut tokens);
    assert_full(&mut tokens);
    assert_eq!(pool.drain(), b"bc");
    assert_eq!(tokens.slots(), Some(slots(2)));
}

#[test]
fn releasing_what_was_not_acquired_is_an_error() {
    let pool = Pool::of(b"a");
    let mut tokens = pool.tokens();
    assert!(matches!(tokens.release(), Err(TokenError::NotRunning)));
    assert_balanced(&tokens);
    drop(tokens);
    assert_eq!(pool.drain(), b"a");
}

#[test]
fn every_byte_comes_back_as_it_was_by_release() {
    let pool = Pool::of(LETTERS);
    let mut tokens = pool.tokens();
    acquire_all(&mut tokens);
    assert_eq!(tokens.held(), LETTERS.len());
    for _ in 0..=LETTERS.len() {
        assert_released(&mut tokens);
    }
    assert_eq!(pool.drain(), LETTERS);
}

#[test]
fn every_byte_comes_back_as_it_was_by_drop_and_close() {
    let pool = Pool::of(LETTERS);
    let mut tokens = pool.tokens();
    acquire_all(&mut tokens);
    drop(tokens);
    let mut tokens = pool.tokens();
    acquire_all(&mut tokens);
    tokens.give_back_all().unwrap();
    assert_eq!(pool.drain(), LETTERS);
}

#[test]
fn every_byte_comes_back_as_it_was_by_unwinding() {
    let pool = Pool::of(LETTERS);
    let unwound = catch_unwind(AssertUnwindSafe(|| {
        let mut tokens = pool.tokens();
        acquire_all(&mut tokens);
        resume_unwind(Box::new(()));
    }));
    assert!(unwound.is_err());
    assert_eq!(pool.drain(), LETTERS);
}

#[test]
fn invariant_holds_whatever_we_and_others_do() {
    let mut random = Random(42);
    let pool = Pool::of(LETTERS);
    let mut others = descriptor::reopen(&pool.read, Direction::Read).unwrap();
    let mut taken = Vec::new();
    let mut tokens = pool.tokens();
    for _ in 0..20_000 {
        let running = tokens.running();
        match random.below(8) {
            0..=2 => match tokens.acquire() {
                Grant::Granted => assert_eq!(tokens.running(), running + 1),
                Grant::Wait => {
                    assert_eq!(tokens.running(), running);
                    assert_eq!(tokens.held() + taken.len(), LETTERS.len());
                }
                grant => panic!("{grant:?}"),
            },
            3..=5 => assert_eq!(tokens.release().is_ok(), running > 0),
            6 => {
                let mut byte = [0];
                if others.read(&mut byte).is_ok() {
                    taken.extend(byte);
                }
            }
            _ => {
                let back = taken.pop();
                (&pool.write).write_all(back.as_slice()).unwrap();
            }
        }
        assert_balanced(&tokens);
    }
    (&pool.write).write_all(&taken).unwrap();
    drop(tokens);
    assert_eq!(pool.drain(), LETTERS);
}

#[test]
fn surplus_of_others_is_used_and_given_back() {
    let pool = Pool::of(b"a");
    let mut tokens = pool.tokens();
    assert_granted(&mut tokens);
    assert_granted(&mut tokens);
    (&pool.write).write_all(b"xyz").unwrap();
    acquire_all(&mut tokens);
    assert_eq!(tokens.running(), 5);
    drop(tokens);
    assert_eq!(pool.drain(), b"axyz");
}

#[test]
fn token_that_finds_the_pipe_full_is_kept_told_and_used_again() {
    let pool = Pool::of(b"ab");
    let mut tokens = pool.tokens();
    for _ in 0..3 {
        assert_granted(&mut tokens);
    }
    let flooded = flood(&pool.write);

    for kept in 1..=2 {
        let error = tokens.release().unwrap_err();
        assert!(matches!(error, TokenError::GiveBack { kept: n, .. } if n == kept), "{error:?}");
        assert_balanced(&tokens);
    }
    assert_granted(&mut tokens);
    assert_eq!(pool.drain().len(), flooded);

    assert_released(&mut tokens);
    assert_eq!(pool.drain(), b"ab");
}

#[test]
fn close_tells_what_a_drop_can_not() {
    let pool = Pool::of(b"ab");
    let mut tokens = pool.tokens();
    acquire_all(&mut tokens);
    flood(&pool.write);
    let error = tokens.give_back_all().unwrap_err();
    assert!(matches!(error, TokenError::GiveBack { kept: 2, .. }), "{error:?}");
}

#[test]
fn end_of_file_is_told_once_and_tokens_go_back_all_the_same() {
    let (offers, returns) = (Pool::of(b"a"), Pool::of(b""));
    let auth = Auth::pipe(offers.read.as_raw_fd(), returns.write.as_raw_fd());
    let mut tokens = Tokens::inherited(Inherited::open(&auth).unwrap(), None);
    assert_granted(&mut tokens);
    assert_granted(&mut tokens);
    assert!(tokens.share().unwrap().is_some());
    close(offers.write, &offers.read);

    assert!(matches!(tokens.acquire(), Grant::Lost(TokenError::EndOfFile)));
    assert_full(&mut tokens);
    assert!(tokens.watch().is_none());
    assert!(tokens.share().unwrap().is_none());

    assert_released(&mut tokens);
    assert_eq!(returns.drain(), b"a");
    assert_released(&mut tokens);
    assert_granted(&mut tokens);
    assert_full(&mut tokens);
}

#[test]
fn token_that_nobody_can_take_back_is_told() {
    let (offers, returns) = (Pool::of(b"a"), Pool::of(b""));
    let auth = Auth::pipe(offers.read.as_raw_fd(), returns.write.as_raw_fd());
    let mut tokens = Tokens::inherited(Inherited::open(&auth).unwrap(), None);
    assert_granted(&mut tokens);
    assert_granted(&mut tokens);
    close(returns.read, &returns.write);
    let error = tokens.release().unwrap_err();
    assert!(
        matches!(&error, TokenError::GiveBack { source, .. } if source.kind() == ErrorKind::BrokenPipe),
        "{error:?}"
    );
    assert_balanced(&tokens);
}

#[test]
fn reports_say_what_limits_the_run() {
    let pool = Pool::of(b"");
    let word = pool.auth().word().to_str().unwrap().to_owned();
    let capped = Tokens::inherited(Inherited::open(&pool.auth()).unwrap(), Some(slots(3)));
    assert_eq!(Tokens::serial().to_string(), "one job at a time");
    assert_eq!(Tokens::own(slots(4)).to_string(), "up to 4 jobs");
    assert_eq!(Tokens::unlimited().to_string(), "any number of jobs");
    assert_eq!(pool.tokens().to_string(), format!("jobserver {word}"));
    assert_eq!(capped.to_string(), format!("jobserver {word}, up to 3 jobs of ours"));
}
