//! Phrases that more than one report uses. Doesn't know where they are written.

use std::fmt;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::event::Process;
use crate::job::Failure;

/// So many processes are named; of more, the number.
const MAX_HOLDERS: usize = 5;

/// `output still held open by process 123 (sleep); what it writes from now on is lost`
pub(super) struct Leak<'a>(pub(super) &'a [Process]);

impl fmt::Display for Leak<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(holders) = self;
        f.write_str("output still held open by ")?;
        for (index, holder) in holders.iter().take(MAX_HOLDERS).enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}process {} ({})", holder.pid, holder.name)?;
        }
        match holders.len() {
            0 => f.write_str("an unknown process; what it writes from now on is lost"),
            1 => f.write_str("; what it writes from now on is lost"),
            2..=MAX_HOLDERS => f.write_str("; what they write from now on is lost"),
            count => {
                let others = count - MAX_HOLDERS;
                write!(f, " and {others} more; what they write from now on is lost")
            }
        }
    }
}

/// `exit status 1, try 2; again in 4 s`
pub(super) struct Retry<'a> {
    pub(super) failure: &'a Failure,
    pub(super) tries: u32,
    pub(super) delay: Duration,
}

impl fmt::Display for Retry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let &Self { failure, tries, delay } = self;
        write!(f, "{failure}, try {tries}; again ")?;
        if delay.is_zero() { f.write_str("now") } else { write!(f, "in {} s", delay.as_secs_f64()) }
    }
}

/// `holding back 3 ready jobs: 5 processes run on this machine, the limit is 4`
pub(super) struct HeldBack<'a> {
    pub(super) reason: &'a str,
    pub(super) ready: usize,
}

impl fmt::Display for HeldBack<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let &Self { reason, ready } = self;
        let jobs = if ready == 1 { "job" } else { "jobs" };
        write!(f, "holding back {ready} ready {jobs}: {reason}")
    }
}

/// `interrupted by SIGINT: 3 running jobs have 10 s to end, a second signal kills them`
pub(super) struct Interruption {
    pub(super) signal: i32,
    pub(super) running: usize,
    pub(super) grace: Duration,
}

impl fmt::Display for Interruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let &Self { signal, running, grace } = self;
        match Signal::try_from(signal) {
            _ if signal == 0 => f.write_str("cancelled")?,
            Ok(signal) => write!(f, "interrupted by {signal}")?,
            Err(_) => write!(f, "interrupted by signal {signal}")?,
        }
        match running {
            0 => return f.write_str(": no job is running"),
            1 => f.write_str(": 1 running job ")?,
            _ => write!(f, ": {running} running jobs ")?,
        }
        if grace.is_zero() {
            return f.write_str(if running == 1 { "is killed" } else { "are killed" });
        }
        let (have, them) = if running == 1 { ("has", "it") } else { ("have", "them") };
        write!(f, "{have} {} s to end", grace.as_secs_f64())?;
        if signal == 0 {
            return Ok(());
        }
        write!(f, ", a second signal kills {them}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leak_names_the_first_processes_and_counts_the_others() {
        let holders: Vec<Process> =
            (1..=7).map(|pid| Process { pid, name: "sleep".to_owned() }).collect();
        let leak = |count: usize| Leak(&holders[..count]).to_string();
        assert_eq!(
            leak(0),
            "output still held open by an unknown process; what it writes from now on is lost"
        );
        assert_eq!(
            leak(1),
            "output still held open by process 1 (sleep); what it writes from now on is lost"
        );
        assert_eq!(
            leak(2),
            "output still held open by process 1 (sleep), process 2 (sleep); \
             what they write from now on is lost"
        );
        assert!(leak(7).contains("process 5 (sleep) and 2 more; what they"));
    }

    #[test]
    fn an_interruption_says_by_what_and_what_comes_next() {
        let text = |signal, running, seconds| {
            Interruption { signal, running, grace: Duration::from_secs_f64(seconds) }.to_string()
        };
        assert_eq!(
            text(2, 3, 10.0),
            "interrupted by SIGINT: 3 running jobs have 10 s to end, a second signal kills them"
        );
        assert_eq!(
            text(15, 1, 2.5),
            "interrupted by SIGTERM: 1 running job has 2.5 s to end, a second signal kills it"
        );
        assert_eq!(text(2, 1, 0.0), "interrupted by SIGINT: 1 running job is killed");
        assert_eq!(text(64, 0, 10.0), "interrupted by signal 64: no job is running");
        assert_eq!(text(0, 2, 10.0), "cancelled: 2 running jobs have 10 s to end");
        assert_eq!(text(0, 2, 0.0), "cancelled: 2 running jobs are killed");
    }
}
