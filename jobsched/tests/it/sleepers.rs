//! Jobs that sleep until something outside happens.

use std::sync::mpsc::channel;
use std::time::Duration;

use jobsched::{Check, Checking, Jobs, Work};

use crate::harness::{Test, custom};

fn nothing() -> Work {
    std::process::Command::new("true").into()
}

#[test]
fn a_waker_on_another_thread_has_the_job_asked_again() {
    let (send, receive) = channel();
    let helper = std::thread::spawn(move || {
        let waker: jobsched::Waker = receive.recv().unwrap();
        waker.wake();
    });
    let mut asked = 0;
    let check = move |cx: &mut Checking<'_>| {
        asked += 1;
        if asked == 1 {
            send.send(cx.waker()).unwrap();
            return Check::sleep("waiting for the thread");
        }
        Check::ready()
    };
    let ran = Test::new().job(custom("sleeper", check, nothing)).run().assert_success();
    assert_eq!(ran.outcome("sleeper"), "succeeded");
    helper.join().unwrap();
}

#[test]
fn a_deadline_passes_while_another_job_runs() {
    let mut asked = 0;
    let check = move |cx: &mut Checking<'_>| {
        asked += 1;
        cx.wake_after(Duration::from_millis(5));
        if asked < 4 { Check::sleep("not yet") } else { Check::ready() }
    };
    let test = Test::new().with(|builder| builder.jobs(Jobs::AtMost(2)));
    test.fifo("go");
    let wake = || {
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", "echo >go"]);
        shell
    };
    let directory = test.path("");
    let ran = test
        .sh("long", "read x <go")
        .job(custom("sleeper", check, move || {
            let mut shell = wake();
            shell.current_dir(&directory);
            shell.into()
        }))
        .run()
        .assert_success();
    assert_eq!(ran.summary.succeeded, 2);
}

#[test]
fn a_waker_that_is_dropped_ends_the_run_with_a_report() {
    let check = |cx: &mut Checking<'_>| {
        let waker = cx.waker();
        std::thread::spawn(move || drop(waker));
        Check::sleep("waiting for what never comes")
    };
    let ran = Test::new().job(custom("sleeper", check, nothing)).run();
    let stall = ran.summary.stall.unwrap();
    assert_eq!(stall.sleepers, [("sleeper".into(), "waiting for what never comes".into())]);
    assert_eq!(ran.summary.cancelled, 1);
}
