//! Tokens of a pool of others, by hand: every byte comes back as it was, whatever happened.

use std::cell::RefCell;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::rc::Rc;

use jobsched::{Check, Event, Jobs, Scheduler, Work, command};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::signal::Signal;
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::{Pid, pipe2};

use crate::harness::{Program, Test, custom, fifo, hold};
use crate::host::Host;
use crate::make::Meeting;

/// The bytes that make the tokens, all different.
const TOKENS: &[u8] = b"abcdefgh";

/// A pipe of our making, that a scheduler in this process takes for that of a make.
struct Pool {
    read: File,
    write: File,
}

impl Pool {
    fn new(tokens: &[u8]) -> Self {
        let (read, write) = pipe2(OFlag::O_CLOEXEC).unwrap();
        let (read, mut write) = (File::from(read), File::from(write));
        write.write_all(tokens).unwrap();
        Self { read, write }
    }

    fn makeflags(&self) -> String {
        let (read, write) = (self.read.as_raw_fd(), self.write.as_raw_fd());
        format!("-j9 --jobserver-auth={read},{write}")
    }

    fn test(&self) -> Test {
        Test::new().with(|builder| builder.makeflags(self.makeflags()))
    }

    #[track_caller]
    fn assert_all_back(&self) {
        let flags = OFlag::from_bits_retain(fcntl(&self.read, FcntlArg::F_GETFL).unwrap());
        assert!(!flags.contains(OFlag::O_NONBLOCK), "the shared description was changed");
        assert_eq!(left(&self.read), TOKENS.escape_ascii().to_string());
    }
}

/// What is in a pipe, sorted.
fn left(mut pipe: &File) -> String {
    fcntl(pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
    let mut bytes = vec![0; 4096];
    let count = pipe.read(&mut bytes).unwrap_or(0);
    bytes.truncate(count);
    bytes.sort_unstable();
    bytes.escape_ascii().to_string()
}

/// Calls something when so many jobs have been started. The answer gets their process ids.
fn when_started(
    scheduler: &mut Scheduler,
    number: usize,
    act: impl FnOnce() + 'static,
) -> Rc<RefCell<Vec<u32>>> {
    let pids = Rc::new(RefCell::new(Vec::new()));
    let started = Rc::clone(&pids);
    let mut act = Some(act);
    scheduler.observe(move |event: &Event<'_>| {
        if let Event::Started { pid, .. } = event {
            started.borrow_mut().push(*pid);
            if started.borrow().len() == number {
                act.take().unwrap()();
            }
        }
    });
    pids
}

/// That none of these is a child of ours any more. Others may have their numbers already.
#[track_caller]
fn assert_none_left(pids: &[u32]) {
    for &pid in pids {
        let id = Id::Pid(Pid::from_raw(pid.try_into().unwrap()));
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        assert_eq!(waitid(id, flags), Err(Errno::ECHILD), "{pid}");
    }
}

#[test]
fn after_success_failure_and_jobs_that_cannot_start() {
    let pool = Pool::new(TOKENS);
    let mut test = pool.test();
    for number in 0..10 {
        test = test
            .sh(&format!("good.{number}"), "true")
            .sh(&format!("bad.{number}"), "exit 1")
            .sh(&format!("killed.{number}"), "kill -9 $$")
            .job(command(format!("missing.{number}"), Command::new("/no/such/program")));
    }
    let ran = test
        .job(custom("panics", |_| panic!("in check"), || Work::impossible("")))
        .job(custom("panics later", |_| Check::ready(), || panic!("in run")))
        .run();
    assert_eq!((ran.summary.succeeded, ran.summary.failed, ran.summary.refused), (10, 31, 1));
    assert_eq!(ran.outcome("panics"), "panicked in its check: in check");
    assert!(ran.warnings().is_empty(), "{:?}", ran.warnings());
    pool.assert_all_back();
}

#[test]
fn after_a_first_failure_that_ends_the_run() {
    let pool = Pool::new(TOKENS);
    let mut test = pool.test().with(|builder| builder.keep_going(false).jobs(Jobs::AtMost(3)));
    for number in 0..20 {
        test = test.sh(&format!("bad.{number}"), "exit 1");
    }
    let ran = test.run();
    assert!(ran.summary.failed <= 3 && ran.summary.cancelled >= 17, "{}", ran.summary);
    pool.assert_all_back();
}

/// Five jobs that take long.
fn long_jobs(mut test: Test) -> Test {
    for number in 0..5 {
        test = test.sh(&format!("long.{number}"), "exec sleep 1000");
    }
    test
}

#[test]
fn after_a_cancellation() {
    let pool = Pool::new(TOKENS);
    let ran = long_jobs(pool.test()).run_with(|scheduler| {
        let handle = scheduler.handle();
        let pids = when_started(scheduler, 5, move || handle.cancel());
        let summary = scheduler.run().unwrap();
        assert_none_left(&pids.borrow());
        summary
    });
    assert_eq!((ran.summary.interrupted, ran.summary.failed), (Some(0), 5));
    assert_eq!(ran.summary.exit_code(), 2);
    assert_eq!(ran.outcome("long.0"), "killed by signal 15 (SIGTERM)");
    pool.assert_all_back();
}

#[test]
fn after_a_panic_in_an_observer_even_while_the_scheduler_lives() {
    let pool = Pool::new(TOKENS);
    long_jobs(pool.test()).sh("waiting", "true").run_with(|scheduler| {
        let pids = when_started(scheduler, 4, || panic!("in an observer"));
        let panic = catch_unwind(AssertUnwindSafe(|| scheduler.run())).unwrap_err();
        assert_eq!(*panic.downcast_ref::<&str>().unwrap(), "in an observer");
        assert_eq!(pids.borrow().len(), 4);
        assert_none_left(&pids.borrow());
        // What ran is lost, but nothing hangs, and what comes later runs.
        scheduler.ensure(command("later", Command::new("true"))).unwrap();
        let summary = scheduler.run().unwrap();
        assert_eq!(summary.succeeded, 1, "{summary}");
        summary
    });
    pool.assert_all_back();
}

#[test]
fn after_a_drop_of_the_scheduler_in_the_middle() {
    let pool = Pool::new(TOKENS);
    let started = RefCell::default();
    let dropped = catch_unwind(AssertUnwindSafe(|| {
        long_jobs(pool.test()).run_with(|scheduler| {
            *started.borrow_mut() = when_started(scheduler, 5, || panic!("in an observer"));
            scheduler.run().unwrap()
        });
    }));
    assert!(dropped.is_err());
    let pids: Rc<RefCell<Vec<u32>>> = started.take();
    assert_eq!(pids.borrow().len(), 5);
    assert_none_left(&pids.borrow());
    pool.assert_all_back();
}

/// Five jobs under a pool in a fifo, by its path or by descriptors, end by signals.
fn assert_all_back_after_signals(script: &str, signals: usize, by_path: bool) {
    let directory = tempfile::tempdir().unwrap();
    let mut pool = hold(&fifo(directory.path().join("pool")));
    pool.write_all(TOKENS).unwrap();
    let mut host = Host::new(directory.path()).grace(1000.0);
    for number in 0..5 {
        host = host.sh(&format!("job.{number}"), script);
    }
    let command = if by_path {
        host.makeflags("-j9 --jobserver-auth=fifo:pool").command()
    } else {
        let host = host.makeflags("-j9 --jobserver-auth=8,9");
        host.under_shell(r#"exec 8<>pool 9>pool; exec "$@""#)
    };
    let mut program = Program::start(command);
    for _ in 0..5 {
        program.line_with("| up");
    }
    program.signal(Signal::SIGINT);
    program.line_with("interrupted by SIGINT: 5 running jobs have 1000 s to end");
    if signals == 2 {
        program.signal(Signal::SIGINT);
        program.line_with("interrupted by SIGINT: 5 running jobs are killed");
    }
    let output = program.dies_by(Signal::SIGINT);
    assert!(output.contains("5 failed"), "{output}");
    assert_eq!(left(&pool), TOKENS.escape_ascii().to_string());
}

#[test]
fn after_the_first_signal() {
    for by_path in [true, false] {
        assert_all_back_after_signals("echo up; exec sleep 1000", 1, by_path);
    }
}

#[test]
fn after_the_second_signal() {
    for by_path in [true, false] {
        assert_all_back_after_signals("trap '' INT; echo up; sleep 1000", 2, by_path);
    }
}

#[test]
fn all_tokens_are_used_and_never_more() {
    let pool = Pool::new(b"abc");
    let mut test = pool.test();
    let met = Meeting::new(&test.path(""), 4, 12);
    for number in 0..12 {
        test = test.sh(&format!("job.{number}"), "sh ./thing");
    }
    let ran = test.run().assert_success();
    assert_eq!(met.most(), 4);
    assert!(ran.warnings().is_empty(), "{:?}", ran.warnings());
    assert_eq!(left(&pool.read), "abc");
}

#[test]
fn a_cap_is_kept_under_a_larger_pool() {
    let pool = Pool::new(TOKENS);
    let mut test = pool.test().with(|builder| builder.jobs(Jobs::AtMost(2)));
    let met = Meeting::new(&test.path(""), 2, 6);
    for number in 0..6 {
        test = test.sh(&format!("job.{number}"), "sh ./thing");
    }
    let ran = test.run().assert_success();
    assert_eq!(met.most(), 2);
    assert!(ran.warnings().is_empty(), "{:?}", ran.warnings());
    pool.assert_all_back();
}

#[test]
fn a_token_that_comes_later_starts_a_waiting_job_at_once() {
    let test = Test::new();
    let pool = hold(&test.fifo("pool"));
    let flags = format!("-j2 --jobserver-auth=fifo:{}", test.path("pool").display());
    test.fifo("go");
    let ran = test
        .with(|builder| builder.makeflags(flags))
        .sh("first", "printf z >pool; read x <go")
        .sh("second", "echo go >go")
        .run()
        .assert_success();
    assert_eq!(ran.started(), ["first", "second"]);
    assert_eq!(left(&pool), "z");
}

#[test]
fn the_end_of_the_pool_lets_running_jobs_finish_and_starts_no_more() {
    let (read, write) = pipe2(OFlag::O_CLOEXEC).unwrap();
    let back = Pool::new(b"");
    let flags = format!("-j9 --jobserver-auth={},{}", read.as_raw_fd(), back.write.as_raw_fd());
    let mut writer = File::from(write);
    writer.write_all(b"a").unwrap();
    let test = Test::new();
    let mut go = hold(&test.fifo("go"));
    let ran = test
        .with(|builder| builder.makeflags(flags))
        .sh("first", "read x <go; echo done")
        .sh("second", "read x <go; echo done")
        .sh("third", "echo done")
        .run_with(|scheduler| {
            when_started(scheduler, 2, move || drop(writer));
            scheduler.observe(move |event: &Event<'_>| {
                if let Event::Warning { .. } = event {
                    go.write_all(b"go\ngo\n").unwrap();
                }
            });
            scheduler.run().unwrap()
        });
    assert_eq!((ran.stdout("first"), ran.stdout("second")), ("done".into(), "done".into()));
    assert_eq!(ran.outcome("third"), "cancelled: the jobserver is gone");
    assert_eq!(ran.warnings(), ["the jobserver is gone: end of file instead of a token"]);
    assert_eq!(ran.summary.exit_code(), 2);
    assert_eq!(left(&back.read), "a");
}
