//! How fresh a chroot must be. Does not know how old any chroot is.

use std::{fmt, str::FromStr, time::Duration};

use super::{parse_span, show_span};

/// When a chroot that is there is looked at again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fresh {
    /// Never: only what is missing is made.
    Create,
    /// Always, however young it is and whether or not its archive has changed.
    Force,
    /// When it was last made or looked at longer ago than this.
    Within(Duration),
}

impl Default for Fresh {
    /// A week.
    fn default() -> Self {
        Self::Within(Duration::from_secs(604_800))
    }
}

impl FromStr for Fresh {
    type Err = String;

    /// Reads `create`, `force`, or an age such as `7d`; an age without unit is in seconds.
    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "create" => return Ok(Self::Create),
            "force" => return Ok(Self::Force),
            _ => {}
        }
        parse_span(word).map(Self::Within).ok_or_else(|| {
            format!("`{word}' is not a freshness: give create, force, or an age such as 12h or 7d")
        })
    }
}

impl fmt::Display for Fresh {
    /// The shortest words that read the same.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create => f.write_str("create"),
            Self::Force => f.write_str("force"),
            Self::Within(age) => f.write_str(&show_span(*age)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, Fresh};

    #[test]
    fn words_and_ages_are_taken_and_nothing_else() {
        let read = |word: &str| word.parse::<Fresh>();
        assert_eq!((read("create"), read("force")), (Ok(Fresh::Create), Ok(Fresh::Force)));
        for (word, seconds) in
            [("0", 0), ("90", 90), ("10s", 10), ("5m", 300), ("12h", 43_200), ("2w", 1_209_600)]
        {
            assert_eq!(read(word), Ok(Fresh::Within(Duration::from_secs(seconds))), "{word}");
        }
        for word in ["", "d", "7 d", "-1d", "7y", "1.5d", "forced", "99999999999d"] {
            assert!(read(word).is_err(), "{word}");
        }
    }

    #[test]
    fn it_is_shown_in_the_words_that_are_read() {
        for word in ["create", "force", "0s", "90s", "5m", "12h", "7d", "8d"] {
            let shown = word.parse::<Fresh>().unwrap().to_string();
            assert_eq!(shown.parse::<Fresh>(), word.parse::<Fresh>());
        }
        assert_eq!(Fresh::default().to_string(), "1w");
        assert_eq!("36h".parse::<Fresh>().unwrap().to_string(), "36h");
    }
}
