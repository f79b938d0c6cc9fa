//! An amount of bytes, for people.

use std::fmt;

/// Shown with three digits or so, by thousands, as apt does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size(pub(crate) u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut whole, mut tenths, mut unit) = (self.0, 0, "B");
        for larger in ["kB", "MB", "GB", "TB"] {
            if whole < 1000 {
                break;
            }
            (tenths, whole, unit) = (whole % 1000 / 100, whole / 1000, larger);
        }
        if unit == "B" || whole >= 100 {
            write!(f, "{whole} {unit}")
        } else {
            write!(f, "{whole}.{tenths} {unit}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Size;

    #[test]
    fn three_digits_or_so() {
        for (bytes, shown) in [
            (0, "0 B"),
            (999, "999 B"),
            (1234, "1.2 kB"),
            (123_456, "123 kB"),
            (2_950_000_000, "2.9 GB"),
        ] {
            assert_eq!(Size(bytes).to_string(), shown);
        }
    }
}
