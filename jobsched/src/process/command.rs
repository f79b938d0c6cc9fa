//! Starting a `Command` of the standard library. Knows what its `posix_spawn` can't do, and how to
//! get round that; doesn't know the cheaper way, which is `program`'s.
//!
//! The fast way here is `posix_spawn`. As the standard library calls it, it can't set the limit of open
//! files, nor signal dispositions other than that of SIGPIPE, nor the signal mask; so where one of these is
//! not as a child should find it, a few calls are made between fork and exec instead, which costs
//! about twice as much. The limit is the common case, and is put right without: it is set back for
//! the moment of the start if no other thread could notice.

use std::cell::RefCell;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::process::Stdio;
use std::rc::Rc;

use nix::errno::Errno;
use nix::unistd::Pid;

use super::sys::Repair;
use super::terms::{Environment, NotStarted, failed, has_single_thread, not_started};
use super::{FileLimit, is_exhaustion};
use crate::job::{Body, Reusable};

/// Starts a command with these as its standard streams. `repair` is what this process has that
/// children should not find, apart from the limit.
pub(super) fn spawn(
    shared: Rc<RefCell<Reusable>>,
    [null, stdout, stderr]: [OwnedFd; 3],
    environment: &Environment,
    mut repair: Repair,
    limit: &FileLimit,
) -> Result<Pid, NotStarted> {
    let mut reusable = shared.borrow_mut();
    let Reusable { command, repaired } = &mut *reusable;
    // At a later try, these are as the first one left them. They are the same throughout a run.
    for (name, value) in &environment.variables {
        if command.get_envs().any(|(set, _)| set == *name) {
            continue;
        }
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.stdin(null).stdout(stdout).stderr(stderr).process_group(0);

    repair.inherit.clone_from(&environment.inherit);
    if !repair.is_nothing() || (limit.for_children().is_some() && !has_single_thread()) {
        repair.file_limit = limit.for_children();
    }
    let mut result = Err(Errno::EMFILE.into());
    if repair.is_nothing() && !*repaired {
        result = limit.lowered(|| command.spawn());
        repair.file_limit = limit.for_children();
    }
    // Below the old limit there may be no number left for a descriptor that the start takes, and
    // glibc's posix_spawn takes the pipes for no descriptors if their numbers are above it.
    let above_limit =
        |error: &io::Error| matches!(error.raw_os_error(), Some(libc::EMFILE | libc::EBADF));
    if *repaired {
        result = command.spawn();
    } else if !repair.is_nothing() && result.as_ref().is_err_and(above_limit) {
        repair.attach(command);
        *repaired = true;
        result = command.spawn();
    }
    // It keeps what it was given, and would keep the pipes open.
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    match result {
        Ok(child) => match i32::try_from(child.id()) {
            Ok(pid) => Ok(Pid::from_raw(pid)),
            // The kernel's process ids are positive numbers of that type.
            Err(_) => Err(NotStarted::Failed(None, "its process id is out of range".into())),
        },
        Err(error) if is_exhaustion(&error) => {
            drop(reusable);
            Err(not_started(Body::Command(shared), error))
        }
        Err(error) => {
            let program = command.get_program().to_string_lossy();
            let what = match command.get_current_dir() {
                Some(dir) => format!("run `{program}' in {}", dir.display()),
                None => format!("run `{program}'"),
            };
            Err(failed(what, &error))
        }
    }
}
