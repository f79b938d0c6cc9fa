//! A chroot that is given up as a whole, in steps of which each may be the last one for now: whoever finds the mark goes on.
//!
//! With the mark there is no current generation, whatever the link says. Does not delete trees.

use std::{fs, io, path::PathBuf};

use super::{Described, Place, StoreError, durable};

impl<R: Described> Place<R> {
    /// Whether there is anything here at all.
    pub(crate) fn exists(&self) -> bool {
        self.dir.is_dir()
    }

    /// Whether it was to be removed, and something was left to do.
    pub(crate) fn is_departing(&self) -> bool {
        self.mark().exists()
    }

    /// The first step: from here on, it is not in use, and everything in it is to go.
    pub(crate) fn depart(&self) -> Result<(), StoreError> {
        if !self.is_departing() {
            durable::write(&self.mark(), b"")?;
            durable::sync_dir(&self.dir)?;
        }
        durable::remove(&self.current_link())?;
        durable::sync_dir(&self.dir)
    }

    /// The end of it where the chroot is to be made anew: nothing is known of it but what is still in use.
    pub(crate) fn begin_anew(&self) -> Result<(), StoreError> {
        self.forget()?;
        durable::remove(&self.mark())
    }

    /// The end of it otherwise: no directory remains. Trees that are left are an error.
    pub(crate) fn erase(&self) -> Result<(), StoreError> {
        self.forget()?;
        // Only then the mark: what lies in these directories would be nobody's without.
        for dir in [self.generations(), self.work()] {
            remove_dir(dir)?;
        }
        durable::remove(&self.mark())?;
        for path in super::list(&self.dir)? {
            durable::remove(&path)?;
        }
        remove_dir(self.dir.clone())
    }

    /// Deletes every file that is about the generations.
    fn forget(&self) -> Result<(), StoreError> {
        for path in super::list(&self.dir)? {
            if path != self.mark() && !path.is_dir() {
                durable::remove(&path)?;
            }
        }
        durable::sync_dir(&self.dir)
    }

    fn mark(&self) -> PathBuf {
        self.dir.join("removed")
    }
}

fn remove_dir(dir: PathBuf) -> Result<(), StoreError> {
    match fs::remove_dir(&dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(StoreError::Delete { path: dir, source: error })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::store::{
        Retired, Stamp, remove_tree,
        testing::{commit, place},
    };

    #[test]
    fn from_the_first_step_on_nothing_is_in_use() {
        let (_dir, place) = place();
        commit(&place);
        fs::write(place.dir.join("removed"), "").unwrap();
        assert!(place.is_departing());
        assert!(place.current().unwrap().is_none(), "the link is there, and doesn't count");
        place.depart().unwrap();
        assert!(!place.current_link().is_symlink());
        place.depart().unwrap();
    }

    #[test]
    fn what_is_erased_leaves_no_trace_and_trees_are_not_erased() {
        let (_dir, place) = place();
        commit(&place);
        place.depart().unwrap();
        assert!(place.erase().is_err());
        assert!(place.is_departing(), "a later run goes on");
        let Retired::Aside(aside) = place.retire(1).unwrap() else { panic!("nobody uses it") };
        remove_tree(&aside).unwrap();
        place.erase().unwrap();
        assert!(!place.exists());
    }

    #[test]
    fn who_begins_anew_finds_nothing_of_before() {
        let (_dir, place) = place();
        commit(&place);
        let stamp = Stamp { generation: 1, at: 7, indexes: None, recipe: None, tools: None };
        place.put_stamp(&stamp).unwrap();
        place.depart().unwrap();
        place.begin_anew().unwrap();
        assert!(!place.is_departing());
        assert_eq!((place.stamp(1), place.current_number().unwrap()), (None, None));
        assert_eq!(commit(&place).number, 2);
    }
}
