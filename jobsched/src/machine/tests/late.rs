//! What checks find out: further jobs, and jobs that are there already.

use super::story::{failed, given, sleep};
use crate::job::Answer;
use crate::machine::Policy;

const KEEP_GOING: Policy = Policy { keep_going: true, ignore_errors: false, dry_run: false };

#[test]
fn a_job_found_by_a_check_runs_first_and_then_the_finder_is_asked_again() {
    assert_eq!(
        given(&["a"]).finds("a", "b", Answer::Ready).happens(),
        [
            "check a",
            "a sleeps: waiting for job `b'",
            "check b",
            "start b",
            "b: succeeded",
            "check a",
            "start a",
            "a: succeeded",
        ]
    );
}

#[test]
fn what_a_check_found_counts_more_than_its_reason_to_sleep() {
    let mut story = given(&["a"]).finds("a", "b", sleep("it has found b"));
    assert_eq!(story.happens()[1], "a sleeps: waiting for job `b'");
}

#[test]
fn a_check_that_finds_something_new_is_not_done_yet() {
    assert_eq!(
        given(&["a"]).finds("a", "b", Answer::Done(None)).runs(),
        ["start b", "b: succeeded", "start a", "a: succeeded"]
    );
}

#[test]
fn a_check_that_fails_refuses_its_job_whatever_it_found() {
    assert_eq!(
        given(&["a"]).policy(KEEP_GOING).finds("a", "b", failed("no")).runs(),
        ["a: no", "start b", "b: succeeded"]
    );
}

#[test]
fn a_found_job_finds_another_in_its_turn() {
    assert_eq!(
        given(&["a"])
            .finds("a", "b", sleep("found one"))
            .finds("b", "c", sleep("found one"))
            .happens(),
        [
            "check a",
            "a sleeps: waiting for job `b'",
            "check b",
            "b sleeps: waiting for job `c'",
            "check c",
            "start c",
            "c: succeeded",
            "check b",
            "start b",
            "b: succeeded",
            "check a",
            "start a",
            "a: succeeded",
        ]
    );
}

#[test]
fn a_found_job_brings_along_what_it_needs() {
    assert_eq!(
        given(&["a", "b: c"]).finds("a", "b", Answer::Ready).runs(),
        ["start c", "c: succeeded", "start b", "b: succeeded", "start a", "a: succeeded"]
    );
}

#[test]
fn a_found_job_that_has_won_already_holds_up_nobody() {
    assert_eq!(
        given(&["a: b", "b"]).finds("a", "b", Answer::Ready).happens()[4..],
        ["check a", "start a", "a: succeeded"]
    );
}

#[test]
fn a_found_job_that_was_lost_already_refuses_the_finder() {
    assert_eq!(
        given(&["b", "c", "a: c"])
            .policy(KEEP_GOING)
            .fails("b")
            .finds("a", "b", Answer::Ready)
            .runs(),
        [
            "start b",
            "b: exit status 1",
            "start c",
            "c: succeeded",
            "a: dependent on failed job `b'",
        ]
    );
}

#[test]
fn of_two_found_jobs_that_were_lost_already_the_first_found_is_named() {
    let mut story = given(&["b", "c", "d", "a: d"]).policy(KEEP_GOING).fails("b").fails("c");
    story = story.finds("a", "c b", Answer::Ready);
    assert_eq!(story.runs().last().unwrap(), "a: dependent on failed job `c'");
}

#[test]
fn a_found_job_that_is_lost_refuses_the_finder_without_asking_it_again() {
    let mut story = given(&["a"]).policy(KEEP_GOING).finds("a", "b", Answer::Ready).fails("b");
    assert_eq!(
        story.happens(),
        [
            "check a",
            "a sleeps: waiting for job `b'",
            "check b",
            "start b",
            "b: exit status 1",
            "a: dependent on failed job `b'",
        ]
    );
}

#[test]
fn a_found_job_that_cannot_be_planned_refuses_the_finder() {
    assert_eq!(
        given(&["a"]).has_no_plan("b").finds("a", "b", Answer::Ready).runs(),
        ["b: it has no plan", "a: dependent on failed job `b'"]
    );
}

#[test]
fn nobody_is_told_that_a_job_sleeps_which_was_refused_meanwhile() {
    assert_eq!(
        given(&["a: b", "b"]).has_no_plan("b").happens(),
        ["b: it has no plan", "a: dependent on failed job `b'"]
    );
}
