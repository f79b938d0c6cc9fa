//! What ends a job from outside, a signal or its time limit: the tool that runs is killed, and the job puts its things
//! in order. Then a signal takes its course, so that whoever started the job sees it die by that.
//!
//! The signals are caught and not blocked, for what is started would inherit the mask; a thread is told of them.
//! Does not know what is to be put in order.

use std::{
    fs, io,
    process::{Child, ChildStderr, ChildStdout, Command, ExitStatus},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use nix::sys::signal::Signal;
use signal_hook::{iterator::Signals, low_level::emulate_default_handler};

/// What the watching thread and the job share: a process has one set of signals, and so one of these.
static STATE: Mutex<State> =
    Mutex::new(State { signal: None, overdue: None, running: None, is_paused: false });

struct State {
    /// The first signal that came.
    signal: Option<Signal>,
    /// The time limit, once it is over, and the tool that ran then.
    overdue: Option<(Duration, Option<&'static str>)>,
    /// What it does, and itself.
    running: Option<(&'static str, Child)>,
    /// Whether the time limit's clock stands still.
    is_paused: bool,
}

/// Why a job is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    Signal(Signal),
    /// It has taken longer than this; and what was going on then, if a tool ran.
    Overdue(Duration, Option<&'static str>),
}

/// The ends of a tool's pipes that are this process's.
pub(super) type Pipes = (Option<ChildStdout>, Option<ChildStderr>);

/// From here on the first signal ends the tool that runs, and a second one this process at once.
pub(super) fn begin() -> io::Result<()> {
    // One that is ignored, as SIGHUP is under nohup, is meant to stay so.
    let status = fs::read_to_string("/proc/self/status")?;
    let wanted = [Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM]
        .into_iter()
        .filter(|&signal| !is_ignored(&status, signal))
        .map(|signal| signal as i32);
    let signals = Signals::new(wanted)?;
    thread::Builder::new().spawn(move || watch(signals))?;
    Ok(())
}

/// After so long, the tool that runs is ended, and no other one is begun. Time in which this process is stopped, or the
/// machine asleep, counts for a second at most.
pub(super) fn limit(limit: Duration) -> io::Result<()> {
    let wait = move || {
        let mut left = limit;
        while !left.is_zero() {
            let step = left.min(Duration::from_secs(1));
            thread::sleep(step);
            if !state().is_paused {
                left -= step;
            }
        }
        let mut state = state();
        state.overdue = Some((limit, state.running.as_ref().map(|&(what, _)| what)));
        state.end_tool();
    };
    thread::Builder::new().spawn(wait).map(drop)
}

/// The time limit's clock stands still as long as this is there.
pub(super) struct Paused(());

/// From here on, time is not the job's: it waits for others.
pub(super) fn pause() -> Paused {
    state().is_paused = true;
    Paused(())
}

impl Drop for Paused {
    fn drop(&mut self) {
        state().is_paused = false;
    }
}

/// Lets a signal that came have its way, which ends this process.
pub(super) fn end() -> io::Result<()> {
    match state().signal {
        Some(signal) => emulate_default_handler(signal as i32),
        None => Ok(()),
    }
}

/// Why the job is to end, if it is.
pub(super) fn cause() -> Option<Cause> {
    let state = state();
    let signal = state.signal.map(Cause::Signal);
    signal.or(state.overdue.map(|(limit, what)| Cause::Overdue(limit, what)))
}

/// Starts a tool that a signal will end; `what` says what it is to do. Only one runs at a time.
pub(super) fn start(what: &'static str, command: &mut Command) -> io::Result<Pipes> {
    let mut state = state();
    if let Some(signal) = state.signal {
        return Err(io::Error::new(io::ErrorKind::Interrupted, format!("interrupted by {signal}")));
    }
    if state.overdue.is_some() {
        return Err(io::Error::new(io::ErrorKind::TimedOut, "there is no time left"));
    }
    let mut child = command.spawn()?;
    let pipes = (child.stdout.take(), child.stderr.take());
    state.running = Some((what, child));
    Ok(pipes)
}

/// Waits for the tool that was started. Its pipes should be at their end: then this does not take long, and a signal
/// can wait for that.
pub(super) fn wait() -> io::Result<ExitStatus> {
    let running = state().running.take();
    match running {
        Some((_, mut child)) => child.wait(),
        None => Err(io::Error::other("nothing was started")),
    }
}

fn watch(mut signals: Signals) {
    for number in signals.forever() {
        let Ok(signal) = Signal::try_from(number) else {
            continue;
        };
        let mut state = state();
        if state.signal.is_some() {
            // The second one: it ends this process here and now.
            let _ = emulate_default_handler(number);
        }
        state.signal = Some(signal);
        state.end_tool();
    }
}

impl State {
    fn end_tool(&mut self) {
        if let Some((_, child)) = &mut self.running {
            // It may have ended by itself just now.
            let _ = child.kill();
        }
    }
}

/// Nothing that is done under the lock can leave the state half changed.
fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// By the mask in /proc/PID/status, whose lowest bit is signal 1.
fn is_ignored(status: &str, signal: Signal) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| (mask >> (signal as i32 - 1)) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use nix::sys::signal::SigSet;

    use super::{Signal, begin, end, is_ignored};

    #[test]
    fn what_is_started_finds_no_more_signals_blocked_than_before() {
        let before = SigSet::thread_get_mask().unwrap();
        begin().unwrap();
        assert_eq!(SigSet::thread_get_mask().unwrap(), before);
        end().unwrap();
    }

    #[test]
    fn an_ignored_signal_is_known() {
        let status = "SigBlk:\t0000000000000001\nSigIgn:\t0000000000001001\nSigCgt:\t0\n";
        assert!(is_ignored(status, Signal::SIGHUP));
        assert!(!is_ignored(status, Signal::SIGINT));
        assert!(!is_ignored("", Signal::SIGHUP));
    }
}
