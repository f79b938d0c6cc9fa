//! What becomes of the output of jobs, and how the end of a job shows.

use std::fs::{self, File};
use std::io::Read as _;

use jobsched::{Jobs, Stream, command};

use crate::harness::{Program, Test, end, fifo, plain, state_of};
use crate::host::Host;

#[test]
fn death_by_a_signal_is_told_from_an_exit_status() {
    let ran = Test::new()
        .sh("killed", "kill -9 $$")
        .sh("segfault", "kill -SEGV $$")
        .sh("realtime", "kill -40 $$")
        .sh("exit", "exit 137")
        .run();
    assert_eq!(ran.outcome("killed"), "killed by signal 9 (SIGKILL)");
    assert_eq!(ran.outcome("segfault"), "killed by signal 11 (SIGSEGV)");
    assert_eq!(ran.outcome("realtime"), "killed by signal 40");
    assert_eq!(ran.outcome("exit"), "exit status 137");
    assert_eq!((ran.summary.failed, ran.summary.exit_code()), (4, 2));
}

#[test]
fn a_job_that_closes_its_streams_goes_on_working() {
    let test = Test::new().with(|builder| builder.jobs(Jobs::AtMost(2)));
    test.fifo("go");
    let ran = test
        .sh("closed", "echo last words; exec >&- 2>&-; read x <go; echo $x >proof")
        .sh("other", "echo worked >go")
        .run()
        .assert_success();
    assert_eq!(fs::read_to_string(ran.path("proof")).unwrap(), "worked\n");
    assert_eq!(ran.stdout("closed"), "last words");
    assert!(ran.leaks("closed").is_empty());
}

#[test]
fn two_hundred_megabytes_without_a_newline_are_logged_in_bounded_memory() {
    const SIZE: usize = 200_000_000;
    let directory = tempfile::tempdir().unwrap();
    let script = format!("yes 0123456789abcde | tr -d '\\n' | head -c {SIZE}");
    let host = Host::new(directory.path()).logs("log").quiet().sh("flood", &script);
    let output = Program::start(host.command()).succeeds();

    let peak = output.lines().find_map(|line| line.strip_prefix("peak memory ")).unwrap();
    let peak: usize = peak.strip_suffix(" kB").unwrap().parse().unwrap();
    assert!(peak < 20_000, "{peak} kB");

    let log = fs::read_dir(directory.path().join("log")).unwrap().next().unwrap().unwrap().path();
    let mut log = File::open(log).unwrap();
    assert_eq!(log.metadata().unwrap().len(), SIZE as u64 + 3);
    let mut marker = [0; 2];
    log.read_exact(&mut marker).unwrap();
    assert_eq!(&marker, b"| ");
    let expected = b"0123456789abcde".repeat(100_000);
    let mut buffer = vec![0; expected.len()];
    let mut left = SIZE;
    while left > 0 {
        let count = left.min(expected.len());
        log.read_exact(&mut buffer[..count]).unwrap();
        assert!(buffer[..count] == expected[..count], "{left} bytes before the end");
        left -= count;
    }
    let mut rest = String::new();
    log.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "\n");
}

#[test]
fn a_hundred_megabytes_of_lines_are_logged_in_bounded_memory() {
    const LINES: u64 = 1_250_000;
    let directory = tempfile::tempdir().unwrap();
    let script = format!("yes $(printf %079d 0) | head -n {LINES}");
    let host = Host::new(directory.path()).logs("log").quiet().sh("flood", &script);
    let output = Program::start(host.command()).succeeds();
    let peak = output.lines().find_map(|line| line.strip_prefix("peak memory ")).unwrap();
    let peak: usize = peak.strip_suffix(" kB").unwrap().parse().unwrap();
    assert!(peak < 20_000, "{peak} kB");
    let log = fs::read_dir(directory.path().join("log")).unwrap().next().unwrap().unwrap();
    assert_eq!(log.metadata().unwrap().len(), LINES * 82);
}

#[test]
fn bytes_of_any_kind_are_logged_raw_and_shown_defused() {
    let ran = Test::new()
        .logged()
        .sh("wild", r"printf 'a\377\0b\033[2J\033[31mred\033[0m\033]0;title\007\n\342\200\256x\n'")
        .run()
        .assert_success();
    assert_eq!(
        ran.log("wild"),
        r"| a\xff\x00b\x1b[2J\x1b[31mred\x1b[0m\x1b]0;title\x07\n| \xe2\x80\xaex\n"
    );
    let name = format!("{:24}", "wild");
    assert!(
        ran.screen.starts_with(&format!(
            "{name} | a\u{fffd}^@b^[[2Jred^[]0;title^G\n{name} | \\u{{202e}}x\n"
        )),
        "{}",
        ran.screen
    );
}

#[test]
fn lines_are_marked_by_stream_and_end_with_a_newline() {
    let ran = Test::new()
        .logged()
        .sh("both", "echo out; echo err >&2; printf rest")
        .sh("crlf", r"printf 'one\r\ntwo\r\n'")
        .sh("empty", ":")
        .run()
        .assert_success();
    let log = ran.log("both");
    assert!(
        log.contains(r"| out\n") && log.contains(r"* err\n") && log.contains(r"| rest\n"),
        "{log}"
    );
    assert_eq!(ran.output("both", Stream::Stderr), b"err\n");
    assert_eq!(ran.log("crlf"), r"| one\r\n| two\r\n");
    assert!(ran.screen.contains("| one\n"), "{:?}", ran.screen);
    assert_eq!(ran.log("empty"), "");
    assert!(!ran.screen.contains("empty"));
    assert!(ran.screen.ends_with(" s\n"));
}

/// Waits until the last process in the background has become `sleep`.
const ASLEEP: &str = "until [ $(cat /proc/$!/comm) = sleep ]; do :; done";

#[test]
fn a_process_left_behind_is_named_and_left_alone() {
    let script = format!("sleep 1000 & {ASLEEP}; echo $!");
    let ran = Test::new().sh("leaver", &script).run().assert_success();
    let pid: u32 = ran.stdout("leaver").parse().unwrap();
    let leaks = ran.leaks("leaver");
    assert_eq!((leaks.len(), leaks[0].len()), (1, 1));
    assert_eq!((leaks[0][0].pid, leaks[0][0].name.as_str()), (pid, "sleep"));
    let said = format!("* (output still held open by process {pid} (sleep); what it writes");
    assert!(ran.screen.contains(&said), "{}", ran.screen);
    // On a busy machine it may have its name already and not have come to wait yet.
    let state = state_of(pid);
    assert!("RSD".contains(state), "{state}");
    end(pid);
}

#[test]
fn all_holders_of_both_streams_are_named() {
    let script = format!(
        "sleep 1000 >/dev/null & {ASLEEP}; echo $!; sleep 1000 2>/dev/null & {ASLEEP}; echo $!"
    );
    let ran = Test::new().sh("leaver", &script).run().assert_success();
    let pids = ran.stdout("leaver");
    pids.lines().for_each(|pid| end(pid.parse().unwrap()));
    let holders = ran.leaks("leaver")[0].iter().map(|holder| holder.pid.to_string());
    let (mut holders, mut expected): (Vec<_>, Vec<_>) = (holders.collect(), pids.lines().collect());
    holders.sort();
    expected.sort_unstable();
    assert_eq!(holders, expected);
}

#[test]
fn a_grandchild_that_writes_for_ever_does_not_keep_the_job() {
    let directory = tempfile::tempdir().unwrap();
    let alive = fifo(directory.path().join("alive"));
    let alive = std::thread::spawn(move || crate::harness::Lifeline::open(&alive).all_gone());
    let host = Host::new(directory.path())
        .quiet()
        .sh("writer", "exec 9>alive; yes & until [ $(cat /proc/$!/comm) = yes ]; do :; done")
        .sh("next", "echo came to it");
    let output = Program::start(host.command()).succeeds();
    assert!(output.contains("2 succeeded"), "{output}");
    assert!(output.contains("(yes); what it writes from now on is lost"), "{output}");
    // It can't write any more.
    alive.join().unwrap();
}

#[test]
fn a_chatty_job_starves_nobody() {
    let directory = tempfile::tempdir().unwrap();
    fifo(directory.path().join("go"));
    let mut host =
        Host::new(directory.path()).slots(2).quiet().sh("chatty", "yes & read x <go; kill $!");
    for number in 1..=20 {
        host = host.sh(&format!("quiet.{number}"), "echo line");
    }
    let output = Program::start(host.sh("last", "echo >go").command()).succeeds();
    assert!(output.contains("22 succeeded"), "{output}");
}

#[test]
fn what_a_job_wrote_before_its_end_is_never_lost() {
    let mut test = Test::new().with(|builder| builder.jobs(Jobs::AtMost(8)));
    // As much as a pipe holds, and then the end at once.
    for number in 0..40 {
        let mut head = plain("head");
        head.args(["-c", "65536", "/dev/zero"]);
        test = test.job(command(format!("head.{number}"), head));
    }
    let ran = test.run().assert_success();
    for number in 0..40 {
        assert_eq!(ran.output(&format!("head.{number}"), Stream::Stdout).len(), 65536);
    }
}
