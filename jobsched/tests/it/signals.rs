//! Signals without a terminal: what is handled if asked, and that nothing is otherwise.

use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;

use nix::sys::signal::Signal;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;

use crate::harness::{Lifeline, Program, Test, Text as _, end, fifo, host, plain, release};
use crate::host::Host;

/// Holds the fifo `alive` open with all its children, and says in it when it is up.
const LONG: &str = "exec 9>alive; sleep 1000 & echo up >&9; wait";

fn long(directory: &Path) -> (Host, std::path::PathBuf) {
    (Host::new(directory).grace(0.2).sh("long", LONG), fifo(directory.join("alive")))
}

#[test]
fn the_signals_that_end_a_run_reach_the_jobs_and_then_end_the_program() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let directory = tempfile::tempdir().unwrap();
        let (host, alive) = long(directory.path());
        let mut program = Program::start(host.sh("next", "echo too much").command());
        let mut alive = Lifeline::open(&alive);
        alive.line();
        program.signal(signal);
        program
            .line_with(&format!("host: interrupted by {signal}: 1 running job has 0.2 s to end"));
        let output = program.dies_by(signal);
        alive.all_gone();
        assert!(output.contains("1 failed, 1 cancelled"), "{output}");
        // What the shell puts into the background ignores SIGINT, and is killed after the grace.
        let killed = format!("killed by signal {} ({signal})", signal as i32);
        assert!(output.contains(&killed), "{output}");
        assert!(output.contains(&format!("(cancelled: interrupted by {signal})")), "{output}");
    }
}

#[test]
fn what_ignores_the_first_signal_is_killed_after_the_grace_period() {
    let directory = tempfile::tempdir().unwrap();
    let alive = fifo(directory.path().join("alive"));
    let host = Host::new(directory.path())
        .grace(0.1)
        .sh("deaf", "trap '' INT TERM; exec 9>alive; sleep 1000 & echo up >&9; sleep 1000");
    let program = Program::start(host.command());
    let mut alive = Lifeline::open(&alive);
    alive.line();
    program.signal(Signal::SIGINT);
    let output = program.dies_by(Signal::SIGINT);
    alive.all_gone();
    assert!(output.contains("(killed by signal 9 (SIGKILL))"), "{output}");
}

#[test]
fn children_that_outlive_their_leader_are_waited_for_and_killed_too() {
    let directory = tempfile::tempdir().unwrap();
    let alive = fifo(directory.path().join("alive"));
    // The leader dies by the signal; its child ignores it.
    let host = Host::new(directory.path()).grace(0.1).sh(
        "leader",
        "exec 9>alive; (trap '' INT; echo up >&9; exec sleep 1000) & trap 'exit 1' INT; wait",
    );
    let program = Program::start(host.command());
    let mut alive = Lifeline::open(&alive);
    alive.line();
    program.signal(Signal::SIGINT);
    program.dies_by(Signal::SIGINT);
    alive.all_gone();
}

#[test]
fn a_second_signal_kills_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let alive = fifo(directory.path().join("alive"));
    let host = Host::new(directory.path())
        .grace(1000.0)
        .sh("deaf", "trap '' INT TERM; exec 9>alive; sleep 1000 & echo up >&9; sleep 1000");
    let mut program = Program::start(host.command());
    let mut alive = Lifeline::open(&alive);
    alive.line();
    program.signal(Signal::SIGINT);
    program.line_with("1 running job has 1000 s to end, a second signal kills it");
    program.signal(Signal::SIGTERM);
    program.line_with("interrupted by SIGTERM: 1 running job is killed");
    // By the one that ended the run.
    program.dies_by(Signal::SIGINT);
    alive.all_gone();
}

#[test]
fn usr1_tells_what_runs_and_what_waits() {
    let directory = tempfile::tempdir().unwrap();
    fifo(directory.path().join("go"));
    let host = Host::new(directory.path()).sh("first", "read x <go").sh("second", ":");
    let mut program = Program::start(host.command());
    let started = program.line_with("started first ");
    let pid = started.rsplit_once(' ').unwrap().1;
    program.signal(Signal::SIGUSR1);
    program.line_with("1 running, 1 waiting, 0 finished");
    let running = program.line_with("  first: running for ");
    assert!(running.ends_with(&format!(" s, process {pid}")), "{running}");
    program.line_with("  second: ");
    release(&directory.path().join("go"));
    assert!(program.succeeds().contains("2 succeeded"));
}

#[test]
fn a_hangup_that_is_ignored_stays_ignored() {
    let directory = tempfile::tempdir().unwrap();
    fifo(directory.path().join("go"));
    let host = Host::new(directory.path()).sh("job", "read x <go");
    let mut program = Program::start(host.under_shell(r#"trap '' HUP; exec "$@""#));
    program.line_with("started job");
    program.signal(Signal::SIGHUP);
    release(&directory.path().join("go"));
    let output = program.succeeds();
    assert!(output.contains("1 succeeded") && !output.contains("interrupted"), "{output}");
}

#[test]
fn without_being_asked_nothing_is_handled() {
    let output = host("untouched").output().unwrap();
    let text = output.text();
    assert!(output.status.success() && text.contains("same\n"), "{text}");
}

#[test]
fn after_a_run_that_handled_signals_the_next_one_ends_the_host() {
    let output = host("afterwards").output().unwrap();
    assert_eq!(output.status.signal(), Some(Signal::SIGINT as i32), "{}", output.text());
    assert!(output.text().contains("over\n"));
}

#[test]
fn after_a_run_ctrl_z_stops_the_host_where_somebody_could_continue_it() {
    let mut command = host("stopped afterwards");
    // In the session of its parent, but not in its group: as a shell does it.
    command.process_group(0);
    let mut program = Program::start(command);
    program.line_with("over");
    let id = Id::Pid(Pid::from_raw(program.pid().try_into().unwrap()));
    let how = WaitPidFlag::WSTOPPED | WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
    let stopped = waitid(id, how).unwrap();
    assert!(matches!(stopped, WaitStatus::Stopped(_, Signal::SIGTSTP)), "{stopped:?}");
    program.signal(Signal::SIGCONT);
    assert!(program.succeeds().contains("alive\n"));
}

#[test]
fn after_a_run_ctrl_z_does_nothing_where_nobody_could_continue_the_host() {
    let inner = host("stopped afterwards");
    let mut session = plain("setsid");
    session.arg("--wait").arg(inner.get_program()).args(inner.get_args());
    session.env(crate::host::PART, "stopped afterwards");
    assert!(Program::start(session).succeeds().contains("alive\n"));
}

#[test]
fn a_leader_that_is_killed_is_the_end_of_its_job() {
    let ran = Test::new().sh("leader", "sleep 1000 & echo $!; kill -9 $$").sh("next", ":").run();
    assert_eq!(ran.outcome("leader"), "killed by signal 9 (SIGKILL)");
    let pid = ran.stdout("leader");
    assert_eq!(ran.leaks("leader")[0][0].pid.to_string(), pid);
    assert_eq!(ran.outcome("next"), "succeeded");
    end(pid.parse().unwrap());
}
