//! The end of a run in which nothing could wake the sleepers.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use super::stage::{stage, task};
use crate::event::Event;
use crate::job::{Cancellation, Check, Outcome};
use crate::wake::Waker;

type Place = Rc<RefCell<Option<Waker>>>;

#[test]
fn a_job_that_sleeps_without_having_arranged_anything_is_stalled() {
    let mut stage = stage();
    let a = stage.ensure(task("a").checks(|_| Check::sleep("the mirror is busy")));
    let b = stage.ensure(task("b").needs(&["a"]));
    let summary = stage.run();
    let stall = summary.stall.clone().unwrap();
    assert_eq!(
        stall.to_string(),
        "2 jobs sleep, and nothing is left that could wake them:\n  a: the mirror is busy\n  \
         b: waiting for job `a'"
    );
    assert_eq!(stage.outcome(a), Some(Outcome::Cancelled(Cancellation::Stalled)));
    assert_eq!(stage.outcome(b), Some(Outcome::Cancelled(Cancellation::Stalled)));
    assert_eq!((summary.cancelled, summary.exit_code()), (2, 2));
}

#[test]
fn a_cycle_is_reported_as_a_path() {
    let mut stage = stage();
    stage.ensure(task("a").needs(&["b"]));
    stage.ensure(task("b"));
    assert_eq!(stage.run().stall, None);

    let mut stage = super::stage::stage();
    stage.ensure(task("top").plans(|plan| {
        plan.needs(task("left").plans(|plan| plan.needs(task("top")).map(drop)))?;
        Ok(())
    }));
    let stall = stage.run().stall.unwrap();
    assert_eq!(stall.cycle.unwrap(), ["top", "left", "top"]);
    assert_eq!(
        stage.told_of(&["stalled"]),
        ["stalled: 2 jobs can never run: dependency cycle: top -> left -> top"]
    );
}

#[test]
fn a_job_that_finds_that_it_needs_itself_is_a_cycle() {
    let mut stage = stage();
    stage.ensure(task("a").checks(|cx| {
        cx.needs_id(cx.id()).unwrap();
        Check::ready()
    }));
    let stall = stage.run().stall.unwrap();
    assert_eq!(stall.cycle.unwrap(), ["a", "a"]);
}

#[test]
fn a_run_stalls_when_the_last_waker_is_dropped() {
    let mut stage = stage();
    let place = Place::default();
    let somebody = Rc::clone(&place);
    let a = stage.ensure(task("a").checks(move |cx| {
        *somebody.borrow_mut() = Some(cx.waker());
        Check::sleep("nobody said so")
    }));
    let clone = Rc::new(RefCell::new(None));
    let (first, second) = (Rc::clone(&place), Rc::clone(&clone));
    stage.call_at(5.0, move || *second.borrow_mut() = first.take());
    stage.call_at(10.0, move || drop(clone.take()));
    let stall = stage.run().stall.unwrap();
    assert_eq!(stall.sleepers, [("a".into(), "nobody said so".into())]);
    assert_eq!(stage.world.clock.get().as_secs(), 10);
    assert_eq!(stage.ended(a), "cancelled: nothing could wake it");
}

#[test]
fn a_waker_that_was_used_and_dropped_at_once_has_still_woken() {
    // The observer acts between the look at the bell and the look for wakers, as another thread may.
    let mut stage = stage();
    let place = Place::default();
    let somebody = Rc::clone(&place);
    let mut asked = false;
    stage.ensure(task("a").checks(move |cx| {
        if std::mem::replace(&mut asked, true) {
            return Check::done();
        }
        *somebody.borrow_mut() = Some(cx.waker());
        Check::sleep("nobody said so")
    }));
    stage.observe(move |event| {
        if let Event::Status { .. } = event {
            place.take().unwrap().wake();
        }
    });
    let handle = stage.handle();
    stage.call_at(5.0, move || handle.report_status());
    let summary = stage.run();
    assert_eq!((summary.stall, summary.up_to_date), (None, 1));
}

#[test]
fn a_waker_keeps_nobody_waiting_whose_job_needs_what_can_never_finish() {
    let mut stage = stage();
    let place = Place::default();
    let somebody = Rc::clone(&place);
    stage.ensure(task("a").checks(move |cx| {
        *somebody.borrow_mut() = Some(cx.waker());
        cx.needs(task("b").needs(&["a"])).unwrap();
        Check::ready()
    }));
    let stall = stage.run().stall.unwrap();
    assert_eq!(stall.cycle.unwrap(), ["a", "b", "a"]);
    assert!(place.borrow().is_some());
}

#[test]
fn there_is_no_stall_while_somebody_can_still_be_woken() {
    let mut stage = stage();
    let mut asked = false;
    stage.ensure(task("forgotten").checks(|_| Check::sleep("for ever")));
    stage.ensure(task("a").checks(move |cx| {
        if std::mem::replace(&mut asked, true) {
            return Check::ready();
        }
        cx.wake_after(Duration::from_secs(60));
        Check::sleep("too early")
    }));
    let summary = stage.run();
    assert_eq!((summary.succeeded, summary.cancelled), (1, 1));
    assert_eq!(summary.stall.unwrap().total, 1);
    assert_eq!(stage.world.clock.get().as_secs(), 61);
}

#[test]
fn the_time_of_a_job_that_is_finished_keeps_nobody_waiting() {
    let mut stage = stage();
    let place = Place::default();
    let somebody = Rc::clone(&place);
    stage.ensure(task("forgotten").checks(|_| Check::sleep("for ever")));
    stage.ensure(task("a").checks(move |cx| {
        if somebody.borrow().is_some() {
            return Check::done();
        }
        *somebody.borrow_mut() = Some(cx.waker());
        cx.wake_after(Duration::from_secs(3600));
        Check::sleep("too early")
    }));
    stage.call_at(5.0, move || place.borrow().as_ref().unwrap().wake());
    assert!(stage.run().stall.is_some());
    assert_eq!(stage.world.clock.get().as_secs(), 5);
}

#[test]
fn there_is_no_stall_while_somebody_runs() {
    let mut stage = stage().takes("b", 60);
    let place = Place::default();
    let somebody = Rc::clone(&place);
    let mut asked = false;
    stage.ensure(task("a").checks(move |cx| {
        if std::mem::replace(&mut asked, true) {
            return Check::done();
        }
        *somebody.borrow_mut() = Some(cx.waker());
        Check::sleep("until b is finished")
    }));
    stage.ensure(task("b"));
    stage.observe(move |event| {
        if matches!(event, Event::Finished { job, .. } if job.name == "b") {
            place.take().unwrap().wake();
        }
    });
    assert_eq!(stage.run().stall, None);
}

#[test]
fn only_the_first_hundred_sleepers_are_listed() {
    let mut stage = stage();
    for number in 0..150 {
        stage.ensure(task(format!("job.{number}")).checks(|_| Check::sleep("for ever")));
    }
    let stall = stage.run().stall.unwrap();
    assert_eq!((stall.sleepers.len(), stall.total), (100, 150));
    assert_eq!(stall.sleepers[99].0, "job.99");
    assert!(stall.to_string().ends_with("\n  … and 50 more"));
}
