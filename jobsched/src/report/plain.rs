//! The report for people: what the jobs write, line by line, and how they end. Doesn't know how
//! lines are made safe to show, nor what becomes of writes that fail.

use std::collections::HashMap;
use std::fmt::Display;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt as _;

use super::Unbuffered;
use super::sink::Sink;
use super::words::{HeldBack, Interruption, Leak, Retry};
use crate::event::{Event, JobRef, Observer, RunInfo, Stream};
use crate::job::{JobId, Outcome};
use crate::output::{Tail, defuse, lines};

/// The width of the column of names, in characters.
const NAME_WIDTH: usize = 24;

/// Reports for people: each line of a job's output with the job's name, and how jobs end unless it
/// is a plain success.
///
/// ```text
/// compile.a                | gcc -c a.c
/// compile.a                * a.c:1:1: error: unknown type name 'in'
/// compile.a                * (log: log/compile.a-2025-11-22#1)
/// compile.a                * (exit status 1)
/// link                     * (dependent on failed job `compile.a')
/// headers                  | (all headers are newer than their sources)
/// 3 succeeded, 1 up to date, 1 failed, 1 refused in 2.4 s
/// ```
///
/// The marker is that of the stream (`|` standard output, `*` standard error), or in a line with
/// parentheses, which comes from the scheduler, `|` if it is good news and `*` if not. A job's last
/// line is that of its outcome. Control sequences in names and output are shown rather than obeyed;
/// log files have the bytes as they were.
///
/// Everything goes to one writer, so that the order is kept; each event in one call, or more if it
/// is longer than 64 KiB. The observer waits for its writer, and the run for the observer.
#[derive(Debug)]
pub struct Plain<W> {
    sink: Sink<W>,
    quiet: bool,
    silent: bool,
    /// Whose line is written but for its newline: another piece of it may come.
    unfinished: Option<(JobId, Stream)>,
    /// In quiet mode, of each running job that has written something.
    tails: HashMap<JobId, Tail>,
    /// What the lines that are being written begin with.
    prefix: Vec<u8>,
}

impl Plain<Unbuffered<io::Stdout>> {
    /// Reports to standard output, waiting for room even where somebody has made it non-blocking.
    ///
    /// What the process has printed so far without a newline is flushed first.
    pub fn stdout() -> Self {
        // An error of what the host printed is the host's; ours shows at our first write.
        let _ = io::stdout().flush();
        Self::new(Unbuffered::new(io::stdout()))
    }
}

impl Plain<Unbuffered<io::Stderr>> {
    /// Reports to standard error, waiting for room even where somebody has made it non-blocking.
    pub fn stderr() -> Self {
        Self::new(Unbuffered::new(io::stderr()))
    }
}

impl<W: Write> Plain<W> {
    /// Reports to any writer. If it has a descriptor that may be non-blocking, wrap that in
    /// [`Unbuffered`]: `WouldBlock` from any other writer is an error like all others.
    pub fn new(writer: W) -> Self {
        Self {
            sink: Sink::new(writer, "output", "going on with the logs only"),
            quiet: false,
            silent: false,
            unfinished: None,
            tails: HashMap::new(),
            prefix: Vec::new(),
        }
    }

    /// Whether to keep the output of jobs to their logs. Of a job that fails, the last 20 lines are
    /// shown then, after a line `[...]` if there was more.
    #[must_use]
    pub fn quiet(mut self, quiet: bool) -> Self {
        self.quiet = quiet;
        self
    }

    /// Whether to leave out messages of progress: the outcomes of jobs that won or were cancelled,
    /// leaks, and the closing summary. Output, failures, refusals, warnings and what was asked for
    /// stay.
    #[must_use]
    pub fn silent(mut self, silent: bool) -> Self {
        self.silent = silent;
        self
    }

    /// Puts the name of the program and a colon before messages that concern the run as a whole, and
    /// before what is said on standard error if the report can't be written.
    #[must_use]
    pub fn program(mut self, name: impl Into<String>) -> Self {
        self.sink.set_program(&name.into());
        self
    }

    /// Whether something could not be written. It was said on standard error then, and nothing more
    /// was written after it.
    pub fn output_lost(&self) -> bool {
        self.sink.lost()
    }

    /// Gives the writer back.
    pub fn into_inner(self) -> W {
        self.sink.into_inner()
    }

    fn output(&mut self, job: JobRef<'_>, stream: Stream, text: &[u8]) {
        if self.quiet {
            self.tails.entry(job.id).or_default().push(stream, text);
            return;
        }
        if text.is_empty() {
            return;
        }
        let mut goes_on = self.unfinished == Some((job.id, stream));
        if !goes_on {
            self.end_line();
        }
        self.set_prefix(job.name, stream.marker());
        let harmless = defuse::is_harmless(text);
        for line in lines(text) {
            let buffer = self.sink.buffer();
            if !goes_on {
                buffer.extend_from_slice(&self.prefix);
            }
            goes_on = false;
            match line.split_last() {
                Some((b'\n', content)) if !harmless => {
                    defuse::line(content, buffer);
                    buffer.push(b'\n');
                }
                _ if !harmless => defuse::line(line, buffer),
                _ => buffer.extend_from_slice(line),
            }
            self.sink.send_if_full();
        }
        self.unfinished = (!text.ends_with(b"\n")).then_some((job.id, stream));
    }

    fn finished(&mut self, job: JobRef<'_>, outcome: &Outcome, run: Option<&RunInfo>) {
        let tail = self.tails.remove(&job.id);
        if self.unfinished.is_some_and(|(id, _)| id == job.id) {
            self.end_line();
        }
        if let Outcome::Failed { .. } = outcome {
            if let Some(tail) = tail {
                self.tail(job, tail);
            }
            if let Some(log) = run.and_then(|run| run.log.as_deref()) {
                self.begin_remark(job, '*');
                let buffer = self.sink.buffer();
                buffer.extend_from_slice(b"log: ");
                defuse::label(log.as_os_str().as_bytes(), buffer);
                self.end_remark();
            }
        }
        let worth_saying = match outcome {
            Outcome::Succeeded { tries: 1 } | Outcome::UpToDate(None) => false,
            Outcome::Succeeded { .. }
            | Outcome::UpToDate(Some(_))
            | Outcome::WouldRun(_)
            | Outcome::Cancelled(_) => !self.silent,
            Outcome::Failed { .. } | Outcome::Refused(_) => true,
        };
        if worth_saying {
            self.remark(job, if outcome.won() { '|' } else { '*' }, outcome);
        }
    }

    fn tail(&mut self, job: JobRef<'_>, mut tail: Tail) {
        self.end_line();
        if tail.more() {
            self.sink.buffer().extend_from_slice(b"[...]\n");
        }
        for (stream, line) in tail.lines() {
            self.set_prefix(job.name, stream.marker());
            let buffer = self.sink.buffer();
            buffer.extend_from_slice(&self.prefix);
            defuse::line(line, buffer);
            buffer.push(b'\n');
            self.sink.send_if_full();
        }
    }

    /// Writes something about a job in parentheses.
    fn remark(&mut self, job: JobRef<'_>, marker: char, text: impl Display) {
        self.begin_remark(job, marker);
        defuse::label(text.to_string().as_bytes(), self.sink.buffer());
        self.end_remark();
    }

    fn begin_remark(&mut self, job: JobRef<'_>, marker: char) {
        self.end_line();
        self.set_prefix(job.name, marker);
        let buffer = self.sink.buffer();
        buffer.extend_from_slice(&self.prefix);
        buffer.push(b'(');
    }

    fn end_remark(&mut self) {
        self.sink.buffer().extend_from_slice(b")\n");
    }

    /// Writes a message about the run, of one line.
    fn message(&mut self, text: impl Display) {
        self.end_line();
        let message = format!("{}{text}", self.sink.program());
        let buffer = self.sink.buffer();
        defuse::label(message.as_bytes(), buffer);
        buffer.push(b'\n');
    }

    /// Writes a text that has lines of its own.
    fn paragraph(&mut self, text: impl Display) {
        self.end_line();
        let buffer = self.sink.buffer();
        for line in text.to_string().lines() {
            defuse::label(line.as_bytes(), buffer);
            buffer.push(b'\n');
        }
    }

    fn end_line(&mut self) {
        if self.unfinished.take().is_some() {
            self.sink.buffer().push(b'\n');
        }
    }

    /// The name, padded, and the marker, each followed by a space.
    fn set_prefix(&mut self, name: &str, marker: char) {
        let prefix = &mut self.prefix;
        prefix.clear();
        defuse::label(name.as_bytes(), prefix);
        // In UTF-8, which a label is, all bytes of a character but the first begin with the bits 10.
        let width = prefix.iter().filter(|&&byte| byte & 0xC0 != 0x80).count();
        prefix.resize(prefix.len() + NAME_WIDTH.saturating_sub(width), b' ');
        prefix.push(b' ');
        prefix.extend_from_slice(marker.encode_utf8(&mut [0; 4]).as_bytes());
        prefix.push(b' ');
    }
}

impl<W: Write> Observer for Plain<W> {
    fn event(&mut self, event: &Event<'_>) {
        if self.sink.lost() {
            self.tails = HashMap::new();
            return;
        }
        match *event {
            Event::RunStarted { .. } | Event::Sleeping { .. } | Event::Started { .. } => {}
            Event::Leaked { .. } | Event::HeldBack { .. } if self.silent => {}
            Event::Output { job, stream, text } => self.output(job, stream, text),
            Event::Leaked { job, holders } => self.remark(job, '*', Leak(holders)),
            Event::Finished { job, outcome, run } => self.finished(job, outcome, run),
            Event::Retrying { job, failure, tries, delay, .. } => {
                // What is shown of a failure in the end is of the last try.
                self.tails.remove(&job.id);
                if self.unfinished.is_some_and(|(id, _)| id == job.id) {
                    self.end_line();
                }
                if !self.silent {
                    self.remark(job, '*', Retry { failure, tries, delay });
                }
            }
            Event::HeldBack { reason, ready } => self.message(HeldBack { reason, ready }),
            Event::Warning { message } => self.message(format_args!("warning: {message}")),
            Event::Interrupted { signal, running, grace } => {
                self.message(Interruption { signal, running, grace });
            }
            Event::Status { status } => self.paragraph(status),
            Event::Stalled { stall } => self.paragraph(stall),
            Event::RunFinished { summary } => {
                self.end_line();
                if !self.silent {
                    self.paragraph(summary);
                }
                self.sink.flush();
            }
        }
        self.sink.send();
    }
}

#[cfg(test)]
mod tests;
