//! The chroot's place before and after the work on it: its lock, what killed runs have left there, and the generations
//! that nobody needs any more. Does not know what the work is.

use std::{
    env,
    io::{self, Write as _},
    path::PathBuf,
    thread,
    time::Duration,
};

use super::{
    BodyError,
    interrupt::{self, Cause},
    process,
};
use crate::{
    config::Config,
    sandbox::Sandbox,
    spec::JobName,
    store::{Attempt, Described, Held, Lock, Place, Retired, Store, User, Work},
};

/// What became of generations that were to be deleted.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    /// Their numbers, and the disk space that each has freed.
    pub(crate) deleted: Vec<(u32, u64)>,
    /// Those that stay for now.
    pub(crate) in_use: Vec<(u32, Vec<User>)>,
}

/// The lock of what a job works on. Waits for it, and says so; unless the command line says not to.
pub(crate) fn lock(config: &Config, job: &JobName) -> Result<Lock, BodyError> {
    match try_lock(config, job)? {
        Attempt::Taken(lock) => Ok(lock),
        Attempt::Held(mut held) if config.no_wait => {
            Err(BodyError::Busy { job: job.clone(), holder: held.holder() })
        }
        Attempt::Held(held) => wait(held, job),
    }
}

/// The same, waiting whatever the command line says: for what is only held for moments.
pub(crate) fn wait_for_lock(config: &Config, job: &JobName) -> Result<Lock, BodyError> {
    match try_lock(config, job)? {
        Attempt::Taken(lock) => Ok(lock),
        Attempt::Held(held) => wait(held, job),
    }
}

/// The same, without waiting.
pub(crate) fn try_lock(config: &Config, job: &JobName) -> Result<Attempt, BodyError> {
    Ok(Store::new(config.state_dir.clone()).lock(&job.to_string())?)
}

fn wait(mut held: Held, job: &JobName) -> Result<Lock, BodyError> {
    let holder = held.holder().map_or_else(|| "another process".to_owned(), |p| p.to_string());
    let what = match job {
        JobName::Archive(_) => "looks what the archive has",
        JobName::CrossTools(_) => "works on these tools",
        _ => "works on this chroot",
    };
    eprintln!("waiting for {holder}, which {what}");
    // That is not the job's own time; and a signal is not to wait with it.
    let _paused = interrupt::pause();
    let lock = held.wait(interrupt::cause)?;
    lock.map_err(BodyError::from)
}

/// Deletes what killed runs have left, with the lock held. If the chroot was being removed, that is finished first: it is
/// going to be made anew.
pub(crate) fn clear_leftovers<R: Described>(
    sandbox: Sandbox,
    place: &Place<R>,
) -> Result<u64, BodyError> {
    let mut freed = 0;
    if place.is_departing() {
        place.depart()?;
        let collected = retire(sandbox, place, place.whole()?)?;
        say_in_use(&collected);
        freed += collected.freed();
        place.begin_anew()?;
    }
    place.sweep()?;
    for leftover in place.leftovers()?.unused {
        // In nobody's way but that of the disk: no reason to leave the chroot as it is.
        match delete(sandbox, place, leftover) {
            Ok(space) => freed += space,
            Err(error) => eprintln!("what an earlier run has left stays for now: {error}"),
        }
    }
    Ok(freed)
}

/// Makes room for work, has it done, and clears up, however it ended.
pub(super) fn in_work_dir<R: Described, T>(
    sandbox: Sandbox,
    place: &Place<R>,
    work_on: impl FnOnce(&Work) -> Result<T, BodyError>,
) -> Result<T, BodyError> {
    let work = place.begin()?;
    let done = work_on(&work);
    if let Some(Cause::Signal(_)) = interrupt::cause() {
        // Nobody may be there to read any more.
        let _ = writeln!(io::stderr(), "interrupted: deleting unfinished work");
    }
    // What stays is in nobody's way but that of the disk, and the next run tries again.
    if let Err(error) = delete(sandbox, place, work.dir().to_owned()) {
        eprintln!("what the work has left stays for now: {error}");
    }
    done
}

/// Deletes older generations than the config wants to be kept, with the lock held, and says which. A failure to is none of
/// the job's: the chroot is as it should be, and the next run or `gc` tries again.
pub(crate) fn collect<R: Described>(config: &Config, sandbox: Sandbox, place: &Place<R>) {
    let superfluous = place.superfluous(config.keep_generations).map_err(BodyError::from);
    match superfluous.and_then(|numbers| retire(sandbox, place, numbers)) {
        Ok(collected) => {
            for (number, _) in &collected.deleted {
                println!("generation {number} is deleted");
            }
            say_in_use(&collected);
        }
        Err(error) => eprintln!("older generations are kept: {error}"),
    }
}

/// Deletes these generations as far as nobody uses them.
pub(crate) fn retire<R: Described>(
    sandbox: Sandbox,
    place: &Place<R>,
    numbers: Vec<u32>,
) -> Result<Collected, BodyError> {
    let mut collected = Collected::default();
    for number in numbers {
        match place.retire(number)? {
            Retired::Aside(tree) => {
                let freed = delete(sandbox, place, tree)?;
                collected.deleted.push((number, freed));
            }
            Retired::InUse(users) => collected.in_use.push((number, users)),
        }
    }
    Ok(collected)
}

/// Deletes a directory of the chroot's where its files belong to root or to this user's subordinate ids; gives the disk
/// space that this has freed.
pub(crate) fn delete<R: Described>(
    sandbox: Sandbox,
    place: &Place<R>,
    path: PathBuf,
) -> Result<u64, BodyError> {
    let path = place.to_work(path)?;
    let what = "deleting what is not needed any more";
    let own = env::current_exe().map_err(|source| BodyError::Start { what, source })?;
    let delete = || {
        let mut command = sandbox.outside(&own);
        command.arg("remove-tree").arg(&path);
        let said = process::clean_up(what, command)?;
        // It is only ever shown.
        Ok(String::from_utf8_lossy(&said).trim().parse().unwrap_or(0))
    };
    // Tools that were killed may take a moment longer to die than their parent, and write a last file meanwhile.
    for _ in 0..3 {
        if let Ok(freed) = delete() {
            return Ok(freed);
        }
        thread::sleep(Duration::from_millis(100));
    }
    delete()
}

impl Collected {
    /// The disk space that all of it has freed.
    pub(crate) fn freed(&self) -> u64 {
        self.deleted.iter().map(|(_, freed)| freed).sum()
    }
}

fn say_in_use(collected: &Collected) {
    for (number, users) in &collected.in_use {
        println!("generation {number} is kept for now: {}", who(users));
    }
}

/// Why it can't be deleted, in words that name the first one at least; first of all what other people's files are in the way.
pub(crate) fn who(users: &[User]) -> String {
    let mounted = users.iter().find(|user| user.is_mounted_in_it());
    let first = mounted.or(users.first()).map(ToString::to_string).unwrap_or_default();
    match users.len().saturating_sub(1) {
        0 => first,
        others => format!("{first}; and {others} more"),
    }
}
