//! A scheduler in the fake world, with jobs whose answers a test writes down, and an observer that
//! keeps what it is told as lines.

use std::cell::RefCell;
use std::process::Command;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::super::driver::Driver;
use super::super::registry::Registry;
use super::fake::{Fake, Outside, Pool, Script};
use crate::event::Event;
use crate::job::{Check, Checking, Job, JobId, Plan, Retries, Work};
use crate::machine::{Ending, Machine, Policy};
use crate::order::Order;
use crate::summary::Summary;
use crate::wake::{Bell, Handle};
use crate::{Error, Outcome};

/// A scheduler, its world, and what was told.
pub(super) struct Stage {
    pub(super) driver: Driver<Fake>,
    pub(super) world: Fake,
    told: Rc<RefCell<Vec<String>>>,
}

pub(super) const KEEP_GOING: Policy =
    Policy { keep_going: true, ignore_errors: false, dry_run: false };

/// A scheduler with one slot that starts jobs in the order of ensure.
pub(super) fn stage() -> Stage {
    Stage::new(Policy::default())
}

impl Stage {
    pub(super) fn new(policy: Policy) -> Self {
        Self::ordered(policy, Order::FirstCome)
    }

    pub(super) fn ordered(policy: Policy, order: Order) -> Self {
        let bell = Arc::new(Bell::new().unwrap());
        let world = Fake::new(Arc::clone(&bell));
        let driver =
            Driver::new(Registry::new(Machine::new(policy, order), None), world.clone(), bell);
        let mut stage = Self { driver, world, told: Rc::default() };
        let told = Rc::clone(&stage.told);
        stage.observe(move |event| told.borrow_mut().extend(line(event)));
        stage
    }

    pub(super) fn pool(self, pool: Pool) -> Self {
        self.world.state.borrow_mut().pool = pool;
        self
    }

    pub(super) fn slots(self, slots: usize) -> Self {
        self.pool(Pool::AtMost(slots))
    }

    /// What becomes of a job when it is started.
    pub(super) fn script(self, name: &str, change: impl FnOnce(&mut Script)) -> Self {
        change(self.world.state.borrow_mut().scripts.entry(name.into()).or_default());
        self
    }

    pub(super) fn fails(self, name: &str) -> Self {
        self.script(name, |script| script.ending = Ending::Exit(1))
    }

    pub(super) fn fails_first(self, name: &str, times: usize) -> Self {
        self.script(name, |script| script.fails_first = times)
    }

    /// There is so much of something that jobs take.
    pub(super) fn with_pool(mut self, name: &str, capacity: usize) -> Self {
        self.driver.registry.machine.add_pool(name, capacity);
        self
    }

    /// From that many seconds on, the machine has too much to do, or not any more.
    pub(super) fn excess(self, seconds: f64, excess: Option<&'static str>) -> Self {
        self.world.state.borrow_mut().excess.push((Duration::from_secs_f64(seconds), excess));
        self
    }

    pub(super) fn takes(self, name: &str, seconds: u64) -> Self {
        self.script(name, |script| script.takes = Duration::from_secs(seconds))
    }

    /// Lets something happen at that many seconds.
    pub(super) fn at(&self, seconds: f64, outside: Outside) {
        let time = Duration::from_secs_f64(seconds);
        self.world.state.borrow_mut().outside.push((time, outside));
    }

    pub(super) fn call_at(&self, seconds: f64, call: impl FnOnce() + 'static) {
        self.at(seconds, Outside::Call(Box::new(call)));
    }

    pub(super) fn observe(&mut self, observer: impl FnMut(&Event<'_>) + 'static) {
        self.driver.observers.add(Box::new(observer));
    }

    pub(super) fn handle(&self) -> Handle {
        Handle(Arc::clone(&self.driver.bell))
    }

    pub(super) fn ensure(&mut self, job: impl Job) -> JobId {
        self.try_ensure(job).unwrap()
    }

    pub(super) fn try_ensure(&mut self, job: impl Job) -> Result<JobId, Error> {
        self.driver.registry.ensure(Box::new(job))
    }

    /// Runs, and checks that all is in order afterwards.
    pub(super) fn run(&mut self) -> Summary {
        let summary = self.driver.run().unwrap();
        self.world.assert_at_rest();
        let counts = self.driver.registry.machine.counts();
        assert_eq!((counts.unfinished(), counts.finished), (0, self.len()));
        summary
    }

    pub(super) fn len(&self) -> usize {
        self.driver.registry.machine.graph().len()
    }

    pub(super) fn outcome(&self, job: JobId) -> Option<Outcome> {
        self.driver.registry.machine.outcome(job)
    }

    /// How a job ended, as people read it.
    pub(super) fn ended(&self, job: JobId) -> String {
        self.outcome(job).map_or("not at all".into(), |outcome| outcome.to_string())
    }

    /// What was told since the last time.
    pub(super) fn told(&self) -> Vec<String> {
        std::mem::take(&mut self.told.borrow_mut())
    }

    /// What of it began with one of these words.
    pub(super) fn told_of(&self, words: &[&str]) -> Vec<String> {
        let mut told = self.told();
        told.retain(|line| words.iter().any(|word| line.starts_with(word)));
        told
    }

    /// What the scheduler did with the world since the last time.
    pub(super) fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.world.state.borrow_mut().calls)
    }

    /// In which order jobs were started.
    pub(super) fn starts(&self) -> Vec<String> {
        let calls = self.calls().into_iter();
        calls.filter_map(|call| call.strip_prefix("start ").map(str::to_owned)).collect()
    }
}

fn line(event: &Event<'_>) -> Option<String> {
    Some(match event {
        Event::RunStarted { .. } => "run started".into(),
        Event::Sleeping { job, why } => format!("sleeping {}: {why}", job.name),
        Event::Started { job, .. } => format!("started {}", job.name),
        Event::Output { job, text, .. } => {
            format!("output {}: {}", job.name, String::from_utf8_lossy(text))
        }
        Event::Finished { job, outcome, run } => {
            let time = run.map(|run| format!(" after {:?}", run.elapsed)).unwrap_or_default();
            format!("finished {}: {outcome}{time}", job.name)
        }
        Event::Retrying { job, failure, tries, delay, .. } => {
            format!("retrying {} after {tries}, {failure}, in {delay:?}", job.name)
        }
        Event::HeldBack { reason, ready } => format!("holding back {ready}: {reason}"),
        Event::Warning { message } => format!("warning: {message}"),
        Event::Interrupted { signal, running, .. } => {
            format!("interrupted by {signal}, {running} running")
        }
        Event::Status { status } => format!("status: {status}"),
        Event::Stalled { stall } => format!("stalled: {stall}"),
        Event::RunFinished { summary } => {
            format!("run finished: {summary}")
        }
        _ => return None,
    })
}

type PlanFn = Box<dyn FnMut(&mut Plan<'_>) -> Result<(), Error>>;

/// A job whose answers are closures.
pub(super) struct Task {
    name: String,
    plan: PlanFn,
    check: Box<dyn FnMut(&mut Checking<'_>) -> Check>,
    run: Box<dyn FnMut() -> Work>,
    /// How often it was asked, and for its work.
    pub(super) checks: usize,
    pub(super) runs: usize,
}

/// A job that needs nothing and can always run.
pub(super) fn task(name: impl Into<String>) -> Task {
    Task {
        name: name.into(),
        plan: Box::new(|_| Ok(())),
        check: Box::new(|_| Check::ready()),
        run: Box::new(|| Command::new("true").into()),
        checks: 0,
        runs: 0,
    }
}

impl Task {
    pub(super) fn plans(
        mut self,
        plan: impl FnMut(&mut Plan<'_>) -> Result<(), Error> + 'static,
    ) -> Self {
        self.plan = Box::new(plan);
        self
    }

    /// Needs these jobs.
    pub(super) fn needs(self, names: &'static [&'static str]) -> Self {
        self.plans(move |plan| names.iter().try_for_each(|name| plan.needs(task(*name)).map(drop)))
    }

    /// Takes so much of a pool.
    pub(super) fn pool(self, pool: &'static str, amount: usize) -> Self {
        self.plans(move |plan| plan.pool(pool, amount))
    }

    pub(super) fn retries(self, retries: Retries) -> Self {
        self.plans(move |plan| {
            plan.retries(retries);
            Ok(())
        })
    }

    pub(super) fn checks(
        mut self,
        check: impl FnMut(&mut Checking<'_>) -> Check + 'static,
    ) -> Self {
        self.check = Box::new(check);
        self
    }

    pub(super) fn runs(mut self, run: impl FnMut() -> Work + 'static) -> Self {
        self.run = Box::new(run);
        self
    }
}

impl Job for Task {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn plan(&mut self, plan: &mut Plan<'_>) -> Result<(), Error> {
        (self.plan)(plan)
    }

    fn check(&mut self, cx: &mut Checking<'_>) -> Check {
        self.checks += 1;
        (self.check)(cx)
    }

    fn run(&mut self) -> Work {
        self.runs += 1;
        (self.run)()
    }
}

/// A job of another type.
pub(super) struct OtherTask(pub(super) &'static str);

impl Job for OtherTask {
    fn name(&self) -> String {
        self.0.into()
    }

    fn run(&mut self) -> Work {
        Command::new("true").into()
    }
}
