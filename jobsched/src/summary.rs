//! What came of a run, for callers and for people. Knows no machine: it is filled in by the driver.

use std::fmt;
use std::time::Duration;

use crate::duration::Seconds;
use crate::job::JobId;
use crate::signals;
use crate::status::Stall;

/// What came of a run.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Summary {
    /// Jobs whose process ended with exit status 0.
    pub succeeded: usize,
    /// Jobs that had nothing to do.
    pub up_to_date: usize,
    /// Jobs that would have run, in a dry run.
    pub would_run: usize,
    /// Jobs that failed, or could not be started.
    pub failed: usize,
    /// Jobs that were refused by their check, or because a prerequisite did not win.
    pub refused: usize,
    /// Jobs that the end of the run overtook.
    pub cancelled: usize,
    /// How long the run took.
    pub wall: Duration,
    /// How long its jobs ran, all together.
    pub work: Duration,
    /// The jobs that had to wait for each other for the longest time, in the order of their running.
    /// No run of the same jobs takes less time than they, however many slots there are.
    pub critical_path: Vec<Step>,
    /// How many jobs could run at once; where nobody knows, how many did.
    pub slots: usize,
    /// The jobs that failed or were refused, in the order in which they did.
    pub errors: Vec<JobId>,
    /// If jobs were left that nothing could wake: which, and why.
    pub stall: Option<Stall>,
    /// The signal that ended the run, if one did; 0 for [`Handle::cancel`](crate::Handle::cancel).
    pub interrupted: Option<i32>,
    /// Whether errors were to be ignored.
    pub errors_ignored: bool,
}

/// A job on the critical path.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Step {
    /// The job.
    pub job: JobId,
    /// Its name.
    pub name: Box<str>,
    /// How long it ran; all tries together.
    pub took: Duration,
}

impl Summary {
    /// The time below which no order of starts could have brought this run: that of the critical
    /// path, or that of all work evenly spread over the slots, whichever is more.
    pub fn lower_bound(&self) -> Duration {
        let path: Duration = self.critical_path.iter().map(|step| step.took).sum();
        let slots = u32::try_from(self.slots).unwrap_or(u32::MAX).max(1);
        path.max(self.work / slots)
    }

    /// Where the time went, as a few lines of text: wall time, work and slots, the lower bound, and
    /// the critical path with its jobs. Of no use if nothing ran.
    pub fn timing(&self) -> impl fmt::Display + '_ {
        Timing(self)
    }

    /// How many jobs finished in this run.
    pub fn jobs(&self) -> usize {
        self.succeeded
            + self.up_to_date
            + self.would_run
            + self.failed
            + self.refused
            + self.cancelled
    }

    /// Whether everything was done that was to be done: no job failed or was refused (or errors are
    /// ignored), none was cancelled.
    pub fn success(&self) -> bool {
        self.cancelled == 0 && (self.errors_ignored || (self.failed == 0 && self.refused == 0))
    }

    /// The exit status that a program should end with: 0; 2 if the run was no
    /// [`success`](Self::success); 128 and the number of the signal that ended the run.
    pub fn exit_code(&self) -> i32 {
        match self.interrupted {
            Some(signal) if signal > 0 => 128 + signal,
            _ if self.success() => 0,
            _ => 2,
        }
    }

    /// Ends the process: with [`exit_code`](Self::exit_code), or, if a signal ended the run, by that
    /// signal, so that a shell or make sees an interrupt for what it is.
    pub fn exit(&self) -> ! {
        match self.interrupted {
            Some(signal) if signal > 0 => signals::end_by(signal),
            _ => std::process::exit(self.exit_code()),
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = [
            (self.succeeded, "succeeded"),
            (self.up_to_date, "up to date"),
            (self.would_run, "would run"),
            (self.failed, "failed"),
            (self.refused, "refused"),
            (self.cancelled, "cancelled"),
        ];
        let mut first = true;
        for (count, kind) in counts.into_iter().filter(|&(count, _)| count > 0) {
            let separator = if first { "" } else { ", " };
            write!(f, "{separator}{count} {kind}")?;
            first = false;
        }
        if first {
            f.write_str("no jobs")?;
        }
        write!(f, " in {}", Seconds(self.wall))
    }
}

/// How many jobs of a critical path are named at either end of it.
const NAMED: usize = 10;

struct Timing<'a>(&'a Summary);

impl fmt::Display for Timing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(summary) = self;
        let Summary { wall, work, critical_path, slots, .. } = summary;
        let bound = summary.lower_bound();
        let slots_word = if *slots == 1 { "slot" } else { "slots" };
        write!(f, "{} of work on {slots} {slots_word} in {}", Seconds(*work), Seconds(*wall))?;
        write!(f, "; no order of starts could do it in less than {}", Seconds(bound))?;
        let path: Duration = critical_path.iter().map(|step| step.took).sum();
        let jobs = if critical_path.len() == 1 { "job" } else { "jobs" };
        write!(f, "\ncritical path: {} in {} {jobs}", Seconds(path), critical_path.len())?;
        let left_out = NAMED..critical_path.len().saturating_sub(NAMED);
        for (number, Step { name, took, .. }) in critical_path.iter().enumerate() {
            if number == left_out.start && left_out.len() > 1 {
                write!(f, "\n            ... {} more", left_out.len())?;
            }
            if left_out.len() <= 1 || !left_out.contains(&number) {
                write!(f, "\n{:>10}  {name}", Seconds(*took).to_string())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_names_only_what_there_was() {
        let mut summary = Summary { wall: Duration::from_millis(520), ..Summary::default() };
        assert_eq!(summary.to_string(), "no jobs in 0.5 s");
        summary.succeeded = 10;
        summary.failed = 1;
        summary.cancelled = 9;
        assert_eq!(summary.to_string(), "10 succeeded, 1 failed, 9 cancelled in 0.5 s");
    }

    #[test]
    fn the_exit_status_is_two_for_errors_that_count() {
        let mut summary = Summary { succeeded: 1, ..Summary::default() };
        assert_eq!(summary.exit_code(), 0);
        summary.refused = 1;
        assert_eq!(summary.exit_code(), 2);
        summary.errors_ignored = true;
        assert_eq!(summary.exit_code(), 0);
        summary.cancelled = 1;
        assert_eq!(summary.exit_code(), 2);
        summary.interrupted = Some(2);
        assert_eq!(summary.exit_code(), 130);
    }

    fn step(number: u32, seconds: u64) -> Step {
        let name = format!("job.{number}").into();
        Step { job: JobId(number), name, took: Duration::from_secs(seconds) }
    }

    #[test]
    fn no_order_beats_the_critical_path_nor_the_work_over_the_slots() {
        let mut summary = Summary { work: Duration::from_secs(30), slots: 4, ..Summary::default() };
        summary.critical_path = vec![step(1, 3), step(2, 4)];
        assert_eq!(summary.lower_bound(), Duration::from_millis(7_500));
        summary.slots = 8;
        assert_eq!(summary.lower_bound(), Duration::from_secs(7));
    }

    #[test]
    fn the_timing_says_where_the_time_went() {
        let mut summary = Summary { work: Duration::from_secs(30), slots: 4, ..Summary::default() };
        summary.wall = Duration::from_secs(9);
        summary.critical_path = vec![step(1, 3), step(2, 70)];
        assert_eq!(
            summary.timing().to_string(),
            "30.0 s of work on 4 slots in 9.0 s; no order of starts could do it in less than \
             1 min 13 s\n\
             critical path: 1 min 13 s in 2 jobs\n     3.0 s  job.1\n1 min 10 s  job.2"
        );
    }

    #[test]
    fn of_a_long_critical_path_the_ends_are_named() {
        let summary =
            Summary { critical_path: (0..100).map(|n| step(n, 1)).collect(), ..Summary::default() };
        let text = summary.timing().to_string();
        assert_eq!(text.lines().count(), 2 + 10 + 1 + 10);
        assert!(text.contains("s  job.9\n            ... 80 more\n     1.0 s  job.90"), "{text}");
    }
}
