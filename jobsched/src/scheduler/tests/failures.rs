//! What one job does wrong is that job's affair.

use super::stage::{KEEP_GOING, Stage, stage, task};
use crate::Error;
use crate::job::{Check, Failure, Outcome, Work};
use crate::machine::Policy;

#[test]
fn a_panic_in_a_plan_refuses_that_job_and_is_answered() {
    let mut stage = Stage::new(KEEP_GOING);
    let error = stage.try_ensure(task("a").plans(|_| panic!("no map"))).unwrap_err();
    assert!(matches!(&error, Error::PlanPanicked { name, .. } if name == "a"));
    assert_eq!(error.to_string(), "job `a' panicked in its plan: no map");
    let a = stage.ensure(task("a"));
    let b = stage.ensure(task("b").needs(&["a"]));
    stage.ensure(task("c"));
    let summary = stage.run();
    assert_eq!(stage.ended(a), "job `a' panicked in its plan: no map");
    assert_eq!(stage.ended(b), "dependent on failed job `a'");
    assert_eq!((summary.refused, summary.succeeded), (2, 1));
}

#[test]
fn an_error_in_a_plan_refuses_that_job_and_is_answered() {
    let mut stage = stage();
    let a = task("a").plans(|_| Err(Error::other("no such suite")));
    assert_eq!(stage.try_ensure(a).unwrap_err().to_string(), "no such suite");
    let a = stage.ensure(task("a"));
    assert_eq!(stage.ended(a), "no such suite");
}

#[test]
fn of_several_errors_in_plans_the_first_is_answered_and_all_are_planned() {
    let mut stage = Stage::new(KEEP_GOING);
    let bad = |name| task(name).plans(move |_| Err(Error::other(format!("no {name}"))));
    let error = stage.try_ensure(task("a").plans(move |plan| {
        plan.needs(bad("b"))?;
        plan.needs(bad("c"))?;
        plan.ensure(task("d"))?;
        Ok(())
    }));
    assert_eq!(error.unwrap_err().to_string(), "no b");
    let summary = stage.run();
    assert_eq!((summary.refused, summary.succeeded), (3, 1));
}

#[test]
fn a_panic_in_a_check_refuses_that_job_with_what_it_said() {
    let mut stage = Stage::new(KEEP_GOING);
    let a = stage.ensure(task("a").checks(|_| panic!("no map of {}", "Rome")));
    let b = stage.ensure(task("b").checks(|_| std::panic::panic_any(7)));
    let c = stage.ensure(task("c"));
    stage.run();
    assert_eq!(stage.ended(a), "panicked in its check: no map of Rome");
    assert_eq!(stage.ended(b), "panicked in its check: no message");
    assert_eq!(stage.ended(c), "succeeded");
}

#[test]
fn a_panic_when_asked_what_to_run_fails_that_job_and_gives_its_slot_back() {
    let mut stage = Stage::new(KEEP_GOING);
    let a = stage.ensure(task("a").runs(|| panic!("no compiler")));
    let b = stage.ensure(task("b"));
    stage.run();
    let message = "it panicked when asked what to run: no compiler";
    let failure = Failure::NotStarted { errno: None, message: message.into() };
    assert_eq!(stage.outcome(a), Some(Outcome::Failed { failure, tries: 1 }));
    assert_eq!(stage.ended(b), "succeeded");
}

#[test]
fn work_that_turns_out_to_be_impossible_fails_that_job_with_its_reason() {
    let mut stage = stage();
    let a = stage.ensure(task("a").runs(|| Work::impossible("the tree is read-only")));
    assert_eq!(stage.run().failed, 1);
    assert_eq!(stage.ended(a), "could not be started: the tree is read-only");
}

#[test]
fn what_a_check_found_before_it_panicked_still_runs() {
    let mut stage = Stage::new(KEEP_GOING);
    stage.ensure(task("a").checks(|cx| {
        cx.needs(task("b")).unwrap();
        panic!("too much")
    }));
    stage.run();
    assert_eq!(stage.starts(), ["b"]);
}

#[test]
fn a_found_job_that_cannot_be_planned_refuses_the_finder() {
    let mut stage = stage();
    let a = stage.ensure(task("a").checks(|cx| {
        cx.needs(task("b").plans(|_| panic!("no map"))).unwrap();
        Check::ready()
    }));
    assert_eq!(stage.run().refused, 2);
    assert_eq!(stage.ended(a), "dependent on failed job `b'");
}

#[test]
fn errors_are_listed_in_the_order_in_which_they_happened() {
    let mut stage = Stage::new(KEEP_GOING).slots(2).fails("a").fails("b").takes("a", 10);
    let [a, b] = ["a", "b"].map(|name| stage.ensure(task(name)));
    let c = stage.ensure(task("c").checks(|_| Check::failed("no")));
    let d = stage.ensure(task("d").needs(&["b"]));
    let summary = stage.run();
    assert_eq!(summary.errors, [c, b, d, a]);
    assert_eq!((summary.failed, summary.refused, summary.exit_code()), (2, 2, 2));
}

#[test]
fn ignored_errors_are_counted_but_the_run_is_a_success() {
    let policy = Policy { ignore_errors: true, ..Policy::default() };
    let mut stage = Stage::new(policy).fails("a");
    let a = stage.ensure(task("a"));
    stage.ensure(task("b").needs(&["a"]));
    let summary = stage.run();
    assert_eq!((summary.failed, summary.succeeded), (1, 1));
    assert_eq!(summary.errors, [a]);
    assert!(summary.success() && summary.errors_ignored);
}
