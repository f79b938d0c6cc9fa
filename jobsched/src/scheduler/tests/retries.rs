//! Jobs that are tried again.

use std::time::Duration;

use super::fake::Outside;
use super::stage::{KEEP_GOING, Stage, stage, task};
use crate::job::{Check, Failure, Outcome, Retries};
use crate::machine::Ending;

const LIMIT: Ending = Ending::TimeLimit { millis: 1 };

fn twice() -> Retries {
    Retries::times(2).after(Duration::from_secs(1))
}

#[test]
fn a_job_that_fails_is_tried_again_after_a_delay_that_doubles() {
    let mut stage = stage().fails_first("a", 2);
    let a = stage.ensure(task("a").retries(twice()));
    assert!(stage.run().success());
    assert_eq!(stage.outcome(a), Some(Outcome::Succeeded { tries: 3 }));
    assert_eq!(
        stage.told_of(&["retrying", "finished"]),
        [
            "retrying a after 1, exit status 1, in 1s",
            "retrying a after 2, exit status 1, in 2s",
            "finished a: succeeded after 3 tries after 1s",
        ]
    );
    // Three tries and two delays.
    assert_eq!(stage.world.clock.get().as_secs(), 6);
}

#[test]
fn the_outcome_says_after_how_many_tries_a_job_failed_for_good() {
    let mut stage = stage().fails("a");
    let a = stage.ensure(task("a").retries(twice()));
    assert_eq!(stage.run().failed, 1);
    let failure = Failure::Exit(1);
    assert_eq!(stage.outcome(a), Some(Outcome::Failed { failure, tries: 3 }));
    assert_eq!(stage.ended(a), "exit status 1 after 3 tries");
}

#[test]
fn others_use_the_slot_while_a_job_backs_off() {
    let mut stage = stage().fails_first("a", 1);
    stage.ensure(task("a").retries(twice()));
    stage.ensure(task("b"));
    stage.run();
    assert_eq!(stage.starts(), ["a", "b", "a"]);
}

#[test]
fn dependents_wait_for_the_last_try() {
    let mut stage = stage().fails_first("a", 1);
    stage.ensure(task("b").needs(&["a"]));
    let mut other = stage;
    other.ensure(task("c"));
    // `a' came as a need of `b', and so without retries: it fails for good.
    assert_eq!(other.run().refused + other.len(), 4);

    let mut stage = super::stage::stage().fails_first("a", 1);
    let a = stage.ensure(task("a").retries(twice()));
    stage.ensure(task("b").plans(move |plan| plan.needs_id(a)));
    assert_eq!(stage.run().succeeded, 2);
    assert_eq!(stage.starts(), ["a", "a", "b"]);
}

#[test]
fn a_job_is_checked_before_each_try_and_asked_for_its_work_anew() {
    let mut stage = stage().fails_first("a", 1);
    let a = stage.ensure(task("a").retries(twice()));
    stage.run();
    let job: &super::stage::Task = stage.driver.registry.get(a).unwrap();
    assert_eq!((job.checks, job.runs), (2, 2));
}

#[test]
fn a_check_may_find_that_nothing_is_left_to_be_tried() {
    let mut stage = stage().fails("a");
    let mut checks = 0;
    let a = stage.ensure(task("a").retries(twice()).checks(move |_| {
        checks += 1;
        if checks == 1 { Check::ready() } else { Check::done() }
    }));
    assert!(stage.run().success());
    assert_eq!(stage.outcome(a), Some(Outcome::UpToDate(None)));
}

#[test]
fn a_waker_does_not_cut_the_delay_short() {
    let mut stage = stage().fails_first("a", 1);
    let waker = std::rc::Rc::new(std::cell::RefCell::new(None));
    let kept = std::rc::Rc::clone(&waker);
    stage.ensure(task("a").retries(twice()).checks(move |cx| {
        *kept.borrow_mut() = Some(cx.waker());
        Check::ready()
    }));
    stage.call_at(1.5, move || waker.borrow().as_ref().unwrap().wake());
    stage.run();
    assert_eq!(stage.world.clock.get().as_secs(), 3);
}

#[test]
fn nothing_is_tried_again_when_the_run_is_being_ended() {
    let mut stage = stage().fails("a").takes("a", 10);
    let a = stage.ensure(task("a").retries(twice()));
    stage.at(1.0, Outside::Signal(15));
    stage.run();
    assert_eq!(stage.starts(), ["a"]);
    assert_eq!(stage.ended(a), "killed by signal 15 (SIGTERM)");
}

#[test]
fn a_job_that_backs_off_when_the_run_ends_is_cancelled() {
    let mut stage = stage().slots(2).fails("a").fails("b").takes("b", 2);
    let a = stage.ensure(task("a").retries(Retries::times(1).after(Duration::from_secs(60))));
    stage.ensure(task("b"));
    assert_eq!(stage.run().cancelled, 1);
    assert_eq!(stage.ended(a), "cancelled: another job failed");
}

#[test]
fn a_job_that_could_not_be_started_is_not_tried_again() {
    let mut stage = Stage::new(KEEP_GOING);
    stage = stage.script("a", |script| script.cannot_start = Some("no such file"));
    let a = stage.ensure(task("a").retries(twice()));
    stage.run();
    assert_eq!(stage.ended(a), "could not be started: no such file");
}

#[test]
fn a_failure_that_no_retries_are_for_is_final() {
    for (ending, tries) in
        [(Ending::Exit(75), 3), (Ending::Exit(1), 1), (Ending::Signal(9), 1), (LIMIT, 1)]
    {
        let mut stage = stage().script("a", |script| script.ending = ending);
        let a = stage.ensure(task("a").retries(twice().only_after(&[75])));
        stage.run();
        assert_eq!(stage.starts().len(), tries, "{}", stage.ended(a));
    }
}

#[test]
fn retries_for_several_statuses_count_each_for_itself() {
    let mut stage = stage().fails_first("a", 1).script("a", |script| {
        script.ending = Ending::Exit(75);
    });
    let a = stage.ensure(task("a").plans(|plan| {
        plan.retries(Retries::times(1).after(Duration::from_secs(10)).only_after(&[1]));
        plan.retries(twice().only_after(&[75]));
        Ok(())
    }));
    stage.run();
    assert_eq!(
        stage.told_of(&["retrying"]),
        [
            "retrying a after 1, exit status 1, in 10s",
            "retrying a after 2, exit status 75, in 1s",
            "retrying a after 3, exit status 75, in 2s",
        ]
    );
    assert_eq!(stage.ended(a), "exit status 75 after 4 tries");
}

#[test]
fn a_status_says_what_a_job_is_tried_again_after() {
    let mut stage = stage().fails_first("a", 1);
    stage.ensure(task("a").retries(twice()));
    stage.at(1.5, Outside::StatusWanted);
    stage.run();
    let status = stage.told_of(&["status"]).join("");
    assert!(status.contains("to be tried again after exit status 1"), "{status}");
}
