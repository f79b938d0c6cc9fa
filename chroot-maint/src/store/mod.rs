//! The state directory: generations of chroots, their records, locks, and what killed runs left.
//!
//! ```text
//! STATE/locks/chroot.DIST-ARCH        flock; holds the number of the process that has it
//! STATE/log/                          logs of jobs
//! STATE/chroots/DIST-ARCH/current     -> gen/3
//! STATE/chroots/DIST-ARCH/gen/3/      a tree, never changed once it is there
//! STATE/chroots/DIST-ARCH/gen/3.json  its record
//! STATE/chroots/DIST-ARCH/checked.json when it was last found to be as it should be
//! STATE/chroots/DIST-ARCH/outcome.json what came of the last work on it
//! STATE/chroots/DIST-ARCH/work/       unfinished; nothing in it counts
//! ```
//! What `current` points at is the chroot, and nothing else is: so a kill at any point leaves
//! either the old chroot or the new one. Knows nothing of apt, nor of user namespaces.

mod commit;
mod durable;
mod error;
mod generation;
mod lock;
mod look;
mod mounts;
mod outcome;
mod remove;
mod stamp;

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

pub(crate) use commit::Work;
pub(crate) use error::StoreError;
pub(crate) use generation::{Generation, Package, Record};
pub(crate) use lock::Lock;
pub(crate) use look::Holder;
pub(crate) use outcome::{Action, Outcome, OutcomeFailure};
pub(crate) use remove::remove_tree;
pub(crate) use stamp::Stamp;

use crate::spec::ChrootId;

/// A state directory; making one touches nothing.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    root: PathBuf,
}

/// The part of a store that belongs to one chroot.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    id: ChrootId,
    dir: PathBuf,
}

impl Store {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// Where jobs log.
    pub(crate) fn log_dir(&self) -> PathBuf {
        self.root.join("log")
    }

    /// Where it is kept how long each job takes.
    pub(crate) fn history(&self) -> PathBuf {
        self.root.join("history")
    }

    pub(crate) fn place(&self, id: &ChrootId) -> Place {
        Place { id: id.clone(), dir: self.root.join("chroots").join(id.to_string()) }
    }

    /// Waits for the lock of this name; `waiting` is told who holds it, if anybody does.
    pub(crate) fn lock(
        &self,
        name: &str,
        waiting: impl FnOnce(Option<u32>),
    ) -> Result<Lock, StoreError> {
        let dir = self.root.join("locks");
        make_dir(&dir, 0o700)?;
        Lock::acquire(&dir.join(name), waiting)
    }

    /// Makes the directories of a chroot. Finished trees are for their owner alone: their setuid programs
    /// age, and must not be within reach of everybody. Unfinished ones must be, for apt downloads as
    /// another user than root.
    pub(crate) fn prepare(&self, id: &ChrootId) -> Result<Place, StoreError> {
        let place = self.place(id);
        make_dir(&place.generations(), 0o700)?;
        make_dir(&place.work(), 0o755)?;
        Ok(place)
    }
}

impl Place {
    /// The generation in use, if there is one. Takes no lock: a commit is one rename.
    pub(crate) fn current(&self) -> Result<Option<Generation>, StoreError> {
        let link = self.current_link();
        let target = match fs::read_link(&link) {
            Ok(target) => target,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(StoreError::Read { path: link, source }),
        };
        let number = target
            .strip_prefix("gen")
            .ok()
            .and_then(|number| number.to_str()?.parse().ok())
            .ok_or(StoreError::Current { link, target })?;
        Generation::read(&self.generations(), number).map(Some)
    }

    /// What earlier runs left unfinished. Only while the chroot's lock is held does nobody work on it.
    pub(crate) fn leftovers(&self) -> Result<Vec<PathBuf>, StoreError> {
        let mut leftovers = list(&self.work())?;
        let current = self.current()?.map_or(0, |generation| generation.number);
        for path in list(&self.generations())? {
            let is_unborn = generation::number_of(&path)
                .is_some_and(|number| number > current && !generation::is_whole(&path));
            if is_unborn {
                leftovers.push(path);
            }
        }
        Ok(leftovers)
    }

    fn generations(&self) -> PathBuf {
        self.dir.join("gen")
    }

    fn work(&self) -> PathBuf {
        self.dir.join("work")
    }

    fn current_link(&self) -> PathBuf {
        self.dir.join("current")
    }
}

fn make_dir(path: &Path, mode: u32) -> Result<(), StoreError> {
    if path.is_dir() {
        return Ok(());
    }
    let create = |path: &Path, mode| DirBuilder::new().recursive(true).mode(mode).create(path);
    let parent = path.parent().map_or(Ok(()), |parent| create(parent, 0o755));
    parent
        .and_then(|()| create(path, mode))
        .map_err(|source| StoreError::Create { path: path.to_owned(), source })
}

fn list(dir: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let read = |source| StoreError::Read { path: dir.to_owned(), source };
    let mut paths = fs::read_dir(dir)
        .map_err(read)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()
        .map_err(read)?;
    paths.sort();
    Ok(paths)
}
