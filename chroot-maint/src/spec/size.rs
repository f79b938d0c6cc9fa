//! An amount of bytes, for people. Does not know what is so big.

use std::fmt;

/// Shown with two or three digits, by thousands, as apt does it.
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
        if unit == "B" || whole >= 10 {
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
    fn there_are_two_digits_where_it_matters() {
        for (bytes, shown) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (9_949, "9.9 kB"),
            (12_345, "12 kB"),
            (412_900_000, "412 MB"),
            (1_300_000_000, "1.3 GB"),
            (12_000_000_000_000, "12 TB"),
        ] {
            assert_eq!(Size(bytes).to_string(), shown);
        }
    }
}
