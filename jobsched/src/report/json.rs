//! The report for programs: one JSON object per event and line. Doesn't know how JSON is written.

mod base64;
mod object;

use std::io::Write;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use self::object::Object;
use super::sink::Sink;
use crate::event::{Event, Observer, Process, RunInfo, Stream};
use crate::job::{Cancellation, Failure, Outcome};
use crate::output::lines;
use crate::summary::Summary;

/// Reports for programs: one JSON object per line ("JSON lines"), in UTF-8.
///
/// Each object has `"t"`, the seconds since the run began by a clock that can't be set, and
/// `"event"`, which says what else it has. Keys in brackets are left out where there is nothing to
/// say. Readers should skip events and keys that they don't know.
///
/// | event | keys |
/// |---|---|
/// | `run-started` | `time` (of the day, in UTC, as in RFC 3339), `slots` |
/// | `sleeping` | `job`, `why` |
/// | `started` | `job`, `pid`, \[`log`] |
/// | `output` | `job`, `stream` (`stdout`, `stderr`), `text`, \[`partial`] |
/// | `leaked` | `job`, `holders`: an array of objects with `pid` and `name` |
/// | `finished` | `job`, `outcome`, \[`reason`], and those of the next two rows |
/// | … that did not win | \[`failure`], \[`exit`], \[`signal`], \[`errno`], \[`cancellation`] |
/// | … after a process | `seconds`, `user_seconds`, `system_seconds`, `peak_memory_bytes`, \[`log`] |
/// | `warning` | `message` |
/// | `interrupted` | `signal` (0: cancelled by the program), `running`, `grace_seconds` |
/// | `status`, `stalled` | `report`: a text of several lines for a person |
/// | `run-finished` | `succeeded`, `up_to_date`, `would_run`, `failed`, `refused`, `cancelled` (numbers of jobs), `seconds` |
///
/// - `outcome` is that of [`Outcome::kind`]; `reason` says the same for a person, and more.
/// - `failure` is `exit` (with the number `exit`), `signal` (with the number `signal`),
///   `not-started` (with `errno`, if it was an error of the operating system) or `status-lost`.
/// - `cancellation` is `other-failed`, `interrupted` (with `signal`), `stalled` or `jobserver-lost`.
/// - `text` is one line without its newline. `"partial":true` says that there was no newline: either
///   the line goes on in the next object of this job and stream, because it is longer than 64 KiB,
///   or this is the end of the stream.
/// - `text` and `log` may be no UTF-8. What isn't is replaced by U+FFFD then, and `text_base64` or
///   `log_base64` has the very bytes.
///
/// ```text
/// {"t":0.001204,"event":"started","job":"a","pid":42,"log":"log/a-2025-11-22#1"}
/// {"t":0.020113,"event":"output","job":"a","stream":"stderr","text":"oops"}
/// {"t":0.020992,"event":"finished","job":"a","outcome":"failed","reason":"exit status 2","failure":"exit","exit":2,"seconds":0.019001,…}
/// ```
///
/// Every event is written when it happens, in one call unless it is long.
#[derive(Debug)]
pub struct JsonLines<W> {
    sink: Sink<W>,
    start: Instant,
    clock: Clock,
}

/// Where the times come from.
#[derive(Debug)]
struct Clock {
    since: fn(Instant) -> Duration,
    time: fn() -> Timestamp,
}

impl<W: Write> JsonLines<W> {
    /// Reports to any writer; see [`Plain::new`](super::Plain::new).
    pub fn new(writer: W) -> Self {
        Self::with_clock(writer, Clock { since: |start| start.elapsed(), time: Timestamp::now })
    }

    fn with_clock(writer: W, clock: Clock) -> Self {
        let sink = Sink::new(writer, "the JSON report", "going on without it");
        Self { sink, start: Instant::now(), clock }
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

    fn object(&mut self, event: &str) -> Object<'_> {
        let t = (self.clock.since)(self.start);
        let mut object = Object::begin(self.sink.buffer());
        object.seconds("t", t).string("event", event);
        object
    }

    fn output(&mut self, job: &str, stream: Stream, text: &[u8]) {
        let stream = match stream {
            Stream::Stdout => "stdout",
            Stream::Stderr => "stderr",
        };
        // All lines of one event have this in common.
        let mut beginning = Vec::new();
        Object::begin(&mut beginning)
            .seconds("t", (self.clock.since)(self.start))
            .string("event", "output")
            .string("job", job)
            .string("stream", stream);
        for line in lines(text) {
            let mut object = Object::resume(self.sink.buffer(), &beginning);
            if let Some((b'\n', content)) = line.split_last() {
                object.bytes("text", content);
            } else {
                object.bytes("text", line).truth("partial");
            }
            object.end_line();
            self.sink.send_if_full();
        }
    }
}

impl<W: Write> Observer for JsonLines<W> {
    fn event(&mut self, event: &Event<'_>) {
        if self.sink.lost() {
            return;
        }
        match *event {
            Event::RunStarted { slots } => {
                self.start = Instant::now();
                let time = (self.clock.time)();
                self.object("run-started").display("time", time).string("slots", slots).end_line();
            }
            Event::Sleeping { job, why } => {
                self.object("sleeping").string("job", job.name).display("why", why).end_line();
            }
            Event::Started { job, pid, log } => {
                let mut object = self.object("started");
                object.string("job", job.name).number("pid", pid);
                describe_log(&mut object, log);
                object.end_line();
            }
            Event::Output { job, stream, text } => self.output(job.name, stream, text),
            Event::Leaked { job, holders } => {
                self.object("leaked")
                    .string("job", job.name)
                    .objects("holders", holders, |Process { pid, name }, object| {
                        object.number("pid", *pid).string("name", name);
                    })
                    .end_line();
            }
            Event::Finished { job, outcome, run } => {
                let mut object = self.object("finished");
                object.string("job", job.name);
                describe_outcome(&mut object, outcome);
                if let Some(run) = run {
                    describe_run(&mut object, run);
                }
                object.end_line();
            }
            Event::Retrying { job, failure, tries, delay, run } => {
                let mut object = self.object("retrying");
                object.string("job", job.name).display("reason", failure);
                describe_failure(&mut object, failure);
                object.number("tries", tries).seconds("delay_seconds", delay);
                if let Some(run) = run {
                    describe_run(&mut object, run);
                }
                object.end_line();
            }
            Event::HeldBack { reason, ready } => {
                self.object("held-back").string("reason", reason).number("ready", ready).end_line();
            }
            Event::Warning { message } => {
                self.object("warning").string("message", message).end_line();
            }
            Event::Interrupted { signal, running, grace } => self
                .object("interrupted")
                .number("signal", signal)
                .number("running", running)
                .seconds("grace_seconds", grace)
                .end_line(),
            Event::Status { status } => self.object("status").display("report", status).end_line(),
            Event::Stalled { stall } => self.object("stalled").display("report", stall).end_line(),
            Event::RunFinished { summary } => {
                let mut object = self.object("run-finished");
                describe_summary(&mut object, summary);
                object.end_line();
                self.sink.flush();
            }
        }
        self.sink.send();
    }
}

fn describe_outcome(object: &mut Object<'_>, outcome: &Outcome) {
    object.string("outcome", outcome.kind());
    match outcome {
        Outcome::Succeeded { tries } => describe_tries(object, *tries),
        Outcome::WouldRun(None) | Outcome::UpToDate(None) => {}
        Outcome::WouldRun(Some(reason))
        | Outcome::UpToDate(Some(reason))
        | Outcome::Refused(reason) => {
            object.string("reason", reason);
        }
        Outcome::Failed { failure, tries } => {
            object.display("reason", failure);
            describe_failure(object, failure);
            describe_tries(object, *tries);
        }
        Outcome::Cancelled(why) => {
            object.display("reason", why);
            describe_cancellation(object, *why);
        }
    }
}

fn describe_tries(object: &mut Object<'_>, tries: u32) {
    if tries > 1 {
        object.number("tries", tries);
    }
}

fn describe_failure(object: &mut Object<'_>, failure: &Failure) {
    match *failure {
        Failure::Exit(status) => object.string("failure", "exit").number("exit", status),
        Failure::Signal(number) => object.string("failure", "signal").number("signal", number),
        Failure::TimeLimit { limit } => {
            object.string("failure", "time-limit").seconds("limit_seconds", limit)
        }
        Failure::NotStarted { errno: Some(errno), .. } => {
            object.string("failure", "not-started").number("errno", errno)
        }
        Failure::NotStarted { errno: None, .. } => object.string("failure", "not-started"),
        Failure::StatusLost => object.string("failure", "status-lost"),
    };
}

fn describe_cancellation(object: &mut Object<'_>, why: Cancellation) {
    match why {
        Cancellation::OtherFailed => object.string("cancellation", "other-failed"),
        Cancellation::Interrupted(signal) => {
            object.string("cancellation", "interrupted").number("signal", signal)
        }
        Cancellation::Stalled => object.string("cancellation", "stalled"),
        Cancellation::JobserverLost => object.string("cancellation", "jobserver-lost"),
    };
}

fn describe_run(object: &mut Object<'_>, run: &RunInfo) {
    object
        .seconds("seconds", run.elapsed)
        .seconds("user_seconds", run.user)
        .seconds("system_seconds", run.system)
        .number("peak_memory_bytes", run.peak_memory);
    describe_log(object, run.log.as_deref());
}

fn describe_log(object: &mut Object<'_>, log: Option<&Path>) {
    if let Some(log) = log {
        object.bytes("log", log.as_os_str().as_bytes());
    }
}

fn describe_summary(object: &mut Object<'_>, summary: &Summary) {
    object
        .number("succeeded", summary.succeeded)
        .number("up_to_date", summary.up_to_date)
        .number("would_run", summary.would_run)
        .number("failed", summary.failed)
        .number("refused", summary.refused)
        .number("cancelled", summary.cancelled)
        .seconds("seconds", summary.wall);
}

#[cfg(test)]
mod tests;
