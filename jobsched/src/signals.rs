//! Signals: how a run is torn down when one comes, and, only if asked, where they come from.
//! `Teardown` is pure: it is told what happened and when, and says what to do. Knows no graph.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGTERM, SIGTSTP, SIGUSR1};
use signal_hook::flag;
use signal_hook::iterator::backend::SignalDelivery;
use signal_hook::iterator::exfiltrator::SignalOnly;

use crate::process::stop_self_while;

/// How far the end of a run has come.
#[derive(Debug, Clone, Copy, Default)]
enum Phase {
    #[default]
    Calm,
    /// All jobs were told to end, and are killed at this time; never, if it can't be expressed.
    Grace(Option<Instant>),
    Killed,
}

/// What is to be done to all running jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Nothing,
    /// Send them this.
    Forward(Signal),
    /// Send them SIGKILL.
    Kill,
}

/// The end of a run that was asked for from outside: first politely, then not.
#[derive(Debug)]
pub(crate) struct Teardown {
    grace: Duration,
    phase: Phase,
}

impl Teardown {
    pub(crate) fn new(grace: Duration) -> Self {
        Self { grace, phase: Phase::Calm }
    }

    /// Somebody wants the run to end; `signal` is what they sent.
    pub(crate) fn ask(&mut self, signal: Signal, now: Instant) -> Step {
        match self.phase {
            Phase::Calm => {
                self.phase = Phase::Grace(now.checked_add(self.grace));
                Step::Forward(signal)
            }
            Phase::Grace(_) | Phase::Killed => {
                self.phase = Phase::Killed;
                Step::Kill
            }
        }
    }

    /// Time has passed.
    pub(crate) fn tick(&mut self, now: Instant) -> Step {
        match self.phase {
            Phase::Grace(Some(end)) if now >= end => {
                self.phase = Phase::Killed;
                Step::Kill
            }
            _ => Step::Nothing,
        }
    }

    /// The process was stopped for that long, and the jobs with it.
    pub(crate) fn stopped(&mut self, time: Duration) {
        if let Phase::Grace(Some(end)) = &mut self.phase {
            *end += time;
        }
    }

    /// When to call [`tick`](Self::tick).
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Grace(end) => end,
            Phase::Calm | Phase::Killed => None,
        }
    }

    /// Whether the run is being torn down.
    pub(crate) fn has_begun(&self) -> bool {
        !matches!(self.phase, Phase::Calm)
    }

    /// Whether all jobs have been killed.
    pub(crate) fn has_killed(&self) -> bool {
        matches!(self.phase, Phase::Killed)
    }

    pub(crate) fn grace(&self) -> Duration {
        if self.has_killed() { Duration::ZERO } else { self.grace }
    }
}

/// Signal handlers for the time of a run.
///
/// The handlers of `signal-hook` stay installed for good. So that the host, if it had none of its
/// own, ends by a Ctrl-C after the run as it did before, the default action of each signal is
/// brought about by `DEFAULTS` as long as no run is on. That is the one thing that this crate keeps
/// for the whole process, and only if it was asked to handle signals.
pub(crate) struct Signals {
    delivery: SignalDelivery<UnixStream, SignalOnly>,
    claims: Vec<Arc<Claim>>,
}

/// Who sees to the default action of a signal.
struct Claim {
    /// Whether the default action is due when the signal comes.
    idle: Arc<AtomicBool>,
    runs: Mutex<usize>,
}

static DEFAULTS: Mutex<BTreeMap<i32, Arc<Claim>>> = Mutex::new(BTreeMap::new());

/// Those that end a run, stop it, continue it, and ask for its status.
const SIGNALS: [i32; 6] = [SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGCONT, SIGUSR1];

impl Signals {
    /// Installs handlers, for signals that are not ignored: one that was ignored when the program
    /// was started, such as SIGHUP under nohup, is meant to stay so.
    pub(crate) fn install() -> io::Result<Self> {
        let (ignored, caught) = dispositions();
        let mut claims = Vec::new();
        let mut signals = Vec::new();
        let mut defaults = DEFAULTS.lock().unwrap_or_else(PoisonError::into_inner);
        for signal in SIGNALS {
            let bit = 1 << (signal - 1);
            if ignored & bit != 0 {
                continue;
            }
            signals.push(signal);
            if signal != SIGCONT && caught & bit == 0 && !defaults.contains_key(&signal) {
                let idle = Arc::new(AtomicBool::new(true));
                if signal == SIGTSTP {
                    // The one of `signal-hook` would stop us even where nobody can continue us.
                    stop_self_while(Arc::clone(&idle))?;
                } else {
                    flag::register_conditional_default(signal, Arc::clone(&idle))?;
                }
                defaults.insert(signal, Arc::new(Claim { idle, runs: Mutex::new(0) }));
            }
            claims.extend(defaults.get(&signal).cloned());
        }
        let (read, write) = UnixStream::pair()?;
        let delivery = SignalDelivery::with_pipe(read, write, SignalOnly, signals)?;
        for claim in &claims {
            claim.begin();
        }
        Ok(Self { delivery, claims })
    }

    /// The signals that came since the last call.
    pub(crate) fn take(&mut self) -> Vec<Signal> {
        self.delivery.pending().filter_map(|number| Signal::try_from(number).ok()).collect()
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.delivery.get_read().as_fd()
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.delivery.handle().close();
        for claim in &self.claims {
            claim.end();
        }
    }
}

impl Claim {
    fn begin(&self) {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        *runs += 1;
        self.idle.store(false, Ordering::SeqCst);
    }

    fn end(&self) {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        *runs = runs.saturating_sub(1);
        self.idle.store(*runs == 0, Ordering::SeqCst);
    }
}

/// The sets of signals that this process ignores and catches.
fn dispositions() -> (u64, u64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let set = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|set| u64::from_str_radix(set.trim(), 16).ok()).unwrap_or(0)
    };
    (set("SigIgn:"), set("SigCgt:"))
}

/// Ends this process by the default action of a signal, so that whoever waits for it sees that.
pub(crate) fn end_by(signal: i32) -> ! {
    let _ = signal_hook::low_level::emulate_default_handler(signal);
    // Not reached for a signal that ends processes.
    std::process::exit(128 + signal)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(5);

    #[test]
    fn the_first_signal_is_forwarded_and_the_second_kills() {
        let now = Instant::now();
        let mut teardown = Teardown::new(GRACE);
        assert!(!teardown.has_begun());
        assert_eq!(teardown.ask(Signal::SIGINT, now), Step::Forward(Signal::SIGINT));
        assert!(teardown.has_begun() && !teardown.has_killed());
        assert_eq!(teardown.ask(Signal::SIGTERM, now), Step::Kill);
        assert!(teardown.has_killed());
    }

    #[test]
    fn jobs_are_killed_once_when_the_grace_period_is_over() {
        let now = Instant::now();
        let mut teardown = Teardown::new(GRACE);
        assert_eq!(teardown.deadline(), None);
        teardown.ask(Signal::SIGHUP, now);
        assert_eq!(teardown.deadline(), Some(now + GRACE));
        assert_eq!(teardown.tick(now + GRACE / 2), Step::Nothing);
        assert_eq!(teardown.tick(now + GRACE), Step::Kill);
        assert_eq!(teardown.deadline(), None);
        assert_eq!(teardown.tick(now + 2 * GRACE), Step::Nothing);
    }

    #[test]
    fn stopped_time_does_not_count_for_the_grace_period() {
        let now = Instant::now();
        let mut teardown = Teardown::new(GRACE);
        teardown.ask(Signal::SIGINT, now);
        teardown.stopped(GRACE);
        assert_eq!(teardown.tick(now + GRACE), Step::Nothing);
        assert_eq!(teardown.tick(now + 2 * GRACE), Step::Kill);
    }
}
