//! How long ago a chroot was made or looked at. Reads no clock and no file.

use std::{fmt, time::Duration};

use crate::{spec::about, store::Stamp};

/// The time since a chroot was last known to be as new as its archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Age {
    Made(Duration),
    Checked(Duration),
    /// The clock was set back since, and so can't tell.
    Unknown,
}

impl Age {
    /// Of what was made at `created` and stamped later, or not at all; in seconds since 1970. Times that are still to come
    /// count for nothing.
    pub(super) fn of(created: u64, stamp: Option<&Stamp>, now: u64) -> Self {
        let age = |then: u64| now.checked_sub(then).map(Duration::from_secs);
        match (age(created), stamp.and_then(|stamp| age(stamp.at))) {
            (Some(made), Some(checked)) if made <= checked => Self::Made(made),
            (_, Some(checked)) => Self::Checked(checked),
            (Some(made), None) => Self::Made(made),
            (None, None) => Self::Unknown,
        }
    }

    pub(super) fn is_below(self, limit: Duration) -> bool {
        match self {
            Self::Made(age) | Self::Checked(age) => age < limit,
            Self::Unknown => false,
        }
    }
}

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Made(age) => write!(f, "made {} ago", about(*age)),
            Self::Checked(age) => write!(f, "checked {} ago", about(*age)),
            Self::Unknown => f.write_str("made in the future by this clock"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Age, Duration, Stamp};

    fn age(created: u64, checked: Option<u64>) -> Age {
        let stamp =
            checked.map(|at| Stamp { generation: 1, at, indexes: None, recipe: None, tools: None });
        Age::of(created, stamp.as_ref(), 10_000)
    }

    #[test]
    fn what_happened_last_counts() {
        assert_eq!(age(1000, None).to_string(), "made 2 h ago");
        assert_eq!(age(1000, Some(9990)).to_string(), "checked 10 s ago");
        assert_eq!(age(9990, Some(1000)).to_string(), "made 10 s ago");
    }

    #[test]
    fn a_time_that_is_to_come_makes_nothing_young() {
        assert_eq!(age(10_001, Some(1000)), Age::Checked(Duration::from_secs(9000)));
        assert_eq!(age(1000, Some(10_001)), Age::Made(Duration::from_secs(9000)));
        assert_eq!(age(10_001, Some(20_000)), Age::Unknown);
        assert!(!Age::Unknown.is_below(Duration::MAX));
    }

    #[test]
    fn with_no_age_allowed_nothing_is_young() {
        assert!(!age(10_000, None).is_below(Duration::ZERO));
        assert!(age(9999, None).is_below(Duration::from_secs(2)));
    }
}
