//! What is remembered of each job from run to run: how long it takes, and how much memory. Doesn't
//! know what that is good for, nor what a job is: a name has run for so long.
//!
//! It is an aid and never in the way: whatever is wrong with the file, the run goes on with what
//! could be read, and the user is told once.
//!
//! # The file
//!
//! Text, a line a [`record`], appended in batches: the last line of a name counts. It is rewritten
//! without the dead lines when it has grown to twice its size, so that appending costs a constant
//! more. [`mod@file`] says how it stays whole when processes are killed, or several at work.
//!
//! It is bounded: 100,000 names, the newest of them, and 24 MiB after a rewrite, twice that before
//! it, also within a run of any number of jobs. In memory there are at most 200,000 names at 40 bytes.
//!
//! Lines that are not records, in a file that was not merely cut off at the end of a batch, make it
//! a damaged one: with the first batch of this run it is replaced by what is readable of it, and is
//! kept as `NAME.damaged`, `NAME.damaged.2` and so on up to 9. Nothing is changed by reading it, so
//! that a dry run leaves it as it is.

use std::path::{Path, PathBuf};
use std::time::Duration;

mod error;
mod file;
mod record;
mod table;
#[cfg(test)]
mod tests;

pub(crate) use error::HistoryError;
use record::Record;
use table::Table;

/// How much is kept.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    /// Names in the file after a rewrite, and half of those in memory.
    records: usize,
    /// Bytes in the file after a rewrite, and half of those before it.
    bytes: u64,
    /// Bytes that a file may grow by before it is worth a rewrite.
    slack: u64,
    /// Bytes of records that are written at once.
    batch: usize,
}

const BOUNDS: Bounds =
    Bounds { records: 100_000, bytes: 24 * 1024 * 1024, slack: 64 * 1024, batch: 64 * 1024 };

impl Bounds {
    /// The size at which a file with so many bytes of live records is rewritten.
    fn rewrite_at(&self, live: u64) -> u64 {
        live.saturating_mul(2).saturating_add(self.slack).min(2 * self.bytes)
    }

    /// The size that no file of ours has.
    fn too_large(&self) -> u64 {
        3 * self.bytes
    }
}

/// What earlier runs have left, with what this one adds.
#[derive(Debug)]
pub(crate) struct History {
    path: PathBuf,
    bounds: Bounds,
    table: Table,
    /// Lines that are yet to be written.
    batch: Vec<u8>,
    /// The file is to be rewritten before anything is appended.
    is_due: bool,
    rewrite_at: u64,
    /// Something is wrong with the file, and it is left alone for the rest of the run.
    is_off: bool,
    error: Option<HistoryError>,
}

impl History {
    /// Reads what is in the file of that name, if there is one, and changes nothing.
    ///
    /// The second value is for the user: the file can't be read, or is damaged and what will become
    /// of it.
    pub(crate) fn open(path: &Path) -> (Self, Option<String>) {
        Self::with_bounds(path, BOUNDS)
    }

    fn with_bounds(path: &Path, bounds: Bounds) -> (Self, Option<String>) {
        let mut history = Self {
            path: path.to_owned(),
            bounds,
            table: Table::new(bounds.records),
            batch: Vec::new(),
            is_due: false,
            rewrite_at: bounds.rewrite_at(0),
            is_off: false,
            error: None,
        };
        let note = history.load();
        (history, note)
    }

    fn load(&mut self) -> Option<String> {
        let path = self.path.display();
        let contents = match file::read(&self.path, self.bounds.too_large()) {
            Ok(contents) => contents?,
            Err(error) => {
                self.is_off = true;
                return Some(format!("the run goes without the job history `{path}': {error}"));
            }
        };
        let tally = contents.read(|Record { name, wall, peak_memory }, _| {
            self.table.set(&name, wall, peak_memory);
        });
        let live = self.table.len() as u64 * contents.end() / (tally.records as u64).max(1);
        self.rewrite_at = self.bounds.rewrite_at(live.min(contents.end()));
        self.is_due = tally.damaged > 0 || contents.end() >= self.rewrite_at;
        let what = match tally {
            record::Tally { damaged: 0, .. } => return None,
            record::Tally { other_version: true, .. } => "is of another version".to_owned(),
            record::Tally { damaged, records, .. } => {
                format!("is damaged ({damaged} bad lines, {records} good ones)")
            }
        };
        let fate = match file::next_damaged(&self.path) {
            Some(aside) => format!("will be kept as `{}'", aside.display()),
            None => "will not be kept: too many such files are there".to_owned(),
        };
        Some(format!(
            "the job history `{path}' {what}; a new one gets what is good of it, and the old one {fate}"
        ))
    }

    /// How long the job of that name is likely to run.
    pub(crate) fn expected(&self, name: &str) -> Option<Duration> {
        Some(self.table.get(&record::shortened(name))?.wall)
    }

    /// How many bytes of memory it is likely to need.
    pub(crate) fn peak_memory(&self, name: &str) -> Option<u64> {
        let estimate = self.table.get(&record::shortened(name))?;
        Some(estimate.peak_memory).filter(|&bytes| bytes > 0)
    }

    /// Takes in a run of a job that has succeeded. Zero memory is no measurement.
    ///
    /// Once in about a thousand times this writes a batch, and once in about a hundred thousand
    /// rewrites the file. That it failed is told by [`flush`](Self::flush).
    pub(crate) fn record(&mut self, name: &str, wall: Duration, peak_memory: u64) {
        let name = record::shortened(name);
        let estimate = self.table.add(&name, wall, peak_memory);
        if self.is_off {
            return;
        }
        let record = Record { name, wall: estimate.wall, peak_memory: estimate.peak_memory };
        record::write(&mut self.batch, &record);
        if self.batch.len() >= self.bounds.batch {
            self.write();
        }
    }

    /// Writes what has gathered. After that it is there even if this process is killed, though not if
    /// the machine is.
    ///
    /// The first error of the run is told, and only once. Nothing more is written after it.
    pub(crate) fn flush(&mut self) -> Result<(), HistoryError> {
        if !self.batch.is_empty() {
            self.write();
        }
        self.error.take().map_or(Ok(()), Err)
    }

    fn write(&mut self) {
        let mut batch = std::mem::take(&mut self.batch);
        if let Err(error) = self.put(&batch) {
            self.is_off = true;
            self.error = Some(error);
            return;
        }
        batch.clear();
        self.batch = batch;
    }

    fn put(&mut self, batch: &[u8]) -> Result<(), HistoryError> {
        if self.is_due {
            self.rewrite()?;
        }
        let size = file::append(&self.path, batch)
            .map_err(|source| HistoryError::Append { path: self.path.clone(), source })?;
        if size >= self.rewrite_at {
            self.rewrite()?;
        }
        Ok(())
    }

    fn rewrite(&mut self) -> Result<(), HistoryError> {
        let Bounds { records, bytes, .. } = self.bounds;
        let size = file::rewrite(&self.path, records, bytes, self.bounds.too_large())
            .map_err(|source| HistoryError::Rewrite { path: self.path.clone(), source })?;
        // If somebody else is at it, nothing is left to do.
        self.is_due = false;
        if let Some(size) = size {
            self.rewrite_at = self.bounds.rewrite_at(size);
        }
        Ok(())
    }
}
