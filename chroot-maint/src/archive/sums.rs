//! SHA256 of files, by coreutils. Does not know what they should be.

use std::{
    io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::ArchiveError;

/// The sum of each file, in their order.
pub(super) fn sha256(files: &[PathBuf]) -> Result<Vec<String>, ArchiveError> {
    let mut sums = Vec::new();
    // Far from the limit on arguments, whatever the length of the paths.
    for files in files.chunks(200) {
        let mut command = Command::new("sha256sum");
        command.arg("--zero").arg("--").args(files).stdin(Stdio::null());
        let output = command.output().map_err(ArchiveError::Sum)?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(ArchiveError::Sum(io::Error::other(said)));
        }
        let lines = output.stdout.split(|&byte| byte == 0).filter(|line| !line.is_empty());
        sums.extend(lines.map(|line| {
            let sum = line.get(..64).unwrap_or_default();
            String::from_utf8_lossy(sum).into_owned()
        }));
    }
    Ok(sums)
}

/// Of one file.
pub(super) fn sha256_of(file: &Path) -> Result<String, ArchiveError> {
    Ok(sha256(&[file.to_owned()])?.pop().unwrap_or_default())
}
