//! What the summary of a run is made of, as it is gathered on the way. Knows no world.

use std::time::Duration;

use crate::job::JobId;
use crate::machine::{Counts, Machine};
use crate::order::critical_path;
use crate::status::Stall;
use crate::summary::{Step, Summary};

/// What the summary of a run is made of.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// What earlier runs have told in their summaries. What is finished before a run begins, such as
    /// a job that could not be planned, belongs to that run.
    told: Counts,
    pub(super) errors: Vec<JobId>,
    pub(super) stall: Option<Stall>,
    pub(super) interrupted: Option<i32>,
    /// How long each try of a job ran, in seconds: eight bytes, as there may be millions.
    ran: Vec<(JobId, f32)>,
    work: Duration,
    /// How many ran at once at the most.
    most: usize,
}

impl Tally {
    pub(super) fn started(&mut self, running: usize) {
        self.most = self.most.max(running);
    }

    pub(super) fn ended(&mut self, job: JobId, elapsed: Duration) {
        self.ran.push((job, elapsed.as_secs_f32()));
        self.work += elapsed;
    }

    /// The summary of the run that is over. The next one starts from nothing.
    pub(super) fn summary(
        &mut self,
        machine: &Machine,
        wall: Duration,
        slots: Option<usize>,
    ) -> Summary {
        let Self { told: before, errors, stall, interrupted, ran, work, most } =
            std::mem::take(self);
        let after = *machine.counts();
        self.told = after;
        Summary {
            succeeded: after.succeeded - before.succeeded,
            up_to_date: after.up_to_date - before.up_to_date,
            would_run: after.would_run - before.would_run,
            failed: after.failed - before.failed,
            refused: after.refused - before.refused,
            cancelled: after.cancelled - before.cancelled,
            wall,
            work,
            critical_path: steps(machine, &ran),
            slots: slots.unwrap_or(most),
            errors,
            stall,
            interrupted,
            errors_ignored: machine.policy().ignore_errors,
        }
    }
}

fn steps(machine: &Machine, ran: &[(JobId, f32)]) -> Vec<Step> {
    if ran.is_empty() {
        return Vec::new();
    }
    let graph = machine.graph();
    let mut took: Vec<Option<Duration>> = vec![None; graph.len()];
    for &(job, seconds) in ran {
        let elapsed = Duration::try_from_secs_f32(seconds).unwrap_or_default();
        if let Some(took) = took.get_mut(job.index()) {
            *took = Some(took.unwrap_or_default() + elapsed);
        }
    }
    let path = critical_path(graph, |job| took.get(job.index()).copied().flatten());
    path.into_iter().map(|(job, took)| Step { job, name: graph.name(job).into(), took }).collect()
}
