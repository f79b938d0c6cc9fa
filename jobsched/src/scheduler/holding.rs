//! For how long starts have been held back, and when to look again whether that still has to be.
//! Knows neither what is measured nor what is ready.

use std::time::{Duration, Instant};

/// How long after one look the next one is.
const INTERVAL: Duration = Duration::from_millis(100);
/// After how much time the user is told.
const PATIENCE: Duration = Duration::from_secs(1);

/// The state of holding back.
#[derive(Debug, Default)]
pub(super) struct Holding {
    period: Option<Period>,
}

#[derive(Debug)]
struct Period {
    since: Instant,
    look_again: Instant,
    told: bool,
}

impl Holding {
    /// Nothing has to be held back any more.
    pub(super) fn end(&mut self) {
        self.period = None;
    }

    /// Starts are to be held back, as was just seen. Says whether it is time to tell the user.
    pub(super) fn hold(&mut self, now: Instant) -> bool {
        let period = self.period.get_or_insert(Period { since: now, look_again: now, told: false });
        period.look_again = now + INTERVAL;
        if period.told || now.saturating_duration_since(period.since) < PATIENCE {
            return false;
        }
        period.told = true;
        true
    }

    /// Whether it is too early for another look.
    pub(super) fn is_recent(&self, now: Instant) -> bool {
        self.period.as_ref().is_some_and(|period| now < period.look_again)
    }

    /// When to look again.
    pub(super) fn look_again(&self) -> Option<Instant> {
        self.period.as_ref().map(|period| period.look_again)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_is_told_once_in_each_period_and_not_of_a_short_one() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut holding = Holding::default();
        assert_eq!(holding.look_again(), None);
        assert!(!holding.hold(at(0)));
        assert!(holding.is_recent(at(99)) && !holding.is_recent(at(100)));
        assert!(!holding.hold(at(999)));
        assert!(holding.hold(at(1_000)));
        assert!(!holding.hold(at(3_000)));
        assert_eq!(holding.look_again(), Some(at(3_100)));
        holding.end();
        assert!(!holding.hold(at(4_000)) && holding.hold(at(5_000)));
    }
}
