//! What is going on in a run, and why nothing goes on any more, for callers and for people. Knows no
//! machine: it is filled in by the driver.

use std::fmt;
use std::time::Duration;

use crate::duration::Seconds;

/// Jobs that nothing could ever wake.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stall {
    /// A dependency cycle, if there is one: each job needs the next, and the last is the first.
    pub cycle: Option<Vec<String>>,
    /// The sleepers with their reasons, in the order in which they were ensured; the first
    /// [`Stall::LISTED`] of them.
    pub sleepers: Vec<(String, String)>,
    /// How many there are in all.
    pub total: usize,
}

impl Stall {
    /// How many sleepers, or jobs of a cycle, are listed at the most.
    pub const LISTED: usize = 100;
}

impl fmt::Display for Stall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let jobs = if self.total == 1 { "1 job".into() } else { format!("{} jobs", self.total) };
        if let Some(cycle) = &self.cycle {
            write!(f, "{jobs} can never run: dependency cycle: ")?;
            let shown = cycle.len().min(Self::LISTED);
            for (number, job) in cycle.iter().take(shown).enumerate() {
                write!(f, "{}{job}", if number == 0 { "" } else { " -> " })?;
            }
            if shown < cycle.len() {
                write!(f, " -> … ({} more)", cycle.len() - shown)?;
            }
            return Ok(());
        }
        write!(f, "{jobs} sleep, and nothing is left that could wake them:")?;
        for (job, reason) in &self.sleepers {
            write!(f, "\n  {job}: {reason}")?;
        }
        if self.sleepers.len() < self.total {
            write!(f, "\n  … and {} more", self.total - self.sleepers.len())?;
        }
        Ok(())
    }
}

/// What is going on in a run.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Status {
    /// What runs.
    pub running: Vec<RunningJob>,
    /// Those that don't, with the reason, in the order in which they were ensured; the first
    /// [`Stall::LISTED`] of them.
    pub waiting: Vec<(String, String)>,
    /// How many wait in all.
    pub waiting_total: usize,
    /// How many are finished.
    pub finished: usize,
}

/// A job that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunningJob {
    /// Its name.
    pub name: String,
    /// Its process id, which is also that of its process group.
    pub pid: u32,
    /// For how long it has been running, without the time that it was stopped.
    pub elapsed: Duration,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (running, waiting) = (self.running.len(), self.waiting_total);
        write!(f, "{running} running, {waiting} waiting, {} finished", self.finished)?;
        for job in &self.running {
            write!(
                f,
                "\n  {}: running for {}, process {}",
                job.name,
                Seconds(job.elapsed),
                job.pid
            )?;
        }
        for (job, reason) in &self.waiting {
            write!(f, "\n  {job}: {reason}")?;
        }
        if self.waiting.len() < waiting {
            write!(f, "\n  … and {} more", waiting - self.waiting.len())?;
        }
        Ok(())
    }
}
