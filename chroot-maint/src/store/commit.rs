//! From a work directory to the current generation. Does not know what is in the tree.

use std::{
    fs::{self, Permissions},
    io,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use super::{Described, Generation, Place, StoreError, durable, generation};

/// A generation in the making, in a directory of its own under `work/`. Dropping it deletes
/// nothing: that may take a user namespace.
#[derive(Debug)]
pub(crate) struct Work {
    number: u32,
    dir: PathBuf,
}

impl Work {
    /// The future tree; not there yet.
    pub(crate) fn tree(&self) -> PathBuf {
        self.dir.join("tree")
    }

    /// A directory for temporary files, on the same file system as the tree.
    pub(crate) fn tmp(&self) -> PathBuf {
        self.dir.join("tmp")
    }

    /// All of it, to be deleted when done.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn number(&self) -> u32 {
        self.number
    }
}

impl<R: Described> Place<R> {
    /// Makes room for the next generation. The chroot's lock must be held from here to the commit.
    pub(crate) fn begin(&self) -> Result<Work, StoreError> {
        let parent = self.work();
        let mut highest = 0;
        // A tree that could not be deleted bears its number still.
        for dir in [self.generations(), parent.clone()] {
            let in_it = generation::highest(&dir);
            highest = highest.max(in_it.map_err(|source| StoreError::Read { path: dir, source })?);
        }
        let number = highest + 1;
        let begin = || -> io::Result<PathBuf> {
            let dir = tempfile::Builder::new()
                .prefix(&format!("{number}."))
                .permissions(Permissions::from_mode(0o755))
                .tempdir_in(&parent)?;
            fs::create_dir(dir.path().join("tmp"))?;
            Ok(dir.keep())
        };
        let dir = begin().map_err(|source| StoreError::Create { path: parent.clone(), source })?;
        Ok(Work { number, dir })
    }

    /// Makes a finished tree the current generation. Until the last rename the old one is, whatever
    /// happens; the work directory is left without its tree.
    pub(crate) fn commit(&self, work: &Work, record: &R) -> Result<Generation<R>, StoreError> {
        debug_assert_eq!(record.id(), &self.id);
        let generations = self.generations();
        let tree = generations.join(work.number.to_string());
        let json = serde_json::to_vec_pretty(record).map_err(|error| StoreError::Write {
            path: generation::record_path(&tree),
            source: error.into(),
        })?;

        let finished = work.dir.join("record.json");
        durable::write(&finished, &json)?;
        durable::sync_file_system(&work.dir)?;
        durable::rename(&work.tree(), &tree)?;
        durable::rename(&finished, &generation::record_path(&tree))?;
        durable::sync_dir(&generations)?;
        self.point_current_at(work.number, &work.dir.join("current"))?;
        Ok(Generation { number: work.number, tree, record: record.clone() })
    }

    /// Makes another generation current, one that was so before; it must be whole. The caller holds the lock.
    pub(crate) fn roll_back_to(&self, number: u32) -> Result<(), StoreError> {
        self.point_current_at(number, &self.work().join("current"))
    }

    /// The one step that counts.
    fn point_current_at(&self, number: u32, new: &Path) -> Result<(), StoreError> {
        durable::remove(new)?;
        symlink(Path::new("gen").join(number.to_string()), new)
            .map_err(|source| StoreError::Create { path: new.to_owned(), source })?;
        durable::rename(new, &self.current_link())?;
        durable::sync_dir(&self.dir)
    }

    /// Moves what an earlier run left in `gen/` to `work/`, the only place that things are deleted in.
    pub(crate) fn to_work(&self, leftover: PathBuf) -> Result<PathBuf, StoreError> {
        if leftover.parent() == Some(&self.work()) {
            return Ok(leftover);
        }
        let name = leftover.file_name().unwrap_or_default().to_owned();
        let target = self.work().join(name);
        durable::rename(&leftover, &target)?;
        Ok(target)
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use crate::store::{
        Record, StoreError,
        testing::{place, record, work_with_tree},
    };

    #[test]
    fn a_committed_tree_is_the_current_generation() {
        let (_dir, place) = place();
        assert!(place.current().unwrap().is_none());
        let work = work_with_tree(&place);
        place.commit(&work, &record(&place)).unwrap();
        let current = place.current().unwrap().unwrap();
        assert_eq!((current.number, &current.record), (1, &record(&place)));
        assert!(current.tree.join("etc").is_dir());
        assert_eq!(fs::read_link(place.current_link()).unwrap(), Path::new("gen/1"));
    }

    #[test]
    fn the_next_generation_leaves_the_last_one_alone() {
        let (_dir, place) = place();
        for number in 1..=2 {
            let work = work_with_tree(&place);
            assert_eq!(place.commit(&work, &record(&place)).unwrap().number, number);
        }
        assert!(place.generations().join("1/etc").is_dir());
        assert_eq!(place.current().unwrap().unwrap().number, 2);
    }

    #[test]
    fn a_commit_that_fails_leaves_the_old_generation_current() {
        let (_dir, place) = place();
        place.commit(&work_with_tree(&place), &record(&place)).unwrap();
        let without_tree = place.begin().unwrap();
        assert!(matches!(
            place.commit(&without_tree, &record(&place)),
            Err(StoreError::Rename { .. })
        ));
        assert_eq!(place.current().unwrap().unwrap().number, 1);
    }

    #[test]
    fn what_a_killed_run_left_is_found_wherever_it_was_killed() {
        let (_dir, place) = place();
        place.commit(&work_with_tree(&place), &record(&place)).unwrap();
        assert_eq!(fs::read_dir(place.work()).unwrap().count(), 1);
        let unborn = place.generations().join("2");
        fs::create_dir(&unborn).unwrap();
        let leftovers = place.leftovers().unwrap().unused;
        assert_eq!(leftovers.len(), 2);
        assert!(leftovers.contains(&unborn));
        assert_eq!(place.begin().unwrap().number(), 3);
        assert_eq!(place.to_work(unborn).unwrap(), place.work().join("2"));
    }

    #[test]
    fn a_record_of_a_later_version_is_not_guessed_at() {
        let (_dir, place) = place();
        let work = work_with_tree(&place);
        let later = Record { version: Record::VERSION + 1, ..record(&place) };
        place.commit(&work, &later).unwrap();
        assert!(matches!(place.current(), Err(StoreError::Version { .. })));
    }

    #[test]
    fn a_current_that_points_elsewhere_is_an_error() {
        let (_dir, place) = place();
        std::os::unix::fs::symlink("/etc", place.current_link()).unwrap();
        assert!(matches!(place.current(), Err(StoreError::Current { .. })));
    }

    #[test]
    fn going_back_is_one_rename_whatever_was_left_of_an_earlier_try() {
        let (_dir, place) = place();
        for _ in 0..2 {
            place.commit(&work_with_tree(&place), &record(&place)).unwrap();
        }
        std::os::unix::fs::symlink("x", place.work().join("current")).unwrap();
        place.roll_back_to(1).unwrap();
        assert_eq!(place.current().unwrap().unwrap().number, 1);
        assert!(place.generations().join("2/etc").is_dir());
        assert_eq!(place.begin().unwrap().number(), 3, "no number is used twice");
    }
}
