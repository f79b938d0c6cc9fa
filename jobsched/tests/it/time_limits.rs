//! Time limits: what takes too long is ended, at first politely, and has failed.

use std::time::Duration;

use jobsched::{Check, Checking, Error, Job, Plan, Retries, Work};

use crate::harness::Test;

/// A script with a time limit.
struct Limited {
    script: std::process::Command,
    limit: Duration,
    retries: u32,
}

/// Those whose scripts have something to set up first have more time for it than they need.
fn limited(test: &Test, script: &str, millis: u64) -> Limited {
    Limited { script: test.shell(script), limit: Duration::from_millis(millis), retries: 0 }
}

impl Job for Limited {
    fn name(&self) -> String {
        "job".into()
    }

    fn plan(&mut self, plan: &mut Plan<'_>) -> Result<(), Error> {
        plan.retries(Retries::times(self.retries));
        Ok(())
    }

    fn check(&mut self, _: &mut Checking<'_>) -> Check {
        Check::ready()
    }

    fn run(&mut self) -> Work {
        let script = std::mem::replace(&mut self.script, std::process::Command::new("true"));
        Work::from(script).time_limit(self.limit)
    }
}

#[test]
fn a_job_that_takes_too_long_is_told_to_end_and_has_failed() {
    let test = Test::new().logged();
    let job = limited(&test, "echo waiting; exec sleep 1000", 50);
    let ran = test.job(job).run();
    assert_eq!(ran.outcome("job"), "not done within its time limit of 0.05 s");
    assert_eq!(ran.summary.failed, 1);
    assert!(ran.info("job").elapsed >= Duration::from_millis(50));
}

#[test]
fn one_that_ends_well_when_told_to_has_failed_all_the_same() {
    let test = Test::new();
    let job = limited(&test, "trap 'echo tidied up; exit 0' TERM; sleep 1000 & wait", 700);
    let ran = test.job(job).run();
    assert_eq!(ran.outcome("job"), "not done within its time limit of 0.7 s");
    assert_eq!(ran.stdout("job"), "tidied up");
}

#[test]
fn one_that_does_not_listen_is_killed_after_the_grace_period() {
    let test = Test::new().with(|builder| builder.grace(Duration::from_millis(50)));
    let job = limited(&test, "trap '' TERM; while :; do sleep 1000; done", 700);
    let ran = test.job(job).run();
    assert_eq!(ran.outcome("job"), "not done within its time limit of 0.7 s");
    assert!(ran.info("job").elapsed >= Duration::from_millis(750));
}

#[test]
fn what_it_started_is_ended_with_it() {
    let test = Test::new().with(|builder| builder.grace(Duration::from_millis(50)));
    let script = "(trap '' TERM; echo $$; while :; do sleep 1000; done) & exec sleep 1000";
    let job = limited(&test, script, 50);
    let ran = test.job(job).run();
    assert_eq!(ran.summary.failed, 1);
    // Nobody was left who could have held its output.
    assert_eq!(ran.leaks("job").len(), 0, "{}", ran.screen);
}

#[test]
fn one_that_is_stopped_is_ended_too() {
    let test = Test::new();
    let job = limited(&test, "kill -STOP $$", 50);
    assert_eq!(test.job(job).run().summary.failed, 1);
}

#[test]
fn one_that_ends_in_time_is_left_alone() {
    let test = Test::new();
    let job = limited(&test, "echo done", 1_000_000);
    let ran = test.job(job).run().assert_success();
    assert_eq!(ran.stdout("job"), "done");
}

#[test]
fn each_try_has_its_own_time() {
    let test = Test::new().logged();
    let mut job = limited(&test, "exec sleep 1000", 50);
    job.retries = 1;
    // The second time it is `true`.
    let ran = test.job(job).run().assert_success();
    assert_eq!(ran.outcome("job"), "succeeded after 2 tries");
    assert!(ran.screen.contains("(not done within its time limit of 0.05 s, try 1; again now)"));
}
