//! The definitions that schroot reads, as far as names go: who has one already. Does not know what else is in them.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A file of definitions.
#[derive(Debug)]
pub(super) struct Definitions {
    pub(super) path: PathBuf,
    pub(super) text: String,
}

impl Definitions {
    /// All files that schroot reads: those in its directory, and the one beside the directory. What can't be read is
    /// passed over: then schroot can't read it either.
    pub(super) fn all(dir: &Path) -> Vec<Self> {
        let entries = fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok);
        let mut paths: Vec<PathBuf> = entries
            .filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."))
            .map(|entry| entry.path())
            .collect();
        paths.push(dir.with_file_name("schroot.conf"));
        paths.sort();
        let read = |path: PathBuf| {
            // A pipe would be waited for.
            let is_file = fs::metadata(&path).is_ok_and(|found| found.is_file());
            let text = is_file.then(|| fs::read(&path).ok()).flatten()?;
            Some(Self { path, text: String::from_utf8_lossy(&text).into_owned() })
        };
        paths.into_iter().filter_map(read).collect()
    }

    /// Whether a chroot or an alias of one has this name.
    pub(super) fn has(&self, name: &str) -> bool {
        let is_section = |line: &str| {
            line.trim().strip_prefix('[').and_then(|line| line.strip_suffix(']')) == Some(name)
        };
        self.text.lines().any(is_section) || aliases(&self.text).any(|alias| alias == name)
    }
}

/// The aliases in a text of definitions.
pub(super) fn aliases(text: &str) -> impl Iterator<Item = &str> {
    let values = text.lines().filter_map(|line| {
        let (key, value) = line.split_once('=')?;
        (key.trim() == "aliases").then_some(value)
    });
    values.flat_map(|value| value.split(',')).map(str::trim).filter(|alias| !alias.is_empty())
}

/// The text with one alias less.
pub(super) fn without_alias(text: &str, alias: &str) -> String {
    let line = |line: &str| {
        if aliases(line).any(|there| there == alias) {
            let rest: Vec<&str> = aliases(line).filter(|there| *there != alias).collect();
            return format!("aliases={}\n", rest.join(","));
        }
        format!("{line}\n")
    };
    text.lines().map(line).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Definitions, aliases, without_alias};

    const TEXT: &str = "# [c]\n[a-sbuild]\naliases=b, c-sbuild\n  [d]\ntype=plain\n";

    #[test]
    fn sections_and_aliases_are_names_and_comments_are_none() {
        let definitions = Definitions { path: "/x".into(), text: TEXT.to_owned() };
        for name in ["a-sbuild", "b", "c-sbuild", "d"] {
            assert!(definitions.has(name), "{name}");
        }
        for name in ["c", "a", "plain", ""] {
            assert!(!definitions.has(name), "{name}");
        }
    }

    #[test]
    fn an_alias_is_taken_out_and_the_rest_stays() {
        let less = without_alias(TEXT, "b");
        assert_eq!(less, TEXT.replace("b, ", ""));
        assert_eq!(aliases(&without_alias(&less, "c-sbuild")).count(), 0);
        assert_eq!(without_alias(TEXT, "d"), TEXT);
    }

    #[test]
    fn the_file_beside_the_directory_counts_and_hidden_files_do_not() {
        let etc = tempfile::tempdir().unwrap();
        let dir = etc.path().join("chroot.d");
        fs::create_dir_all(dir.join("subdir")).unwrap();
        for file in ["chroot.d/a", "chroot.d/.b", "schroot.conf"] {
            fs::write(etc.path().join(file), "").unwrap();
        }
        let all = Definitions::all(&dir);
        let names: Vec<_> = all.iter().map(|one| one.path.file_name().unwrap()).collect();
        assert_eq!(names, ["a", "schroot.conf"]);
    }
}
