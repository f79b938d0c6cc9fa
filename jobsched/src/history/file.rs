//! The file of records: reading it, appending a batch, leaving out what is dead. Doesn't know what
//! the records are used for, nor when it is time for anything.
//!
//! Any number of processes may do so at once, and none waits for another:
//!
//! - A batch is one `write` at the end of the file, with no lock. If the file is no longer the one
//!   of that name afterwards, the batch goes to the new one as well. That it may then be in there
//!   twice is harmless, as the last record of a name counts.
//! - Whoever rewrites the file holds a lock on it, and whoever finds it locked lets it be. The new
//!   file takes the name of the old one when all of it is on the disk. What has been appended to the
//!   old one up to then, with the rename done, is appended to the new one.
//!
//! So at any moment there is one whole file of that name, and a process that is killed loses the
//! batch that it hasn't written.
//!
//! Only regular files are ever touched: a directory, a device or a symbolic link of that name is an
//! error. Who may read a new file is up to the umask: it tells no more than the logs of the same
//! jobs do. A rewritten one keeps mode and, where that is allowed, owner.

use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::ops::Range;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _, fchown};
use std::path::{Path, PathBuf};

use hashbrown::HashMap;
use memchr::{memchr, memrchr};
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag};
use nix::sys::resource::{Resource, getrlimit};

use super::record::{self, HEADER, Record, TORN, Tally};

/// How often a batch is written anew because the file has been replaced meanwhile.
const ATTEMPTS: usize = 4;

/// How many damaged files are kept.
const MAX_DAMAGED: usize = 9;

/// The text of a file, or the end of it if it is larger than it should be.
pub(super) struct Contents {
    text: Vec<u8>,
    /// Where the text begins in the file.
    start: u64,
}

impl Contents {
    fn of(file: &File, max_bytes: u64) -> io::Result<Self> {
        let start = file.metadata()?.len().saturating_sub(max_bytes);
        let mut text = Vec::new();
        let mut chunk = vec![0; 256 * 1024];
        loop {
            match file.read_at(&mut chunk, start + text.len() as u64) {
                Ok(0) => break,
                Ok(length) => text.extend(chunk.get(..length).unwrap_or_default()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let mut contents = Self { text, start };
        if start > 0 {
            // The first line is not whole.
            let whole = memchr(b'\n', &contents.text).map_or(0, |newline| newline + 1);
            contents.text.drain(..whole);
            contents.start += whole as u64;
        }
        Ok(contents)
    }

    /// As [`record::read`]. That there is more than this counts as damage.
    pub(super) fn read<'a>(&'a self, visit: impl FnMut(Record<'a>, usize)) -> Tally {
        let mut tally = record::read(&self.text, visit);
        tally.damaged += usize::from(self.start > 0);
        tally
    }

    /// How many bytes of the file have been seen.
    pub(super) fn end(&self) -> u64 {
        self.start + self.text.len() as u64
    }

    /// The end of the last line that is whole.
    fn end_of_lines(&self) -> u64 {
        self.start + memrchr(b'\n', &self.text).map_or(0, |newline| newline + 1) as u64
    }

    /// The lines of the newest records of as many names as are to be kept, the oldest first.
    fn newest(&self, max_records: usize, max_bytes: u64) -> (Vec<Range<usize>>, Tally) {
        let mut lines: HashMap<_, Range<usize>> = HashMap::new();
        let tally = self.read(|record, end| {
            let start = memrchr(b'\n', &self.text[..end - 1]).map_or(0, |newline| newline + 1);
            lines.insert(record.name, start..end);
        });
        let mut lines: Vec<_> = lines.into_values().collect();
        lines.sort_unstable_by_key(|line| line.start);
        let mut bytes = 0;
        let kept = lines.iter().rev().take(max_records).take_while(|line| {
            bytes += line.len() as u64;
            bytes <= max_bytes
        });
        let kept = kept.count();
        lines.drain(..lines.len() - kept);
        (lines, tally)
    }
}

/// Reads the file of that name; `None` if there is none.
pub(super) fn read(path: &Path, max_bytes: u64) -> io::Result<Option<Contents>> {
    match open(path) {
        Ok(file) => Contents::of(&file, max_bytes).map(Some),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Appends whole lines to the file of that name, which is made with its directories if there is
/// none. Returns its size.
pub(super) fn append(path: &Path, lines: &[u8]) -> io::Result<u64> {
    let mut size = 0;
    for _ in 0..ATTEMPTS {
        let file = open_for_append(path)?;
        let metadata = file.metadata()?;
        let mut batch = beginning(&file, metadata.len())?;
        batch.extend(lines);
        size = metadata.len() + batch.len() as u64;
        allowed(size)?;
        write_once(&file, &batch)?;
        if is_called(path, &metadata) {
            break;
        }
    }
    Ok(size)
}

/// What has to come between the end of a file and further lines.
fn beginning(file: &File, size: u64) -> io::Result<Vec<u8>> {
    let Some(last) = size.checked_sub(1) else { return Ok(HEADER.to_vec()) };
    let mut byte = [0];
    file.read_exact_at(&mut byte, last)?;
    Ok(if byte == *b"\n" { Vec::new() } else { [TORN, HEADER].concat() })
}

/// Writes all or fails. What was written of a batch that doesn't fit stays: the rest can't follow
/// it if somebody else has written in between, and whoever comes next copes.
fn write_once(mut file: &File, batch: &[u8]) -> io::Result<()> {
    loop {
        match file.write(batch) {
            Ok(written) if written == batch.len() => return Ok(()),
            Ok(written) => {
                let message = format!("only {written} of {} bytes could be written", batch.len());
                return Err(io::Error::new(ErrorKind::StorageFull, message));
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Whether a file of that size may be written. Who doesn't ask is killed by a signal.
fn allowed(size: u64) -> io::Result<()> {
    match getrlimit(Resource::RLIMIT_FSIZE) {
        Ok((limit, _)) if size > limit => Err(Errno::EFBIG.into()),
        _ => Ok(()),
    }
}

/// Replaces the file of that name by one with the newest records of up to `max_records` names and
/// `max_bytes`. If it is damaged it is kept under another name.
///
/// Returns the size of the new file; `None` if somebody else is at it.
pub(super) fn rewrite(
    path: &Path,
    max_records: usize,
    max_bytes: u64,
    max_read: u64,
) -> io::Result<Option<u64>> {
    let old = match open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Some(0)),
        old => old?,
    };
    let _lock = match Flock::lock(old.try_clone()?, FlockArg::LockExclusiveNonblock) {
        Err((_, Errno::EWOULDBLOCK)) => return Ok(None),
        // Some file systems have no locks. There, two that rewrite at once may lose a batch.
        lock => lock.ok(),
    };
    let metadata = old.metadata()?;
    if !is_called(path, &metadata) {
        return Ok(None);
    }

    let contents = Contents::of(&old, max_read)?;
    let (lines, tally) = contents.newest(max_records, max_bytes);
    let mut text = HEADER.to_vec();
    for line in lines {
        text.extend(contents.text.get(line).unwrap_or_default());
    }
    allowed(text.len() as u64)?;

    let temporary = with_suffix(path, ".rewriting");
    let replace = || {
        let new = create_anew(&temporary, &metadata)?;
        (&new).write_all(&text)?;
        new.sync_all()?;
        if tally.damaged > 0 {
            set_aside(path)?;
        }
        fs::rename(&temporary, path)?;
        // What comes later still is its writer's affair, who finds the name taken by the new file.
        if old.metadata()?.len() > contents.end() {
            let mut tail = Vec::new();
            let mut old = &old;
            io::Seek::seek(&mut old, io::SeekFrom::Start(contents.end_of_lines()))?;
            old.read_to_end(&mut tail)?;
            write_once(&new, &tail)?;
        }
        Ok(Some(new.metadata()?.len()))
    };
    replace().inspect_err(|_| _ = fs::remove_file(&temporary))
}

/// An empty file like the old one.
fn create_anew(path: &Path, like: &Metadata) -> io::Result<File> {
    // It is there if somebody was killed who had the lock that we have now.
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let new = OpenOptions::new().append(true).create_new(true).open(path)?;
    let metadata = new.metadata()?;
    if (metadata.uid(), metadata.gid()) != (like.uid(), like.gid()) {
        // Only root may; the file of somebody else becomes ours otherwise.
        let _ = fchown(&new, Some(like.uid()), Some(like.gid()));
    }
    if metadata.mode() != like.mode() {
        new.set_permissions(like.permissions())?;
    }
    Ok(new)
}

/// Gives a damaged file a further name, under which it stays, unless too many are there already.
fn set_aside(path: &Path) -> io::Result<()> {
    for aside in names_of_damaged(path) {
        match fs::hard_link(path, &aside) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Ok(()) => return Ok(()),
            // Not all file systems have further names.
            Err(_) if fs::symlink_metadata(&aside).is_err() => return fs::rename(path, &aside),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Under which name a damaged file will be kept, as things are now; `None` if it won't be.
pub(super) fn next_damaged(path: &Path) -> Option<PathBuf> {
    names_of_damaged(path).find(|aside| fs::symlink_metadata(aside).is_err())
}

fn names_of_damaged(path: &Path) -> impl Iterator<Item = PathBuf> {
    let numbered = (2..=MAX_DAMAGED).map(|number| format!(".damaged.{number}"));
    let suffixes = std::iter::once(".damaged".to_owned()).chain(numbered);
    suffixes.map(|suffix| with_suffix(path, &suffix))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

fn open(path: &Path) -> io::Result<File> {
    regular(OpenOptions::new().read(true).custom_flags(FLAGS).open(path))
}

fn open_for_append(path: &Path) -> io::Result<File> {
    let open =
        || OpenOptions::new().read(true).append(true).create(true).custom_flags(FLAGS).open(path);
    let opened = open().or_else(|error| match path.parent() {
        Some(directory) if error.kind() == ErrorKind::NotFound => {
            fs::create_dir_all(directory)?;
            open()
        }
        _ => Err(error),
    });
    regular(opened)
}

/// No waiting for the other end of a fifo, and no following of a link to who knows where.
const FLAGS: i32 = OFlag::O_NONBLOCK.union(OFlag::O_NOFOLLOW).union(OFlag::O_NOCTTY).bits();

fn regular(opened: io::Result<File>) -> io::Result<File> {
    let is_regular = match &opened {
        Ok(file) => file.metadata()?.is_file(),
        // A link; a directory that was to be written.
        Err(error) => ![Some(libc::ELOOP), Some(libc::EISDIR)].contains(&error.raw_os_error()),
    };
    if is_regular { opened } else { Err(io::Error::other("it is not a regular file")) }
}

/// Whether this file has that name still.
fn is_called(path: &Path, file: &Metadata) -> bool {
    fs::symlink_metadata(path)
        .is_ok_and(|named| (named.dev(), named.ino()) == (file.dev(), file.ino()))
}
