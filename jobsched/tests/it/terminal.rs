//! A real terminal: Ctrl-C and Ctrl-Z.

use std::path::{Path, PathBuf};
use std::time::Instant;

use nix::sys::signal::Signal;

use crate::harness::{Lifeline, Program, fifo, plain, release, state_of};
use crate::host::Host;

const CTRL_C: u8 = 0x03;
const CTRL_Z: u8 = 0x1a;

/// A job that is up when it has written a line to the fifo `alive`, which its children hold, too.
fn host(directory: &Path, grace: f64, script: &str) -> (Host, PathBuf) {
    (Host::new(directory).grace(grace).sh("job", script), fifo(directory.join("alive")))
}

#[test]
fn ctrl_c_ends_jobs_and_their_children_and_the_shell_sees_an_interrupt() {
    let directory = tempfile::tempdir().unwrap();
    // The child in the background ignores SIGINT, as shells have it.
    let script = "exec 9>alive; sleep 1000 & echo up >&9; sleep 1000";
    let (host, alive) = host(directory.path(), 0.3, script);
    let end = fifo(directory.path().join("end"));
    // It is this shell that has the terminal, which hangs up with it: what was written to it just
    // before may get lost.
    let shell = r#"trap : INT; "$@"; echo shell: $?; read x <end"#;
    let mut program = Program::start_in_terminal(&host.under_shell(shell));
    let mut alive = Lifeline::open(&alive);
    alive.line();
    program.press(CTRL_C);
    program.line_with("interrupted by SIGINT");
    program.line_with("1 failed in ");
    // 128 and the number of SIGINT.
    program.line_with("shell: 130");
    alive.all_gone();
    release(&end);
    program.succeeds();
}

#[test]
fn a_second_ctrl_c_kills_what_ignored_the_first() {
    let directory = tempfile::tempdir().unwrap();
    let script = "trap '' INT; exec 9>alive; sleep 1000 & echo up >&9; sleep 1000";
    let (host, alive) = host(directory.path(), 1000.0, script);
    let mut program = Program::start_in_terminal(&host.command());
    let mut alive = Lifeline::open(&alive);
    alive.line();
    program.press(CTRL_C);
    program.line_with("a second signal kills it");
    program.press(CTRL_C);
    // What it says of that may get lost: with its leader the terminal hangs up.
    program.dies_by(Signal::SIGINT);
    alive.all_gone();
}

#[test]
fn ctrl_z_stops_the_jobs_and_fg_continues_them() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["go", "on", "alive", "end"] {
        fifo(directory.path().join(name));
    }
    let host = Host::new(directory.path()).sh("job", "exec 9>alive; echo up >&9; read x <go");
    // A shell with job control, as people have it.
    let script = r#"set -m; "$@"; echo shell: $?; read x <on; fg; echo fg: $?; read x <end"#;
    let shell = host.under_shell(script);
    let before = Instant::now();
    let mut program = Program::start_in_terminal(&shell);
    let started = program.line_with("started job ");
    let pid: u32 = started.rsplit_once(' ').unwrap().1.parse().unwrap();
    let mut alive = Lifeline::open(&directory.path().join("alive"));
    alive.line();

    program.press(CTRL_Z);
    // 128 and the number of SIGSTOP or SIGTSTP.
    let stopped = program.line_with("shell: ");
    assert!(stopped.ends_with("147") || stopped.ends_with("148"), "{stopped}");
    // It has the signal, but acts on it only when it is its turn.
    while state_of(pid) != 'T' {
        std::thread::yield_now();
    }
    // For longer than it has run.
    let stop = Instant::now();
    while stop.elapsed() < 2 * (stop - before) {
        plain("sh").args(["-c", "head -c 30000000 /dev/zero | sha256sum"]).output().unwrap();
    }
    let stopped = stop.elapsed();
    release(&directory.path().join("on"));
    release(&directory.path().join("go"));
    alive.all_gone();
    let finished = program.line_with("finished job ");
    let total = before.elapsed();
    let elapsed: f64 = finished.rsplit_once(' ').unwrap().1.parse().unwrap();
    assert!(
        elapsed <= total.as_secs_f64() - stopped.as_secs_f64(),
        "{elapsed} s of {total:?}, stopped for {stopped:?}"
    );
    program.line_with("fg: 0");
    release(&directory.path().join("end"));
    program.succeeds();
}

#[test]
fn ctrl_z_where_nobody_could_continue_us_is_no_end() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["go", "alive"] {
        fifo(directory.path().join(name));
    }
    // Without a shell, as in `xterm -e PROGRAM`, the kernel stops no process by Ctrl-Z.
    let host = Host::new(directory.path()).sh("job", "exec 9>alive; echo up >&9; read x <go");
    let mut program = Program::start_in_terminal(&host.under_shell(r#"exec "$@""#));
    let mut alive = Lifeline::open(&directory.path().join("alive"));
    alive.line();
    program.press(CTRL_Z);
    // The kernel may take its time; it shows the key when it has seen it.
    while !program.has_said("^Z") {
        program.signal(Signal::SIGUSR1);
        program.line_with("1 running, 0 waiting");
    }
    release(&directory.path().join("go"));
    program.succeeds();
}
