//! A tree as a compressed tarball whose bytes depend on the packages in it and on nothing else: not on the day, not on
//! who made it, not on the order in which the disk gives names back. Does not know where it goes.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt,
    path::Path,
};

use super::{BodyError, bootstrap::SOURCE_DATE_EPOCH, process};
use crate::{sandbox::Sandbox, tools};

/// The tools that it takes.
pub(super) const TOOLS: [&str; 3] = ["find", "tar", "zstd"];

/// One thread, for with several the same input may come out otherwise on another machine; others run beside it anyway.
/// Level 3 takes a third of the time of level 6 and 6 % more room.
const COMPRESS: &str = "--use-compress-program=zstd -T1 -3";

/// The ids in the tree as it has them, and of attributes only those that packages give to files.
const OPTIONS: [&str; 12] = [
    "--file=-",
    "--format=pax",
    // These two differ from run to run, and so does the number of a process in the names of extended headers.
    "--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime",
    "--numeric-owner",
    "--acls",
    "--xattrs",
    "--xattrs-include=security.capability",
    "--xattrs-include=user.*",
    "--no-recursion",
    "--null",
    "--files-from=-",
    "--clamp-mtime",
];

/// Writes the tarball to a file, with ids as they are within the tree.
pub(super) fn write(sandbox: Sandbox, tree: &Path, into: File) -> Result<(), BodyError> {
    tools::require(&TOOLS)?;
    let start = |source| BodyError::Start { what: "tar", source };
    let names = names(sandbox, tree)?;
    let names = process::file_of(&names).map_err(start)?;
    let mut tar = sandbox.outside("tar");
    // Names are looked up in the directory that was named before them.
    tar.arg("--create").arg("--directory").arg(tree).args(OPTIONS).arg(COMPRESS);
    tar.arg(format!("--mtime=@{}", newest(tree)));
    process::filter("making the tarball", tar, names, into)
}

/// What is in the tree, sorted, with a zero byte after each: without device nodes, which nobody but root can unpack,
/// and without sockets, which no archive can hold.
fn names(sandbox: Sandbox, tree: &Path) -> Result<Vec<u8>, BodyError> {
    let mut find = sandbox.outside("find");
    find.arg(tree).args(["-xdev", "!", "-type", "b", "!", "-type", "c", "!", "-type", "s"]);
    find.args(["-printf", "./%P\\0"]);
    Ok(sorted(&process::output("listing the tree", find)?))
}

/// Whoever unpacks it brings a /dev along.
fn sorted(found: &[u8]) -> Vec<u8> {
    let names = found.split_inclusive(|&byte| byte == 0);
    let mut names: Vec<&[u8]> = names.filter(|name| !name.starts_with(b"./dev/")).collect();
    names.sort_unstable();
    names.concat()
}

/// When the youngest package was built: what bears a later time was written while the tree was made, at a time that
/// differs from one tree with these packages to the next. The files of packages keep their times, by which Python, for
/// one, knows whether it has compiled them. Each package has a directory in /usr/share/doc.
fn newest(tree: &Path) -> i64 {
    let epoch = SOURCE_DATE_EPOCH.parse().unwrap_or(0);
    newest_below(&tree.join("usr/share/doc")).unwrap_or(None).unwrap_or(epoch)
}

fn newest_below(docs: &Path) -> io::Result<Option<i64>> {
    let mut newest = None;
    for package in fs::read_dir(docs)? {
        let package = package?;
        if !package.file_type()?.is_dir() {
            continue;
        }
        for file in fs::read_dir(package.path())? {
            let found = file?.metadata()?;
            if found.is_file() {
                newest = newest.max(Some(found.mtime()));
            }
        }
    }
    Ok(newest)
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, File},
        time::{Duration, UNIX_EPOCH},
    };

    use super::{newest, sorted};

    #[test]
    fn names_are_sorted_by_their_bytes_and_devices_left_out() {
        let found = b"./\0./usr\0./dev\0./dev/fd\0./a b\0./A\0./device\0";
        assert_eq!(sorted(found), b"./\0./A\0./a b\0./dev\0./device\0./usr\0");
    }

    #[test]
    fn the_youngest_package_is_found_by_its_documentation() {
        let tree = tempfile::tempdir().unwrap();
        assert_eq!(newest(tree.path()), 946_684_800);
        for (package, seconds) in [("a", 1_000_000_001), ("b", 1_000_000_009)] {
            let dir = tree.path().join("usr/share/doc").join(package);
            fs::create_dir_all(&dir).unwrap();
            let file = File::create(dir.join("changelog.gz")).unwrap();
            file.set_modified(UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
        }
        assert_eq!(newest(tree.path()), 1_000_000_009);
    }
}
