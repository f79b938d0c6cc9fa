//! How often a job is tried again that failed, after what, and when. Knows no clock.

use std::time::Duration;

/// How often a job that failed is tried again, and how long after.
///
/// The delay doubles from one time to the next, up to an upper limit. While it waits, a job holds
/// no slot; then it is [checked](crate::Job::check) again, and [`run`](crate::Job::run) is asked
/// anew. A job that could not be started is not tried again, nor is anything once a run has been
/// cancelled or, by the default policy, another job has failed.
///
/// Without more, every failure is tried again. A job that knows better says so by its exit status, and is given
/// retries for [those](Self::only_after); several, for several statuses, if it is [asked](crate::Plan::retries) to.
///
/// ```
/// use std::time::Duration;
/// use jobsched::Retries;
///
/// // Four tries in all, after waits of 1, 2 and 4 seconds.
/// let retries = Retries::times(3).after(Duration::from_secs(1));
/// assert_eq!(retries.delay(3), Duration::from_secs(4));
///
/// // Only if the job says that it may be better later: EX_TEMPFAIL in <sysexits.h>.
/// let retries = retries.only_after(&[75]);
/// assert!(retries.fit(75) && !retries.fit(1));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Retries {
    times: u32,
    first: Duration,
    longest: Duration,
    only: Option<Statuses>,
}

/// A set of exit statuses, a bit for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Statuses([u64; 4]);

impl Retries {
    /// That many times, without delay: tries are one more.
    pub fn times(times: u32) -> Self {
        Self { times, first: Duration::ZERO, longest: Duration::from_secs(60), only: None }
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

    /// Is for these exit statuses only: a job that ends in any other way, by a signal or at its time limit among them, is
    /// not tried again. Said twice, both lists count.
    pub fn only_after(mut self, statuses: &[u8]) -> Self {
        let Statuses(bits) = self.only.get_or_insert(Statuses([0; 4]));
        for &status in statuses {
            bits[usize::from(status / 64)] |= 1 << (status % 64);
        }
        self
    }

    /// Whether it is for a job that ended with this exit status.
    pub fn fit(&self, status: i32) -> bool {
        self.only.is_none_or(|Statuses(bits)| {
            u8::try_from(status)
                .is_ok_and(|status| bits[usize::from(status / 64)] >> (status % 64) & 1 == 1)
        })
    }

    /// Whether it is for all failures, whatever they are.
    pub(crate) fn fit_all(&self) -> bool {
        self.only.is_none()
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
    fn only_the_statuses_that_were_given_fit() {
        let retries = Retries::times(1).only_after(&[0, 63, 64]).only_after(&[255]);
        let fitting: Vec<i32> = (-1..300).filter(|&status| retries.fit(status)).collect();
        assert_eq!(fitting, [0, 63, 64, 255]);
        assert!(Retries::times(1).fit(7));
        assert!(!Retries::times(1).only_after(&[]).fit(7));
    }

    #[test]
    fn a_first_delay_beyond_the_default_maximum_is_kept() {
        let retries = Retries::times(2).after(Duration::from_secs(300));
        assert_eq!(retries.delay(2), Duration::from_secs(300));
    }
}
