//! Sleepers: woken by the time, by wakers, and by nothing else.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use super::stage::{Stage, Task, stage, task};
use crate::job::Check;
use crate::wake::Waker;

/// Where somebody keeps a waker.
type Place = Rc<RefCell<Option<Waker>>>;

/// Sleeps that many seconds before it runs.
fn sleeper(name: &str, seconds: u64) -> Task {
    let mut asked = false;
    task(name).checks(move |cx| {
        if std::mem::replace(&mut asked, true) {
            return Check::ready();
        }
        cx.wake_after(Duration::from_secs(seconds));
        Check::sleep("too early")
    })
}

/// Hands a waker to somebody, and sleeps until `go` is set.
fn waiter(name: &str) -> (Task, Place, Rc<Cell<bool>>) {
    let (place, go) = (Place::default(), Rc::new(Cell::new(false)));
    let (somebody, may_go) = (Rc::clone(&place), Rc::clone(&go));
    let task = task(name).checks(move |cx| {
        if may_go.get() {
            return Check::ready();
        }
        *somebody.borrow_mut() = Some(cx.waker());
        Check::sleep("nobody said so")
    });
    (task, place, go)
}

fn seconds(stage: &Stage) -> u64 {
    stage.world.clock.get().as_secs()
}

fn checks(stage: &Stage, job: crate::JobId) -> usize {
    stage.driver.registry.get::<Task>(job).unwrap().checks
}

#[test]
fn sleepers_are_woken_in_the_order_of_their_times() {
    let mut stage = stage().slots(3);
    for (name, seconds) in [("a", 30), ("b", 10), ("c", 20)] {
        stage.ensure(sleeper(name, seconds));
    }
    stage.run();
    assert_eq!(stage.starts(), ["b", "c", "a"]);
    assert_eq!(seconds(&stage), 31);
}

#[test]
fn sleepers_with_the_same_time_are_woken_in_the_order_of_their_coming() {
    let mut stage = stage();
    for name in ["c", "a", "b"] {
        stage.ensure(sleeper(name, 10));
    }
    stage.run();
    assert_eq!(stage.starts(), ["c", "a", "b"]);
}

#[test]
fn nothing_is_done_before_a_sleeper_is_due() {
    let mut stage = stage();
    stage.ensure(sleeper("a", 3600));
    stage.run();
    // One until it is due, and one until it has ended.
    assert_eq!(stage.world.state.borrow().waits, 2);
}

#[test]
fn of_several_times_the_earliest_counts() {
    let mut stage = stage();
    let mut asked = false;
    stage.ensure(task("a").checks(move |cx| {
        if std::mem::replace(&mut asked, true) {
            return Check::done();
        }
        for seconds in [20, 10, 30] {
            cx.wake_after(Duration::from_secs(seconds));
        }
        Check::sleep("too early")
    }));
    stage.run();
    assert_eq!(seconds(&stage), 10);
}

#[test]
fn a_time_that_has_passed_wakes_at_once() {
    let mut stage = stage();
    let mut asked = false;
    stage.ensure(task("a").checks(move |cx| {
        if std::mem::replace(&mut asked, true) {
            return Check::done();
        }
        cx.wake_at(cx.now());
        Check::sleep("a moment")
    }));
    assert_eq!(stage.run().up_to_date, 1);
    assert_eq!(seconds(&stage), 0);
}

#[test]
fn a_time_that_the_clock_cannot_express_never_comes() {
    let mut stage = stage();
    stage.ensure(task("a").checks(|cx| {
        cx.wake_after(Duration::MAX);
        Check::sleep("for ever")
    }));
    assert!(stage.run().stall.is_some());
}

#[test]
fn a_time_is_void_if_the_job_has_to_wait_for_another_anyway() {
    let mut stage = stage().takes("b", 100);
    let a = stage.ensure(task("a").checks(|cx| {
        cx.wake_after(Duration::from_secs(1));
        cx.needs(task("b")).unwrap();
        Check::ready()
    }));
    stage.run();
    assert_eq!(checks(&stage, a), 2);
    assert_eq!(stage.starts(), ["b", "a"]);
    // One until each of them has ended.
    assert_eq!(stage.world.state.borrow().waits, 2);
}

#[test]
fn a_time_is_void_if_the_job_does_not_sleep() {
    let mut stage = stage();
    stage.ensure(task("a").checks(|cx| {
        cx.wake_after(Duration::from_secs(3600));
        Check::ready()
    }));
    stage.run();
    assert_eq!(seconds(&stage), 1);
}

#[test]
fn a_sleeper_that_was_woken_before_its_time_is_not_waited_for_until_then() {
    let mut stage = stage();
    let place = Place::default();
    let somebody = Rc::clone(&place);
    let a = stage.ensure(task("a").checks(move |cx| {
        if somebody.borrow().is_some() {
            return Check::ready();
        }
        *somebody.borrow_mut() = Some(cx.waker());
        cx.wake_after(Duration::from_secs(3600));
        Check::sleep("too early")
    }));
    stage.call_at(5.0, move || place.borrow().as_ref().unwrap().wake());
    stage.run();
    assert_eq!((checks(&stage, a), seconds(&stage)), (2, 6));
}

#[test]
fn a_waker_wakes_the_job_that_made_it() {
    let mut stage = stage();
    let (a, waker, go) = waiter("a");
    let (b, b_waker, _b_go) = waiter("b");
    let (a, b) = (stage.ensure(a), stage.ensure(b));
    stage.call_at(5.0, move || {
        go.set(true);
        waker.borrow().as_ref().unwrap().wake();
    });
    stage.call_at(10.0, move || drop(b_waker.take()));
    stage.run();
    assert_eq!(stage.ended(a), "succeeded");
    assert_eq!((checks(&stage, a), checks(&stage, b)), (2, 1));
}

#[test]
fn a_waker_works_from_another_thread() {
    let mut stage = stage();
    let (a, waker, go) = waiter("a");
    let a = stage.ensure(a);
    stage.call_at(5.0, move || {
        go.set(true);
        let waker = waker.take().unwrap();
        std::thread::spawn(move || waker.wake()).join().unwrap();
    });
    stage.run();
    assert_eq!(stage.ended(a), "succeeded");
}

#[test]
fn a_job_that_is_woken_for_nothing_is_asked_and_sleeps_on() {
    let mut stage = stage();
    let (a, waker, go) = waiter("a");
    let a = stage.ensure(a);
    for second in [1.0, 2.0, 3.0] {
        let waker = Rc::clone(&waker);
        stage.call_at(second, move || {
            let waker = waker.borrow().clone().unwrap();
            // However often it is woken, it is asked once.
            waker.wake();
            waker.wake();
        });
    }
    stage.call_at(4.0, move || {
        go.set(true);
        waker.borrow().as_ref().unwrap().wake();
    });
    stage.run();
    assert_eq!(checks(&stage, a), 5);
}

#[test]
fn a_wake_that_comes_during_the_check_is_not_lost() {
    let mut stage = stage();
    let mut asked = false;
    let a = stage.ensure(task("a").checks(move |cx| {
        if std::mem::replace(&mut asked, true) {
            return Check::ready();
        }
        cx.waker().wake();
        Check::sleep("it has happened already")
    }));
    assert_eq!(stage.run().stall, None);
    assert_eq!(stage.ended(a), "succeeded");
}

#[test]
fn waking_a_job_that_waits_for_another_is_for_nothing() {
    let mut stage = stage().takes("b", 10);
    let place = Place::default();
    let somebody = Rc::clone(&place);
    let a = stage.ensure(task("a").checks(move |cx| {
        cx.needs(task("b")).unwrap();
        *somebody.borrow_mut() = Some(cx.waker());
        Check::ready()
    }));
    stage.call_at(5.0, move || place.borrow().as_ref().unwrap().wake());
    stage.run();
    assert_eq!(checks(&stage, a), 2);
}

#[test]
fn a_waker_may_be_used_when_its_job_is_finished_and_the_run_is_over() {
    let mut stage = stage();
    let (a, waker, go) = waiter("a");
    let a = stage.ensure(a);
    let late = Rc::clone(&waker);
    stage.call_at(5.0, move || {
        go.set(true);
        waker.borrow().as_ref().unwrap().wake();
    });
    stage.run();
    late.borrow().as_ref().unwrap().wake();
    stage.ensure(task("b"));
    assert_eq!(stage.run().succeeded, 1);
    assert_eq!(checks(&stage, a), 2);
}

#[test]
fn a_job_that_wakes_itself_all_the_time_starves_nobody() {
    // Whether the waker is kept or dropped makes a difference to what counts as a stall.
    for is_kept in [true, false] {
        let mut stage = stage().script("a", |a| a.takes = Duration::from_micros(500));
        let (over, kept) = (Rc::new(Cell::new(false)), RefCell::new(None));
        let is_over = Rc::clone(&over);
        stage.ensure(task("busy").checks(move |cx| {
            let waker = cx.waker();
            waker.wake();
            kept.replace(is_kept.then_some(waker));
            if is_over.get() { Check::done() } else { Check::sleep("busy") }
        }));
        stage.ensure(task("a"));
        stage.call_at(0.001, move || over.set(true));
        let summary = stage.run();
        assert_eq!((summary.succeeded, summary.up_to_date), (1, 1));
    }
}

#[test]
fn running_jobs_are_looked_after_while_many_others_are_asked() {
    let mut stage = stage();
    let clock = Rc::clone(&stage.world.clock);
    let asked = Rc::new(Cell::new(0));
    for number in 0..1000 {
        let (clock, asked) = (Rc::clone(&clock), Rc::clone(&asked));
        stage.ensure(task(format!("slow.{number}")).checks(move |_| {
            clock.set(clock.get() + Duration::from_millis(5));
            asked.set(asked.get() + 1);
            if number == 0 { Check::ready() } else { Check::done() }
        }));
    }
    let (first_start, first_end) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let (start, end) = (Rc::clone(&first_start), Rc::clone(&first_end));
    stage.observe(move |event| match event {
        crate::Event::Started { .. } => start.set(asked.get()),
        crate::Event::Finished { run: Some(_), .. } => end.set(asked.get()),
        _ => {}
    });
    stage.run();
    // Asking all takes 5 s, and the job that runs 1 s.
    assert!(first_start.get() < 10, "started after {} checks", first_start.get());
    assert!(first_end.get() < 220, "seen to have ended after {} checks", first_end.get());
}
