//! What a session has made, read out of the archive that it writes. Knows tar's format as far as that goes; compares nothing.

use std::collections::BTreeMap;

use thiserror::Error;

/// By path, without `./`.
pub(super) type Results = BTreeMap<String, Entry>;

/// One thing that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// Permissions, as a number.
    pub(super) mode: u64,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    File(Vec<u8>),
    /// Where a link leads, hard or symbolic.
    Link(String),
    /// A directory, or some such, by tar's letter.
    Other(u8),
}

/// Why an archive can't be read: the session was cut off, or something else wrote into it.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("what came out of the session is no whole archive: {0} at byte {1}")]
pub(crate) struct Damaged(&'static str, usize);

const BLOCK: usize = 512;

/// Reads a whole archive in the format of POSIX of 1988 (ustar).
pub(super) fn read(archive: &[u8]) -> Result<Results, Damaged> {
    let mut results = Results::new();
    let mut at = 0;
    loop {
        let header = archive.get(at..at + BLOCK).ok_or(Damaged("it has no end", at))?;
        if header.iter().all(|byte| *byte == 0) {
            return Ok(results);
        }
        if &header[257..262] != b"ustar" {
            return Err(Damaged("there is no header", at));
        }
        let number = |from, to| octal(&header[from..to]).ok_or(Damaged("there is no number", at));
        let (mode, size) = (number(100, 108)?, number(124, 136)?);
        let size = usize::try_from(size).map_err(|_| Damaged("there is a huge file", at))?;
        let begin = at + BLOCK;
        let end = begin.checked_add(size).ok_or(Damaged("there is a huge file", at))?;
        let bytes = archive.get(begin..end).ok_or(Damaged("a file is cut off", at))?;
        let kind = match header[156] {
            b'0' | 0 => Kind::File(bytes.to_vec()),
            b'1' | b'2' => Kind::Link(text(&header[157..257])),
            other => Kind::Other(other),
        };
        let (prefix, name) = (text(&header[345..500]), text(&header[..100]));
        let path = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        let path = path.trim_start_matches("./").trim_end_matches('/').to_owned();
        results.insert(path, Entry { mode, kind });
        at = end.next_multiple_of(BLOCK);
    }
}

fn text(field: &[u8]) -> String {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    String::from_utf8_lossy(&field[..end]).into_owned()
}

fn octal(field: &[u8]) -> Option<u64> {
    u64::from_str_radix(text(field).trim(), 8).ok()
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink, process::Command};

    use super::{Damaged, Kind, read};

    /// Of a directory with a file, a hard link, a symbolic one and an empty directory.
    fn archive() -> Vec<u8> {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        fs::write(dir.join("a"), vec![b'x'; 513]).unwrap();
        fs::hard_link(dir.join("a"), dir.join("b")).unwrap();
        symlink("away", dir.join("c")).unwrap();
        fs::create_dir(dir.join("d")).unwrap();
        let mut tar = Command::new("tar");
        tar.arg("-C").arg(dir).args(["--sort=name", "--format=ustar", "-cf", "-", "."]);
        tar.output().unwrap().stdout
    }

    #[test]
    fn everything_in_an_archive_is_read() {
        let results = read(&archive()).unwrap();
        assert_eq!(results["a"].kind, Kind::File(vec![b'x'; 513]));
        assert_eq!(results["b"].kind, Kind::Link("./a".into()));
        assert_eq!(results["c"].kind, Kind::Link("away".into()));
        assert_eq!(results["d"].kind, Kind::Other(b'5'));
        assert_eq!(results["c"].mode, 0o777);
    }

    #[test]
    fn an_archive_that_is_cut_off_is_refused() {
        let whole = archive();
        assert_eq!(read(&[]), Err(Damaged("it has no end", 0)));
        assert!(read(&whole[..1000]).is_err());
        assert!(read(&whole[..=whole.len() - 20 * 512]).is_err());
        assert_eq!(read(&[b'x'; 1024]), Err(Damaged("there is no header", 0)));
    }
}
