//! Lengths of time as people write and read them. Does not know what is so long.

use std::time::Duration;

/// The units, in seconds; what has none is in seconds.
const UNITS: [(&str, u64); 6] =
    [("w", 604_800), ("d", 86_400), ("h", 3600), ("m", 60), ("s", 1), ("", 1)];

/// Reads `90`, `10s`, `5m`, `12h`, `7d` or `2w`.
pub(crate) fn parse_span(word: &str) -> Option<Duration> {
    let unit = word.trim_start_matches(|c: char| c.is_ascii_digit());
    let number: u32 = word[..word.len() - unit.len()].parse().ok()?;
    let &(_, seconds) = UNITS.iter().find(|(name, _)| *name == unit)?;
    Some(Duration::from_secs(u64::from(number) * seconds))
}

/// The shortest word that reads the same; parts of a second are dropped.
pub(crate) fn show_span(span: Duration) -> String {
    let seconds = span.as_secs();
    let fits = |(_, unit): &&(&str, u64)| seconds > 0 && seconds % unit == 0;
    let &(name, unit) = UNITS.iter().find(fits).unwrap_or(&("s", 1));
    format!("{}{name}", seconds / unit)
}

/// About how long, for a sentence: the largest unit of which there are two at least, such as `36 h`.
pub(crate) fn about(span: Duration) -> String {
    let seconds = span.as_secs();
    let &(name, unit) =
        UNITS.iter().skip(1).find(|(_, unit)| seconds >= 2 * unit).unwrap_or(&("s", 1));
    format!("{} {}", seconds / unit, if name == "m" { "min" } else { name })
}

#[cfg(test)]
mod tests {
    use super::{Duration, about, parse_span, show_span};

    #[test]
    fn what_is_shown_is_what_is_read() {
        for (word, seconds) in
            [("0s", 0), ("90s", 90), ("5m", 300), ("36h", 129_600), ("1w", 604_800)]
        {
            assert_eq!(parse_span(word), Some(Duration::from_secs(seconds)));
            assert_eq!(show_span(Duration::from_secs(seconds)), word);
        }
        assert_eq!(parse_span("7"), parse_span("7s"));
        for word in ["", "d", "7 d", "-1d", "7y", "1.5d", "99999999999d"] {
            assert_eq!(parse_span(word), None, "{word}");
        }
    }

    #[test]
    fn a_rough_length_has_two_units_at_least() {
        for (seconds, said) in [
            (0, "0 s"),
            (119, "119 s"),
            (120, "2 min"),
            (7199, "119 min"),
            (7200, "2 h"),
            (172_799, "47 h"),
            (172_800, "2 d"),
            (6_048_000, "70 d"),
        ] {
            assert_eq!(about(Duration::from_secs(seconds)), said);
        }
    }
}
