//! Our own pool: a counter at first, a pipe once it is shared.

use super::super::Imbalance;
use super::*;

/// The jobs' ends, opened once more.
fn ends(tokens: &mut Tokens) -> Pool {
    let shared = tokens.share().unwrap().unwrap();
    let [read, write] = *shared.descriptors() else { panic!("{shared:?}") };
    Pool {
        read: descriptor::duplicate(read).unwrap(),
        write: descriptor::duplicate(write).unwrap(),
    }
}

#[test]
fn number_is_the_limit_and_needs_no_descriptor() {
    let mut tokens = Tokens::own(slots(3));
    for _ in 0..3 {
        assert_granted(&mut tokens);
    }
    assert_full(&mut tokens);
    assert!(tokens.watch().is_none());
    assert_released(&mut tokens);
    assert_granted(&mut tokens);
    assert_full(&mut tokens);
    assert_eq!(tokens.audit().unwrap(), None);
    tokens.give_back_all().unwrap();
}

#[test]
fn largest_number_is_a_number_like_any_other() {
    for number in [1 << 20, usize::MAX] {
        let mut tokens = Tokens::own(slots(number));
        assert_granted(&mut tokens);
        assert_granted(&mut tokens);
        assert_eq!(tokens.slots(), Some(slots(number)));
        let error = tokens.share().unwrap_err();
        assert!(matches!(error, TokenError::TooMany { .. }), "{error:?}");
        assert_granted(&mut tokens);
    }
}

#[test]
fn sharing_puts_the_free_tokens_into_a_pipe_and_counts_on() {
    let mut tokens = Tokens::own(slots(4));
    assert_granted(&mut tokens);
    assert_granted(&mut tokens);
    let jobs = ends(&mut tokens);
    assert_balanced(&tokens);
    assert_granted(&mut tokens);
    assert_released(&mut tokens);
    assert_released(&mut tokens);
    assert_eq!(jobs.drain(), b"+++");
    (&jobs.write).write_all(b"+++").unwrap();
    for _ in 0..3 {
        assert_granted(&mut tokens);
    }
    assert_full(&mut tokens);
    assert!(tokens.watch().is_none());
}

#[test]
fn token_that_a_job_has_can_be_waited_for() {
    let mut tokens = Tokens::own(slots(2));
    assert_granted(&mut tokens);
    let jobs = ends(&mut tokens);
    assert_eq!(jobs.drain(), b"+");
    assert_waits(&mut tokens);
    (&jobs.write).write_all(b"+").unwrap();
    assert_granted(&mut tokens);
}

#[test]
fn sharing_again_gives_the_same_pipe() {
    let mut tokens = Tokens::own(slots(4));
    assert_eq!(tokens.share().unwrap(), tokens.share().unwrap());
}

#[test]
fn ends_of_the_jobs_block_and_are_closed_on_exec_here() {
    let mut tokens = Tokens::own(slots(4));
    let shared = tokens.share().unwrap().unwrap();
    let jobs = ends(&mut tokens);
    for file in [&jobs.read, &jobs.write] {
        assert!(!flags(file).contains(OFlag::O_NONBLOCK));
    }
    let [read, write] = *shared.descriptors() else { panic!("{shared:?}") };
    for number in [read, write] {
        let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{number}")).unwrap();
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:")).unwrap().trim();
        let flags = i32::from_str_radix(flags, 8).unwrap();
        assert_eq!(flags & nix::libc::O_CLOEXEC, nix::libc::O_CLOEXEC);
    }
    assert_eq!(
        shared.makeflags(OsStr::new("k -j9 -- X=1")),
        *format!("k -j4 --jobserver-auth={read},{write} -- X=1")
    );
}

/// As many tokens as a pipe holds by default: with its first page begun, it has no room for the
/// one that was read.
#[test]
fn pipe_is_large_enough_for_a_token_to_come_back() {
    let mut tokens = Tokens::own(slots(65_537));
    assert_granted(&mut tokens);
    let jobs = ends(&mut tokens);
    assert_granted(&mut tokens);
    assert_released(&mut tokens);
    assert_eq!(jobs.drain().len(), 65_536);
}

#[test]
fn audit_replaces_what_died_and_removes_what_is_too_much() {
    let mut tokens = Tokens::own(slots(5));
    let jobs = ends(&mut tokens);
    assert_eq!(tokens.audit().unwrap(), None);

    jobs.drain();
    (&jobs.write).write_all(b"+").unwrap();
    assert_eq!(tokens.audit().unwrap(), Some(Imbalance { expected: 4, found: 1 }));
    assert_eq!(tokens.audit().unwrap(), None);

    (&jobs.write).write_all(b"!!").unwrap();
    assert_eq!(tokens.audit().unwrap(), Some(Imbalance { expected: 4, found: 6 }));
    assert_eq!(jobs.drain(), b"++++");
}

#[test]
fn audit_after_a_flood_leaves_a_sound_pool() {
    let mut tokens = Tokens::own(slots(3));
    assert_granted(&mut tokens);
    let jobs = ends(&mut tokens);
    assert_granted(&mut tokens);
    let found = flood(&jobs.write) + 2;
    assert!(matches!(tokens.release(), Err(TokenError::GiveBack { kept: 1, .. })));
    tokens.release().unwrap_err();
    assert_eq!(tokens.audit().unwrap(), Some(Imbalance { expected: 2, found }));
    assert_eq!(jobs.drain(), b"++");
}

#[test]
fn audit_does_nothing_while_a_job_runs() {
    let mut tokens = Tokens::own(slots(5));
    let jobs = ends(&mut tokens);
    assert_granted(&mut tokens);
    jobs.drain();
    assert_eq!(tokens.audit().unwrap(), None);
    assert_eq!(jobs.drain(), b"");
}
