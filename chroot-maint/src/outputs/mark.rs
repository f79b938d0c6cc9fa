//! The mark by which a tarball is known as this program's: a frame of zstd's without data, at the end of the file.
//!
//! Decompressors pass over such frames (RFC 8878, 3.1.2). At the start it would hide the magic number by which newer
//! sbuilds choose a decompressor. Names the chroot and nothing that differs from run to run.

use std::{
    fs::OpenOptions,
    io::{Read, Seek, SeekFrom},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use nix::libc;

/// The first of the sixteen numbers for such frames.
const MAGIC: [u8; 4] = 0x184D_2A50_u32.to_le_bytes();

const WORDS: &str = "chroot-maint ";

/// More than a mark can take: names of files are not longer.
const MOST: u64 = 512;

/// The frame for a tarball of this name.
pub(super) fn frame(name: &str) -> Vec<u8> {
    let text = format!("{WORDS}{name}\n");
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    [&MAGIC[..], &length.to_le_bytes(), text.as_bytes()].concat()
}

/// Whether the file at a path is a regular one that ends with the mark for this name. Opens nothing else, be it a link,
/// a pipe or a device.
pub(super) fn is_marked(path: &Path, name: &str) -> bool {
    if !path.symlink_metadata().is_ok_and(|found| found.is_file()) {
        return false;
    }
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    let end = || {
        let mut file = options.open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(MOST)))?;
        let mut end = Vec::new();
        file.take(MOST).read_to_end(&mut end)?;
        std::io::Result::Ok(end)
    };
    end().is_ok_and(|end| end.ends_with(&frame(name)))
}

#[cfg(test)]
mod tests {
    use std::{fs, process::Command};

    use super::{frame, is_marked};

    #[test]
    fn a_mark_is_found_and_none_is_imagined() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("x");
        assert!(!is_marked(&file, "sid-amd64"));
        fs::write(&file, [vec![7; 1000], frame("sid-amd64")].concat()).unwrap();
        assert!(is_marked(&file, "sid-amd64"));
        assert!(!is_marked(&file, "sid-arm64"));
        std::os::unix::fs::symlink(&file, dir.path().join("link")).unwrap();
        assert!(!is_marked(&dir.path().join("link"), "sid-amd64"));
        assert!(!is_marked(dir.path(), "sid-amd64"));
    }

    #[test]
    fn zstd_passes_over_the_mark() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("x.zst");
        // Whether there is zstd or not, this is an empty frame of its, as `zstd </dev/null' writes it.
        let empty = [0x28, 0xb5, 0x2f, 0xfd, 0x24, 0x00, 0x01, 0x00, 0x00, 0x99, 0xe9, 0xd8, 0x51];
        fs::write(&file, [&empty[..], &frame("sid-amd64")].concat()).unwrap();
        let Ok(output) = Command::new("zstd").arg("-dc").arg(&file).output() else {
            panic!("zstd can't be run; install the package zstd");
        };
        assert!(output.status.success() && output.stdout.is_empty(), "{output:?}");
    }
}
