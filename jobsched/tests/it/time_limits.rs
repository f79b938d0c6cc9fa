//! Time limits: what takes too long is ended, at first politely, and has failed.

use std::time::Duration;

use jobsched::{Check, Checking, Error, Event, Job, Plan, Retries, Work};

use crate::harness::{Lifeline, Test};

/// A script with a time limit.
struct Limited {
    script: std::process::Command,
    limit: Duration,
    /// After the first try, `true` has that long.
    retry: Option<Duration>,
}

fn limited(test: &Test, script: &str, millis: u64) -> Limited {
    Limited { script: test.shell(script), limit: Duration::from_millis(millis), retry: None }
}

/// For jobs that have to set something up before their time is over: the scheduler, which would end
/// them, gets no further than their start until they have written a line to the fifo `ready`.
fn patient() -> Test {
    let test = Test::new();
    let ready = test.fifo("ready");
    test.with(|builder| {
        builder.observer(move |event: &Event<'_>| {
            if let Event::Started { .. } = event {
                Lifeline::open(&ready).line();
            }
        })
    })
}

impl Job for Limited {
    fn name(&self) -> String {
        "job".into()
    }

    fn plan(&mut self, plan: &mut Plan<'_>) -> Result<(), Error> {
        plan.retries(Retries::times(self.retry.map_or(0, |_| 1)));
        Ok(())
    }

    fn check(&mut self, _: &mut Checking<'_>) -> Check {
        Check::ready()
    }

    fn run(&mut self) -> Work {
        let script = std::mem::replace(&mut self.script, std::process::Command::new("true"));
        let limit =
            self.retry.map_or(self.limit, |retry| std::mem::replace(&mut self.limit, retry));
        Work::from(script).time_limit(limit)
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
    let test = patient();
    let script = "sleep 1000 & trap 'echo tidied up; exit 0' TERM; echo ready >ready; wait";
    let job = limited(&test, script, 50);
    let ran = test.job(job).run();
    assert_eq!(ran.outcome("job"), "not done within its time limit of 0.05 s");
    assert_eq!(ran.stdout("job"), "tidied up");
}

#[test]
fn one_that_does_not_listen_is_killed_after_the_grace_period() {
    let test = patient().with(|builder| builder.grace(Duration::from_millis(50)));
    let job = limited(&test, "trap '' TERM; echo ready >ready; exec sleep 1000", 50);
    let ran = test.job(job).run();
    assert_eq!(ran.outcome("job"), "not done within its time limit of 0.05 s");
    assert!(ran.info("job").elapsed >= Duration::from_millis(100));
}

#[test]
fn what_it_started_is_ended_with_it() {
    let test = patient().with(|builder| builder.grace(Duration::from_millis(50)));
    let script = "(trap '' TERM; echo ready >ready; exec sleep 1000) & exec sleep 1000";
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
    job.retry = Some(Duration::from_secs(1000));
    let ran = test.job(job).run().assert_success();
    assert_eq!(ran.outcome("job"), "succeeded after 2 tries");
    assert!(ran.screen.contains("(not done within its time limit of 0.05 s, try 1; again now)"));
}
