//! Who is related to a child: the members of its group, and who holds a pipe open. Found out from
//! /proc, as far as that may be read; a process that comes or goes meanwhile may be missed.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use nix::sys::stat::fstat;
use nix::unistd::Pid;

use crate::event::Process;

/// How many holders of a pipe are worth naming.
const HOLDERS: usize = 8;

/// The living processes of a group, without its leader.
pub(crate) fn group_members(leader: u32) -> Vec<Pid> {
    processes()
        .filter(|&pid| pid != leader && group_if_alive(pid) == Some(leader))
        .filter_map(|pid| i32::try_from(pid).ok().map(Pid::from_raw))
        .collect()
}

/// Who holds pipes open.
#[derive(Debug, Default)]
pub(crate) struct Holders {
    /// Those that may write to them, other than this process; the first few.
    pub(crate) processes: Vec<Process>,
    /// Whether there are others that are just about to let go: children that this process is starting
    /// have copies of all its descriptors until their programs begin.
    pub(crate) passing: bool,
    /// Whether there are processes that may hold one, but can't be looked at.
    pub(crate) hidden: bool,
}

/// The processes that hold one of the pipes open of which these are the ends to read from, and which
/// were made for the child `leader`. That has not been reaped.
pub(crate) fn holders_of(pipes: &[BorrowedFd<'_>], leader: u32) -> Holders {
    let leader_stat = Stat::of(leader);
    let targets: Vec<_> = pipes
        .iter()
        .filter_map(|pipe| Some(format!("pipe:[{}]", fstat(pipe).ok()?.st_ino)))
        .collect();
    let mut holders = Holders::default();
    for pid in processes().filter(|&pid| pid != std::process::id()) {
        match hold(pid, &targets) {
            // Looked at twice: while a program begins, the kernel forgets that descriptors are to be
            // closed just before it closes them.
            Ok(Some(Hold::Kept))
                if hold(pid, &targets).ok() == Some(Some(Hold::Kept))
                    && !is_other_child(pid, leader) =>
            {
                holders.processes.push(Process { pid, name: name(pid) });
            }
            Ok(Some(_)) => holders.passing = true,
            Ok(None) => {}
            Err(_) => {
                // What a job has started is no older than the job.
                let is_young = |stat: Stat| leader_stat.is_none_or(|job| stat.start >= job.start);
                holders.hidden |= Stat::of(pid).is_some_and(is_young) && has_memory(pid);
            }
        }
        if holders.processes.len() == HOLDERS {
            break;
        }
    }
    holders
}

fn processes() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// What the kernel says of a process in one line.
#[derive(Debug, Clone, Copy)]
struct Stat {
    is_alive: bool,
    parent: u32,
    group: u32,
    session: u32,
    /// In ticks since the system was started.
    start: u64,
}

impl Stat {
    fn of(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name is in parentheses and may hold anything, blanks and parentheses too.
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
        Some(Self {
            is_alive: !matches!(fields.next()?, "Z" | "X"),
            parent: fields.next()?.parse().ok()?,
            group: fields.next()?.parse().ok()?,
            session: fields.next()?.parse().ok()?,
            start: fields.nth(15)?.parse().ok()?,
        })
    }
}

/// The process group of a process, unless it is a zombie.
fn group_if_alive(pid: u32) -> Option<u32> {
    Stat::of(pid).filter(|stat| stat.is_alive).map(|stat| stat.group)
}

/// Whether a process is a child of this one and has nothing to do with the job of `leader`. The kernel
/// may take its time between forgetting that descriptors are to be closed and closing them.
///
/// What a job has left behind comes to be our child, too, where we are the first process of a container.
/// Then it is told by its group, which is that of the job, or by its session, which is its own as that of
/// any daemon. What has gone to a group but to no session of its own is overlooked there.
fn is_other_child(pid: u32, leader: u32) -> bool {
    let here = std::process::id();
    let (Some(stat), Some(ours)) = (Stat::of(pid), Stat::of(here)) else { return false };
    stat.parent == here && stat.group != leader && stat.session == ours.session
}

/// Whether a process has memory of its own, which neither the kernel's own ones have nor those that
/// are about to end. Nobody but root may look at the descriptors of either.
fn has_memory(pid: u32) -> bool {
    let sizes = fs::read_to_string(format!("/proc/{pid}/statm")).unwrap_or_default();
    sizes.split_whitespace().next().is_some_and(|size| size != "0")
}

/// How a process holds a pipe open to write to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hold {
    Kept,
    /// Until its program begins.
    Passing,
}

fn hold(pid: u32, targets: &[String]) -> io::Result<Option<Hold>> {
    let descriptors = match fs::read_dir(format!("/proc/{pid}/fd")) {
        Ok(descriptors) => descriptors,
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Err(error),
        // It is gone.
        Err(_) => return Ok(None),
    };
    let mut hold = None;
    for descriptor in descriptors.flatten() {
        let is_target = |link: PathBuf| targets.iter().any(|target| link.as_os_str() == &**target);
        if !fs::read_link(descriptor.path()).is_ok_and(is_target) {
            continue;
        }
        let Some(flags) = flags(pid, &descriptor.file_name()) else {
            continue;
        };
        if flags.contains(OFlag::O_WRONLY) || flags.contains(OFlag::O_RDWR) {
            if !flags.contains(OFlag::O_CLOEXEC) {
                return Ok(Some(Hold::Kept));
            }
            hold = Some(Hold::Passing);
        }
    }
    Ok(hold)
}

/// The flags of a descriptor of another process, `O_CLOEXEC` among them.
fn flags(pid: u32, descriptor: &OsStr) -> Option<OFlag> {
    let path = Path::new("/proc").join(pid.to_string()).join("fdinfo").join(descriptor);
    let info = fs::read_to_string(path).ok()?;
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"))?;
    Some(OFlag::from_bits_retain(i32::from_str_radix(flags.trim(), 8).ok()?))
}

fn name(pid: u32) -> String {
    let name = fs::read(format!("/proc/{pid}/comm")).unwrap_or_default();
    String::from_utf8_lossy(name.strip_suffix(b"\n").unwrap_or(&name)).into_owned()
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::os::fd::AsFd as _;
    use std::os::unix::process::CommandExt as _;
    use std::process::{Child, Command, Stdio};

    use super::*;
    use crate::testing::pipe;

    /// A process that holds a pipe open, of which the end to read from is returned, too.
    fn holder(command: &mut Command) -> (Child, File) {
        let (read, write) = pipe();
        let mut child = command.stdin(Stdio::piped()).stdout(write).spawn().unwrap();
        // `command` has the other end, too. The answer shows that the program has begun.
        command.stdout(Stdio::null());
        writeln!(child.stdin.as_mut().unwrap(), "hello").unwrap();
        let mut line = String::new();
        BufReader::new(&read).read_line(&mut line).unwrap();
        assert_eq!(line, "hello\n");
        (child, read)
    }

    #[test]
    fn who_holds_a_pipe_and_is_of_the_job_is_named() {
        let (mut child, read) = holder(Command::new("cat").process_group(0));
        let Holders { processes, .. } = holders_of(&[read.as_fd()], child.id());
        assert_eq!(processes, [Process { pid: child.id(), name: "cat".into() }]);
        drop(child.stdin.take());
        child.wait().unwrap();
    }

    #[test]
    fn another_child_of_ours_is_about_to_let_go() {
        let (mut child, read) = holder(&mut Command::new("cat"));
        let Holders { processes, passing, .. } = holders_of(&[read.as_fd()], u32::MAX);
        assert_eq!((processes, passing), (vec![], true));
        drop(child.stdin.take());
        child.wait().unwrap();
    }
}
