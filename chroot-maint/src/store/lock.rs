//! Locks between runs: a flock, which the kernel drops however its holder ends.
//!
//! Does not know what a lock protects. Who needs several takes them in the order of their names.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    process, thread,
    time::Duration,
};

use nix::{
    errno::Errno,
    fcntl::{Flock, FlockArg},
};

use super::{StoreError, process::Process};

/// How often who waits for a lock looks whether it is free.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Held until dropped. The descriptor is closed on exec, so no child keeps it alive.
#[derive(Debug)]
pub(crate) struct Lock {
    file: Flock<File>,
    path: PathBuf,
}

/// What became of taking a lock at once.
#[derive(Debug)]
pub(crate) enum Attempt {
    Taken(Lock),
    Held(Held),
}

/// A lock that somebody else holds.
#[derive(Debug)]
pub(crate) struct Held {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// Takes the lock if nobody holds it.
    pub(super) fn attempt(path: &Path) -> Result<Attempt, StoreError> {
        let fault = |source| StoreError::Lock { path: path.to_owned(), source };
        loop {
            match Flock::lock(open(path)?, FlockArg::LockExclusiveNonblock) {
                Ok(file) if is_file(&file, path).map_err(fault)? => {
                    return Ok(Attempt::Taken(Self::named(file, path)));
                }
                // Deleted just now.
                Ok(_) => {}
                Err((file, Errno::EWOULDBLOCK)) => {
                    return Ok(Attempt::Held(Held { file, path: path.to_owned() }));
                }
                Err((_, errno)) => return Err(fault(errno.into())),
            }
        }
    }

    fn named(mut file: Flock<File>, path: &Path) -> Self {
        // Only ever shown: on a full disk, the lock is as good without it.
        let _ = name_holder(&mut file);
        Self { file, path: path.to_owned() }
    }

    /// Deletes the file as well, of a lock that nothing is left to protect for. Those who wait for it will notice, and begin
    /// again with a new one.
    pub(crate) fn delete(self) -> Result<(), StoreError> {
        let fault = |source| StoreError::Delete { path: self.path.clone(), source };
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(fault(error)),
            _ => {
                drop(self.file);
                Ok(())
            }
        }
    }
}

impl Held {
    /// Who holds it, as far as that can be known.
    pub(crate) fn holder(&mut self) -> Option<Process> {
        let mut text = String::new();
        self.file.rewind().ok()?;
        self.file.read_to_string(&mut text).ok()?;
        let pid = text.trim().parse().ok()?;
        // The number may be that of a process long gone: then the holder has not written its own yet.
        Path::new("/proc").join(text.trim()).exists().then(|| Process::with_words(pid))
    }

    /// Waits until it is free, and takes it; or gives the reason that there is before that to `give_up`, for which is asked
    /// again and again: whoever waits in the kernel hears of nothing else.
    pub(crate) fn wait<R>(
        self,
        give_up: impl Fn() -> Option<R>,
    ) -> Result<Result<Lock, R>, StoreError> {
        loop {
            if let Some(reason) = give_up() {
                return Ok(Err(reason));
            }
            // By its name: it may have been deleted meanwhile, and whoever comes now locks another file.
            if let Attempt::Taken(lock) = Lock::attempt(&self.path)? {
                return Ok(Ok(lock));
            }
            thread::sleep(LOOK_AGAIN);
        }
    }
}

fn open(path: &Path) -> Result<File, StoreError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    // Whoever can open it can lock it.
    let file = options.mode(0o600).open(path);
    file.map_err(|source| StoreError::Create { path: path.to_owned(), source })
}

/// Whether this is still the file of that name.
fn is_file(file: &File, path: &Path) -> io::Result<bool> {
    let own = file.metadata()?;
    match fs::metadata(path) {
        Ok(named) => Ok((named.dev(), named.ino()) == (own.dev(), own.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn name_holder(file: &mut File) -> io::Result<()> {
    file.rewind()?;
    file.set_len(0)?;
    writeln!(file, "{}", process::id())
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt, path::Path, process, sync::mpsc, thread};

    use super::{Attempt, Held, Lock};

    fn take(path: &Path) -> Lock {
        match Lock::attempt(path).unwrap() {
            Attempt::Taken(lock) => lock,
            Attempt::Held(_) => panic!("somebody holds it"),
        }
    }

    fn held(path: &Path) -> Held {
        match Lock::attempt(path).unwrap() {
            Attempt::Taken(_) => panic!("nobody holds it"),
            Attempt::Held(held) => held,
        }
    }

    #[test]
    fn the_second_to_come_is_told_who_holds_it_and_may_wait() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("chroot.x");
        let first = take(&path);
        let mut second = held(&path);
        let holder = second.holder().unwrap().to_string();
        assert!(holder.starts_with(&format!("process {} (", process::id())), "{holder}");
        let (done, is_done) = mpsc::channel();
        let waiting = thread::spawn(move || {
            let lock = second.wait(|| None::<()>).unwrap().unwrap();
            done.send(()).unwrap();
            drop(lock);
        });
        assert_eq!(is_done.try_recv(), Err(mpsc::TryRecvError::Empty));
        drop(first);
        is_done.recv().unwrap();
        waiting.join().unwrap();
        take(&path);
    }

    #[test]
    fn who_waits_may_give_up() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("chroot.x");
        let _first = take(&path);
        assert_eq!(held(&path).wait(|| Some("why")).unwrap().unwrap_err(), "why");
    }

    #[test]
    fn a_number_that_no_process_has_is_nobodys() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("chroot.x");
        let _lock = take(&path);
        fs::write(&path, "4194305\n").unwrap();
        assert_eq!(held(&path).holder(), None);
    }

    #[test]
    fn who_waits_for_a_lock_that_is_deleted_and_who_comes_later_exclude_each_other() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("chroot.x");
        let first = take(&path);
        let waits = held(&path);
        first.delete().unwrap();
        assert!(!path.exists());
        let late = take(&path);
        let (done, is_done) = mpsc::channel();
        let waiting = thread::spawn(move || {
            let lock = waits.wait(|| None::<()>).unwrap().unwrap();
            done.send(()).unwrap();
            lock
        });
        assert_eq!(is_done.try_recv(), Err(mpsc::TryRecvError::Empty));
        drop(late);
        is_done.recv().unwrap();
        let _lock = waiting.join().unwrap();
        held(&path);
    }

    #[test]
    fn others_can_not_hold_a_lock_up() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("chroot.x");
        let _lock = take(&path);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_disk_without_room_for_the_holder_is_no_obstacle() {
        // A file that can't be written to.
        take(Path::new("/dev/full"));
    }
}
