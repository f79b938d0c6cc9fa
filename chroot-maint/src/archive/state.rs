//! What is known of one suite of an archive, shared by all chroots whose packages come from it, brought up to date by apt.
//!
//! ```text
//! STATE/archive/SUITE-HASH/now/lists/         what apt verified last, for all architectures
//! STATE/archive/SUITE-HASH/now/sources/       the sources it was told
//! STATE/archive/SUITE-HASH/now/indexes.json   what was found when, as `Checked` has it
//! STATE/archive/SUITE-HASH/next/              the same in the making; counts only when it takes the place of `now'
//! STATE/archive/SUITE-HASH/outcome.json        why the last look came to nothing, if it did
//! ```
//! apt itself puts new lists in place file by file, and takes what lies there for good: so it works on a copy of
//! hard links, which costs nothing, and a kill at any point leaves the old lists as they were. apt never sees the
//! host's own configuration, state or keys. A directory a suite, so that a suite that can't be fetched holds up nobody
//! who does not want it, and one that many want is fetched once. Does not run apt: whoever does holds the lock meanwhile.

use std::{
    ffi::OsString,
    fs::{self, File},
    io, mem,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use nix::{
    errno::Errno,
    fcntl::{AT_FDCWD, RenameFlags, renameat2},
};
use serde::{Deserialize, Serialize};

use super::{ArchiveError, debs::link_or_copy, release, sums};
use crate::spec::{Arch, ArchiveId, Indexes, Recipe};

/// The place of one suite; making one touches nothing.
#[derive(Debug, Clone)]
pub(crate) struct ArchiveState {
    dir: PathBuf,
}

/// What a suite had when it was last looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Checked {
    version: u32,
    /// When apt began to look, in seconds since 1970.
    pub(crate) at: u64,
    /// The architectures that were asked for.
    pub(crate) archs: Vec<String>,
    /// The sources that it was told.
    pub(crate) sources: String,
    pub(crate) indexes: Indexes,
}

/// An update under way. Dropping it before it is finished deletes what it has got: that would only keep a full disk
/// full. What a killed one leaves, the next one deletes.
#[derive(Debug)]
pub(crate) struct Update<'a> {
    state: &'a ArchiveState,
    archs: Vec<Arch>,
    sources: String,
    at: u64,
}

const VERSION: u32 = 1;

/// apt reads this before anything else: nothing of the host's configuration comes after it.
pub(super) const NO_HOST_CONFIGURATION: &str =
    "Dir::Etc::main \"/dev/null\";\nDir::Etc::parts \"/dev/null\";\n";

/// Whatever apt is to do: it knows the sources it is told, with their keyrings, and nothing of the host's.
pub(super) const OPTIONS: [&str; 15] = [
    "Dir::Etc::sourcelist=/dev/null",
    "Dir::Etc::preferences=/dev/null",
    "Dir::Etc::preferencesparts=/dev/null",
    "Dir::Etc::trusted=/dev/null",
    "Dir::Etc::trustedparts=/dev/null",
    "Dir::Etc::netrc=/dev/null",
    "Dir::Etc::netrcparts=/dev/null",
    "Dir::Cache::pkgcache=",
    "Dir::Cache::srcpkgcache=",
    "Acquire::Languages=none",
    "Acquire::Retries=2",
    "Acquire::http::Timeout=30",
    "Acquire::https::Timeout=30",
    "APT::Install-Recommends=false",
    "Dpkg::Use-Pty=false",
];

impl ArchiveState {
    pub(crate) fn new(state_dir: &Path, id: &ArchiveId) -> Self {
        Self { dir: state_dir.join("archive").join(id.to_string()) }
    }

    /// What was found last; nothing if nobody has looked yet, or in a way that this version doesn't know. Needs no
    /// lock, and reads one small file.
    pub(crate) fn checked(&self) -> Option<Checked> {
        let text = fs::read(self.now().join("indexes.json")).ok()?;
        serde_json::from_slice(&text).ok().filter(|checked: &Checked| checked.version == VERSION)
    }

    /// Prepares the next lists, beginning with the ones there are. `at` is now.
    pub(crate) fn begin(
        &self,
        sources: &str,
        archs: &[Arch],
        at: u64,
    ) -> Result<Update<'_>, ArchiveError> {
        let update = Update { state: self, archs: archs.to_vec(), sources: sources.to_owned(), at };
        let next = self.next();
        let lists = next.join("lists");
        let make = || -> io::Result<()> {
            if next.exists() {
                fs::remove_dir_all(&next)?;
            }
            fs::create_dir_all(&lists)?;
            for dir in ["sources", "cache"] {
                fs::create_dir(next.join(dir))?;
            }
            fs::write(next.join("apt.conf"), NO_HOST_CONFIGURATION)?;
            fs::write(next.join("sources/debian.sources"), sources)
        };
        make().map_err(ArchiveError::write(&next))?;
        let now = self.now().join("lists");
        if now.is_dir() {
            link_files(&now, &lists, |_| true)?;
        }
        Ok(update)
    }

    /// Puts hard links to the lists that a tree of this architecture sees into a new directory. The lock must be held.
    pub(crate) fn snapshot(&self, arch: Arch, to: &Path) -> Result<(), ArchiveError> {
        fs::create_dir_all(to).map_err(ArchiveError::write(to))?;
        let suffixes = [format!("_binary-{arch}_Packages"), "_binary-all_Packages".to_owned()];
        link_files(&self.now().join("lists"), to, |name| {
            let is_release = ["_InRelease", "_Release", "_Release.gpg"];
            is_release.iter().any(|ending| name.ends_with(ending))
                || suffixes.iter().any(|ending| name.ends_with(&**ending))
        })
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    fn now(&self) -> PathBuf {
        self.dir.join("now")
    }

    pub(super) fn next(&self) -> PathBuf {
        self.dir.join("next")
    }
}

impl Update<'_> {
    /// Makes a command for apt-get one that brings the lists up to date; `own_files` says that whoever runs it has to
    /// stay who it is to write them.
    pub(crate) fn configure(&self, apt_get: &mut Command, own_files: bool) {
        let next = self.state.next();
        apt_get.env("APT_CONFIG", next.join("apt.conf"));
        apt_get.args(["update", "-qq", "--error-on=any"]);
        // Else apt reads all it has got to build caches that nobody wants: a second of work, and more than all the rest.
        apt_get.args(["-o", "pkgCacheFile::Generate=false"]);
        apt_get.args(OPTIONS.iter().flat_map(|option| ["-o", option]));
        apt_get.args(option("Dir::State=", &next)).args(option("Dir::Cache=", &next.join("cache")));
        apt_get.args(option("Dir::State::lists=", &next.join("lists")));
        apt_get.args(option("Dir::State::status=", Path::new("/dev/null")));
        apt_get.args(option("Dir::Etc::sourceparts=", &next.join("sources")));
        let archs: Vec<String> = self.archs.iter().map(ToString::to_string).collect();
        let first = archs.first().map_or("", String::as_str);
        apt_get.args(["-o", &format!("APT::Architecture={first}")]);
        apt_get.args(["-o", &format!("APT::Architectures={}", archs.join(","))]);
        if own_files || !is_open_to_all(&next) {
            apt_get.args(["-o", "APT::Sandbox::User=root"]);
        }
    }

    /// Takes over what apt has verified, and says what it is.
    pub(crate) fn finish(mut self, recipe: &Recipe) -> Result<Checked, ArchiveError> {
        let next = self.state.next();
        let lists = next.join("lists");
        let archs: Vec<String> = self.archs.iter().map(ToString::to_string).collect();
        let files = list(&lists)?;
        let mut indexes = Indexes::default();
        for name in &recipe.suites {
            let file = release_file(&files, name).ok_or_else(|| ArchiveError::NoRelease {
                suite: name.clone(),
                dir: lists.clone(),
            })?;
            let text = fs::read(file).map_err(ArchiveError::read(file))?;
            let mut suite =
                release::read(&String::from_utf8_lossy(&text), &recipe.components, &archs);
            suite.in_release = sums::sha256_of(file)?;
            indexes.suites.insert(name.clone(), suite);
        }
        let before = self.state.checked();
        let sources = mem::take(&mut self.sources);
        let checked = Checked { version: VERSION, at: self.at, archs, sources, indexes };
        let json = next.join("indexes.json");
        let write = || -> io::Result<()> {
            fs::write(&json, serde_json::to_vec_pretty(&checked)?)?;
            if before.as_ref().is_none_or(|before| before.indexes != checked.indexes) {
                // apt would go on with a list that a power cut has shortened.
                nix::unistd::syncfs(File::open(&json)?)?;
            }
            Ok(())
        };
        write().map_err(ArchiveError::write(&json))?;
        exchange(&next, &self.state.now())?;
        Ok(checked)
    }
}

impl Drop for Update<'_> {
    fn drop(&mut self) {
        // When it is finished, there is nothing of that name any more.
        let _ = fs::remove_dir_all(self.state.next());
    }
}

/// Two words of a command line; a path may hold any byte, which apt's configuration files would not bear.
pub(super) fn option(name: &str, path: &Path) -> [OsString; 2] {
    let mut word = OsString::from(name);
    word.push(path);
    ["-o".into(), word]
}

/// Puts `next` in the place of `now`, in one step, and deletes what was there.
fn exchange(next: &Path, now: &Path) -> Result<(), ArchiveError> {
    match renameat2(AT_FDCWD, next, AT_FDCWD, now, RenameFlags::RENAME_EXCHANGE) {
        Ok(()) => fs::remove_dir_all(next).map_err(ArchiveError::write(next)),
        Err(Errno::ENOENT) => fs::rename(next, now).map_err(ArchiveError::write(now)),
        // A file system that can't: until the second rename there are no lists, which only costs a fetch.
        Err(Errno::EINVAL) => {
            fs::remove_dir_all(now).map_err(ArchiveError::write(now))?;
            fs::rename(next, now).map_err(ArchiveError::write(now))
        }
        Err(errno) => Err(ArchiveError::write(now)(errno.into())),
    }
}

fn list(dir: &Path) -> Result<Vec<PathBuf>, ArchiveError> {
    let read = || fs::read_dir(dir)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>();
    read().map_err(ArchiveError::read(dir))
}

/// apt's name for a suite's Release file: the address, with `_` for `/`, and for `_` what URLs have for it.
fn release_file<'a>(files: &'a [PathBuf], suite: &str) -> Option<&'a Path> {
    let suite = suite.replace('_', "%5f").replace('/', "_");
    ["InRelease", "Release"].iter().find_map(|file| {
        let ending = format!("_dists_{suite}_{file}");
        files.iter().find(|path| path.to_string_lossy().ends_with(&ending)).map(PathBuf::as_path)
    })
}

/// Links the regular files of a directory into another one.
fn link_files(from: &Path, to: &Path, wanted: impl Fn(&str) -> bool) -> Result<(), ArchiveError> {
    for path in list(from)? {
        let Some(name) = path.file_name() else { continue };
        if path.is_file() && name != "lock" && wanted(&name.to_string_lossy()) {
            let target = to.join(name);
            link_or_copy(&path, &target).map_err(ArchiveError::write(target))?;
        }
    }
    Ok(())
}

/// Whether any user can get there: apt's own, who fetches, must.
pub(super) fn is_open_to_all(dir: &Path) -> bool {
    dir.ancestors()
        .all(|dir| fs::metadata(dir).is_ok_and(|found| found.permissions().mode() & 0o001 != 0))
}
