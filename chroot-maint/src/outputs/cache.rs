//! Changes in the directory that a user's sbuild looks for tarballs in, by a process with that user's ids. Does not
//! know who asks for them.
//!
//! Nothing takes the place of an old tarball but a whole new one, by one rename; what is not this program's stays.

use std::{
    fs::{self, DirBuilder, File, Permissions},
    io::{self, BufReader, Read, Seek},
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
    time::SystemTime,
};

use serde::{Deserialize, Serialize};

use super::{OutputError, mark::is_marked};
use crate::store::durable;

/// A tarball to be put where it belongs, unless the same one is there.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Put {
    pub(super) dir: PathBuf,
    /// The chroot's name, which the mark holds.
    pub(super) name: String,
    pub(super) file: String,
    /// The names of symbolic links to be made, and whether it is a fault if one is taken.
    pub(super) links: Vec<(String, bool)>,
    /// Links of an earlier time.
    pub(super) dropped: Vec<String>,
}

/// What is there when a tarball was put.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(super) size: u64,
    pub(super) inode: u64,
    pub(super) links: Vec<String>,
    /// Whether the tarball that was there is another one.
    pub(crate) is_new: bool,
}

impl Put {
    /// Gives the links that can be made. Who is in the way stays there.
    pub(super) fn look(&self) -> Result<Vec<String>, OutputError> {
        make_dir(&self.dir)?;
        self.refuse_rivals()?;
        self.free_links()
    }

    /// Does it.
    pub(super) fn put(&self, tarball: &mut File) -> Result<Kept, OutputError> {
        let links = self.look()?;
        clear(&self.dir, &self.name);
        let path = self.dir.join(&self.file);
        let is_new = !is_same(tarball, &path).map_err(|source| write_fault(&path, source))?;
        if is_new {
            self.replace(tarball)?;
        } else {
            let touched = File::open(&path).and_then(|file| file.set_modified(SystemTime::now()));
            touched.map_err(|source| write_fault(&path, source))?;
        }
        for link in &links {
            self.link(link)?;
        }
        for link in &self.dropped {
            remove(&self.dir, link, is_link_of(&self.dir, link, &self.file))?;
        }
        durable::sync_dir(&self.dir)?;
        let found = path.symlink_metadata();
        let found = found.map_err(|source| OutputError::Read { path, source })?;
        Ok(Kept { size: found.len(), inode: found.ino(), links, is_new })
    }

    /// The links that can be made; one that must be and can't is a fault.
    fn free_links(&self) -> Result<Vec<String>, OutputError> {
        let mut free = Vec::new();
        for (link, is_asked_for) in &self.links {
            let stem = link.strip_suffix(".tar.zst").unwrap_or(link);
            let taken = self.rivals(stem, link)?.into_iter().next().or_else(|| {
                let path = self.dir.join(link);
                (path.symlink_metadata().is_ok() && !self.may_replace(link)).then_some(path)
            });
            match taken {
                None => free.push(link.clone()),
                Some(path) if *is_asked_for => return Err(OutputError::TarballRival { path }),
                Some(_) => {}
            }
        }
        Ok(free)
    }

    fn refuse_rivals(&self) -> Result<(), OutputError> {
        if let Some(path) = self.rivals(&self.name, &self.file)?.into_iter().next() {
            return Err(OutputError::TarballRival { path });
        }
        let path = self.dir.join(&self.file);
        let is_free = path.symlink_metadata().is_err()
            || is_marked(&path, &self.name)
            || self.may_replace(&self.file);
        if is_free { Ok(()) } else { Err(OutputError::TarballForeign { path }) }
    }

    /// What else sbuild would take for the tarball of this name.
    fn rivals(&self, stem: &str, own: &str) -> Result<Vec<PathBuf>, OutputError> {
        let fault = |source| OutputError::Read { path: self.dir.clone(), source };
        let start = format!("{stem}.t");
        let mut rivals = Vec::new();
        for entry in fs::read_dir(&self.dir).map_err(fault)? {
            let name = entry.map_err(fault)?.file_name();
            let is_one = name.as_encoded_bytes().starts_with(start.as_bytes());
            if is_one && name != own {
                rivals.push(self.dir.join(name));
            }
        }
        rivals.sort();
        Ok(rivals)
    }

    /// Whether this is a link of this program's: to a tarball with a mark beside it, or to one that is gone.
    fn may_replace(&self, link: &str) -> bool {
        let Ok(target) = fs::read_link(self.dir.join(link)) else {
            return false;
        };
        let name = target.to_str().and_then(|target| target.strip_suffix(".tar.zst"));
        name.is_some_and(|name| {
            let path = self.dir.join(&target);
            !name.contains('/') && (path.symlink_metadata().is_err() || is_marked(&path, name))
        })
    }

    /// A copy, on the disk before it gets the name.
    fn replace(&self, tarball: &mut File) -> Result<(), OutputError> {
        let new = self.new_path("tarball")?;
        let mut copy = || {
            tarball.rewind()?;
            let mut file = File::create_new(&new)?;
            io::copy(tarball, &mut file)?;
            file.set_permissions(Permissions::from_mode(0o644))?;
            file.sync_all()
        };
        if let Err(source) = copy() {
            // The disk may be full, and what is there is of no use.
            let _ = fs::remove_file(&new);
            return Err(write_fault(&new, source));
        }
        Ok(durable::rename(&new, &self.dir.join(&self.file))?)
    }

    fn link(&self, link: &str) -> Result<(), OutputError> {
        if is_link_of(&self.dir, link, &self.file) {
            return Ok(());
        }
        let new = self.new_path("link")?;
        symlink(&self.file, &new).map_err(|source| write_fault(&new, source))?;
        Ok(durable::rename(&new, &self.dir.join(link))?)
    }

    /// A free name for an unfinished file.
    fn new_path(&self, kind: &str) -> Result<PathBuf, OutputError> {
        let path = unfinished(&self.dir, kind, &self.name);
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(write_fault(&path, source))
            }
            _ => Ok(path),
        }
    }
}

/// Takes back the tarball, if it has the mark, and its links.
pub(super) fn withdraw(
    dir: &Path,
    name: &str,
    file: &str,
    links: &[String],
) -> Result<(), OutputError> {
    for link in links {
        remove(dir, link, is_link_of(dir, link, file))?;
    }
    remove(dir, file, is_marked(&dir.join(file), name))?;
    clear(dir, name);
    Ok(())
}

/// Deletes what a killed run left.
fn clear(dir: &Path, name: &str) {
    for kind in ["tarball", "link"] {
        // Where it can't be, whoever needs the name says so.
        let _ = fs::remove_file(unfinished(dir, kind, name));
    }
}

/// Where a file is made: sbuild takes no name without `.t` for a tarball's. It is the same one each time, so that what
/// a killed run left is replaced.
pub(super) fn unfinished(dir: &Path, kind: &str, name: &str) -> PathBuf {
    dir.join(format!(".{kind}+{name}"))
}

fn is_link_of(dir: &Path, link: &str, file: &str) -> bool {
    fs::read_link(dir.join(link)).is_ok_and(|target| target == Path::new(file))
}

fn remove(dir: &Path, name: &str, is_ours: bool) -> Result<(), OutputError> {
    let path = dir.join(name);
    if !is_ours {
        return Ok(());
    }
    fs::remove_file(&path).map_err(|source| write_fault(&path, source))
}

/// For the user alone, as the XDG base directory specification wants what is made of it.
fn make_dir(dir: &Path) -> Result<(), OutputError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.map_err(|source| write_fault(dir, source))
}

fn is_same(new: &mut File, path: &Path) -> io::Result<bool> {
    let is_file = path.symlink_metadata().is_ok_and(|found| found.is_file());
    let Some(old) = is_file.then(|| File::open(path).ok()).flatten() else {
        return Ok(false);
    };
    if old.metadata()?.len() != new.metadata()?.len() {
        return Ok(false);
    }
    new.rewind()?;
    let (mut old, mut new) =
        (BufReader::with_capacity(1 << 16, old), BufReader::with_capacity(1 << 16, new));
    let (mut left, mut right) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        let count = old.read(&mut left)?;
        if count == 0 {
            return Ok(true);
        }
        new.read_exact(&mut right[..count])?;
        if left[..count] != right[..count] {
            return Ok(false);
        }
    }
}

fn write_fault(path: &Path, source: io::Error) -> OutputError {
    OutputError::Write { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, File},
        io::Write,
        os::unix::fs::symlink,
        path::Path,
    };

    use super::{Kept, Put, withdraw};
    use crate::outputs::{OutputError, mark::frame};

    fn put(
        dir: &Path,
        name: &str,
        links: &[(&str, bool)],
        text: &str,
    ) -> Result<Kept, OutputError> {
        let mut tarball = tempfile::tempfile().unwrap();
        tarball.write_all(&[text.as_bytes(), &frame(name)].concat()).unwrap();
        let put = Put {
            dir: dir.to_owned(),
            name: name.to_owned(),
            file: format!("{name}.tar.zst"),
            links: links
                .iter()
                .map(|&(link, wanted)| (format!("{link}.tar.zst"), wanted))
                .collect(),
            dropped: Vec::new(),
        };
        put.put(&mut tarball)
    }

    fn names(dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = entries.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_tarball_is_put_with_its_links_and_taken_back() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join(".cache/sbuild");
        let kept = put(&dir, "sid-amd64", &[("unstable-amd64", false)], "one").unwrap();
        assert!(kept.is_new && kept.links == ["unstable-amd64.tar.zst"]);
        assert_eq!(names(&dir), ["sid-amd64.tar.zst", "unstable-amd64.tar.zst"]);
        assert!(fs::read(dir.join("unstable-amd64.tar.zst")).unwrap().starts_with(b"one"));
        withdraw(&dir, "sid-amd64", "sid-amd64.tar.zst", &kept.links).unwrap();
        assert_eq!(names(&dir), [""; 0]);
    }

    #[test]
    fn the_same_tarball_is_not_written_again() {
        let dir = tempfile::tempdir().unwrap();
        let first = put(dir.path(), "sid-amd64", &[], "one").unwrap();
        let again = put(dir.path(), "sid-amd64", &[], "one").unwrap();
        assert_eq!(again, Kept { is_new: false, ..first.clone() });
        // Whoever has the old one open still has it whole.
        let open = File::open(dir.path().join("sid-amd64.tar.zst")).unwrap();
        let next = put(dir.path(), "sid-amd64", &[], "two").unwrap();
        assert!(next.is_new && next.inode != first.inode);
        assert_eq!(open.metadata().unwrap().len(), first.size);
    }

    #[test]
    fn tarballs_of_others_are_left_alone_and_named() {
        for file in ["sid-amd64.tar.zst", "sid-amd64.tar", "sid-amd64.tgz"] {
            let dir = tempfile::tempdir().unwrap();
            fs::write(dir.path().join(file), "mine").unwrap();
            let said = put(dir.path(), "sid-amd64", &[], "one").unwrap_err().to_string();
            assert!(said.contains(file) && said.contains("move it away"), "{said}");
            assert_eq!(names(dir.path()), [file]);
            withdraw(dir.path(), "sid-amd64", file, &[]).unwrap();
            assert_eq!(names(dir.path()), [file]);
        }
    }

    #[test]
    fn a_link_gives_way_to_what_is_there_unless_it_was_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("unstable-amd64.tar"), "mine").unwrap();
        symlink("/elsewhere.tar.zst", dir.path().join("a-amd64.tar.zst")).unwrap();
        let links = [("unstable-amd64", false), ("a-amd64", false), ("b-amd64", false)];
        let kept = put(dir.path(), "sid-amd64", &links, "one").unwrap();
        assert_eq!(kept.links, ["b-amd64.tar.zst"]);
        assert!(put(dir.path(), "sid-amd64", &[("a-amd64", true)], "two").is_err());
        assert!(fs::read(dir.path().join("sid-amd64.tar.zst")).unwrap().starts_with(b"one"));
    }

    #[test]
    fn a_link_moves_on_with_the_alias() {
        let dir = tempfile::tempdir().unwrap();
        let links = [("stable-amd64", true)];
        put(dir.path(), "bookworm-amd64", &links, "old").unwrap();
        put(dir.path(), "trixie-amd64", &links, "new").unwrap();
        assert!(fs::read(dir.path().join("stable-amd64.tar.zst")).unwrap().starts_with(b"new"));
        // What is not its own any more is not taken back with the first one.
        let links = ["stable-amd64.tar.zst".to_owned()];
        withdraw(dir.path(), "bookworm-amd64", "bookworm-amd64.tar.zst", &links).unwrap();
        assert_eq!(names(dir.path()), ["stable-amd64.tar.zst", "trixie-amd64.tar.zst"]);
    }

    #[test]
    fn what_a_killed_run_left_goes_with_whatever_is_done_next() {
        let dir = tempfile::tempdir().unwrap();
        let leave = || {
            fs::write(super::unfinished(dir.path(), "tarball", "sid-amd64"), "half").unwrap();
            symlink("x", super::unfinished(dir.path(), "link", "sid-amd64")).unwrap();
        };
        // Also where the tarball is there already.
        for is_new in [true, false] {
            leave();
            assert_eq!(put(dir.path(), "sid-amd64", &[], "one").unwrap().is_new, is_new);
            assert_eq!(names(dir.path()), ["sid-amd64.tar.zst"]);
        }
        leave();
        withdraw(dir.path(), "sid-amd64", "sid-amd64.tar.zst", &[]).unwrap();
        assert_eq!(names(dir.path()), [""; 0]);
    }
}
