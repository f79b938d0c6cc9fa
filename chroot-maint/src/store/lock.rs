//! Locks between runs: a flock, which the kernel drops however its holder ends.
//!
//! Does not know what a lock protects. Who needs several takes them in the order of their names.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    process,
};

use nix::{
    errno::Errno,
    fcntl::{Flock, FlockArg},
};

use super::StoreError;

/// Held until dropped. The descriptor is closed on exec, so no child keeps it alive.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: Flock<File>,
}

impl Lock {
    /// Takes the lock, or waits for it after telling `waiting` the process that holds it, as far as known.
    pub(super) fn acquire(
        path: &Path,
        waiting: impl FnOnce(Option<u32>),
    ) -> Result<Self, StoreError> {
        let fault = |source| StoreError::Lock { path: path.to_owned(), source };
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            // Whoever can open it can lock it.
            .mode(0o600)
            .open(path)
            .map_err(|source| StoreError::Create { path: path.to_owned(), source })?;
        let mut locked = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(locked) => locked,
            Err((mut file, Errno::EWOULDBLOCK)) => {
                waiting(holder(&mut file));
                wait(file).map_err(fault)?
            }
            Err((_, errno)) => return Err(fault(errno.into())),
        };
        // Only ever shown: on a full disk, the lock is as good without it.
        let _ = name_holder(&mut locked);
        Ok(Self { _file: locked })
    }
}

fn wait(mut file: File) -> io::Result<Flock<File>> {
    loop {
        match Flock::lock(file, FlockArg::LockExclusive) {
            Ok(locked) => return Ok(locked),
            Err((same, Errno::EINTR)) => file = same,
            Err((_, errno)) => return Err(errno.into()),
        }
    }
}

/// The number in the file: only ever shown, for it may be that of a process long gone.
fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn name_holder(file: &mut File) -> io::Result<()> {
    file.rewind()?;
    file.set_len(0)?;
    writeln!(file, "{}", process::id())
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt, path::Path, process, sync::mpsc, thread};

    use super::Lock;

    #[test]
    fn the_second_to_come_waits_and_is_told_who_holds_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("chroot.x");
        let first = Lock::acquire(&path, |_| panic!("nobody holds it")).unwrap();
        let (told, tells) = mpsc::channel();
        let second = thread::spawn(move || {
            Lock::acquire(&path, |holder| told.send(holder).unwrap()).unwrap();
        });
        assert_eq!(tells.recv().unwrap(), Some(process::id()));
        drop(first);
        second.join().unwrap();
    }

    #[test]
    fn others_can_not_hold_a_lock_up() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("chroot.x");
        let _lock = Lock::acquire(&path, |_| {}).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_disk_without_room_for_the_holder_is_no_obstacle() {
        // A file that can't be written to.
        Lock::acquire(Path::new("/dev/full"), |_| {}).unwrap();
    }
}
