//! Whether two builds of the corpus came out the same, and where they do not. Pure.

use std::{borrow::Cow, collections::BTreeSet, fmt};

use super::results::{Entry, Kind, Results};

/// How alike they have to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// The compilers are of the same revision.
    Identical,
    /// They are of the same version only: texts may have another revision in what stands in parentheses after the
    /// distribution's name. From objects the sessions have removed it.
    ButForRevision,
}

/// A path, and what is different there.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Difference {
    path: String,
    how: How,
}

#[derive(Debug, PartialEq, Eq)]
enum How {
    OnlyEmulated,
    OnlyAccelerated,
    Modes {
        emulated: u64,
        accelerated: u64,
    },
    Kinds,
    /// Line and what it says; lines count from 1.
    Line {
        number: usize,
        emulated: String,
        accelerated: String,
    },
    /// Counted from 0, as hexdump does.
    Byte(usize),
}

/// All that differs, by path.
pub(super) fn compare(emulated: &Results, accelerated: &Results, rule: Rule) -> Vec<Difference> {
    let paths: BTreeSet<&String> = emulated.keys().chain(accelerated.keys()).collect();
    let differs = |path: &String| {
        let how = match (emulated.get(path), accelerated.get(path)) {
            (Some(emulated), Some(accelerated)) => difference(emulated, accelerated, rule),
            (Some(_), None) => Some(How::OnlyEmulated),
            (None, _) => Some(How::OnlyAccelerated),
        };
        how.map(|how| Difference { path: path.clone(), how })
    };
    paths.into_iter().filter_map(differs).collect()
}

fn difference(emulated: &Entry, accelerated: &Entry, rule: Rule) -> Option<How> {
    match (&emulated.kind, &accelerated.kind) {
        (Kind::File(one), Kind::File(other)) => {
            let found = if one == other { None } else { in_bytes(one, other, rule) };
            if found.is_some() {
                return found;
            }
        }
        (one, other) if one != other => return Some(How::Kinds),
        _ => {}
    }
    let (emulated, accelerated) = (emulated.mode, accelerated.mode);
    (emulated != accelerated).then_some(How::Modes { emulated, accelerated })
}

fn in_bytes(one: &[u8], other: &[u8], rule: Rule) -> Option<How> {
    let (Some(one_text), Some(other_text)) = (as_text(one), as_text(other)) else {
        return first_byte(one, other).map(How::Byte);
    };
    let (one_text, other_text) = match rule {
        Rule::Identical => (Cow::Borrowed(one_text), Cow::Borrowed(other_text)),
        Rule::ButForRevision => (without_revisions(one_text), without_revisions(other_text)),
    };
    let at = first_byte(one_text.as_bytes(), other_text.as_bytes())?;
    // The bytes before are the same, and so are the ends of lines in them.
    let number = one_text.as_bytes()[..at].split(|byte| *byte == b'\n').count();
    let line = |text: &str| text.split('\n').nth(number - 1).unwrap_or_default().to_owned();
    Some(How::Line { number, emulated: line(&one_text), accelerated: line(&other_text) })
}

/// Where they part; the shorter one's length, if it is the beginning of the other.
fn first_byte(one: &[u8], other: &[u8]) -> Option<usize> {
    let parted = one.iter().zip(other).position(|(one, other)| one != other);
    parted.or_else(|| (one.len() != other.len()).then(|| one.len().min(other.len())))
}

fn as_text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}

/// `gcc (Debian 14.2.0-19) 14.2.0` -> `gcc (Debian) 14.2.0`
fn without_revisions(text: &str) -> Cow<'_, str> {
    const BEGIN: &str = "(Debian";
    if !text.contains(BEGIN) {
        return Cow::Borrowed(text);
    }
    let mut parts = text.split(BEGIN);
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        kept.push_str(BEGIN);
        let end = part.find([')', '\n']).filter(|_| part.starts_with(' '));
        kept.push_str(&part[end.unwrap_or(0)..]);
    }
    Cow::Owned(kept)
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.path;
        match &self.how {
            How::OnlyEmulated => write!(f, "{path} is only made by the emulated tools"),
            How::OnlyAccelerated => write!(f, "{path} is only made by the host's tools"),
            How::Kinds => {
                write!(f, "{path} differs: it is another kind of file, or a link elsewhere")
            }
            How::Modes { emulated, accelerated } => {
                write!(f, "{path} differs: its mode is {accelerated:o} instead of {emulated:o}")
            }
            How::Byte(at) => write!(f, "{path} differs: first at byte {at}"),
            How::Line { number, emulated, accelerated } => {
                write!(f, "{path} differs: line {number} is `")?;
                write!(f, "{}' instead of `{}'", short(accelerated), short(emulated))
            }
        }
    }
}

/// As much of a line as fits on a screen; in the rest nobody sees a difference anyway.
fn short(line: &str) -> Cow<'_, str> {
    const MOST: usize = 100;
    match line.char_indices().nth(MOST) {
        Some((end, _)) => Cow::Owned(format!("{}...", &line[..end])),
        None => Cow::Borrowed(line),
    }
}

#[cfg(test)]
mod tests {
    use super::{Entry, Kind, Results, Rule, compare, without_revisions};

    fn made(files: &[(&str, &[u8])]) -> Results {
        let entry = |bytes: &[u8]| Entry { mode: 0o644, kind: Kind::File(bytes.to_vec()) };
        files.iter().map(|(path, bytes)| ((*path).to_owned(), entry(bytes))).collect()
    }

    fn said(emulated: &Results, accelerated: &Results, rule: Rule) -> Vec<String> {
        compare(emulated, accelerated, rule).iter().map(ToString::to_string).collect()
    }

    fn of_one(emulated: &[u8], accelerated: &[u8], rule: Rule) -> Vec<String> {
        said(&made(&[("x", emulated)]), &made(&[("x", accelerated)]), rule)
    }

    #[test]
    fn equal_files_do_not_differ() {
        assert!(of_one(b"\0a", b"\0a", Rule::Identical).is_empty());
    }

    #[test]
    fn of_other_bytes_the_first_is_told() {
        assert_eq!(of_one(b"\0abc", b"\0abd", Rule::Identical), ["x differs: first at byte 3"]);
        assert_eq!(of_one(b"\0ab", b"\0abd", Rule::Identical), ["x differs: first at byte 3"]);
    }

    #[test]
    fn of_texts_the_first_line_that_differs_is_told() {
        assert_eq!(
            of_one(b"a\nb\nc\n", b"a\nx\nd\n", Rule::Identical),
            ["x differs: line 2 is `x' instead of `b'"]
        );
        assert_eq!(
            of_one(b"a\n", b"a\nb\n", Rule::Identical),
            ["x differs: line 2 is `b' instead of `'"]
        );
    }

    #[test]
    fn what_only_one_of_them_made_is_told() {
        assert_eq!(
            said(&made(&[("a", b"")]), &made(&[("b", b"")]), Rule::Identical),
            ["a is only made by the emulated tools", "b is only made by the host's tools"]
        );
    }

    #[test]
    fn modes_and_links_count() {
        let mut other = made(&[("x", b""), ("y", b"")]);
        other.get_mut("x").unwrap().mode = 0o755;
        other.get_mut("y").unwrap().kind = Kind::Link("x".into());
        assert_eq!(
            said(&made(&[("x", b""), ("y", b"")]), &other, Rule::Identical),
            [
                "x differs: its mode is 755 instead of 644",
                "y differs: it is another kind of file, or a link elsewhere"
            ]
        );
    }

    #[test]
    fn another_revision_counts_where_it_should_be_the_same() {
        let (one, other) = (b"gcc (Debian 1-1) 1\n", b"gcc (Debian 1-2) 1\n");
        assert_eq!(of_one(one, other, Rule::Identical).len(), 1);
        assert!(of_one(one, other, Rule::ButForRevision).is_empty());
        let third = b"gcc (Debian 1-2) 2\n";
        assert_eq!(of_one(one, third, Rule::ButForRevision).len(), 1);
    }

    #[test]
    fn a_revision_is_what_follows_the_name_up_to_the_parenthesis() {
        assert_eq!(without_revisions("a (Debian 1-2+b1) b (Debian 3)"), "a (Debian) b (Debian)");
        assert_eq!(without_revisions("(Debian\n x) (Debianer 1)"), "(Debian\n x) (Debianer 1)");
    }
}
