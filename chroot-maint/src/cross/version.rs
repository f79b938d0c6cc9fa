//! Debian's version numbers, and how far two builds of one program agree. Knows nothing of packages or files.

use std::{cmp::Ordering, fmt};

use serde::{Deserialize, Serialize};

/// `[EPOCH:]UPSTREAM[-REVISION]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Version<'a> {
    epoch: &'a str,
    upstream: &'a str,
    revision: &'a str,
}

/// How far the host's build of a program is the chroot's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Likeness {
    /// Another upstream version: not to be used.
    Refused,
    /// The same upstream version in another Debian revision.
    Close,
    /// The same source.
    Exact,
}

impl<'a> Version<'a> {
    /// Splits it as dpkg does: the epoch ends at the first colon, the revision begins after the last hyphen. What says that it was
    /// built again (`+b1`) is left out.
    pub(crate) fn new(text: &'a str) -> Self {
        // A package without revision can be built again too.
        let text = without_number(text, "+b");
        let (epoch, rest) = text.split_once(':').unwrap_or(("0", text));
        let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, "0"));
        Self { epoch, upstream, revision }
    }

    /// The revision of the source that it was built from: without what says that it was built as a cross compiler (`cross1`).
    /// What a stable update adds (`+deb12u1`) belongs to the source.
    fn source_revision(&self) -> &'a str {
        without_number(self.revision, "cross")
    }

    /// How far a program of this version does what one of the other does.
    pub(crate) fn likeness(&self, other: &Version<'_>) -> Likeness {
        let is_same = |one: &str, two: &str| compare(one, two) == Ordering::Equal;
        if !is_same(self.epoch, other.epoch) || !is_same(self.upstream, other.upstream) {
            return Likeness::Refused;
        }
        if is_same(self.source_revision(), other.source_revision()) {
            return Likeness::Exact;
        }
        Likeness::Close
    }
}

impl fmt::Display for Likeness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Refused => "refused",
            Self::Close => "close",
            Self::Exact => "exact",
        })
    }
}

/// Takes a mark with a number off the end.
fn without_number<'a>(text: &'a str, mark: &str) -> &'a str {
    let rest = text.trim_end_matches(|c: char| c.is_ascii_digit());
    if rest.len() == text.len() {
        return text;
    }
    rest.strip_suffix(mark).unwrap_or(text)
}

/// The order of deb-version(7): runs of other characters and of digits in turn, `~` before the end of the text.
fn compare(one: &str, two: &str) -> Ordering {
    let (mut one, mut two) = (one.as_bytes(), two.as_bytes());
    while !one.is_empty() || !two.is_empty() {
        let is_text = |byte: &u8| !byte.is_ascii_digit();
        let (text_one, rest_one) = split(one, is_text);
        let (text_two, rest_two) = split(two, is_text);
        for place in 0..text_one.len().max(text_two.len()) {
            let order = rank(text_one.get(place)).cmp(&rank(text_two.get(place)));
            if order.is_ne() {
                return order;
            }
        }
        let (number_one, rest_one) = split(rest_one, u8::is_ascii_digit);
        let (number_two, rest_two) = split(rest_two, u8::is_ascii_digit);
        let (digits_one, digits_two) = (without_zeros(number_one), without_zeros(number_two));
        let order =
            digits_one.len().cmp(&digits_two.len()).then_with(|| digits_one.cmp(digits_two));
        if order.is_ne() {
            return order;
        }
        (one, two) = (rest_one, rest_two);
    }
    Ordering::Equal
}

fn split(text: &[u8], is_part: impl Fn(&u8) -> bool) -> (&[u8], &[u8]) {
    text.split_at(text.iter().position(|byte| !is_part(byte)).unwrap_or(text.len()))
}

/// Letters come before all else but the tilde and the end.
fn rank(byte: Option<&u8>) -> u16 {
    match byte {
        Some(b'~') => 0,
        None => 1,
        Some(byte) if byte.is_ascii_alphabetic() => 2 + u16::from(*byte),
        Some(byte) => 300 + u16::from(*byte),
    }
}

fn without_zeros(digits: &[u8]) -> &[u8] {
    &digits[digits.iter().take_while(|digit| **digit == b'0').count()..]
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::{Likeness, Version, compare};

    fn likeness(ours: &str, theirs: &str) -> Likeness {
        Version::new(ours).likeness(&Version::new(theirs))
    }

    #[test]
    fn a_cross_compiler_of_the_same_source_is_exact() {
        assert_eq!(likeness("14.2.0-19cross1", "14.2.0-19"), Likeness::Exact);
        assert_eq!(likeness("2.44-3", "2.44-3"), Likeness::Exact);
    }

    #[test]
    fn building_again_changes_nothing() {
        assert_eq!(likeness("5.2.37-2+b10", "5.2.37-2+b8"), Likeness::Exact);
        assert_eq!(likeness("5.2.37-2", "5.2.37-2+b8"), Likeness::Exact);
    }

    #[test]
    fn an_update_of_stable_that_only_one_of_them_had_makes_it_close() {
        assert_eq!(likeness("12.2.0-14cross1", "12.2.0-14+deb12u1"), Likeness::Close);
        assert_eq!(likeness("14.4.0-2cross1", "14.4.0-3"), Likeness::Close);
    }

    #[test]
    fn another_upstream_version_or_epoch_is_refused() {
        assert_eq!(likeness("14.2.0-19", "14.3.0-1"), Likeness::Refused);
        assert_eq!(likeness("1:1.0-1", "1.0-1"), Likeness::Refused);
        assert_eq!(likeness("9.7-3", "9.7~rc1-3"), Likeness::Refused);
    }

    #[test]
    fn native_packages_have_no_revision() {
        assert_eq!(likeness("1.22.21", "1.22.21"), Likeness::Exact);
        assert_eq!(likeness("1.22.21", "1.22.22"), Likeness::Refused);
        assert_eq!(likeness("1.22.21+b3", "1.22.21"), Likeness::Exact);
        assert_eq!(Version::new("1.0").likeness(&Version::new("1.0-0")), Likeness::Exact);
    }

    #[test]
    fn leading_zeros_count_for_nothing() {
        assert_eq!(likeness("1.02-01", "1.2-1"), Likeness::Exact);
    }

    #[test]
    fn versions_are_ordered_as_dpkg_orders_them() {
        for (lower, higher) in
            [("1.0~rc1", "1.0"), ("1.0", "1.0a"), ("1.9", "1.10"), ("1.0a", "1.0+"), ("1", "1.0.1")]
        {
            assert_eq!(compare(lower, higher), Ordering::Less, "{lower} {higher}");
            assert_eq!(compare(higher, lower), Ordering::Greater, "{higher} {lower}");
        }
    }
}
