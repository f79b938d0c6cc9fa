//! Inputs that make no sense change nothing. The random cases try many more of them.

use crate::job::{Answer, Cancellation, JobId};
use crate::machine::{Effect, Ending, Input, Machine, State};

/// A machine with one job in each state that lasts; the job that is being planned comes last.
fn machine() -> (Machine, [(JobId, State); 6]) {
    let mut machine = Machine::default();
    let names = ["finished", "running", "ready", "sleeping", "asked", "planned"];
    let jobs = names.map(|name| machine.intern(name).unwrap().0);
    let [finished, running, ready, sleeping, asked, planned] = jobs;
    for job in [finished, running, ready, sleeping, asked] {
        machine.apply(Input::Planned(job));
    }
    effects(&mut machine);
    machine.apply(Input::Checked(finished, Answer::Done(None)));
    machine.apply(Input::Checked(running, Answer::Ready));
    machine.apply(Input::Checked(ready, Answer::Ready));
    machine.apply(Input::Checked(sleeping, Answer::Sleep("not now".into())));
    machine.apply(Input::SlotGranted);
    effects(&mut machine);
    let states = [
        (finished, State::Finished),
        (running, State::Running),
        (ready, State::Ready),
        (sleeping, State::Sleeping),
        (asked, State::Checking),
        (planned, State::Checking),
    ];
    (machine, states)
}

fn effects(machine: &mut Machine) -> Vec<Effect> {
    std::iter::from_fn(|| machine.next_effect()).collect()
}

/// Does something to a machine, after which it has to be as before.
fn changes_nothing(what: impl FnOnce(&mut Machine)) {
    let (mut machine, states) = machine();
    let counts = *machine.counts();
    what(&mut machine);
    assert_eq!(effects(&mut machine), []);
    assert_eq!(*machine.counts(), counts);
    for (job, state) in states {
        assert_eq!(machine.state(job), Some(state));
    }
}

fn all_about(job: JobId) -> [Input; 7] {
    [
        Input::Planned(job),
        Input::Unplannable(job, "no plan".into()),
        Input::Checked(job, Answer::Ready),
        Input::NotYet(job),
        Input::NotStarted(job, None, "impossible".into()),
        Input::Ended(job, Ending::Succeeded),
        Input::Woken(job),
    ]
}

#[test]
fn a_job_that_does_not_exist_is_passed_over() {
    for number in [6, 1000, u32::MAX] {
        for input in all_about(JobId(number)) {
            changes_nothing(|machine| machine.apply(input));
        }
    }
    let (machine, _) = machine();
    assert_eq!(machine.state(JobId(6)), None);
    assert_eq!(machine.outcome(JobId(6)), None);
    assert!(!machine.is_error(JobId(6)));
    assert_eq!(machine.why(JobId(6)).to_string(), "not known");
}

#[test]
fn a_job_takes_only_the_inputs_that_its_state_waits_for() {
    let (_, states) = machine();
    let expected: [&[usize]; 6] = [&[], &[3, 4, 5], &[], &[6], &[2], &[0, 1]];
    for ((job, _), expected) in states.into_iter().zip(expected) {
        for (number, input) in all_about(job).into_iter().enumerate() {
            if !expected.contains(&number) {
                changes_nothing(|machine| machine.apply(input));
            }
        }
    }
}

#[test]
fn a_job_that_waits_for_its_turn_to_be_asked_has_nothing_to_answer() {
    let mut machine = Machine::default();
    let (job, _) = machine.intern("a").unwrap();
    machine.apply(Input::Planned(job));
    for input in all_about(job) {
        machine.apply(input);
    }
    assert_eq!(effects(&mut machine), [Effect::Check(job)]);
    assert_eq!(effects(&mut machine), []);
}

#[test]
fn an_edge_from_or_to_a_job_that_does_not_exist_is_refused() {
    changes_nothing(|machine| {
        assert!(!machine.depend(JobId(0), JobId(6)));
        assert!(!machine.depend(JobId(6), JobId(0)));
        assert!(!machine.depend(JobId(u32::MAX), JobId(u32::MAX)));
    });
}

#[test]
fn an_edge_that_comes_too_late_changes_no_state() {
    let (_, states) = machine();
    for (job, _) in states {
        for (prerequisite, _) in states {
            changes_nothing(|machine| assert!(machine.depend(job, prerequisite)));
        }
    }
}

#[test]
fn there_is_no_stall_while_somebody_is_awake() {
    changes_nothing(|machine| machine.apply(Input::NothingWakes));
}

#[test]
fn a_slot_that_nobody_wants_starts_nobody() {
    let (mut machine, _) = machine();
    machine.apply(Input::Stop(Cancellation::JobserverLost));
    machine.apply(Input::SlotGranted);
    assert_eq!(effects(&mut machine), []);

    let mut empty = Machine::default();
    empty.apply(Input::SlotGranted);
    assert_eq!(effects(&mut empty), []);
    assert!(empty.is_over());
}

#[test]
fn a_machine_without_jobs_is_over_at_once_whatever_it_is_told() {
    let mut machine = Machine::default();
    for input in [Input::NothingWakes, Input::Over, Input::Stop(Cancellation::Stalled)] {
        machine.apply(input);
        assert!(machine.is_over() && !machine.has_effects());
        assert_eq!(effects(&mut machine), []);
    }
}
