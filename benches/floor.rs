//! The least that running jobs costs without a scheduler: what `jobsched` is measured against.
//!
//! ```text
//! cargo bench -p jobsched --bench floor -- full 10000 2 /bin/true
//! cargo run --release -p jobsched --example flood -- -j2 -q 10000 /bin/true
//! ```
//!
//! `floor MODE COUNT AT-ONCE PROGRAM [ARG…]` runs COUNT processes, always AT-ONCE of them, started by
//! the standard library's `posix_spawn`. The modes:
//!
//! - `bare`: start and wait. What they write goes where ours does.
//! - `pipes`: each has two pipes, which are read to their end, a pidfd, and an epoll that tells. These are
//!   the system calls that `flood -q --no-logs` makes, apart from how a process is started.
//! - `full`: the same with a log file for each, made with `O_EXCL`: `flood -q`. The directory is where
//!   flood has it, in memory if it can be, and its removal isn't measured in either.
//!
//! The scheduler starts a `Program` in a cheaper way than the standard library's, so it may well be
//! faster than this floor. What the floor shows is what all the rest of the scheduler costs.
//!
//! It fails unless every process ended with status 0 and wrote nothing. The last line is `floor MODE: COUNT jobs
//! in SECONDS s`. Without arguments each mode runs a few processes, to see that it works.

use std::error::Error;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, FromRawFd as _, OwnedFd, RawFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, exit};
use std::time::Instant;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl, open, openat};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::stat::Mode;
use nix::sys::wait::{WaitStatus, wait, waitpid};
use nix::unistd::{Pid, read};

const USAGE: &str = "usage: floor bare|pipes|full COUNT AT-ONCE PROGRAM [ARG…]";

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// What is measured.
struct Options {
    mode: String,
    count: u64,
    at_once: usize,
    command: Vec<OsString>,
}

impl Options {
    fn parse(args: Vec<OsString>) -> Option<Self> {
        let mut args = args.into_iter();
        let mode = args.next()?.into_string().ok()?;
        let count = args.next()?.to_str()?.parse().ok()?;
        let at_once = args.next()?.to_str()?.parse().ok().filter(|&at_once| at_once > 0)?;
        let command: Vec<_> = args.collect();
        (!command.is_empty()).then_some(Self { mode, count, at_once, command })
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.command[0]);
        command.args(&self.command[1..]).process_group(0);
        command
    }
}

fn main() {
    // Cargo says that this is a bench.
    let args: Vec<_> = std::env::args_os().skip(1).filter(|arg| arg != "--bench").collect();
    let runs = if args.is_empty() {
        let small = |mode: &str| [mode, "200", "2", "/bin/true"].map(OsString::from).into();
        ["bare", "pipes", "full"].map(small).into()
    } else {
        vec![args]
    };
    for args in runs {
        let Some(options) = Options::parse(args) else {
            eprintln!("{USAGE}");
            exit(64);
        };
        if let Err(error) = measure(&options) {
            eprintln!("floor: {error}");
            exit(1);
        }
    }
}

fn measure(options: &Options) -> Result<()> {
    let logs = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir())?;
    let directory = open(logs.path(), OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty())?;
    let start = Instant::now();
    match options.mode.as_str() {
        "bare" => bare(options)?,
        "pipes" => captured(options, None)?,
        "full" => captured(options, Some(&directory))?,
        _ => return Err(USAGE.into()),
    }
    let seconds = start.elapsed().as_secs_f64();
    println!("floor {}: {} jobs in {seconds:.3} s", options.mode, options.count);
    Ok(())
}

fn check(status: WaitStatus) -> Result<()> {
    match status {
        WaitStatus::Exited(_, 0) => Ok(()),
        status => Err(format!("a process ended with {status:?}").into()),
    }
}

fn bare(options: &Options) -> Result<()> {
    let mut running = 0;
    for _ in 0..options.count {
        if running == options.at_once {
            check(wait()?)?;
            running -= 1;
        }
        options.command().spawn()?;
        running += 1;
    }
    for _ in 0..running {
        check(wait()?)?;
    }
    Ok(())
}

/// A process with its pipes. An end that was read is closed.
struct Running {
    pid: Pid,
    pipes: [Option<OwnedFd>; 2],
    /// Its pidfd and its log, which only have to be closed.
    _others: (OwnedFd, Option<OwnedFd>),
}

fn captured(options: &Options, logs: Option<&OwnedFd>) -> Result<()> {
    let null = File::open("/dev/null")?;
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    let mut buffer = vec![0; 64 * 1024];
    let mut events = [EpollEvent::empty(); 64];
    let mut table: Vec<Option<Running>> = (0..options.at_once).map(|_| None).collect();
    let mut free: Vec<usize> = (0..options.at_once).collect();
    let mut started = 0;
    loop {
        while started < options.count {
            let Some(place) = free.pop() else { break };
            started += 1;
            table[place] = Some(start(options, &null, logs, started, &epoll, place)?);
        }
        if free.len() == options.at_once {
            return Ok(());
        }
        let count = epoll.wait(&mut events, EpollTimeout::NONE)?;
        for event in &events[..count] {
            let (place, kind) = ((event.data() / 3) as usize, (event.data() % 3) as usize);
            // A process that ended earlier in the same round is not there any more.
            let Some(running) = &mut table[place] else { continue };
            if kind < 2 {
                read_some(&mut running.pipes[kind], &mut buffer)?;
                continue;
            }
            for pipe in &mut running.pipes {
                read_some(pipe, &mut buffer)?;
            }
            check(waitpid(running.pid, None)?)?;
            table[place] = None;
            free.push(place);
        }
    }
}

fn start(
    options: &Options,
    null: &File,
    logs: Option<&OwnedFd>,
    number: u64,
    epoll: &Epoll,
    place: usize,
) -> Result<Running> {
    let (stdout, stdout_end) = pipe()?;
    let (stderr, stderr_end) = pipe()?;
    let log = match logs {
        Some(directory) => {
            let flags = OFlag::O_CREAT
                | OFlag::O_EXCL
                | OFlag::O_WRONLY
                | OFlag::O_CLOEXEC
                | OFlag::O_NOFOLLOW;
            let name = format!("floor.{number}");
            Some(openat(directory, name.as_str(), flags, Mode::from_bits_truncate(0o666))?)
        }
        None => None,
    };
    let mut command = options.command();
    command.stdin(null.try_clone()?).stdout(stdout_end).stderr(stderr_end);
    let child = command.spawn()?;
    drop(command);
    let pid = Pid::from_raw(i32::try_from(child.id())?);
    let pidfd = pidfd_open(pid)?;
    let event = |kind| EpollEvent::new(EpollFlags::EPOLLIN, place as u64 * 3 + kind);
    epoll.add(&stdout, event(0))?;
    epoll.add(&stderr, event(1))?;
    epoll.add(pidfd.as_fd(), event(2))?;
    Ok(Running { pid, pipes: [Some(stdout), Some(stderr)], _others: (pidfd, log) })
}

fn pipe() -> Result<(OwnedFd, OwnedFd)> {
    let (read, write) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;
    fcntl(&read, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    Ok((read, write))
}

fn read_some(pipe: &mut Option<OwnedFd>, buffer: &mut [u8]) -> Result<()> {
    let Some(end) = pipe else { return Ok(()) };
    match read(end, buffer) {
        Ok(0) => *pipe = None,
        Ok(_) => return Err("a process wrote something, which this doesn't measure".into()),
        Err(Errno::EAGAIN) => {}
        Err(errno) => return Err(errno.into()),
    }
    Ok(())
}

#[allow(unsafe_code)]
fn pidfd_open(pid: Pid) -> Result<OwnedFd> {
    // SAFETY: the call takes two numbers and touches no memory.
    let fd = unsafe { nix::libc::syscall(nix::libc::SYS_pidfd_open, pid.as_raw(), 0) };
    match RawFd::try_from(fd) {
        // SAFETY: the descriptor was just made, and nobody else knows of it.
        Ok(fd) if fd >= 0 => Ok(unsafe { OwnedFd::from_raw_fd(fd) }),
        _ => Err(io::Error::last_os_error().into()),
    }
}
