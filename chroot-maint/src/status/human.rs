//! Ages and sizes as people say them: two or three digits and a unit.

/// How long ago, from seconds. Of a time that is still to come, as much as of now.
pub(super) fn age(then: u64, now: u64) -> String {
    span(now.saturating_sub(then))
}

/// A span of seconds, in the largest unit that tells two of them apart.
pub(super) fn span(seconds: u64) -> String {
    const UNITS: [(&str, u64); 3] = [("d", 86_400), ("h", 3600), ("min", 60)];
    UNITS.iter().find(|(_, length)| seconds >= 2 * length).map_or_else(
        || format!("{seconds} s"),
        |(unit, length)| format!("{} {unit}", seconds / length),
    )
}

/// A number of bytes.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [(&str, u64); 4] =
        [("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1000)];
    let Some((unit, length)) = UNITS.iter().find(|(_, length)| bytes >= *length) else {
        return format!("{bytes} B");
    };
    let tenths = bytes / (length / 10);
    if tenths < 100 && *unit != "kB" {
        format!("{}.{} {unit}", tenths / 10, tenths % 10)
    } else {
        format!("{} {unit}", tenths / 10)
    }
}

#[cfg(test)]
mod tests {
    use super::{age, size, span};

    #[test]
    fn an_age_is_in_the_largest_unit_that_tells_two_apart() {
        for (seconds, said) in [
            (0, "0 s"),
            (119, "119 s"),
            (120, "2 min"),
            (7199, "119 min"),
            (7200, "2 h"),
            (172_799, "47 h"),
            (172_800, "2 d"),
            (31_536_000, "365 d"),
        ] {
            assert_eq!(span(seconds), said);
        }
        assert_eq!(age(100, 40), "0 s", "the clock was set back");
    }

    #[test]
    fn a_size_has_two_or_three_digits() {
        for (bytes, said) in [
            (0, "0 B"),
            (999, "999 B"),
            (1234, "1 kB"),
            (999_999, "999 kB"),
            (1_250_000, "1.2 MB"),
            (412_900_000, "412 MB"),
            (1_030_000_000, "1.0 GB"),
            (12_000_000_000_000, "12 TB"),
        ] {
            assert_eq!(size(bytes), said);
        }
    }
}
