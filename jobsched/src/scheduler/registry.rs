//! The jobs of a scheduler: the machine that knows their states, together with the values that their
//! users made. Plans new jobs one after the other, so that a chain of any length needs no stack.
//! Doesn't run anything.

use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::Error;
use crate::history::History;
use crate::job::{self, Job, JobId, Outcome, Plan, Retries};
use crate::machine::{BadClaim, Input, Machine};

/// The jobs of a scheduler.
pub(super) struct Registry {
    pub(super) machine: Machine,
    pub(super) history: Option<History>,
    /// By id; a job that is just being asked something is not here.
    bodies: Vec<Option<Box<dyn Job>>>,
    /// The type of the job that is not here.
    away: Option<(JobId, JobType)>,
    unplanned: VecDeque<JobId>,
    /// The first claim of the job that is just being planned that can't ever be met.
    bad_claim: Option<Error>,
    /// How many of the jobs to be asked next have been looked at in advance.
    looked_at: usize,
}

/// How many jobs are looked at together.
const AHEAD: usize = 16;

impl Registry {
    pub(super) fn new(machine: Machine, history: Option<History>) -> Self {
        Self {
            machine,
            history,
            bodies: Vec::new(),
            away: None,
            unplanned: VecDeque::new(),
            bad_claim: None,
            looked_at: 0,
        }
    }

    /// Interns a job, and plans it and what it needs.
    pub(super) fn ensure(&mut self, job: Box<dyn Job>) -> Result<JobId, Error> {
        let id = job::Registry::intern(self, job)?;
        self.plan_all()?;
        Ok(id)
    }

    /// Plans all new jobs, those included that come up by that. A job that can't be planned is
    /// refused, and the first such error is answered.
    pub(super) fn plan_all(&mut self) -> Result<(), Error> {
        let mut first = Ok(());
        while let Some(id) = self.unplanned.pop_front() {
            let planned = self.with_body(id, |registry, job| {
                // The text of an error of the user's is made by code of the user's, too.
                catch_unwind(AssertUnwindSafe(|| {
                    let planned = job.plan(&mut Plan::new(registry, id));
                    planned.map_err(|error| (error.to_string(), error))
                }))
            });
            let result = planned.unwrap_or(Ok(Ok(()))).unwrap_or_else(|panic| {
                let name = self.machine.graph().name(id).to_owned();
                let error = Error::PlanPanicked { name, message: panic_message(&*panic) };
                Err((error.to_string(), error))
            });
            // It may not have been passed on.
            let bad_claim = self.bad_claim.take().map(|error| (error.to_string(), error));
            let result = result.and(bad_claim.map_or(Ok(()), Err));
            match result {
                Ok(()) => self.machine.apply(Input::Planned(id)),
                Err((reason, error)) => {
                    self.machine.apply(Input::Unplannable(id, reason.into()));
                    first = first.and(Err(error));
                }
            }
        }
        first
    }

    /// To be called before each check. Looks now and then at all that is kept of the jobs that are
    /// going to be asked next: in a large graph that is far away, and to fetch it for many at once
    /// takes not much longer than for one.
    pub(super) fn look_ahead(&mut self) {
        self.looked_at = self.looked_at.saturating_sub(1);
        if self.looked_at > 0 {
            return;
        }
        let mut seen = 0;
        for job in self.machine.coming_checks().take(AHEAD) {
            let here = self.bodies.get(job.index()).is_some_and(Option::is_some);
            seen ^= self.machine.touch(job) ^ u32::from(here);
            self.looked_at += 1;
        }
        // What is read for nothing would else not be read at all.
        std::hint::black_box(seen);
    }

    /// Hands a job out for as long as it is asked something, while it may change the registry.
    pub(super) fn with_body<T>(
        &mut self,
        id: JobId,
        ask: impl FnOnce(&mut Self, &mut dyn Job) -> T,
    ) -> Option<T> {
        let mut body = self.bodies.get_mut(id.index())?.take()?;
        // Jobs are asked one at a time; the one before is not forgotten, should that ever change.
        let before = self.away.replace((id, type_of(&*body)));
        let answer = ask(self, &mut *body);
        self.away = before;
        if let Some(place) = self.bodies.get_mut(id.index()) {
            *place = Some(body);
        }
        Some(answer)
    }

    /// The job itself, if it is of that type.
    pub(super) fn get<J: Job>(&self, id: JobId) -> Option<&J> {
        self.bodies.get(id.index())?.as_ref()?.as_any_of()
    }
}

/// Looks through a box, which is itself a type that a job could be.
trait AsAnyOf {
    fn as_any_of<J: Any>(&self) -> Option<&J>;
}

impl AsAnyOf for Box<dyn Job> {
    fn as_any_of<J: Any>(&self) -> Option<&J> {
        (**self).as_any().downcast_ref()
    }
}

type JobType = (std::any::TypeId, &'static str);

fn type_of(job: &dyn Job) -> JobType {
    (job.as_any().type_id(), job.type_name())
}

impl job::Registry for Registry {
    fn intern(&mut self, job: Box<dyn Job>) -> Result<JobId, Error> {
        let name = job.name();
        if name.is_empty() {
            return Err(Error::EmptyName { job_type: (*job).type_name() });
        }
        let Some((id, new)) = self.machine.intern(&name) else {
            return Err(Error::TooManyJobs { name });
        };
        if new {
            if let Some(duration) = self.history.as_ref().and_then(|known| known.expected(&name)) {
                self.machine.expect(id, duration);
            }
            self.bodies.push(Some(job));
            self.unplanned.push_back(id);
            return Ok(id);
        }
        let here = self.bodies.get(id.index()).and_then(Option::as_deref).map(type_of);
        let (new_type, new_name) = type_of(&*job);
        match here.or(self.away.filter(|(away, _)| *away == id).map(|(_, of)| of)) {
            Some((existing_type, existing)) if existing_type != new_type => {
                Err(Error::NameClash { name, existing, new: new_name })
            }
            _ => Ok(id),
        }
    }

    fn depend(&mut self, job: JobId, prerequisite: JobId) -> Result<(), Error> {
        let graph = self.machine.graph();
        if !graph.contains(prerequisite) {
            return Err(Error::UnknownJob { job: prerequisite });
        }
        if self.machine.depend(job, prerequisite) {
            return Ok(());
        }
        Err(Error::TooManyJobs { name: self.machine.graph().name(job).to_owned() })
    }

    fn claim(&mut self, job: JobId, pool: &str, amount: usize) -> Result<(), Error> {
        let Err(bad) = self.machine.claim(job, pool, amount) else {
            return Ok(());
        };
        let make = || {
            let (job, pool) = (self.machine.graph().name(job).to_owned(), pool.to_owned());
            match bad {
                BadClaim::NoSuchPool => Error::NoSuchPool { job, pool },
                BadClaim::TooMuch { capacity } => Error::PoolTooSmall { job, pool, capacity },
            }
        };
        self.bad_claim.get_or_insert_with(make);
        Err(make())
    }

    fn add_retries(&mut self, job: JobId, retries: Retries) {
        self.machine.add_retries(job, retries);
    }

    fn outcome(&self, job: JobId) -> Option<Outcome> {
        self.machine.outcome(job)
    }

    fn name(&self, job: JobId) -> &str {
        self.machine.graph().name(job)
    }
}

/// What a panic said.
pub(super) fn panic_message(panic: &(dyn Any + Send)) -> String {
    if let Some(message) = panic.downcast_ref::<&str>() {
        (*message).to_owned()
    } else if let Some(message) = panic.downcast_ref::<String>() {
        message.clone()
    } else {
        "no message".to_owned()
    }
}
