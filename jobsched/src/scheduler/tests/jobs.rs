//! Jobs and their names: interning, what may be needed, and what can be asked about them.

use std::cell::Cell;
use std::rc::Rc;

use super::stage::{OtherTask, Stage, Task, stage, task};
use crate::job::{Check, Job, JobId, Outcome, Plan};
use crate::{Error, job::Checking};

#[test]
fn of_two_jobs_with_the_same_name_the_first_is_kept() {
    let mut stage = stage();
    let dropped = Rc::new(());
    let kept = Rc::clone(&dropped);
    let first = stage.ensure(task("a").checks(|_| Check::done_because("the first")));
    let second = stage.ensure(task("a").checks(move |_| {
        drop(Rc::clone(&kept));
        Check::done_because("the second")
    }));
    assert_eq!((first, stage.len()), (second, 1));
    assert_eq!(Rc::strong_count(&dropped), 1);
    stage.run();
    assert_eq!(stage.ended(first), "the first");
}

#[test]
fn ids_are_given_in_the_order_of_coming() {
    let mut stage = stage();
    let ids = [task("a").needs(&["d", "e"]), task("b"), task("d")].map(|job| stage.ensure(job));
    assert_eq!(ids.map(JobId::index), [0, 3, 1]);
    let graph = stage.driver.registry.machine.graph();
    assert_eq!(graph.jobs().map(|job| graph.name(job)).collect::<Vec<_>>(), ["a", "d", "e", "b"]);
}

#[test]
fn a_job_is_planned_once_however_often_it_is_ensured() {
    let mut stage = stage();
    let times = Rc::new(Cell::new(0));
    for _ in 0..3 {
        let times = Rc::clone(&times);
        stage.ensure(task("a").plans(move |_| {
            times.set(times.get() + 1);
            Ok(())
        }));
    }
    stage.run();
    assert_eq!(times.get(), 1);
}

#[test]
fn two_jobs_of_different_types_cannot_have_the_same_name() {
    let mut stage = stage();
    stage.ensure(OtherTask("a"));
    let error = stage.try_ensure(task("a")).unwrap_err();
    let Error::NameClash { name, existing, new } = error else { panic!("{error}") };
    assert_eq!(name, "a");
    assert!(existing.ends_with("OtherTask") && new.ends_with("::Task"), "{existing} {new}");
    assert_eq!(stage.len(), 1);
}

#[test]
fn names_clash_also_with_the_job_that_is_just_being_asked() {
    let clashes = |result: Result<JobId, Error>| matches!(result, Err(Error::NameClash { .. }));
    let mut stage = stage();
    let a = task("a").plans(move |plan| {
        assert!(clashes(plan.needs(OtherTask("a"))));
        assert!(clashes(plan.ensure(OtherTask("a"))));
        Ok(())
    });
    let a = stage.ensure(a.checks(move |cx| {
        assert!(clashes(cx.needs(OtherTask("a"))));
        assert_eq!(cx.ensure(task("a")).unwrap(), cx.id());
        Check::done()
    }));
    stage.run();
    assert_eq!(stage.ended(a), "up to date");
}

#[test]
fn a_name_must_not_be_empty() {
    let mut stage = stage();
    let error = stage.try_ensure(task("")).unwrap_err();
    assert!(matches!(error, Error::EmptyName { job_type } if job_type.ends_with("::Task")));
    assert_eq!(stage.len(), 0);
    assert!(stage.run().success());
}

#[test]
fn a_job_of_another_scheduler_cannot_be_needed() {
    let unknown = |result| matches!(result, Err(Error::UnknownJob { job: JobId(99) }));
    let mut stage = stage();
    let a = task("a").plans(move |plan| {
        assert!(unknown(plan.needs_id(JobId(99))));
        Ok(())
    });
    let a = stage.ensure(a.checks(move |cx| {
        assert!(unknown(cx.needs_id(JobId(99))));
        Check::ready()
    }));
    stage.run();
    assert_eq!(stage.ended(a), "succeeded");
    assert_eq!(stage.outcome(JobId(99)), None);
    assert!(stage.driver.registry.get::<Task>(JobId(99)).is_none());
}

#[test]
fn a_job_and_what_it_found_out_can_be_looked_at() {
    let mut stage = stage();
    let a = stage.ensure(task("a"));
    let b = stage.ensure(OtherTask("b"));
    assert_eq!(stage.outcome(a), None);
    stage.run();
    let get = |id| stage.driver.registry.get::<Task>(id);
    assert_eq!(get(a).map(|task| (task.checks, task.runs)), Some((1, 1)));
    assert!(get(b).is_none());
    assert_eq!(stage.outcome(a), Some(Outcome::Succeeded { tries: 1 }));
}

#[test]
fn a_check_sees_how_others_ended() {
    let mut stage = stage();
    let other = stage.ensure(task("other"));
    let outcome = Rc::new(Cell::new(None));
    let sees = Rc::clone(&outcome);
    stage.ensure(task("a").needs(&["other"]).checks(move |cx| {
        sees.set(cx.outcome(other));
        assert_eq!(cx.outcome(cx.id()), None);
        assert_eq!((cx.name(), cx.dry_run()), ("a", false));
        Check::ready()
    }));
    stage.run();
    assert_eq!(outcome.take(), Some(Outcome::Succeeded { tries: 1 }));
}

#[test]
fn what_a_check_finds_may_find_more_in_its_turn() {
    let mut stage = stage();
    stage.ensure(task("a").checks(|cx| {
        cx.needs(task("b").checks(|cx| {
            cx.needs(task("c").needs(&["d"])).unwrap();
            Check::ready()
        }))
        .unwrap();
        Check::ready()
    }));
    assert_eq!(stage.run().succeeded, 4);
    assert_eq!(stage.starts(), ["d", "c", "b", "a"]);
}

#[test]
fn what_is_ensured_without_being_needed_runs_too_and_holds_up_nobody() {
    let mut stage = stage();
    let a = task("a").plans(|plan| plan.ensure(task("b")).map(drop));
    stage.ensure(a.checks(|cx| {
        cx.ensure(task("c")).unwrap();
        Check::ready()
    }));
    stage.run();
    assert_eq!(stage.starts(), ["a", "b", "c"]);
}

/// A link of a chain; it needs the next one.
struct Link(u32);

impl Job for Link {
    fn name(&self) -> String {
        self.0.to_string()
    }

    fn plan(&mut self, plan: &mut Plan<'_>) -> Result<(), Error> {
        if self.0 > 0 {
            plan.needs(Link(self.0 - 1))?;
        }
        Ok(())
    }

    fn check(&mut self, _: &mut Checking<'_>) -> Check {
        Check::done()
    }

    fn run(&mut self) -> crate::Work {
        unreachable!("there is nothing to do")
    }
}

#[test]
fn a_chain_that_is_planned_link_by_link_needs_no_stack() {
    let mut stage = Stage::new(crate::machine::Policy::default());
    stage.ensure(Link(100_000));
    assert_eq!(stage.run().up_to_date, 100_001);
}
