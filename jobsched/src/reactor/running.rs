//! A job that runs: its process, its pipes, its log. Doesn't know when anything is readable.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, poll};
use nix::unistd::read;

use crate::event::{Event, JobRef, RunInfo, Stream};
use crate::job::JobId;
use crate::machine::Ending;
use crate::output::{Assembler, LogDir, LogFile};
use crate::process::{Child, Holders, Usage, holders_of};
use crate::world::Observers;

/// More than a pipe holds. What a job wrote before it ended is among that much; what comes after
/// that is written by others.
const DRAIN: usize = 1024 * 1024;

/// For how long the end of a pipe that nobody is seen to hold is waited for, before it is looked again.
/// In milliseconds.
const LINGER: u8 = 100;
/// How often that is done before it is said that somebody unknown holds it: if there is somebody who
/// may, and if there is nobody. Then it will end, but on a busy machine in its own time.
const LOOKS: (u32, u32) = (5, 100);

/// A job that runs.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) job: JobId,
    pub(super) name: Box<str>,
    pub(super) child: Child,
    pub(super) started: Instant,
    /// How long the scheduler had been stopped in all when this job was started.
    pub(super) stopped_before: Duration,
    pub(super) stdout: Output,
    pub(super) stderr: Output,
    pub(super) log: Option<LogFile>,
    pub(super) time_limit: Option<Duration>,
    pub(super) over_limit: Overrun,
    /// Descriptors of other processes of its group, which the end of the run waits for.
    pub(super) members: Vec<OwnedFd>,
}

/// What was done about a job's time limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Overrun {
    #[default]
    Within,
    /// It was told to end.
    Told,
    Killed,
}

/// One of its streams.
#[derive(Debug)]
pub(super) struct Output {
    /// None after the end of the stream.
    pub(super) pipe: Option<OwnedFd>,
    assembler: Assembler,
}

impl Output {
    pub(super) fn new(pipe: OwnedFd) -> Self {
        Self { pipe: Some(pipe), assembler: Assembler::default() }
    }
}

/// Where output goes to.
pub(super) struct Sinks<'a> {
    pub(super) logs: Option<&'a mut LogDir>,
    pub(super) observers: &'a mut Observers,
}

/// What came of an attempt to read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    Read(usize),
    Nothing,
    End,
}

impl Running {
    fn stream(&mut self, stream: Stream) -> &mut Output {
        match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        }
    }

    /// Reads once from a stream and passes on what came. At the end of the stream its pipe is closed.
    pub(super) fn read(
        &mut self,
        stream: Stream,
        buffer: &mut [u8],
        sinks: &mut Sinks<'_>,
    ) -> Progress {
        let Some(pipe) = &self.stream(stream).pipe else {
            return Progress::End;
        };
        let count = loop {
            match read(pipe, buffer) {
                Ok(0) => break None,
                Ok(count) => break Some(count),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return Progress::Nothing,
                // A pipe has no other errors; were there one, nothing more could be read.
                Err(_) => break None,
            }
        };
        let Some(count) = count else {
            self.close(stream, sinks);
            return Progress::End;
        };
        let chunk = buffer.get(..count).unwrap_or_default();
        self.pass_on(stream, sinks, |assembler, out| assembler.push(chunk, out));
        Progress::Read(count)
    }

    /// Reads what the job left behind. If somebody still holds a pipe open after that, says so.
    pub(super) fn drain(&mut self, buffer: &mut [u8], sinks: &mut Sinks<'_>) {
        self.read_rest(buffer, sinks);
        if !self.open_pipes().is_empty() {
            self.tell_leak(buffer, sinks);
        }
        self.close(Stream::Stdout, sinks);
        self.close(Stream::Stderr, sinks);
    }

    fn tell_leak(&mut self, buffer: &mut [u8], sinks: &mut Sinks<'_>) {
        for look in 1.. {
            let leader = self.child.pid();
            let Holders { processes, passing, hidden } = holders_of(&self.open_pipes(), leader);
            if processes.is_empty() {
                // They are gone, or can't be found out. A process that has closed its descriptors is
                // not seen any more a moment before its pipes end, and on a busy machine that may be
                // a long one.
                if !passing {
                    for pipe in self.open_pipes() {
                        let mut end = [PollFd::new(pipe, PollFlags::empty())];
                        let _ = poll(&mut end, LINGER);
                    }
                }
                self.read_rest(buffer, sinks);
                if passing || self.open_pipes().is_empty() {
                    return;
                }
                if look < if hidden { LOOKS.0 } else { LOOKS.1 } {
                    continue;
                }
            }
            let job = JobRef { id: self.job, name: &self.name };
            sinks.observers.tell(&Event::Leaked { job, holders: &processes });
            return;
        }
    }

    fn read_rest(&mut self, buffer: &mut [u8], sinks: &mut Sinks<'_>) {
        for stream in [Stream::Stdout, Stream::Stderr] {
            let mut total = 0;
            while let Progress::Read(count) = self.read(stream, buffer, sinks) {
                total += count;
                if total >= DRAIN {
                    break;
                }
            }
        }
    }

    /// Those whose end has not been seen.
    fn open_pipes(&self) -> Vec<BorrowedFd<'_>> {
        let outputs = [&self.stdout, &self.stderr].into_iter();
        outputs.filter_map(|output| output.pipe.as_ref()).map(AsFd::as_fd).collect()
    }

    /// Passes on an unterminated last line, and closes the pipe.
    fn close(&mut self, stream: Stream, sinks: &mut Sinks<'_>) {
        if self.stream(stream).pipe.take().is_some() {
            self.pass_on(stream, sinks, |assembler, out| assembler.finish(out));
        }
    }

    fn pass_on(
        &mut self,
        stream: Stream,
        sinks: &mut Sinks<'_>,
        assemble: impl FnOnce(&mut Assembler, &mut dyn FnMut(&[u8])),
    ) {
        let job = JobRef { id: self.job, name: &self.name };
        let (output, log) = match stream {
            Stream::Stdout => (&mut self.stdout, &mut self.log),
            Stream::Stderr => (&mut self.stderr, &mut self.log),
        };
        assemble(&mut output.assembler, &mut |text| {
            if let (Some(log), Some(logs)) = (log.as_mut(), sinks.logs.as_mut()) {
                log.lines(logs, stream, text);
            }
            if !sinks.observers.is_empty() {
                sinks.observers.tell(&Event::Output { job, stream, text });
            }
        });
    }

    /// Reaps the process, which has ended, and closes the log.
    pub(super) fn finish(
        self,
        now: Instant,
        stopped: Duration,
        logs: Option<&mut LogDir>,
    ) -> (Ending, RunInfo) {
        // Only somebody else's wait for all children could have taken it.
        let (mut ending, usage) =
            self.child.reap().unwrap_or((Ending::StatusLost, Usage::default()));
        if let Some(limit) = self.time_limit.filter(|_| self.over_limit != Overrun::Within) {
            let millis = limit.as_nanos().div_ceil(1_000_000);
            ending = Ending::TimeLimit { millis: u32::try_from(millis).unwrap_or(u32::MAX) };
        }
        let log = self.log.zip(logs).map(|(log, logs)| log.finish(logs));
        let wall = now.saturating_duration_since(self.started);
        let info = RunInfo {
            elapsed: wall.saturating_sub(stopped.saturating_sub(self.stopped_before)),
            user: usage.user,
            system: usage.system,
            peak_memory: usage.peak_memory,
            log,
        };
        (ending, info)
    }
}

/// A pipe for a job to write to: the end to read from, which never blocks, and the other one.
pub(super) fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    use nix::fcntl::{FcntlArg, OFlag, fcntl};
    let (read, write) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;
    // The two ends are descriptions of their own, so that the child's stays blocking.
    fcntl(&read, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    Ok((crate::process::above_standard(read)?, crate::process::above_standard(write)?))
}
