//! A cache of .debs for all chroots and all runs, each under its SHA256: `STATE/cache/debs/ab/abcd….deb`.
//!
//! A file gets its name by one link, when it is whole and its sum is known to be what a verified index says; so nothing
//! unfinished is ever under such a name, and two jobs that bring the same file do no harm: the second one finds it there.
//! Files come in and go out as hard links where the file system can. A copy in a tree in the making is thus
//! the same file, which nobody changes in place: dpkg and apt only read and unlink it.
//!
//! Takes no lock. Knows lists as apt keeps them; does not know who installs what.

use std::{
    collections::HashSet,
    fmt::Write as _,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use super::{ArchiveError, sums};
use crate::temporary;

/// The cache; making one touches nothing.
#[derive(Debug, Clone)]
pub(crate) struct DebCache {
    dir: PathBuf,
}

/// How many files, and how much.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Amount {
    pub(crate) files: usize,
    pub(crate) bytes: u64,
}

/// A package in an index.
struct Entry<'a> {
    name: &'a str,
    version: &'a str,
    arch: &'a str,
    size: u64,
    sha256: &'a str,
}

/// How copies begin that are not whole yet.
const NEW: &str = "new";

impl DebCache {
    /// Packages that no chroot wanted for so long are not kept.
    pub(crate) const MAX_AGE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

    pub(crate) fn new(state_dir: &Path) -> Self {
        Self { dir: state_dir.join("cache/debs") }
    }

    /// Puts every package of these lists that is here into `to`, which exists, by the name that apt gives it there. apt looks at
    /// its size and at nothing else; so does this, lest a file that a power cut has shortened be taken.
    pub(crate) fn offer(&self, lists: &Path, to: &Path) -> Result<Amount, ArchiveError> {
        let held = self.held()?;
        let mut offered = Amount::default();
        if held.is_empty() {
            return Ok(offered);
        }
        let now = SystemTime::now();
        for_each_entry(lists, |entry| {
            if !held.contains(entry.sha256) {
                return Ok(());
            }
            let (from, target) = (self.path_of(entry.sha256), to.join(entry.file_name()));
            match fs::metadata(&from) {
                Ok(found) if found.len() == entry.size => {}
                // Shortened, or collected just now.
                _ => return Ok(()),
            }
            match link_or_copy(&from, &target) {
                Ok(()) => {}
                // Named twice; or collected just now after all.
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound
                    ) =>
                {
                    return Ok(());
                }
                Err(error) => return Err(ArchiveError::write(target)(error)),
            }
            // How long ago it was wanted, for `sweep'; without that, it is only collected earlier.
            let _ = File::open(&from).and_then(|file| file.set_modified(now));
            offered.files += 1;
            offered.bytes += entry.size;
            Ok(())
        })?;
        Ok(offered)
    }

    /// Takes in the packages in `from` that these lists name and that are not here yet. What is not as the lists say is
    /// left where it is.
    pub(crate) fn collect(&self, lists: &Path, from: &Path) -> Result<Amount, ArchiveError> {
        let mut found = HashSet::new();
        for path in entries(from)? {
            if path.extension().is_some_and(|extension| extension == "deb") && !path.is_symlink() {
                found.extend(path.file_name().map(|name| name.to_string_lossy().into_owned()));
            }
        }
        let mut collected = Amount::default();
        if found.is_empty() {
            return Ok(collected);
        }
        let mut wanted: Vec<(PathBuf, u64, String)> = Vec::new();
        for_each_entry(lists, |entry| {
            let name = entry.file_name();
            if found.contains(&name) && !self.path_of(entry.sha256).exists() {
                wanted.push((from.join(name), entry.size, entry.sha256.to_owned()));
            }
            Ok(())
        })?;
        wanted.retain(|(path, size, _)| fs::metadata(path).is_ok_and(|found| found.len() == *size));
        let paths: Vec<PathBuf> = wanted.iter().map(|(path, ..)| path.clone()).collect();
        for ((path, size, expected), sum) in wanted.iter().zip(sums::sha256(&paths)?) {
            if sum == *expected && self.take_in(path, expected)? {
                collected.files += 1;
                collected.bytes += size;
            }
        }
        Ok(collected)
    }

    /// Deletes what was not used for so long, and what a killed copy has left; gives what was deleted. A dry run only gives
    /// what would be.
    pub(crate) fn sweep(&self, max_age: Duration, is_dry: bool) -> Result<Amount, ArchiveError> {
        let now = SystemTime::now();
        let mut swept = Amount::default();
        for path in self.files()? {
            let Ok(found) = fs::metadata(&path) else { continue };
            let age = found.modified().ok().and_then(|time| now.duration_since(time).ok());
            let is_old = age.is_some_and(|age| age > max_age);
            let name = path.file_name().unwrap_or_default();
            if !is_old && !temporary::is_abandoned(NEW, name) {
                continue;
            }
            match if is_dry { Ok(()) } else { fs::remove_file(&path) } {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(ArchiveError::write(path)(error)),
            }
            swept.files += 1;
            swept.bytes += found.len();
        }
        Ok(swept)
    }

    fn path_of(&self, sha256: &str) -> PathBuf {
        let first = sha256.get(..2).unwrap_or("00");
        self.dir.join(first).join(format!("{sha256}.deb"))
    }

    /// Whether it was new.
    fn take_in(&self, path: &Path, sha256: &str) -> Result<bool, ArchiveError> {
        let target = self.path_of(sha256);
        let dir = target.parent().unwrap_or(&self.dir);
        fs::create_dir_all(dir).map_err(ArchiveError::write(dir))?;
        match fs::hard_link(path, &target) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
            // On another file system, or one without links. Under a name that is nobody's until it is whole.
            Err(_) => {
                let mut copy = tempfile::Builder::new()
                    .prefix(&temporary::prefix(NEW))
                    .tempfile_in(dir)
                    .map_err(ArchiveError::write(dir))?;
                File::open(path)
                    .and_then(|mut file| io::copy(&mut file, &mut copy))
                    .map_err(ArchiveError::write(dir))?;
                copy.persist(&target).map_err(|error| ArchiveError::write(&target)(error.error))?;
            }
        }
        let _ = File::open(&target).and_then(|file| file.set_modified(SystemTime::now()));
        Ok(true)
    }

    fn held(&self) -> Result<HashSet<String>, ArchiveError> {
        let sum = |path: PathBuf| Some(path.file_stem()?.to_str()?.to_owned());
        Ok(self.files()?.into_iter().filter_map(sum).collect())
    }

    /// All that is here, and what a killed copy has left.
    fn files(&self) -> Result<Vec<PathBuf>, ArchiveError> {
        if !self.dir.exists() {
            return Ok(Vec::new());
        }
        let mut files = Vec::new();
        for shelf in entries(&self.dir)? {
            files.extend(entries(&shelf)?);
        }
        Ok(files)
    }
}

impl Entry<'_> {
    /// As apt quotes it, for instance `x_1%3a2_amd64.deb`.
    fn file_name(&self) -> String {
        let Self { name, version, arch, .. } = self;
        format!("{}_{}_{}.deb", quote(name, "_:"), quote(version, "_:"), quote(arch, "_:."))
    }
}

fn quote(text: &str, bad: &str) -> String {
    let mut quoted = String::new();
    for c in text.chars() {
        if bad.contains(c) || c == '%' || c <= ' ' || c >= '\x7f' {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                // Writing to a String can't fail.
                let _ = write!(quoted, "%{byte:02x}");
            }
        } else {
            quoted.push(c);
        }
    }
    quoted
}

/// A hard link, or a copy where there can be none: on another file system, or beyond the number of links to a file.
pub(super) fn link_or_copy(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => fs::copy(from, to).map(drop),
        result => result,
    }
}

fn entries(dir: &Path) -> Result<Vec<PathBuf>, ArchiveError> {
    let read = || fs::read_dir(dir)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>();
    read().map_err(ArchiveError::read(dir))
}

/// Goes through all Packages files in a directory of lists. An entry without name or sum is none.
fn for_each_entry(
    lists: &Path,
    mut visit: impl FnMut(&Entry<'_>) -> Result<(), ArchiveError>,
) -> Result<(), ArchiveError> {
    for path in entries(lists)? {
        if !path.to_string_lossy().ends_with("_Packages") {
            continue;
        }
        let text = fs::read(&path).map_err(ArchiveError::read(&path))?;
        // One that is not UTF-8 somewhere loses that entry at most: names and sums are ASCII.
        let text = String::from_utf8_lossy(&text);
        let mut entry = Entry { name: "", version: "", arch: "", size: 0, sha256: "" };
        for line in text.lines().chain([""]) {
            if line.is_empty() {
                if !entry.name.is_empty() && entry.sha256.len() == 64 {
                    visit(&entry)?;
                }
                entry = Entry { name: "", version: "", arch: "", size: 0, sha256: "" };
            } else if let Some(value) = line.strip_prefix("Package: ") {
                entry.name = value;
            } else if let Some(value) = line.strip_prefix("Version: ") {
                entry.version = value;
            } else if let Some(value) = line.strip_prefix("Architecture: ") {
                entry.arch = value;
            } else if let Some(value) = line.strip_prefix("Size: ") {
                entry.size = value.parse().unwrap_or(u64::MAX);
            } else if let Some(value) = line.strip_prefix("SHA256: ") {
                entry.sha256 = value;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{fmt::Write as _, fs, path::PathBuf, time::Duration};

    use tempfile::TempDir;

    use super::{DebCache, sums};

    /// A directory with lists, a cache, and places to take from and to put into.
    struct Room {
        dir: TempDir,
        cache: DebCache,
    }

    impl Room {
        /// Whose lists name these packages, of one version each, with the sums of their texts.
        fn new(packages: &[(&str, &str, &str)]) -> Self {
            let dir = tempfile::tempdir().unwrap();
            let cache = DebCache::new(&dir.path().join("state"));
            let room = Self { dir, cache };
            for sub in ["lists", "from", "to"] {
                fs::create_dir(room.path(sub)).unwrap();
            }
            let mut text = String::new();
            for (name, version, contents) in packages {
                fs::write(room.path("sum"), contents).unwrap();
                let sum = sums::sha256_of(&room.path("sum")).unwrap();
                let size = contents.len();
                write!(text,
                    "Package: {name}\nArchitecture: all\nVersion: {version}\nSize: {size}\nSHA256: {sum}\n\n"
                ).unwrap();
            }
            fs::write(room.path("lists/x_Packages"), text).unwrap();
            room
        }

        fn path(&self, name: &str) -> PathBuf {
            self.dir.path().join(name)
        }

        fn collect(&self) -> usize {
            self.cache.collect(&self.path("lists"), &self.path("from")).unwrap().files
        }

        fn offer(&self) -> usize {
            self.cache.offer(&self.path("lists"), &self.path("to")).unwrap().files
        }
    }

    #[test]
    fn what_one_job_fetched_is_offered_to_the_next_under_apts_name() {
        let room = Room::new(&[("a", "1:2~x", "contents")]);
        fs::write(room.path("from/a_1%3a2~x_all.deb"), "contents").unwrap();
        assert_eq!((room.collect(), room.offer()), (1, 1));
        assert_eq!(fs::read_to_string(room.path("to/a_1%3a2~x_all.deb")).unwrap(), "contents");
        assert_eq!(
            (room.collect(), room.offer()),
            (0, 0),
            "the second time there is nothing to do"
        );
    }

    #[test]
    fn what_is_not_as_the_lists_say_is_not_taken_in() {
        let room = Room::new(&[("a", "1", "contents"), ("b", "1", "contents too")]);
        fs::write(room.path("from/a_1_all.deb"), "cOntents").unwrap();
        fs::write(room.path("from/b_1_all.deb"), "contents").unwrap();
        fs::write(room.path("from/c_1_all.deb"), "contents").unwrap();
        assert_eq!((room.collect(), room.offer()), (0, 0));
    }

    #[test]
    fn what_a_power_cut_has_shortened_is_not_offered() {
        let room = Room::new(&[("a", "1", "contents")]);
        fs::write(room.path("from/a_1_all.deb"), "contents").unwrap();
        room.collect();
        let held = room.cache.files().unwrap().remove(0);
        fs::write(held, "cont").unwrap();
        assert_eq!(room.offer(), 0);
    }

    #[test]
    fn what_nobody_wanted_for_long_is_swept_away() {
        let room = Room::new(&[("a", "1", "contents")]);
        fs::write(room.path("from/a_1_all.deb"), "contents").unwrap();
        room.collect();
        let sweep = |is_dry| room.cache.sweep(DebCache::MAX_AGE, is_dry).unwrap().files;
        assert_eq!(sweep(false), 0);
        let held = room.cache.files().unwrap().remove(0);
        let old = std::time::SystemTime::now() - DebCache::MAX_AGE - Duration::from_secs(1);
        fs::File::open(&held).unwrap().set_modified(old).unwrap();
        assert!(sweep(true) == 1 && held.exists());
        assert!(sweep(false) == 1 && !held.exists());
    }

    #[test]
    fn what_a_killed_copy_left_is_swept_away_and_what_is_being_copied_is_not() {
        let room = Room::new(&[("a", "1", "contents")]);
        fs::write(room.path("from/a_1_all.deb"), "contents").unwrap();
        room.collect();
        let shelf = room.cache.files().unwrap().remove(0).parent().unwrap().to_owned();
        let own = shelf.join(format!("{}x", crate::temporary::prefix(super::NEW)));
        let dead = shelf.join("new.4194305.x");
        for file in [&own, &dead] {
            fs::write(file, "cont").unwrap();
        }
        assert_eq!(room.cache.sweep(DebCache::MAX_AGE, false).unwrap().files, 1);
        assert!(own.exists() && !dead.exists());
    }

    #[test]
    fn two_jobs_that_bring_the_same_file_leave_one() {
        let room = Room::new(&[("a", "1", "contents")]);
        fs::write(room.path("from/a_1_all.deb"), "contents").unwrap();
        let (lists, from) = (room.path("lists"), room.path("from"));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| room.cache.collect(&lists, &from).unwrap());
            }
        });
        assert_eq!(room.cache.files().unwrap().len(), 1);
    }
}
