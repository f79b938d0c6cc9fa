//! Runs that break off: an observer panics, or the system fails. What ran is killed, all jobs are
//! finished in some way, and another run can follow.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::fake::Outside;
use super::stage::{Stage, stage, task};
use crate::Error;
use crate::event::Event;
use crate::job::Check;

/// Three jobs, of which two run for a while, one sleeps and one waits.
fn four_jobs() -> Stage {
    let mut stage = stage().slots(2).takes("a", 10).script("b", |b| b.says = Some("hello\n"));
    stage.ensure(task("a"));
    stage.ensure(task("b"));
    stage.ensure(task("c").needs(&["a"]));
    stage.ensure(task("d").checks(|cx| {
        cx.wake_after(Duration::from_secs(3600));
        Check::sleep("too early")
    }));
    stage
}

/// After a run that broke off: nothing is left of it, and another one runs what is new.
fn is_in_order(mut stage: Stage) {
    stage.world.assert_at_rest();
    let counts = *stage.driver.registry.machine.counts();
    assert_eq!((counts.unfinished(), counts.finished), (0, 4));
    stage.told();
    stage.calls();
    stage.ensure(task("e"));
    let summary = stage.run();
    assert_eq!((summary.succeeded, summary.jobs(), summary.interrupted), (1, 1, None));
    assert!(summary.errors.is_empty() && summary.stall.is_none());
    assert_eq!(
        stage.told(),
        [
            "run started",
            "started e",
            "finished e: succeeded after 1s",
            "run finished: 1 succeeded in 1.0 s",
        ]
    );
}

fn panics_at(mut stage: Stage, wanted: impl Fn(&Event<'_>) -> bool + 'static) -> Stage {
    let mut once = true;
    stage.observe(move |event| {
        let is_due = wanted(event) && std::mem::take(&mut once);
        assert!(!is_due, "the observer has had enough");
    });
    let panic = catch_unwind(AssertUnwindSafe(|| stage.driver.run())).unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&"the observer has had enough"));
    stage
}

#[test]
fn a_panic_of_an_observer_at_the_beginning_starts_nobody() {
    let stage = panics_at(four_jobs(), |event| matches!(event, Event::RunStarted { .. }));
    assert!(stage.calls().is_empty());
    is_in_order(stage);
}

#[test]
fn a_panic_of_an_observer_when_a_job_starts_kills_it() {
    let stage = panics_at(
        four_jobs(),
        |event| matches!(event, Event::Started { job, .. } if job.name == "b"),
    );
    assert_eq!(
        stage.calls(),
        ["acquire: Granted", "start a", "acquire: Granted", "start b", "kill a", "kill b"]
    );
    is_in_order(stage);
}

#[test]
fn a_panic_of_an_observer_when_a_job_sleeps_kills_what_runs() {
    is_in_order(panics_at(four_jobs(), |event| matches!(event, Event::Sleeping { .. })));
}

#[test]
fn a_panic_of_an_observer_at_some_output_kills_what_runs() {
    let stage = panics_at(four_jobs(), |event| matches!(event, Event::Output { .. }));
    assert_eq!(stage.calls().last().unwrap(), "kill a");
    is_in_order(stage);
}

#[test]
fn a_panic_of_an_observer_when_a_job_is_finished_kills_what_runs() {
    let mut stage = panics_at(four_jobs(), |event| matches!(event, Event::Finished { .. }));
    assert_eq!(stage.calls()[4..], ["release", "kill a"]);
    let [a, b, c, d] = ["a", "b", "c", "d"].map(|name| stage.ensure(task(name)));
    assert_eq!(stage.ended(a), "killed by signal 9 (SIGKILL)");
    assert_eq!(stage.ended(b), "succeeded");
    assert_eq!(stage.ended(c), "dependent on failed job `a'");
    assert_eq!(stage.ended(d), "cancelled: the run was cancelled");
    is_in_order(stage);
}

#[test]
fn a_panic_of_an_observer_at_the_end_changes_nothing() {
    let mut stage = stage();
    let a = stage.ensure(task("a"));
    let mut stage = panics_at(stage, |event| matches!(event, Event::RunFinished { .. }));
    stage.world.assert_at_rest();
    assert_eq!(stage.ended(a), "succeeded");
    assert_eq!(stage.run().jobs(), 0);
}

#[test]
fn a_run_that_the_system_breaks_off_is_an_error_and_kills_what_runs() {
    let mut stage = four_jobs();
    stage.at(5.0, Outside::Broken);
    assert!(matches!(stage.driver.run(), Err(Error::System { .. })));
    assert_eq!(stage.calls().last().unwrap(), "kill a");
    assert_eq!(stage.told_of(&["run finished"]), [""; 0]);
    is_in_order(stage);
}
