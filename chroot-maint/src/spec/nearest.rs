//! The known word that a mistyped one was probably meant to be. Knows nothing of what the words are for.

/// The candidate with the fewest edits from `word`, unless even that one is a different word altogether.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let within = 2.max(word.chars().count() / 3);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|&(edits, _)| edits <= within)
        .min_by_key(|&(edits, _)| edits)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_typo_finds_its_word() {
        assert_eq!(nearest("inclde", ["archs", "include", "suites"]), Some("include"));
        assert_eq!(nearest("am64", ["arm64", "amd64"]), Some("arm64"));
    }

    #[test]
    fn a_different_word_finds_nothing() {
        assert_eq!(nearest("colour", ["archs", "include", "suites"]), None);
    }
}
