//! Starting a [`Program`]: where it is, what environment it gets, and what is said if it can't be
//! started. Knows the standard library's rules for these; doesn't know how a child is made.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};

use nix::fcntl::OFlag;
use nix::unistd::{Pid, dup3};

use super::clone::{Stack, Start, Step, Strings, Trouble};
use super::terms::{Environment, NotStarted, above_standard, failed};
use super::{FileLimit, is_exhaustion};
use crate::Error;
use crate::job::{Body, Program, variable};

/// Where programs are looked for without a `PATH`, as by the C library.
const DEFAULT_PATH: &[u8] = b"/bin:/usr/bin";

/// The kernel's smallest table of descriptors has that many places. To copy more takes a bigger one.
const CHEAP: i32 = 64;

/// Starts programs.
#[derive(Debug)]
pub(super) struct Programs {
    stack: Stack,
    /// Two descriptors with low numbers, of /dev/null while no child is being started.
    reserved: [OwnedFd; 2],
    /// The environment of this process as it was.
    environment: BTreeMap<OsString, CString>,
    /// Whether the system has refused to start a child in this way.
    refused: bool,
}

/// What came of an attempt.
pub(super) enum Attempt {
    Started(Pid, OwnedFd),
    /// The system doesn't let a child be started like this. It never will.
    Refused(Program),
    Not(NotStarted),
}

/// The streams of a child.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ends<'a> {
    pub(super) null: BorrowedFd<'a>,
    pub(super) stdout: BorrowedFd<'a>,
    pub(super) stderr: BorrowedFd<'a>,
}

impl Programs {
    pub(super) fn new(null: BorrowedFd<'_>) -> Result<Self, Error> {
        let reserve = || {
            let fd = null.try_clone_to_owned().and_then(above_standard);
            fd.map_err(Error::system("duplicate a descriptor"))
        };
        let environment = std::env::vars_os().filter_map(|(name, value)| {
            // What comes from the environment has no byte 0 in it.
            let variable = CString::new(variable(&name, &value)).ok()?;
            Some((name, variable))
        });
        Ok(Self {
            stack: Stack::new().map_err(Error::system("map a stack"))?,
            reserved: [reserve()?, reserve()?],
            environment: environment.collect(),
            refused: false,
        })
    }

    pub(super) fn start(
        &mut self,
        program: Program,
        ends: Ends<'_>,
        environment: &Environment,
        ignored: &[i32],
        limit: &FileLimit,
    ) -> Attempt {
        if self.refused {
            return Attempt::Refused(program);
        }
        let name = program.name().to_string_lossy();
        if let Some(fault) = program.fault() {
            let reason = format!("failed to run `{name}': there is a byte 0 in {fault}");
            return Attempt::Not(NotStarted::Failed(Some(libc::EINVAL), reason.into()));
        }
        let added = added_variables(&program, environment);
        let paths = self.paths(&program);
        let mut inherit: Vec<_> =
            environment.inherit.iter().copied().filter(|&fd| fd > 2).collect();
        inherit.sort_unstable();
        inherit.dedup();

        let Self { stack, reserved, environment: inherited, .. } = self;
        let high = [ends.stdout, ends.stderr].iter().any(|end| end.as_raw_fd() >= CHEAP);
        let lowered = if high { lower(reserved, &ends) } else { Ok(()) };
        let [stdout, stderr] = match &*reserved {
            [stdout, stderr] if high => [stdout.as_fd(), stderr.as_fd()],
            _ => [ends.stdout, ends.stderr],
        };
        let inherited = inherited.iter().filter(|(name, _)| {
            !program.clears_environment()
                && !program.changes().contains_key(*name)
                && !added.iter().any(|(added, _)| added == name)
        });
        let variables = inherited.map(|(_, variable)| variable);
        let variables = variables.chain(program.changes().values().flatten());
        let variables = variables.chain(added.iter().filter_map(|(_, variable)| variable.as_ref()));
        let start = Start {
            paths: Strings::new(paths.iter().map(CString::as_c_str)),
            args: Strings::new(program.words().iter().map(CString::as_c_str)),
            environment: Strings::new(variables.map(CString::as_c_str)),
            directory: program.directory(),
            streams: [ends.null, stdout, stderr],
            inherit: &inherit,
            file_limit: limit.for_children(),
            ignored,
        };
        let result = lowered.map_err(Trouble::Clone).and_then(|()| stack.start(&start));
        if high {
            for fd in reserved {
                // The numbers are in use, which leaves no error that could come.
                let _ = dup3(ends.null, fd, OFlag::O_CLOEXEC);
            }
        }

        match result {
            Ok((pid, pidfd)) => Attempt::Started(pid, pidfd),
            Err(trouble) if trouble.is_refusal() => {
                self.refused = true;
                Attempt::Refused(program)
            }
            Err(Trouble::Clone(error) | Trouble::Child(_, error)) if is_exhaustion(&error) => {
                let body = Box::new(Body::Program(program));
                Attempt::Not(NotStarted::Exhausted(body, error))
            }
            Err(Trouble::Clone(error)) => Attempt::Not(failed("start a process", &error)),
            Err(Trouble::Child(step, error)) => {
                let directory = program.directory().map(CStr::to_string_lossy).unwrap_or_default();
                let what = match step {
                    Step::Directory => format!("change to directory {directory}"),
                    Step::Execute if directory.is_empty() => format!("run `{name}'"),
                    Step::Execute => format!("run `{name}' in {directory}"),
                    Step::Inherit => format!("hand the jobserver on to `{name}'"),
                    Step::Group => format!("make a process group for `{name}'"),
                    Step::Table | Step::Streams => format!("prepare the descriptors of `{name}'"),
                    Step::Limit => format!("set the limit of open files of `{name}'"),
                };
                Attempt::Not(failed(what, &error))
            }
        }
    }

    /// The paths to try for a program, one after the other.
    fn paths(&self, program: &Program) -> Vec<CString> {
        let name = program.name();
        if name.is_empty() || name.to_bytes().contains(&b'/') {
            return vec![name.to_owned()];
        }
        let variable = match program.changes().get(OsStr::new("PATH")) {
            Some(changed) => changed.as_ref(),
            None if program.clears_environment() => None,
            None => self.environment.get(OsStr::new("PATH")),
        };
        let path = variable.and_then(|variable| variable.to_bytes().strip_prefix(b"PATH="));
        let directories = path.unwrap_or(DEFAULT_PATH).split(|&byte| byte == b':');
        let paths = directories.filter_map(|directory| {
            let mut path = directory.to_vec();
            // An empty one is the current directory.
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(name.to_bytes());
            CString::new(path).ok()
        });
        paths.collect()
    }
}

impl Trouble {
    /// Whether a filter of system calls or an older kernel is the reason.
    fn is_refusal(&self) -> bool {
        let (Self::Clone(error) | Self::Child(Step::Table, error)) = self else {
            return false;
        };
        matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EPERM | libc::EINVAL))
    }
}

/// Has the reserved descriptors stand for these ends while the child is made, so that the part of
/// the table that it needs stays small however many jobs run.
fn lower(reserved: &mut [OwnedFd; 2], ends: &Ends<'_>) -> std::io::Result<()> {
    for (end, fd) in [ends.stdout, ends.stderr].into_iter().zip(reserved) {
        dup3(end, fd, OFlag::O_CLOEXEC)?;
    }
    Ok(())
}

/// The variables that this run sets or removes, but for those of which the program itself says what
/// they are.
fn added_variables<'a>(
    program: &Program,
    environment: &'a Environment,
) -> Vec<(&'a OsStr, Option<CString>)> {
    let variables = environment.variables.iter().filter_map(|(name, value)| {
        let name = OsStr::new(*name);
        let unknown = program.clears_environment() && !environment.news;
        if unknown || program.changes().contains_key(name) {
            return None;
        }
        let value = match value {
            Some(value) => Some(CString::new(variable(name, value)).ok()?),
            None => None,
        };
        Some((name, value))
    });
    variables.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(program: &Program) -> Vec<String> {
        let null = std::fs::File::open("/dev/null").unwrap();
        let mut programs = Programs::new(null.as_fd()).unwrap();
        programs.environment.insert("PATH".into(), c"PATH=/one:/two".into());
        let paths = programs.paths(program);
        paths.into_iter().map(|path| path.into_string().unwrap()).collect()
    }

    #[test]
    fn a_name_without_slash_is_looked_for_in_the_path_of_the_child() {
        assert_eq!(paths(&Program::new("x")), ["/one/x", "/two/x"]);
        assert_eq!(paths(&Program::new("x").env("PATH", "/mine::rel")), ["/mine/x", "x", "rel/x"]);
        assert_eq!(paths(&Program::new("x").env_remove("PATH")), ["/bin/x", "/usr/bin/x"]);
        assert_eq!(paths(&Program::new("x").env_clear()), ["/bin/x", "/usr/bin/x"]);
        assert_eq!(paths(&Program::new("./x")), ["./x"]);
        assert_eq!(paths(&Program::new("")), [""]);
    }

    #[test]
    fn only_a_refusal_by_the_system_is_taken_for_one() {
        let error = std::io::Error::from_raw_os_error;
        assert!(Trouble::Clone(error(libc::ENOSYS)).is_refusal());
        assert!(Trouble::Child(Step::Table, error(libc::EPERM)).is_refusal());
        assert!(!Trouble::Child(Step::Execute, error(libc::EPERM)).is_refusal());
        assert!(!Trouble::Clone(error(libc::EAGAIN)).is_refusal());
    }
}
