//! Tests with real processes: what the crate promises about children, their output, descriptors,
//! tokens and signals, seen from outside. The logic is tested next to the code.
//!
//! Each module has a topic. `harness` makes a test a few lines; `host` has the programs that tests
//! need around a scheduler, played by this test binary itself. Nobody waits by sleeping: a test
//! waits for a line, for the end of a process, or for the end of file of a fifo that it holds open.
#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod capture;
mod children;
mod descriptors;
mod harness;
mod history;
mod host;
mod idle;
mod limits;
mod load;
mod logs;
mod make;
mod programs;
mod screen;
mod signals;
mod sleepers;
mod terminal;
mod time_limits;
mod tokens;
