//! A job that only waits: its length and label, and both in one name, `LABEL-SECONDS`.
//!
//! Does not wait.

use std::{fmt, time::Duration};

use thiserror::Error;

/// A wait of some seconds; the label keeps apart waits of equal length.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Nap {
    label: String,
    seconds: f64,
}

/// Why a text is not a length or a label.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub(crate) enum NapError {
    #[error("`{0}' is not a number of seconds; give one from 0 to {LONGEST}, such as 0.2")]
    Seconds(String),
    #[error("`{0}' can't be a label; give one word without slashes or control characters")]
    Label(String),
}

/// A week: longer is taken for a slip.
const LONGEST: f64 = 604_800.0;

impl Nap {
    /// The label of a nap that was given none.
    pub(crate) const DEFAULT_LABEL: &str = "nap";

    /// Checks both parts, as they come from the command line.
    pub(crate) fn new(seconds: &str, label: &str) -> Result<Self, NapError> {
        let plain = !seconds.is_empty() && seconds.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let length = seconds.parse().ok().filter(|s| plain && (0.0..=LONGEST).contains(s));
        let seconds = length.ok_or_else(|| NapError::Seconds(seconds.to_owned()))?;
        let odd = |c: char| c.is_whitespace() || c.is_control() || c == '/';
        if label.is_empty() || label.contains(odd) {
            return Err(NapError::Label(label.to_owned()));
        }
        Ok(Self { label: label.to_owned(), seconds })
    }

    /// Reads `LABEL-SECONDS` from the right, for a label may contain dashes.
    pub(crate) fn parse(name: &str) -> Result<Self, NapError> {
        let (label, seconds) = name.rsplit_once('-').unwrap_or((Self::DEFAULT_LABEL, name));
        Self::new(seconds, label)
    }

    pub(crate) fn duration(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }

    /// The length as users write it: the shortest text that reads back as the same number.
    pub(crate) fn seconds(&self) -> impl fmt::Display {
        self.seconds
    }
}

impl fmt::Display for Nap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.label, self.seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::{Nap, NapError};

    #[test]
    fn a_length_is_written_in_its_shortest_form_and_reads_back() {
        for (given, written) in
            [("0.2", "x-0.2"), ("1.0", "x-1"), ("10", "x-10"), ("0", "x-0"), (".5", "x-0.5")]
        {
            let nap = Nap::new(given, "x").unwrap();
            assert_eq!(nap.to_string(), written);
            assert_eq!(Nap::parse(written), Ok(nap));
        }
        let third = Nap::new("0.3333333333333333", "j0.3").unwrap();
        assert_eq!(Nap::parse(&third.to_string()), Ok(third));
    }

    #[test]
    fn a_label_may_have_dashes() {
        assert_eq!(Nap::parse("a-b-0.2"), Nap::new("0.2", "a-b"));
    }

    #[test]
    fn what_is_no_length_is_refused() {
        for seconds in ["-1", "nan", "inf", "1e9", "604801", "", ".", "0x1", "+1"] {
            assert_eq!(Nap::new(seconds, "x"), Err(NapError::Seconds(seconds.to_owned())));
        }
    }

    #[test]
    fn a_label_that_would_spoil_a_line_is_refused() {
        for label in ["", "a b", "a\nb", "../x"] {
            assert_eq!(Nap::new("1", label), Err(NapError::Label(label.to_owned())));
        }
    }
}
