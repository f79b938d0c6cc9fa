//! How often a job is tried again that failed, and when. Knows no clock.

use std::time::Duration;

/// How often a job that failed is tried again, and how long after.
///
/// The delay doubles from one time to the next, up to an upper limit. While it waits, a job holds
/// no slot; then it is [checked](crate::Job::check) again, and [`run`](crate::Job::run) is asked
/// anew. A job that could not be started is not tried again, nor is anything once a run has been
/// cancelled or, by the default policy, another job has failed.
///
/// ```
/// use std::time::Duration;
/// use jobsched::Retries;
///
/// // Four tries in all, after waits of 1, 2 and 4 seconds.
/// let retries = Retries::times(3).after(Duration::from_secs(1));
/// assert_eq!(retries.delay(3), Duration::from_secs(4));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Retries {
    times: u32,
    first: Duration,
    longest: Duration,
}

impl Retries {
    /// That many times, without delay: tries are one more.
    pub fn times(times: u32) -> Self {
        Self { times, first: Duration::ZERO, longest: Duration::from_secs(60) }
    }

    /// Waits that long before the first retry, twice as long before the next, and so on.
    pub fn after(mut self, delay: Duration) -> Self {
        self.first = delay;
        self
    }

    /// Never waits longer than that; a minute if it isn't said, or the first delay if that is longer.
    pub fn at_most(mut self, delay: Duration) -> Self {
        self.longest = delay;
        self
    }

    /// How many retries there may be.
    pub fn count(&self) -> u32 {
        self.times
    }

    /// How long to wait before a retry; the first one is number 1.
    pub fn delay(&self, retry: u32) -> Duration {
        let factor = 1_u32.checked_shl(retry.saturating_sub(1)).unwrap_or(u32::MAX);
        self.first.saturating_mul(factor).min(self.longest.max(self.first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_doubles_up_to_the_longest() {
        let retries = Retries::times(9).after(Duration::from_secs(20));
        let delays: Vec<u64> = [1, 2, 3, 40].map(|retry| retries.delay(retry).as_secs()).into();
        assert_eq!(delays, [20, 40, 60, 60]);
        let retries = retries.at_most(Duration::from_secs(25));
        assert_eq!(retries.delay(2), Duration::from_secs(25));
        assert_eq!(Retries::times(1).delay(1), Duration::ZERO);
    }

    #[test]
    fn a_first_delay_beyond_the_default_maximum_is_kept() {
        let retries = Retries::times(2).after(Duration::from_secs(300));
        assert_eq!(retries.delay(2), Duration::from_secs(300));
    }
}
