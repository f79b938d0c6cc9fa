//! Pools: never more is taken than there is, and nobody waits for ever.

use super::stage::{KEEP_GOING, Stage, stage, task};
use crate::Error;

#[test]
fn no_more_jobs_run_at_once_than_their_pool_allows() {
    let mut stage = stage().slots(8).with_pool("network", 2);
    for number in 0..6 {
        stage.ensure(task(format!("fetch.{number}")).pool("network", 1));
    }
    assert_eq!(stage.run().succeeded, 6);
    assert_eq!(stage.world.state.borrow().most, 2);
    assert_eq!(stage.world.clock.get().as_secs(), 3);
}

#[test]
fn others_run_beside_those_that_wait_for_a_pool() {
    let mut stage = stage().slots(3).with_pool("network", 1);
    for name in ["fetch.1", "fetch.2"] {
        stage.ensure(task(name).pool("network", 1));
    }
    for name in ["a", "b"] {
        stage.ensure(task(name));
    }
    stage.run();
    assert_eq!(stage.starts(), ["fetch.1", "a", "b", "fetch.2"]);
}

#[test]
fn no_slot_is_taken_for_a_job_that_waits_for_a_pool() {
    let mut stage = stage().slots(4).with_pool("licence", 1);
    for name in ["a", "b"] {
        stage.ensure(task(name).pool("licence", 1));
    }
    stage.run();
    let calls = stage.calls();
    assert_eq!(calls[..4], ["acquire: Granted", "start a", "release", "acquire: Granted"]);
}

#[test]
fn a_job_that_wants_much_is_not_overtaken_for_ever_by_those_that_want_little() {
    let mut stage = stage().slots(8).with_pool("memory", 4);
    stage.ensure(task("small.0").pool("memory", 1));
    stage.ensure(task("large").pool("memory", 4));
    for number in 1..=4 {
        stage.ensure(task(format!("small.{number}")).pool("memory", 1));
    }
    stage.run();
    assert_eq!(stage.starts()[..2], ["small.0", "large"]);
}

#[test]
fn a_job_waits_for_all_its_pools_and_holds_none_meanwhile() {
    let mut stage = stage().slots(8).with_pool("x", 1).with_pool("y", 1);
    let both = |plan: &mut crate::Plan<'_>| {
        plan.pool("x", 1)?;
        plan.pool("y", 1)
    };
    stage.ensure(task("x.1").pool("x", 1));
    stage.ensure(task("both").plans(both));
    stage.ensure(task("y.1").pool("y", 1));
    stage.ensure(task("y.2").pool("y", 1));
    assert_eq!(stage.run().succeeded, 4);
    assert_eq!(stage.starts(), ["x.1", "y.1", "both", "y.2"]);
}

/// When `both` had been called out of one pool only to wait in the other, nobody was called out of
/// the first one any more.
#[test]
fn one_that_goes_on_to_wait_elsewhere_lets_the_next_one_pass() {
    let mut stage = stage().slots(8).with_pool("x", 1).with_pool("y", 1);
    let both = |plan: &mut crate::Plan<'_>| {
        plan.pool("x", 1)?;
        plan.pool("y", 1)
    };
    stage = stage.takes("y.long", 10);
    stage.ensure(task("y.long").pool("y", 1));
    stage.ensure(task("x.1").pool("x", 1));
    stage.ensure(task("both").plans(both));
    stage.ensure(task("x.2").pool("x", 1));
    assert_eq!(stage.run().succeeded, 4);
    assert_eq!(stage.starts(), ["y.long", "x.1", "x.2", "both"]);
}

#[test]
fn who_wants_more_than_there_can_be_is_refused_with_the_reason() {
    let mut stage = Stage::new(KEEP_GOING).with_pool("network", 2);
    let error = stage.try_ensure(task("greedy").pool("network", 3)).unwrap_err();
    let reason = "job `greedy' takes more of pool `network' than its capacity of 2";
    assert_eq!(error.to_string(), reason);
    let ignoring = stage.ensure(task("ok").pool("network", 2));
    assert_eq!(stage.run().refused, 1);
    assert_eq!(stage.ended(crate::JobId(0)), reason);
    assert_eq!(stage.ended(ignoring), "succeeded");
}

#[test]
fn an_error_about_a_pool_that_is_not_passed_on_refuses_the_job_all_the_same() {
    let mut stage = Stage::new(KEEP_GOING);
    let error = stage.try_ensure(task("a").plans(|plan| {
        let _ = plan.pool("netwrok", 1);
        Ok(())
    }));
    assert!(matches!(error, Err(Error::NoSuchPool { pool, .. }) if pool == "netwrok"));
    assert_eq!(stage.run().to_string(), "1 refused in 0.0 s",);
}

#[test]
fn what_is_taken_twice_of_a_pool_adds_up() {
    let mut stage = Stage::new(KEEP_GOING).with_pool("network", 3);
    let error = stage.try_ensure(task("a").plans(|plan| {
        plan.pool("network", 2)?;
        plan.pool("network", 2)
    }));
    assert!(matches!(error, Err(Error::PoolTooSmall { capacity: 3, .. })));
}

#[test]
fn a_job_that_failed_gives_its_pool_back() {
    let mut stage = Stage::new(KEEP_GOING).slots(2).with_pool("network", 1).fails("a");
    for name in ["a", "b"] {
        stage.ensure(task(name).pool("network", 1));
    }
    assert_eq!(stage.run().succeeded, 1);
}

#[test]
fn a_job_that_can_not_start_yet_gives_its_pool_back_meanwhile() {
    let mut stage = Stage::new(KEEP_GOING).slots(4).with_pool("network", 1);
    stage = stage.script("b", |script| script.exhausted = 1);
    stage.ensure(task("a"));
    for name in ["b", "c"] {
        stage.ensure(task(name).pool("network", 1));
    }
    assert_eq!(stage.run().succeeded, 3);
}

#[test]
fn a_status_says_which_pool_is_waited_for() {
    let mut stage = stage().slots(4).with_pool("network", 1);
    for name in ["a", "b"] {
        stage.ensure(task(name).pool("network", 1));
    }
    stage.at(0.5, super::fake::Outside::StatusWanted);
    stage.run();
    let status = stage.told_of(&["status"]).join("");
    assert!(status.contains("waiting for pool `network', of which 1 of 1 are taken"), "{status}");
}
