//! Slots: taken when a job is started in them at once, given back the moment it has ended. The fake
//! world itself checks that after each call.

use super::fake::{Fault, Outside, Pool};
use super::stage::{KEEP_GOING, Stage, stage, task};
use crate::job::{Cancellation, Check, Outcome};
use crate::machine::Policy;

fn ensure_all(stage: &mut Stage, names: &[&str]) {
    for name in names {
        stage.ensure(task(*name));
    }
}

#[test]
fn a_slot_is_taken_used_and_given_back() {
    let mut stage = stage();
    ensure_all(&mut stage, &["a", "b"]);
    stage.run();
    assert_eq!(
        stage.calls(),
        [
            "acquire: Granted",
            "start a",
            "acquire: Full",
            "release",
            "acquire: Granted",
            "start b",
            "release",
        ]
    );
}

#[test]
fn no_slot_is_asked_for_unless_a_job_is_ready() {
    let mut stage = stage();
    stage.ensure(task("a").checks(|_| Check::done()));
    stage.ensure(task("b").checks(|_| Check::failed("no")));
    stage.ensure(task("c").checks(|_| Check::sleep("for ever")));
    stage.run();
    assert!(stage.calls().is_empty());
}

#[test]
fn a_dry_run_says_why_a_job_would_run_and_a_real_one_just_runs_it() {
    for (dry_run, said) in [(true, "would run: it is old"), (false, "succeeded")] {
        let mut stage = Stage::new(Policy { dry_run, ..Policy::default() });
        let a = stage.ensure(task("a").checks(|_| Check::ready_because("it is old")));
        stage.run();
        assert_eq!(stage.ended(a), said);
    }
}

#[test]
fn no_slot_is_asked_for_in_a_dry_run() {
    let mut stage = Stage::new(Policy { dry_run: true, ..Policy::default() });
    ensure_all(&mut stage, &["a", "b"]);
    stage.ensure(task("c").needs(&["a"]).runs(|| panic!("nothing is to be run")));
    assert_eq!(stage.run().would_run, 3);
    assert!(stage.calls().is_empty());
}

#[test]
fn as_many_jobs_run_at_once_as_there_are_slots() {
    for (pool, most) in [
        (Pool::AtMost(1), 1),
        (Pool::AtMost(3), 3),
        (Pool::Shared { tokens: 0 }, 1),
        (Pool::Shared { tokens: 4 }, 5),
        (Pool::Unlimited, 20),
    ] {
        let mut stage = stage().pool(pool);
        for number in 0..20 {
            stage.ensure(task(format!("job.{number}")));
        }
        assert_eq!(stage.run().succeeded, 20);
        assert_eq!(stage.world.state.borrow().most, most, "{pool:?}");
        assert_eq!(stage.world.state.borrow().pool, pool, "all tokens are back");
    }
}

#[test]
fn a_token_that_somebody_gives_back_is_taken_for_a_job_that_waits() {
    let mut stage = stage().pool(Pool::Shared { tokens: 0 }).takes("a", 10);
    ensure_all(&mut stage, &["a", "b"]);
    stage.at(3.0, Outside::Tokens(1));
    stage.run();
    assert_eq!(stage.world.clock.get().as_secs(), 10);
    assert_eq!(stage.starts(), ["a", "b"]);
    assert_eq!(stage.world.state.borrow().pool, Pool::Shared { tokens: 1 });
}

#[test]
fn a_token_that_nobody_wants_is_left_to_others() {
    let mut stage = stage().pool(Pool::Shared { tokens: 3 });
    stage.ensure(task("a"));
    stage.run();
    assert_eq!(stage.calls(), ["acquire: Granted", "start a", "release"]);
    assert_eq!(stage.world.state.borrow().waits, 1);
}

#[test]
fn nothing_is_done_while_a_job_runs_and_the_others_lack_slots() {
    let mut stage = stage().pool(Pool::Shared { tokens: 0 }).takes("a", 3600);
    ensure_all(&mut stage, &["a", "b"]);
    stage.run();
    assert_eq!(stage.world.state.borrow().waits, 2);
}

#[test]
fn a_job_that_could_not_be_started_leaves_its_slot_to_the_next() {
    let mut stage = Stage::new(KEEP_GOING).script("a", |a| a.cannot_start = Some("no such file"));
    ensure_all(&mut stage, &["a", "b"]);
    stage.run();
    let calls =
        ["acquire: Granted", "cannot start a", "release", "acquire: Granted", "start b", "release"];
    assert_eq!(stage.calls(), calls);
}

#[test]
fn after_a_job_that_could_not_be_started_no_other_is_started_in_the_slots_that_are_left() {
    let mut stage = stage().slots(3).script("a", |a| a.cannot_start = Some("no such file"));
    ensure_all(&mut stage, &["a", "b", "c"]);
    let summary = stage.run();
    assert_eq!((summary.failed, summary.cancelled), (1, 2));
    assert_eq!(stage.calls(), ["acquire: Granted", "cannot start a", "release"]);
}

#[test]
fn jobs_that_end_together_give_back_all_their_slots_before_others_are_started() {
    let mut stage = stage().slots(2);
    ensure_all(&mut stage, &["a", "b", "c", "d"]);
    stage.run();
    let calls = stage.calls();
    assert_eq!(calls[5..9], ["release", "release", "acquire: Granted", "start c"]);
}

#[test]
fn without_the_jobserver_nothing_new_is_started_and_what_runs_is_waited_for() {
    let mut stage = stage().pool(Pool::Shared { tokens: 1 }).takes("b", 10);
    for name in ["a", "b", "c", "d"] {
        stage.ensure(task(name));
    }
    let e = stage.ensure(task("e").needs(&["b"]));
    stage.at(0.5, Outside::PoolGone);
    let summary = stage.run();
    assert_eq!(stage.starts(), ["a", "b"]);
    assert_eq!((summary.succeeded, summary.cancelled, summary.exit_code()), (2, 3, 2));
    assert_eq!(stage.outcome(e), Some(Outcome::Cancelled(Cancellation::JobserverLost)));
    assert_eq!(
        stage.told_of(&["warning", "finished"]),
        [
            "warning: the jobserver was closed",
            "finished a: succeeded after 1s",
            "finished b: succeeded after 10s",
            "finished c: cancelled: the jobserver is gone",
            "finished d: cancelled: the jobserver is gone",
            "finished e: cancelled: the jobserver is gone",
        ]
    );
}

#[test]
fn a_slot_that_cannot_be_given_back_properly_is_warned_of() {
    let mut stage = stage();
    stage.ensure(task("a"));
    stage.world.state.borrow_mut().fault = Some(Fault::Release);
    assert!(stage.run().success());
    assert_eq!(stage.told_of(&["warning"]), ["warning: the token could not be written back"]);
}
