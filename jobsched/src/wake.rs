//! Messages to a running scheduler from elsewhere: other threads, observers, signal handlers of the
//! host. Knows neither what the messages do nor who waits for them: the reactor polls the bell.

use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{Ordering, fence};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use nix::sys::eventfd::{EfdFlags, EventFd};

use crate::Error;
use crate::job::JobId;

/// Has a sleeping job checked again.
///
/// Made by [`Checking::waker`](crate::Checking::waker); may be sent to other threads, cloned, and
/// used any number of times, also after the run. As long as one exists for a job that sleeps and
/// needs nothing unfinished, the run waits for it and doesn't count as stalled.
#[derive(Debug, Clone)]
pub struct Waker(Arc<Alarm>);

impl Waker {
    /// Has the job checked again, if it sleeps and what it needs has won.
    pub fn wake(&self) {
        self.0.bell.ring(Message::Wake(self.0.job));
    }
}

/// What all wakers of one job share.
#[derive(Debug)]
struct Alarm {
    job: JobId,
    bell: Arc<Bell>,
}

impl Drop for Alarm {
    fn drop(&mut self) {
        // The scheduler may be waiting for this job alone, and has to see that nobody is left.
        self.bell.ring(Message::WakerGone);
    }
}

/// Speaks to a running scheduler from elsewhere, for instance from the host's own signal handling
/// thread. Made by [`Scheduler::handle`](crate::Scheduler::handle).
#[derive(Debug, Clone)]
pub struct Handle(pub(crate) Arc<Bell>);

impl Handle {
    /// Ends the run as the first Ctrl-C would: nothing new is started, running jobs get `SIGTERM`
    /// and after the grace period `SIGKILL`. The second call kills at once.
    ///
    /// When no run is on, the next one ends at once.
    pub fn cancel(&self) {
        self.0.ring(Message::Cancel);
    }

    /// Sends an [`Event::Status`](crate::Event::Status) to all observers.
    pub fn report_status(&self) {
        self.0.ring(Message::Status);
    }
}

/// What can be said to a scheduler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Message {
    Wake(JobId),
    WakerGone,
    Cancel,
    Status,
}

/// A queue of messages with a descriptor that is readable while there are any.
#[derive(Debug)]
pub(crate) struct Bell {
    messages: Mutex<Vec<Message>>,
    event: EventFd,
}

impl Bell {
    pub(crate) fn new() -> Result<Self, Error> {
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        let event =
            EventFd::from_value_and_flags(0, flags).map_err(Error::errno("make an eventfd"))?;
        Ok(Self { messages: Mutex::default(), event })
    }

    fn ring(&self, message: Message) {
        let mut messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        messages.push(message);
        if messages.len() == 1 {
            // It can only fail by a full counter, and then the descriptor is readable anyway.
            let _ = self.event.write(1);
        }
    }

    /// Takes all messages.
    pub(crate) fn answer(&self) -> Vec<Message> {
        let mut messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        if messages.is_empty() {
            return Vec::new();
        }
        let _ = self.event.read();
        std::mem::take(&mut *messages)
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }
}

/// The wakers that are out, by job.
#[derive(Debug, Default)]
pub(crate) struct Wakers(HashMap<JobId, Weak<Alarm>>);

impl Wakers {
    /// Makes another waker of a job.
    pub(crate) fn waker(&mut self, job: JobId, bell: &Arc<Bell>) -> Waker {
        let alarm = self.0.get(&job).and_then(Weak::upgrade).unwrap_or_else(|| {
            let alarm = Arc::new(Alarm { job, bell: Arc::clone(bell) });
            self.0.insert(job, Arc::downgrade(&alarm));
            alarm
        });
        Waker(alarm)
    }

    /// Whether there is a waker of a job for which `sleeps` holds. Forgets those that are gone.
    pub(crate) fn any(&mut self, sleeps: impl Fn(JobId) -> bool) -> bool {
        self.0.retain(|_, alarm| alarm.strong_count() > 0);
        // What the thread of the last one did before it dropped it is to be seen after this.
        fence(Ordering::Acquire);
        self.0.keys().any(|&job| sleeps(job))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waker_counts_as_out_until_the_last_clone_is_gone() {
        let bell = Arc::new(Bell::new().unwrap());
        let mut wakers = Wakers::default();
        let waker = wakers.waker(JobId(3), &bell);
        let clone = waker.clone();
        drop(waker);
        assert!(wakers.any(|job| job == JobId(3)));
        assert!(!wakers.any(|_| false));
        drop(clone);
        assert!(!wakers.any(|_| true));
        assert_eq!(bell.answer(), [Message::WakerGone]);
    }

    #[test]
    fn messages_are_taken_once_and_in_order() {
        let bell = Arc::new(Bell::new().unwrap());
        let handle = Handle(Arc::clone(&bell));
        handle.report_status();
        std::thread::scope(|scope| {
            scope.spawn(|| handle.cancel());
        });
        assert_eq!(bell.answer(), [Message::Status, Message::Cancel]);
        assert_eq!(bell.answer(), []);
    }
}
