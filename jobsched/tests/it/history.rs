//! What is remembered from run to run, and what it is good for.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use jobsched::{Builder, Event, Jobs, Scheduler, command};

use crate::harness::{Test, fifo, hold};

fn shell(script: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", script]);
    shell
}

/// Three jobs at once. The long one is longer than the others however slow they are: it is started
/// before them, and ends when they have.
fn schedule(directory: &Path, builder: Builder) -> (Scheduler, Vec<jobsched::JobId>) {
    let go = directory.join("go");
    let mut held = hold(&go);
    let mut others = 2;
    let builder = builder.jobs(Jobs::AtMost(3)).observer(move |event: &Event<'_>| {
        if let Event::Finished { .. } = event {
            others -= 1;
            if others == 0 {
                held.write_all(b"go\n").unwrap();
            }
        }
    });
    let mut scheduler = builder.build().unwrap();
    let mut read = shell("read x <go");
    read.current_dir(directory);
    let long = scheduler.ensure(command("long", read)).unwrap();
    let short = scheduler.ensure(command("short", shell(":"))).unwrap();
    let failing = scheduler.ensure(command("failing", shell("exit 1"))).unwrap();
    (scheduler, vec![short, failing, long])
}

#[test]
fn the_second_run_begins_with_what_took_longest_in_the_first() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("history");
    let builder = || Scheduler::builder().history(&path).keep_going(true);
    fifo(directory.path().join("go"));

    let (mut first, jobs) = schedule(directory.path(), builder());
    assert!(jobs.iter().all(|&job| first.expected(job).is_none()));
    let summary = first.run().unwrap();
    assert_eq!((summary.succeeded, summary.failed), (2, 1));
    let steps: Vec<&str> = summary.critical_path.iter().map(|step| &*step.name).collect();
    assert_eq!(steps, ["long"]);

    let (second, jobs) = schedule(directory.path(), builder());
    let [short, failing, long] = [0, 1, 2].map(|number| second.expected(jobs[number]));
    assert!(long.unwrap().duration > short.unwrap().duration);
    assert!(long.unwrap().peak_memory.unwrap() > 100_000);
    assert!(failing.is_none(), "how long a failure takes says nothing");

    let started = Test::new()
        .with(|builder| builder.history(&path).jobs(Jobs::AtMost(1)))
        .command("short", shell(":"))
        .command("long", shell(":"))
        .run();
    assert_eq!(started.started(), ["long", "short"]);
}

#[test]
fn a_dry_run_leaves_the_history_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("history");
    fs::write(&path, "not a history\n").unwrap();
    let builder = Scheduler::builder().history(&path).dry_run(true);
    let mut scheduler = builder.build().unwrap();
    scheduler.ensure(command("job", shell(":"))).unwrap();
    scheduler.run().unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "not a history\n");
}

#[test]
fn a_damaged_history_is_set_aside_and_said_once() {
    let test = Test::new().sh("job", ":");
    let path = test.path("history");
    fs::write(&path, "not a history\n").unwrap();
    let ran = test.with(|builder| builder.history(&path)).run().assert_success();
    assert_eq!(ran.warnings().len(), 1, "{:?}", ran.warnings());
    assert!(ran.warnings()[0].contains("history.damaged"));
    assert_eq!(fs::read_to_string(ran.path("history.damaged")).unwrap(), "not a history\n");
    assert!(fs::read_to_string(ran.path("history")).unwrap().contains("job"));
}

#[test]
fn a_history_that_can_not_be_written_is_said_once_and_costs_no_job() {
    let test = Test::new().sh("a", ":").sh("b", ":");
    fs::write(test.path("file"), "").unwrap();
    let path = test.path("file/history");
    let ran = test.with(|builder| builder.history(path)).run().assert_success();
    assert_eq!(ran.warnings().len(), 1, "{:?}", ran.warnings());
}
