//! Choosing among the configured chroots by name: `DIST-ARCH`, `DIST`, an alias of it, or a glob.
//!
//! Does not know where the list of chroots comes from.

use std::collections::BTreeSet;

use glob::Pattern;
use thiserror::Error;

use super::{ChrootId, nearest};

/// A chroot that can be chosen, with the other names of its distribution.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Selectable<'a> {
    pub(crate) id: &'a ChrootId,
    pub(crate) aliases: &'a [String],
}

/// Why a choice can't be made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub(crate) enum SelectionError {
    #[error("no chroot matches `{which}'{near}; there are: {known}")]
    Nothing { which: String, near: String, known: String },
    #[error("`{which}' is not a glob: {reason} at position {position}")]
    Glob { which: String, reason: &'static str, position: usize },
}

/// The chroots that any word of `which` names, each once, by name; all of them if no word is given.
pub(crate) fn select(
    which: &[String],
    chroots: &[Selectable<'_>],
) -> Result<BTreeSet<ChrootId>, SelectionError> {
    if which.is_empty() {
        return Ok(chroots.iter().map(|chroot| chroot.id.clone()).collect());
    }
    let mut chosen = BTreeSet::new();
    for word in which {
        let pattern = Pattern::new(word).map_err(|error| SelectionError::Glob {
            which: word.clone(),
            reason: error.msg,
            position: error.pos + 1,
        })?;
        let mut matching = chroots.iter().filter(|chroot| names(chroot, word, &pattern)).peekable();
        if matching.peek().is_none() {
            return Err(nothing(word, chroots));
        }
        chosen.extend(matching.map(|chroot| chroot.id.clone()));
    }
    Ok(chosen)
}

fn names(chroot: &Selectable<'_>, word: &str, pattern: &Pattern) -> bool {
    chroot.id.dist.as_str() == word
        || chroot.aliases.iter().any(|alias| alias == word)
        || pattern.matches(&chroot.id.to_string())
}

fn nothing(word: &str, chroots: &[Selectable<'_>]) -> SelectionError {
    let known: Vec<String> = chroots.iter().map(|chroot| chroot.id.to_string()).collect();
    let dists = chroots.iter().map(|chroot| chroot.id.dist.as_str());
    let near = nearest(word, known.iter().map(String::as_str).chain(dists));
    SelectionError::Nothing {
        which: word.to_owned(),
        near: near.map(|near| format!(", did you mean `{near}'?")).unwrap_or_default(),
        known: known.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::{ChrootId, Selectable, SelectionError, select};

    fn chosen(which: &[&str]) -> Result<Vec<String>, SelectionError> {
        let ids: Vec<ChrootId> = ["bookworm-amd64", "bookworm-backports-amd64", "trixie-arm64"]
            .map(|name| ChrootId::parse(name).unwrap())
            .into();
        let stable = ["stable".to_owned()];
        let chroots: Vec<Selectable<'_>> = ids
            .iter()
            .map(|id| Selectable {
                id,
                aliases: if id.dist.as_str() == "trixie" { &stable } else { &[] },
            })
            .collect();
        let which: Vec<String> = which.iter().map(ToString::to_string).collect();
        Ok(select(&which, &chroots)?.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_distribution_does_not_mean_those_whose_names_begin_with_it() {
        assert_eq!(chosen(&["bookworm"]).unwrap(), ["bookworm-amd64"]);
    }

    #[test]
    fn names_aliases_and_globs_choose_each_chroot_once() {
        assert_eq!(chosen(&["stable"]).unwrap(), ["trixie-arm64"]);
        assert_eq!(chosen(&["*-amd64"]).unwrap(), ["bookworm-amd64", "bookworm-backports-amd64"]);
        assert_eq!(chosen(&["trixie-arm64", "trixie*"]).unwrap(), ["trixie-arm64"]);
    }

    #[test]
    fn no_word_chooses_all() {
        assert_eq!(chosen(&[]).unwrap().len(), 3);
    }

    #[test]
    fn a_word_that_matches_nothing_is_met_with_what_there_is() {
        assert_eq!(
            chosen(&["bookworm", "trixy"]).unwrap_err().to_string(),
            "no chroot matches `trixy', did you mean `trixie'?; there are: \
             bookworm-amd64, bookworm-backports-amd64, trixie-arm64"
        );
    }

    #[test]
    fn a_broken_glob_is_said_to_be_one() {
        assert!(matches!(chosen(&["[a"]), Err(SelectionError::Glob { .. })));
    }
}
