//! Whether the programs of a group are the chroot's own in another build. Pure: versions in, a verdict out.

use serde::{Deserialize, Serialize};

use super::version::{Likeness, Version};

/// A package in the donor beside the one in the chroot whose programs it would replace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pair {
    /// The donor's package.
    pub(crate) donor: String,
    pub(crate) donor_version: String,
    /// The chroot's package.
    pub(crate) package: String,
    pub(crate) version: String,
}

/// What becomes of a group, with what was compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Verdict {
    pub(crate) likeness: Likeness,
    /// The pair that decided it, unless all are exact.
    pub(crate) because: Option<Pair>,
}

/// A group is as like as the least like of its pairs.
pub(crate) fn judge(pairs: &[Pair]) -> Verdict {
    let least = pairs.iter().min_by_key(|pair| pair.likeness());
    let likeness = least.map_or(Likeness::Exact, Pair::likeness);
    let because = least.filter(|_| likeness != Likeness::Exact).cloned();
    Verdict { likeness, because }
}

impl Pair {
    fn likeness(&self) -> Likeness {
        Version::new(&self.donor_version).likeness(&Version::new(&self.version))
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.likeness)?;
        let Some(pair) = &self.because else {
            return Ok(());
        };
        write!(
            f,
            ": {} is {}, but {} is {}",
            pair.donor, pair.donor_version, pair.package, pair.version
        )
    }
}

#[cfg(test)]
mod tests {
    use super::{Likeness, Pair, judge};

    fn pair(donor_version: &str, version: &str) -> Pair {
        Pair {
            donor: "gcc-14-x".to_owned(),
            donor_version: donor_version.to_owned(),
            package: "gcc-14".to_owned(),
            version: version.to_owned(),
        }
    }

    #[test]
    fn one_pair_that_is_refused_keeps_the_whole_group_out() {
        let pairs =
            [pair("1-1cross1", "1-1"), pair("14.4.0-2cross1", "14.5.0-1"), pair("1-2", "1-3")];
        let verdict = judge(&pairs);
        assert_eq!(verdict.likeness, Likeness::Refused);
        assert_eq!(
            verdict.to_string(),
            "refused: gcc-14-x is 14.4.0-2cross1, but gcc-14 is 14.5.0-1"
        );
    }

    #[test]
    fn a_group_of_exact_pairs_is_exact_and_has_nothing_to_say() {
        let verdict = judge(&[pair("1-1cross1", "1-1"), pair("2", "2+b3")]);
        assert_eq!(verdict.to_string(), "exact");
        assert_eq!(judge(&[]).likeness, Likeness::Exact);
    }

    #[test]
    fn a_close_pair_is_named() {
        let verdict = judge(&[pair("1-1", "1-1"), pair("12.2.0-14cross1", "12.2.0-14+deb12u1")]);
        assert_eq!(
            verdict.to_string(),
            "close: gcc-14-x is 12.2.0-14cross1, but gcc-14 is 12.2.0-14+deb12u1"
        );
    }
}
