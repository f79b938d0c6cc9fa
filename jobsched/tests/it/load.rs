//! A busy machine holds starts back, measured for real.

use jobsched::{Error, Jobs, Scheduler};

use crate::harness::{Program, Test, fifo};
use crate::host::Host;

#[test]
fn with_a_limit_that_is_always_exceeded_one_job_runs_at_a_time() {
    // There is never no memory to be had at all, and never as much as that.
    let hungry = |test: Test| {
        test.with(|builder| builder.jobs(Jobs::AtMost(3)).min_available_memory(u64::MAX))
    };
    let mut test = hungry(Test::new());
    for name in ["a", "b", "c"] {
        test = test.sh(name, "mkdir lock && rmdir lock");
    }
    let ran = test.run().assert_success();
    assert_eq!(ran.summary.succeeded, 3);
}

#[test]
fn limits_that_are_not_exceeded_hold_nothing_back() {
    let test = Test::new().with(|builder| {
        builder
            .jobs(Jobs::AtMost(2))
            .max_load(1e9)
            .min_available_memory(1)
            .max_memory_pressure(100.0)
    });
    // Each waits for the other one.
    test.fifo("a-to-b");
    test.fifo("b-to-a");
    let ran =
        test.sh("a", "echo >a-to-b; read x <b-to-a").sh("b", "read x <a-to-b; echo >b-to-a").run();
    ran.assert_success();
}

#[test]
fn a_limit_that_is_no_number_is_refused() {
    for limit in [f64::NAN, -1.0] {
        let error = Scheduler::builder().max_load(limit).build().unwrap_err();
        assert!(matches!(error, Error::BadLimit { what: "load", .. }), "{error}");
    }
}

#[test]
fn the_load_limit_of_make_is_inherited_and_its_excess_is_told() {
    let directory = tempfile::tempdir().unwrap();
    fifo(directory.path().join("go"));
    let host = Host::new(directory.path())
        .makeflags(" -l0 -j")
        .sh("first", "read x <go")
        .sh("second", ":");
    let mut program = Program::start(host.command());
    program.line_with("started first");
    program.line_with("holding back 1 ready job: ");
    std::fs::write(directory.path().join("go"), "\n").unwrap();
    program.line_with("started second");
    program.succeeds();
}
