//! The cgroup (version 2) that this process is in, its ancestors, and the room for memory in those
//! that have a limit. Doesn't know what the machine has.

use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use super::Gauge;

/// A cgroup with a limit of memory.
#[derive(Debug)]
pub(super) struct Room {
    max: Gauge,
    current: Gauge,
    stat: Gauge,
}

impl Room {
    /// `None` if the cgroup has no limit.
    fn of(directory: &Path) -> Option<Self> {
        let open = |name| Gauge::open(&directory.join(name)).ok();
        let room = Self {
            max: open("memory.max")?,
            current: open("memory.current")?,
            stat: open("memory.stat")?,
        };
        room.max.read(number).ok()?;
        Some(room)
    }

    /// How many bytes are left in it; `None` if it is without limit now.
    pub(super) fn bytes(&self) -> Option<u64> {
        let max = self.max.read(number).ok()?;
        let current = self.current.read(number).ok()?;
        let cache = self.stat.read(inactive_file).unwrap_or(0);
        Some(left(max, current, cache))
    }
}

/// The cgroups with a limit of memory among these.
pub(super) fn rooms(levels: &[PathBuf]) -> Vec<Room> {
    levels.iter().filter_map(|level| Room::of(level)).collect()
}

/// The directories of our cgroup and of its ancestors, as far as they can be seen from here: ours
/// first. None if there is no version 2, or it is mounted nowhere.
pub(super) fn levels() -> Vec<PathBuf> {
    let membership = fs::read_to_string("/proc/self/cgroup");
    let mounts = fs::read("/proc/self/mountinfo");
    membership.ok().zip(mounts.ok()).map_or(Vec::new(), |(membership, mounts)| {
        directories(&membership, &mounts).unwrap_or_default()
    })
}

/// The same, from the text of those two files.
fn directories(membership: &str, mounts: &[u8]) -> Option<Vec<PathBuf>> {
    let cgroup = Path::new(membership.lines().find_map(|line| line.strip_prefix("0::"))?);
    let (mount_point, inside) =
        mounts.split(|&byte| byte == b'\n').filter_map(mount).find_map(|(root, mount_point)| {
            let inside = cgroup.strip_prefix(root).ok()?.to_owned();
            Some((mount_point, inside))
        })?;
    // A process that was moved out of the namespace that it sees has a `..` there.
    let is_below = inside.components().all(|part| matches!(part, std::path::Component::Normal(_)));
    is_below.then(|| inside.ancestors().map(|level| mount_point.join(level)).collect())
}

/// What of the hierarchy is mounted where, if that line of `mountinfo` is of version 2.
fn mount(line: &[u8]) -> Option<(PathBuf, PathBuf)> {
    let mut words = line.split(|&byte| byte == b' ');
    let root = path(words.nth(3)?);
    let mount_point = path(words.next()?);
    let file_system = words.skip_while(|&word| word != b"-").nth(1)?;
    (file_system == b"cgroup2").then_some((root, mount_point))
}

/// A path in `mountinfo`, where blanks and the like are three octal digits after a backslash.
fn path(mut word: &[u8]) -> PathBuf {
    let mut bytes = Vec::new();
    while let Some((&byte, rest)) = word.split_first() {
        let digits = rest.split_at_checked(3).filter(|_| byte == b'\\');
        let escaped = digits.and_then(|(digits, rest)| {
            let digits = std::str::from_utf8(digits).ok()?;
            Some((u8::from_str_radix(digits, 8).ok()?, rest))
        });
        let (byte, rest) = escaped.unwrap_or((byte, rest));
        bytes.push(byte);
        word = rest;
    }
    std::ffi::OsString::from_vec(bytes).into()
}

/// The room that is left: what is not in use, and caches that can go.
fn left(max: u64, current: u64, cache: u64) -> u64 {
    max.saturating_sub(current.saturating_sub(cache))
}

/// The number in a file that has just one; `None` if it is `max`.
fn number(text: &str) -> Option<u64> {
    text.trim_end().parse().ok()
}

/// Of `memory.stat`: cached parts of files that have not been looked at for long.
fn inactive_file(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("inactive_file "))?.parse().ok()
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    const UNIFIED: &[u8] = b"24 1 8:1 / / rw - ext4 /dev/vda rw\n\
        30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 master:2 - cgroup2 cgroup2 rw\n";

    fn levels(membership: &str, mounts: &[u8]) -> Vec<String> {
        let directories = directories(membership, mounts).unwrap_or_default();
        directories.into_iter().map(|level| level.into_os_string().into_string().unwrap()).collect()
    }

    #[test]
    fn ours_comes_first_and_its_ancestors_follow() {
        let found = levels("0::/user.slice/session 1.scope\n", UNIFIED);
        let expected = [
            "/sys/fs/cgroup/user.slice/session 1.scope",
            "/sys/fs/cgroup/user.slice",
            "/sys/fs/cgroup/",
        ];
        assert_eq!(found, expected);
        assert_eq!(levels("0::/\n", UNIFIED), ["/sys/fs/cgroup/"]);
    }

    #[test]
    fn it_is_found_beside_version_1_and_below_a_part_that_is_mounted() {
        let hybrid = b"31 30 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
            32 30 0:28 / /sys/fs/cgroup/uni\\040fied rw - cgroup2 cgroup2 rw\n";
        assert_eq!(
            levels("4:memory:/a\n0::/b\n", hybrid),
            ["/sys/fs/cgroup/uni fied/b", "/sys/fs/cgroup/uni fied/"]
        );
        let bound = b"32 30 0:28 /pod /cg rw - cgroup2 cgroup2 rw\n";
        assert_eq!(levels("0::/pod/job\n", bound), ["/cg/job", "/cg/"]);
        assert!(levels("0::/other\n", bound).is_empty());
    }

    #[test]
    fn where_it_can_not_be_seen_there_is_none() {
        assert!(levels("4:memory:/a\n", UNIFIED).is_empty());
        assert!(levels("0::/../elsewhere\n", UNIFIED).is_empty());
        assert!(levels("0::/a\n", b"24 1 8:1 / / rw - ext4 /dev/vda rw\n").is_empty());
        assert!(levels("", b"").is_empty());
    }

    #[test]
    fn room_is_what_is_not_used_or_only_cached() {
        assert_eq!(left(1000, 700, 100), 400);
        assert_eq!(left(1000, 700, 900), 1000);
        assert_eq!(left(1000, 1200, 0), 0);
        assert_eq!(number("max\n"), None);
        assert_eq!(number("4096\n"), Some(4096));
        assert_eq!(inactive_file("anon 5\nfile 6\ninactive_file 7\nactive_file 8\n"), Some(7));
    }

    #[test]
    fn only_cgroups_with_a_limit_count() {
        let directory = TempDir::new().unwrap();
        let group = |name: &str, max: &str| {
            let group = directory.path().join(name);
            fs::create_dir(&group).unwrap();
            fs::write(group.join("memory.max"), max).unwrap();
            fs::write(group.join("memory.current"), "700\n").unwrap();
            fs::write(group.join("memory.stat"), "anon 600\ninactive_file 100\n").unwrap();
            group
        };
        let groups =
            [group("limited", "1000\n"), group("free", "max\n"), directory.path().join("gone")];
        let rooms = rooms(&groups);
        assert_eq!(rooms.iter().map(Room::bytes).collect::<Vec<_>>(), [Some(400)]);
        fs::write(groups[0].join("memory.max"), "max\n").unwrap();
        assert_eq!(rooms[0].bytes(), None);
    }
}
