//! Who uses a tree: mounts in any mount namespace, and processes. Does not know what becomes of it.
//!
//! A mount is recognised by what of its file system it shows, which follows renames, and is the same in every
//! namespace. Of an overlay only the words are known that its layers had when it was mounted: so one on `current` may be
//! on any generation.
//!
//! Not seen are: processes of others, by an ordinary user; what is in another container, from within one; a mount namespace
//! that no process is in.

use std::{
    collections::HashSet,
    ffi::OsStr,
    fmt, fs, io,
    os::{fd::OwnedFd, unix::ffi::OsStrExt},
    path::{Path, PathBuf},
};

use nix::{
    fcntl::{OFlag, open, openat},
    sys::stat::{Mode, fstat},
};

use super::{
    mounts::{Location, Mount, Table},
    process::Process,
};

/// One of those who use a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User {
    /// Nothing for a mount in this namespace: it stays whichever processes end.
    process: Option<Process>,
    how: How,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum How {
    /// Something else is mounted in the tree, here.
    Hides(PathBuf),
    /// The tree or a part of it is mounted here.
    Shows(PathBuf),
    /// An overlay here was made of it, or of what was current then.
    Layer(PathBuf),
    Root,
    Directory,
    Program,
    File,
}

impl User {
    /// Whether something is mounted in the tree, whose files are not the tree's.
    pub(crate) fn is_mounted_in_it(&self) -> bool {
        matches!(self.how, How::Hides(_))
    }
}

impl fmt::Display for User {
    /// What is the case, of "it", the tree.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.how {
            How::Hides(point) => write!(f, "{} is a mount point in it", point.display())?,
            How::Shows(point) => write!(f, "it is mounted on {}", point.display())?,
            How::Layer(point) => write!(f, "the overlay {} is made of it", point.display())?,
            How::Root => f.write_str("it is the root directory")?,
            How::Directory => f.write_str("it is the current directory")?,
            How::Program => f.write_str("a program in it is run")?,
            How::File => f.write_str("a file in it is open")?,
        }
        self.process.as_ref().map_or(Ok(()), |process| match self.how {
            How::Hides(_) | How::Shows(_) | How::Layer(_) => {
                write!(f, " in the namespace of {process}")
            }
            How::Program => write!(f, " by {process}"),
            How::File => write!(f, " in {process}"),
            How::Root | How::Directory => write!(f, " of {process}"),
        })
    }
}

/// All that use a tree now. `known_as` is the path under which others may have come to know it.
pub(super) fn of(tree: &Path, known_as: &Path) -> io::Result<Vec<User>> {
    let tree = Tree::find(tree, known_as)?;
    let own = fs::read("/proc/self/mountinfo")?;
    let mut users = tree.mounts_in(&Table::parse(&own), None);
    let mut tables = HashSet::from([own]);
    for entry in fs::read_dir("/proc")? {
        let entry = entry?;
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let dir = entry.path();
        // Those that can't be looked at have ended meanwhile, or are other users'.
        if let Ok(table) = fs::read(dir.join("mountinfo")) {
            if !tables.contains(&table) {
                users.extend(tree.mounts_in(&Table::parse(&table), Some(pid)));
                tables.insert(table);
            }
        }
        let how = tree.how_used_by(&dir);
        users.extend(how.map(|how| User { process: Some(Process::named(pid)), how }));
    }
    Ok(users)
}

/// A tree by everything that it can be recognised by.
struct Tree {
    path: PathBuf,
    location: Location,
    inode: (u64, u64),
    /// What an overlay may have been told.
    names: Vec<PathBuf>,
}

impl Tree {
    fn find(tree: &Path, known_as: &Path) -> io::Result<Self> {
        let path = match (tree.parent(), tree.file_name()) {
            (Some(parent), Some(name)) => parent.canonicalize()?.join(name),
            _ => return Err(io::Error::other("not the path of a tree")),
        };
        let stat = fstat(open_path(&path)?)?;
        let mut names = vec![path.clone(), known_as.to_owned()];
        // `gen/N`, whose link is beside `gen`.
        if let Some(place) = known_as.parent().and_then(Path::parent) {
            names.push(place.join("current"));
            if let Ok(place) = place.canonicalize() {
                names.push(place.join("current"));
                names.extend(known_as.file_name().map(|number| place.join("gen").join(number)));
            }
        }
        Ok(Self { location: Location::of(&path)?, inode: (stat.st_dev, stat.st_ino), path, names })
    }

    fn mounts_in(&self, table: &Table, process: Option<u32>) -> Vec<User> {
        let how = |mount: &Mount| {
            let point = || mount.point.clone();
            if table.hidden_by(mount).is_some_and(|hidden| hidden.is_in(&self.location)) {
                return Some(How::Hides(point()));
            }
            if mount.shows().is_in(&self.location) {
                return Some(How::Shows(point()));
            }
            let is_layer = |layer: &PathBuf| self.names.iter().any(|name| layer.starts_with(name));
            let is_made_of_it = mount.kind == b"overlay" && mount.layers().iter().any(is_layer);
            is_made_of_it.then(|| How::Layer(point()))
        };
        let users = table.mounts().iter().filter_map(how);
        users.map(|how| User { process: process.map(Process::named), how }).collect()
    }

    /// The first of the ways in which a process, by its directory in /proc, uses it.
    fn how_used_by(&self, process: &Path) -> Option<How> {
        let links = [("root", How::Root), ("cwd", How::Directory), ("exe", How::Program)];
        for (link, how) in links {
            if self.holds(process, &process.join(link)) {
                return Some(how);
            }
        }
        let open = fs::read_dir(process.join("fd")).into_iter().flatten().flatten();
        if open.into_iter().any(|entry| self.holds(process, &entry.path())) {
            return Some(How::File);
        }
        // Libraries of a program that is elsewhere.
        let maps = fs::read(process.join("maps")).unwrap_or_default();
        let mut name = self.path.as_os_str().as_bytes().to_vec();
        name.push(b'/');
        let is_mapped = maps.windows(name.len()).any(|window| window == name);
        is_mapped.then_some(How::File)
    }

    /// Whether what a link in /proc leads to is in the tree. What it reads as is right where the namespace is this one's, or
    /// like it; in others the path to the tree is another, but the tree's own name is in it, unless the tree is what is mounted
    /// there. Only then is it opened: on whatever file system it is, that may take its time.
    fn holds(&self, process: &Path, link: &Path) -> bool {
        let Ok(target) = fs::read_link(link) else {
            return false;
        };
        if target.starts_with(&self.path) {
            return true;
        }
        let name = self.path.file_name();
        if !target.is_absolute() || !target.iter().any(|part| Some(part) == name) {
            return false;
        }
        if let Ok(dir) = open_path(link) {
            if let Some(found) = self.is_at_or_above(dir) {
                return found;
            }
        }
        // A file doesn't know the directory that it is in.
        let parent = target.parent().and_then(|parent| parent.strip_prefix("/").ok());
        let parent = parent.map(|parent| process.join("root").join(parent));
        let dir = parent.and_then(|parent| open_path(&parent).ok());
        dir.and_then(|dir| self.is_at_or_above(dir)).unwrap_or(false)
    }

    /// Nothing if it is no directory.
    fn is_at_or_above(&self, mut dir: OwnedFd) -> Option<bool> {
        let mut last = None;
        loop {
            let stat = fstat(&dir).ok()?;
            let inode = Some((stat.st_dev, stat.st_ino));
            if inode == Some(self.inode) {
                return Some(true);
            }
            if inode == last {
                return Some(false);
            }
            last = inode;
            let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
            dir = openat(&dir, OsStr::new(".."), flags, Mode::empty()).ok()?;
        }
    }
}

fn open_path(path: &Path) -> nix::Result<OwnedFd> {
    open(path, OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty())
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        os::unix::fs::symlink,
        path::{Path, PathBuf},
        process::{Command, Stdio},
    };

    use tempfile::TempDir;

    use super::{How, Table, Tree, User, of};

    fn tree() -> (TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let tree = dir.path().join("gen/7");
        fs::create_dir_all(tree.join("usr")).unwrap();
        (dir, tree)
    }

    fn ways(tree: &Path, known_as: &Path) -> Vec<How> {
        of(tree, known_as).unwrap().into_iter().map(|user| user.how).collect()
    }

    #[test]
    fn a_process_in_a_tree_and_an_open_file_of_it_are_uses() {
        let (_dir, tree) = tree();
        assert_eq!(ways(&tree, &tree), []);
        let file = fs::File::create(tree.join("usr/file")).unwrap();
        assert_eq!(ways(&tree, &tree), [How::File]);
        drop(file);
        let mut cat = Command::new("cat");
        let mut cat = cat.current_dir(tree.join("usr")).stdin(Stdio::piped()).spawn().unwrap();
        let users = of(&tree, &tree).unwrap();
        cat.kill().unwrap();
        cat.wait().unwrap();
        assert_eq!(users.len(), 1);
        let shown = users[0].to_string();
        assert!(shown.starts_with("it is the current directory of process "), "{shown}");
        assert_eq!(ways(&tree, &tree), []);
    }

    #[test]
    fn a_use_is_found_after_a_rename_and_through_a_symlink() {
        let (dir, tree) = tree();
        let _file = fs::File::create(tree.join("usr/file")).unwrap();
        let aside = dir.path().join("aside");
        fs::rename(&tree, &aside).unwrap();
        assert_eq!(ways(&aside, &tree), [How::File]);
        symlink(dir.path(), dir.path().join("link")).unwrap();
        assert_eq!(ways(&dir.path().join("link/aside"), &tree), [How::File]);
    }

    #[test]
    fn a_neighbour_is_not_the_tree() {
        let (dir, tree) = tree();
        fs::create_dir(dir.path().join("gen/70")).unwrap();
        let _file = fs::File::create(dir.path().join("gen/70/file")).unwrap();
        assert_eq!(ways(&tree, &tree), []);
    }

    #[test]
    fn a_directory_that_bears_the_trees_name_is_told_from_it() {
        let (dir, tree) = tree();
        let other = dir.path().join("other/7/usr");
        fs::create_dir_all(&other).unwrap();
        let _dir = fs::File::open(&other).unwrap();
        let _file = fs::File::create(other.join("file")).unwrap();
        assert_eq!(ways(&tree, &tree), []);
    }

    /// What a line of mountinfo says of a tree that is `/s/gen/7` on device 8:1.
    fn mounted(line: &str) -> Vec<User> {
        let (_dir, path) = tree();
        let mut tree = Tree::find(&path, &path).unwrap();
        let table = Table::parse(b"1 0 8:1 /s /state rw - ext4 x rw\n");
        let table_of_tree = Table::parse(b"2 1 8:1 /s/gen/7 /m rw - ext4 x rw\n");
        tree.location = table_of_tree.mounts()[0].shows();
        tree.names = vec!["/state/gen/7".into(), "/state/current".into()];
        assert!(tree.mounts_in(&table, None).is_empty());
        let text = format!("1 0 8:1 /s /state rw - ext4 x rw\n{line}\n");
        tree.mounts_in(&Table::parse(text.as_bytes()), None)
    }

    #[test]
    fn mounts_of_it_and_in_it_are_uses_wherever_they_are() {
        let how = |line| mounted(line).into_iter().map(|user| user.how).collect::<Vec<_>>();
        let shows = how("2 1 8:1 /s/gen/7/usr /anywhere rw - ext4 x rw");
        assert_eq!(shows, [How::Shows("/anywhere".into())]);
        let hides = how("2 1 8:1 /precious /state/gen/7/mnt rw - ext4 x rw");
        assert_eq!(hides, [How::Hides("/state/gen/7/mnt".into())]);
        assert_eq!(how("2 1 8:2 /s/gen/7 /anywhere rw - ext4 y rw"), []);
        assert_eq!(how("2 1 8:1 /s/gen/70 /anywhere rw - ext4 x rw"), []);
    }

    #[test]
    fn an_overlay_of_current_may_be_one_of_any_generation() {
        let overlay = |lower: &str| {
            mounted(&format!("2 1 0:50 / /o rw - overlay o rw,lowerdir={lower},upperdir=/u"))
        };
        assert_eq!(overlay("/x:/state/gen/7/usr").len(), 1);
        assert_eq!(overlay("/state/current").len(), 1);
        assert_eq!(overlay("/state/gen/70:lower").len(), 0);
    }

    #[test]
    fn it_is_said_whether_the_files_are_the_trees() {
        let users = mounted("2 1 8:1 /precious /state/gen/7/mnt rw - ext4 x rw");
        assert!(users[0].is_mounted_in_it());
        assert_eq!(users[0].to_string(), "/state/gen/7/mnt is a mount point in it");
        let users = mounted("2 1 8:1 /s/gen/7 /anywhere rw - ext4 x rw");
        assert!(!users[0].is_mounted_in_it());
    }
}
