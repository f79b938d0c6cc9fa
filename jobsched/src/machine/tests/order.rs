//! What happens in which order: checks, sleep, starts, ends.

use super::story::{failed, given, sleep};
use crate::job::Answer;
use crate::machine::{Effect, Ending, Input, Machine};

#[test]
fn a_job_is_asked_started_and_finished() {
    assert_eq!(given(&["a"]).happens(), ["check a", "start a", "a: succeeded"]);
}

#[test]
fn what_a_job_needs_wins_before_the_job_is_even_asked() {
    assert_eq!(
        given(&["link: compile", "compile"]).happens(),
        [
            "link sleeps: waiting for job `compile'",
            "check compile",
            "start compile",
            "compile: succeeded",
            "check link",
            "start link",
            "link: succeeded",
        ]
    );
}

#[test]
fn what_was_never_ensured_but_is_needed_is_run_too() {
    let starts = ["start b", "b: succeeded", "start a", "a: succeeded"];
    assert_eq!(given(&["a: b"]).runs(), starts);
}

#[test]
fn a_sleeper_names_the_first_job_that_it_still_waits_for() {
    let mut story = given(&["a: b c", "b", "c"]);
    let a = story.machine.intern("a").unwrap().0;
    let told = story.happens();
    assert_eq!(told[0], "a sleeps: waiting for job `b'");
    assert_eq!(story.machine.why(a).to_string(), "finished");
}

#[test]
fn of_jobs_that_are_ready_at_the_same_time_the_first_ensured_starts_first() {
    let starts = ["start c", "c: succeeded", "start a", "a: succeeded", "start b", "b: succeeded"];
    assert_eq!(given(&["c", "a", "b"]).runs(), starts);
}

#[test]
fn what_a_job_needs_comes_after_what_was_ensured_before_it() {
    // Their ids are d, c, b, a: d was ensured first, and c brought b along before a came.
    assert_eq!(
        given(&["d", "c: b", "a"]).runs(),
        [
            "start d",
            "d: succeeded",
            "start a",
            "a: succeeded",
            "start b",
            "b: succeeded",
            "start c",
            "c: succeeded",
        ]
    );
}

#[test]
fn a_job_that_gets_ready_late_goes_before_those_that_were_ensured_after_it() {
    assert_eq!(
        given(&["a: b", "b", "c", "d"]).runs(),
        [
            "start b",
            "b: succeeded",
            "start a",
            "a: succeeded",
            "start c",
            "c: succeeded",
            "start d",
            "d: succeeded",
        ]
    );
}

#[test]
fn as_many_jobs_run_at_once_as_there_are_slots() {
    assert_eq!(
        given(&["a", "b", "c"]).slots(2).runs(),
        ["start a", "start b", "a: succeeded", "start c", "b: succeeded", "c: succeeded"]
    );
}

#[test]
fn a_job_with_nothing_to_do_is_not_started_and_its_dependents_run() {
    assert_eq!(
        given(&["a: b", "b"])
            .answers("b", Answer::Done(Some("b.o is newer than b.c".into())))
            .runs(),
        ["b: b.o is newer than b.c", "start a", "a: succeeded"]
    );
    let mut silent = given(&["a"]).answers("a", Answer::Done(None));
    assert_eq!(silent.runs(), ["a: up to date"]);
}

#[test]
fn a_job_that_is_needed_twice_by_the_same_is_waited_for_once() {
    assert_eq!(
        given(&["a: b b", "b"]).happens(),
        [
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
fn a_diamond_runs_from_its_bottom_to_its_top() {
    assert_eq!(
        given(&["top: left right", "left: bottom", "right: bottom", "bottom"]).slots(2).runs(),
        [
            "start bottom",
            "bottom: succeeded",
            "start left",
            "start right",
            "left: succeeded",
            "right: succeeded",
            "start top",
            "top: succeeded",
        ]
    );
}

#[test]
fn a_job_that_sleeps_says_why_and_is_asked_again_when_woken() {
    assert_eq!(
        given(&["a"]).answers("a", sleep("the mirror is busy")).somebody_wakes("a").happens(),
        [
            "check a",
            "a sleeps: the mirror is busy",
            "a is woken",
            "check a",
            "start a",
            "a: succeeded",
        ]
    );
}

#[test]
fn a_job_that_was_woken_for_nothing_sleeps_on() {
    assert_eq!(
        given(&["a"])
            .answers("a", sleep("not now"))
            .answers("a", sleep("still not"))
            .somebody_wakes("a")
            .somebody_wakes("a")
            .happens(),
        [
            "check a",
            "a sleeps: not now",
            "a is woken",
            "check a",
            "a sleeps: still not",
            "a is woken",
            "check a",
            "start a",
            "a: succeeded",
        ]
    );
}

#[test]
fn what_needs_a_sleeper_waits_for_it() {
    assert_eq!(
        given(&["a: b", "b"]).answers("b", sleep("not now")).somebody_wakes("b").runs(),
        ["b is woken", "start b", "b: succeeded", "start a", "a: succeeded"]
    );
}

#[test]
fn waking_a_job_that_waits_for_another_is_for_nothing() {
    let mut story = given(&["a: b", "b"])
        .answers("b", sleep("not now"))
        .somebody_wakes("a")
        .somebody_wakes("b");
    let told = story.happens();
    let woken = told.iter().position(|line| line == "a is woken").unwrap();
    assert_eq!(told[woken..woken + 3], ["a is woken", "b is woken", "check b"]);
}

#[test]
fn a_job_that_cannot_start_yet_goes_back_to_its_place_in_the_order() {
    assert_eq!(
        given(&["a", "b", "c"]).slots(2).not_yet("b").runs(),
        [
            "start a",
            "b can't start yet",
            "start b",
            "a: succeeded",
            "start c",
            "b: succeeded",
            "c: succeeded",
        ]
    );
}

#[test]
fn every_kind_of_ending_is_told_as_what_it_is() {
    let ended = |ending| given(&["a"]).ends("a", ending).runs().pop().unwrap();
    assert_eq!(ended(Ending::Succeeded), "a: succeeded");
    assert_eq!(ended(Ending::Exit(2)), "a: exit status 2");
    assert_eq!(ended(Ending::Signal(9)), "a: killed by signal 9 (SIGKILL)");
    assert_eq!(
        ended(Ending::StatusLost),
        "a: ended, but its exit status was taken by somebody else"
    );
    let mut not_started = given(&["a"]).cannot_start("a", "no such file");
    assert_eq!(not_started.runs(), ["a: could not be started: no such file"]);
    let mut refused = given(&["a"]).answers("a", failed("no such architecture"));
    assert_eq!(refused.runs(), ["a: no such architecture"]);
    let mut unplanned = given(&["a"]).has_no_plan("a");
    assert_eq!(unplanned.runs(), ["a: it has no plan"]);
}

#[test]
fn a_reason_to_sleep_is_forgotten_when_the_job_goes_on() {
    let story = given(&["a"]).answers("a", sleep("not now")).answers("a", Answer::Done(None));
    assert_eq!(story.somebody_wakes("a").runs(), ["a is woken", "a: up to date"]);
}

#[test]
fn a_start_is_told_before_all_else_so_that_its_slot_is_not_held_in_vain() {
    let mut machine = Machine::default();
    let [a, b] = ["a", "b"].map(|name| machine.intern(name).unwrap().0);
    for job in [a, b] {
        machine.apply(Input::Planned(job));
        assert_eq!(machine.next_effect(), Some(Effect::Check(job)));
    }
    machine.apply(Input::Checked(b, Answer::Done(None)));
    machine.apply(Input::Checked(a, Answer::Ready));
    machine.apply(Input::SlotGranted);
    assert_eq!(machine.next_effect(), Some(Effect::Start(a)));
    assert_eq!(machine.next_effect(), Some(Effect::Finished(b)));
}
