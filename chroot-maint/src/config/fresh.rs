//! The words for how fresh a chroot must be. Does not know how old any chroot is.

/// Says what is wrong with a word for freshness: `create`, `force`, or an age such as `7d`.
pub(super) fn check(word: &str) -> Result<(), String> {
    let unit = word.trim_start_matches(|c: char| c.is_ascii_digit());
    let number = &word[..word.len() - unit.len()];
    let is_age = matches!(unit, "" | "s" | "m" | "h" | "d" | "w") && number.parse::<u32>().is_ok();
    if is_age || matches!(word, "create" | "force") {
        Ok(())
    } else {
        Err(format!("`{word}' is not a freshness: give create, force, or an age such as 12h or 7d"))
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn words_and_ages_are_taken_and_nothing_else() {
        for word in ["create", "force", "0", "90", "10s", "5m", "12h", "7d", "2w"] {
            assert_eq!(check(word), Ok(()), "{word}");
        }
        for word in ["", "d", "7 d", "-1d", "7y", "1.5d", "forced", "99999999999d"] {
            assert!(check(word).is_err(), "{word}");
        }
    }
}
