//! One run after the other, and what is counted in which.

use super::fake::Fault;
use super::stage::{KEEP_GOING, Stage, Task, stage, task};
use crate::Error;
use crate::job::Check;

#[test]
fn a_run_without_jobs_is_a_success() {
    let mut stage = stage();
    let summary = stage.run();
    assert_eq!((summary.jobs(), summary.exit_code()), (0, 0));
    assert_eq!(stage.told(), ["run started", "run finished: no jobs in 0.0 s"]);
}

#[test]
fn another_run_runs_what_is_new_and_nothing_again() {
    let mut stage = stage();
    let a = stage.ensure(task("a"));
    assert_eq!(stage.run().succeeded, 1);
    stage.ensure(task("b").needs(&["a"]));
    let summary = stage.run();
    assert_eq!((summary.succeeded, summary.jobs()), (1, 1));
    assert_eq!(summary.wall.as_secs(), 1);
    assert_eq!(stage.starts(), ["a", "b"]);
    assert_eq!(stage.driver.registry.get::<Task>(a).unwrap().runs, 1);
    assert_eq!(stage.run().jobs(), 0);
}

#[test]
fn a_failure_in_one_run_does_not_count_in_the_next() {
    let mut stage = stage().fails("a");
    stage.ensure(task("a"));
    stage.ensure(task("b"));
    assert_eq!(stage.run().exit_code(), 2);
    stage.ensure(task("c"));
    let summary = stage.run();
    assert_eq!((summary.exit_code(), summary.succeeded), (0, 1));
    assert!(summary.errors.is_empty());
}

#[test]
fn a_stall_in_one_run_does_not_count_in_the_next() {
    let mut stage = stage();
    stage.ensure(task("a").needs(&["a"]));
    assert!(stage.run().stall.is_some());
    stage.ensure(task("b"));
    let summary = stage.run();
    assert_eq!((summary.stall, summary.succeeded), (None, 1));
}

#[test]
fn a_job_that_could_not_be_planned_counts_in_the_run_that_follows() {
    let mut stage = Stage::new(KEEP_GOING);
    let bad = |name| task(name).plans(|_| Err(Error::other("no such suite")));
    stage.try_ensure(bad("a")).unwrap_err();
    stage.ensure(task("b"));
    let summary = stage.run();
    assert_eq!((summary.refused, summary.succeeded, summary.exit_code()), (1, 1, 2));
    assert_eq!(summary.errors.len(), 1);

    stage.try_ensure(bad("c")).unwrap_err();
    let summary = stage.run();
    assert_eq!((summary.refused, summary.jobs(), summary.exit_code()), (1, 1, 2));
}

#[test]
fn a_job_that_needs_what_was_lost_before_counts_as_refused() {
    let mut stage = Stage::new(KEEP_GOING).fails("a");
    let a = stage.ensure(task("a"));
    assert_eq!(stage.run().errors, [a]);
    let b = stage.ensure(task("b").needs(&["a"]));
    let summary = stage.run();
    assert_eq!((summary.refused, summary.exit_code()), (1, 2));
    assert_eq!(summary.errors, [b]);
}

#[test]
fn the_summary_tells_all_kinds_apart() {
    let mut stage = Stage::new(KEEP_GOING).fails("a");
    stage.ensure(task("a"));
    stage.ensure(task("b"));
    stage.ensure(task("c").checks(|_| Check::done()));
    stage.ensure(task("d").needs(&["a"]));
    stage.ensure(task("e").checks(|_| Check::sleep("for ever")));
    let text = "1 succeeded, 1 up to date, 1 failed, 1 refused, 1 cancelled in 2.0 s";
    assert_eq!(stage.run().to_string(), text);
}

#[test]
fn a_run_that_cannot_begin_changes_nothing() {
    let mut stage = stage();
    stage.ensure(task("a"));
    stage.world.state.borrow_mut().fault = Some(Fault::Begin);
    assert!(matches!(stage.driver.run(), Err(Error::System { .. })));
    assert!(stage.told().is_empty() && stage.calls().is_empty());
    assert_eq!(stage.run().succeeded, 1);
}
