//! What becomes of a job's output: bytes to lines, lines to a log file, a tail, or a screen.
//! Doesn't know where the bytes come from, nor anything of processes and scheduling.
//!
//! ```text
//! chunks of bytes -> Assembler -> text -> LogFile       raw, marked by stream
//!                                      -> Event::Output -> Tail, defuse  (in `report`)
//! ```
//!
//! *Text* is what [`Event::Output`](crate::event::Event::Output) documents: lines that end with a
//! newline, but for the last one if it is a piece of a very long line or the end of a stream.

mod assembler;
pub(crate) mod defuse;
mod log;
mod name;
mod tail;
#[cfg(test)]
pub(crate) mod testing;

pub(crate) use assembler::Assembler;
pub(crate) use log::{LogDir, LogFile};
pub(crate) use tail::Tail;

/// The lines of a text with their newlines; the last one may lack it.
pub(crate) fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut start = 0;
    let rest = memchr::memrchr(b'\n', text).map_or(0, |last| last + 1);
    memchr::memchr_iter(b'\n', text)
        .map(move |newline| {
            let line = &text[start..=newline];
            start = newline + 1;
            line
        })
        .chain((rest < text.len()).then(|| &text[rest..]))
}
