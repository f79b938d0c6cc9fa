//! Archives that were looked at once: which there are, and what of them can go. Does not know which chroots there are.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::{ArchiveError, ArchiveState};
use crate::spec::ArchiveId;

impl ArchiveState {
    /// The archives of which anything is kept, sorted by name.
    pub(crate) fn all(state_dir: &Path) -> Result<Vec<ArchiveId>, ArchiveError> {
        let dir = state_dir.join("archive");
        let entries = match fs::read_dir(&dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(ArchiveError::read(&dir))?,
        };
        let names = entries.flatten().map(|entry| entry.file_name());
        let mut ids: Vec<ArchiveId> =
            names.filter_map(|name| ArchiveId::parse(name.to_str()?)).collect();
        ids.sort();
        Ok(ids)
    }

    /// Whether anything is kept of it.
    pub(crate) fn exists(&self) -> bool {
        self.dir().is_dir()
    }

    /// The disk space of lists that nobody will ever use, because whoever fetched them was killed; nothing if there are none.
    pub(crate) fn unfinished(&self) -> Option<u64> {
        self.next().exists().then(|| size(&self.next()))
    }

    /// Deletes those lists; the archive's lock must be held.
    pub(crate) fn clear_unfinished(&self) -> Result<(), ArchiveError> {
        remove(&self.next())
    }

    /// How long ago it was looked at; nothing if it never was, or only in the future.
    pub(crate) fn age(&self) -> Option<Duration> {
        let at = UNIX_EPOCH + Duration::from_secs(self.checked()?.at);
        SystemTime::now().duration_since(at).ok()
    }

    /// The disk space of all that is kept of it.
    pub(crate) fn size(&self) -> u64 {
        size(self.dir())
    }

    /// Deletes all of it; the archive's lock must be held.
    pub(crate) fn erase(&self) -> Result<(), ArchiveError> {
        remove(self.dir())
    }
}

fn remove(dir: &Path) -> Result<(), ArchiveError> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(ArchiveError::write(dir)(error))
        }
        _ => Ok(()),
    }
}

/// What deleting would free, as far as it can be seen: lists that are kept elsewhere too don't count.
fn size(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(found) if found.is_dir() => size(&entry.path()),
        Ok(found) if found.nlink() == 1 => found.blocks() * 512,
        _ => 0,
    });
    sizes.sum()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{ArchiveId, ArchiveState};

    #[test]
    fn lists_of_a_killed_run_go_and_the_others_stay() {
        let dir = tempfile::tempdir().unwrap();
        assert!(ArchiveState::all(dir.path()).unwrap().is_empty());
        let id = ArchiveId::parse("trixie-0123456789").unwrap();
        let state = ArchiveState::new(dir.path(), &id);
        for sub in ["now/lists", "next/lists"] {
            let lists = state.dir().join(sub);
            fs::create_dir_all(&lists).unwrap();
            fs::write(lists.join("x_Packages"), vec![1; 100_000]).unwrap();
        }
        fs::create_dir_all(dir.path().join("archive/other")).unwrap();
        assert_eq!(ArchiveState::all(dir.path()).unwrap(), [id]);
        assert!(state.unfinished().unwrap() >= 100_000);
        assert!(state.size() >= 200_000);
        state.clear_unfinished().unwrap();
        state.clear_unfinished().unwrap();
        assert_eq!(state.unfinished(), None);
        assert!(state.dir().join("now/lists/x_Packages").exists());
        state.erase().unwrap();
        assert!(!state.exists());
    }
}
