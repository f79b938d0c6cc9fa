//! How running jobs are made to end: signals to their groups, the grace period, and what is left of
//! a group when its leader is gone. Decided by `signals::Teardown`; done here.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::Run;
use super::running::{Overrun, Running, Sinks};
use super::source::{Place, Source};
use crate::event::Event;
use crate::process::{group_members, pidfd_open, stop_self};
use crate::signals::Step;
use crate::world::{Happening, Observers};

impl Run {
    /// Acts on the signals that came.
    pub(super) fn take_signals(
        &mut self,
        observers: &mut Observers,
        happened: &mut Vec<Happening>,
    ) {
        let signals = self.signals.as_mut().map(super::Signals::take).unwrap_or_default();
        for signal in signals {
            match signal {
                Signal::SIGUSR1 => happened.push(Happening::StatusWanted),
                Signal::SIGTSTP => self.stop(),
                // The one that ends a stop of ours was taken note of there; this is of use if
                // somebody stopped the jobs.
                Signal::SIGCONT => self.signal_all(Signal::SIGCONT),
                ending => self.tear_down(ending, ending as i32, observers, happened),
            }
        }
    }

    /// Begins the end of the run, or hurries it, without a signal.
    pub(super) fn cancel(&mut self, observers: &mut Observers, happened: &mut Vec<Happening>) {
        self.tear_down(Signal::SIGTERM, 0, observers, happened);
    }

    fn tear_down(
        &mut self,
        signal: Signal,
        number: i32,
        observers: &mut Observers,
        happened: &mut Vec<Happening>,
    ) {
        let step = self.teardown.ask(signal, Instant::now());
        observers.tell(&Event::Interrupted {
            signal: number,
            running: self.table.len(),
            grace: self.teardown.grace(),
        });
        happened.push(Happening::Interrupted(number));
        self.step(step);
    }

    /// Kills what has outlived the grace period.
    pub(super) fn tick(&mut self) {
        if self.teardown.deadline().is_some() {
            let step = self.teardown.tick(Instant::now());
            self.step(step);
        }
    }

    /// Ends the jobs whose time is over: politely, and after the grace period not.
    pub(super) fn enforce_limits(&mut self, grace: Duration) {
        if self.limits.deadline().is_none() {
            return;
        }
        let now = Instant::now();
        while let Some(place) = self.limits.exceeded(now) {
            let Some(running) = self.table.get_mut(place) else { continue };
            if running.over_limit == Overrun::Within {
                running.over_limit = Overrun::Told;
                running.child.signal(Signal::SIGTERM);
                // One that is stopped would not notice.
                running.child.signal(Signal::SIGCONT);
                self.limits.set(place, grace, now);
            } else {
                running.over_limit = Overrun::Killed;
                running.child.signal(Signal::SIGKILL);
            }
        }
    }

    /// Whether a job has been told to end because its time was over.
    pub(super) fn is_over_limit(&mut self, place: Place) -> bool {
        let running = self.table.get_mut(place);
        running.is_some_and(|running| running.over_limit != Overrun::Within)
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Nothing => {}
            Step::Forward(signal) => {
                self.signal_all(signal);
                // One that is stopped would not notice.
                self.signal_all(Signal::SIGCONT);
            }
            Step::Kill => self.signal_all(Signal::SIGKILL),
        }
    }

    fn signal_all(&self, signal: Signal) {
        for running in self.table.iter() {
            running.child.signal(signal);
        }
    }

    /// Stops the jobs and this process until somebody continues it.
    fn stop(&mut self) {
        self.signal_all(Signal::SIGTSTP);
        let before = Instant::now();
        stop_self();
        let stopped = before.elapsed();
        self.stopped += stopped;
        self.teardown.stopped(stopped);
        self.limits.stopped(stopped);
        self.signal_all(Signal::SIGCONT);
    }

    /// Waits for the others in the group of a job whose own process has ended, if there are any.
    /// The process is not reaped before, so that its group's number can't mean another one.
    pub(super) fn await_members(&mut self, place: Place) -> bool {
        let Some(running) = self.table.get_mut(place) else {
            return false;
        };
        let members = group_members(running.child.pid());
        if members.is_empty() {
            return false;
        }
        if self.teardown.has_killed() || running.over_limit == Overrun::Killed {
            running.child.signal(Signal::SIGKILL);
        }
        let _ = self.epoll.delete(&running.child);
        running.members.clear();
        for pid in members {
            // One that can't be opened has just ended. It wasn't our child, but its number can't
            // have been used again since the look into /proc, short of an attack.
            let Ok(member) = pidfd_open(pid) else {
                continue;
            };
            if self.epoll.add(&member, Source::Member(place).event()).is_ok() {
                running.members.push(member);
            }
        }
        !running.members.is_empty()
    }

    /// One of those others has ended; the others may have started more.
    pub(super) fn member_ended(
        &mut self,
        place: Place,
        sinks: &mut Sinks<'_>,
        happened: &mut Vec<Happening>,
    ) {
        if !self.await_members(place) {
            self.finish(place, sinks, happened);
        }
    }
}

impl Running {
    /// Ends the job at once, when nobody is going to hear of it.
    pub(super) fn kill_and_reap(&self) {
        self.child.signal(Signal::SIGKILL);
        self.child.wait();
    }
}
