//! Starts are held back while the machine has too much to do, but progress is not.

use super::stage::{stage, task};

const BUSY: Option<&str> = Some("5 processes run on this machine, the limit is 4");

#[test]
fn nothing_is_started_beside_others_while_the_machine_is_busy() {
    let mut stage = stage().slots(4).excess(0.0, BUSY);
    for name in ["a", "b", "c"] {
        stage.ensure(task(name));
    }
    assert_eq!(stage.run().succeeded, 3);
    assert_eq!(stage.world.state.borrow().most, 1);
}

#[test]
fn the_first_job_starts_however_busy_the_machine_is() {
    let mut stage = stage().excess(0.0, BUSY);
    stage.ensure(task("a"));
    assert!(stage.run().success());
    assert_eq!(stage.world.clock.get().as_secs(), 1);
}

#[test]
fn no_slot_is_taken_while_starts_are_held_back() {
    let mut stage = stage().slots(4).excess(0.0, BUSY);
    for name in ["a", "b"] {
        stage.ensure(task(name));
    }
    stage.run();
    let calls =
        ["acquire: Granted", "start a", "release", "acquire: Granted", "start b", "release"];
    assert_eq!(stage.calls(), calls);
}

#[test]
fn what_was_held_back_starts_soon_after_the_machine_has_calmed_down() {
    let mut stage = stage().slots(2).takes("a", 10).takes("b", 3);
    stage = stage.excess(0.0, BUSY).excess(4.25, None);
    for name in ["a", "b"] {
        stage.ensure(task(name));
    }
    stage.call_at(4.2, || {});
    stage.run();
    let told = stage.told();
    let place = |line: &str| told.iter().position(|told| told.starts_with(line)).unwrap();
    assert!(place("started b") < place("finished a"));
    assert!(place("finished b") < place("finished a"), "{told:?}");
}

#[test]
fn the_user_is_told_once_when_it_lasts() {
    let mut stage = stage().slots(2).takes("a", 10).excess(0.0, BUSY);
    for name in ["a", "b"] {
        stage.ensure(task(name));
    }
    stage.run();
    let told = "holding back 1: 5 processes run on this machine, the limit is 4";
    assert_eq!(stage.told_of(&["holding"]), [told]);
}

#[test]
fn the_user_is_not_told_of_a_moment() {
    let mut stage = stage().slots(2).takes("a", 10).excess(0.0, BUSY).excess(0.5, None);
    for name in ["a", "b"] {
        stage.ensure(task(name));
    }
    stage.run();
    assert_eq!(stage.told_of(&["holding"]), [""; 0]);
}

#[test]
fn nothing_is_measured_when_nothing_is_ready() {
    let mut stage = stage().takes("a", 10).excess(0.0, BUSY);
    stage.ensure(task("a"));
    stage.run();
    // One wait: for the end of the job. There is nothing to look at meanwhile.
    assert_eq!(stage.world.state.borrow().waits, 1);
}
