//! A program to run, with its arguments, environment and directory. Knows what was asked for; doesn't
//! know where the program is, nor how it is started.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;
use std::process::Command;

/// A program to run: what most jobs need, and started in the cheapest way that there is.
///
/// It is built like a [`Command`] and means the same, as far as it goes. What it can't say (user
/// and group, `arg0`, `pre_exec`), a `Command` still can, which is work as well.
///
/// ```
/// use jobsched::{Program, Work};
///
/// let work = Work::from(Program::new("cc").args(["-c", "a.c"]).current_dir("src"));
/// # let _ = work;
/// ```
///
/// - A name without a slash is looked for in the `PATH` *of the child*: in that of its own
///   environment if it was changed there, else in this process's, and in `/bin:/usr/bin` if there is
///   none. A name with a slash is taken as it is.
/// - A relative name or a relative directory in `PATH` is relative to
///   [`current_dir`](Self::current_dir), if that is given.
/// - A file that is no program, such as a script without a `#!` line, is an error (`ENOEXEC`);
///   nobody makes a shell of it.
/// - The environment is that of this process as it was when the run began, with the changes asked
///   for here.
/// - A byte 0 in anything given here fails the job, which can't be started.
///
/// The child has nothing open but its three standard streams and the descriptors of a jobserver that
/// it [shares](super::Work::share_jobserver): also of what the host left inheritable it gets nothing.
/// (Where a seccomp filter forbids the calls that this takes, it is started like a `Command`, and
/// inherits what that would.)
///
/// # Cost
///
/// It does not depend on how many jobs run. A start copies nothing of this process: no memory, and
/// none of its table of descriptors but a few entries at its beginning. A `Command` costs about twice
/// as much when thousands of descriptors are open.
#[derive(Debug, Clone)]
#[must_use]
pub struct Program {
    /// The name, and the arguments.
    words: Vec<CString>,
    /// Whether it inherits nothing of the environment.
    clear: bool,
    /// Variables to set, as `NAME=VALUE`, or to remove.
    changes: BTreeMap<OsString, Option<CString>>,
    directory: Option<CString>,
    /// What has a byte 0 in it.
    fault: Option<&'static str>,
}

impl Program {
    /// Runs the program of this name or path.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        let mut this = Self {
            words: Vec::new(),
            clear: false,
            changes: BTreeMap::new(),
            directory: None,
            fault: None,
        };
        let name = this.string(program.as_ref().as_bytes(), "its name");
        this.words.push(name);
        this
    }

    /// Adds an argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        let arg = self.string(arg.as_ref().as_bytes(), "an argument");
        self.words.push(arg);
        self
    }

    /// Adds arguments.
    pub fn args(self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        args.into_iter().fold(self, Self::arg)
    }

    /// Sets a variable of the environment.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        let (name, value) = (name.as_ref(), value.as_ref());
        let variable = variable(name, value);
        let variable = self.string(&variable, "a variable of its environment");
        self.changes.insert(name.to_owned(), Some(variable));
        self
    }

    /// Takes a variable out of the environment.
    pub fn env_remove(mut self, name: impl AsRef<OsStr>) -> Self {
        if self.clear {
            self.changes.remove(name.as_ref());
        } else {
            self.changes.insert(name.as_ref().to_owned(), None);
        }
        self
    }

    /// Lets it inherit no variable, and forgets those that were set before.
    pub fn env_clear(mut self) -> Self {
        self.clear = true;
        self.changes.clear();
        self
    }

    /// Runs it in this directory.
    pub fn current_dir(mut self, directory: impl AsRef<Path>) -> Self {
        let directory = directory.as_ref().as_os_str().as_bytes();
        self.directory = Some(self.string(directory, "its directory"));
        self
    }

    fn string(&mut self, bytes: &[u8], what: &'static str) -> CString {
        CString::new(bytes).unwrap_or_else(|_| {
            self.fault.get_or_insert(what);
            // What comes before it, for the messages.
            CString::new(bytes.split(|&byte| byte == 0).next().unwrap_or_default())
                .unwrap_or_default()
        })
    }

    pub(crate) fn name(&self) -> &CStr {
        self.words.first().map_or(c"", CString::as_c_str)
    }

    /// The name and the arguments.
    pub(crate) fn words(&self) -> &[CString] {
        &self.words
    }

    pub(crate) fn directory(&self) -> Option<&CStr> {
        self.directory.as_deref()
    }

    /// What can't be handed over because it has a byte 0 in it.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        self.fault
    }

    /// Whether it inherits nothing of the environment.
    pub(crate) fn clears_environment(&self) -> bool {
        self.clear
    }

    /// Variables that it sets, as `NAME=VALUE`, or removes.
    pub(crate) fn changes(&self) -> &BTreeMap<OsString, Option<CString>> {
        &self.changes
    }

    /// The same for the standard library.
    pub(crate) fn to_command(&self) -> Command {
        let os = |string: &CStr| OsStr::from_bytes(string.to_bytes()).to_owned();
        let mut command = Command::new(os(self.name()));
        command.args(self.words.iter().skip(1).map(|word| os(word)));
        if self.clear {
            command.env_clear();
        }
        for (name, variable) in &self.changes {
            match variable {
                Some(variable) => {
                    let value = variable.to_bytes().get(name.len() + 1..).unwrap_or_default();
                    command.env(name, OsStr::from_bytes(value));
                }
                None => {
                    command.env_remove(name);
                }
            }
        }
        if let Some(directory) = &self.directory {
            command.current_dir(os(directory));
        }
        command
    }
}

/// `NAME=VALUE`.
pub(crate) fn variable(name: &OsStr, value: &OsStr) -> Vec<u8> {
    let mut variable = name.to_owned().into_vec();
    variable.push(b'=');
    variable.extend_from_slice(value.as_bytes());
    variable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_becomes_the_same_command() {
        let program = Program::new("prog")
            .env("LOST", "x")
            .env_clear()
            .args(["a", "b"])
            .env("KEPT", "1=2")
            .env("GONE", "")
            .env_remove("GONE")
            .current_dir("/tmp");
        let mut command = Command::new("prog");
        command.env_clear().args(["a", "b"]).env("KEPT", "1=2").current_dir("/tmp");
        assert_eq!(format!("{:?}", program.to_command()), format!("{command:?}"));
        assert_eq!(program.fault(), None);
    }

    #[test]
    fn the_first_thing_with_a_byte_0_is_named() {
        let program = Program::new("prog").arg("a\0b").env("X", "\0");
        assert_eq!(program.fault(), Some("an argument"));
        assert_eq!(Program::new("pr\0og").fault(), Some("its name"));
        assert_eq!(Program::new("pr\0og").name(), c"pr");
    }
}
