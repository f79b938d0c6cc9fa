//! Paths in what is handed to a shell.

use std::{
    ffi::OsString,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::Path,
};

/// A path as one word of a shell.
pub(super) fn quoted(path: &Path) -> OsString {
    let mut word = vec![b'\''];
    for &byte in path.as_os_str().as_bytes() {
        if byte == b'\'' {
            word.extend_from_slice(b"'\\'");
        }
        word.push(byte);
    }
    word.push(b'\'');
    OsString::from_vec(word)
}
