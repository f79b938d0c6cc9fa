//! What observers are told, and in which order.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::fake::Outside;
use super::stage::{KEEP_GOING, Stage, stage, task};
use crate::event::Event;
use crate::job::Check;

#[test]
fn a_job_is_told_of_as_started_then_what_it_says_then_finished() {
    let mut stage = stage().script("b", |b| b.says = Some("hello\n"));
    stage.ensure(task("a").needs(&["b"]));
    stage.run();
    assert_eq!(
        stage.told(),
        [
            "run started",
            "sleeping a: waiting for job `b'",
            "started b",
            "output b: hello\n",
            "finished b: succeeded after 1s",
            "started a",
            "finished a: succeeded after 1s",
            "run finished: 2 succeeded in 2.0 s",
        ]
    );
}

#[test]
fn a_job_that_sleeps_again_and_again_is_told_of_each_time() {
    let mut stage = stage();
    let mut times = 0;
    stage.ensure(task("a").checks(move |cx| {
        times += 1;
        if times == 3 {
            return Check::done();
        }
        cx.wake_after(std::time::Duration::from_secs(1));
        Check::sleep(format!("attempt {times} failed"))
    }));
    stage.run();
    assert_eq!(
        stage.told_of(&["sleeping"]),
        ["sleeping a: attempt 1 failed", "sleeping a: attempt 2 failed"]
    );
}

#[test]
fn every_job_is_finished_once_and_started_at_most_once_before() {
    let mut stage = Stage::new(KEEP_GOING).slots(4);
    for number in 0..60 {
        let name = format!("job.{number}");
        stage = match number % 7 {
            2 => stage.fails(&name),
            3 => stage.script(&name, |script| script.cannot_start = Some("no such file")),
            5 => stage.script(&name, |script| script.exhausted = 1),
            _ => stage.takes(&name, number % 4),
        };
        let job = task(name).plans(move |plan| match number {
            10.. => plan.needs(task(format!("job.{}", number * 7 % 10))).map(drop),
            _ => Ok(()),
        });
        stage.ensure(job.checks(move |_| match number % 11 {
            4 => Check::done(),
            6 => Check::failed("no"),
            _ => Check::ready(),
        }));
    }
    let told = Rc::new(RefCell::new(HashMap::new()));
    let tell = Rc::clone(&told);
    stage.observe(move |event| {
        let mut told = tell.borrow_mut();
        let (started, finished) = match event {
            Event::Started { job, .. } | Event::Finished { job, .. } => {
                told.entry(job.id).or_insert((0, 0))
            }
            _ => return,
        };
        match event {
            Event::Started { .. } => {
                assert_eq!((*started, *finished), (0, 0));
                *started += 1;
            }
            Event::Finished { run, .. } => {
                assert_eq!((*started, *finished), (i32::from(run.is_some()), 0));
                *finished += 1;
            }
            _ => {}
        }
    });
    stage.run();
    assert_eq!(told.borrow().len(), 60);
    assert!(told.borrow().values().all(|(_, finished)| *finished == 1));
}

#[test]
fn the_status_is_told_to_whoever_asks_for_it() {
    let mut stage = stage().takes("a", 10);
    stage.ensure(task("a"));
    stage.ensure(task("b"));
    stage.ensure(task("c").needs(&["a"]));
    let handle = stage.handle();
    stage.call_at(2.0, move || handle.report_status());
    stage.at(4.0, Outside::StatusWanted);
    stage.run();
    let status = |seconds| {
        format!(
            "status: 1 running, 2 waiting, 0 finished\n  a: running for {seconds}.0 s, process \
             1000\n  b: waiting for a slot\n  c: waiting for job `a'"
        )
    };
    assert_eq!(stage.told_of(&["status"]), [status(2), status(4)]);
}

#[test]
fn all_observers_are_told_the_same_in_the_order_of_their_coming() {
    let mut stage = stage();
    let told = Rc::new(RefCell::new(Vec::new()));
    for name in ["first", "second"] {
        let told = Rc::clone(&told);
        stage.observe(move |event| {
            if let Event::RunStarted { .. } | Event::Started { .. } = event {
                told.borrow_mut().push(name);
            }
        });
    }
    stage.ensure(task("a"));
    stage.run();
    assert_eq!(*told.borrow(), ["first", "second", "first", "second"]);
}

#[test]
fn nobody_has_to_listen() {
    let mut stage = Stage::new(KEEP_GOING).fails("a");
    stage.driver.observers = crate::world::Observers::default();
    let a = stage.ensure(task("a").needs(&["b"]));
    stage.ensure(task("c").checks(|_| Check::sleep("for ever")));
    let summary = stage.run();
    assert_eq!((summary.errors, summary.succeeded), (vec![a], 1));
    assert!(summary.stall.is_some() && stage.told().is_empty());
}
