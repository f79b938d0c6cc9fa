//! Where a report goes: a buffer in front of a writer that may fail. Doesn't know what is reported.

use std::fmt;
use std::io::{self, Write};

/// As much is collected before it is written.
const FULL: usize = 64 * 1024;

/// A buffer for the text of one event, and a writer.
///
/// The first error of the writer is said on standard error; from then on everything is dropped.
pub(super) struct Sink<W, C = io::Stderr> {
    writer: W,
    buffer: Vec<u8>,
    lost: bool,
    /// What is said after "cannot write ", and what after the error.
    names: (&'static str, &'static str),
    /// The name of the program, a colon and a space; empty if the program is not named.
    program: String,
    complaints: C,
}

impl<W: Write> Sink<W> {
    /// A sink that says on an error: "cannot write `what`: error; `consequence`".
    pub(super) fn new(writer: W, what: &'static str, consequence: &'static str) -> Self {
        Self::with_complaints(writer, (what, consequence), io::stderr())
    }
}

impl<W: Write, C: Write> Sink<W, C> {
    fn with_complaints(writer: W, names: (&'static str, &'static str), complaints: C) -> Self {
        Self { writer, buffer: Vec::new(), lost: false, names, program: String::new(), complaints }
    }

    /// Names the program in front of what is said on an error.
    pub(super) fn set_program(&mut self, name: &str) {
        self.program = format!("{name}: ");
    }

    /// What messages begin with: the name of the program, a colon and a space, or nothing.
    pub(super) fn program(&self) -> &str {
        &self.program
    }

    /// What will be written next. To be added to.
    pub(super) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// Writes if enough has come together.
    pub(super) fn send_if_full(&mut self) {
        if self.buffer.len() >= FULL {
            self.send();
        }
    }

    /// Writes all that is in the buffer.
    pub(super) fn send(&mut self) {
        if !self.lost && !self.buffer.is_empty() {
            let result = self.writer.write_all(&self.buffer);
            self.note(result);
        }
        self.buffer.clear();
    }

    /// Writes all that is in the buffer and in the writer's own buffer.
    pub(super) fn flush(&mut self) {
        self.send();
        if !self.lost {
            let result = self.writer.flush();
            self.note(result);
        }
    }

    /// Whether something could not be written.
    pub(super) fn lost(&self) -> bool {
        self.lost
    }

    pub(super) fn into_inner(self) -> W {
        self.writer
    }

    fn note(&mut self, result: io::Result<()>) {
        if let Err(error) = result {
            self.lost = true;
            let (what, consequence) = self.names;
            // If this fails too, there is nobody left to tell.
            let Self { program, complaints, .. } = self;
            let _ = writeln!(complaints, "{program}cannot write {what}: {error}; {consequence}");
        }
    }
}

impl<W: fmt::Debug, C> fmt::Debug for Sink<W, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sink")
            .field("writer", &self.writer)
            .field("lost", &self.lost)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::Counting;
    use crate::testing::{close, pipe};

    fn sink<W: Write>(writer: W) -> Sink<W, Vec<u8>> {
        Sink::with_complaints(writer, ("output", "going on with the logs only"), Vec::new())
    }

    #[test]
    fn a_closed_pipe_is_said_once_and_everything_after_it_dropped() {
        let (reader, writer) = pipe();
        close(reader, &writer);
        let mut sink = sink(writer);
        assert!(!sink.lost());
        for _ in 0..3 {
            sink.buffer().extend(b"text\n");
            sink.send();
            assert!(sink.lost() && sink.buffer().is_empty());
        }
        sink.flush();
        assert_eq!(
            std::str::from_utf8(&sink.complaints).unwrap(),
            "cannot write output: Broken pipe (os error 32); going on with the logs only\n"
        );
    }

    #[test]
    fn a_program_that_is_named_says_itself_that_it_cannot_write() {
        let (reader, writer) = pipe();
        close(reader, &writer);
        let mut sink = sink(writer);
        sink.set_program("prog");
        sink.buffer().extend(b"text\n");
        sink.send();
        assert!(sink.complaints.starts_with(b"prog: cannot write output: Broken pipe"));
    }

    #[test]
    fn an_error_of_the_writers_own_buffer_counts() {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let mut sink = sink(io::BufWriter::new(full));
        sink.buffer().extend(b"text\n");
        sink.send();
        assert!(!sink.lost());
        sink.flush();
        assert!(sink.lost() && sink.complaints.starts_with(b"cannot write output: No space left"));
    }

    #[test]
    fn text_is_written_in_one_call_when_it_is_sent_or_much() {
        let mut sink = sink(Counting::default());
        sink.buffer().resize(FULL - 1, b'x');
        sink.send_if_full();
        assert_eq!(sink.writer.calls, 0);
        sink.buffer().push(b'x');
        sink.send_if_full();
        sink.send();
        assert_eq!((sink.writer.calls, sink.writer.bytes.len()), (1, FULL));
    }
}
