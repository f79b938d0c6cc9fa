//! The newest log of each job, in one look at the log directory. Knows the names that logs have, not what is in them.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use crate::store::Outcome;

/// A job's newest log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Log {
    pub(super) path: PathBuf,
    /// When it was written to for the last time, in seconds since 1970.
    pub(super) written: u64,
}

impl Log {
    /// Its path, if it is that of the work that came to this: work that left no log has none, and the newest is older.
    pub(super) fn of(&self, outcome: &Outcome) -> Option<&Path> {
        let began = outcome.at.saturating_sub(outcome.took);
        (self.written >= began).then_some(self.path.as_path())
    }
}

/// The newest logs in a directory, by job.
pub(super) struct Logs {
    dir: PathBuf,
    newest: HashMap<String, Stamp>,
}

/// A log's date, as `YYYY-MM-DD`, and its number on that day: the later, the greater.
type Stamp = (String, u32);

impl Logs {
    /// A directory that can't be read has no logs.
    pub(super) fn read(dir: &Path) -> Self {
        let mut newest: HashMap<String, Stamp> = HashMap::new();
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let Some((job, stamp)) = name.to_str().and_then(split) else { continue };
            match newest.get_mut(job) {
                Some(known) if *known >= stamp => {}
                Some(known) => *known = stamp,
                None => drop(newest.insert(job.to_owned(), stamp)),
            }
        }
        Self { dir: dir.to_owned(), newest }
    }

    pub(super) fn of(&self, job: &str) -> Option<Log> {
        let (date, number) = self.newest.get(job)?;
        let path = self.dir.join(format!("{job}-{date}#{number}"));
        let written = fs::metadata(&path).ok()?.modified().ok()?;
        let written = written.duration_since(UNIX_EPOCH).ok()?.as_secs();
        Some(Log { path, written })
    }
}

/// `JOB-YYYY-MM-DD#N`
fn split(name: &str) -> Option<(&str, Stamp)> {
    let (before, number) = name.rsplit_once('#')?;
    let at = before.len().checked_sub("YYYY-MM-DD".len())?;
    let date = before.get(at..)?;
    let is_date = date.bytes().enumerate().all(|(index, byte)| match index {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    let job = before[..at].strip_suffix('-').filter(|_| is_date)?;
    Some((job, (date.to_owned(), number.parse().ok()?)))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::Logs;

    #[test]
    fn the_newest_is_that_of_the_latest_date_and_highest_number() {
        let dir = tempfile::tempdir().unwrap();
        for name in [
            "chroot.sid-amd64-2026-01-02#2",
            "chroot.sid-amd64-2026-01-02#10",
            "chroot.sid-amd64-2025-12-31#99",
            "chroot.sid-backports-amd64-2026-02-01#1",
            "chroot.sid-amd64-2026-1-2#3",
            "chroot.sid-amd64",
            "#",
        ] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        let logs = Logs::read(dir.path());
        let newest = |job| logs.of(job).map(|log| log.path);
        let path = dir.path().join("chroot.sid-amd64-2026-01-02#10");
        assert_eq!(newest("chroot.sid-amd64"), Some(path));
        assert_eq!(newest("chroot.sid-arm64"), None);
        assert_eq!(Logs::read(&dir.path().join("none")).of("chroot.sid-amd64"), None);
    }
}
