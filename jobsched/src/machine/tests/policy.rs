//! What becomes of the others when a job fails, and of all of them in a dry run or after a stop.

use super::story::{failed, given, sleep};
use crate::job::{Answer, Cancellation};
use crate::machine::{Counts, Effect, Ending, Input, Machine, Policy};
use crate::order::Order;

const KEEP_GOING: Policy = Policy { keep_going: true, ignore_errors: false, dry_run: false };
const IGNORE_ERRORS: Policy = Policy { keep_going: false, ignore_errors: true, dry_run: false };
const DRY_RUN: Policy = Policy { keep_going: false, ignore_errors: false, dry_run: true };

#[test]
fn after_a_failure_nothing_is_started_and_what_was_waiting_is_cancelled() {
    assert_eq!(
        given(&["a", "b", "c: d", "d"]).fails("a").runs(),
        [
            "start a",
            "a: exit status 1",
            "b: cancelled: another job failed",
            "c: cancelled: another job failed",
            "d: cancelled: another job failed",
        ]
    );
}

#[test]
fn after_a_failure_what_runs_is_waited_for() {
    assert_eq!(
        given(&["a", "b", "c"]).slots(2).fails("a").runs(),
        [
            "start a",
            "start b",
            "a: exit status 1",
            "b: succeeded",
            "c: cancelled: another job failed",
        ]
    );
}

#[test]
fn a_failure_refuses_all_that_needs_it_each_by_the_name_of_the_nearest() {
    assert_eq!(
        given(&["a: b", "b: c", "c"]).fails("c").runs(),
        [
            "start c",
            "c: exit status 1",
            "b: dependent on failed job `c'",
            "a: dependent on failed job `b'",
        ]
    );
}

#[test]
fn of_two_lost_jobs_the_one_lost_first_is_named() {
    let mut story = given(&["a: c b", "b", "c"]).policy(KEEP_GOING).slots(2).fails("b").fails("c");
    assert_eq!(
        story.runs(),
        [
            "start b",
            "start c",
            "b: exit status 1",
            "a: dependent on failed job `b'",
            "c: exit status 1",
        ]
    );
}

#[test]
fn of_two_jobs_lost_while_a_third_is_being_asked_the_one_lost_first_is_named() {
    let mut machine = Machine::new(KEEP_GOING, Order::FirstCome);
    let [a, b, c] = ["a", "b", "c"].map(|name| machine.intern(name).unwrap().0);
    for job in [a, b, c] {
        machine.apply(Input::Planned(job));
        assert_eq!(machine.next_effect(), Some(Effect::Check(job)));
    }
    assert!(machine.depend(a, b) && machine.depend(a, c));
    for job in [c, b] {
        machine.apply(Input::Checked(job, Answer::Ready));
        machine.apply(Input::SlotGranted);
        machine.apply(Input::Ended(job, Ending::Exit(1)));
    }
    machine.apply(Input::Checked(a, Answer::Ready));
    assert_eq!(machine.outcome(a).unwrap().to_string(), "dependent on failed job `c'");
}

#[test]
fn those_that_need_a_failure_are_told_before_those_that_need_them() {
    let mut story = given(&["a: b", "b: d", "c: d", "d"]).fails("d");
    let refused = story.runs().split_off(2);
    assert_eq!(
        refused,
        [
            "b: dependent on failed job `d'",
            "c: dependent on failed job `d'",
            "a: dependent on failed job `b'",
        ]
    );
}

#[test]
fn a_job_refused_by_its_check_stops_the_others_as_a_failure_does() {
    assert_eq!(
        given(&["a", "b", "c: a"]).answers("a", failed("no")).happens(),
        [
            "c sleeps: waiting for job `a'",
            "check a",
            "a: no",
            "c: dependent on failed job `a'",
            "b: cancelled: another job failed",
        ]
    );
}

#[test]
fn a_job_that_could_not_be_started_stops_the_others_as_a_failure_does() {
    assert_eq!(
        given(&["a", "b"]).cannot_start("a", "no such file").runs(),
        ["a: could not be started: no such file", "b: cancelled: another job failed"]
    );
}

#[test]
fn keep_going_runs_everything_that_does_not_need_the_failure() {
    assert_eq!(
        given(&["a: b", "b", "c", "d: c"]).policy(KEEP_GOING).fails("b").runs(),
        [
            "start b",
            "b: exit status 1",
            "a: dependent on failed job `b'",
            "start c",
            "c: succeeded",
            "start d",
            "d: succeeded",
        ]
    );
}

#[test]
fn ignored_errors_are_told_and_hold_up_nobody() {
    let mut story = given(&["a: b c d", "b", "c", "d"])
        .policy(IGNORE_ERRORS)
        .fails("b")
        .answers("c", failed("no"))
        .has_no_plan("d");
    assert_eq!(
        story.runs(),
        ["d: it has no plan", "c: no", "start b", "b: exit status 1", "start a", "a: succeeded"]
    );
}

#[test]
fn a_dry_run_asks_everybody_and_starts_nobody() {
    assert_eq!(
        given(&["a: b c", "b", "c"]).policy(DRY_RUN).answers("c", Answer::Done(None)).happens(),
        [
            "a sleeps: waiting for job `b'",
            "check b",
            "b: would run",
            "check c",
            "c: up to date",
            "check a",
            "a: would run",
        ]
    );
}

#[test]
fn a_dry_run_finds_out_what_would_be_refused() {
    assert_eq!(
        given(&["a: b", "b"]).policy(DRY_RUN).answers("b", failed("no")).runs(),
        ["b: no", "a: dependent on failed job `b'"]
    );
}

#[test]
fn a_dry_run_wants_no_slot() {
    let mut story = given(&["a"]).policy(DRY_RUN).slots(0);
    assert_eq!(story.happens(), ["check a", "a: would run"]);
    assert!(!story.machine.wants_slot());
}

#[test]
fn a_stop_waits_for_what_runs_and_cancels_the_rest_with_its_reason() {
    let mut story = given(&["a", "b", "c: a", "d"])
        .answers("d", sleep("not now"))
        .stopped_after("start a", Cancellation::Interrupted(15));
    assert_eq!(
        story.happens(),
        [
            "c sleeps: waiting for job `a'",
            "check a",
            "check b",
            "check d",
            "d sleeps: not now",
            "start a",
            "a: succeeded",
            "b: cancelled: interrupted by SIGTERM",
            "c: cancelled: interrupted by SIGTERM",
            "d: cancelled: interrupted by SIGTERM",
        ]
    );
}

#[test]
fn after_a_stop_nobody_is_asked() {
    let mut story = given(&["a", "b"]).stopped_after("check a", Cancellation::JobserverLost);
    assert_eq!(
        story.happens(),
        ["check a", "a: cancelled: the jobserver is gone", "b: cancelled: the jobserver is gone",]
    );
}

#[test]
fn what_has_nothing_to_do_when_the_stop_comes_is_still_up_to_date() {
    let mut story = given(&["a"])
        .answers("a", Answer::Done(None))
        .stopped_after("check a", Cancellation::JobserverLost);
    assert_eq!(story.runs(), ["a: up to date"]);
}

#[test]
fn the_first_reason_to_stop_is_the_one_that_is_told() {
    let mut story =
        given(&["a", "b"]).fails("a").stopped_after("start a", Cancellation::Interrupted(2));
    assert_eq!(story.runs()[2], "b: cancelled: interrupted by SIGINT");
}

#[test]
fn a_cancelled_job_is_no_error_and_all_kinds_are_counted_apart() {
    let mut story = given(&["a: b", "b", "c", "d"]).answers("c", Answer::Done(None)).fails("b");
    story.runs();
    let expected = Counts {
        finished: 4,
        failed: 1,
        refused: 1,
        up_to_date: 1,
        cancelled: 1,
        ..Counts::default()
    };
    assert_eq!(*story.machine.counts(), expected);
    let jobs = ["a", "b", "c", "d"].map(|name| story.machine.intern(name).unwrap().0);
    assert_eq!(jobs.map(|job| story.machine.is_error(job)), [true, true, false, false]);
}

#[test]
fn after_a_run_that_failed_another_one_runs_what_is_new() {
    let mut story = given(&["a", "b"]).fails("a");
    assert_eq!(story.runs().len(), 3);
    let mut story = story.and(&["c", "d: c"]);
    assert_eq!(story.runs(), ["start c", "c: succeeded", "start d", "d: succeeded"]);
}

#[test]
fn what_was_lost_in_an_earlier_run_refuses_what_comes_to_need_it() {
    let mut story = given(&["a", "b"]).fails("a");
    story.runs();
    let mut story = story.policy(KEEP_GOING).and(&["c: a", "d: b"]);
    assert_eq!(story.runs(), ["c: dependent on failed job `a'", "d: dependent on failed job `b'"]);
}
