//! Reports: observers that write down what happens in a run, for people ([`Plain`], [`Trace`]) or
//! for programs ([`JsonLines`]). They know events and nothing of how these came about.
//!
//! A report that can't be written costs no job: the first error is said on standard error, and the
//! rest is dropped. Each report tells afterwards whether that happened.

mod json;
mod plain;
mod sink;
#[cfg(test)]
mod testing;
mod trace;
mod unbuffered;
mod words;

pub use json::JsonLines;
pub use plain::Plain;
pub use trace::Trace;
pub use unbuffered::Unbuffered;
