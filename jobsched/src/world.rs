//! What a scheduler wants of the world: time, slots, and running processes. The real one is
//! `reactor`; tests have one with a clock of its own and no processes.

use std::time::Instant;

use crate::Error;
use crate::event::{Event, Observer, RunInfo};
use crate::job::{JobId, Reason, Work};
use crate::machine::Ending;

/// Time, slots, and running processes.
pub(crate) trait World {
    /// A run begins, with that many jobs at once at the most.
    fn begin(&mut self) -> Result<(), Error>;
    /// The run is over: nothing is left running. Whatever is, is killed, and all slots are given back.
    /// The error is a warning for the user.
    fn end(&mut self) -> Result<(), String>;
    fn now(&self) -> Instant;
    /// How many jobs may run at once and who says so, for a person.
    fn slots(&self) -> String;
    /// How many that are at the most, if that is known.
    fn most(&self) -> Option<usize>;
    /// What the machine has too much or too little of for another job to be started beside those
    /// that run, if it was to be heeded.
    fn excess(&mut self) -> Option<Reason>;
    /// One attempt to get a slot for one more job.
    fn acquire(&mut self) -> Slot;
    /// Gives back the slot of a job that has ended or could not be started. The error is a warning
    /// for the user.
    fn release(&mut self) -> Result<(), String>;
    /// Starts a job in a slot that was acquired.
    fn start(
        &mut self,
        job: JobId,
        name: &str,
        work: Work,
        observers: &mut Observers,
    ) -> Result<(), StartError>;
    /// Waits until something happens: a job ends, a slot that is wanted may be had, somebody rings
    /// the bell, the time comes. What has happened by then is told; nothing, if it was only a time
    /// or a bell.
    fn wait(
        &mut self,
        until: Option<Instant>,
        slot_wanted: bool,
        observers: &mut Observers,
    ) -> Result<Vec<Happening>, Error>;
    /// Ends all running jobs, as the first or second signal would.
    fn cancel(&mut self, observers: &mut Observers) -> Vec<Happening>;
    /// What runs: each job with its process id and the moment of its start.
    fn running(&self) -> Vec<(JobId, u32, std::time::Duration)>;
}

/// The answer to a request for a slot.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    Granted,
    /// It may be had later, without any doing of ours.
    Wait,
    /// It may be had when one of our jobs ends.
    Full,
    /// There will be none any more, for this reason.
    Lost(String),
}

/// Why a job was not started.
#[derive(Debug)]
pub(crate) enum StartError {
    /// For want of something that running jobs hold: try again with this work when one ends.
    Exhausted(Box<Work>, Option<i32>, Reason),
    Failed(Option<i32>, Reason),
}

/// Something that happened.
#[derive(Debug)]
pub(crate) enum Happening {
    Ended(JobId, Ending, RunInfo),
    /// A signal came, or [`World::cancel`] was called (0): nothing new is to be started.
    Interrupted(i32),
    /// Somebody wants to know what is going on.
    StatusWanted,
}

/// Everybody who listens.
#[derive(Default)]
pub(crate) struct Observers(Vec<Box<dyn Observer>>);

impl Observers {
    pub(crate) fn add(&mut self, observer: Box<dyn Observer>) {
        self.0.push(observer);
    }

    /// Whether nobody listens, so that events need not be made.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn tell(&mut self, event: &Event<'_>) {
        for observer in &mut self.0 {
            observer.event(event);
        }
    }

    pub(crate) fn warn(&mut self, message: &str) {
        self.tell(&Event::Warning { message });
    }
}
