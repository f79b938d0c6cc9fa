//! The report for those who ask what the scheduler does and why. Doesn't know what jobs write.

use std::fmt::{self, Display};
use std::io::{self, Write};
use std::path::Path;

use super::Unbuffered;
use super::sink::Sink;
use super::words::{HeldBack, Interruption, Leak, Retry};
use crate::event::{Event, Observer, RunInfo};
use crate::output::defuse;

/// Reports every event but output as a line that begins with `;; `.
///
/// ```text
/// ;; run started: 4 slots of our own
/// ;; job `link' sleeps: waiting for job `compile.a'
/// ;; job `compile.a' started as process 4711, log log/compile.a-2025-11-22#1
/// ;; job `compile.a' finished: succeeded; 1.204 s, user 0.950 s, system 0.101 s, peak memory 23.4 MiB
/// ;; run finished: 2 succeeded in 1.3 s
/// ```
///
/// There is no time in it but what the events are about: traces of two runs can be compared.
#[derive(Debug)]
pub struct Trace<W> {
    sink: Sink<W>,
}

impl Trace<Unbuffered<io::Stderr>> {
    /// Reports to standard error, waiting for room even where somebody has made it non-blocking.
    pub fn stderr() -> Self {
        Self::new(Unbuffered::new(io::stderr()))
    }
}

impl<W: Write> Trace<W> {
    /// Reports to any writer; see [`Plain::new`](super::Plain::new).
    pub fn new(writer: W) -> Self {
        Self { sink: Sink::new(writer, "the trace", "going on without it") }
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

    /// Writes each line of a text.
    fn say(&mut self, text: impl Display) {
        let buffer = self.sink.buffer();
        for line in text.to_string().lines() {
            buffer.extend_from_slice(b";; ");
            defuse::label(line.as_bytes(), buffer);
            buffer.push(b'\n');
        }
    }

    /// Writes about a job; not even a newline in its name makes two lines of it.
    fn say_of(&mut self, job: &str, text: impl Display) {
        let buffer = self.sink.buffer();
        buffer.extend_from_slice(b";; ");
        defuse::label(format!("job `{job}' {text}").as_bytes(), buffer);
        buffer.push(b'\n');
    }
}

impl<W: Write> Observer for Trace<W> {
    fn event(&mut self, event: &Event<'_>) {
        if self.sink.lost() {
            return;
        }
        match *event {
            Event::Output { .. } => return,
            Event::RunStarted { slots } => self.say(format_args!("run started: {slots}")),
            Event::Sleeping { job, why } => {
                self.say_of(job.name, format_args!("sleeps: {why}"));
            }
            Event::Started { job, pid, log } => {
                self.say_of(job.name, format_args!("started as process {pid}, {}", Log(log)));
            }
            Event::Leaked { job, holders } => {
                self.say_of(job.name, format_args!("has ended, {}", Leak(holders)));
            }
            Event::Finished { job, outcome, run: None } => {
                self.say_of(job.name, format_args!("finished: {outcome}"));
            }
            Event::Finished { job, outcome, run: Some(run) } => {
                self.say_of(job.name, format_args!("finished: {outcome}; {}", Usage(run)));
            }
            Event::Retrying { job, failure, tries, delay, run } => {
                let retry = Retry { failure, tries, delay };
                match run {
                    Some(run) => self.say_of(job.name, format_args!("{retry}; {}", Usage(run))),
                    None => self.say_of(job.name, retry),
                }
            }
            Event::HeldBack { reason, ready } => self.say(HeldBack { reason, ready }),
            Event::Warning { message } => self.say(format_args!("warning: {message}")),
            Event::Interrupted { signal, running, grace } => {
                self.say(Interruption { signal, running, grace });
            }
            Event::Status { status } => self.say(status),
            Event::Stalled { stall } => self.say(stall),
            Event::RunFinished { summary } => self.say(format_args!("run finished: {summary}")),
        }
        if let Event::RunFinished { .. } = event {
            self.sink.flush();
        } else {
            self.sink.send();
        }
    }
}

struct Log<'a>(Option<&'a Path>);

impl Display for Log<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(path) => write!(f, "log {}", path.display()),
            None => f.write_str("no log"),
        }
    }
}

struct Usage<'a>(&'a RunInfo);

impl Display for Usage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RunInfo { elapsed, user, system, peak_memory, log: _ } = self.0;
        // Rounded to tenths of a MiB, without floating point.
        let tenths = (u128::from(*peak_memory) * 10 + (1 << 19)) >> 20;
        write!(
            f,
            "{:.3} s, user {:.3} s, system {:.3} s, peak memory {}.{} MiB",
            elapsed.as_secs_f64(),
            user.as_secs_f64(),
            system.as_secs_f64(),
            tenths / 10,
            tenths % 10
        )
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::event::{Process, Stream, Why};
    use crate::job::{Failure, Outcome};
    use crate::report::testing::{feed, finished, finished_after, job, output, run, summary};

    fn trace<'a>(events: impl IntoIterator<Item = Event<'a>>) -> String {
        let mut trace = Trace::new(Vec::new());
        feed(&mut trace, events);
        assert!(!trace.output_lost());
        String::from_utf8(trace.into_inner()).unwrap()
    }

    #[test]
    fn every_event_but_output_has_its_line() {
        let run = run("log/a-2025-11-22#1");
        let summary = summary();
        let holders = [Process { pid: 7, name: "sleep".to_owned() }];
        let text = trace([
            Event::RunStarted { slots: "4 slots of our own" },
            Event::Sleeping { job: job("b"), why: Why::new(&"waiting for job `a'") },
            Event::Started { job: job("a"), pid: 42, log: Some(Path::new("log/a-2025-11-22#1")) },
            Event::Started { job: job("c"), pid: 43, log: None },
            output("a", Stream::Stdout, "x\n"),
            Event::Leaked { job: job("a"), holders: &holders },
            finished_after("a", &Outcome::Succeeded { tries: 1 }, &run),
            finished("c", &Outcome::Failed { failure: Failure::Exit(1), tries: 1 }),
            Event::Warning { message: "beware" },
            Event::Interrupted { signal: 15, running: 0, grace: Duration::ZERO },
            Event::RunFinished { summary: &summary },
        ]);
        assert_eq!(
            text,
            format!(
                ";; run started: 4 slots of our own\n\
                 ;; job `b' sleeps: waiting for job `a'\n\
                 ;; job `a' started as process 42, log log/a-2025-11-22#1\n\
                 ;; job `c' started as process 43, no log\n\
                 ;; job `a' has ended, output still held open by process 7 (sleep); \
                 what it writes from now on is lost\n\
                 ;; job `a' finished: succeeded; 61.250 s, user 1.500 s, system 0.250 s, \
                 peak memory 12.0 MiB\n\
                 ;; job `c' finished: exit status 1\n\
                 ;; warning: beware\n\
                 ;; interrupted by SIGTERM: no job is running\n\
                 ;; run finished: {summary}\n"
            )
        );
    }

    #[test]
    fn no_name_can_make_a_line_of_its_own_or_act_on_the_terminal() {
        let text = trace([Event::Sleeping { job: job("a\n;; b\u{1b}c"), why: Why::new(&"x") }]);
        assert_eq!(text, ";; job `a^J;; b^[c' sleeps: x\n");
    }

    #[test]
    fn a_text_of_several_lines_is_marked_on_each() {
        let mut trace = Trace::new(Vec::new());
        trace.say("first\n  second\n");
        trace.sink.send();
        assert_eq!(trace.into_inner(), b";; first\n;;   second\n");
    }
}
