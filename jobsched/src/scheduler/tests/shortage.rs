//! Jobs that can't be started for want of something that running jobs hold.

use std::rc::Rc;

use super::stage::{KEEP_GOING, Stage, Task, stage, task};
use crate::job::{Failure, Outcome, Work};

#[test]
fn a_job_that_lacks_something_is_started_when_another_has_ended() {
    let mut stage = stage().slots(2).script("b", |b| b.exhausted = 1).takes("a", 10);
    stage.ensure(task("a"));
    let b = stage.ensure(task("b"));
    assert!(stage.run().success());
    assert_eq!(
        stage.calls(),
        [
            "acquire: Granted",
            "start a",
            "acquire: Granted",
            "cannot start b",
            "release",
            "release",
            "acquire: Granted",
            "start b",
            "release",
        ]
    );
    assert_eq!(stage.world.clock.get().as_secs(), 11);
    // It was asked for its work once; that was kept.
    assert_eq!(stage.driver.registry.get::<Task>(b).unwrap().runs, 1);
}

#[test]
fn while_something_is_lacking_nothing_else_is_tried() {
    let mut stage = stage().slots(4).script("b", |b| b.exhausted = 1).takes("a", 10);
    for name in ["a", "b", "c", "d"] {
        stage.ensure(task(name));
    }
    stage.run();
    assert_eq!(stage.starts(), ["a", "b", "c", "d"]);
    assert_eq!(stage.world.clock.get().as_secs(), 11);
}

#[test]
fn a_job_that_lacks_something_while_nothing_else_runs_fails() {
    let mut stage = stage().slots(2).script("a", |a| a.exhausted = 1);
    let a = stage.ensure(task("a"));
    stage.ensure(task("b"));
    let summary = stage.run();
    assert_eq!((summary.failed, summary.cancelled), (1, 1));
    let message = "too many open files".into();
    let failure = Failure::NotStarted { errno: Some(24), message };
    assert_eq!(stage.outcome(a), Some(Outcome::Failed { failure, tries: 1 }));
}

#[test]
fn a_job_that_lacks_something_for_good_fails_when_the_last_other_has_ended() {
    let mut stage =
        Stage::new(KEEP_GOING).slots(3).script("c", |c| c.exhausted = 100).takes("a", 10);
    for name in ["a", "b", "c", "d"] {
        stage.ensure(task(name));
    }
    let summary = stage.run();
    assert_eq!((summary.succeeded, summary.failed), (3, 1));
    let tries = stage.calls().into_iter().filter(|call| call == "cannot start c").count();
    assert_eq!(tries, 3);
}

#[test]
fn jobs_that_lack_something_together_are_never_left_waiting() {
    // None of those that were to be started with it runs in the end.
    let mut stage = Stage::new(KEEP_GOING)
        .slots(3)
        .script("a", |a| a.exhausted = 1)
        .script("b", |b| b.cannot_start = Some("no such file"))
        .script("c", |c| c.exhausted = 1);
    for name in ["a", "b", "c"] {
        stage.ensure(task(name));
    }
    assert_eq!(stage.run().failed, 3);
}

#[test]
fn work_that_was_kept_for_a_job_that_is_cancelled_is_let_go() {
    let held = Rc::new(());
    let mut stage = stage().slots(2).fails("a").script("b", |b| b.exhausted = 1);
    stage.ensure(task("a"));
    let mut holds = Some(Rc::clone(&held));
    stage.ensure(task("b").runs(move || {
        let holds = holds.take();
        Work::closure(move || i32::from(holds.is_none()))
    }));
    assert_eq!(stage.run().cancelled, 1);
    assert_eq!(Rc::strong_count(&held), 1);
}
