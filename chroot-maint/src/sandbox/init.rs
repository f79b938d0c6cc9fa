//! The second of the two processes that build a sandbox: the first one in its pid namespace. It mounts what the command
//! is to see, starts it, and takes in orphans until it ends; with this process everything else in there ends.
//!
//! Nothing here is ever undone: it goes with the namespaces.

use std::{ffi::OsString, fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

use nix::{
    errno::Errno,
    mount::{MntFlags, MsFlags, mount, umount2},
    sys::{
        personality::{self, Persona},
        prctl::{set_name, set_pdeathsig},
        signal::Signal,
        wait::{WaitStatus, waitpid},
    },
    unistd::Pid,
};

use super::{
    beside,
    fault::{Fault, Told},
    plan::{Plan, View},
    session, tree,
};

/// Builds the rest, and gives the exit status of the command.
pub(super) fn run(plan: &Plan, first_stage: i32, words: &[OsString]) -> Result<u8, Fault> {
    // Only a name in lists of processes.
    let _ = set_name(c"chroot-maint");
    die_with(first_stage, plan.parent)?;
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)
        .told("can't make mounts private")?;
    if let Some(line) = &plan.registration {
        register(line)?;
    }
    if plan.is_32_bit {
        // PER_LINUX32 has no name in the crate.
        personality::set(Persona::from_bits_retain(0x0008)).told("can't be a 32-bit machine")?;
    }

    if !matches!(plan.view, View::Session(_)) {
        hide_terminal()?;
    }

    let (place, command) = words.split_first().ok_or_else(|| Fault::new("no tree is named"))?;
    let place = Path::new(place);
    let mut child = match &plan.view {
        View::Host => on_the_host(command)?,
        View::Tree => tree::prepare(place, command)?,
        View::Beside(binds) => {
            beside::mount(place, binds)?;
            on_the_host(command)?
        }
        View::Session(session) => session::prepare(place, session, command)?,
        View::Program(program) => alone(program)?,
    };
    let program = child.get_program().to_string_lossy().into_owned();
    let child = child.spawn().told(&format!("can't run {program}"))?;
    reap(Pid::from_raw(i32::try_from(child.id()).unwrap_or(i32::MAX)))
}

/// The parent is in another pid namespace, where its number means nothing here; but /proc is still that of there.
fn die_with(first_stage: i32, wanted_by: i32) -> Result<(), Fault> {
    set_pdeathsig(Signal::SIGKILL).told("can't be bound to the parent process")?;
    let stat = fs::read_to_string(format!("/proc/{first_stage}/stat")).unwrap_or_default();
    if is_alive(&stat, wanted_by) { Ok(()) } else { Err(Fault::new("the first stage is gone")) }
}

/// Whether a process, by its /proc/PID/stat, has not ended, and is still this one's child.
fn is_alive(stat: &str, parent: i32) -> bool {
    // The name before may hold blanks and brackets.
    let mut fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let state = fields.next();
    let its_parent = fields.next().and_then(|parent| parent.parse().ok());
    !matches!(state, None | Some("Z" | "X")) && its_parent == Some(parent)
}

/// Has the kernel start foreign programs by an emulator, in this user namespace and those in it only.
fn register(line: &str) -> Result<(), Fault> {
    const FS: &str = "/proc/sys/fs";
    const HERE: &str = "/proc/sys/fs/binfmt_misc";
    let mount = |dir: &str| {
        mount(Some("binfmt_misc"), dir, Some("binfmt_misc"), MsFlags::empty(), None::<&str>)
    };
    match mount(HERE) {
        // The directory comes with the kernel's module, and that with the first mount.
        Err(Errno::ENOENT) => {
            mount(FS).and_then(|()| umount2(FS, MntFlags::MNT_DETACH)).and_then(|()| mount(HERE))
        }
        done => done,
    }
    .told("can't mount binfmt_misc")?;
    fs::write(format!("{HERE}/register"), line).told("can't register the emulator")
}

/// Nobody is there to be asked: who opens the terminal reads an end, instead of being stopped by it for as long as
/// the job is in its background.
fn hide_terminal() -> Result<(), Fault> {
    let bind = mount(Some("/dev/null"), "/dev/tty", None::<&str>, MsFlags::MS_BIND, None::<&str>);
    match bind {
        // There is none to be hidden.
        Err(Errno::ENOENT) => Ok(()),
        done => done.told("can't hide the terminal"),
    }
}

/// The host as it is, but for the processes.
fn on_the_host(command: &[OsString]) -> Result<Command, Fault> {
    let hidden = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mount(Some("proc"), "/proc", Some("proc"), hidden, None::<&str>).told("can't mount /proc")?;
    let (program, arguments) = command.split_first().ok_or_else(Fault::no_command)?;
    let mut command = Command::new(program);
    command.args(arguments);
    Ok(command)
}

/// A program that is the only file there is: nothing of the host's can help it along.
fn alone(program: &[u8]) -> Result<Command, Fault> {
    mount(Some("probe"), "/tmp", Some("tmpfs"), MsFlags::empty(), None::<&str>)
        .told("can't mount a tmpfs")?;
    let file = "/tmp/program";
    fs::write(file, program)
        .and_then(|()| fs::set_permissions(file, fs::Permissions::from_mode(0o755)))
        .told("can't write a program")?;
    let mut command = Command::new("chroot");
    command.args(["/tmp", "/program"]);
    Ok(command)
}

/// Waits for the command, and for whatever else has lost its parent meanwhile.
fn reap(command: Pid) -> Result<u8, Fault> {
    loop {
        match waitpid(None, None) {
            Ok(WaitStatus::Exited(pid, code)) if pid == command => {
                return Ok(u8::try_from(code).unwrap_or(255));
            }
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == command => {
                return Ok(u8::try_from(128 + signal as i32).unwrap_or(255));
            }
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(Fault::new(format!("can't wait: {errno}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_alive;

    #[test]
    fn a_process_that_has_ended_or_has_another_parent_is_gone() {
        assert!(is_alive("12 (a) b) S 7 12 12", 7));
        assert!(!is_alive("12 (a) Z 7 12 12", 7));
        assert!(!is_alive("12 (a) S 1 12 12", 7));
        assert!(!is_alive("", 7));
    }
}
