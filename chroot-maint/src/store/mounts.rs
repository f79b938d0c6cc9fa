//! Which file systems are mounted where, as /proc/PID/mountinfo has it: in this mount namespace and in others. Does not
//! know which processes there are.

use std::{
    ffi::OsString,
    fs, io,
    os::{
        fd::AsRawFd,
        unix::ffi::{OsStrExt, OsStringExt},
    },
    path::{Path, PathBuf},
};

use nix::{
    fcntl::{OFlag, open},
    sys::stat::Mode,
};

/// The mounts that a process sees.
#[derive(Debug)]
pub(super) struct Table(Vec<Mount>);

#[derive(Debug)]
pub(super) struct Mount {
    id: u32,
    parent: u32,
    /// As `major:minor`; the same for all mounts of one file system.
    device: Vec<u8>,
    /// The directory of the file system that is seen at the mount point.
    root: PathBuf,
    pub(super) point: PathBuf,
    pub(super) kind: Vec<u8>,
    /// Those of the file system, in the words of whoever mounted it.
    options: Vec<u8>,
}

/// A directory by its path on its own file system: the same from wherever it is looked at, and after renames the new one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Location {
    device: Vec<u8>,
    path: PathBuf,
}

impl Location {
    /// Where a directory is; its path must be without symlinks.
    pub(super) fn of(dir: &Path) -> io::Result<Self> {
        let fd = open(dir, OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC, Mode::empty())?;
        let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", fd.as_raw_fd()))?;
        let id = info.lines().find_map(|line| line.strip_prefix("mnt_id:")?.trim().parse().ok());
        let table = Table::read("self")?;
        let mount = table.0.iter().find(|mount| Some(mount.id) == id);
        mount
            .and_then(|mount| mount.location(dir))
            .ok_or_else(|| io::Error::other(format!("no mount is known to hold {}", dir.display())))
    }

    /// Whether it is the other one or in it.
    pub(super) fn is_in(&self, other: &Self) -> bool {
        self.device == other.device && self.path.starts_with(&other.path)
    }
}

impl Mount {
    /// Where a path that this mount holds is on the file system.
    fn location(&self, path: &Path) -> Option<Location> {
        let below = path.strip_prefix(&self.point).ok()?;
        // Without the slash that joining nothing would add.
        let path = self.root.join(below).components().collect();
        Some(Location { device: self.device.clone(), path })
    }

    /// What is seen at its mount point.
    pub(super) fn shows(&self) -> Location {
        Location { device: self.device.clone(), path: self.root.clone() }
    }

    /// Of an overlay, the directories it was made of, as far as they were named from the root.
    pub(super) fn layers(&self) -> Vec<PathBuf> {
        let mut layers = Vec::new();
        for option in split(&self.options, b',') {
            let Some(at) = option.iter().position(|&byte| byte == b'=') else {
                continue;
            };
            let (name, value) = (&option[..at], &option[at + 1..]);
            if matches!(name, b"lowerdir" | b"lowerdir+" | b"datadir+" | b"upperdir" | b"workdir") {
                let paths = split(value, b':').into_iter().map(|path| plain(&path));
                layers.extend(paths.filter(|path| path.is_absolute()));
            }
        }
        layers
    }
}

impl Table {
    /// Of a process, by its number or as `self`.
    pub(super) fn read(process: &str) -> io::Result<Self> {
        fs::read(format!("/proc/{process}/mountinfo")).map(|text| Self::parse(&text))
    }

    pub(super) fn parse(text: &[u8]) -> Self {
        Self(text.split(|&byte| byte == b'\n').filter_map(parse).collect())
    }

    pub(super) fn mounts(&self) -> &[Mount] {
        &self.0
    }

    /// Where the directory is that a mount hides.
    pub(super) fn hidden_by(&self, mount: &Mount) -> Option<Location> {
        let holder = self.0.iter().find(|holder| holder.id == mount.parent)?;
        holder.location(&mount.point)
    }
}

/// The mount points at or below a path without symlinks, in this mount namespace.
pub(super) fn below(path: &Path) -> io::Result<Vec<PathBuf>> {
    let points = Table::read("self")?.0.into_iter().map(|mount| mount.point);
    Ok(points.filter(|point| point.starts_with(path)).collect())
}

/// `ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [TAG…] - KIND SOURCE OPTIONS`
fn parse(line: &[u8]) -> Option<Mount> {
    let fields: Vec<&[u8]> = line.split(|&byte| byte == b' ').collect();
    let end_of_tags = fields.iter().position(|&field| field == b"-")?;
    let number = |at: usize| std::str::from_utf8(fields.get(at)?).ok()?.parse().ok();
    Some(Mount {
        id: number(0)?,
        parent: number(1)?,
        device: fields.get(2)?.to_vec(),
        root: path(fields.get(3)?),
        point: path(fields.get(4)?),
        kind: fields.get(end_of_tags + 1)?.to_vec(),
        options: unescape(fields.get(end_of_tags + 3)?),
    })
}

fn path(field: &[u8]) -> PathBuf {
    PathBuf::from(OsString::from_vec(unescape(field)))
}

/// The kernel writes blanks and backslashes as three octal digits.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&byte, after)) = rest.split_first() {
        let octal = after
            .first_chunk::<3>()
            .filter(|_| byte == b'\\')
            .and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        plain.push(octal.unwrap_or(byte));
        rest = if octal.is_some() { &after[3..] } else { after };
    }
    plain
}

/// At each separator that has no backslash before it: overlays are told their layers so.
fn split(text: &[u8], separator: u8) -> Vec<Vec<u8>> {
    let mut parts = vec![Vec::new()];
    let mut is_escaped = false;
    for &byte in text {
        if byte == separator && !is_escaped {
            parts.push(Vec::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(byte);
        }
        is_escaped = byte == b'\\' && !is_escaped;
    }
    parts
}

/// A path as it was before those backslashes were put in.
fn plain(path: &[u8]) -> PathBuf {
    let mut plain = Vec::with_capacity(path.len());
    let mut bytes = path.iter();
    while let Some(&byte) = bytes.next() {
        plain.push(if byte == b'\\' { bytes.next().copied().unwrap_or(byte) } else { byte });
    }
    Path::new(std::ffi::OsStr::from_bytes(&plain)).to_owned()
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::{Location, Table, unescape};

    const TABLE: &str = "25 1 254:0 / / rw - ext4 /dev/vda rw\n\
        26 25 0:5 / /proc rw shared:7 master:1 - proc proc rw\n\
        27 25 254:0 /srv/x\\040y/gen/1 /mnt rw - ext4 /dev/vda rw\n\
        28 27 254:0 /home /mnt/var/precious rw - ext4 /dev/vda rw\n\
        29 25 0:30 / /o rw - overlay o rw,lowerdir=/a\\134:b:/c:d,upperdir=/u,workdir=/w\n";

    fn location(path: &str) -> Location {
        Location { device: b"254:0".to_vec(), path: path.into() }
    }

    #[test]
    fn names_with_blanks_are_read() {
        assert_eq!(unescape(br"/a\040b\134c"), br"/a b\c");
        assert_eq!(unescape(br"/a\04"), br"/a\04");
    }

    #[test]
    fn a_directory_is_the_same_under_whatever_name_it_is_mounted() {
        let table = Table::parse(TABLE.as_bytes());
        let (root, bound) = (&table.mounts()[0], &table.mounts()[2]);
        assert_eq!(bound.shows(), location("/srv/x y/gen/1"));
        assert_eq!(bound.location(Path::new("/mnt/usr")), Some(location("/srv/x y/gen/1/usr")));
        assert_eq!(root.location(Path::new("/srv/x y/gen/1")), Some(bound.shows()));
        assert!(bound.shows().is_in(&location("/srv/x y")));
        assert!(!location("/srv/x y/gen/10").is_in(&bound.shows()));
    }

    #[test]
    fn what_a_mount_hides_is_found_on_the_file_system_that_holds_its_mount_point() {
        let table = Table::parse(TABLE.as_bytes());
        let hidden = table.hidden_by(&table.mounts()[3]);
        assert_eq!(hidden, Some(location("/srv/x y/gen/1/var/precious")));
        assert_eq!(table.hidden_by(&table.mounts()[0]), None);
    }

    #[test]
    fn the_layers_of_an_overlay_are_those_named_from_the_root() {
        let table = Table::parse(TABLE.as_bytes());
        let layers = table.mounts()[4].layers();
        assert_eq!(layers, ["/a:b", "/c", "/u", "/w"].map(PathBuf::from));
    }

    #[test]
    fn the_root_directory_is_where_the_kernel_says() {
        assert!(Location::of(Path::new("/")).is_ok());
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().canonicalize().unwrap();
        let (dir, parent) =
            (Location::of(&dir).unwrap(), Location::of(dir.parent().unwrap()).unwrap());
        assert!(dir.is_in(&parent) && !parent.is_in(&dir));
    }
}
