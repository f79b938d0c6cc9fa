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
//! STATE/chroots/DIST-ARCH/outputs.json what was handed out of it, and where to
//! STATE/chroots/DIST-ARCH/work/       unfinished, or on its way out; nothing in it counts
//! STATE/chroots/DIST-ARCH/removed     while it is being removed: nothing else here counts
//! STATE/cross-tools/DIST-ARCH/        the same for the tools of a foreign chroot
//! ```
//! What `current` points at is the chroot, and nothing else is: so a kill at any point leaves
//! either the old chroot or the new one. Knows nothing of apt, nor of user namespaces.

mod changes;
mod commit;
mod departure;
pub(crate) mod durable;
mod error;
mod generation;
mod handed_out;
mod lock;
mod look;
mod mounts;
mod outcome;
mod process;
mod remove;
mod retire;
mod stamp;
#[cfg(test)]
mod testing;
mod tools;
mod users;

use std::{
    fs::{self, DirBuilder},
    io,
    marker::PhantomData,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

pub(crate) use changes::Changes;
pub(crate) use commit::Work;
pub(crate) use error::StoreError;
pub(crate) use generation::{Described, Generation, Package, Record};
pub(crate) use handed_out::{HandedOut, SchrootEntry, Tarball};
pub(crate) use lock::{Attempt, Held, Lock};
pub(crate) use look::Holder;
pub(crate) use outcome::{Action, Outcome};
pub(crate) use process::Process;
pub(crate) use remove::remove_tree;
pub(crate) use retire::Retired;
pub(crate) use stamp::Stamp;
pub(crate) use tools::{ToolsRecipe, ToolsRecord, Unmet};
pub(crate) use users::User;

use crate::spec::ChrootId;

/// The directories that places are in.
const CHROOTS: &str = "chroots";
const TOOLS: &str = "cross-tools";

/// A state directory; making one touches nothing.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    root: PathBuf,
}

/// The part of a store that belongs to one chroot, or to the tools for it.
#[derive(Debug, Clone)]
pub(crate) struct Place<R = Record> {
    id: ChrootId,
    dir: PathBuf,
    record: PhantomData<R>,
}

/// What killed runs have left of a chroot.
#[derive(Debug, Default)]
pub(crate) struct Leftovers {
    pub(crate) unused: Vec<PathBuf>,
    /// Trees that were in use once, and are again.
    pub(crate) in_use: Vec<(PathBuf, Vec<User>)>,
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
        self.place_in(CHROOTS, id)
    }

    /// The same, with its directories made.
    pub(crate) fn prepare(&self, id: &ChrootId) -> Result<Place, StoreError> {
        let place = self.place(id);
        place.make_dirs()?;
        Ok(place)
    }

    /// Where the tools for a chroot are.
    pub(crate) fn tools(&self, id: &ChrootId) -> Place<ToolsRecord> {
        self.place_in(TOOLS, id)
    }

    fn place_in<R>(&self, kind: &str, id: &ChrootId) -> Place<R> {
        let dir = self.root.join(kind).join(id.to_string());
        Place { id: id.clone(), dir, record: PhantomData }
    }

    /// Takes the lock of this name if nobody holds it.
    pub(crate) fn lock(&self, name: &str) -> Result<Attempt, StoreError> {
        let dir = self.locks();
        make_dir(&dir, 0o700)?;
        Lock::attempt(&dir.join(name))
    }

    /// The names of all locks that anybody has ever taken, sorted.
    pub(crate) fn lock_names(&self) -> Result<Vec<String>, StoreError> {
        names_in(&self.locks())
    }

    /// The chroots that there are, or of which anything is left, sorted by name.
    pub(crate) fn chroots(&self) -> Result<Vec<ChrootId>, StoreError> {
        self.ids_in(CHROOTS)
    }

    /// The chroots that there are tools for, sorted by name.
    pub(crate) fn all_tools(&self) -> Result<Vec<ChrootId>, StoreError> {
        self.ids_in(TOOLS)
    }

    fn ids_in(&self, kind: &str) -> Result<Vec<ChrootId>, StoreError> {
        let names = names_in(&self.root.join(kind))?;
        let mut ids: Vec<ChrootId> =
            names.iter().filter_map(|name| ChrootId::parse(name).ok()).collect();
        ids.sort();
        Ok(ids)
    }

    fn locks(&self) -> PathBuf {
        self.root.join("locks")
    }
}

impl<R: Described> Place<R> {
    /// Finished trees are for their owner alone: their setuid programs
    /// age, and must not be within reach of everybody. Unfinished ones must be, for apt downloads as
    /// another user than root.
    pub(crate) fn make_dirs(&self) -> Result<(), StoreError> {
        make_dir(&self.generations(), 0o700)?;
        make_dir(&self.work(), 0o755)
    }

    /// The generation in use, if there is one. Takes no lock: a commit is one rename.
    pub(crate) fn current(&self) -> Result<Option<Generation<R>>, StoreError> {
        self.current_number()?
            .map(|number| Generation::read(&self.generations(), number))
            .transpose()
    }

    /// The number of the generation in use, whether or not that is whole.
    pub(crate) fn current_number(&self) -> Result<Option<u32>, StoreError> {
        let link = self.current_link();
        let target = match fs::read_link(&link) {
            Ok(target) => target,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(StoreError::Read { path: link, source }),
        };
        if self.is_departing() {
            return Ok(None);
        }
        let number = target
            .strip_prefix("gen")
            .ok()
            .and_then(|number| number.to_str()?.parse().ok())
            .ok_or(StoreError::Current { link, target })?;
        Ok(Some(number))
    }

    /// What earlier runs left unfinished. Only while the chroot's lock is held does nobody work on it.
    pub(crate) fn leftovers(&self) -> Result<Leftovers, StoreError> {
        let mut leftovers = Leftovers::default();
        if !self.exists() {
            return Ok(leftovers);
        }
        for path in list(&self.work())? {
            let users = self.late_users(&path)?;
            if users.is_empty() {
                leftovers.unused.push(path);
            } else {
                leftovers.in_use.push((path, users));
            }
        }
        let current = self.current_number()?;
        for path in list(&self.generations())? {
            // What is wrong with the generation in use is for people to decide.
            let is_half = generation::number_of(&path)
                .is_some_and(|number| Some(number) != current && !generation::is_whole(&path));
            if !is_half {
                continue;
            }
            let users = if path.is_dir() { retire::users_of(&path, &path)? } else { Vec::new() };
            if users.is_empty() {
                leftovers.unused.push(path);
            } else {
                leftovers.in_use.push((path, users));
            }
        }
        Ok(leftovers)
    }

    /// Deletes files that killed processes were about to put in the place of others; gives how many there were.
    pub(crate) fn sweep(&self) -> Result<usize, StoreError> {
        durable::sweep(&self.dir)
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

/// The paths in a directory, sorted; none if it is not there.
fn list(dir: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let read = |source| StoreError::Read { path: dir.to_owned(), source };
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(read)?,
    };
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()
        .map_err(read)?;
    paths.sort();
    Ok(paths)
}

/// The names in a directory, sorted; those that are not text are nobody's.
fn names_in(dir: &Path) -> Result<Vec<String>, StoreError> {
    let name = |path: PathBuf| path.file_name()?.to_str().map(str::to_owned);
    Ok(list(dir)?.into_iter().filter_map(name).collect())
}
