//! What the tests of the reports share: events, and the one place that makes the scheduler's types.

use std::io::{self, Write};
use std::time::Duration;

use crate::event::{Event, JobRef, Observer, RunInfo, Stream};
use crate::job::{JobId, Outcome};
use crate::summary::Summary;

/// A job; its id is made of its name.
pub(super) fn job(name: &str) -> JobRef<'_> {
    let id = name.bytes().fold(0, |id: u32, byte| id.wrapping_mul(31).wrapping_add(byte.into()));
    JobRef { id: JobId(id), name }
}

pub(super) fn output<'a>(name: &'a str, stream: Stream, text: &'a str) -> Event<'a> {
    Event::Output { job: job(name), stream, text: text.as_bytes() }
}

pub(super) fn finished<'a>(name: &'a str, outcome: &'a Outcome) -> Event<'a> {
    Event::Finished { job: job(name), outcome, run: None }
}

pub(super) fn finished_after<'a>(
    name: &'a str,
    outcome: &'a Outcome,
    run: &'a RunInfo,
) -> Event<'a> {
    Event::Finished { job: job(name), outcome, run: Some(run) }
}

pub(super) fn run(log: &str) -> RunInfo {
    RunInfo {
        elapsed: Duration::from_millis(61_250),
        user: Duration::from_millis(1500),
        system: Duration::from_micros(250_001),
        peak_memory: 12 * 1024 * 1024,
        log: Some(log.into()),
    }
}

pub(super) fn summary() -> Summary {
    Summary { succeeded: 3, failed: 1, wall: Duration::from_millis(1500), ..Summary::default() }
}

/// Hands these events to an observer.
pub(super) fn feed<'a>(observer: &mut impl Observer, events: impl IntoIterator<Item = Event<'a>>) {
    for event in events {
        observer.event(&event);
    }
}

/// A writer that counts how often it is called.
#[derive(Debug, Default)]
pub(super) struct Counting {
    pub(super) calls: usize,
    pub(super) bytes: Vec<u8>,
}

impl Write for Counting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.calls += 1;
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
