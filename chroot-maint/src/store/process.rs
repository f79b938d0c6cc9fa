//! A process as a reader should see it: by number and name. Does not look for any.

use std::{fmt, fs};

/// A process that stands in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Process {
    pid: u32,
    /// Nothing if it has ended meanwhile, or can't be looked at.
    name: Option<String>,
}

/// Enough to recognise a command by.
const LONGEST: usize = 80;

impl Process {
    /// By the short name that lists of processes show.
    pub(super) fn named(pid: u32) -> Self {
        let name = fs::read(format!("/proc/{pid}/comm")).ok();
        Self { pid, name: name.and_then(|name| shown(&name)) }
    }

    /// By the words it was started with.
    pub(super) fn with_words(pid: u32) -> Self {
        let words = fs::read(format!("/proc/{pid}/cmdline")).ok();
        Self { pid, name: words.and_then(|words| shown(&words)) }
    }
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {}", self.pid)?;
        self.name.as_ref().map_or(Ok(()), |name| write!(f, " ({name})"))
    }
}

/// On one line, for a process may call itself what it likes.
fn shown(name: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(name);
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let plain = plain.trim();
    let is_cut = plain.chars().count() > LONGEST;
    let cut: String = plain.chars().take(LONGEST).collect();
    (!plain.is_empty()).then(|| if is_cut { format!("{cut}...") } else { cut })
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, shown};

    #[test]
    fn a_name_can_neither_break_the_line_nor_fill_the_screen() {
        assert_eq!(shown(b"sleep\x00600\x00").as_deref(), Some("sleep 600"));
        assert_eq!(shown(b"a\x1b[31mb\nc").as_deref(), Some("a [31mb c"));
        assert_eq!(shown(b"\x00"), None);
        assert_eq!(shown(&[b'x'; 500]).unwrap().len(), LONGEST + 3);
    }
}
