//! What observers are told of jobs, stalls and status. Changes nothing but what was to be told.

use std::time::Duration;

use super::driver::Driver;
use crate::event::{Event, JobRef, Why};
use crate::job::JobId;
use crate::machine::{Ending, State, failure};
use crate::status::{RunningJob, Stall, Status};
use crate::world::World;

impl<W: World> Driver<W> {
    pub(super) fn tell_sleep(&mut self, job: JobId) {
        if self.observers.is_empty() {
            return;
        }
        let machine = &self.registry.machine;
        let why = machine.why(job);
        let job = JobRef { id: job, name: machine.graph().name(job) };
        self.observers.tell(&Event::Sleeping { job, why: Why::new(&why) });
    }

    pub(super) fn tell_retry(&mut self, job: JobId, ending: Ending, tries: u32, delay: Duration) {
        let run = self.infos.remove(&job);
        let machine = &self.registry.machine;
        let failure = failure(ending, "".into());
        let job = JobRef { id: job, name: machine.graph().name(job) };
        let run = run.as_ref();
        self.observers.tell(&Event::Retrying { job, failure: &failure, tries, delay, run });
    }

    pub(super) fn finished(&mut self, job: JobId) {
        let machine = &self.registry.machine;
        if machine.is_error(job) {
            self.tally.errors.push(job);
        }
        if self.observers.is_empty() {
            return;
        }
        let Some(outcome) = machine.outcome(job) else {
            return;
        };
        let info = self.infos.remove(&job);
        let job = JobRef { id: job, name: machine.graph().name(job) };
        self.observers.tell(&Event::Finished { job, outcome: &outcome, run: info.as_ref() });
    }

    pub(super) fn stalled(&mut self, cycle: Option<Vec<JobId>>) {
        let graph = self.registry.machine.graph();
        let cycle = cycle.map(|jobs| jobs.iter().map(|&job| graph.name(job).to_owned()).collect());
        let total = self.registry.machine.counts().sleeping;
        let stall = Stall { cycle, sleepers: self.waiting(), total };
        self.observers.tell(&Event::Stalled { stall: &stall });
        self.tally.stall = Some(stall);
    }

    /// The first jobs that don't run, with the reason.
    pub(super) fn waiting(&self) -> Vec<(String, String)> {
        let machine = &self.registry.machine;
        let idle = machine.graph().jobs().filter(|&job| {
            !matches!(machine.state(job), Some(State::Running | State::Finished) | None)
        });
        idle.take(Stall::LISTED)
            .map(|job| (machine.graph().name(job).to_owned(), machine.why(job).to_string()))
            .collect()
    }

    pub(super) fn tell_status(&mut self) {
        let machine = &self.registry.machine;
        let counts = machine.counts();
        let running = self.world.running().into_iter().map(|(job, pid, elapsed)| RunningJob {
            name: machine.graph().name(job).to_owned(),
            pid,
            elapsed,
        });
        let status = Status {
            running: running.collect(),
            waiting: self.waiting(),
            waiting_total: counts.unfinished() - counts.running,
            finished: counts.finished,
        };
        self.observers.tell(&Event::Status { status: &status });
    }
}
