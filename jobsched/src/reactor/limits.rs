//! Time limits of running jobs: which is exceeded, and which was long ago. Time is that which has
//! passed while this process, and the jobs with it, was not stopped. Knows no processes.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

use super::source::Place;

/// When limits are exceeded, the earliest first. A job that has ended since is passed over by those
/// who ask.
#[derive(Debug)]
pub(super) struct TimeLimits {
    epoch: Instant,
    /// How long the process was stopped in all.
    stopped: Duration,
    due: BinaryHeap<Reverse<(Duration, Place)>>,
}

impl TimeLimits {
    pub(super) fn new(now: Instant) -> Self {
        Self { epoch: now, stopped: Duration::ZERO, due: BinaryHeap::new() }
    }

    /// From now on a job has so much time. A time that can't be expressed never comes.
    pub(super) fn set(&mut self, place: Place, limit: Duration, now: Instant) {
        if let Some(due) = self.passed(now).checked_add(limit) {
            self.due.push(Reverse((due, place)));
        }
    }

    /// The process was stopped for that long.
    pub(super) fn stopped(&mut self, time: Duration) {
        self.stopped += time;
    }

    /// When the next limit is exceeded.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let Reverse((due, _)) = self.due.peek()?;
        self.epoch.checked_add(due.saturating_add(self.stopped))
    }

    /// A job whose time is over, each one once.
    pub(super) fn exceeded(&mut self, now: Instant) -> Option<Place> {
        let Reverse((due, place)) = *self.due.peek()?;
        if due > self.passed(now) {
            return None;
        }
        self.due.pop();
        Some(place)
    }

    fn passed(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.epoch).saturating_sub(self.stopped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn place(index: u32) -> Place {
        Place { index, tenant: 0 }
    }

    #[test]
    fn limits_are_exceeded_in_the_order_of_time() {
        let start = Instant::now();
        let mut limits = TimeLimits::new(start);
        assert_eq!(limits.deadline(), None);
        limits.set(place(1), 5 * SECOND, start);
        limits.set(place(2), SECOND, start + SECOND);
        assert_eq!(limits.deadline(), Some(start + 2 * SECOND));
        assert_eq!(limits.exceeded(start + SECOND), None);
        assert_eq!(limits.exceeded(start + 6 * SECOND), Some(place(2)));
        assert_eq!(limits.exceeded(start + 6 * SECOND), Some(place(1)));
        assert_eq!(limits.exceeded(start + 6 * SECOND), None);
    }

    #[test]
    fn stopped_time_does_not_count() {
        let start = Instant::now();
        let mut limits = TimeLimits::new(start);
        limits.set(place(1), 5 * SECOND, start);
        limits.stopped(3 * SECOND);
        assert_eq!(limits.deadline(), Some(start + 8 * SECOND));
        assert_eq!(limits.exceeded(start + 7 * SECOND), None);
        assert_eq!(limits.exceeded(start + 8 * SECOND), Some(place(1)));
    }

    #[test]
    fn a_limit_beyond_what_a_clock_can_express_is_never_exceeded() {
        let mut limits = TimeLimits::new(Instant::now());
        limits.set(place(1), Duration::MAX, Instant::now() + SECOND);
        assert_eq!(limits.deadline(), None);
    }
}
