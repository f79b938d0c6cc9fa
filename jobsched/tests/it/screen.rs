//! `flood`, whose standard output goes wrong in all the ways that there are.

use std::fs::{self, File};
use std::process::Output;

use crate::harness::{Text as _, example, plain};

/// Runs a script in which `$FLOOD` runs the example, in a directory where jobs leave a file each.
fn flood(script: &str) -> (Output, usize) {
    let directory = tempfile::tempdir().unwrap();
    let output = plain("sh")
        .args(["-c", script])
        .env("FLOOD", example("flood"))
        .current_dir(directory.path())
        .output()
        .unwrap();
    let files = fs::read_dir(directory.path()).unwrap();
    let ran = files.filter(|file| file.as_ref().unwrap().path().extension().is_some()).count();
    (output, ran)
}

#[test]
fn flood_ends_with_its_figures() {
    let (output, ran) = flood("$FLOOD -j2 3 sh -c 'echo hello; >$$.ran'");
    let text = output.text();
    assert!(output.status.success() && output.stderr.is_empty(), "{text}");
    // Which of them speaks first is not for us to say.
    assert!(text.contains("flood.1                  | hello\n"), "{text}");
    assert!(text.lines().last().unwrap().starts_with("flood: 3 jobs in "), "{text}");
    assert!(text.ends_with(" jobs/s)\n"), "{text}");
    assert_eq!(ran, 3);
}

#[test]
fn flood_fails_with_its_jobs() {
    let (output, _) = flood("$FLOOD 2 sh -c 'exit 3'");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(output.text().matches("* (exit status 3)").count(), 2);
}

#[test]
fn flood_says_how_it_is_used() {
    for arguments in ["", "3", "-x 3 true", "-j0 1 true", "-jx 1 true", "many true"] {
        let (output, _) = flood(&format!("$FLOOD {arguments}"));
        let text = output.text();
        assert_eq!(output.status.code(), Some(64), "{arguments}: {text}");
        assert!(text.starts_with("usage: flood ") && text.lines().count() == 1, "{text}");
    }
}

#[test]
fn a_reader_that_goes_away_costs_no_job_and_is_said_once() {
    // Each job ends only when the reader is gone: until then the reader has the lock.
    let script = "exec 9>lock; flock 9; \
        { $FLOOD 50 sh -c 'echo line; flock -s lock true; >$$.ran' 9>&-; echo $? >status; } \
        | { head -1; exec <&-; flock -u 9; }; \
        exit $(cat status)";
    let (output, ran) = flood(script);
    assert_eq!(output.stdout, b"flood.1                  | line\n");
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "cannot write output: Broken pipe (os error 32); going on with the logs only\n"
    );
    assert_eq!((output.status.code(), ran), (Some(0), 50));
}

#[test]
fn a_full_standard_output_costs_no_job_and_is_said_once() {
    let (output, ran) = flood("$FLOOD -j3 20 sh -c 'echo line; >$$.ran' >/dev/full");
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "cannot write output: No space left on device (os error 28); going on with the logs only\n"
    );
    assert_eq!((output.status.code(), ran), (Some(0), 20));
}

#[test]
fn closed_standard_streams_cost_no_job() {
    let (output, ran) = flood("$FLOOD -j3 20 sh -c 'echo line; >$$.ran' <&- >&- 2>&-");
    assert_eq!((output.text().as_str(), output.status.code(), ran), ("", Some(0), 20));
}

#[test]
fn nothing_is_printed_of_quiet_jobs_that_succeed() {
    let (output, _) = flood("$FLOOD -q --no-logs 5 echo line");
    let text = output.text();
    assert_eq!(text.lines().count(), 2, "{text}");
    assert!(text.starts_with("5 succeeded in "), "{text}");
}

#[test]
fn flood_leaves_nothing_in_the_temporary_directory() {
    let directory = tempfile::tempdir().unwrap();
    let status = plain(example("flood"))
        .args(["-q", "3", "true"])
        .env("TMPDIR", directory.path())
        .stdout(File::create("/dev/null").unwrap())
        .status();
    assert!(status.unwrap().success());
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}
