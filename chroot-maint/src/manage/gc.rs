//! `chroot-maint gc`: whatever nothing uses any more is deleted, chroot by chroot, and then what they share. Waits for
//! nobody: what is being worked on is left alone.

use std::{
    cell::OnceCell,
    fmt::Display,
    fs, io,
    process::ExitCode,
    time::{Duration, SystemTime},
};

use super::{ManageError, logs, remove, words};
use crate::{
    archive::{ArchiveState, DebCache},
    body::{BodyError, settle, upkeep},
    cli::Options,
    config::Config,
    error::Error,
    sandbox::Sandbox,
    spec::{ArchiveId, ChrootId, JobName, Size},
    store::{Attempt, Lock, Place, Store},
};

/// What an archive had is kept for so long after nobody looks there any more: until then the config may want it again.
const ARCHIVE_MAX_AGE: Duration = DebCache::MAX_AGE;

/// The exit status where something could not be done.
const FAILED: u8 = 2;

pub(crate) fn gc(config: &Config, options: &Options) -> Result<ExitCode, Error> {
    settle().map_err(BodyError::Settle)?;
    let mut run = Run {
        config,
        store: Store::new(config.state_dir.clone()),
        is_dry: options.dry_run,
        is_silent: options.silent || options.quiet,
        sandbox: OnceCell::new(),
        freed: 0,
        has_failed: false,
    };
    run.all()?;
    if !run.is_silent {
        let freed = Size(run.freed);
        match (run.freed, run.is_dry) {
            (0, true) => println!("there is nothing else to free"),
            (0, false) => println!("there is nothing to free"),
            (_, true) => println!("{freed} would be freed"),
            (_, false) => println!("{freed} freed"),
        }
    }
    Ok(if run.has_failed { ExitCode::from(FAILED) } else { ExitCode::SUCCESS })
}

struct Run<'a> {
    config: &'a Config,
    store: Store,
    is_dry: bool,
    is_silent: bool,
    /// Only opened if there is something to delete in it.
    sandbox: OnceCell<Sandbox>,
    freed: u64,
    has_failed: bool,
}

impl Run<'_> {
    fn all(&mut self) -> Result<(), ManageError> {
        for id in self.store.chroots()? {
            let done = self.chroot(&id);
            self.unless_failed(&id, done);
        }
        for id in ArchiveState::all(&self.config.state_dir)? {
            let done = self.archive(&id);
            self.unless_failed(format!("archive {id}"), done);
        }
        let done = self.packages();
        self.unless_failed("packages", done);
        let done = self.logs();
        self.unless_failed("logs", done);
        if !self.is_dry {
            let done = self.locks();
            self.unless_failed("locks", done);
        }
        Ok(())
    }

    fn chroot(&mut self, id: &ChrootId) -> Result<(), ManageError> {
        let Some(lock) = self.lock(id, &JobName::Chroot(id.clone()))? else {
            return Ok(());
        };
        let place = self.store.place(id);
        if !place.exists() {
            // Removed just now; `locks` will see to the lock.
            return Ok(());
        }
        let is_configured = self.config.chroots.contains_key(id);
        let is_empty = place.whole()?.is_empty() && place.current_number()?.is_none();
        if place.is_departing() || !is_configured && is_empty {
            return self.departing(id, &place, lock);
        }
        if self.is_dry {
            self.foretell(id, &place, place.superfluous(self.config.keep_generations)?)?;
            self.say_if_unknown(id, is_configured);
            return Ok(());
        }
        place.sweep()?;
        let leftovers = place.leftovers()?;
        if !leftovers.unused.is_empty() {
            let mut freed = 0;
            for leftover in leftovers.unused {
                match upkeep::delete(self.sandbox()?, &place, leftover) {
                    Ok(space) => freed += space,
                    Err(error) => self.unless_failed(id, Err(error.into())),
                }
            }
            if freed > 0 {
                self.say_freed(id, "what killed runs have left", freed);
            }
        }
        for (path, users) in leftovers.in_use {
            self.say(id, format!("{} is kept: {}", path.display(), upkeep::who(&users)));
        }
        let superfluous = place.superfluous(self.config.keep_generations)?;
        if !superfluous.is_empty() {
            let collected = upkeep::retire(self.sandbox()?, &place, superfluous)?;
            if !collected.deleted.is_empty() {
                let numbers: Vec<u32> =
                    collected.deleted.iter().map(|(number, _)| *number).collect();
                self.say_freed(id, words::generations(&numbers), collected.freed());
            }
            for (number, users) in collected.in_use {
                self.say(id, format!("generation {number} is kept: {}", upkeep::who(&users)));
            }
        }
        self.say_if_unknown(id, is_configured);
        Ok(())
    }

    /// One whose removal was not finished, or of which no more than traces are left.
    fn departing(&mut self, id: &ChrootId, place: &Place, lock: Lock) -> Result<(), ManageError> {
        if self.is_dry {
            self.say(id, "its removal would be finished");
            return self.foretell(id, place, place.whole()?);
        }
        let removed = remove::finish(self.config, self.sandbox()?, id, place, lock)?;
        if removed.freed > 0 || removed.in_use.is_empty() {
            self.say_freed(id, "what was left of it", removed.freed);
        }
        for (what, users) in removed.in_use {
            self.say(id, format!("{what} is kept: {}", upkeep::who(&users)));
        }
        Ok(())
    }

    /// What would become of these generations, and that there is more.
    fn foretell(
        &mut self,
        id: &ChrootId,
        place: &Place,
        numbers: Vec<u32>,
    ) -> Result<(), ManageError> {
        let leftovers = place.leftovers()?.unused;
        if !leftovers.is_empty() {
            self.say(id, "what killed runs have left would be deleted");
        }
        for number in numbers {
            let users = place.users(number)?;
            if users.is_empty() {
                let size = place.generation(number).map_or(0, |found| found.record.size);
                self.say_freed(id, words::generations(&[number]), size);
            } else {
                self.say(id, format!("generation {number} would be kept: {}", upkeep::who(&users)));
            }
        }
        Ok(())
    }

    fn archive(&mut self, id: &ArchiveId) -> Result<(), ManageError> {
        let name = format!("archive {id}");
        let Some(lock) = self.lock(&name, &JobName::Archive(id.clone()))? else {
            return Ok(());
        };
        let state = ArchiveState::new(&self.config.state_dir, id);
        let mut chroots = self.config.chroots.values();
        let is_wanted = chroots.any(|chroot| ArchiveId::all_of(&chroot.recipe).contains_key(id));
        if !is_wanted && state.age().is_none_or(|age| age > ARCHIVE_MAX_AGE) {
            let size = state.size();
            if !self.is_dry {
                state.erase()?;
                lock.delete()?;
            }
            self.say_freed(&name, "the lists of an archive that nothing in the config uses", size);
        } else if let Some(size) = state.unfinished() {
            if !self.is_dry {
                state.clear_unfinished()?;
            }
            self.say_freed(&name, "lists that a killed run has left", size);
        }
        Ok(())
    }

    fn packages(&mut self) -> Result<(), ManageError> {
        let cache = DebCache::new(&self.config.state_dir);
        let swept = cache.sweep(DebCache::MAX_AGE, self.is_dry)?;
        if swept.files > 0 {
            let days = DebCache::MAX_AGE.as_secs() / 86_400;
            let what = format!("{} that no chroot wanted for {days} days", swept.files);
            self.say_freed("packages", what, swept.bytes);
        }
        Ok(())
    }

    fn logs(&mut self) -> Result<(), ManageError> {
        let (mut count, mut freed) = (0, 0);
        for log in logs::superfluous(&self.store.log_dir(), SystemTime::now())? {
            match if self.is_dry { Ok(()) } else { fs::remove_file(&log.path) } {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(ManageError::Delete { path: log.path, source });
                }
                _ => {}
            }
            count += 1;
            freed += log.size;
        }
        if count > 0 {
            self.say_freed("logs", format!("{count} old ones"), freed);
        }
        Ok(())
    }

    /// Locks of what is not there any more, and that nobody is about to make.
    fn locks(&mut self) -> Result<(), ManageError> {
        for name in self.store.lock_names()? {
            let is_for = |job: &JobName| match job {
                JobName::Chroot(id) => self.store.place(id).exists(),
                JobName::Archive(id) => ArchiveState::new(&self.config.state_dir, id).exists(),
                _ => true,
            };
            let Some(job) = JobName::parse(&name).ok().filter(|job| !is_for(job)) else {
                continue;
            };
            if let Attempt::Taken(lock) = upkeep::try_lock(self.config, &job)? {
                if !is_for(&job) {
                    lock.delete()?;
                }
            }
        }
        Ok(())
    }

    /// The lock, unless somebody else has it.
    fn lock(&mut self, what: impl Display, job: &JobName) -> Result<Option<Lock>, ManageError> {
        match upkeep::try_lock(self.config, job)? {
            Attempt::Taken(lock) => Ok(Some(lock)),
            Attempt::Held(mut held) => {
                let holder = held.holder();
                let holder = holder.map_or_else(|| "another process".to_owned(), |p| p.to_string());
                self.say(what, format!("left alone, for {holder} works on it"));
                Ok(None)
            }
        }
    }

    fn sandbox(&self) -> Result<Sandbox, ManageError> {
        if let Some(sandbox) = self.sandbox.get() {
            return Ok(*sandbox);
        }
        let sandbox = Sandbox::open()?;
        Ok(*self.sandbox.get_or_init(|| sandbox))
    }

    fn say(&self, what: impl Display, text: impl Display) {
        if !self.is_silent {
            println!("{what}: {text}");
        }
    }

    fn say_freed(&mut self, what: impl Display, deleted: impl Display, freed: u64) {
        self.freed += freed;
        let would = if self.is_dry { "would delete" } else { "deleted" };
        self.say(what, format!("{would} {deleted} ({})", Size(freed)));
    }

    fn say_if_unknown(&self, id: &ChrootId, is_configured: bool) {
        if !is_configured {
            self.say(id, format!("not in the config; to delete it: chroot-maint remove {id}"));
        }
    }

    /// What goes wrong with one thing keeps nobody from the others.
    fn unless_failed(&mut self, what: impl Display, done: Result<(), ManageError>) {
        if let Err(error) = done {
            eprintln!("chroot-maint: {what}: {error}");
            self.has_failed = true;
        }
    }
}
