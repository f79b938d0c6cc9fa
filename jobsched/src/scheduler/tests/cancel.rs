//! Runs that are ended from outside.

use super::fake::Outside;
use super::stage::{Stage, stage, task};
use crate::event::Event;
use crate::job::{Cancellation, Check, Outcome};

fn three_jobs() -> Stage {
    let mut stage = stage().slots(2).takes("a", 10).takes("b", 10);
    for name in ["a", "b", "c"] {
        stage.ensure(task(name));
    }
    stage
}

#[test]
fn a_run_that_is_cancelled_before_it_begins_asks_and_starts_nobody() {
    let mut stage = stage();
    let a = stage.ensure(task("a").checks(|_| panic!("nobody is to be asked")));
    stage.handle().cancel();
    let summary = stage.run();
    assert_eq!(stage.outcome(a), Some(Outcome::Cancelled(Cancellation::Interrupted(0))));
    assert_eq!((summary.interrupted, summary.cancelled, summary.exit_code()), (Some(0), 1, 2));
    assert_eq!(stage.calls(), ["cancel"]);
}

#[test]
fn a_run_that_is_cancelled_ends_what_runs_and_starts_nothing_new() {
    let mut stage = three_jobs();
    let handle = stage.handle();
    stage.call_at(5.0, move || handle.cancel());
    let summary = stage.run();
    assert_eq!(stage.starts(), ["a", "b"]);
    assert_eq!(summary.interrupted, Some(0));
    assert_eq!(
        stage.told_of(&["interrupted", "finished"]),
        [
            "interrupted by 0, 2 running",
            "finished a: killed by signal 15 (SIGTERM) after 5s",
            "finished b: killed by signal 15 (SIGTERM) after 5s",
            "finished c: cancelled: the run was cancelled",
        ]
    );
}

#[test]
fn a_signal_ends_a_run_and_is_what_the_program_ends_by() {
    let mut stage = three_jobs();
    stage.at(5.0, Outside::Signal(2));
    let summary = stage.run();
    assert_eq!((summary.interrupted, summary.exit_code()), (Some(2), 130));
    assert_eq!((summary.failed, summary.cancelled), (2, 1));
    assert_eq!(stage.told_of(&["finished c"]), ["finished c: cancelled: interrupted by SIGINT"]);
}

#[test]
fn of_several_reasons_to_end_the_first_counts() {
    let mut stage = three_jobs();
    stage.at(5.0, Outside::Signal(15));
    let handle = stage.handle();
    stage.observe(move |event| {
        if let Event::Finished { .. } = event {
            handle.cancel();
        }
    });
    stage.at(5.0, Outside::Signal(2));
    let summary = stage.run();
    assert_eq!((summary.interrupted, summary.exit_code()), (Some(15), 143));
}

#[test]
fn a_run_in_which_all_sleep_can_be_cancelled() {
    let mut stage = stage();
    stage.ensure(task("a").checks(|cx| {
        cx.wake_after(std::time::Duration::from_secs(3600));
        Check::sleep("too early")
    }));
    let handle = stage.handle();
    stage.call_at(5.0, move || handle.cancel());
    let summary = stage.run();
    assert_eq!((summary.cancelled, summary.stall), (1, None));
    assert_eq!(stage.world.clock.get().as_secs(), 5);
}

#[test]
fn a_run_can_be_cancelled_from_another_thread() {
    let mut stage = three_jobs();
    let handle = stage.handle();
    stage.call_at(5.0, move || {
        std::thread::spawn(move || handle.cancel()).join().unwrap();
    });
    assert_eq!(stage.run().interrupted, Some(0));
}

#[test]
fn a_check_that_cancels_the_run_keeps_its_own_job_from_starting() {
    let mut stage = stage();
    let handle = stage.handle();
    stage.ensure(task("a"));
    stage.ensure(task("b").needs(&["a"]).checks(move |_| {
        handle.cancel();
        Check::ready()
    }));
    stage.ensure(task("c").needs(&["b"]));
    let summary = stage.run();
    assert_eq!((summary.succeeded, summary.cancelled), (1, 2));
    assert_eq!(stage.starts(), ["a"]);
}

#[test]
fn after_a_cancelled_run_another_one_runs_what_is_new() {
    let mut stage = three_jobs();
    stage.at(5.0, Outside::Signal(2));
    stage.run();
    stage.ensure(task("d"));
    let summary = stage.run();
    assert_eq!((summary.succeeded, summary.jobs(), summary.interrupted), (1, 1, None));
}
