//! When jobs sleep and nothing will ever wake them.

use super::story::{given, sleep};
use crate::job::{Answer, Cancellation};
use crate::machine::{Effect, Input};

#[test]
fn a_cycle_is_told_as_a_path_and_its_jobs_are_cancelled() {
    assert_eq!(
        given(&["a: b", "b: c", "c: a"]).happens(),
        [
            "a sleeps: waiting for job `b'",
            "b sleeps: waiting for job `c'",
            "c sleeps: waiting for job `a'",
            "cycle a -> b -> c -> a",
            "a: cancelled: nothing could wake it",
            "b: cancelled: nothing could wake it",
            "c: cancelled: nothing could wake it",
        ]
    );
}

#[test]
fn a_job_that_needs_itself_is_a_cycle() {
    assert_eq!(
        given(&["a: a"]).happens(),
        ["a sleeps: waiting for job `a'", "cycle a -> a", "a: cancelled: nothing could wake it",]
    );
}

#[test]
fn everything_that_can_run_has_run_before_a_cycle_is_told() {
    assert_eq!(
        given(&["a: b", "b: a c", "c", "d"]).runs(),
        [
            "start c",
            "c: succeeded",
            "start d",
            "d: succeeded",
            "cycle a -> b -> a",
            "a: cancelled: nothing could wake it",
            "b: cancelled: nothing could wake it",
        ]
    );
}

#[test]
fn what_only_leads_to_a_cycle_is_not_in_the_path_but_cancelled_with_it() {
    assert_eq!(
        given(&["a: b", "b: c", "c: b"]).runs(),
        [
            "cycle b -> c -> b",
            "a: cancelled: nothing could wake it",
            "b: cancelled: nothing could wake it",
            "c: cancelled: nothing could wake it",
        ]
    );
}

#[test]
fn a_cycle_may_be_closed_by_a_check() {
    assert_eq!(
        given(&["a: b", "b"]).finds("b", "a", Answer::Ready).runs(),
        [
            "cycle a -> b -> a",
            "a: cancelled: nothing could wake it",
            "b: cancelled: nothing could wake it",
        ]
    );
}

#[test]
fn a_job_may_find_that_it_needs_itself() {
    assert_eq!(
        given(&["a"]).finds("a", "a", Answer::Ready).runs(),
        ["cycle a -> a", "a: cancelled: nothing could wake it"]
    );
}

#[test]
fn a_sleeper_that_nobody_wakes_is_told_without_a_cycle() {
    assert_eq!(
        given(&["a: b", "b", "c"]).answers("b", sleep("not now")).runs(),
        [
            "start c",
            "c: succeeded",
            "stalled",
            "a: cancelled: nothing could wake it",
            "b: cancelled: nothing could wake it",
        ]
    );
}

#[test]
fn a_cycle_that_a_refusal_broke_up_is_none() {
    assert_eq!(
        given(&["a: b c", "b: a", "c"]).fails("c").runs(),
        [
            "start c",
            "c: exit status 1",
            "a: dependent on failed job `c'",
            "b: dependent on failed job `a'",
        ]
    );
}

#[test]
fn nothing_is_stalled_while_somebody_runs() {
    let mut story = given(&["a: b", "b"]);
    let mut effects = Vec::new();
    let [a, b] = ["a", "b"].map(|name| story.machine.intern(name).unwrap().0);
    assert!(story.machine.depend(a, b));
    story.machine.apply(Input::Planned(a));
    story.machine.apply(Input::Planned(b));
    effects.extend(std::iter::from_fn(|| story.machine.next_effect()));
    story.machine.apply(Input::Checked(b, Answer::Ready));
    story.machine.apply(Input::SlotGranted);
    assert!(!story.machine.all_asleep());
    story.machine.apply(Input::NothingWakes);
    effects.extend(std::iter::from_fn(|| story.machine.next_effect()));
    assert_eq!(effects, [Effect::Sleeping(a), Effect::Check(b), Effect::Start(b)]);
}

#[test]
fn sleepers_that_a_stop_cancels_are_not_stalled() {
    let mut story = given(&["a", "b"])
        .answers("a", sleep("not now"))
        .answers("b", sleep("nor now"))
        .stopped_after("b sleeps: nor now", Cancellation::Interrupted(2));
    assert_eq!(
        story.runs(),
        ["a: cancelled: interrupted by SIGINT", "b: cancelled: interrupted by SIGINT"]
    );
}

#[test]
fn a_stall_is_told_once() {
    let mut story = given(&["a: a"]);
    let a = story.machine.intern("a").unwrap().0;
    assert!(story.machine.depend(a, a));
    story.machine.apply(Input::Planned(a));
    story.machine.apply(Input::NothingWakes);
    story.machine.apply(Input::NothingWakes);
    let effects: Vec<Effect> = std::iter::from_fn(|| story.machine.next_effect()).collect();
    let cycle = Some(vec![a, a]);
    assert_eq!(effects, [Effect::Sleeping(a), Effect::Stalled(cycle), Effect::Finished(a)]);
}

#[test]
fn after_a_stall_another_run_runs_what_is_new() {
    let mut story = given(&["a: a"]);
    story.runs();
    assert_eq!(story.and(&["b"]).runs(), ["start b", "b: succeeded"]);
}
