//! `chroot-maint gc`: whatever nothing uses any more is deleted, chroot by chroot, then the tools for them, and then what they
//! share. Waits for nobody: what is being worked on is left alone.

mod places;

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
    spec::{ArchiveId, JobName, Size},
    store::{Attempt, Lock, Store},
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
        // After the chroots, for what is not there any more needs none.
        for id in self.store.all_tools()? {
            let done = self.tools(&id);
            self.unless_failed(JobName::CrossTools(id), done);
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
                JobName::CrossTools(id) => self.store.tools(id).exists(),
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

    /// What goes wrong with one thing keeps nobody from the others.
    fn unless_failed(&mut self, what: impl Display, done: Result<(), ManageError>) {
        if let Err(error) = done {
            eprintln!("chroot-maint: {what}: {error}");
            self.has_failed = true;
        }
    }
}
