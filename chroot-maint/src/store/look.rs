//! What a report says about a chroot's place: read without waiting for anybody, and without keeping anybody waiting.
//!
//! Nothing here fails for the sake of one broken record, for a report is wanted most when something is broken. Changes
//! nothing.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use nix::{
    errno::Errno,
    fcntl::{Flock, FlockArg},
};

use super::{Described, Place, Store, StoreError, generation};

/// Who holds a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Holder {
    /// Its number, as far as it could write that down.
    pub(crate) process: Option<u32>,
}

impl Store {
    /// Who holds the lock of this name, if anybody does. It is shared for an instant to find that out.
    pub(crate) fn holder(&self, name: &str) -> Result<Option<Holder>, StoreError> {
        let path = self.root.join("locks").join(name);
        let open = or_nothing(File::open(&path))
            .map_err(|source| StoreError::Read { path: path.clone(), source })?;
        let Some(file) = open else { return Ok(None) };
        match Flock::lock(file, FlockArg::LockSharedNonblock) {
            Ok(_) => Ok(None),
            Err((mut file, Errno::EWOULDBLOCK)) => {
                let mut text = String::new();
                let read = file.read_to_string(&mut text);
                let process = read.ok().and_then(|_| text.trim().parse().ok());
                Ok(Some(Holder { process }))
            }
            Err((_, errno)) => Err(StoreError::Lock { path, source: errno.into() }),
        }
    }
}

impl<R: Described> Place<R> {
    /// What somebody works on, or has been killed over: work directories, and halves of generations.
    pub(crate) fn unfinished(&self) -> Result<Vec<PathBuf>, StoreError> {
        let mut unfinished = entries(&self.work())?;
        let current = self.current_number().ok().flatten();
        for path in entries(&self.generations())? {
            let number = generation::number_of(&path);
            if number.is_some() && number != current && !generation::is_whole(&path) {
                unfinished.push(path);
            }
        }
        unfinished.sort();
        Ok(unfinished)
    }
}

/// What is in a directory, if there is one.
fn entries(dir: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let read = || -> io::Result<Vec<PathBuf>> {
        let entries = or_nothing(fs::read_dir(dir))?.into_iter().flatten();
        entries.map(|entry| entry.map(|entry| entry.path())).collect()
    };
    read().map_err(|source| StoreError::Read { path: dir.to_owned(), source })
}

fn or_nothing<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink, process};

    use super::{Holder, Place, Store};
    use crate::{spec::ChrootId, store::Attempt};

    fn id() -> ChrootId {
        ChrootId::parse("trixie-amd64").unwrap()
    }

    fn generation(place: &Place, number: u32) {
        fs::create_dir(place.generations().join(number.to_string())).unwrap();
        fs::write(place.generations().join(format!("{number}.json")), "{").unwrap();
    }

    #[test]
    fn nothing_is_found_where_nothing_is() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path().join("state"));
        assert_eq!(store.chroots().unwrap(), []);
        assert_eq!(store.holder("chroot.x").unwrap(), None);
        let place = store.place(&id());
        assert_eq!(place.whole().unwrap().len(), 0);
        assert_eq!((place.unfinished().unwrap().len(), place.current_number().unwrap()), (0, None));
        assert!(!dir.path().join("state").exists(), "a look makes nothing");
    }

    #[test]
    fn chroots_are_found_by_their_directories_and_other_things_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["trixie-arm64", "trixie-amd64", "lost+found", "x"] {
            fs::create_dir_all(dir.path().join("chroots").join(name)).unwrap();
        }
        let found = Store::new(dir.path().to_owned()).chroots().unwrap();
        let names: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(names, ["trixie-amd64", "trixie-arm64"]);
    }

    #[test]
    fn a_lock_has_a_holder_until_it_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path().to_owned());
        let Attempt::Taken(lock) = store.lock("chroot.x").unwrap() else { panic!("it is held") };
        let this = Holder { process: Some(process::id()) };
        assert_eq!(store.holder("chroot.x").unwrap(), Some(this));
        drop(lock);
        assert_eq!(store.holder("chroot.x").unwrap(), None);
    }

    #[test]
    fn halves_of_generations_and_work_directories_are_unfinished() {
        let dir = tempfile::tempdir().unwrap();
        let place = Store::new(dir.path().to_owned()).prepare(&id()).unwrap();
        generation(&place, 10);
        generation(&place, 2);
        symlink("gen/2", place.current_link()).unwrap();
        assert_eq!(place.whole().unwrap(), [2, 10]);
        assert_eq!(place.current_number().unwrap(), Some(2));
        assert_eq!(place.unfinished().unwrap().len(), 0);
        fs::create_dir(place.generations().join("11")).unwrap();
        fs::write(place.generations().join("1.json"), "{}").unwrap();
        fs::create_dir(place.work().join("12.x")).unwrap();
        assert_eq!(place.unfinished().unwrap().len(), 3);
        assert_eq!(place.whole().unwrap(), [2, 10]);
    }
}
