//! Who is related to a child: the members of its group, and who holds a pipe open. Found out from
//! /proc, as far as that may be read; a process that comes or goes meanwhile may be missed.

use std::ffi::OsStr;
use std::fs;
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
    /// Whether there are others that are just about to let go: children that another thread of this
    /// process is starting have copies of all its descriptors until their programs begin.
    pub(crate) passing: bool,
}

/// The processes that hold one of the pipes open of which these are the ends to read from.
pub(crate) fn holders_of(pipes: &[BorrowedFd<'_>]) -> Holders {
    let targets: Vec<_> = pipes
        .iter()
        .filter_map(|pipe| Some(format!("pipe:[{}]", fstat(pipe).ok()?.st_ino)))
        .collect();
    let mut holders = Holders::default();
    for pid in processes().filter(|&pid| pid != std::process::id()) {
        match hold(pid, &targets) {
            // Looked at twice: while a program begins, the kernel forgets that descriptors are to be
            // closed just before it closes them.
            Some(Hold::Kept) if hold(pid, &targets) == Some(Hold::Kept) => {
                holders.processes.push(Process { pid, name: name(pid) });
            }
            Some(_) => holders.passing = true,
            None => {}
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

/// The process group of a process, unless it is a zombie.
fn group_if_alive(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name is in parentheses and may hold anything, blanks and parentheses too.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    let group = fields.nth(1)?.parse().ok()?;
    (!matches!(state, "Z" | "X")).then_some(group)
}

/// How a process holds a pipe open to write to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hold {
    Kept,
    /// Until its program begins.
    Passing,
}

fn hold(pid: u32, targets: &[String]) -> Option<Hold> {
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let mut hold = None;
    for descriptor in descriptors {
        let is_target = |link: PathBuf| targets.iter().any(|target| link.as_os_str() == &**target);
        if !fs::read_link(descriptor.path()).is_ok_and(is_target) {
            continue;
        }
        let Some(flags) = flags(pid, &descriptor.file_name()) else {
            continue;
        };
        if flags.contains(OFlag::O_WRONLY) || flags.contains(OFlag::O_RDWR) {
            if !flags.contains(OFlag::O_CLOEXEC) {
                return Some(Hold::Kept);
            }
            hold = Some(Hold::Passing);
        }
    }
    hold
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
