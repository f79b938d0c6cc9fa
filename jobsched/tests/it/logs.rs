//! Log files: where they are, how they are called, and what happens when they can't be written.

use std::fs;
use std::path::Path;

use crate::harness::{Program, Test};
use crate::host::Host;

fn files(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Replaces the date of today or yesterday.
fn undated(name: &str) -> String {
    let (start, number) = name.rsplit_once('#').unwrap();
    let (stem, date) = start.split_at(start.len() - 10);
    assert!(date.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-'), "{name}");
    format!("{stem}DATE#{number}")
}

#[test]
fn logs_of_one_day_are_numbered() {
    let directory = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let host = Host::new(directory.path()).logs("deep/log").sh("job", "echo x");
        Program::start(host.command()).succeeds();
    }
    let names = files(&directory.path().join("deep/log"));
    let undated: Vec<_> = names.iter().map(|name| undated(name)).collect();
    assert!(undated == ["job-DATE#1", "job-DATE#2"] || undated == ["job-DATE#1"; 2], "{names:?}");
}

#[test]
fn any_name_makes_a_log() {
    let long = "n".repeat(300);
    let names = ["../a/b", &long, "-rf", "a b\n", ".", "ümlaut"];
    let mut test = Test::new().logged();
    for name in names {
        test = test.sh(name, "echo x");
    }
    let ran = test.run().assert_success();
    assert_eq!(files(&ran.path("log")).len(), names.len());
    for name in names {
        assert_eq!(ran.log(name), r"| x\n");
        assert_eq!(ran.log_path(name).parent().unwrap(), ran.path("log"));
    }
    let name = |job| undated(ran.log_path(job).file_name().unwrap().to_str().unwrap());
    assert_eq!(name("../a/b"), "%2E.%2Fa%2Fb-DATE#1");
    assert_eq!(name("-rf"), "%2Drf-DATE#1");
}

#[test]
fn the_path_of_a_log_is_shown_as_the_directory_was_given() {
    let directory = tempfile::tempdir().unwrap();
    let host = Host::new(directory.path()).logs("some/log").quiet().sh("bad", "echo why; exit 3");
    let (status, output) = Program::start(host.command()).end();
    assert_eq!(status.code(), Some(2));
    let lines: Vec<_> = output.lines().filter(|line| line.starts_with("bad")).collect();
    let name = format!("{:24}", "bad");
    assert_eq!(lines[0], format!("{name} | why"));
    assert!(lines[1].starts_with(&format!("{name} * (log: some/log/bad-")), "{output}");
    assert_eq!(lines[2], format!("{name} * (exit status 3)"));
    let log = lines[1].rsplit_once("log: ").unwrap().1.strip_suffix(')').unwrap();
    assert_eq!(fs::read_to_string(directory.path().join(log)).unwrap(), "| why\n");
}

#[test]
fn a_log_directory_that_cannot_be_made_is_said_once_and_costs_no_job() {
    let test = Test::new();
    fs::write(test.path("file"), "").unwrap();
    let path = test.path("file/log");
    let ran = test
        .with(|builder| builder.log_dir(path))
        .sh("one", "echo x")
        .sh("two", "echo x")
        .run()
        .assert_success();
    let path = ran.path("file/log");
    let expected = format!(
        "cannot create the log directory `{}': Not a directory (os error 20); jobs run all the same",
        path.display()
    );
    assert_eq!(ran.warnings(), [expected]);
    assert_eq!((ran.stdout("one"), ran.stdout("two")), ("x".into(), "x".into()));
}

#[test]
fn a_full_log_device_is_said_once_and_costs_no_job() {
    let directory = tempfile::tempdir().unwrap();
    let mount = "mount -t tmpfs -o size=64k none";
    fs::create_dir(directory.path().join("log")).unwrap();
    let mut host = Host::new(directory.path()).logs("log").quiet();
    for number in 0..5 {
        host = host.sh(&format!("big.{number}"), "head -c 100000 /dev/zero; echo >ran.$$");
    }
    let script = format!(r#"exec unshare -Urm sh -c '{mount} log && exec "$@"' sh "$@""#);
    let output = Program::start(host.under_shell(&script)).succeeds();
    assert!(output.contains("5 succeeded"), "{output}");
    assert_eq!(output.matches("No space left on device").count(), 1, "{output}");
    let ran = files(directory.path()).iter().filter(|name| name.starts_with("ran.")).count();
    assert_eq!(ran, 5);
}
