//! What came of the last work on a chroot. Does not know how failures are classed.
//!
//! Written by whoever holds the chroot's lock, at the end of the work. A run that was killed writes nothing: that its
//! work is unfinished can be seen by what it left.

use std::{fs, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::{Described, Place, StoreError, durable};
use crate::spec::OutcomeFailure;

/// The end of a job's work. `outcome.json` holds it as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Outcome {
    /// When it ended, in seconds since 1970.
    pub(crate) at: u64,
    /// How long it took, in seconds.
    pub(crate) took: u64,
    /// What it was to do.
    pub(crate) action: Action,
    /// Why it came to nothing; if nothing is here, it did not.
    pub(crate) failure: Option<OutcomeFailure>,
}

/// What a job set out to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Action {
    Create,
    Upgrade,
    /// Only to hand out what is there.
    HandOut,
    /// Not even begun: to look what its archive has. Kept with the archive.
    Look,
}

impl<R: Described> Place<R> {
    /// The last outcome, if there is one that can be read.
    pub(crate) fn outcome(&self) -> Option<Outcome> {
        serde_json::from_slice(&fs::read(self.outcome_path()).ok()?).ok()
    }

    /// Keeps an outcome. Not synced: it is a report, and nothing is decided by it.
    pub(crate) fn put_outcome(&self, outcome: &Outcome) -> Result<(), StoreError> {
        let path = self.outcome_path();
        let json = serde_json::to_vec_pretty(outcome)
            .map_err(|error| StoreError::Write { path: path.clone(), source: error.into() })?;
        durable::replace(&path, &json)
    }

    fn outcome_path(&self) -> PathBuf {
        self.dir.join("outcome.json")
    }
}
