//! Sizes at which recursion would overflow the stack and quadratic work would never end. Nothing is
//! measured: that these come to an end is the test.

use crate::job::{Answer, JobId};
use crate::machine::{Effect, Ending, Input, Machine, Policy};
use crate::order::Order;

/// A machine with jobs that are not planned yet.
fn machine(jobs: u32) -> Machine {
    let mut machine =
        Machine::new(Policy { keep_going: true, ..Policy::default() }, Order::FirstCome);
    for number in 0..jobs {
        machine.intern(&number.to_string()).unwrap();
    }
    machine
}

/// Each job but the last needs the next one.
fn chain(jobs: u32) -> Machine {
    let mut machine = machine(jobs);
    for job in 1..jobs {
        assert!(machine.depend(JobId(job - 1), JobId(job)));
    }
    plan_all(&mut machine, jobs);
    machine
}

/// The first job needs all the others.
fn fan(jobs: u32) -> Machine {
    let mut machine = machine(jobs);
    for job in 1..jobs {
        assert!(machine.depend(JobId(0), JobId(job)));
    }
    plan_all(&mut machine, jobs);
    machine
}

fn plan_all(machine: &mut Machine, jobs: u32) {
    for job in 0..jobs {
        machine.apply(Input::Planned(JobId(job)));
    }
}

/// Runs all; how many were started.
fn run(machine: &mut Machine, ending: Ending) -> usize {
    let mut started = 0;
    loop {
        match machine.next_effect() {
            Some(Effect::Retry(..)) => unreachable!("nothing is to be tried again"),
            Some(Effect::Check(job)) => machine.apply(Input::Checked(job, Answer::Ready)),
            Some(Effect::Start(job)) => {
                started += 1;
                machine.apply(Input::Ended(job, ending));
            }
            Some(Effect::Stalled(cycle)) => assert!(cycle.is_some()),
            Some(Effect::Sleeping(_) | Effect::Finished(_)) => {}
            None if machine.wants_slot() => machine.apply(Input::SlotGranted),
            None if machine.all_asleep() => machine.apply(Input::NothingWakes),
            None => {
                assert!(machine.is_over());
                return started;
            }
        }
    }
}

#[test]
fn a_chain_of_a_million_jobs_wins_from_its_end_to_its_beginning() {
    let mut machine = chain(1_000_000);
    assert_eq!(run(&mut machine, Ending::Succeeded), 1_000_000);
    assert_eq!(machine.counts().succeeded, 1_000_000);
}

#[test]
fn a_loss_at_the_end_of_a_chain_refuses_a_million_jobs() {
    let mut machine = chain(1_000_001);
    assert_eq!(run(&mut machine, Ending::Exit(1)), 1);
    assert_eq!((machine.counts().failed, machine.counts().refused), (1, 1_000_000));
    let first = machine.outcome(JobId(0)).unwrap().to_string();
    assert_eq!(first, "dependent on failed job `1'");
}

#[test]
fn a_hundred_thousand_jobs_in_a_circle_are_cancelled_together() {
    let jobs = 100_000;
    let mut machine = machine(jobs);
    for job in 0..jobs {
        assert!(machine.depend(JobId(job), JobId((job + 1) % jobs)));
    }
    plan_all(&mut machine, jobs);
    assert_eq!(run(&mut machine, Ending::Succeeded), 0);
    assert_eq!(machine.counts().cancelled, 100_000);
}

#[test]
fn a_job_with_a_hundred_thousand_prerequisites_runs_after_all_of_them() {
    let mut machine = fan(100_001);
    assert_eq!(run(&mut machine, Ending::Succeeded), 100_001);
}

#[test]
fn a_job_with_a_hundred_thousand_prerequisites_is_refused_by_the_first_that_is_lost() {
    let mut machine = fan(100_001);
    assert_eq!(run(&mut machine, Ending::Signal(9)), 100_000);
    let outcome = machine.outcome(JobId(0)).unwrap().to_string();
    assert_eq!(outcome, "dependent on failed job `1'");
}

#[test]
fn a_prerequisite_of_a_hundred_thousand_jobs_lets_them_all_go_or_none() {
    for (ending, started) in [(Ending::Succeeded, 100_001), (Ending::Exit(1), 1)] {
        let mut machine = machine(100_001);
        for job in 1..=100_000 {
            assert!(machine.depend(JobId(job), JobId(0)));
        }
        plan_all(&mut machine, 100_001);
        assert_eq!(run(&mut machine, ending), started);
    }
}

#[test]
fn a_job_that_finds_a_hundred_thousand_prerequisites_one_after_the_other_runs_at_last() {
    let mut machine = machine(100_001);
    machine.apply(Input::Planned(JobId(0)));
    for found in 1..=100_000 {
        assert_eq!(machine.next_effect(), Some(Effect::Check(JobId(0))));
        assert!(machine.depend(JobId(0), JobId(found)));
        machine.apply(Input::Planned(JobId(found)));
        machine.apply(Input::Checked(JobId(0), Answer::Ready));
        assert_eq!(machine.next_effect(), Some(Effect::Sleeping(JobId(0))));
        assert_eq!(machine.next_effect(), Some(Effect::Check(JobId(found))));
        machine.apply(Input::Checked(JobId(found), Answer::Done(None)));
        assert_eq!(machine.next_effect(), Some(Effect::Finished(JobId(found))));
    }
    assert_eq!(run(&mut machine, Ending::Succeeded), 1);
}
