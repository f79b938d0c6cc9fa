//! A scheduler that waits uses no processor time, whatever could be waited for.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use crate::harness::{Lifeline, Program, example, fifo, hold, plain, release, status_of};
use crate::host::Host;

/// Processor time in clock ticks, and how often all threads have gone to sleep.
fn used(pid: u32) -> (u64, u64) {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<_> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let time = |index: usize| fields[index].parse::<u64>().unwrap();
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let switches = tasks.map(|task| {
        let task = task.unwrap().file_name().into_string().unwrap();
        let count = status_of(&format!("{pid}/task/{task}"), "voluntary_ctxt_switches");
        count.parse::<u64>().unwrap()
    });
    (time(11) + time(12), switches.sum())
}

/// What a process uses of both while a hundred other processes come and go.
fn spent_during_a_flood(pid: u32) -> (u64, u64) {
    let before = used(pid);
    plain(example("flood")).args(["-q", "100", "/bin/true"]).output().unwrap();
    let after = used(pid);
    (after.0 - before.0, after.1 - before.1)
}

/// Asserts that the host does nothing from its line `mark` on, while others work, until `go`.
fn assert_idle(directory: &Path, host: Host, mark: &str) {
    let mut program = Program::start(host.command());
    program.line_with(mark);
    assert_idle_from_now_on(directory, program);
}

fn assert_idle_from_now_on(directory: &Path, mut program: Program) {
    // An answer shows that it has seen to all that came before.
    program.signal(nix::sys::signal::Signal::SIGUSR1);
    program.line_with(" running, ");
    // A switch or two may be left over from the answer, or be the kernel's own; what polls or
    // spins has some in every round.
    let rounds: Vec<_> = (0..10).map(|_| spent_during_a_flood(program.pid())).collect();
    assert!(rounds.contains(&(0, 0)), "{rounds:?}");
    release(&directory.join("go"));
    program.succeeds();
}

#[test]
fn while_a_job_runs_that_has_closed_its_streams() {
    let directory = tempfile::tempdir().unwrap();
    fifo(directory.path().join("go"));
    let closed = fifo(directory.path().join("closed"));
    let host = Host::new(directory.path()).sh("job", "exec >&- 2>&-; echo now >closed; read x <go");
    let program = Program::start(host.command());
    Lifeline::open(&closed).line();
    assert_idle_from_now_on(directory.path(), program);
}

#[test]
fn while_tokens_are_there_that_nobody_wants() {
    let directory = tempfile::tempdir().unwrap();
    fifo(directory.path().join("go"));
    let mut pool = hold(&fifo(directory.path().join("pool")));
    pool.write_all(b"abc").unwrap();
    let host = Host::new(directory.path())
        .makeflags("-j4 --jobserver-auth=fifo:pool")
        .sh("job", "read x <go")
        .sh("short", ":");
    assert_idle(directory.path(), host, "finished short");
}

#[test]
fn while_a_job_waits_for_a_token() {
    let directory = tempfile::tempdir().unwrap();
    fifo(directory.path().join("go"));
    let _pool = hold(&fifo(directory.path().join("pool")));
    let host = Host::new(directory.path())
        .makeflags("-j4 --jobserver-auth=fifo:pool")
        .sh("job", "read x <go")
        .sh("waiting", ":");
    assert_idle(directory.path(), host, "started job");
}
