//! What the host's apt said last, kept in `STATE/cache/host-apt.json` until anything has changed that apt's answer comes
//! from: asking takes half a second, which is most of a run that finds nothing to do. Does not know what was asked.

use std::{
    env, fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::temporary;

/// How files begin that are about to replace others.
const NEW: &str = ".new";

/// An answer, and what could be seen of the files when it was given.
#[derive(Serialize, Deserialize)]
struct Memo<T> {
    seen: Vec<Seen>,
    answer: T,
}

/// Whatever is done to a file, one of these is another then: its path, inode, size, and time of change in nanoseconds.
type Seen = (PathBuf, u64, u64, i64, i64);

/// apt's configuration and sources, in whole.
const TREE: &str = "/etc/apt";
/// The lists that the host has fetched, which name the archives' origins. apt puts new ones in place by renames.
const LISTS: &str = "/var/lib/apt/lists";

/// Gives the answer that is known, or asks and keeps it; that it can't be kept does no harm.
pub(super) fn known_or<T: Serialize + DeserializeOwned, E>(
    state_dir: &Path,
    ask: impl FnOnce() -> Result<T, E>,
) -> Result<T, E> {
    // Somebody has other files in mind than the usual ones.
    if env::var_os("APT_CONFIG").is_some() {
        return ask();
    }
    known_for(&look(&[Path::new(TREE)], Path::new(LISTS)), state_dir, ask)
}

fn known_for<T: Serialize + DeserializeOwned, E>(
    seen: &[Seen],
    state_dir: &Path,
    ask: impl FnOnce() -> Result<T, E>,
) -> Result<T, E> {
    let path = state_dir.join("cache/host-apt.json");
    let memo = fs::read(&path).ok().and_then(|text| serde_json::from_slice::<Memo<T>>(&text).ok());
    if let Some(memo) = memo.filter(|memo| memo.seen == seen) {
        return Ok(memo.answer);
    }
    let memo = Memo { seen: seen.to_vec(), answer: ask()? };
    let _ = keep(&path, &memo);
    Ok(memo.answer)
}

fn keep<T: Serialize>(path: &Path, memo: &Memo<T>) -> io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(dir)?;
    // What killed processes have left of this.
    for entry in fs::read_dir(dir)?.flatten() {
        if temporary::is_abandoned(NEW, &entry.file_name()) {
            fs::remove_file(entry.path())?;
        }
    }
    let prefix = temporary::prefix(NEW);
    let mut file = tempfile::Builder::new().prefix(&prefix).tempfile_in(dir)?;
    serde_json::to_writer(&mut file, memo)?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

/// All that is below some directories, and one directory itself. What can't be looked into counts as it is.
fn look(trees: &[&Path], dir: &Path) -> Vec<Seen> {
    let mut seen = Vec::new();
    let mut left: Vec<PathBuf> = trees.iter().map(|tree| tree.to_path_buf()).collect();
    while let Some(path) = left.pop() {
        if let Ok(entries) = fs::read_dir(&path) {
            left.extend(entries.flatten().map(|entry| entry.path()));
        }
        seen.extend(look_at(path));
    }
    seen.extend(look_at(dir.to_owned()));
    seen.sort();
    seen
}

fn look_at(path: PathBuf) -> Option<Seen> {
    // Of a link, what it leads to: that is what apt reads.
    let found = fs::metadata(&path).ok()?;
    Some((path, found.ino(), found.size(), found.ctime(), found.ctime_nsec()))
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, fs};

    use super::{known_for, look};

    #[test]
    fn the_host_is_asked_again_when_any_of_its_files_has_changed() {
        let dir = tempfile::tempdir().unwrap();
        let (etc, lists) = (dir.path().join("etc"), dir.path().join("lists"));
        fs::create_dir_all(etc.join("sources.list.d")).unwrap();
        fs::create_dir(&lists).unwrap();
        let mut asked = 0;
        let mut ask = || {
            let answer = known_for(&look(&[&etc], &lists), dir.path(), || {
                asked += 1;
                Ok::<_, Infallible>(asked)
            });
            answer.unwrap()
        };
        assert_eq!((ask(), ask()), (1, 1));
        fs::write(etc.join("sources.list.d/x.sources"), "a").unwrap();
        assert_eq!((ask(), ask()), (2, 2));
        fs::write(etc.join("sources.list.d/x.sources"), "bc").unwrap();
        assert_eq!((ask(), ask()), (3, 3));
        // Another inode: a time alone may be the same within a few milliseconds.
        fs::create_dir(dir.path().join("next")).unwrap();
        fs::rename(dir.path().join("next"), &lists).unwrap();
        assert_eq!((ask(), ask()), (4, 4));
        fs::remove_file(etc.join("sources.list.d/x.sources")).unwrap();
        assert_eq!((ask(), ask()), (5, 5));
    }

    #[test]
    fn what_is_broken_or_can_not_be_kept_costs_a_question() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("cache")).unwrap();
        let file = dir.path().join("cache/host-apt.json");
        fs::write(&file, "{").unwrap();
        let ask = || known_for(&[], dir.path(), || Ok::<_, Infallible>(7));
        assert_eq!(ask(), Ok(7));
        fs::remove_file(&file).unwrap();
        fs::create_dir(&file).unwrap();
        assert_eq!(ask(), Ok(7));
    }
}
